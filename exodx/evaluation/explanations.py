"""What the SHAP values of a cohort say as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from exodx.frozen import DiagnosticModel, Explanation, Features
from exodx.frozen.encoding import ND

MIN_CORRELATION = 0.3
"""A weaker rank correlation of value and SHAP is no direction."""


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """One feature over a cohort.

    Parameters
    ----------
    feature : str
    mean_abs_shap : float
        Mean absolute contribution to the log-odds.
    share : float
        Its part of the sum over features.
    direction : str
        ``up`` when higher values push towards positive (by rank correlation of value and SHAP), ``down``;
        ``none`` where it is mixed.
    declared : str
        Direction the panel declares; empty where it declares none.
    """

    feature: str
    mean_abs_shap: float
    share: float
    direction: str
    declared: str


def summarise_explanation(model: DiagnosticModel, explanation: Explanation, features: Features) -> tuple[FeatureSummary, ...]:
    """Summarise explanations over specimens, the most important feature first."""
    scored = np.isfinite(explanation.values).all(axis=1)
    shap, values = explanation.values[scored], features.values[scored]
    importance = np.abs(shap).mean(axis=0)
    total = float(importance.sum()) or 1.0
    declared = {a.name: a.direction or "" for a in model.panel.analytes}
    summaries = [
        FeatureSummary(
            feature=name,
            mean_abs_shap=float(importance[j]),
            share=float(importance[j]) / total,
            direction=direction(values[:, j], shap[:, j]),
            declared=declared.get(name.removesuffix(ND), "") if not name.endswith(ND) else "",
        )
        for j, name in enumerate(explanation.features)
    ]
    return tuple(sorted(summaries, key=lambda s: (-s.mean_abs_shap, s.feature)))


def direction(values: np.ndarray, shap: np.ndarray) -> str:
    """Return where higher values push, ``up``, ``down`` or ``none``, by the rank correlation of value and SHAP of shape (n,)."""
    known = ~np.isnan(values)
    if known.sum() < 3 or np.ptp(values[known]) == 0 or np.ptp(shap[known]) == 0:
        return "none"
    correlation = np.corrcoef(rankdata(values[known]), rankdata(shap[known]))[0, 1]
    if abs(correlation) < MIN_CORRELATION:
        return "none"
    return "up" if correlation > 0 else "down"

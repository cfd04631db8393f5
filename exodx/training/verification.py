"""The compiled forest against XGBoost itself, before a model is accepted."""

from __future__ import annotations

import numpy as np
import xgboost
from numpy.typing import NDArray

from exodx.errors import ModelRefused, Problem
from exodx.frozen import Forest
from exodx.frozen.linear import linear_terms

TOLERANCE = 1e-5
"""Of margins and SHAP values: XGBoost sums in float32, the compiled forest is nearer to the float64 truth."""
PROBES = 48
MISSING_SHARE = 0.1


def verify_forest(forest: Forest, booster: xgboost.Booster) -> None:
    """Compare margins and SHAP values at the thresholds, just below them, away from them, and with values missing.

    Raises
    ------
    ModelRefused
        When a margin or SHAP value differs by more than ``TOLERANCE``, relative where the margin is above 1.
    """
    rows = probe_rows(forest)
    matrix = xgboost.DMatrix(rows, missing=np.nan, nthread=1)
    margin = booster.predict(matrix, output_margin=True).astype(np.float64)
    contributions = booster.predict(matrix, pred_contribs=True).astype(np.float64)
    if forest.linear is not None:
        terms = np.column_stack(list(linear_terms(forest.linear, rows)))
        margin += terms.sum(axis=1) + forest.linear.intercept[0]
        contributions += np.column_stack([terms, np.full(len(rows), forest.linear.intercept[0])])
    expected = np.column_stack([contributions, margin])
    found = np.column_stack([*forest.contributions(rows), forest.margin(rows)])
    worst = np.abs(found - expected).max(initial=0) / max(1.0, float(np.abs(margin).max(initial=0)))
    if not worst <= TOLERANCE:
        text = f"margins or SHAP values differ from XGBoost {xgboost.__version__} by {worst:.2g}"
        fix = "Report this with the model; install a version of XGBoost that exodx was tried with (2.1 to 3.4)."
        raise ModelRefused(Problem("COMPILED_DIFFERS", "compiled.npz", text, fix))


def probe_rows(forest: Forest) -> NDArray[np.float64]:
    """Return rows on which wrong compares would show, shape (49, k); the last one has every value missing."""
    rng = np.random.default_rng(0)
    splits = forest.compiled.parts.splits
    rows = rng.normal(size=(PROBES + 1, forest.n_features))
    for feature in np.unique(splits.feature):
        at = splits.threshold[splits.feature == feature]
        chosen = rng.choice(at[np.isfinite(at)], PROBES + 1) if np.isfinite(at).any() else np.zeros(PROBES + 1, np.float32)
        below = np.nextafter(chosen, np.float32(-np.inf))
        away = chosen + rng.normal(size=PROBES + 1).astype(np.float32) * (1 + np.abs(chosen))
        rows[:, feature] = np.choose(rng.integers(0, 3, PROBES + 1), [chosen, below, away])
    rows[rng.random(rows.shape) < MISSING_SHARE] = np.nan
    rows[-1] = np.nan
    return rows

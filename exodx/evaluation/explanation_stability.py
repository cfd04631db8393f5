"""How far the SHAP values move when the procedure is repeated: every outer fold's model explains the specimens it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from exodx.evaluation.explanations import direction
from exodx.stats import Estimate, selection_stability
from exodx.training import HeldExplanation

Floats = NDArray[np.float64]

TOP = 5
"""Features counted as the top, or half of them (rounded up) where there are fewer than ten: of all, all are always chosen."""

RANGE = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class FeatureStability:
    """One feature over the outer folds' models; where a model does not have it, it contributes 0.

    Parameters
    ----------
    feature : str
    mean_abs_shap, lower, upper : float
        Mean |SHAP| of held-out specimens, averaged over folds, and its 2.5 and 97.5 % quantiles over folds.
    best_rank, worst_rank : int
        1 is the most important; features without contribution share the rank after the last that has one.
    top : float
        Share of folds in which it is among the top and contributes.
    used : float
        Share of folds in which it contributes at all.
    direction : str
        ``up``, ``down`` or ``none``: the one found most often in folds that use it.
    agree : float or None
        Share of the folds that use it in which it has that direction; None where none uses it.
    """

    feature: str
    mean_abs_shap: float
    lower: float
    upper: float
    best_rank: int
    worst_rank: int
    top: float
    used: float
    direction: str
    agree: float | None


@dataclass(frozen=True, slots=True)
class ExplanationStability:
    """How much of an explanation stays when other specimens are learned from.

    Parameters
    ----------
    folds : int
        Outer folds over all repeats.
    top : int
        How many features count as the top.
    rank_correlation : float or None
        Mean Spearman's ρ of mean |SHAP| over pairs of folds, among features that any fold uses: 1 is always the same ranking.
        None where fewer than two folds or features can be compared.
    top_stability : Estimate
        Nogueira's, of the sets of top features; 1 is always the same set, 0 what chance would give.
    features : tuple of FeatureStability
        The most important first.
    """

    folds: int
    top: int
    rank_correlation: float | None
    top_stability: Estimate
    features: tuple[FeatureStability, ...]

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> ExplanationStability:
        """Rebuild from plain types."""
        features = tuple(FeatureStability(**f) for f in state["features"])
        return cls(**{**state, "top_stability": Estimate(**state["top_stability"]), "features": features})


def explanation_stability(folds: Sequence[HeldExplanation]) -> ExplanationStability | None:
    """Compare the outer folds' explanations; None where no fold has one.

    Parameters
    ----------
    folds : sequence of HeldExplanation, length F
        Their features may differ (a transform drops what is not measured); they are matched by name.

    References
    ----------
    Nogueira, Sechidis and Brown, JMLR 2018;18(174), 10.5555/3122009.3242031.
    """
    folds = [fold for fold in folds if len(fold.shap)]
    names = sorted({name for fold in folds for name in fold.features})
    if not names:
        return None
    importance, directions = np.zeros((len(folds), len(names))), np.full((len(folds), len(names)), "none", object)
    place = {name: j for j, name in enumerate(names)}
    for f, fold in enumerate(folds):
        columns = [place[name] for name in fold.features]
        importance[f, columns] = np.abs(fold.shap).mean(axis=0)
        directions[f, columns] = [direction(v, s) if s.any() else "none" for v, s in zip(fold.values.T, fold.shap.T, strict=True)]
    top = min(TOP, (len(names) + 1) // 2)
    ranks = rankdata(-importance, method="min", axis=1).astype(int)
    selected = _top_sets(importance, top)
    summaries = [_feature(name, importance[:, j], ranks[:, j], selected[:, j], directions[:, j]) for j, name in enumerate(names)]
    return ExplanationStability(
        folds=len(folds),
        top=top,
        rank_correlation=_rank_correlation(importance),
        top_stability=_top_stability(selected),
        features=tuple(sorted(summaries, key=lambda s: (-s.mean_abs_shap, s.feature))),
    )


def _top_sets(importance: Floats, top: int) -> NDArray[np.bool_]:
    """Return which features each fold puts at the top, shape (F, k); of equal ones the first by name, none without contribution."""
    first = np.argsort(-importance, axis=1, kind="stable")[:, :top]
    selected = np.zeros(importance.shape, bool)
    np.put_along_axis(selected, first, values=True, axis=1)
    return selected & (importance > 0)


def _feature(
    name: str, importance: Floats, ranks: NDArray[np.int_], selected: NDArray[np.bool_], directions: NDArray[np.object_]
) -> FeatureStability:
    used = importance > 0
    found = directions[used].tolist()
    most = max(("up", "down", "none"), key=found.count) if found else "none"
    lower, upper = np.quantile(importance, RANGE)
    return FeatureStability(
        feature=name,
        mean_abs_shap=float(importance.mean()),
        lower=float(lower),
        upper=float(upper),
        best_rank=int(ranks.min()),
        worst_rank=int(ranks.max()),
        top=float(selected.mean()),
        used=float(used.mean()),
        direction=most,
        agree=found.count(most) / len(found) if found else None,
    )


def _rank_correlation(importance: Floats) -> float | None:
    """Return the mean Spearman's ρ over pairs of folds; a fold that ranks nothing has none."""
    used = importance[:, (importance > 0).any(axis=0)]
    if used.shape[1] < 2:
        return None
    ranks = rankdata(used, axis=1)
    ranks = ranks[np.ptp(ranks, axis=1) > 0]
    if len(ranks) < 2:
        return None
    rho = np.corrcoef(ranks)
    return float(rho[np.triu_indices(len(ranks), 1)].mean())


def _top_stability(selected: NDArray[np.bool_]) -> Estimate:
    if len(selected) < 2:
        return Estimate("selection_stability", None, None, None, n=len(selected), reason="only one fold could be learned from")
    return selection_stability(selected.astype(int))

"""How many analytes are needed: AUC by panel size, the smallest panel as good, how stable the choice is, what is redundant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import rankdata

from exodx.cohort import Cohort
from exodx.frozen import Features
from exodx.frozen.encoding import ND
from exodx.stats import Estimate, auc_cross_validated, selection_stability
from exodx.training import SizeRuns

Floats = NDArray[np.float64]

REDUNDANT = 0.8
"""Features whose ranks correlate more strongly say nearly the same."""

FEW_PAIRS, MOST_CHOSEN = 10, 13
SE_OF_WIDTH = 2 * 1.959964


@dataclass(frozen=True, slots=True)
class PanelSize:
    """Panels of one size.

    Parameters
    ----------
    size : int
        Analytes.
    auc : Estimate
        Of held-out specimens.
    stability : Estimate
        Nogueira's, of which analytes the folds put in the panel.
    chosen : tuple of (str, float)
        The analytes chosen most often and the share of folds that chose them, as many as the size, at most 13.
    """

    size: int
    auc: Estimate
    stability: Estimate
    chosen: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class PanelCurve:
    """Performance against panel size.

    Parameters
    ----------
    sizes : tuple of PanelSize
        The whole panel last.
    minimal : int or None
        The smallest size whose AUC is within one standard error of the best (Breiman's rule); None where no AUC has an interval.
    groups : tuple of tuple of str
        Features that are redundant: chains of |Spearman's ρ| above .8.
    """

    sizes: tuple[PanelSize, ...]
    minimal: int | None
    groups: tuple[tuple[str, ...], ...]

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> PanelCurve:
        """Rebuild from plain types."""
        sizes = tuple(
            PanelSize(
                s["size"], Estimate(**s["auc"]), Estimate(**s["stability"]), tuple((name, share) for name, share in s["chosen"])
            )
            for s in state["sizes"]
        )
        return cls(sizes, state["minimal"], tuple(tuple(group) for group in state["groups"]))


def panel_curve(cohort: Cohort, features: Features, runs: SizeRuns) -> PanelCurve:
    """Estimate performance against panel size from held-out specimens.

    Parameters
    ----------
    cohort : Cohort, n specimens
    features : Features
        Of the same specimens; only for what is redundant.
    runs : SizeRuns
    """
    scored = np.asarray(np.isfinite(runs.margin).all(axis=(0, 1)))
    y, folds, subjects = cohort.y[scored], runs.folds[:, scored], cohort.subjects[scored]
    sizes = []
    for k, margin in zip(runs.sizes, runs.margin, strict=True):
        names, selected = _selected(runs.rankings, k)
        share = selected.mean(axis=0)
        order = sorted(range(len(names)), key=lambda j: (-share[j], names[j]))[: min(k, MOST_CHOSEN)]
        sizes.append(
            PanelSize(
                size=k,
                auc=auc_cross_validated(y, margin[:, scored], folds, subjects, name="auc"),
                stability=_stability(selected),
                chosen=tuple((names[j], float(share[j])) for j in order),
            )
        )
    return PanelCurve(tuple(sizes), minimal_size(sizes), redundant_groups(features))


def minimal_size(sizes: Sequence[PanelSize]) -> int | None:
    """Return the smallest size whose AUC is no more than one standard error below the best; None without intervals.

    The standard error is a quarter of the 95 % interval's width, nearly (1/3.92).
    """
    known = [(s.size, s.auc.value, s.auc.lower, s.auc.upper) for s in sizes]
    usable = [
        (size, v, (u - low) / SE_OF_WIDTH) for size, v, low, u in known if v is not None and low is not None and u is not None
    ]
    if not usable:
        return None
    _, best, se = max(usable, key=lambda entry: entry[1])
    return min(size for size, value, _ in usable if value >= best - se)


def redundant_groups(features: Features) -> tuple[tuple[str, ...], ...]:
    """Return groups of features joined by |Spearman's ρ| > .8, single linkage, the largest first; marks of detection take no part.

    Ranks are those among the known values of a feature; a blank counts as the middle rank.

    Parameters
    ----------
    features : Features, n specimens
    """
    names = [name for name in features.names if not name.endswith(ND)]
    values = features.values[:, [features.names.index(name) for name in names]]
    usable = [
        j for j, column in enumerate(values.T) if np.isfinite(column).sum() >= FEW_PAIRS and np.nanmax(column) > np.nanmin(column)
    ]
    if len(usable) < 2:
        return ()
    ranks = np.column_stack([_centred_ranks(values[:, j]) for j in usable])
    rho = ranks.T @ ranks
    _, of = connected_components(csr_array(np.abs(rho) > REDUNDANT), directed=False)
    groups = [tuple(names[usable[j]] for j in np.flatnonzero(of == g)) for g in np.flatnonzero(np.bincount(of) > 1)]
    return tuple(sorted(groups, key=lambda group: (-len(group), group)))


def _centred_ranks(column: Floats) -> Floats:
    """Return ranks of mean 0 and length 1; 0 where there is no value."""
    known = np.isfinite(column)
    ranks = np.zeros(len(column))
    ranks[known] = rankdata(column[known])
    ranks[known] -= ranks[known].mean()
    unit: Floats = ranks / np.linalg.norm(ranks)
    return unit


def _selected(rankings: Sequence[tuple[str, ...]], k: int) -> tuple[list[str], NDArray[np.intp]]:
    """Return all analytes, and which of them each fold puts in its panel of size k, shape (folds, analytes)."""
    names = sorted({name for ranking in rankings for name in ranking})
    return names, np.array([[name in top for name in names] for top in (set(ranking[:k]) for ranking in rankings)], np.intp)


def _stability(selected: NDArray[np.intp]) -> Estimate:
    if len(selected) < 2:
        return Estimate("selection_stability", None, None, None, n=len(selected), reason="only one fold could be learned from")
    return selection_stability(selected)

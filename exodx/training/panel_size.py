"""What fewer analytes would do: in every outer fold they are ranked by its training part alone, and trees grown on the top k."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort
from exodx.cohort.splits import training_rows
from exodx.errors import InputRefused
from exodx.frozen import FrozenTransform
from exodx.panel import StudyPlan
from exodx.training.fold_store import NOT_KEPT, FoldStore
from exodx.training.outer import run_folds
from exodx.training.procedure import Combined, Fitted, Prepared, fit_procedure, prepare

Floats = NDArray[np.float64]

SIZES = (1, 2, 3, 5, 8, 13, 21, 34)


@dataclass(frozen=True, slots=True)
class SizeRuns:
    """Held-out margins of models on the top k analytes, over R repeats of n specimens.

    Parameters
    ----------
    sizes : tuple of int, length K
        The last is all analytes.
    margin : ndarray, shape (K, R, n)
        Log-odds of the members together, not calibrated: comparable inside a fold. NaN where a specimen cannot be scored.
    folds : ndarray of int, shape (R, n)
    rankings : tuple of tuple of str
        Of each fold: its analytes (or log-ratios), the most important first.
    """

    sizes: tuple[int, ...]
    margin: Floats
    folds: NDArray[np.intp]
    rankings: tuple[tuple[str, ...], ...]


def panel_sizes(n_analytes: int) -> tuple[int, ...]:
    """Return the sizes that are tried, the whole panel last.

    >>> panel_sizes(10), panel_sizes(2)
    ((1, 2, 3, 5, 8, 10), (1, 2))
    """
    return (*(k for k in SIZES if k < n_analytes), n_analytes)


def run_panel_sizes(  # noqa: PLR0913
    cohort: Cohort,
    plan: StudyPlan,
    folds: NDArray[np.intp],
    n_analytes: int,
    jobs: int,
    tick: Callable[[], None],
    kept: FoldStore = NOT_KEPT,
) -> SizeRuns:
    """Fit and score panels of growing size in every outer fold.

    The procedure is run on the fold's training part; its analytes are ranked by mean |SHAP| there; the members it chose
    are fitted again on the top k, with their weights, and score the specimens held out. Nothing of these is seen before.

    Parameters
    ----------
    cohort : Cohort, n specimens
    plan : StudyPlan
    folds : ndarray of int, shape (R, n)
    n_analytes : int
        Of the whole panel, as :func:`analyte_units` counts them.
    jobs : int
        Folds fitted at a time; changes the time only.
    tick : callable
        Called after each fold.
    kept : FoldStore, optional
        Folds of an interrupted study.

    Raises
    ------
    InputRefused
        When no fold can be learned from.
    """
    sizes = panel_sizes(n_analytes)
    finished = kept.of(f"sizes {sizes}", cohort, plan, folds, ())
    results = run_folds(partial(_fold, cohort, plan, folds, sizes), folds, plan, jobs, tick, finished)
    margin = np.full((len(sizes), *folds.shape), np.nan)
    rankings = []
    for repeat, _, (held, scores, ranking) in results:
        margin[:, repeat, held] = scores
        rankings.append(ranking)
    return SizeRuns(sizes, margin, folds, tuple(rankings))


def analyte_units(transform: FrozenTransform) -> dict[str, list[int]]:
    """Return what can be left out by itself: each analyte with the columns of its features; log-ratios by their pair."""
    units: dict[str, list[int]] = {}
    for column, feature in enumerate(transform.names):
        units.setdefault(" / ".join(transform.analytes_of(feature)), []).append(column)
    return units


def _fold(
    cohort: Cohort, plan: StudyPlan, folds: NDArray[np.intp], sizes: tuple[int, ...], repeat: int, fold: int
) -> tuple[NDArray[np.intp], Floats, tuple[str, ...]] | InputRefused:
    held = np.flatnonzero(folds[repeat] == fold)
    train = cohort[training_rows(folds[repeat], fold, cohort.subjects)]
    try:
        data = prepare(train, plan)
    except InputRefused as refused:
        return refused
    fitted = fit_procedure(data, plan)
    units, ranking = analyte_units(data.transform), _ranking(data, fitted)
    scored = np.isfinite(fitted.margin(cohort.measurements[held]))
    features = data.transform.apply(cohort.measurements[held]).values
    scores = []
    for size in sizes:
        columns = sorted(column for name in ranking[:size] for column in units[name])
        within = data.restriction.within(columns)
        members = tuple(one.fit(data.features[:, columns], data.y, plan.seed, within) for one in fitted.chosen)
        combined = Combined(members, fitted.combined.weights)
        scores.append(np.where(scored, combined.margin(features[:, columns]), np.nan))
    return held, np.array(scores), ranking


def _ranking(data: Prepared, fitted: Fitted) -> tuple[str, ...]:
    """Return the analytes by mean |SHAP| over the training specimens, their features together; ties by name."""
    importance = np.abs(fitted.contributions(data.features)).mean(axis=0)
    total = {name: float(importance[columns].sum()) for name, columns in analyte_units(data.transform).items()}
    return tuple(sorted(total, key=lambda name: (-total[name], name)))

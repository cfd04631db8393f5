"""Validation by repeating the whole procedure: folds held out, everything relearned, held-out specimens scored once a repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort, stratified_folds
from exodx.cohort.splits import training_rows
from exodx.errors import InputRefused, Problem
from exodx.frozen import Measurements
from exodx.frozen.calibrator import probability
from exodx.frozen.measurements import BLOCKING
from exodx.panel import StudyPlan
from exodx.stats import auc_cross_validated
from exodx.training.benchmarks import BENCHMARKS, benchmark_scores
from exodx.training.fold_store import NOT_KEPT, FoldStore
from exodx.training.learning_curve import fewer_margins, stacked
from exodx.training.outer import run_folds
from exodx.training.panel_size import SizeRuns
from exodx.training.permutation import PermutedRuns, has_sites, permute_labels
from exodx.training.procedure import Fitted, fit_procedure, prepare

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FoldChoice:
    """What the procedure chose in one outer fold, from how many specimens that it could use, and the mean of its inner folds."""

    repeat: int
    fold: int
    shares: dict[str, float]
    threshold: float
    n_train: int
    references: tuple[str, ...]
    zone: tuple[float, float] | None = None
    n_usable: int | None = None
    n_fewer: float | None = None
    selected: tuple[str, ...] = ()
    criterion: str = ""


@dataclass(frozen=True, slots=True)
class HeldExplanation:
    """What one outer fold's model says of the m specimens that it never saw.

    Parameters
    ----------
    features : tuple of str, length k
        Of that fold's transform; other folds may have others.
    shap, values : ndarray, shape (m, k)
        SHAP values on the calibrated margin, and the values of the features; specimens that cannot be scored are left out.
    """

    features: tuple[str, ...]
    shap: Floats
    values: Floats


OuterFold = tuple[NDArray[np.intp], Floats, FoldChoice, dict[str, Floats], HeldExplanation, Floats]
"""Held-out rows, their margins, what was chosen, the benchmarks' scores, the explanation of those that were scored, and what the
members of inner folds give them."""


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Out-of-fold results of R repeats over n specimens.

    Parameters
    ----------
    design : str
        In words, as it is reported.
    folds : ndarray of int, shape (R, n)
    margin : ndarray, shape (R, n)
        Calibrated log-odds by models that never saw the specimen or its subject; NaN where it cannot be scored.
    positive : ndarray of bool, shape (R, n)
        Calls at the threshold each fold's training part chose.
    benchmarks : dict of str to ndarray, shape (R, n)
    choices : tuple of FoldChoice
    explanations : tuple of HeldExplanation
        Of the same folds.
    fewer : ndarray, shape (J, R, n), optional
        Log-odds, not calibrated, by the members of J inner folds, which learned from fewer specimens; NaN where there are none.
    """

    design: str
    folds: NDArray[np.intp]
    margin: Floats
    positive: NDArray[np.bool_]
    benchmarks: dict[str, Floats]
    choices: tuple[FoldChoice, ...]
    explanations: tuple[HeldExplanation, ...] = ()
    fewer: Floats | None = None


@dataclass(frozen=True, slots=True)
class Validation:
    """Everything a procedure was validated by.

    Parameters
    ----------
    random : CrossValidation
        Nested, repeated.
    by_site : CrossValidation, optional
        One site held out at a time; gives the headline where at least two sites can be evaluated.
    otherwise : CrossValidation, optional
        Of the first repeat's folds, with censored cells taken otherwise.
    sizes : SizeRuns, optional
        Panels of growing size, where they are asked for.
    temporal : CrossValidation, optional
        The later subjects held out (row 0), and forward-chaining blocks (rows after it), where the plan asks for it.
    permuted : PermutedRuns, optional
        The same with permuted labels, where the plan asks for it.
    compared : dict of str to CrossValidation
        On the same folds, without each restriction that the plan asks for; see :func:`exodx.training.released`.
    """

    random: CrossValidation
    by_site: CrossValidation | None = None
    otherwise: CrossValidation | None = None
    sizes: SizeRuns | None = None
    temporal: CrossValidation | None = None
    permuted: PermutedRuns | None = None
    compared: dict[str, CrossValidation] = field(default_factory=dict)


def repeated_folds(cohort: Cohort, plan: StudyPlan) -> NDArray[np.intp]:
    """Return the outer folds of each repeat, shape (repeats, n)."""
    return np.stack(
        [stratified_folds(cohort.y, cohort.subjects, plan.outer_folds, plan.seed + 1000 * (r + 1)) for r in range(plan.repeats)]
    )


def cross_validate(  # noqa: PLR0913
    cohort: Cohort,
    plan: StudyPlan,
    folds: NDArray[np.intp],
    design: str,
    jobs: int,
    tick: Callable[[], None],
    kept: FoldStore = NOT_KEPT,
) -> CrossValidation:
    """Run the whole procedure once for every outer fold.

    Parameters
    ----------
    cohort : Cohort, n specimens
    plan : StudyPlan
    folds : ndarray of int, shape (R, n)
        −1 takes no part, −2 is only learned from.
        A fold whose training part holds too little to learn from leaves its specimens unscored.
    design : str
    jobs : int
        Folds fitted at a time; changes the time only.
    tick : callable
        Called after each fold, for a progress bar.
    kept : FoldStore, optional
        Folds of an interrupted study.
    """
    finished = kept.of("nested", cohort, plan, folds, (FoldChoice, HeldExplanation))
    results = run_folds(partial(_outer_fold, cohort, plan, folds), folds, plan, jobs, tick, finished)
    margin = np.full(folds.shape, np.nan)
    positive = np.zeros(folds.shape, bool)
    benchmarks = {name: np.full(folds.shape, np.nan) for name in BENCHMARKS}
    choices, explanations, fewer = [], [], []
    for repeat, _, (held, scores, choice, others, explanation, less) in results:
        margin[repeat, held] = scores
        positive[repeat, held] = probability(scores) >= choice.threshold
        for name, values in others.items():
            benchmarks[name][repeat, held] = values
        choices.append(choice)
        explanations.append(explanation)
        fewer.append((repeat, held, less))
    curve = stacked(fewer, folds.shape)
    return CrossValidation(design, folds, margin, positive, benchmarks, tuple(choices), tuple(explanations), curve)


def validate_permuted(
    cohort: Cohort, plan: StudyPlan, random: CrossValidation, jobs: int, tick: Callable[[], None], kept: FoldStore = NOT_KEPT
) -> PermutedRuns:
    """Validate the whole procedure on the first repeat's folds, dealt anew for each of the plan's permutations of the labels.

    Parameters
    ----------
    cohort : Cohort
    plan : StudyPlan
        With ``permutations`` above 0.
    random : CrossValidation
        With the labels as they are.
    jobs, tick, kept
        As for :func:`cross_validate`.
    """
    aucs = np.full(plan.permutations, np.nan)
    for b in range(plan.permutations):
        dealt = permute_labels(cohort, plan.seed + 7919 * (b + 1))
        folds = repeated_folds(dealt, replace(plan, repeats=1))
        try:
            aucs[b] = _auc(dealt, cross_validate(dealt, plan, folds, "labels permuted", jobs, tick, kept))
        except InputRefused:
            continue
    if np.isnan(aucs).all():
        fix = "Leave the permutations out of the plan, or collect more subjects."
        raise InputRefused(Problem("TOO_FEW_SPECIMENS", "cohort", "nothing can be learned from permuted labels", fix))
    return PermutedRuns(_auc(cohort, random), aucs, has_sites(cohort))


def _auc(cohort: Cohort, found: CrossValidation) -> float:
    """Return the AUC of the first repeat; NaN where no fold scored both classes."""
    rows = np.isfinite(found.margin[0])
    estimate = auc_cross_validated(cohort.y[rows], found.margin[:1, rows], found.folds[:1, rows], cohort.subjects[rows])
    return np.nan if estimate.value is None else estimate.value


def _outer_fold(cohort: Cohort, plan: StudyPlan, folds: NDArray[np.intp], repeat: int, fold: int) -> OuterFold | InputRefused:
    held = np.flatnonzero(folds[repeat] == fold)
    train = cohort[training_rows(folds[repeat], fold, cohort.subjects)]
    try:
        data = prepare(train, plan)
    except InputRefused as refused:
        return refused
    fitted = fit_procedure(data, plan)
    measurements = cohort.measurements[held]
    selected = fitted.restriction.chosen(fitted.transform.names)
    n_fewer = float(np.mean([len(inner.y) for inner in data.folds]))
    limits = fitted.threshold.value, len(train), fitted.transform.references, fitted.threshold.zone
    choice = FoldChoice(repeat, fold, fitted.shares, *limits, len(data.y), n_fewer, selected, fitted.threshold.criterion)
    others, fewer = benchmark_scores(data, measurements), fewer_margins(data, fitted, measurements)
    return held, fitted.margin(measurements), choice, others, _explain(fitted, measurements), fewer


def _explain(fitted: Fitted, measurements: Measurements) -> HeldExplanation:
    features = fitted.transform.apply(measurements)
    values = features.values[(features.flags & BLOCKING) == 0]
    return HeldExplanation(features.names, fitted.contributions(values), values)

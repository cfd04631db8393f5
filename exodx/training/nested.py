"""Validation by repeating the whole procedure: folds held out, everything relearned, held-out specimens scored once a repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort, stratified_folds
from exodx.cohort.splits import training_rows
from exodx.errors import InputRefused
from exodx.frozen import Measurements
from exodx.frozen.calibrator import probability
from exodx.frozen.measurements import BLOCKING
from exodx.panel import StudyPlan
from exodx.training.benchmarks import benchmark_scores
from exodx.training.outer import run_folds
from exodx.training.panel_size import SizeRuns
from exodx.training.procedure import Fitted, fit_procedure, prepare

Floats = NDArray[np.float64]
BENCHMARKS = ("logistic", "single_analyte")


@dataclass(frozen=True, slots=True)
class FoldChoice:
    """What the procedure chose in one outer fold."""

    repeat: int
    fold: int
    shares: dict[str, float]
    threshold: float
    n_train: int
    references: tuple[str, ...]
    zone: tuple[float, float] | None = None


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


OuterFold = tuple[NDArray[np.intp], Floats, FoldChoice, dict[str, Floats], HeldExplanation]
"""Held-out rows, their margins, what was chosen, the benchmarks' scores, and the explanation of those that were scored."""


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
    """

    design: str
    folds: NDArray[np.intp]
    margin: Floats
    positive: NDArray[np.bool_]
    benchmarks: dict[str, Floats]
    choices: tuple[FoldChoice, ...]
    explanations: tuple[HeldExplanation, ...] = ()


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
    """

    random: CrossValidation
    by_site: CrossValidation | None = None
    otherwise: CrossValidation | None = None
    sizes: SizeRuns | None = None


def repeated_folds(cohort: Cohort, plan: StudyPlan) -> NDArray[np.intp]:
    """Return the outer folds of each repeat, shape (repeats, n)."""
    return np.stack(
        [stratified_folds(cohort.y, cohort.subjects, plan.outer_folds, plan.seed + 1000 * (r + 1)) for r in range(plan.repeats)]
    )


def cross_validate(
    cohort: Cohort, plan: StudyPlan, folds: NDArray[np.intp], design: str, jobs: int, tick: Callable[[], None]
) -> CrossValidation:
    """Run the whole procedure once for every outer fold.

    Parameters
    ----------
    cohort : Cohort, n specimens
    plan : StudyPlan
    folds : ndarray of int, shape (R, n)
        −1 takes no part. A fold whose training part holds too little to learn from leaves its specimens unscored.
    design : str
    jobs : int
        Folds fitted at a time; changes the time only.
    tick : callable
        Called after each fold, for a progress bar.
    """
    results = run_folds(partial(_outer_fold, cohort, plan, folds), folds, plan, jobs, tick)
    margin = np.full(folds.shape, np.nan)
    positive = np.zeros(folds.shape, bool)
    benchmarks = {name: np.full(folds.shape, np.nan) for name in BENCHMARKS}
    choices, explanations = [], []
    for repeat, _, (held, scores, choice, others, explanation) in results:
        margin[repeat, held] = scores
        positive[repeat, held] = probability(scores) >= choice.threshold
        for name, values in others.items():
            benchmarks[name][repeat, held] = values
        choices.append(choice)
        explanations.append(explanation)
    return CrossValidation(design, folds, margin, positive, benchmarks, tuple(choices), tuple(explanations))


def _outer_fold(cohort: Cohort, plan: StudyPlan, folds: NDArray[np.intp], repeat: int, fold: int) -> OuterFold | InputRefused:
    held = np.flatnonzero(folds[repeat] == fold)
    train = cohort[training_rows(folds[repeat], fold, cohort.subjects)]
    try:
        data = prepare(train, plan)
    except InputRefused as refused:
        return refused
    fitted = fit_procedure(data, plan)
    measurements = cohort.measurements[held]
    references = fitted.transform.references
    choice = FoldChoice(repeat, fold, fitted.shares, fitted.threshold.value, len(train), references, fitted.threshold.zone)
    return held, fitted.margin(measurements), choice, benchmark_scores(data, measurements), _explain(fitted, measurements)


def _explain(fitted: Fitted, measurements: Measurements) -> HeldExplanation:
    features = fitted.transform.apply(measurements)
    values = features.values[(features.flags & BLOCKING) == 0]
    return HeldExplanation(features.names, fitted.contributions(values), values)

"""Several classes: the one learning procedure for each class against the rest, calibrated together; validated like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np
from numpy.typing import NDArray

from exodx.assay import learn_transform
from exodx.cohort import Cohort, stratified_folds
from exodx.cohort.splits import training_rows
from exodx.errors import InputRefused, Problem
from exodx.frozen import ClassLimit, Measurements, MulticlassModel, SoftmaxCalibrator, softmax
from exodx.frozen.measurements import BLOCKING
from exodx.panel import StudyPlan
from exodx.training.benchmarks import BENCHMARKS, benchmark_scores
from exodx.training.final import freeze_model
from exodx.training.fold_store import NOT_KEPT, FoldStore
from exodx.training.outer import run_folds
from exodx.training.procedure import Fitted, Prepared, fit_procedure, prepare
from exodx.training.softmax import fit_softmax

Floats = NDArray[np.float64]

MIN_SUBJECTS = 4
"""Of each class: two to hold out in turn, and two to learn from and tune on meanwhile."""


@dataclass(frozen=True, slots=True)
class FittedClasses:
    """The outcome of the procedure on several classes.

    Parameters
    ----------
    data, fitted : tuple of length K
        Of each class against the rest, all on the same specimens.
    softmax : SoftmaxCalibrator
    limit : ClassLimit or None
    """

    data: tuple[Prepared, ...]
    fitted: tuple[Fitted, ...]
    softmax: SoftmaxCalibrator
    limit: ClassLimit | None

    def scores(self, measurements: Measurements) -> Floats:
        """Return scores, shape (n, K); NaN rows for specimens that any class cannot score."""
        scores = self.softmax.scores(np.column_stack([fitted.margin(measurements) for fitted in self.fitted]))
        scores[np.isnan(scores).any(axis=1)] = np.nan
        return scores


@dataclass(frozen=True, slots=True)
class ClassFold:
    """One outer fold: how many it learned from, how many it held out, and the limit of calls it chose."""

    repeat: int
    fold: int
    n_train: int
    n_held: int
    limit: float | None
    references: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ClassValidation:
    """Out-of-fold results of R repeats over n specimens and K classes.

    Parameters
    ----------
    design : str
        In words, as it is reported.
    folds : ndarray of int, shape (R, n)
    scores : ndarray, shape (R, n, K)
        Their softmax are the probabilities, by models that never saw the specimen or its subject; NaN where it cannot be scored.
    sure : ndarray of bool, shape (R, n)
        Whether a call is made, by the limit each fold's training part chose.
    benchmarks : dict of str to ndarray, shape (R, n, K)
    choices : tuple of ClassFold
    """

    design: str
    folds: NDArray[np.intp]
    scores: Floats
    sure: NDArray[np.bool_]
    benchmarks: dict[str, Floats]
    choices: tuple[ClassFold, ...]


ClassOuterFold = tuple[NDArray[np.intp], Floats, ClassFold, dict[str, Floats]]


def check_classes(cohort: Cohort, plan: StudyPlan) -> None:
    """Refuse what several classes cannot be learned from or do not have, all at once.

    Raises
    ------
    InputRefused
        ``TOO_FEW_SUBJECTS`` for each class with fewer than four subjects that can be scored; ``PLAN_OF_TWO_CLASSES`` for each
        choice of the plan that only a positive class has.
    """
    usable = cohort[(learn_transform(cohort.panel, cohort.measurements).apply(cohort.measurements).flags & BLOCKING) == 0]
    codes, subjects = usable.class_codes, usable.subjects
    counts = [len(np.unique(subjects[codes == k])) for k in range(len(cohort.classes))]
    fix = f"Each class needs {MIN_SUBJECTS} at least; leave it out with --classes, or collect more."
    problems = [
        Problem("TOO_FEW_SUBJECTS", f"class {name!r}", f"{n} subject(s) can be used", fix)
        for name, n in zip(cohort.classes, counts, strict=True)
        if n < MIN_SUBJECTS
    ]
    only_binary = [
        ("target", plan.target not in ("sensitivity", "specificity")),
        ("prevalence", plan.prevalence is not None),
        ("panel_curve", plan.panel_curve),
        ("temporal", plan.temporal),
        ("permutations", plan.permutations > 0),
        ("monotone", plan.monotone),
        ("selection", plan.selection != "none"),
    ]
    fix = "Leave it out, or name one class against all others: --positive VALUE. With several classes the most probable is called."
    problems += [
        Problem("PLAN_OF_TWO_CLASSES", f"plan.{key}", repr(getattr(plan, key)), fix) for key, given in only_binary if given
    ]
    if problems:
        raise InputRefused(problems)


def class_folds(cohort: Cohort, plan: StudyPlan) -> NDArray[np.intp]:
    """Return the outer folds of each repeat, the same for every class, shape (repeats, n)."""
    codes, subjects = cohort.class_codes, cohort.subjects
    return np.stack([stratified_folds(codes, subjects, plan.outer_folds, plan.seed + 1000 * (r + 1)) for r in range(plan.repeats)])


def fit_classes(cohort: Cohort, plan: StudyPlan) -> tuple[Cohort, FittedClasses]:
    """Run the procedure for each class against the rest and calibrate the classes together.

    The calibrator, and the limit of calls where the plan asks for a grey zone, come from inner out-of-fold margins only.

    Returns
    -------
    cohort : Cohort
        The specimens that every class can be learned from.
    fitted : FittedClasses
    """
    cohort = _usable(cohort)
    data = tuple(prepare(cohort.one_vs_rest(name), plan) for name in cohort.classes)
    fitted = tuple(fit_procedure(each, plan) for each in data)
    held, codes = np.column_stack([each.held_margin for each in fitted]), cohort.class_codes
    calibrator = fit_softmax(held, codes)
    limit = choose_limit(softmax(calibrator.scores(held)), codes, plan.target_value) if plan.grey_zone else None
    return cohort, FittedClasses(data, fitted, calibrator, limit)


def _usable(cohort: Cohort) -> Cohort:
    """Leave out specimens that a class' transform cannot score, until each of them can score all."""
    while True:
        flags = np.zeros(len(cohort), np.uint32)
        for name in cohort.classes:
            y = cohort.one_vs_rest(name).y
            flags |= learn_transform(cohort.panel, cohort.measurements, y).apply(cohort.measurements).flags
        kept = (flags & np.uint32(BLOCKING)) == 0
        counts = np.bincount(cohort.class_codes[kept], minlength=len(cohort.classes))
        if counts.min() < 2:
            fewest = cohort.classes[int(counts.argmin())]
            found = f"{counts.min()} specimens of class {fewest!r} can be used"
            raise InputRefused(Problem("TOO_FEW_SPECIMENS", "cohort", found, "A model needs specimens of every class."))
        if kept.all():
            return cohort
        cohort = cohort[kept]


def choose_limit(probabilities: Floats, codes: NDArray[np.intp], target: float) -> ClassLimit:
    """Return the lowest limit of the largest probability from which calls are right as often as the target asks.

    Where no limit keeps it no call is made: the limit is then 2, above every probability.

    Parameters
    ----------
    probabilities : ndarray, shape (n, K)
        Out of fold.
    codes : ndarray of int, shape (n,)
    target : float
    """
    largest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == codes
    limits = np.unique(largest)
    keeps = [float(limit) for limit in limits if right[largest >= limit].mean() >= target]
    return ClassLimit(min(keeps, default=2.0), target)


def cross_validate_classes(  # noqa: PLR0913
    cohort: Cohort,
    plan: StudyPlan,
    folds: NDArray[np.intp],
    design: str,
    jobs: int,
    tick: Callable[[], None],
    kept: FoldStore = NOT_KEPT,
) -> ClassValidation:
    """Run the whole procedure of all classes once for every outer fold; see :func:`exodx.training.cross_validate`."""
    finished = kept.of("classes", cohort, plan, folds, (ClassFold,))
    results = run_folds(partial(_outer_fold, cohort, plan, folds), folds, plan, jobs, tick, finished)
    shape = (*folds.shape, len(cohort.classes))
    scores = np.full(shape, np.nan)
    benchmarks = {name: np.full(shape, np.nan) for name in BENCHMARKS}
    limits = np.full(folds.shape, -inf)
    choices = []
    for repeat, _, (held, found, choice, others) in results:
        scores[repeat, held] = found
        limits[repeat, held] = -inf if choice.limit is None else choice.limit
        for name, values in others.items():
            benchmarks[name][repeat, held] = values
        choices.append(choice)
    largest = np.stack([softmax(each).max(axis=1) for each in scores])
    return ClassValidation(design, folds, scores, largest >= limits, benchmarks, tuple(choices))


def _outer_fold(cohort: Cohort, plan: StudyPlan, folds: NDArray[np.intp], repeat: int, fold: int) -> ClassOuterFold | InputRefused:
    held = np.flatnonzero(folds[repeat] == fold)
    train = cohort[training_rows(folds[repeat], fold, cohort.subjects)]
    try:
        _, fitted = fit_classes(train, plan)
    except InputRefused as refused:
        return refused
    measurements = cohort.measurements[held]
    each = [benchmark_scores(data, measurements) for data in fitted.data]
    others = {name: np.column_stack([scores[name] for scores in each]) for name in BENCHMARKS}
    limit = None if fitted.limit is None else fitted.limit.value
    references = tuple(one.transform.references for one in fitted.fitted)
    return held, fitted.scores(measurements), ClassFold(repeat, fold, len(train), len(held), limit, references), others


def train_classes(cohort: Cohort, plan: StudyPlan) -> MulticlassModel:
    """Fit the procedure of several classes on the whole cohort and freeze it; the order of rows does not matter."""
    whole = cohort.sorted()
    cohort, fitted = fit_classes(whole, plan)
    parts = tuple(
        freeze_model(cohort.one_vs_rest(name), plan, data, one)
        for name, data, one in zip(cohort.classes, fitted.data, fitted.fitted, strict=True)
    )
    provenance = replace(
        parts[0].provenance,
        cohort_fingerprint=whole.fingerprint,
        n_specimens=len(whole),
        n_subjects=len(np.unique(whole.subjects)),
        n_positive=0,
        positive_label="",
        learned_share=None,
        booster={
            f"{name}: {key}": value
            for name, p in zip(cohort.classes, parts, strict=True)
            for key, value in p.provenance.booster.items()
        },
    )
    return MulticlassModel(cohort.classes, parts, fitted.softmax, fitted.limit, provenance)

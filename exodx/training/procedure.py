"""The one learning procedure: tune, calibrate, choose a threshold, refit. Validation repeats exactly what the final model gets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exodx.assay import learn_transform
from exodx.cohort import Cohort, stratified_folds
from exodx.cohort.splits import training_rows
from exodx.errors import InputRefused, Problem
from exodx.frozen import Calibrator, Forest, FrozenTransform, Measurements, Threshold
from exodx.frozen.calibrator import probability
from exodx.frozen.measurements import BLOCKING
from exodx.panel import StudyPlan
from exodx.stats import log_loss
from exodx.training.decision import choose_threshold, fit_calibrator, require_subjects
from exodx.training.family import Candidate, candidates, fit_booster, freeze_booster, staged_margins

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InnerFold:
    """Features of one inner fold, by a transform learned from its training rows alone."""

    train: Floats
    y: NDArray[np.int8]
    held: Floats
    held_y: NDArray[np.int8]
    held_rows: NDArray[np.intp]
    transform: FrozenTransform
    held_measurements: Measurements


@dataclass(frozen=True, slots=True)
class Prepared:
    """Training specimens that can be learned from, their inner folds, and the transform learned from all of them."""

    y: NDArray[np.int8]
    folds: tuple[InnerFold, ...]
    transform: FrozenTransform
    features: Floats
    subjects: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The outcome of the procedure on some specimens."""

    transform: FrozenTransform
    forest: Forest
    calibrator: Calibrator
    threshold: Threshold
    candidate: str
    params: dict[str, object]
    rounds: int
    inner_log_loss: float
    held_margin: Floats
    """Calibrated, of each training specimen by trees that were grown without it, shape (n,)."""

    def margin(self, measurements: Measurements) -> Floats:
        """Return calibrated margins; NaN for specimens that cannot be scored."""
        features = self.transform.apply(measurements)
        margin = self.calibrator.margin(self.forest.margin(features.values))
        return np.where(features.flags & BLOCKING, np.nan, margin)


def prepare(cohort: Cohort, plan: StudyPlan) -> Prepared:
    """Cut a cohort into inner folds, each with a transform of its own, and learn the transform of the whole.

    Specimens that cannot be scored (no reference detected, no reads, nothing measured: facts of the specimen alone) take no part.

    Raises
    ------
    InputRefused
        When a class has fewer than two subjects, or fewer than conformal sets need, or nothing was measured.
    """
    flags = learn_transform(cohort.panel, cohort.measurements, cohort.y).apply(cohort.measurements).flags
    cohort = cohort[(flags & BLOCKING) == 0]
    counts = np.bincount(cohort.y, minlength=2)
    if counts.min() < 2:
        found = f"{counts[1]} positive and {counts[0]} negative specimens can be used"
        raise InputRefused(Problem("TOO_FEW_SPECIMENS", "cohort", found, "A model needs specimens of both classes."))
    y, subjects = cohort.y, cohort.subjects
    require_subjects(y, subjects, plan)
    assigned = stratified_folds(y, subjects, plan.inner_folds, plan.seed)
    folds = []
    for fold in range(int(assigned.max()) + 1):
        rows, held = training_rows(assigned, fold, subjects), np.flatnonzero(assigned == fold)
        transform = learn_transform(cohort.panel, cohort.measurements[rows], y[rows])
        train, test = (transform.apply(cohort.measurements[r]).values for r in (rows, held))
        folds.append(InnerFold(train, y[rows], test, y[held], held, transform, cohort.measurements[held]))
    transform = learn_transform(cohort.panel, cohort.measurements, y)
    return Prepared(y, tuple(folds), transform, transform.apply(cohort.measurements).values, subjects)


def fit_procedure(data: Prepared, plan: StudyPlan) -> Fitted:
    """Tune, calibrate and fit.

    Calibrator and threshold come from inner out-of-fold margins only; the trees are then grown again on every specimen.
    """
    y, width = data.y, data.features.shape[1]
    looked_at = [
        (log_loss(y, probability(margin)), candidate, rounds, margin)
        for candidate in candidates(plan.search, width)
        for rounds, margin in zip(candidate.rounds, _out_of_fold(data.folds, candidate, len(y), plan.seed), strict=True)
    ]
    loss, candidate, rounds, margin = min(looked_at, key=lambda entry: entry[0])
    calibrator = fit_calibrator(margin, y)
    held = calibrator.margin(margin)
    threshold = choose_threshold(probability(held), y, plan, data.subjects)
    forest = freeze_booster(fit_booster(data.features, y, candidate, rounds, plan.seed), width)
    return Fitted(data.transform, forest, calibrator, threshold, candidate.name, dict(candidate.params), rounds, loss, held)


def _out_of_fold(folds: tuple[InnerFold, ...], candidate: Candidate, n: int, seed: int) -> Floats:
    """Return out-of-fold margins of every stage, shape (stages, n): one fit a fold, read at each stage."""
    margins = np.empty((len(candidate.rounds), n))
    for fold in folds:
        booster = fit_booster(fold.train, fold.y, candidate, max(candidate.rounds), seed)
        margins[:, fold.held_rows] = staged_margins(booster, fold.held, candidate.rounds)
    return margins

"""The one learning procedure: choose members, weigh, calibrate, set a threshold, refit. Validation repeats all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from exodx.assay import learn_transform
from exodx.cohort import Cohort, stratified_folds
from exodx.cohort.splits import training_rows
from exodx.errors import InputRefused, Problem
from exodx.frozen import Calibrator, Forest, FrozenTransform, Measurements, Threshold
from exodx.frozen.calibrator import probability
from exodx.frozen.measurements import BLOCKING
from exodx.panel import StudyPlan
from exodx.stats import log_loss
from exodx.training.combination import Weights, learn_weights
from exodx.training.decision import choose_threshold, fit_calibrator, require_subjects
from exodx.training.family import Chosen, Member, Setting, family, freeze, grow, inner_repeats
from exodx.training.restriction import Restriction, require_directions, restrict

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
    restriction: Restriction


@dataclass(frozen=True, slots=True)
class Prepared:
    """Training specimens that can be learned from, their inner folds (of every deal), and a transform learned from all of them."""

    y: NDArray[np.int8]
    folds: tuple[InnerFold, ...]
    transform: FrozenTransform
    features: Floats
    subjects: NDArray[np.intp]
    restriction: Restriction
    rows: NDArray[np.intp]
    """Of the cohort, shape (n,): those that can be learned from."""


@dataclass(frozen=True, slots=True)
class Combined:
    """Members with their weights, as fitted on some specimens.

    Parameters
    ----------
    members : tuple of Member
    weights : Weights
    """

    members: tuple[Member, ...]
    weights: Weights

    def margin(self, features: Floats) -> Floats:
        """Return the weighted sum of the members' log-odds, before calibration, shape (n,)."""
        return self.weights(np.column_stack([member.margin(features) for member in self.members]))

    def contributions(self, features: Floats) -> Floats:
        """Return the weighted sum of the members' SHAP values and, last, of their base values, shape (n, k + 1)."""
        total = np.zeros((len(features), features.shape[1] + 1))
        for member, weight in zip(self.members, self.weights.weight, strict=True):
            if weight:
                total += weight * member.contributions(features)
        return total

    def used(self) -> frozenset[int]:
        """Return the columns that a member with weight looks at."""
        pairs = zip(self.members, self.weights.weight, strict=True)
        return frozenset().union(*(member.used() for member, weight in pairs if weight))

    def freeze(self, n_features: int) -> Forest:
        """Return the members as one frozen forest."""
        return freeze(list(zip(self.members, self.weights.weight.tolist(), strict=True)), n_features)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The outcome of the procedure on some specimens.

    Parameters
    ----------
    transform : FrozenTransform
    combined : Combined
        Fitted on all of them.
    inner : tuple of Combined
        The same members and weights, fitted on each inner fold's training specimens.
    calibrator : Calibrator
    threshold : Threshold
    chosen : tuple of Chosen
        What stands for each kind of member.
    losses : tuple of float
        Log loss of each, calibrated, out of inner folds.
    held_margin : ndarray, shape (n,)
        Calibrated, of each training specimen by members that were fitted without it.
    restriction : Restriction
        What the members, fitted on all of them, were held to.
    """

    transform: FrozenTransform
    combined: Combined
    inner: tuple[Combined, ...]
    calibrator: Calibrator
    threshold: Threshold
    chosen: tuple[Chosen, ...]
    losses: tuple[float, ...]
    held_margin: Floats
    restriction: Restriction

    def margin(self, measurements: Measurements) -> Floats:
        """Return calibrated margins; NaN for specimens that cannot be scored."""
        features = self.transform.apply(measurements)
        margin = self.calibrator.margin(self.combined.margin(features.values))
        return np.where(features.flags & BLOCKING, np.nan, margin)

    def contributions(self, features: Floats) -> Floats:
        """Return SHAP values on the calibrated margin, shape (n, k)."""
        return self.calibrator.slope * self.combined.contributions(features)[:, :-1]

    @property
    def shares(self) -> dict[str, float]:
        """Share of each kind of member in the weights."""
        return {one.kind: float(share) for one, share in zip(self.chosen, self.combined.weights.share, strict=True)}

    def describe(self) -> dict[str, Any]:
        """Return members, settings, weights and inner log losses as plain JSON types."""
        rows = zip(self.chosen, self.combined.weights.weight, self.combined.weights.share, self.losses, strict=True)
        names = self.transform.names
        held = {name: sign for name, sign in zip(names, self.restriction.signs, strict=False) if sign}
        selected = list(self.restriction.chosen(names))
        return {
            "members": [
                {"kind": one.kind, "setting": one.words, "weight": float(w), "share": float(share), "inner_log_loss": loss}
                for one, w, share, loss in rows
            ],
            **({"monotone": held} if held else {}),
            **({"selected": selected} if selected else {}),
        }


def prepare(cohort: Cohort, plan: StudyPlan) -> Prepared:
    """Cut a cohort into inner folds, each with a transform of its own, and learn the transform of the whole.

    Specimens that cannot be scored (no reference detected, no reads, nothing measured: facts of the specimen alone) take no part.

    Raises
    ------
    InputRefused
        When a class has fewer than two subjects, or fewer than conformal sets need, or nothing was measured; when the plan asks
        for declared directions and the panel has none.
    """
    if plan.monotone:
        require_directions(cohort.panel)
    usable = _usable(cohort)
    cohort = cohort[usable]
    y, subjects = cohort.y, cohort.subjects
    require_subjects(y, subjects, plan)
    dealt = [stratified_folds(y, subjects, plan.inner_folds, plan.seed + r) for r in range(inner_repeats(plan.budget))]
    folds = [_inner_fold(cohort, plan, assigned, fold) for assigned in dealt for fold in range(int(assigned.max()) + 1)]
    transform = learn_transform(cohort.panel, cohort.measurements, y)
    features = transform.apply(cohort.measurements).values
    restriction = restrict(cohort.panel, plan, transform, features, (y, subjects))
    return Prepared(y, tuple(folds), transform, features, subjects, restriction, usable)


def _inner_fold(cohort: Cohort, plan: StudyPlan, assigned: NDArray[np.intp], fold: int) -> InnerFold:
    y, subjects = cohort.y, cohort.subjects
    rows, held = training_rows(assigned, fold, subjects), np.flatnonzero(assigned == fold)
    transform = learn_transform(cohort.panel, cohort.measurements[rows], y[rows])
    train, test = (transform.apply(cohort.measurements[r]).values for r in (rows, held))
    restriction = restrict(cohort.panel, plan, transform, train, (y[rows], subjects[rows]))
    return InnerFold(train, y[rows], test, y[held], held, transform, cohort.measurements[held], restriction)


def _usable(cohort: Cohort) -> NDArray[np.intp]:
    """Return the rows that a transform learned from them alone can score: without one, others may fall that leaned on it."""
    rows = np.arange(len(cohort))
    while True:
        part = cohort[rows]
        flags = learn_transform(part.panel, part.measurements, part.y).apply(part.measurements).flags
        kept = (flags & BLOCKING) == 0
        counts = np.bincount(part.y[kept], minlength=2)
        if counts.min() < 2:
            found = f"{counts[1]} positive and {counts[0]} negative specimens can be used"
            raise InputRefused(Problem("TOO_FEW_SPECIMENS", "cohort", found, "A model needs specimens of both classes."))
        if kept.all():
            return rows
        rows = rows[kept]


def fit_procedure(data: Prepared, plan: StudyPlan) -> Fitted:
    """Choose, weigh, calibrate and fit.

    What stands for each kind of member, the weights, the calibrator and the threshold come from inner out-of-fold margins only; the
    members are then fitted again on every specimen. Everything runs on one thread: the fits are small, waiting threads would cost
    more than they give; the same inputs then give the same bits wherever it runs.
    """
    with threadpool_limits(1):
        return _fit(data, plan)


def _fit(data: Prepared, plan: StudyPlan) -> Fitted:
    y = data.y
    found = [_best(data, kind, settings, plan.seed) for kind, settings in family(plan.budget).items()]
    margins = np.column_stack([candidate.margin for candidate in found])
    weights = learn_weights(margins, y)
    calibrator = fit_calibrator(weights(margins), y)
    held = calibrator.margin(weights(margins))
    threshold = choose_threshold(probability(held), y, plan, data.subjects)
    chosen = tuple(candidate.chosen for candidate in found)
    members = tuple(one.fit(data.features, y, plan.seed, data.restriction) for one in chosen)
    inner = tuple(Combined(tuple(candidate.members[fold] for candidate in found), weights) for fold in range(len(data.folds)))
    losses = tuple(candidate.loss for candidate in found)
    combined = Combined(members, weights)
    return Fitted(data.transform, combined, inner, calibrator, threshold, chosen, losses, held, data.restriction)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A setting at one stage: its margins out of inner folds (mean over deals), their log loss once calibrated, and the members."""

    chosen: Chosen
    margin: Floats
    loss: float
    members: tuple[Member, ...]


def _best(data: Prepared, kind: str, settings: Sequence[Setting], seed: int) -> _Candidate:
    """Return the setting and stage with the least log loss out of inner folds: one fit a fold, read at each stage."""
    looked_at = []
    times = np.bincount(np.concatenate([fold.held_rows for fold in data.folds]), minlength=len(data.y))
    for setting in settings:
        grown = [grow(setting, fold.train, fold.y, seed, fold.restriction) for fold in data.folds]
        for stage in range(len(setting.stages)):
            members = tuple(stages[stage] for stages in grown)
            margin = np.zeros(len(data.y))
            for member, fold in zip(members, data.folds, strict=True):
                margin[fold.held_rows] += member.margin(fold.held)
            margin /= times
            loss = log_loss(data.y, probability(fit_calibrator(margin, data.y).margin(margin)))
            looked_at.append(_Candidate(Chosen(kind, setting, stage), margin, loss, members))
    return min(looked_at, key=lambda candidate: candidate.loss)

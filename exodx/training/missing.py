"""What it costs to lose an analyte: AUC and calls out of inner folds, with the analyte not run, against those with it.

Held-out specimens go through the fold's own transform as if the analyte had not been run: what stands in for it, and what its loss
does to a library size or a mean over analytes, is what a new specimen will meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from exodx.frozen import Measurements, QuantileNormalisation, State
from exodx.frozen.calibrator import probability
from exodx.frozen.libraries import library_sizes
from exodx.frozen.scale import count_matrix
from exodx.panel import Panel, Scale
from exodx.stats import auc
from exodx.training.family import Candidate, fit_booster, staged_margins
from exodx.training.procedure import Fitted, InnerFold, Prepared

Floats = NDArray[np.float64]

WEIGHTY = 0.01
"""Losing an analyte with a larger share of a library's reads changes every other analyte's counts per million."""


def missing_costs(panel: Panel, data: Prepared, fitted: Fitted, seed: int) -> dict[str, Any]:
    """Return what the model's reference keeps of the cost of missing analytes.

    The chosen candidate is fitted once more on each inner fold. The trees are not grown anew without the analyte: that is another
    model.

    Parameters
    ----------
    panel : Panel
    data : Prepared
    fitted : Fitted
        Says which candidate and how many rounds.
    seed : int

    Returns
    -------
    dict
        ``auc``: mean over inner folds, nothing missing. ``missing_cost``: target → AUC lost. ``missing_kind_cost``: kind → AUC lost
        when every target of that kind is missing (none where all are of one kind). ``calls``, ``missing_calls`` and
        ``missing_kind_calls``: [sensitivity, specificity] at the model's threshold. Empty without a fold of both classes.
    """
    candidate = Candidate(fitted.candidate, (fitted.rounds,), dict(fitted.params))
    folds = [_Fold.fit(panel, fold, candidate, seed) for fold in data.folds if 0 < fold.held_y.sum() < len(fold.held_y)]
    if not folds:
        return {}
    targets = panel.with_role("target")
    kinds = sorted({a.kind for a in targets})
    blocks = {kind: [a.name for a in targets if a.kind == kind] for kind in kinds if len(kinds) > 1}
    whole, calls = _score(folds, fitted, ())
    single = {a.name: _score(folds, fitted, [a.name]) for a in targets}
    kind_wise = {kind: _score(folds, fitted, names) for kind, names in blocks.items()}
    return {
        "auc": whole,
        "calls": calls,
        "missing_cost": {name: whole - found for name, (found, _) in single.items()},
        "missing_calls": {name: found for name, (_, found) in single.items()},
        "missing_kind_cost": {kind: whole - found for kind, (found, _) in kind_wise.items()},
        "missing_kind_calls": {kind: found for kind, (_, found) in kind_wise.items()},
    }


def _score(folds: Sequence[_Fold], fitted: Fitted, missing: Sequence[str]) -> tuple[float, list[float]]:
    """Return the mean AUC over folds (their margins are not on one scale), and the calls' sensitivity and specificity."""
    margins = [fold.margin(missing) for fold in folds]
    y = np.concatenate([fold.y for fold in folds])
    positive = fitted.threshold.is_positive(probability(fitted.calibrator.margin(np.concatenate(margins))))
    found = [auc(fold.y, margin) for fold, margin in zip(folds, margins, strict=True)]
    return float(np.mean(found)), [float(positive[y == 1].mean()), float(1 - positive[y == 0].mean())]


@dataclass(frozen=True, slots=True)
class _Fold:
    """One inner fold's trees, its held-out specimens, and the analytes whose loss the trees can notice."""

    booster: xgboost.Booster
    rounds: int
    fold: InnerFold
    noticed: frozenset[str]
    full: Floats

    @classmethod
    def fit(cls, panel: Panel, fold: InnerFold, candidate: Candidate, seed: int) -> _Fold:
        (rounds,) = candidate.rounds
        booster = fit_booster(fold.train, fold.y, candidate, rounds, seed)
        used = [fold.transform.names[int(name[1:])] for name in booster.get_score(importance_type="weight")]
        noticed = {analyte for feature in used for analyte in fold.transform.analytes_of(feature)}
        noticed |= _shared(panel, fold)
        return cls(booster, rounds, fold, frozenset(noticed), staged_margins(booster, fold.held, (rounds,))[0])

    @property
    def y(self) -> NDArray[np.int8]:
        return self.fold.held_y

    def margin(self, missing: Sequence[str]) -> Floats:
        if not self.noticed.intersection(missing):
            return self.full
        held = self.fold.held_measurements
        values, states = held.values.copy(), held.states.copy()
        columns = [held.names.index(name) for name in missing]
        values[:, columns], states[:, columns] = np.nan, State.NOT_RUN
        features = self.fold.transform.apply(Measurements(held.names, values, states, held.flags)).values
        margin: Floats = staged_margins(self.booster, features, (self.rounds,))[0]
        return margin


def _shared(panel: Panel, fold: InnerFold) -> set[str]:
    """Return the analytes whose loss reaches the others: by the library, a mean over analytes, or ranks."""
    held = fold.held_measurements
    names = [a.name for a in panel.analytes if a.scale is Scale.COUNTS]
    counts = count_matrix(held, names)
    reads = np.maximum(library_sizes(counts), 1.0)
    weighty = {name for name, column in zip(names, counts.T, strict=True) if float(np.mean(column / reads)) >= WEIGHTY}
    ranked = [a for step in fold.transform.steps if isinstance(step, QuantileNormalisation) for a in step.analytes]
    return weighty | set(fold.transform.references) | set(ranked)

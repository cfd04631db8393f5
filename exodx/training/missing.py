"""What to put in the place of a lost analyte, and what its loss costs: AUC and calls out of inner folds, against those with it.

Trees that never met a blank send every specimen the same way there, and a threshold that kept the balance then calls all of
them alike, which an AUC does not see. So for each analyte it is tried whether a blank or the training median predicts better, by
log loss; and AUC and calls are told both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from exodx.frozen import FrozenTransform, Measurements, State
from exodx.frozen.calibrator import probability
from exodx.panel import Panel
from exodx.stats import auc, log_loss
from exodx.training.family import Candidate, fit_booster, staged_margins
from exodx.training.procedure import Fitted, InnerFold, Prepared

Floats = NDArray[np.float64]


def missing_costs(panel: Panel, data: Prepared, fitted: Fitted, seed: int, typical: Mapping[str, float | None]) -> dict[str, Any]:
    """Return what the model's reference keeps of missing analytes: what stands in, and the cost.

    The chosen candidate is fitted once more on each inner fold, and the held-out specimens are scored with an analyte's features
    blank, and with them at their training medians. The trees are not grown anew without it: that is another model.

    Parameters
    ----------
    panel : Panel
    data : Prepared
    fitted : Fitted
        Says which candidate and how many rounds.
    seed : int
    typical : mapping of analyte to float or None
        A usual raw value of each; tells which features an analyte gives.

    Returns
    -------
    dict
        ``stand_in``: target → ``median`` or ``missing``. ``auc``: mean over inner folds, nothing missing. ``missing_cost``:
        target → AUC lost. ``missing_kind_cost``: kind → AUC lost when every target of that kind is missing (none where all are of
        one kind). ``calls``, ``missing_calls`` and ``missing_kind_calls``: [sensitivity, specificity] at the model's threshold.
        Empty without a fold of both classes.
    """
    candidate = Candidate(fitted.candidate, (fitted.rounds,), dict(fitted.params))
    folds = [_Fold.fit(panel, fold, candidate, seed, typical) for fold in data.folds if 0 < fold.held_y.sum() < len(fold.held_y)]
    if not folds:
        return {}
    targets = panel.with_role("target")
    kinds = sorted({a.kind for a in targets})
    blocks = {kind: [a.name for a in targets if a.kind == kind] for kind in kinds if len(kinds) > 1}
    whole, calls = _score(folds, fitted, {})
    stand_in = {a.name: _better(folds, fitted, a.name) for a in targets}
    single = {name: _score(folds, fitted, {name: how}) for name, how in stand_in.items()}
    kind_wise = {kind: _score(folds, fitted, {name: stand_in[name] for name in names}) for kind, names in blocks.items()}
    return {
        "stand_in": stand_in,
        "auc": whole,
        "calls": calls,
        "missing_cost": {name: whole - found for name, (found, _) in single.items()},
        "missing_calls": {name: found for name, (_, found) in single.items()},
        "missing_kind_cost": {kind: whole - found for kind, (found, _) in kind_wise.items()},
        "missing_kind_calls": {kind: found for kind, (_, found) in kind_wise.items()},
    }


def _better(folds: Sequence[_Fold], fitted: Fitted, name: str) -> str:
    """Say what predicts better in the place of an analyte: its blank (also where both are as good) or its median."""
    y = np.concatenate([fold.y for fold in folds])

    def loss(how: str) -> float:
        margin = np.concatenate([fold.margin({name: how}) for fold in folds])
        return log_loss(y, probability(fitted.calibrator.margin(margin)))

    return min(("missing", "median"), key=loss)


def _score(folds: Sequence[_Fold], fitted: Fitted, missing: Mapping[str, str]) -> tuple[float, list[float]]:
    """Return the mean AUC over folds (their margins are not on one scale), and the calls' sensitivity and specificity."""
    margins = [fold.margin(missing) for fold in folds]
    y = np.concatenate([fold.y for fold in folds])
    positive = fitted.threshold.is_positive(probability(fitted.calibrator.margin(np.concatenate(margins))))
    found = [auc(fold.y, margin) for fold, margin in zip(folds, margins, strict=True)]
    return float(np.mean(found)), [float(positive[y == 1].mean()), float(1 - positive[y == 0].mean())]


@dataclass(frozen=True, slots=True)
class _Fold:
    """One inner fold's trees, and which of the features they use each analyte gives."""

    booster: xgboost.Booster
    rounds: int
    held: Floats
    y: NDArray[np.int8]
    owned: Mapping[str, Sequence[int]]
    medians: Floats
    full: Floats

    @classmethod
    def fit(cls, panel: Panel, fold: InnerFold, candidate: Candidate, seed: int, typical: Mapping[str, float | None]) -> _Fold:
        (rounds,) = candidate.rounds
        booster = fit_booster(fold.train, fold.y, candidate, rounds, seed)
        used = {int(name[1:]) for name in booster.get_score(importance_type="weight")}
        columns = feature_columns(panel, fold.transform, typical)
        owned = {name: [j for j in positions if j in used] for name, positions in columns.items()}
        medians = np.array([np.median(known) if (known := c[~np.isnan(c)]).size else np.nan for c in fold.train.T])
        return cls(booster, rounds, fold.held, fold.held_y, owned, medians, staged_margins(booster, fold.held, (rounds,))[0])

    def margin(self, missing: Mapping[str, str]) -> Floats:
        places = {j: self.medians[j] if how == "median" else np.nan for name, how in missing.items() for j in self.owned[name]}
        if not places:
            return self.full
        held = self.held.copy()
        for j, value in places.items():
            held[:, j] = value
        margin: Floats = staged_margins(self.booster, held, (self.rounds,))[0]
        return margin


def feature_columns(panel: Panel, transform: FrozenTransform, typical: Mapping[str, float | None]) -> dict[str, list[int]]:
    """Return the features that each analyte gives, by position: those that turn blank when it is not run.

    One specimen with a usual value of everything is transformed, and one for each analyte that lacks it.
    """
    p = len(panel.analytes)
    usual = np.array([np.nan if (v := typical[name]) is None else v for name in panel.names], np.float64)
    values = np.tile(usual, (p + 1, 1))
    rows = np.arange(p)
    values[rows + 1, rows] = np.nan
    states = np.where(np.isnan(values), np.uint8(State.NOT_RUN), np.uint8(State.MEASURED))
    known = ~np.isnan(transform.apply(Measurements(panel.names, values, states)).values)
    return {name: np.flatnonzero(known[0] & ~known[j + 1]).tolist() for j, name in enumerate(panel.names)}

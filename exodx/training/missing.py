"""What it costs to lose an analyte: the AUC out of inner folds, with its features blank, against the AUC with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from exodx.frozen import FrozenTransform, Measurements, State
from exodx.panel import Panel
from exodx.stats import auc
from exodx.training.family import Candidate, fit_booster, staged_margins
from exodx.training.procedure import Fitted, InnerFold, Prepared

Floats = NDArray[np.float64]


def missing_costs(panel: Panel, data: Prepared, fitted: Fitted, seed: int, typical: Mapping[str, float | None]) -> dict[str, Any]:
    """Return what the model's reference keeps of the cost of missing analytes.

    The chosen candidate is fitted once more on each inner fold, and the held-out specimens are scored with an analyte's features
    blank, as they are when its column is not given. The trees are not grown anew without it: that is another model.

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
        ``auc``: mean over inner folds, nothing missing. ``missing_cost``: target → AUC lost. ``missing_kind_cost``: kind → AUC lost
        when every target of that kind is missing (none where all are of one kind). Empty without a fold of both classes.
    """
    candidate = Candidate(fitted.candidate, (fitted.rounds,), dict(fitted.params))
    folds = [_Fold.fit(panel, fold, candidate, seed, typical) for fold in data.folds if 0 < fold.held_y.sum() < len(fold.held_y)]
    if not folds:
        return {}
    targets = panel.with_role("target")
    kinds = sorted({a.kind for a in targets})
    blocks = {kind: [a.name for a in targets if a.kind == kind] for kind in kinds if len(kinds) > 1}
    whole = [fold.auc(()) for fold in folds]

    def cost(names: Sequence[str]) -> float:
        lost = [full - fold.auc(names) if fold.uses(names) else 0.0 for full, fold in zip(whole, folds, strict=True)]
        return float(np.mean(lost))

    return {
        "auc": float(np.mean(whole)),
        "missing_cost": {a.name: cost([a.name]) for a in targets},
        "missing_kind_cost": {kind: cost(names) for kind, names in blocks.items()},
    }


@dataclass(frozen=True, slots=True)
class _Fold:
    """One inner fold's trees, and which of the features they use each analyte gives."""

    booster: xgboost.Booster
    rounds: int
    held: Floats
    y: NDArray[np.int8]
    owned: Mapping[str, Sequence[int]]

    @classmethod
    def fit(cls, panel: Panel, fold: InnerFold, candidate: Candidate, seed: int, typical: Mapping[str, float | None]) -> _Fold:
        (rounds,) = candidate.rounds
        booster = fit_booster(fold.train, fold.y, candidate, rounds, seed)
        used = {int(name[1:]) for name in booster.get_score(importance_type="weight")}
        columns = feature_columns(panel, fold.transform, typical)
        owned = {name: [j for j in positions if j in used] for name, positions in columns.items()}
        return cls(booster, rounds, fold.held, fold.held_y, owned)

    def uses(self, names: Sequence[str]) -> bool:
        return any(self.owned[name] for name in names)

    def auc(self, missing: Sequence[str]) -> float:
        held = self.held.copy()
        held[:, [j for name in missing for j in self.owned[name]]] = np.nan
        return auc(self.y, staged_margins(self.booster, held, (self.rounds,))[0])


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

"""What it costs to lose an analyte: AUC and calls out of inner folds, with the analyte not run, against those with it.

Held-out specimens go through the fold's own transform as if the analyte had not been run: what stands in for it, and what its loss
does to a library size or a mean over analytes, is what a new specimen will meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import Measurements, QuantileNormalisation, State
from exodx.frozen.calibrator import probability
from exodx.frozen.scale import count_matrix
from exodx.libraries.sizes import library_sizes
from exodx.panel import Panel, Scale
from exodx.stats import auc
from exodx.training.procedure import Combined, Fitted, InnerFold, Prepared

Floats = NDArray[np.float64]

WEIGHTY = 0.01
"""Losing an analyte with a larger share of a library's reads changes every other analyte's counts per million."""


def missing_costs(panel: Panel, data: Prepared, fitted: Fitted) -> dict[str, Any]:
    """Return what the model's reference keeps of the cost of missing analytes.

    The members of each inner fold score the specimens it held out; fitted anew without the analyte they would be another model.

    Parameters
    ----------
    panel : Panel
    data : Prepared
    fitted : Fitted
        With the members of each inner fold.

    Returns
    -------
    dict
        ``auc``: mean over inner folds, nothing missing. ``missing_cost``: target → AUC lost. ``missing_kind_cost``: kind → AUC lost
        when every target of that kind is missing (none where all are of one kind). ``calls``, ``missing_calls`` and
        ``missing_kind_calls``: [sensitivity, specificity] at the model's threshold. Empty without a fold of both classes.
    """
    pairs = zip(data.folds, fitted.inner, strict=True)
    folds = [_Fold.of(panel, fold, combined) for fold, combined in pairs if 0 < fold.held_y.sum() < len(fold.held_y)]
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
    """Return the mean AUC over folds (their margins are not on one scale), and the calls' sensitivity and specificity.

    A specimen between the ends of a grey zone counts as an error of either.
    """
    margins = [fold.margin(missing) for fold in folds]
    y = np.concatenate([fold.y for fold in folds])
    p = probability(fitted.calibrator.margin(np.concatenate(margins)))
    negative_below = fitted.threshold.value if fitted.threshold.zone is None else fitted.threshold.zone[0]
    positive, negative = fitted.threshold.is_positive(p), p < negative_below
    found = [auc(fold.y, margin) for fold, margin in zip(folds, margins, strict=True)]
    return float(np.mean(found)), [float(positive[y == 1].mean()), float(negative[y == 0].mean())]


@dataclass(frozen=True, slots=True)
class _Fold:
    """One inner fold's members, its held-out specimens, and the analytes whose loss the members can notice."""

    combined: Combined
    fold: InnerFold
    noticed: frozenset[str]
    full: Floats

    @classmethod
    def of(cls, panel: Panel, fold: InnerFold, combined: Combined) -> _Fold:
        used = [fold.transform.names[column] for column in combined.used()]
        noticed = {analyte for feature in used for analyte in fold.transform.analytes_of(feature)}
        noticed |= _shared(panel, fold)
        return cls(combined, fold, frozenset(noticed), combined.margin(fold.held))

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
        return self.combined.margin(features)


def _shared(panel: Panel, fold: InnerFold) -> set[str]:
    """Return the analytes whose loss reaches the others: by the library, a mean over analytes, or ranks."""
    held = fold.held_measurements
    names = [a.name for a in panel.analytes if a.scale is Scale.COUNTS]
    counts = count_matrix(held, names)
    reads = np.maximum(library_sizes(counts), 1.0)
    weighty = {name for name, column in zip(names, counts.T, strict=True) if float(np.mean(column / reads)) >= WEIGHTY}
    ranked = [a for step in fold.transform.steps if isinstance(step, QuantileNormalisation) for a in step.analytes]
    return weighty | set(fold.transform.references) | set(ranked)

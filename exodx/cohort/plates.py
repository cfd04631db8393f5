"""Plate effects: the share of each analyte's variance that lies between plates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exodx.cohort.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.frozen import State
from exodx.panel import Scale
from exodx.stats.variance import between_groups, holm, ranks_of

MIN_ICC, MAX_P = 0.3, 0.05
"""A plate effect is named when plates hold more of the variance than this and Holm's p over all analytes is below."""

OF_A_PLATE = 3
"""Specimens in which an analyte is measured, on average a plate: of fewer, two equal counts of reads would be an effect."""

CPM_PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class PlateEffect:
    """An analyte whose level depends on the plate: ICC(1,1), Holm's p of the one-way F test on ranks, specimens and plates."""

    analyte: str
    icc: float
    p: float
    n: int
    plates: int


def plate_effects(cohort: Cohort) -> tuple[PlateEffect, ...]:
    """Return the analytes with a plate effect, the strongest first; none where no column says the plate.

    Values are taken as a log2 quantity or Ct, before any normalisation: what is measured, detected cells only.
    """
    if "plate" not in cohort.specimens:
        return ()
    plates = cohort.specimens["plate"].astype(str).to_numpy()
    stated = plates != UNKNOWN
    found, p_on_ranks = [], []
    for name, values in zip(cohort.panel.names, levels(cohort).T, strict=True):
        known = values[stated]
        result, on_ranks = (between_groups(each, plates[stated]) for each in (known, ranks_of(known)))
        if result is not None and on_ranks is not None and result.n >= OF_A_PLATE * result.groups:
            found.append((name, result))
            p_on_ranks.append(on_ranks.p)
    adjusted = holm(p_on_ranks)
    effects = [
        PlateEffect(name, result.icc, float(p), result.n, result.groups)
        for (name, result), p in zip(found, adjusted, strict=True)
        if result.icc > MIN_ICC and p < MAX_P
    ]
    return tuple(sorted(effects, key=lambda e: (-e.icc, e.analyte)))


def levels(cohort: Cohort) -> NDArray[np.float64]:
    """Return log2 quantities or Ct before any normalisation, shape (n, p); NaN where nothing was measured."""
    m, analytes = cohort.measurements, cohort.panel.analytes
    found = np.where(m.states == State.MEASURED, m.values, np.nan)
    counted = np.array([a.scale is Scale.COUNTS for a in analytes], bool)
    logged = np.array([a.scale in (Scale.CPM, Scale.LINEAR) for a in analytes], bool)
    library = np.nansum(found[:, counted], axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found[:, counted] = np.log2(1e6 * found[:, counted] / library + CPM_PRIOR)
        found[:, logged] = np.log2(np.where(found[:, logged] > 0, found[:, logged], np.nan))
    return found

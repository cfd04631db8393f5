"""Whether numbers lie where the training specimens' lay: a unit or scale that is not stated shows in the numbers.

A gate on the file: it stops a table whose medians cannot be in the model's units, and never changes a number. So one specimen alone
gets the number it gets in a batch. It is stopped alone only when its own value is absurd; with fewer than five measured specimens
that is all there is to look at. (Soluble PD-L1 has been printed as 144 pg/mL and as 136 pg/dL: 10.1016/j.ijcard.2021.11.060,
10.5551/jat.64183.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exodx.errors import Problem
from exodx.frozen.cells import State
from exodx.frozen.measurements import Measurements, is_measured
from exodx.frozen.scale import count_matrix
from exodx.frozen.statements import Breach
from exodx.libraries.sizes import library_sizes
from exodx.panel import Analyte, Panel, Scale

Floats = NDArray[np.float64]

MIN_MEDIAN = 5
"""With fewer measured specimens each value is looked at by itself."""
FOLD = 10.0
CYCLES = 10.0
EARLY_CT, USUAL_CT = 12.0, 18.0
"""A median below the first where training lay above the second: no raw Ct, but differences of Ct."""
IQRS = 10.0
MIN_CPM = 100.0
"""Counts per million below this are too few reads for a ratio to mean anything."""
RELATIVE_SHARE = 0.25
"""Reads are relative to a library: another unit moves them all, another specimen moves some. So many must be off at once."""
LARGEST_POWER = 6
"""A ratio beyond 10 to this power is written as a power."""
NOT_HELD = ("spike_in", "interplate")
"""Roles whose level the laboratory sets."""


class Training(NamedTuple):
    """Where one analyte's training values lay: the 1st, 25th, 50th, 75th and 99th percentile."""

    p1: float
    p25: float
    p50: float
    p75: float
    p99: float


def suspects(panel: Panel, reference: Mapping[str, Any], m: Measurements, where: str) -> list[Breach]:
    """Return the analytes whose values do not lie where the training specimens' lay.

    Amounts: a median more than 10-fold off; counts as counts per million of the panel's reads, since depth differs legitimately,
    and only where a quarter of the analytes with reads are off at once. Ct: a median more than 10 cycles off, or below 12 where
    training lay above 18. Normalised values: a median more than 10 training interquartile ranges off. Fewer than five measured
    specimens: a value so far outside the 1st to 99th percentile. Numbers below the LOD count for the median, since a unit that is
    too large puts them all there; alone they do not.

    Parameters
    ----------
    panel : Panel
    reference : mapping
        Of the model; ``measured`` and ``cpm`` hold quantiles of the training values.
    m : Measurements
        In the panel's order.
    where : str
        Names the table.
    """
    counts = [a.name for a in panel.analytes if a.scale is Scale.COUNTS]
    library = library_sizes(count_matrix(m, counts))
    found: list[Breach] = []
    relative: list[Breach] = []
    rare: list[list[Breach]] = []
    held = 0
    for analyte in panel.analytes:
        training = training_of(reference, analyte)
        if training is None or analyte.role in NOT_HELD:
            continue
        values, states = m.column(analyte.name)
        measured = is_measured(states)
        if analyte.scale is Scale.COUNTS:
            values, measured = 1e6 * values / np.where(library > 0, library, np.nan), measured & (library > 0)
        below = (states == State.BELOW_LOD) & np.isfinite(values) & (analyte.scale is Scale.LINEAR)
        often = (measured | below).sum() >= MIN_MEDIAN
        if often:
            middle = median(values[measured | below])
            texts = [(_off(analyte, middle, training, "the median", training.p50, training.p50), measured | below)]
        else:
            texts = [
                (_off(analyte, float(values[row]), training, "a value", training.p1, training.p99), np.arange(len(m)) == row)
                for row in np.flatnonzero(measured)
            ]
        is_relative = analyte.scale in (Scale.COUNTS, Scale.CPM)
        held += is_relative and training.p50 > MIN_CPM
        told = list(_breaches(analyte, texts, where))
        if is_relative:
            relative += told
        elif often or len(m) < MIN_MEDIAN:
            found += told
        elif texts:
            rare.append(told)
    if sum(map(bool, rare)) >= RELATIVE_SHARE * len(rare):
        found += [breach for told in rare for breach in told]
    off = np.sum([breach.rows for breach in relative], axis=0)
    return found + [breach for breach in relative if (off[breach.rows] >= RELATIVE_SHARE * held).any()]


def far_rows(panel: Panel, reference: Mapping[str, Any], m: Measurements) -> NDArray[np.bool_]:
    """Say which specimens have a value far outside the training specimens', whoever else is in the table; shape (n,).

    Counts and counts per million take no part: one specimen's share of a library says nothing of units.
    """
    far = np.zeros(len(m), bool)
    for analyte in panel.analytes:
        training = training_of(reference, analyte)
        if training is None or analyte.role in NOT_HELD or analyte.scale in (Scale.COUNTS, Scale.CPM):
            continue
        values, states = m.column(analyte.name)
        low, high = usual(analyte, training, training.p1, training.p99)
        if low <= np.fmin.reduce(values, initial=np.inf) and np.fmax.reduce(values, initial=-np.inf) <= high:
            continue
        far |= is_measured(states) & ((values < low) | (values > high))
    return far


def usual(analyte: Analyte, training: Training, low: float, high: float) -> tuple[float, float]:
    """Return between what numbers a value (or a median) lies that is not off, if training's lay from ``low`` to ``high``."""
    if analyte.scale is Scale.CT:
        return max(low - CYCLES, EARLY_CT if low > USUAL_CT else -math.inf), high + CYCLES
    if analyte.scale is Scale.NORMALISED:
        iqr = training.p75 - training.p25
        return (low - IQRS * iqr, high + IQRS * iqr) if iqr > 0 else (-math.inf, math.inf)
    least = MIN_CPM if analyte.scale in (Scale.COUNTS, Scale.CPM) else 0.0
    return (low / FOLD, high * FOLD) if training.p50 > least else (-math.inf, math.inf)


def _breaches(analyte: Analyte, texts: Sequence[tuple[str, NDArray[np.bool_]]], where: str) -> Iterator[Breach]:
    amount = analyte.scale in (Scale.LINEAR, Scale.CPM, Scale.COUNTS)
    code = "UNIT_SUSPECT" if amount else "SCALE_SUSPECT"
    fix = (
        f'Check that it is in {analyte.unit} as in training{" (unit?)" if amount else ""}; if it is, --allow {code} --because "…".'
    )
    for text, rows in texts:
        if not text:
            continue
        yield Breach(code, f"{analyte.name}: {text}", rows, (Problem(code, f"{where}, analyte {analyte.name!r}", text, fix),))


def median(values: Floats) -> float:
    """Return the median of finite numbers; NumPy's own loads its masked arrays, which takes as long as all else here."""
    ordered = np.sort(values)
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)


def training_of(reference: Mapping[str, Any], analyte: Analyte) -> Training | None:
    """Return where an analyte's training values lay, if the model keeps that; of counts as counts per million."""
    table = reference.get("cpm" if analyte.scale is Scale.COUNTS else "measured", {})
    wanted = dict(zip(reference.get("probabilities", ()), table.get(analyte.name, ()), strict=False))
    quantiles = [wanted.get(p) for p in (0.01, 0.25, 0.5, 0.75, 0.99)]
    known = [q for q in quantiles if q is not None]
    return Training(*known) if len(known) == len(quantiles) else None


def _off(analyte: Analyte, value: float, training: Training, what: str, low: float, high: float) -> str:
    """Return how far a number lies from training's interval, in words; empty where it does not."""
    least, most = usual(analyte, training, low, high)
    if least <= value <= most:
        return ""
    if analyte.scale is Scale.CT:
        hint = ": these look like differences of Ct" if value < EARLY_CT and low > USUAL_CT else ""
        return f"{what} is {value:.3g} Ct, at training {training.p50:.3g}{hint}"
    if analyte.scale is Scale.NORMALISED:
        off = abs(value - training.p50) / (training.p75 - training.p25)
        return f"{what} is {value:.3g}, {off:.0f} interquartile ranges from training's {training.p50:.3g}"
    unit = "CPM" if analyte.scale in (Scale.COUNTS, Scale.CPM) else analyte.unit
    if value <= 0:
        return f"{what} is 0 {unit}, at training {training.p50:.4g}"
    step = round(math.log10(value) - math.log10(training.p50))
    power = f"about {'×' if step > 0 else '÷'}{10 ** abs(step) if abs(step) <= LARGEST_POWER else f'10^{abs(step)}'}"
    return f"{what} is {value:.4g} {unit}, at training {training.p50:.4g}: {power}"

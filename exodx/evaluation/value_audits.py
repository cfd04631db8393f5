"""Findings about numbers that were altered on their way: rounded, filled in, multiplied, or written without their decimal point.

Each is told from the values themselves, without classes and without a model; the order of rows plays no part. What is asked is
that the altered numbers stand out from the rest of their own column by more than people do. The limits follow from what each
alteration does to numbers; which columns can be told by (seen in most specimens, written with decimals) was learned from false
alarms in real cohorts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from exodx.cohort import Cohort
from exodx.evaluation.audits import Finding
from exodx.frozen import State
from exodx.frozen.measurements import is_measured
from exodx.panel import Scale

Floats = NDArray[np.float64]

ENOUGH, DISTINCT = 10, 10
"""Values, and different ones, with which anything can be said of a column; fewer different ones are a score or a yes/no fact."""

SHARE, FEW, OFTEN = 0.05, 5, 3
"""A value was put in where so large a share of a column holds it, so many specimens, and so many times as many as any other."""

INSIDE = (0.10, 0.90)
"""Of the other values: a limit of detection or of the range lies at an end of them, a mean put in does not."""

MOST_WITH_DECIMALS = 1e4
"""Larger numbers may be written without decimals: seven digits are all that single precision holds."""

WHOLE_BY_CHANCE = 1e-4
"""Share of numbers with decimals that happen to end in zeros which were not written."""

HEAPS = 4.0
"""Two heaps of a log-like column lie apart by so many of the larger one's standard deviations, with nothing between them …"""

CLEAR = 2.0
"""… for so many of them at least."""

FOLD, LEAST_GAP = 10.0, 0.5
"""Heaps of amounts lie a power of ten apart; the gap between them, in powers of ten, is at least the second, and a third of it …"""

USUAL = 0.8
"""… of an analyte that so many of the specimens have: what is seldom seen lies in heaps by itself."""

ROUND = 0.35
"""How near the distance of two heaps' medians lies to a whole power of ten."""

LAST_CYCLES, MIN_PILE, LEAST_CT = (40.0, 45.0, 50.0), 3, 15.0
LARGE, MULTIPLIED_BY_CHANCE = 100, 1e-3
NAMED = 6


def audit_values(cohort: Cohort) -> list[Finding]:
    """Return what was done to numbers before they came here.

    Parameters
    ----------
    cohort : Cohort
    """
    return [
        *_rounded(cohort),
        *_points(cohort),
        *_filled(cohort),
        *_last_cycle(cohort),
        *_early(cohort),
        *_heaps(cohort),
        *_multiples(cohort),
    ]


def _rounded(cohort: Cohort) -> Iterator[Finding]:
    names = []
    columns = list(_columns(cohort, (Scale.CT, Scale.NORMALISED)))
    for name, values in columns:
        known = values[np.isfinite(values)]
        if len(known) >= ENOUGH and not (known % 1).any() and len(np.unique(known)) > 2:
            names.append(name)
    if names and 2 * len(names) > len(columns):
        message = (
            f"{_some(names)}: only whole numbers, where Ct and log values have decimals: they were rounded, which is as much as a "
            "marker moves. Export them anew with their decimals."
        )
        yield Finding("values_rounded", "warning", message)


def _points(cohort: Cohort) -> Iterator[Finding]:
    """Whole numbers far beyond a column of decimals that lie inside it once divided by a power of ten."""
    found: dict[str, tuple[int, float]] = {}
    looked_at = 0
    for name, values in _columns(cohort, (Scale.NORMALISED, Scale.LINEAR, Scale.CPM)):
        known = values[np.isfinite(values)]
        looked_at += len(known)
        whole = known % 1 == 0
        rest = known[~whole & (np.abs(known) < MOST_WITH_DECIMALS)]
        if len(rest) < max(ENOUGH, 0.8 * len(known)):
            continue
        far = known[whole & (np.abs(known) > FOLD * np.quantile(np.abs(rest), 0.95)) & (np.abs(known) > 2 * np.abs(rest).max())]
        low, high = np.quantile(np.abs(rest), (0.01, 0.99))
        lost = [v for v in np.abs(far) if any(low <= v / 10**k <= high for k in range(1, 7))]
        if lost:
            found[name] = (len(lost), float(lost[0]))
    if sum(n for n, _ in found.values()) > WHOLE_BY_CHANCE * looked_at:
        shown = "; ".join(f"{name}: {value:.10g}" for name, (_, value) in list(found.items())[:NAMED])
        cells = sum(n for n, _ in found.values())
        message = (
            f"{cells} cells of {len(found)} analytes are whole numbers 10 or more times beyond a column "
            f"of decimals, and inside it once divided by a power of ten ({shown}{' …' if len(found) > NAMED else ''}): the decimal "
            "point was lost. Export the table anew."
        )
        yield Finding("decimal_point_lost", "warning", message)


def _filled(cohort: Cohort) -> Iterator[Finding]:
    found = {}
    for name, values in _columns(cohort, (Scale.CT, Scale.NORMALISED, Scale.LINEAR, Scale.CPM)):
        known = values[np.isfinite(values)]
        if len(known) < ENOUGH or not (known % 1).any():
            continue
        distinct, counts = np.unique(known, return_counts=True)
        most, second = np.sort(counts)[-1], np.sort(counts)[-2] if len(counts) > 1 else 0
        value = float(distinct[np.argmax(counts)])
        others = known[known != value]
        if len(distinct) < DISTINCT or most < max(FEW, SHARE * len(known), OFTEN * second):
            continue
        at = float((others < value).mean())
        if INSIDE[0] < at < INSIDE[1]:
            found[name] = (value, int(most))
    if found:
        shown = "; ".join(f"{name}: {value:.6g} in {n}" for name, (value, n) in list(found.items())[:NAMED])
        message = (
            f"One number stands in many specimens, amid others that differ, in {len(found)} analytes ({shown}"
            f"{' …' if len(found) > NAMED else ''}): a mean or median put in where there was no value, perhaps one of held-out "
            "specimens too. Leave such cells blank, or write 'Undetermined' or '<LOD'."
        )
        yield Finding("values_filled_in", "warning", message)


def _last_cycle(cohort: Cohort) -> Iterator[Finding]:
    values = np.concatenate([v for _, v in _columns(cohort, (Scale.CT,))] or [np.zeros(0)])
    known = values[np.isfinite(values)]
    if not known.size or (top := float(known.max())) not in LAST_CYCLES or top > cohort.panel.ct_cutoff:
        return
    pile = int((known == top).sum())
    if pile >= MIN_PILE:
        message = (
            f"{pile} Ct are exactly {top:g}, the last cycle: nothing amplified there, and the panel reads them as measured (its "
            f"ct_cutoff is {cohort.panel.ct_cutoff:g}). Write 'Undetermined', or set ct_cutoff below {top:g}."
        )
        yield Finding("last_cycle_measured", "warning", message)


def _early(cohort: Cohort) -> Iterator[Finding]:
    medians = [float(np.nanmedian(v)) for _, v in _columns(cohort, (Scale.CT,)) if np.isfinite(v).sum() >= ENOUGH]
    if medians and (middle := float(np.median(medians))) < LEAST_CT:
        message = (
            f"The Ct are {middle:.3g} in the middle: nothing in vesicles or plasma amplifies so early. They look like 40 − Ct, "
            "logarithms or differences, which are not read as a Ct is. Give raw Ct, or a panel with another unit."
        )
        yield Finding("ct_early", "warning", message)


def _heaps(cohort: Cohort) -> Iterator[Finding]:
    """Columns that fall into two heaps with nothing between them: half of a file in another unit, scale or dilution."""
    found = {}
    for name, values in _columns(cohort, (Scale.CT, Scale.NORMALISED)):
        known = np.sort(values[np.isfinite(values)])
        if len(np.unique(known)) >= DISTINCT and (gap := _log_like_gap(known)):
            found[name] = gap
    for name, values in _with_numbers_below_lod(cohort):
        known = np.sort(values[np.isfinite(values) & (values > 0)])
        if len(known) >= USUAL * len(values) and len(np.unique(known)) >= DISTINCT and (gap := _round_factor(np.log10(known))):
            found[name] = gap
    if found:
        shown = "; ".join(f"{name}: {gap}" for name, gap in list(found.items())[:NAMED])
        more = " …" if len(found) > NAMED else ""
        message = (
            f"Values of {len(found)} of {len(cohort.panel.analytes)} analytes fall into two heaps with nothing between them "
            f"({shown}{more}): some specimens may be in another unit or on another scale than the rest. Look at which they are "
            "(plate, date, half of the file)."
        )
        yield Finding("units_mixed", "warning", message)


def _with_numbers_below_lod(cohort: Cohort) -> Iterator[tuple[str, Floats]]:
    """Give the amounts of each analyte, with the numbers below its limit: ng/mL among pg/mL lie there.

    A limit that was written in many cells (``<2.5``) is no number of theirs, so numbers that stand several times are left out.
    """
    for name, values in _columns(cohort, (Scale.LINEAR, Scale.CPM)):
        numbers, states = cohort.measurements.column(name)
        below = np.where(states == State.BELOW_LOD, numbers, np.nan)
        distinct, counts = np.unique(below[np.isfinite(below)], return_counts=True)
        once = np.isin(below, distinct[counts == 1])
        yield name, np.where(once, below, values)


def _log_like_gap(known: Floats) -> str:
    """Return how two heaps lie, in words; empty where there is one."""
    cut, gap = _widest(known)
    if cut is None:
        return ""
    low, high = known[:cut], known[cut:]
    spread = max(float(low.std(ddof=1)), float(high.std(ddof=1)))
    apart = float(np.median(high) - np.median(low))
    if spread <= 0 or gap < CLEAR * spread or apart < HEAPS * spread:
        return ""
    return f"{len(low)} about {np.median(low):.3g}, {len(high)} about {np.median(high):.3g}"


def _round_factor(logs: Floats) -> str:
    """Return by what power of ten the upper heap lies above the lower, in words; empty where it does not."""
    cut, gap = _widest(logs)
    if cut is None:
        return ""
    low, high = logs[:cut], logs[cut:]
    apart = float(np.median(high) - np.median(low))
    step = round(apart)
    spread = max(float(low.std(ddof=1)), float(high.std(ddof=1)))
    error = 2.5 * spread * (1 / len(low) + 1 / len(high)) ** 0.5
    if step < 1 or gap < max(LEAST_GAP, apart / 3) or abs(apart - step) > max(ROUND, error) or apart < HEAPS * spread:
        return ""
    return f"{len(high)} of {len(logs)} about ×{10**step} the others"


def _widest(ordered: Floats) -> tuple[int | None, float]:
    """Return where the widest gap lies that leaves enough values on either side, and how wide it is."""
    least = max(FEW, round(SHARE * len(ordered)))
    if len(ordered) < 2 * least + 1:
        return None, 0.0
    gaps = np.diff(ordered)[least - 1 : len(ordered) - least]
    at = int(np.argmax(gaps))
    return at + least, float(gaps[at])


def _multiples(cohort: Cohort) -> Iterator[Finding]:
    """Counts of which far more than a tenth are multiples of ten were multiplied, or rounded."""
    counts = dict(_columns(cohort, (Scale.COUNTS,)))
    if not counts:
        return
    table = np.column_stack(list(counts.values()))
    large = np.isfinite(table) & (table >= LARGE)
    tens = large & (table % 10 == 0)
    tried = sum(table.shape)
    columns, rows = (
        np.flatnonzero((k := tens.sum(axis=axis)) >= FEW)[
            tried * binom.sf(k[k >= FEW] - 1, large.sum(axis=axis)[k >= FEW], 0.1) < MULTIPLIED_BY_CHANCE
        ]
        for axis in (0, 1)
    )
    if len(columns) or len(rows):
        names = [list(counts)[j] for j in columns]
        where = " and ".join(filter(None, [_some(names), f"{len(rows)} of {len(cohort)} specimens" if len(rows) else ""]))
        message = (
            f"Counts of {where} are multiples of ten far more often than one in ten: they were multiplied or rounded, and are no "
            "counts of reads. Give the counts as they were counted."
        )
        yield Finding("counts_multiplied", "warning", message)


def _columns(cohort: Cohort, scales: Sequence[Scale]) -> Iterator[tuple[str, Floats]]:
    """Give the measured values of each analyte but the spike-ins, NaN where there is none."""
    for analyte in cohort.panel.analytes:
        if analyte.scale in scales and analyte.role not in ("spike_in", "interplate"):
            values, states = cohort.measurements.column(analyte.name)
            yield analyte.name, np.where(is_measured(states), values, np.nan)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" … ({len(names)} in all)" if len(names) > NAMED else "")

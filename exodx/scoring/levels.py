"""Two columns under each other's names, told from where their values lie: what ``predict`` can say of a whole cohort.

Only the middle of each column is looked at, in few specimens of each part. So two analytes are named where nearly every value of
training parts them; what lies alike and differs in its company only is for ``exodx check --model``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import AnyModel, Measurements
from exodx.frozen.measurements import is_measured
from exodx.frozen.ranges import NOT_HELD, Training, median, training_of
from exodx.frozen.scale import count_matrix
from exodx.libraries.sizes import library_sizes
from exodx.panel import Analyte, Panel, Scale
from exodx.scoring.intake import ENOUGH

Floats = NDArray[np.float64]

CELLS, FEWEST, MOST = 1 << 14, 16, 256
"""Of a part so many cells are looked at, of so many specimens at least and at most: a middle needs no more."""

LEFT = 0.5
"""So much of what both lie off by may be left once they are exchanged."""

BY_CHANCE = 1e-3
"""Of any pair in a cohort, if all columns lie off as the others do: another assay or fluid moves them all."""

FEWEST_OTHERS, FEW_TELL_LITTLE = 2, 3.0
"""How far the others lie off is known of two at least, and of k taken for 1 + 3/k times as much."""

SD_OF_MAD = 1.4826

NAMED = 3
EXCHANGED = "lie where the model's training specimens had each other"


@dataclass(frozen=True, slots=True)
class Level:
    """Where a column lies here, and where it lay at training; of amounts as log2.

    Parameters
    ----------
    name : str
    kind : tuple of str
        Scale and unit: only columns measured alike can be taken for each other.
    here : float
        Median.
    training : Training
    """

    name: str
    kind: tuple[str, str]
    here: float
    training: Training


def middles(panel: Panel, m: Measurements, fewest: int = FEWEST) -> tuple[NDArray[np.intp], Floats]:
    """Return, for each analyte of a panel, how many values were looked at, and their median; of amounts its log2.

    Parameters
    ----------
    panel : Panel
    m : Measurements
        In the panel's order. Of many specimens every k-th is looked at.
    fewest : int
        Specimens that are looked at in any case.

    Returns
    -------
    n : ndarray of int, shape (p,)
        0 where the median has no logarithm.
    median : ndarray of float64, shape (p,)
        0 where n is.
    """
    if not len(m):
        return np.zeros(len(panel.analytes), np.intp), np.zeros(len(panel.analytes))
    rows = min(max(CELLS // max(len(panel.analytes), 1), fewest), MOST)
    some = m[:: max(1, -(-len(m) // rows))]
    values = np.where(is_measured(some.states), some.values, np.nan)
    counts = [a.name for a in panel.analytes if a.scale is Scale.COUNTS]
    if counts:
        library = library_sizes(count_matrix(some, counts))
        is_count = np.array([a.scale is Scale.COUNTS for a in panel.analytes])
        values[:, is_count] *= 1e6 / np.where(library > 0, library, np.nan)[:, None]
    ordered = np.sort(values, axis=0)  # what is not known stands last
    n = np.count_nonzero(~np.isnan(ordered), axis=0)
    columns = np.arange(len(n))
    middle = ordered[np.maximum(n - 1, 0) // 2, columns] / 2 + ordered[np.minimum(n // 2, len(ordered) - 1), columns] / 2
    logged = np.array([_is_amount(a) for a in panel.analytes])
    middle[logged] = np.log2(np.where(middle[logged] > 0, middle[logged], np.nan))
    known = (n > 0) & np.isfinite(middle)
    return np.where(known, n, 0), np.where(known, middle, 0.0)


def notes_of_table(model: AnyModel, m: Measurements) -> list[str]:
    """Return in words which columns of a table, in the panel's order, lie where the model's training specimens had each other."""
    n, middle = middles(model.panel, m, MOST)
    found = {name: (k, k * at) for name, k, at in zip(model.panel.names, n.tolist(), middle.tolist(), strict=True)}
    return exchange_notes(model.panel, model.reference, found)


def exchange_notes(panel: Panel, reference: Mapping[str, Any], found: Mapping[str, Sequence[float]]) -> list[str]:
    """Return in words which columns lie where training had each other.

    Parameters
    ----------
    panel : Panel
    reference : mapping
        Of the model.
    found : mapping of str to (n, sum)
        For each analyte how many values were looked at, and the medians of the parts, each as often as it had values, summed.
    """
    held = []
    for analyte in panel.analytes:
        training, (n, total) = training_of(reference, analyte), found.get(analyte.name, (0, 0.0))
        if training is None or analyte.role in NOT_HELD or n < ENOUGH or (_is_amount(analyte) and training.p1 <= 0):
            continue
        lay = Training(*np.log2(training).tolist()) if _is_amount(analyte) else training
        held.append(Level(analyte.name, (analyte.scale.value, analyte.unit), total / n, lay))
    pairs = exchanged(held)
    if not pairs:
        return []
    shown = "; ".join(f"{a!r} and {b!r}" for a, b in pairs[:NAMED]) + (" …" if len(pairs) > NAMED else "")
    return [
        f"columns {shown} {EXCHANGED}: they may have been exchanged on the way, and the calls mean nothing then "
        "(exodx check --model tells more)"
    ]


def exchanged(levels: Sequence[Level]) -> list[tuple[str, str]]:
    """Return the pairs of columns that lie where training had each other, each column once.

    What all columns of a kind are off by in common (input, depth, dilution) is taken off first. Then each of the two lies outside
    the 1st to 99th percentile of its own training values and inside the other's, at most half as far off as before, and if columns
    lay off at random, as far as the others do, no pair would come so near.

    Examples
    --------
    >>> middle = {"a": 25, "b": 32, "c": 21, "d": 28}
    >>> lay = {name: Training(at - 3, at - 1, at, at + 1, at + 3) for name, at in middle.items()}
    >>> here = {"a": 32.3, "b": 25.4, "c": 21.2, "d": 28.1}
    >>> exchanged([Level(name, ("ct", ""), here[name], lay[name]) for name in lay])
    [('a', 'b')]
    """
    pairs = []
    for kind in dict.fromkeys(level.kind for level in levels):
        alike = [level for level in levels if level.kind == kind]
        pairs += _among(alike)
    return pairs


def _among(levels: Sequence[Level]) -> list[tuple[str, str]]:
    """Look among columns measured alike."""
    off = np.array([level.here - level.training.p50 for level in levels])
    off = off - median(off)
    outside = [i for i, level in enumerate(levels) if not level.training.p1 <= level.training.p50 + off[i] <= level.training.p99]
    found = []
    if len(levels) < 2 + FEWEST_OTHERS:
        return []
    for i, j in combinations(outside, 2):
        a, b = levels[i].training, levels[j].training
        left = abs(a.p50 + off[i] - b.p50), abs(b.p50 + off[j] - a.p50)
        near = max(left[0] / abs(off[i]), left[1] / abs(off[j])) <= LEFT
        inside = b.p1 <= a.p50 + off[i] <= b.p99 and a.p1 <= b.p50 + off[j] <= a.p99
        if near and inside and _by_chance(abs(a.p50 - b.p50), np.delete(np.abs(off), [i, j])) < BY_CHANCE:
            found.append((sum(left), i, j))
    taken: set[int] = set()
    pairs = []
    for _, i, j in sorted(found):
        if not taken & {i, j}:
            taken |= {i, j}
            pairs.append((levels[i].name, levels[j].name))
    return pairs


def _by_chance(distance: float, others: Floats) -> float:
    """Return how many pairs would be as near to each other's place, if all lay off as the others do (normally distributed)."""
    k = len(others)
    spread = SD_OF_MAD * median(others) * (1 + FEW_TELL_LITTLE / k)
    if spread == 0:
        return 0.0
    one = math.erfc((1 - LEFT) * distance / spread / 2**0.5) / 2
    return (k + 2) * (k + 1) / 2 * one**2


def _is_amount(analyte: Analyte) -> bool:
    return analyte.scale in (Scale.LINEAR, Scale.CPM, Scale.COUNTS)

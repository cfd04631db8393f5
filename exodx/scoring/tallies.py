"""What can be told of a cohort only when all of it was seen, gathered part by part in little memory.

Medians are not kept: whether a median lies between two limits follows from how many values lie beyond each. Where that does not
clear every analyte, the cohort is read once more as a whole, and what is told then is told from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import Measurements, State
from exodx.frozen.contract import NEGATIVE_SHARE
from exodx.frozen.measurements import is_measured
from exodx.frozen.ranges import MIN_CPM, MIN_MEDIAN, NOT_HELD, RELATIVE_SHARE, training_of, usual
from exodx.frozen.scale import count_matrix
from exodx.libraries.sizes import library_sizes
from exodx.panel import Panel, Scale
from exodx.scoring.levels import middles

N = TypeVar("N", int, float)

_SEED, _ALL = 20240229, (1 << 64) - 1
"""Of the weights of the hash: one for each place of a text, odd, so that a changed letter always changes the hash."""


@dataclass(slots=True)
class Tallies:
    """Counts of a part, or of all parts so far.

    Parameters
    ----------
    n : int
        Specimens.
    calls : Counter of str
    stated : dict of str to list of str
        What is said of the specimens, each text once.
    allowed : Counter of str
        Specimens for which a difference was allowed, by its code and what was found.
    values : dict of str to list of float
        For each analyte that is held against training: values, how many of them lie below and above what is usual for a median, and
        of those whose middle is taken (:mod:`exodx.scoring.levels`) how many there are and the sum of the parts' middles.
    negative : dict of str to list of int
        For each Ct analyte: negative cells, and cells that are not blank for certain.
    """

    n: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    stated: dict[str, list[str]] = field(default_factory=dict)
    allowed: Counter[str] = field(default_factory=Counter)
    values: dict[str, list[float]] = field(default_factory=dict)
    negative: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: Tallies) -> None:
        """Add the counts of a further part."""
        self.n += other.n
        self.calls += other.calls
        self.allowed += other.allowed
        for key, said in other.stated.items():
            self.stated[key] = sorted({*self.stated.get(key, ()), *said})
        _add(self.values, other.values)
        _add(self.negative, other.negative)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain JSON types."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Tallies:
        """Rebuild from :meth:`to_dict`."""
        return cls(**{**state, "calls": Counter(state["calls"]), "allowed": Counter(state["allowed"])})

    def clears(self, panel: Panel, reference: Mapping[str, Any]) -> bool:
        """Say whether it is certain that no median is suspect and no Ct column holds differences."""
        if any(found and found >= NEGATIVE_SHARE * filled for found, filled in self.negative.values()):
            return False
        doubtful, held = 0, 0
        for analyte in panel.analytes:
            training = training_of(reference, analyte)
            if training is None or analyte.role in NOT_HELD:
                continue
            n, below, above = self.values.get(analyte.name, [0, 0, 0])[:3]
            cleared = n == 0 or (n >= MIN_MEDIAN and 2 * below < n and 2 * above < n)
            if analyte.scale in (Scale.COUNTS, Scale.CPM):
                held += training.p50 > MIN_CPM
                doubtful += not cleared
            elif not cleared:
                return False
        return doubtful == 0 or doubtful < RELATIVE_SHARE * held


def _add(mine: dict[str, list[N]], theirs: Mapping[str, Sequence[N]]) -> None:
    for name, counts in theirs.items():
        mine[name] = [a + b for a, b in zip_longest(mine.get(name, ()), counts, fillvalue=0)]


def value_counts(panel: Panel, reference: Mapping[str, Any], m: Measurements) -> dict[str, list[float]]:
    """Count the values that :func:`exodx.frozen.ranges.suspects` takes medians of, those beyond what is usual, and middles.

    Parameters
    ----------
    m : Measurements
        In the panel's order, without the cells that have no meaning.
    """
    names = [a.name for a in panel.analytes if a.scale is Scale.COUNTS]
    library = library_sizes(count_matrix(m, names)) if names else np.zeros(len(m))
    counts: dict[str, list[float]] = {}
    looked_at, middle = middles(panel, m)
    for analyte, n, at in zip(panel.analytes, looked_at.tolist(), middle.tolist(), strict=True):
        training = training_of(reference, analyte)
        if training is None or analyte.role in NOT_HELD:
            continue
        values, states = m.column(analyte.name)
        taken = is_measured(states)
        if analyte.scale is Scale.COUNTS:
            values, taken = 1e6 * values / np.where(library > 0, library, np.nan), taken & (library > 0)
        if analyte.scale is Scale.LINEAR:
            taken = taken | ((states == State.BELOW_LOD) & np.isfinite(values))
        low, high = usual(analyte, training, training.p50, training.p50)
        beyond = [int(np.count_nonzero(mask)) for mask in (taken, taken & (values < low), taken & (values > high))]
        counts[analyte.name] = [*beyond, n, n * at]
    return counts


def hashes(content: NDArray[np.uint8], offsets: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each text, the same on every machine; different texts hardly ever share one.

    Parameters
    ----------
    content : ndarray of uint8
        UTF-8 bytes of all texts.
    offsets : ndarray of int32, shape (n + 1,)
        Where each begins, and the last one ends.
    """
    offsets = offsets.astype(np.int64)
    sizes = np.diff(offsets)
    longest = int(sizes.max(initial=0))
    weights = np.array([_drawn(place) | 1 for place in range(longest + 1)], np.uint64)
    found: NDArray[np.uint64] = sizes.astype(np.uint64) * weights[0]
    if longest and (sizes == longest).all():
        letters = content[offsets[0] : offsets[-1]].reshape(len(sizes), longest).astype(np.uint64)
        found += (letters + np.uint64(1)) @ weights[1:]
        return found
    for place in range(longest):
        rows = np.flatnonzero(sizes > place)
        found[rows] += (content[offsets[rows] + place].astype(np.uint64) + np.uint64(1)) * weights[place + 1]
    return found


@lru_cache(maxsize=4096)
def _drawn(place: int) -> int:
    """Return the number at a place of a random sequence (SplitMix64: Steele et al. 2014, 10.1145/2714064.2660195).

    NumPy's own generators take as long to load as thousands of specimens to score.
    """
    z = (_SEED + (place + 1) * 0x9E3779B97F4A7C15) & _ALL
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _ALL
    return z ^ (z >> 31)


def any_twice(path: Path, at_once: int = 1 << 20) -> bool:
    """Say whether a hash stands twice in a file of them; about so many are looked at at once, by their remainders."""
    divisor = -(-path.stat().st_size // (8 * at_once))
    return any(_twice_among(path, at_once, i, divisor) for i in range(divisor))


def _twice_among(path: Path, at_once: int, remainder: int, divisor: int) -> bool:
    """Say whether a hash of a remainder stands there twice."""
    taken = []
    with path.open("rb") as file:
        while len(some := np.fromfile(file, np.uint64, at_once)):
            taken.append(some[some % np.uint64(divisor) == np.uint64(remainder)])
    ordered = np.concatenate(taken)
    ordered.sort()
    return bool((ordered[1:] == ordered[:-1]).any())

"""Two ways over the same compiled forest, to the same bits: NumPy, and the loops as machine code where many rows pay for it.

A row's sums depend on the row alone: every operation here works element by element along rows, in one order of units and leaves, so
blocks, threads, the number of rows and the choice between the two ways change no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from exodx.frozen import loops
from exodx.frozen.native import Loop, native_loops
from exodx.frozen.parts import Array, Columns, Conditions, Leaves, Splits, Units

UNITS_AT_ONCE = 32


class Kernel(NamedTuple):
    """Functions that answer the splits and add what the answers are worth, for blocks of so many rows.

    ``place`` is the loop of that name, for :meth:`exodx.frozen.domain.Scatter.flag`; none where NumPy does without.
    """

    name: str
    rows: int
    fill_bits: Callable[..., None]
    add_columns: Callable[..., None]
    add_leaves: Callable[..., None]
    add_values: Callable[..., None]
    add_leaf_values: Callable[..., None]
    place: Callable[..., None] | None = None


def numpy_kernel() -> Kernel:
    """Return the way of NumPy: no compilation, blocks of 2,048 rows."""
    return Kernel("numpy", 2048, _fill_bits, _add_columns, _add_leaves, _add_values, _add_leaf_values)


@cache
def native_kernel() -> Kernel | None:
    """Return the loops as machine code, or none where they cannot be compiled: numba is not installed."""
    made = native_loops(loops)
    return None if made is None else looped_kernel("native", 2048, made)


def looped_kernel(name: str, rows: int, made: Mapping[Loop, Loop]) -> Kernel:
    """Return the way of the loops, each by the function that stands for it."""

    def fill_bits(x: Array, splits: Splits, conditions: Conditions, bits: Array) -> None:
        sizes = len(splits.feature), len(conditions.start) - 1
        made[loops.fill_bits](x.shape[1], x, sizes[0], *splits, sizes[1], *conditions, bits)

    def add_columns(bits: Array, units: Units, columns: Columns, is_full: Array, out: Array) -> None:
        n, size, scratch = bits.shape[1], len(units.start) - 1, np.empty(out.shape, np.float32)
        pattern = np.empty(n, np.uint8)
        made[loops.add_columns](n, bits, size, *units[:2], *columns, is_full, len(out), scratch, pattern, out)

    def add_leaves(bits: Array, leaves: Leaves, rules: Array, out: Array) -> None:
        n, scratch = bits.shape[1], np.empty((len(rules) + 1, bits.shape[1]))
        made[loops.add_leaves](n, bits, len(leaves.value), *leaves, rules.shape[2], rules, scratch[1:], scratch[0], out)

    def add_values(bits: Array, units: Units, every: int, out: Array) -> None:
        n, size = bits.shape[1], len(units.start) - 1
        made[loops.add_values](n, bits, size, *units, every, np.empty(n, np.float32), np.empty(n, np.uint8), out)

    def add_leaf_values(bits: Array, leaves: Leaves, out: Array) -> None:
        n, size = bits.shape[1], len(leaves.value)
        made[loops.add_leaf_values](
            n, bits, size, leaves.start, leaves.bit, leaves.wanted, leaves.value, np.empty(n, np.uint8), out
        )

    return Kernel(name, rows, fill_bits, add_columns, add_leaves, add_values, add_leaf_values, made[loops.place])


def _fill_bits(x: Array, splits: Splits, conditions: Conditions, bits: Array) -> None:
    """Compare a feature with all its thresholds at once: splits come sorted by feature and default."""
    feature, default = splits.feature, splits.default
    edges = np.flatnonzero((np.diff(feature) != 0) | (np.diff(default.astype(np.int8)) != 0)) + 1
    answers = bits.view(np.bool_)
    for a, b in zip([0, *edges], [*edges, len(feature)], strict=True):
        if a < b and default[a]:
            np.greater_equal(x[feature[a]], splits.threshold[a:b, None], out=answers[a:b])
            np.logical_not(answers[a:b], out=answers[a:b])
        elif a < b:
            np.less(x[feature[a]], splits.threshold[a:b, None], out=answers[a:b])
    for c, (a, b) in enumerate(pairwise(conditions.start.tolist())):
        literals = bits[conditions.split[a:b]] ^ (1 - conditions.below[a:b])[:, None]
        np.bitwise_and.reduce(literals, axis=0, out=bits[len(feature) + c])


def _patterns(bits: Array, units: Units) -> Iterator[Array]:
    """Yield the pattern of each unit as an index, units of one size worked on together."""
    sizes = np.diff(units.start)
    first = 0
    while first < len(sizes):
        last = min(first + UNITS_AT_ONCE, int(np.searchsorted(sizes, sizes[first], "right")))
        rows = units.bit[units.start[first] : units.start[last]].reshape(last - first, sizes[first])
        pattern = bits[rows[:, -1]]
        for k in range(int(sizes[first]) - 2, -1, -1):
            np.add(pattern, pattern, out=pattern)
            np.bitwise_or(pattern, bits[rows[:, k]], out=pattern)
        yield from pattern.astype(np.intp)
        first = last


def _add_columns(bits: Array, units: Units, columns: Columns, is_full: Array, out: Array) -> None:
    sums = np.zeros(out.shape, np.float32)
    worth = np.empty(bits.shape[1], np.float32)
    totals, wholes, features, full = list(sums), list(out), columns.feature.tolist(), is_full.tolist()
    sizes, starts = (1 << np.diff(units.start)).tolist(), columns.start.tolist()
    add, at = np.add, 0
    for u, pattern in enumerate(_patterns(bits, units)):
        size = sizes[u]
        for c in range(starts[u], starts[u + 1]):
            total = totals[features[c]]
            columns.table[at : at + size].take(pattern, out=worth, mode="clip")
            add(total, worth, out=total)
            at += size
            if full[c]:
                add(wholes[features[c]], total, out=wholes[features[c]])
                total.fill(0)
    add(out, sums, out=out)


def _add_leaves(bits: Array, leaves: Leaves, rules: Array, out: Array) -> None:
    for (a, b), value in zip(pairwise(leaves.start.tolist()), leaves.value, strict=True):
        taken = (bits[leaves.bit[a:b]] == leaves.wanted[a:b, None]).astype(np.float64)
        ratio = leaves.ratio[a:b, None]
        term = np.zeros(taken.shape)
        for t, w in rules[b - a, :, : (b - a - 1) // 2 + 1].T:
            factors = t * taken + ratio * (1 - t)
            product = np.full(taken.shape[1], w)
            for factor in factors:
                product *= factor
            term += product * (1 / factors)
        for feature, share in zip(leaves.feature[a:b], (value * (taken - ratio)) * term, strict=True):
            out[feature] += share


def _add_values(bits: Array, units: Units, every: int, out: Array) -> None:
    sums = np.zeros(len(out), np.float32)
    worth = np.empty(len(out), np.float32)
    starts = np.cumsum([0, *(1 << np.diff(units.start))]).tolist()
    for u, pattern in enumerate(_patterns(bits, units)):
        units.value[starts[u] : starts[u + 1]].take(pattern, out=worth, mode="clip")
        np.add(sums, worth, out=sums)
        if (u + 1) % every == 0:
            np.add(out, sums, out=out)
            sums.fill(0)
    np.add(out, sums, out=out)


def _add_leaf_values(bits: Array, leaves: Leaves, out: Array) -> None:
    for (a, b), value in zip(pairwise(leaves.start.tolist()), leaves.value, strict=True):
        out += value * (bits[leaves.bit[a:b]] == leaves.wanted[a:b, None]).all(axis=0)

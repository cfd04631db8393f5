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
from exodx.frozen.parts import Array, Columns, Conditions, Leaves, Parts, Splits, Units

UNITS_AT_ONCE = 32
FLUSH = 16
"""Terms of a float32 sum before it goes over to float64."""


class Kernel(NamedTuple):
    """A way over the forest.

    Parameters
    ----------
    name : str
    rows : int
        Worked on at once, so that they stay in the processor's cache; they change the time only.
    score : callable
        Takes ``rows``, :class:`Work`, values of shape (k, n) and whether they are explained; returns what the trees add to the
        margin, shape (n,), and to each feature's Shapley value, shape (k, n), or (0, n) where nothing is explained.
    place : callable, optional
        The loop of that name, for :meth:`exodx.frozen.domain.Scatter.flag`; none where NumPy does without.
    """

    name: str
    rows: int
    score: Callable[[int, Work, Array, bool], tuple[Array, Array]]
    place: Callable[..., None] | None = None


class Work(NamedTuple):
    """What a kernel goes over: the forest, which columns fill their feature's float32 sum, and the rules of quadrature by depth."""

    parts: Parts
    is_full: Array
    rules: Array


def numpy_kernel() -> Kernel:
    """Return the way of NumPy: no compilation, blocks of 2,048 rows."""
    return Kernel("numpy", 2048, _score)


@cache
def native_kernel() -> Kernel | None:
    """Return the loops as machine code, or none where they cannot be compiled: numba is not installed."""
    made = native_loops(loops)
    return None if made is None else looped_kernel("native", 2048, made)


def looped_kernel(name: str, rows: int, made: Mapping[Loop, Loop]) -> Kernel:
    """Return the way of the loops, each by the function that stands for it."""

    def score(rows: int, work: Work, values: Array, explained: bool) -> tuple[Array, Array]:
        splits, conditions, units, columns, leaves = work.parts[:5]
        (k, n), tile = values.shape, max(min(rows, values.shape[1]), 1)
        n_splits, n_conditions = len(splits.feature), len(conditions.start) - 1
        x, sums = np.empty((2, max(k, 1), tile), np.float32)
        bits, byte = np.empty((n_splits + n_conditions, tile), np.uint8), np.empty(tile, np.uint8)
        total, term, product = (np.empty((size, tile)) for size in (max(k, 1), len(work.rules), 1))
        margin, shap = np.empty(n), np.empty((k if explained else 0, n))
        made[loops.score](
            *(n, tile, values, n_splits, *splits, n_conditions, *conditions, len(units.start) - 1, *units, *columns),
            *(work.is_full, FLUSH, len(leaves.value), *leaves, work.rules.shape[2], work.rules, k, int(explained)),
            *(x, bits, byte, sums, total, term, product, margin, shap),
        )
        return margin, shap

    return Kernel(name, rows, score, made[loops.place])


def _score(rows: int, work: Work, values: Array, explained: bool) -> tuple[Array, Array]:
    splits, conditions, units, columns, leaves = work.parts[:5]
    k, n = values.shape
    margin, shap = np.zeros(n), np.zeros((k if explained else 0, n))
    for at in (slice(start, start + rows) for start in range(0, n, rows)):
        x = values[:, at].astype(np.float32)
        bits = np.empty((len(splits.feature) + len(conditions.start) - 1, x.shape[1]), np.uint8)
        _fill_bits(x, splits, conditions, bits)
        if len(units.value):
            _add_values(bits, units, FLUSH, margin[at])
        if len(leaves.value):
            _add_leaf_values(bits, leaves, margin[at])
        if explained and len(columns.table):
            _add_columns(bits, units, columns, work.is_full, shap[:, at])
        if explained and len(leaves.value):
            _add_leaves(bits, leaves, work.rules, shap[:, at])
    return margin, shap


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

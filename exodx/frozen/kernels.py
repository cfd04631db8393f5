"""Two ways over the same compiled forest, to the same bits: NumPy, and the loops compiled by numba where many rows pay for it.

A row's sums depend on the row alone: every operation here works element by element along rows, in one order of units and leaves, so
blocks, threads, the number of rows and the choice between the two ways change no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import loops

Array = NDArray[Any]

UNITS_AT_ONCE = 32


class Kernel(NamedTuple):
    """Functions that answer the splits and add what the answers are worth; signatures as in :mod:`exodx.frozen.loops`."""

    name: str
    rows: int
    fill_bits: Callable[..., None]
    add_columns: Callable[..., None]
    add_leaves: Callable[..., None]
    add_values: Callable[..., None]
    add_leaf_values: Callable[..., None]


def numpy_kernel() -> Kernel:
    """Return the way of NumPy: no compilation, blocks of 2,048 rows."""
    return Kernel("numpy", 2048, _fill_bits, _add_columns, _add_leaves, _add_values, _add_leaf_values)


@cache
def numba_kernel() -> Kernel | None:
    """Return the compiled loops, or none where numba is not installed; machine code is kept where numba finds a folder for it."""
    try:
        import numba
    except ImportError:
        return None

    def compiled(function: Callable[..., None]) -> Callable[..., None]:
        try:
            made = numba.njit(function, cache=True, nogil=True, error_model="numpy")
        except RuntimeError:  # no folder can be written to
            made = numba.njit(function, nogil=True, error_model="numpy")
        return made  # type: ignore[no-any-return]

    parts = loops.fill_bits, loops.add_columns, loops.add_leaves, loops.add_values, loops.add_leaf_values
    return Kernel("numba", 1024, *map(compiled, parts))


def _fill_bits(
    x: Array, feature: Array, threshold: Array, default: Array, start: Array, split: Array, below: Array, bits: Array
) -> None:
    """Compare a feature with all its thresholds at once: splits come sorted by feature and default."""
    splits = len(feature)
    edges = np.flatnonzero((np.diff(feature) != 0) | (np.diff(default.astype(np.int8)) != 0)) + 1
    answers = bits.view(np.bool_)
    for a, b in zip([0, *edges], [*edges, splits], strict=True):
        if a < b and default[a]:
            np.greater_equal(x[feature[a]], threshold[a:b, None], out=answers[a:b])
            np.logical_not(answers[a:b], out=answers[a:b])
        elif a < b:
            np.less(x[feature[a]], threshold[a:b, None], out=answers[a:b])
    for c in range(len(start) - 1):
        k = slice(start[c], start[c + 1])
        np.bitwise_and.reduce(bits[split[k]] ^ (1 - below[k])[:, None], axis=0, out=bits[splits + c])


def _patterns(bits: Array, unit_start: Array, unit_bit: Array) -> Any:
    """Yield the pattern of each unit as an index, units of one size together."""
    sizes = np.diff(unit_start)
    u = 0
    while u < len(sizes):
        last = min(u + UNITS_AT_ONCE, int(np.searchsorted(sizes, sizes[u], "right")))
        rows = unit_bit[unit_start[u] : unit_start[last]].reshape(last - u, sizes[u])
        pattern = bits[rows[:, -1]]
        for k in range(int(sizes[u]) - 2, -1, -1):
            np.add(pattern, pattern, out=pattern)
            np.bitwise_or(pattern, bits[rows[:, k]], out=pattern)
        yield from pattern.astype(np.intp)
        u = last


def _add_columns(
    bits: Array, unit_start: Array, unit_bit: Array, column_start: Array, feature: Array, is_full: Array, table: Array, out: Array
) -> None:
    sums = np.zeros(out.shape, np.float32)
    totals, wholes, features, full = list(sums), list(out), feature.tolist(), is_full.tolist()
    sizes, starts = (1 << np.diff(unit_start)).tolist(), column_start.tolist()
    worth = np.empty(bits.shape[1], np.float32)
    add, at = np.add, 0
    for u, pattern in enumerate(_patterns(bits, unit_start, unit_bit)):
        size = sizes[u]
        for c in range(starts[u], starts[u + 1]):
            total = totals[features[c]]
            table[at : at + size].take(pattern, out=worth, mode="clip")
            add(total, worth, out=total)
            at += size
            if full[c]:
                add(wholes[features[c]], total, out=wholes[features[c]])
                total.fill(0)
    np.add(out, sums, out=out)


def _add_leaves(
    bits: Array, start: Array, bit: Array, wanted: Array, feature: Array, ratio: Array, value: Array, rules: Array, out: Array
) -> None:
    for leaf in range(len(value)):
        k = slice(start[leaf], start[leaf + 1])
        d = k.stop - k.start
        taken = (bits[bit[k]] == wanted[k, None]).astype(np.float64)
        term = np.zeros_like(taken)
        for q in range((d - 1) // 2 + 1):
            t, w = rules[d, 0, q], rules[d, 1, q]
            factors = t * taken + (ratio[k] * (1 - t))[:, None]
            product = factors[0]
            for factor in factors[1:]:
                product = product * factor
            term += (product * w) / factors
        shares = value[leaf] * (taken - ratio[k, None]) * term
        for f, share in zip(feature[k], shares, strict=True):
            out[f] += share


def _add_values(bits: Array, unit_start: Array, unit_bit: Array, table: Array, every: int, out: Array) -> None:
    sums = np.zeros(len(out), np.float32)
    worth = np.empty(len(out), np.float32)
    starts = np.cumsum([0, *(1 << np.diff(unit_start))]).tolist()
    for u, pattern in enumerate(_patterns(bits, unit_start, unit_bit)):
        table[starts[u] : starts[u + 1]].take(pattern, out=worth, mode="clip")
        np.add(sums, worth, out=sums)
        if (u + 1) % every == 0:
            np.add(out, sums, out=out)
            sums.fill(0)
    np.add(out, sums, out=out)


def _add_leaf_values(bits: Array, start: Array, bit: Array, wanted: Array, value: Array, out: Array) -> None:
    for leaf in range(len(value)):
        k = slice(start[leaf], start[leaf + 1])
        out += value[leaf] * (bits[bit[k]] == wanted[k, None]).all(axis=0)

"""The compiled forest as plain loops over rows, for a compiler: additions in the order of :mod:`exodx.frozen.kernels`.

Nothing here is called by the interpreter; indices are unsigned and inner loops run along rows, so that they become vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def fill_bits(x: Array, feature: Array, threshold: Array, default: Array, start: Array, split: Array, below: Array, bits: Array) -> None:
    """Answer every split and every condition of several splits; ``bits`` has shape (splits + conditions, n)."""
    n, splits = x.shape[1], len(feature)
    for s in range(splits):
        f, t = feature[s], threshold[s]
        if default[s]:
            for i in range(n):
                bits[s, i] = not x[f, i] >= t
        else:
            for i in range(n):
                bits[s, i] = x[f, i] < t
    for c in range(len(start) - 1):
        for i in range(n):
            bits[splits + c, i] = 1
        for k in range(start[c], start[c + 1]):
            flip = np.uint8(1 - below[k])
            for i in range(n):
                bits[splits + c, i] &= bits[split[k], i] ^ flip


def add_columns(
    bits: Array, unit_start: Array, unit_bit: Array, column_start: Array, feature: Array, is_full: Array, table: Array, out: Array
) -> None:
    """Add each unit's column of the table to its feature, in float32 sums that go over to float64 where ``is_full`` says so."""
    n = bits.shape[1]
    sums = np.zeros(out.shape, np.float32)
    pattern = np.empty(n, np.uint8)
    at = 0
    for u in range(len(unit_start) - 1):
        first, last = unit_start[u], unit_start[u + 1]
        size = 1 << (last - first)
        for i in range(n):
            pattern[i] = bits[unit_bit[first], i]
        for k in range(first + 1, last):
            shift = np.uint8(k - first)
            for i in range(n):
                pattern[i] |= bits[unit_bit[k], i] << shift
        for c in range(column_start[u], column_start[u + 1]):
            column, total = table[at : at + size], sums[feature[c]]
            at += size
            for i in range(n):
                total[i] += column[pattern[i]]
            if is_full[c]:
                whole = out[feature[c]]
                for i in range(n):
                    whole[i] += total[i]
                    total[i] = 0
    for f in range(out.shape[0]):
        for i in range(n):
            out[f, i] += sums[f, i]


def add_leaves(
    bits: Array, start: Array, bit: Array, wanted: Array, feature: Array, ratio: Array, value: Array, rules: Array, out: Array
) -> None:
    """Add the Shapley values of leaves without a table, by quadrature; ``rules[d]`` holds the nodes and weights for d features."""
    n = bits.shape[1]
    width = rules.shape[2]
    term = np.empty((width * 2, n))
    product = np.empty(n)
    for leaf in range(len(value)):
        a, d = start[leaf], start[leaf + 1] - start[leaf]
        term[:d] = 0
        for q in range((d - 1) // 2 + 1):
            t, w = rules[d, 0, q], rules[d, 1, q]
            for j in range(d):
                least = ratio[a + j] * (1 - t)
                for i in range(n):
                    factor = t * (bits[bit[a + j], i] == wanted[a + j]) + least
                    product[i] = product[i] * factor if j else factor
            for i in range(n):
                product[i] *= w
            for j in range(d):
                least = ratio[a + j] * (1 - t)
                for i in range(n):
                    term[j, i] += product[i] / (t * (bits[bit[a + j], i] == wanted[a + j]) + least)
        for j in range(d):
            for i in range(n):
                share = value[leaf] * ((bits[bit[a + j], i] == wanted[a + j]) - ratio[a + j])
                out[feature[a + j], i] += share * term[j, i]


def add_values(bits: Array, unit_start: Array, unit_bit: Array, table: Array, every: int, out: Array) -> None:
    """Add each unit's leaf value, in float32 sums of ``every`` units that go over to float64."""
    n = bits.shape[1]
    sums = np.zeros(n, np.float32)
    pattern = np.empty(n, np.uint8)
    at = 0
    for u in range(len(unit_start) - 1):
        first, last = unit_start[u], unit_start[u + 1]
        size = 1 << (last - first)
        for i in range(n):
            pattern[i] = bits[unit_bit[first], i]
        for k in range(first + 1, last):
            shift = np.uint8(k - first)
            for i in range(n):
                pattern[i] |= bits[unit_bit[k], i] << shift
        column = table[at : at + size]
        at += size
        for i in range(n):
            sums[i] += column[pattern[i]]
        if (u + 1) % every == 0:
            for i in range(n):
                out[i] += sums[i]
                sums[i] = 0
    for i in range(n):
        out[i] += sums[i]


def add_leaf_values(bits: Array, start: Array, bit: Array, wanted: Array, value: Array, out: Array) -> None:
    """Add the value of each leaf without a table where all its bits are as wanted."""
    n = bits.shape[1]
    reached = np.empty(n, np.uint8)
    for leaf in range(len(value)):
        reached[:] = 1
        for k in range(start[leaf], start[leaf + 1]):
            flip = np.uint8(1 - wanted[k])
            for i in range(n):
                reached[i] &= bits[bit[k], i] ^ flip
        for i in range(n):
            out[i] += value[leaf] * reached[i]

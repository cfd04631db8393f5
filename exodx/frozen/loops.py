"""The compiled forest as plain loops over rows, for a compiler: additions in the order of :mod:`exodx.frozen.kernels`.

Nothing here is called by the interpreter. Inner loops run along rows of one array each, so that they become vector instructions.
"""

from __future__ import annotations

import numpy as np

from exodx.frozen.parts import Array, Columns, Conditions, Leaves, Splits, Units


def fill_bits(x: Array, splits: Splits, conditions: Conditions, bits: Array) -> None:
    """Answer every split and every condition of several splits; ``bits`` has shape (splits + conditions, n)."""
    n, n_splits = x.shape[1], len(splits.feature)
    for s in range(n_splits):
        row, t, answer = x[splits.feature[s]], splits.threshold[s], bits[s]
        if splits.default[s]:
            for i in range(n):
                answer[i] = not row[i] >= t
        else:
            for i in range(n):
                answer[i] = row[i] < t
    for c in range(len(conditions.start) - 1):
        answer = bits[n_splits + c]
        answer[:] = 1
        for k in range(conditions.start[c], conditions.start[c + 1]):
            one, flip = bits[conditions.split[k]], np.uint8(1 - conditions.below[k])
            for i in range(n):
                answer[i] &= one[i] ^ flip


def add_columns(bits: Array, units: Units, columns: Columns, is_full: Array, out: Array) -> None:
    """Add each unit's column of the table to its feature, in float32 sums that go over to float64 where ``is_full`` says so."""
    n = bits.shape[1]
    sums = np.zeros(out.shape, np.float32)
    pattern = np.empty(n, np.uint8)
    at = 0
    for u in range(len(units.start) - 1):
        first, last = units.start[u], units.start[u + 1]
        size = 1 << (last - first)
        pattern[:] = bits[units.bit[last - 1]]
        for k in range(last - 2, first - 1, -1):
            bit = bits[units.bit[k]]
            for i in range(n):
                pattern[i] = np.uint8(pattern[i] + pattern[i] + bit[i])
        for c in range(columns.start[u], columns.start[u + 1]):
            column, total = columns.table[at : at + size], sums[columns.feature[c]]
            at += size
            for i in range(n):
                total[i] += column[pattern[i]]
            if is_full[c]:
                whole = out[columns.feature[c]]
                for i in range(n):
                    whole[i] += total[i]
                    total[i] = 0
    for f in range(out.shape[0]):
        for i in range(n):
            out[f, i] += sums[f, i]


def add_leaves(bits: Array, leaves: Leaves, rules: Array, out: Array) -> None:
    """Add the Shapley values of leaves without a table, by quadrature; ``rules[d]`` holds the nodes and weights for d features."""
    n = bits.shape[1]
    term, product = np.empty((len(rules), n)), np.empty(n)
    for leaf in range(len(leaves.value)):
        a, b, value = leaves.start[leaf], leaves.start[leaf + 1], leaves.value[leaf]
        taken = bits[leaves.bit[a:b]] == leaves.wanted[a:b].reshape(-1, 1)
        term[: b - a] = 0
        for q in range((b - a - 1) // 2 + 1):
            t = rules[b - a, 0, q]
            product[:] = rules[b - a, 1, q]
            for j in range(b - a):
                answer, least = taken[j], leaves.ratio[a + j] * (1 - t)
                most = t + least
                for i in range(n):
                    product[i] *= most if answer[i] else least
            for j in range(b - a):
                answer, total, least = taken[j], term[j], leaves.ratio[a + j] * (1 - t)
                by_most, by_least = 1 / (t + least), 1 / least
                for i in range(n):
                    total[i] += product[i] * (by_most if answer[i] else by_least)
        for j in range(b - a):
            out[leaves.feature[a + j]] += (value * (taken[j] - leaves.ratio[a + j])) * term[j]


def add_values(bits: Array, units: Units, every: int, out: Array) -> None:
    """Add each unit's leaf value, in float32 sums of ``every`` units that go over to float64."""
    n = bits.shape[1]
    sums = np.zeros(n, np.float32)
    pattern = np.empty(n, np.uint8)
    at = 0
    for u in range(len(units.start) - 1):
        first, last = units.start[u], units.start[u + 1]
        size = 1 << (last - first)
        pattern[:] = bits[units.bit[last - 1]]
        for k in range(last - 2, first - 1, -1):
            bit = bits[units.bit[k]]
            for i in range(n):
                pattern[i] = np.uint8(pattern[i] + pattern[i] + bit[i])
        column = units.value[at : at + size]
        at += size
        for i in range(n):
            sums[i] += column[pattern[i]]
        if (u + 1) % every == 0:
            for i in range(n):
                out[i] += sums[i]
                sums[i] = 0
    for i in range(n):
        out[i] += sums[i]


def add_leaf_values(bits: Array, leaves: Leaves, out: Array) -> None:
    """Add the value of each leaf without a table where all its bits are as wanted."""
    n = bits.shape[1]
    reached = np.empty(n, np.uint8)
    for leaf in range(len(leaves.value)):
        reached[:] = 1
        for k in range(leaves.start[leaf], leaves.start[leaf + 1]):
            bit, flip = bits[leaves.bit[k]], np.uint8(1 - leaves.wanted[k])
            for i in range(n):
                reached[i] &= bit[i] ^ flip
        value = leaves.value[leaf]
        for i in range(n):
            out[i] += value * reached[i]

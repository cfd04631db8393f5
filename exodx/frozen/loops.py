"""The compiled forest and the domain check as plain loops over rows, for a compiler: additions in the order that NumPy makes them.

Nothing here is called by the interpreter. Every array is flat, one row of a matrix after the other, ``n`` long where it runs along
specimens: a function takes places in memory and numbers alone, as one of C does. Inner loops run along rows of one array each, so
that they become vector instructions. Nothing is allocated: whoever calls brings the scratch, whose content is of no account.
And nothing is called but each other, not even ``min``: machine code that is kept must stand alone. What is called from outside goes
over all specimens, ``tile`` of them at a time, which the processor's cache holds: several threads then seldom wait for one another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from exodx.frozen.parts import Array


def fill_bits(
    n: int,
    x: Array,
    n_splits: int,
    feature: Array,
    threshold: Array,
    default: Array,
    n_conditions: int,
    start: Array,
    split: Array,
    below: Array,
    bits: Array,
) -> None:
    """Answer every split and every condition of several splits; ``bits`` has a row for each."""
    for s in range(n_splits):
        row, t, to = feature[s] * n, threshold[s], s * n
        if default[s]:
            for i in range(n):
                bits[to + i] = not x[row + i] >= t
        else:
            for i in range(n):
                bits[to + i] = x[row + i] < t
    for c in range(n_conditions):
        to = (n_splits + c) * n
        for i in range(n):
            bits[to + i] = 1
        for k in range(start[c], start[c + 1]):
            row, wanted = split[k] * n, below[k]
            for i in range(n):
                bits[to + i] &= bits[row + i] == wanted


def add_looked_up(n: int, table: Array, at: int, bits: int, pattern: Array, sums: Array, row: int) -> None:  # noqa: ARG001
    """Add to each specimen's sum what stands at its pattern, of so many bits, in a table; see :mod:`exodx.frozen.lanes` too."""
    for i in range(n):
        sums[row + i] += table[at + pattern[i]]


def add_columns(
    n: int,
    bits: Array,
    n_units: int,
    unit: Array,
    bit: Array,
    start: Array,
    feature: Array,
    table: Array,
    is_full: Array,
    n_features: int,
    sums: Array,
    pattern: Array,
    out: Array,
) -> None:
    """Add each unit's column of the table to its feature, in float32 sums that go over to float64 where ``is_full`` says so."""
    at = 0
    for i in range(n_features * n):
        sums[i] = 0
    for u in range(n_units):
        first, last = unit[u], unit[u + 1]
        row = bit[last - 1] * n
        for i in range(n):
            pattern[i] = bits[row + i]
        for k in range(last - 2, first - 1, -1):
            row = bit[k] * n
            for i in range(n):
                pattern[i] = pattern[i] + pattern[i] + bits[row + i]
        for c in range(start[u], start[u + 1]):
            row = feature[c] * n
            add_looked_up(n, table, at, last - first, pattern, sums, row)
            at += 1 << (last - first)
            if is_full[c]:
                for i in range(n):
                    out[row + i] += sums[row + i]
                    sums[row + i] = 0
    for i in range(n_features * n):
        out[i] += sums[i]


def add_leaves(
    n: int,
    bits: Array,
    n_leaves: int,
    start: Array,
    bit: Array,
    wanted: Array,
    feature: Array,
    ratio: Array,
    value: Array,
    width: int,
    rules: Array,
    term: Array,
    product: Array,
    out: Array,
) -> None:
    """Add the Shapley values of leaves without a table, by quadrature: ``rules[d]`` holds ``width`` nodes and as many weights."""
    for leaf in range(n_leaves):
        a, d = start[leaf], start[leaf + 1] - start[leaf]
        for i in range(d * n):
            term[i] = 0
        for q in range((d - 1) // 2 + 1):
            t, weight = rules[2 * d * width + q], rules[(2 * d + 1) * width + q]
            for i in range(n):
                product[i] = weight
            for j in range(d):
                row, want, least = bit[a + j] * n, wanted[a + j], ratio[a + j] * (1 - t)
                most = t + least
                for i in range(n):
                    product[i] *= most if bits[row + i] == want else least
            for j in range(d):
                row, want, least, to = bit[a + j] * n, wanted[a + j], ratio[a + j] * (1 - t), j * n
                by_most, by_least = 1 / (t + least), 1 / least
                for i in range(n):
                    term[to + i] += product[i] * (by_most if bits[row + i] == want else by_least)
        for j in range(d):
            row, want, to, f = bit[a + j] * n, wanted[a + j], j * n, feature[a + j] * n
            taken, other = value[leaf] * (1 - ratio[a + j]), value[leaf] * (0 - ratio[a + j])
            for i in range(n):
                out[f + i] += (taken if bits[row + i] == want else other) * term[to + i]


def add_values(
    n: int, bits: Array, n_units: int, unit: Array, bit: Array, value: Array, every: int, sums: Array, pattern: Array, out: Array
) -> None:
    """Add each unit's leaf value, in float32 sums of ``every`` units that go over to float64."""
    at = 0
    for i in range(n):
        sums[i] = 0
    for u in range(n_units):
        first, last = unit[u], unit[u + 1]
        row = bit[last - 1] * n
        for i in range(n):
            pattern[i] = bits[row + i]
        for k in range(last - 2, first - 1, -1):
            row = bit[k] * n
            for i in range(n):
                pattern[i] = pattern[i] + pattern[i] + bits[row + i]
        add_looked_up(n, value, at, last - first, pattern, sums, 0)
        at += 1 << (last - first)
        if (u + 1) % every == 0:
            for i in range(n):
                out[i] += sums[i]
                sums[i] = 0
    for i in range(n):
        out[i] += sums[i]


def add_leaf_values(
    n: int, bits: Array, n_leaves: int, start: Array, bit: Array, wanted: Array, value: Array, reached: Array, out: Array
) -> None:
    """Add the value of each leaf without a table where all its bits are as wanted."""
    for leaf in range(n_leaves):
        for i in range(n):
            reached[i] = 1
        for k in range(start[leaf], start[leaf + 1]):
            row, want = bit[k] * n, wanted[k]
            for i in range(n):
                reached[i] &= bits[row + i] == want
        for i in range(n):
            out[i] += value[leaf] * reached[i]


def place(
    n: int,
    tile: int,
    p: int,
    lines: int,
    start: Array,
    score: Array,
    slope: Array,
    values: Array,
    reach: float,
    absurd: float,
    bound: float,
    shift: Array,
    q: int,
    weights: Array,
    noise: float,
    z: Array,
    projected: Array,
    squared: Array,
    known: Array,
    beyond: Array,
    wild: Array,
) -> None:
    """Place specimens among training's as :class:`exodx.frozen.domain.Scatter` does; a gap is taken for the mean."""
    begin = 0
    while begin < n:
        m = tile if begin + tile <= n else n - begin
        for i in range(begin, begin + m):
            squared[i] = 0
            known[i] = 0
            beyond[i] = 0
            wild[i] = 0
        for f in range(p):
            row, to, first = f * n + begin, f * m, f * lines
            for i in range(m):
                z[to + i] = (values[row + i] - start[first]) * slope[first] + score[first]
            for k in range(first + 1, first + lines):
                at, turn = start[k], slope[k] - slope[k - 1]
                for i in range(m):
                    over = values[row + i] - at
                    z[to + i] += (over if over > 0.0 else 0.0) * turn
            for i in range(m):
                size = abs(z[to + i])
                known[begin + i] += size >= 0.0
                beyond[begin + i] += size > reach
                wild[begin + i] += size > absurd
            for i in range(m):
                held = -bound if z[to + i] < -bound else bound if z[to + i] > bound else z[to + i]
                z[to + i] = held - shift[f] if held == held else 0.0
                squared[begin + i] += z[to + i] * z[to + i]
        for k in range(q):
            for i in range(m):
                projected[i] = 0
            add_products(m, p, z, k * p, weights, projected)
            for i in range(m):
                squared[begin + i] -= projected[i] * projected[i]
        for i in range(begin, begin + m):
            squared[i] = (squared[i] if squared[i] > 0.0 else 0.0) / noise
        begin += tile


def add_products(n: int, p: int, rows: Array, first: int, weights: Array, out: Array) -> None:
    """Add ``p`` rows, each times its weight, one after the other; four at a time, so that the sums are seldom put down."""
    f = 0
    while f + 4 <= p:
        at, a, b, c, d = first + f, f * n, (f + 1) * n, (f + 2) * n, (f + 3) * n
        u, v, w, x = weights[at], weights[at + 1], weights[at + 2], weights[at + 3]
        for i in range(n):
            out[i] = out[i] + u * rows[a + i] + v * rows[b + i] + w * rows[c + i] + x * rows[d + i]
        f += 4
    while f < p:
        a, u = f * n, weights[first + f]
        for i in range(n):
            out[i] += u * rows[a + i]
        f += 1


def score(
    n: int,
    tile: int,
    values: Array,
    n_splits: int,
    feature: Array,
    threshold: Array,
    default: Array,
    n_conditions: int,
    start: Array,
    split: Array,
    below: Array,
    n_units: int,
    unit: Array,
    bit: Array,
    value: Array,
    column: Array,
    of: Array,
    table: Array,
    is_full: Array,
    every: int,
    n_leaves: int,
    leaf: Array,
    leaf_bit: Array,
    wanted: Array,
    leaf_feature: Array,
    ratio: Array,
    leaf_value: Array,
    width: int,
    rules: Array,
    n_features: int,
    explained: int,
    x: Array,
    bits: Array,
    byte: Array,
    sums: Array,
    total: Array,
    term: Array,
    product: Array,
    margin: Array,
    shap: Array,
) -> None:
    """Answer the splits in float32, add what the answers are worth to the margin and, where it is explained, to each feature."""
    begin = 0
    while begin < n:
        m = tile if begin + tile <= n else n - begin
        for f in range(n_features):
            for i in range(m):
                x[f * m + i] = values[f * n + begin + i]
        fill_bits(m, x, n_splits, feature, threshold, default, n_conditions, start, split, below, bits)
        for i in range(m):
            total[i] = 0
        add_values(m, bits, n_units, unit, bit, value, every, sums, byte, total)
        add_leaf_values(m, bits, n_leaves, leaf, leaf_bit, wanted, leaf_value, byte, total)
        for i in range(m):
            margin[begin + i] = total[i]
        if explained:
            for i in range(n_features * m):
                total[i] = 0
            add_columns(m, bits, n_units, unit, bit, column, of, table, is_full, n_features, sums, byte, total)
            add_leaves(
                m, bits, n_leaves, leaf, leaf_bit, wanted, leaf_feature, ratio, leaf_value, width, rules, term, product, total
            )
            for f in range(n_features):
                for i in range(m):
                    shap[f * n + begin + i] = total[f * m + i]
        begin += tile


LOOPS: Mapping[Callable[..., None], tuple[str, ...]] = MappingProxyType(
    {
        score: (
            *("n", "n", "f8", "n", "i4", "f4", "u1", "n", "i4", "i4", "u1", "n", "i4", "i4", "f4", "i4", "i4", "f4", "u1", "n"),
            *("n", "i4", "i4", "u1", "i4", "f8", "f8", "n", "f8", "n", "n"),
            *("f4", "u1", "u1", "f4", "f8", "f8", "f8", "f8", "f8"),
        ),
        place: (
            *("n", "n", "n", "n", "f8", "f8", "f8", "f8", "d", "d", "d", "f8", "n", "f8", "d"),
            *("f8", "f8", "f8", "i4", "i4", "i4"),
        ),
    }
)
"""Each loop and what it takes: a whole number (n), another one (d), or an array of a type."""

"""From units to flat arrays: a table of Shapley values a unit and feature, one of leaf values a unit, leaves that have no table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.parts import Array, Columns, Conditions, Leaves, Splits, Units, ragged
from exodx.frozen.shapley import leaf_shapley
from exodx.frozen.units import Condition, Cut, Leaf, Unit, bit_of

CELLS_AT_ONCE = 2**16
"""Leaves times patterns worked on together."""


def tabulate(cut: Cut) -> tuple[Splits, Conditions, Units, Columns, Leaves]:
    """Return the arrays of units and leaves."""
    order = sorted(cut.splits, key=lambda split: (split[0], split[2], split[1]))
    bits = _BitRows({cut.splits[split]: i for i, split in enumerate(order)})
    unit_start, unit_bit = ragged([[bits.row(bit) for bit in unit.bits] for unit in cut.units])
    columns = [list(dict.fromkeys(f for leaf in unit.leaves for f in leaf.features)) for unit in cut.units]
    table, values = _filled(cut.units, columns)
    leaf_start, leaf_bit = ragged([[bits.row(bit_of(c)) for (c,) in leaf.conditions] for leaf in cut.deep])
    return (
        Splits(
            np.array([split[0] for split in order], np.int32),
            np.array([split[1] for split in order], np.float32),
            np.array([split[2] for split in order], np.uint8),
        ),
        bits.conditions(),
        Units(unit_start, unit_bit, values),
        Columns(*ragged(columns), table),
        Leaves(
            leaf_start,
            leaf_bit,
            np.array([_answer(c) for leaf in cut.deep for (c,) in leaf.conditions], np.uint8),
            np.array([f for leaf in cut.deep for f in leaf.features], np.int32),
            np.array([z for leaf in cut.deep for z in leaf.ratios], np.float64),
            np.array([leaf.value for leaf in cut.deep], np.float64),
        ),
    )


class _BitRows:
    """Rows of the bit matrix: first every split, then conditions of several splits."""

    def __init__(self, place: Mapping[int, int]) -> None:
        self.place = place
        self.several: dict[Condition, int] = {}

    def row(self, bit: Condition) -> int:
        if len(bit) == 1:
            return self.place[bit[0][0]]
        return len(self.place) + self.several.setdefault(bit, len(self.several))

    def conditions(self) -> Conditions:
        literals = [[(self.place[split], below) for split, below in bit] for bit in self.several]
        below = np.array([b for row in literals for _, b in row], np.uint8)
        return Conditions(*ragged([[split for split, _ in row] for row in literals]), below)


def _answer(condition: Condition) -> bool:
    """Return the value of the condition's bit where it holds."""
    return condition[0][1] if len(condition) == 1 else True


def _filled(units: Sequence[Unit], columns: Sequence[list[int]]) -> tuple[Array, Array]:
    """Sum the leaves of each unit into its tables, in float64, and round once."""
    sizes = np.array([2 ** len(unit.bits) for unit in units], np.int64)
    widths = np.array([len(c) for c in columns], np.int64)
    value_start = np.cumsum([0, *sizes])
    table_start = np.cumsum([0, *(sizes * widths)])
    table, values = np.zeros(table_start[-1]), np.zeros(value_start[-1])
    for size, leaves, numbers in _batches(units):
        local = _local_patterns(leaves, [list(units[u].bits) for u in numbers], size)
        scale = np.array([leaf.value for leaf in leaves])[:, None]
        shares = leaf_shapley(np.array([leaf.ratios for leaf in leaves]))
        cells = np.arange(size)
        np.add.at(values, value_start[numbers][:, None] + cells, scale * (local == shares.shape[2] - 1))
        for j, share in enumerate(shares):
            column = np.array([columns[u].index(leaf.features[j]) for u, leaf in zip(numbers, leaves, strict=True)])
            start = (table_start[numbers] + column * size)[:, None]
            np.add.at(table, start + cells, scale * np.take_along_axis(share, local, axis=1))
    return table.astype(np.float32), values.astype(np.float32)


def _batches(units: Sequence[Unit]) -> Iterator[tuple[int, list[Leaf], list[int]]]:
    """Yield leaves of units of one size and of one number of features, and the units' numbers, in a fixed order."""
    everything = [(2 ** len(unit.bits), len(leaf.features), u, leaf) for u, unit in enumerate(units) for leaf in unit.leaves]
    everything.sort(key=lambda entry: entry[:3])
    for (size, _), group in groupby(everything, key=lambda entry: entry[:2]):
        entries = list(group)
        step = max(1, CELLS_AT_ONCE // size)
        for start in range(0, len(entries), step):
            batch = entries[start : start + step]
            yield size, [leaf for *_, leaf in batch], [u for _, _, u, _ in batch]


def _local_patterns(leaves: Sequence[Leaf], bits: Sequence[list[Condition]], size: int) -> NDArray[np.int64]:
    """For each leaf and each pattern of its unit's bits, the pattern of o_j, shape (leaves, size)."""
    masks = np.zeros((len(leaves), len(leaves[0].features)), np.int64)
    wanted = np.zeros_like(masks)
    for i, (leaf, unit_bits) in enumerate(zip(leaves, bits, strict=True)):
        position = {bit: k for k, bit in enumerate(unit_bits)}
        for j, conditions in enumerate(leaf.conditions):
            for condition in conditions:
                mask = 1 << position[bit_of(condition)]
                masks[i, j] |= mask
                wanted[i, j] |= mask * _answer(condition)
    patterns = np.arange(size)
    local = np.zeros((len(leaves), size), np.int64)
    for j in range(masks.shape[1]):
        local |= ((patterns & masks[:, j, None]) == wanted[:, j, None]).astype(np.int64) << j
    return local

"""The arrays of a compiled forest, in groups that belong together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MAX_JOINED_BITS = 8
"""Bits of a unit put together from units on the same features."""


class Splits(NamedTuple):
    """Distinct splits, sorted by feature and default; each answers a row of bits: below it, or missing and default left."""

    feature: Array
    threshold: Array
    default: Array


class Conditions(NamedTuple):
    """Rows of bits after those of the splits: answers of several splits that must all hold, ``below`` the threshold or not."""

    start: Array
    split: Array
    below: Array


class Units(NamedTuple):
    """Rows of bits of each unit, lowest bit of its pattern first, and what the margin gains by each pattern; small units first."""

    start: Array
    bit: Array
    value: Array


class Columns(NamedTuple):
    """Features of each unit, and for each of them the Shapley values of all patterns, one after the other."""

    start: Array
    feature: Array
    table: Array


class Leaves(NamedTuple):
    """Leaves with too many features for a table: rows of bits, the answers wanted, features and cover ratios; what they add."""

    start: Array
    bit: Array
    wanted: Array
    feature: Array
    ratio: Array
    value: Array


class Linear(NamedTuple):
    """A linear member, on the margin: coefficient × (x − mean), x held between its limits; a missing x stands at the mean.

    Parameters
    ----------
    coefficient, mean, lower, upper : ndarray of float64, one a feature (or none)
    intercept : ndarray of float64, shape (1,)
        The margin at the means.
    """

    coefficient: Array
    mean: Array
    lower: Array
    upper: Array
    intercept: Array


class Whole(NamedTuple):
    """Of all boosters together: ``constants`` are the margin before any unit and the SHAP base value; SHA-256 of their bytes."""

    constants: Array
    source: Array


class Parts(NamedTuple):
    """Everything that scores."""

    splits: Splits
    conditions: Conditions
    units: Units
    columns: Columns
    leaves: Leaves
    linear: Linear
    whole: Whole


NO_LINEAR = ((), (), (), (), (0.0,))
"""Fields of :class:`Linear` where there is no linear member."""

LAYOUT: dict[type[Any], tuple[str, ...]] = {
    Splits: ("<i4", "<f4", "|u1"),
    Conditions: ("<i4", "<i4", "|u1"),
    Units: ("<i4", "<i4", "<f4"),
    Columns: ("<i4", "<i4", "<f4"),
    Leaves: ("<i4", "<i4", "|u1", "<i4", "<f8", "<f8"),
    Linear: ("<f8", "<f8", "<f8", "<f8", "<f8"),
    Whole: ("<f8", "|u1"),
}
"""Types of the fields on disk."""


def ragged(rows: list[list[int]]) -> tuple[Array, Array]:
    """Return where each row starts (and the last one ends), and all rows one after the other.

    >>> [a.tolist() for a in ragged([[4, 5], [6]])]
    [[0, 2, 3], [4, 5, 6]]
    """
    starts = np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32)
    return starts, np.array([item for row in rows for item in row], np.int32)

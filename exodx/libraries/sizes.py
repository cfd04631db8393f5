"""What every way of measuring a library shares: its reads, how arrays are checked, ranks, and what a way says of itself.

Each specimen is worked on as an array of its own, or by exact operations (divide, sort, root) on whole columns, so a specimen
alone gets the bits it gets in a batch. A cell that holds no number (NaN) takes no part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.errors import InputRefused, Problem

Floats = NDArray[np.float64]

MIN_USABLE = 20
"""Fewer analytes do not tell how one library compares with others."""

COUNTS = "Give reads: numbers from 0 up, specimens in rows and analytes in columns."


@dataclass(frozen=True, slots=True)
class Method:
    """A way of saying how many reads a library is taken to hold.

    Parameters
    ----------
    name : str
        As a panel writes it (``count_normalisation``).
    words : str
        For the methods section of a report.
    learn : callable
        From the training specimens' reads, shape (n, p), to a stored number for each analyte, shape (p,): never a specimen itself.
    reads : callable
        From reads, shape (n, p), the stored numbers, and the mean size of the training libraries to effective library sizes, shape
        (n,); NaN for a specimen that cannot be compared. What it gives a specimen must not depend on the other rows.
    """

    name: str
    words: str
    learn: Callable[[Floats], Floats]
    reads: Callable[[Floats, Floats, float], Floats]


def library_sizes(counts: ArrayLike) -> Floats:
    """Return the reads of each specimen, added in the order of the analytes.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> library_sizes([[3, 1, 6], [0, np.nan, 2]])
    array([10.,  2.])
    """
    values = matrix(counts)
    total = np.zeros(len(values))
    for column in values.T:
        total += np.where(np.isnan(column), 0.0, column)
    return total


def ranks(values: Floats) -> Floats:
    """Return ranks from 1, ties sharing the mean of theirs.

    >>> ranks(np.array([3.0, 1.0, 3.0]))
    array([2.5, 1. , 2.5])
    """
    ordered = np.sort(values)
    ranks: Floats = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") + 1) / 2
    return ranks


def matrix(values: ArrayLike) -> Floats:
    """Return the values as a matrix of specimens by analytes.

    Raises
    ------
    ValueError
        If they are none.
    """
    matrix = np.ascontiguousarray(values, dtype=float)
    if matrix.ndim != 2:
        raise ValueError(f"the values have shape {matrix.shape}; give specimens by analytes.")
    return matrix


def same_analytes(values: Floats, stored: Floats) -> None:
    """Require a stored number for each analyte.

    Raises
    ------
    ValueError
        If there are more or fewer.
    """
    if stored.shape != values.shape[1:]:
        raise ValueError(f"{values.shape[1]} analytes were given where numbers are stored for shape {stored.shape}.")


def training_counts(counts: ArrayLike) -> Floats:
    """Return the reads of training specimens, at least two of them.

    Raises
    ------
    InputRefused
        ``SHAPE_WRONG``, ``COUNTS_IMPOSSIBLE``, ``SPECIMENS_TOO_FEW``.
    """
    values = np.asarray(counts, dtype=float)
    if values.ndim != 2:
        raise InputRefused(Problem("SHAPE_WRONG", "counts", f"an array of shape {values.shape}", COUNTS))
    bad = int(((values < 0) | np.isinf(values)).sum())
    if bad:
        raise InputRefused(Problem("COUNTS_IMPOSSIBLE", "counts", f"{bad} negative or infinite cell(s)", COUNTS))
    at_least_two(len(values), "specimens")
    return values


def at_least_two(n: int, what: str) -> None:
    """Require two of something.

    Raises
    ------
    InputRefused
        ``SPECIMENS_TOO_FEW``.
    """
    if n < 2:
        fix = "Give at least two: what is stored of one would be that specimen itself."
        raise InputRefused(Problem("SPECIMENS_TOO_FEW", "training cohort", f"{n} {what}", fix))

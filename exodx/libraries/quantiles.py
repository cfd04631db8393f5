"""Quantile normalisation to a stored distribution: of any log2 quantities, not of reads alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from exodx.errors import InputRefused, Problem
from exodx.libraries.sizes import Floats, at_least_two, matrix, ranks


def quantile_target(values: ArrayLike) -> Floats:
    """Return the mean quantiles of the training specimens, for :func:`to_quantiles`.

    Parameters
    ----------
    values : array_like, shape (n, p)
        E.g. log2 quantities; what is not finite takes no part. Specimens with fewer than two numbers are left out.

    Returns
    -------
    ndarray, shape (p,)
        Ascending.

    Raises
    ------
    InputRefused
        When fewer than two specimens have two numbers.

    Notes
    -----
    limma's ``normalizeQuantiles``, Bolstad 2003, 10.1093/bioinformatics/19.2.185: the quantiles of a specimen with missing
    cells are interpolated to p before the mean is taken.

    Examples
    --------
    >>> quantile_target([[5.0, 1.0, 3.0], [9.0, np.nan, 2.0]])
    array([1.5 , 4.25, 7.  ])
    """
    every = np.asarray(values, dtype=float)
    if every.ndim != 2:
        raise InputRefused(Problem("SHAPE_WRONG", "values", f"an array of shape {every.shape}", "Give specimens by analytes."))
    known = [row for row in (np.sort(row[np.isfinite(row)]) for row in every) if row.size > 1]
    at_least_two(len(known), "specimens with two numbers")
    grid = np.arange(every.shape[1]) / (every.shape[1] - 1)
    quantiles = [np.interp(grid, np.arange(row.size) / (row.size - 1), row) for row in known]
    target: Floats = np.maximum.accumulate(np.mean(quantiles, axis=0))
    return target


def to_quantiles(values: ArrayLike, target: ArrayLike) -> Floats:
    """Give each specimen's numbers the stored distribution, by their ranks.

    Parameters
    ----------
    values : array_like, shape (n, p)
        E.g. log2 quantities; what is not finite takes no part.
    target : array_like, shape (m,)
        Quantiles of the training specimens, ascending, at 0, 1/(m−1), …, 1.

    Returns
    -------
    ndarray, shape (n, p)
        Ties share the quantile at their mean rank; ranks of a specimen with fewer than m numbers are interpolated. NaN where
        there was no number, and throughout for a specimen with fewer than two.

    Notes
    -----
    limma's ``normalizeQuantiles(ties = TRUE)``, Bolstad 2003, 10.1093/bioinformatics/19.2.185, with the mean quantiles frozen.

    Examples
    --------
    >>> to_quantiles([[5.0, 1.0, 3.0], [7.0, 7.0, 8.0], [2.0, np.nan, 9.0]], [0.0, 10.0, 30.0])
    array([[30.,  0., 10.],
           [ 5.,  5., 30.],
           [ 0., nan, 30.]])
    """
    every, quantiles = matrix(values), np.asarray(target, dtype=float)
    if quantiles.ndim != 1 or quantiles.size < 2 or not (np.diff(quantiles) >= 0).all():
        raise ValueError(f"target has shape {quantiles.shape}; give at least two ascending quantiles.")
    grid = np.arange(quantiles.size) / (quantiles.size - 1)
    out = np.full(every.shape, np.nan)
    for row, result in zip(every, out, strict=True):
        known = np.isfinite(row)
        n = int(known.sum())
        if n > 1:
            result[known] = np.interp((ranks(row[known]) - 1) / (n - 1), grid, quantiles)
    return out

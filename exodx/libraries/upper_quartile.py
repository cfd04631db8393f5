"""The upper quartile of a library's proportions (edgeR's ``upperquartile``) against its stored training mean.

A quarter of the analytes may be flooded, by haemolysis say, without moving it much; where few analytes have reads it says little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.errors import InputRefused, Problem
from exodx.libraries.sizes import MIN_USABLE, Floats, Method, library_sizes, matrix, same_analytes, training_counts

QUARTILE = 0.75

SEEN = 0.5
"""An analyte with reads in so large a share of the training specimens is used, and so many of them must have a quartile above 0."""


def quartile_means(counts: ArrayLike) -> Floats:
    """Return, for each analyte that half of the training specimens have, the mean upper quartile of the training libraries.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured.

    Returns
    -------
    ndarray, shape (p,)
        One number, the geometric mean over specimens of the upper quartile of their proportions, wherever an analyte is used; 0 for
        an analyte that fewer than half of the specimens have. Specimens whose quartile is 0 take no part.

    Raises
    ------
    InputRefused
        ``COUNTS_TOO_SPARSE`` for fewer than 20 such analytes, or where the quartile of half of the specimens is 0; what
        :func:`~exodx.libraries.sizes.training_counts` refuses.

    Notes
    -----
    Bullard 2010, 10.1186/1471-2105-11-94, as edgeR's ``calcNormFactors(method = "upperquartile")``, which takes every analyte that
    any specimen has and leaves it to its user to filter first: with the many zeros of vesicles the quartile would be 0.
    """
    values = training_counts(counts)
    used: NDArray[np.bool_] = np.asarray((values > 0).mean(axis=0) >= SEEN)
    if used.sum() < MIN_USABLE:
        found = f"{used.sum()} analytes have reads in half of the specimens; the upper quartile needs {MIN_USABLE}"
        raise InputRefused(Problem("COUNTS_TOO_SPARSE", "training specimens", found, "Use cpm or tmm."))
    shares = _quartiles(values, used)
    measured = shares > 0
    if measured.mean() < SEEN:
        found = f"{(~measured).sum()} of {measured.size} training specimens have no reads of three quarters of the analytes"
        raise InputRefused(Problem("COUNTS_TOO_SPARSE", "training specimens", found, "Leave out poor libraries, or use tmm."))
    stored: Floats = np.where(used, np.exp(np.log(shares[measured]).mean()), 0.0)
    return stored


def upper_quartile_factors(counts: ArrayLike, stored: ArrayLike) -> Floats:
    """Return the factor of each specimen on its library size: its upper quartile over the stored one.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured.
    stored : array_like, shape (p,)
        As from :func:`quartile_means`; 0 where an analyte is not used.

    Returns
    -------
    ndarray, shape (n,)
        NaN for a specimen whose upper quartile is 0, or that has no reads.

    Notes
    -----
    edgeR then scales the factors of a batch to a geometric mean of 1; here the training mean stands in for the batch's.

    Examples
    --------
    >>> upper_quartile_factors([[10, 20, 30, 40], [10, 20, 30, 400]], [0.325] * 4).round(3)
    array([1.   , 0.819])
    """
    values, means = matrix(counts), np.asarray(stored, dtype=float)
    same_analytes(values, means)
    used = means > 0
    if not used.any():
        return np.full(len(values), np.nan)
    factors = _quartiles(values, used) / means[used][0]
    return np.where(factors > 0, factors, np.nan)


def _quartiles(values: Floats, used: NDArray[np.bool_]) -> Floats:
    """Return the upper quartile of each specimen's proportions over the analytes that are used."""
    sizes = library_sizes(values)
    rows = [row[used & ~np.isnan(row)] for row in values]
    shares = [np.quantile(row, QUARTILE) / size if size > 0 and row.size else np.nan for row, size in zip(rows, sizes, strict=True)]
    return np.array(shares, dtype=float)


def _reads(counts: Floats, stored: Floats, library: float) -> Floats:  # noqa: ARG001
    return library_sizes(counts) * upper_quartile_factors(counts, stored)


METHOD = Method("upper_quartile", "reads were scaled by the upper quartile against its training mean", quartile_means, _reads)

"""The upper quartile of a library's proportions (edgeR's ``upperquartile``) against its stored training mean.

A quarter of the analytes may be flooded, by haemolysis say, without moving it much; where few analytes have reads it says little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.errors import InputRefused, Problem
from exodx.libraries.sizes import MIN_USABLE, Floats, Method, library_sizes, matrix, same_analytes, training_counts

QUARTILE = 0.75


def quartile_means(counts: ArrayLike) -> Floats:
    """Return, for each analyte that any training specimen has, the mean upper quartile of the training libraries.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured.

    Returns
    -------
    ndarray, shape (p,)
        One number, the geometric mean over specimens of the upper quartile of their proportions, wherever an analyte is used; 0 for
        an analyte that no specimen has.

    Raises
    ------
    InputRefused
        ``COUNTS_TOO_SPARSE`` for fewer than 20 analytes with reads, or where the upper quartile of a specimen is 0; what
        :func:`~exodx.libraries.sizes.training_counts` refuses.

    Notes
    -----
    Bullard 2010, 10.1186/1471-2105-11-94, as edgeR's ``calcNormFactors(method = "upperquartile")``.
    """
    values = training_counts(counts)
    used: NDArray[np.bool_] = np.asarray((values > 0).any(axis=0))
    if used.sum() < MIN_USABLE:
        found = f"{used.sum()} analytes have reads; the upper quartile needs {MIN_USABLE}"
        raise InputRefused(Problem("COUNTS_TOO_SPARSE", "training specimens", found, "Use cpm or tmm."))
    shares = _quartiles(values, used)
    if not (shares > 0).all():
        found = f"{(~(shares > 0)).sum()} training specimens have no reads of three quarters of the analytes"
        fix = "Leave out poor libraries or rare analytes, or use tmm."
        raise InputRefused(Problem("COUNTS_TOO_SPARSE", "training specimens", found, fix))
    stored: Floats = np.where(used, np.exp(np.log(shares).mean()), 0.0)
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

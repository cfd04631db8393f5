"""Library normalisation by stored numbers: what one specimen's counts become does not depend on who else is in the batch.

Each specimen is worked on as an array of its own, or by exact operations (divide, sort, root) on whole columns, so a specimen
alone gets the bits it gets in a batch. A cell that holds no number (NaN) takes no part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MIN_USABLE = 20
"""A size factor from fewer analytes than this is not given."""

LOG_RATIO_TRIM, INTENSITY_TRIM = 0.3, 0.05
"""Shares that TMM trims from either end of the log ratios and of the mean log proportions."""

SAME = 1e-6
"""Log ratios that are all below it are taken for 0."""


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
    values = _matrix(counts)
    total = np.zeros(len(values))
    for column in values.T:
        total += np.where(np.isnan(column), 0.0, column)
    return total


def median_of_ratios(counts: ArrayLike, geometric_means: ArrayLike, minimum: int = MIN_USABLE) -> Floats:
    """Return the size factor of each specimen against stored geometric means.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured.
    geometric_means : array_like, shape (p,)
        Of the training specimens; 0 where an analyte is not used.
    minimum : int
        Analytes needed, with a mean and a count above 0.

    Returns
    -------
    ndarray, shape (n,)
        The median ratio of count to mean; for an even number of analytes the geometric mean of the middle two, which is the
        median of the log ratios. NaN for a specimen with too few usable analytes.

    Notes
    -----
    DESeq2's ``estimateSizeFactors(geoMeans=)``, Anders and Huber 2010, 10.1186/gb-2010-11-10-r106, with zeros left out as
    there: with zeros in, the factor is too small. DESeq2 then scales the factors of a batch to a geometric mean of 1, which is
    not done here.

    Examples
    --------
    >>> median_of_ratios([[150, 45, 0, 12]], [100, 30, 500, 9.5828], minimum=3)
    array([1.5])
    """
    values, means = _matrix(counts), np.asarray(geometric_means, dtype=float)
    _same_analytes(values, means)
    usable = (values > 0) & (means > 0)
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ratios = np.where(usable, values, np.nan) / np.where(means > 0, means, np.nan)
    ordered, n, rows = np.sort(ratios, axis=1), usable.sum(axis=1), np.arange(len(values))
    low, high = ordered[rows, np.maximum(n - 1, 0) // 2], ordered[rows, np.minimum(n // 2, values.shape[1] - 1)]
    middle = np.where(low == high, low, np.sqrt(low) * np.sqrt(high))
    factors: Floats = np.where(n >= max(minimum, 1), middle, np.nan)
    return factors


def tmm_factors(counts: ArrayLike, reference: ArrayLike) -> Floats:
    """Return the trimmed mean of M values of each specimen against one stored library: the factor on its library size.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured.
    reference : array_like, shape (p,)
        Reads of the reference library, not necessarily whole; see :func:`exodx.assay.libraries.reference_library`.

    Returns
    -------
    ndarray, shape (n,)
        NaN for a specimen that shares no analyte with the reference (edgeR says 1 and warns).

    Notes
    -----
    edgeR's ``calcNormFactors(method = "TMM")`` with its defaults (whose ``Acutoff`` never acts), Robinson and Oshlack 2010,
    10.1186/gb-2010-11-3-r25: log ratios are trimmed by 30 % and mean log proportions by 5 % at either end, by average ranks,
    and the rest is weighted by its precision; where nothing is left, or all log ratios are 0, the factor is 1. edgeR then
    scales the factors of a batch to a geometric mean of 1, which is not done here. The precision rests on the number of reads:
    a library sequenced twice as deep has the same trimming, but not quite the same factor.

    Examples
    --------
    >>> reference = np.arange(10.0, 70.0)
    >>> tmm_factors([3 * reference, np.append(3 * reference[:-1], 5000)], reference).round(3)
    array([1.   , 0.597])
    """
    values, stored = _matrix(counts), np.asarray(reference, dtype=float)
    _same_analytes(values, stored)
    total = float(library_sizes(stored[None, :])[0])
    sizes = library_sizes(values)
    return np.array([_tmm(row, float(size), stored, total) for row, size in zip(values, sizes, strict=True)], dtype=float)


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
    matrix, quantiles = _matrix(values), np.asarray(target, dtype=float)
    if quantiles.ndim != 1 or quantiles.size < 2 or not (np.diff(quantiles) >= 0).all():
        raise ValueError(f"target has shape {quantiles.shape}; give at least two ascending quantiles.")
    grid = np.arange(quantiles.size) / (quantiles.size - 1)
    out = np.full(matrix.shape, np.nan)
    for row, result in zip(matrix, out, strict=True):
        known = np.isfinite(row)
        n = int(known.sum())
        if n > 1:
            result[known] = np.interp((_ranks(row[known]) - 1) / (n - 1), grid, quantiles)
    return out


def _tmm(row: Floats, size: float, reference: Floats, total: float) -> float:
    """Return the TMM factor of one specimen, whose library size and the reference's are given."""
    shared = (row > 0) & (reference > 0)
    if not shared.any():
        return float("nan")
    obs, ref = row[shared], reference[shared]
    mine, theirs = obs / size, ref / total
    ratio, intensity = np.log2(mine / theirs), (np.log2(mine) + np.log2(theirs)) / 2
    variance = (size - obs) / size / obs + (total - ref) / total / ref
    if np.abs(ratio).max() < SAME:
        return 1.0
    keep = _untrimmed(ratio, LOG_RATIO_TRIM) & _untrimmed(intensity, INTENSITY_TRIM)
    if not keep.any():
        return 1.0
    weight = 1 / variance[keep]
    return float(2.0 ** (np.sum(weight * ratio[keep]) / np.sum(weight)))


def _untrimmed(values: Floats, share: float) -> NDArray[np.bool_]:
    """Say which values are left when a share is trimmed from either end, by rank."""
    lowest = np.floor(values.size * share) + 1
    ranks = _ranks(values)
    kept: NDArray[np.bool_] = (ranks >= lowest) & (ranks <= values.size + 1 - lowest)
    return kept


def _ranks(values: Floats) -> Floats:
    """Return ranks from 1, ties sharing the mean of theirs."""
    ordered = np.sort(values)
    ranks: Floats = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") + 1) / 2
    return ranks


def _matrix(values: ArrayLike) -> Floats:
    matrix = np.ascontiguousarray(values, dtype=float)
    if matrix.ndim != 2:
        raise ValueError(f"the values have shape {matrix.shape}; give specimens by analytes.")
    return matrix


def _same_analytes(values: Floats, stored: Floats) -> None:
    if stored.shape != values.shape[1:]:
        raise ValueError(f"{values.shape[1]} analytes were given where numbers are stored for shape {stored.shape}.")

"""The trimmed mean of M values (edgeR) against one stored library."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.libraries.sizes import Floats, Method, at_least_two, library_sizes, matrix, ranks, same_analytes, training_counts

LOG_RATIO_TRIM, INTENSITY_TRIM = 0.3, 0.05
"""Shares that TMM trims from either end of the log ratios and of the mean log proportions."""

SAME = 1e-6
"""Log ratios that are all below it are taken for 0."""


def reference_library(counts: ArrayLike) -> Floats:
    """Return the library that TMM compares every specimen with: the mean composition at the mean depth.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured. Specimens without reads take no part.

    Returns
    -------
    ndarray, shape (p,)
        Mean proportion of each analyte times the mean library size.

    Raises
    ------
    InputRefused
        For fewer than two specimens with reads, or a negative or infinite count.

    Notes
    -----
    edgeR takes one specimen of the data, the one whose upper quartile is nearest to the mean. A model keeps no specimen of its
    training cohort, so here a library that no specimen has stands in. It is smoother than a specimen: an analyte that any
    specimen has is in it, and the precision weights take it for a library of mean depth.

    Examples
    --------
    >>> reference_library([[10, 90], [60, 140]])
    array([ 30., 120.])
    """
    values = training_counts(counts)
    sizes = library_sizes(values)
    values, sizes = values[sizes > 0], sizes[sizes > 0]
    at_least_two(len(sizes), "specimens with reads")
    known = ~np.isnan(values)
    proportions = np.where(known, values, 0.0) / sizes[:, None]
    library: Floats = proportions.sum(axis=0) / np.maximum(known.sum(axis=0), 1) * sizes.mean()
    return library


def tmm_factors(counts: ArrayLike, reference: ArrayLike) -> Floats:
    """Return the trimmed mean of M values of each specimen against one stored library: the factor on its library size.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured.
    reference : array_like, shape (p,)
        Reads of the reference library, not necessarily whole; see :func:`reference_library`.

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
    values, stored = matrix(counts), np.asarray(reference, dtype=float)
    same_analytes(values, stored)
    total = float(library_sizes(stored[None, :])[0])
    sizes = library_sizes(values)
    return np.array([_tmm(row, float(size), stored, total) for row, size in zip(values, sizes, strict=True)], dtype=float)


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
    placed = ranks(values)
    kept: NDArray[np.bool_] = (placed >= lowest) & (placed <= values.size + 1 - lowest)
    return kept


def _reads(counts: Floats, stored: Floats, library: float) -> Floats:  # noqa: ARG001
    return library_sizes(counts) * tmm_factors(counts, stored)


METHOD = Method("tmm", "reads were scaled by TMM against stored training numbers", reference_library, _reads)

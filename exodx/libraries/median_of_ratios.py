"""The median of ratios to stored geometric means (DESeq2), with zeros left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from exodx.errors import InputRefused, Problem
from exodx.libraries.sizes import MIN_USABLE, Floats, Method, matrix, same_analytes, training_counts


def geometric_means(counts: ArrayLike) -> Floats:
    """Return each analyte's geometric mean over the training specimens, for the frozen median of ratios.

    Parameters
    ----------
    counts : array_like, shape (n, p)
        Reads; NaN where an analyte was not measured.

    Returns
    -------
    ndarray, shape (p,)
        0 for an analyte with a zero or an unmeasured cell in any specimen: it is not used.

    Raises
    ------
    InputRefused
        For fewer than two specimens, a negative or infinite count, or when no analyte has reads in every specimen.

    Notes
    -----
    DESeq2's ``type = "ratio"``, Anders and Huber 2010, 10.1186/gb-2010-11-10-r106.

    Examples
    --------
    >>> geometric_means([[100, 30, 0], [400, 30, 7]])
    array([200.,  30.,   0.])
    """
    values = training_counts(counts)
    everywhere = (values > 0).all(axis=0)
    if not everywhere.any():
        found = "every analyte has no reads in at least one specimen"
        raise InputRefused(Problem("COUNTS_TOO_SPARSE", "counts", found, "Leave out specimens with few reads, or use TMM."))
    means = np.zeros(values.shape[1])
    means[everywhere] = np.exp(np.log(values[:, everywhere]).mean(axis=0))
    return means


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
    values, means = matrix(counts), np.asarray(geometric_means, dtype=float)
    same_analytes(values, means)
    usable = (values > 0) & (means > 0)
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ratios = np.where(usable, values, np.nan) / np.where(means > 0, means, np.nan)
    ordered, n, rows = np.sort(ratios, axis=1), usable.sum(axis=1), np.arange(len(values))
    low, high = ordered[rows, np.maximum(n - 1, 0) // 2], ordered[rows, np.minimum(n // 2, values.shape[1] - 1)]
    middle = np.where(low == high, low, np.sqrt(low) * np.sqrt(high))
    factors: Floats = np.where(n >= max(minimum, 1), middle, np.nan)
    return factors


def _learn(counts: Floats) -> Floats:
    stored = geometric_means(counts)
    if (stored > 0).sum() < MIN_USABLE:
        found = f"{(stored > 0).sum()} analytes have reads in every training specimen; the median of ratios needs {MIN_USABLE}"
        raise InputRefused(Problem("COUNTS_TOO_SPARSE", "training specimens", found, "Leave out poor libraries, or use tmm."))
    return stored


def _reads(counts: Floats, stored: Floats, library: float) -> Floats:
    return library * median_of_ratios(counts, stored)


METHOD = Method("median_of_ratios", "reads were scaled by the median of ratios to stored training numbers", _learn, _reads)

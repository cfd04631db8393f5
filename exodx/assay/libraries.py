"""The learning side of library normalisation: what is stored of the training specimens' counts, never a specimen itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from exodx.errors import InputRefused, Problem
from exodx.frozen.libraries import Floats, library_sizes

_COUNTS = "Give reads: numbers from 0 up, specimens in rows and analytes in columns."


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
    values = _counts(counts)
    everywhere = (values > 0).all(axis=0)
    if not everywhere.any():
        found = "every analyte has no reads in at least one specimen"
        raise InputRefused(Problem("COUNTS_TOO_SPARSE", "counts", found, "Leave out specimens with few reads, or use TMM."))
    means = np.zeros(values.shape[1])
    means[everywhere] = np.exp(np.log(values[:, everywhere]).mean(axis=0))
    return means


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
    values = _counts(counts)
    sizes = library_sizes(values)
    values, sizes = values[sizes > 0], sizes[sizes > 0]
    _at_least_two(len(sizes), "specimens with reads")
    known = ~np.isnan(values)
    proportions = np.where(known, values, 0.0) / sizes[:, None]
    library: Floats = proportions.sum(axis=0) / np.maximum(known.sum(axis=0), 1) * sizes.mean()
    return library


def quantile_target(values: ArrayLike) -> Floats:
    """Return the mean quantiles of the training specimens, for :func:`exodx.frozen.libraries.to_quantiles`.

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
    matrix = np.asarray(values, dtype=float)
    if matrix.ndim != 2:
        raise InputRefused(Problem("SHAPE_WRONG", "values", f"an array of shape {matrix.shape}", "Give specimens by analytes."))
    known = [row for row in (np.sort(row[np.isfinite(row)]) for row in matrix) if row.size > 1]
    _at_least_two(len(known), "specimens with two numbers")
    grid = np.arange(matrix.shape[1]) / (matrix.shape[1] - 1)
    quantiles = [np.interp(grid, np.arange(row.size) / (row.size - 1), row) for row in known]
    target: Floats = np.maximum.accumulate(np.mean(quantiles, axis=0))
    return target


def _counts(counts: ArrayLike) -> Floats:
    values = np.asarray(counts, dtype=float)
    if values.ndim != 2:
        raise InputRefused(Problem("SHAPE_WRONG", "counts", f"an array of shape {values.shape}", _COUNTS))
    bad = int(((values < 0) | np.isinf(values)).sum())
    if bad:
        raise InputRefused(Problem("COUNTS_IMPOSSIBLE", "counts", f"{bad} negative or infinite cell(s)", _COUNTS))
    _at_least_two(len(values), "specimens")
    return values


def _at_least_two(n: int, what: str) -> None:
    if n < 2:
        fix = "Give at least two: what is stored of one would be that specimen itself."
        raise InputRefused(Problem("SPECIMENS_TOO_FEW", "training cohort", f"{n} {what}", fix))

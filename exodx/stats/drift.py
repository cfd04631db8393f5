"""Whether new specimens look like those a model was trained on: bins, distributions, and distance of one specimen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, ks_2samp

from exodx.stats.inputs import Floats, reals
from exodx.stats.variance import holm

DECILES = 10
FLOOR = 1e-4
"""Share given to an empty bin, so that its logarithm is finite."""

MAD_TO_SD = 1.482602218505602
WINSOR = 3.0
"""Standard deviations beyond which a training value no longer widens the covariance."""


def psi(reference: ArrayLike, new: ArrayLike, bins: int = DECILES) -> float:
    """Return the population stability index over quantile bins of the reference; 0 is no shift.

    The usual bounds, .1 and .25, are custom. By chance alone it is about :func:`psi_by_chance`, so that with fewer than 200 new
    specimens :func:`shifted` (Kolmogorov–Smirnov) is the better question.

    Parameters
    ----------
    reference : array_like, shape (m,)
        Values of the training specimens.
    new : array_like, shape (n,)
        Values of the new specimens.
    bins : int
        Number of bins; equal quantiles are one edge, so that fewer may remain.

    Returns
    -------
    float
        ``Σ (q − p) ln(q/p)`` with shares p and q of the bins; an empty bin counts as 1e-4.

    Raises
    ------
    ValueError
        If either is empty, a value is missing or ``bins`` is less than 2.

    References
    ----------
    Yurdakul 2018, Statistical properties of the population stability index (thesis, Western Michigan University).

    Examples
    --------
    >>> round(psi(range(100), range(100)), 6), round(psi(range(100), range(50, 150)), 2)
    (0.0, 4.35)
    """
    old, fresh = _values("reference", reference), _values("new", new)
    if bins < 2:
        raise ValueError(f"bins is {bins}; give at least 2.")
    edges = np.unique(np.quantile(old, np.linspace(0, 1, bins + 1)[1:-1]))
    p, q = (
        np.maximum(np.bincount(np.searchsorted(edges, x, side="left"), minlength=edges.size + 1) / x.size, FLOOR)
        for x in (old, fresh)
    )
    return float(((q - p) * np.log(q / p)).sum())


def psi_by_chance(reference_n: int, new_n: int, bins: int = DECILES) -> float:
    """Return the PSI to expect without any shift, ``(bins − 1)(1/m + 1/n)``.

    >>> round(psi_by_chance(200, 50), 3)
    0.225
    """
    if min(reference_n, new_n) < 1 or bins < 2:
        raise ValueError(f"n are {reference_n} and {new_n}, bins {bins}; give at least 1 specimen each and 2 bins.")
    return (bins - 1) * (1 / reference_n + 1 / new_n)


@dataclass(frozen=True, slots=True)
class Shift:
    """Two-sample Kolmogorov–Smirnov tests of several features.

    Parameters
    ----------
    distance : ndarray, shape (k,)
        Largest distance between the distributions.
    p, adjusted : ndarray, shape (k,)
        p-values as they are, and by Holm for being many. A feature with fewer than two values on a side has NaN, and is not
        counted among the many.
    """

    distance: Floats
    p: Floats
    adjusted: Floats


def shifted(reference: ArrayLike, new: ArrayLike) -> Shift:
    """Test each feature for a shift of its distribution.

    Parameters
    ----------
    reference : array_like, shape (m, k)
        Features of the training specimens; NaN is left out.
    new : array_like, shape (n, k)
        Features of the new specimens, one row per subject: repeats would be taken for evidence.

    Raises
    ------
    ValueError
        If they are not matrices of as many columns.

    References
    ----------
    Hodges 1958, 10.1007/BF02589501; Holm, Scand J Stat 1979;6:65.
    """
    old, fresh = np.asarray(reference, dtype=float), np.asarray(new, dtype=float)
    if old.ndim != 2 or fresh.ndim != 2 or old.shape[1] != fresh.shape[1]:
        raise ValueError(f"shapes are {old.shape} and {fresh.shape}; give matrices with the same features as columns.")
    distance, p, adjusted = (np.full(old.shape[1], np.nan) for _ in range(3))
    for j in range(old.shape[1]):
        a, b = (x[np.isfinite(x)] for x in (old[:, j], fresh[:, j]))
        if min(a.size, b.size) >= 2:
            distance[j], p[j] = ks_2samp(a, b, method="auto")
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = holm(p[known])
    return Shift(distance, p, adjusted)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where training specimens lie, for the distance of new ones. Holds no specimen.

    Parameters
    ----------
    center, scale : ndarray, shape (k,)
        Median, and median absolute deviation as a standard deviation.
    precision : ndarray, shape (k, k)
        Inverse of the shrunken covariance of standardised features.
    shrinkage : float
        Weight of the scaled identity in that covariance, 0 to 1.
    """

    center: Floats
    scale: Floats
    precision: Floats
    shrinkage: float

    def distances(self, x: ArrayLike) -> Floats:
        """Return squared Mahalanobis distances, shape (n,); NaN where a feature is missing."""
        z = (np.asarray(x, dtype=float) - self.center) / self.scale
        squared: Floats = np.einsum("ij,jk,ik->i", z, self.precision, z)
        return squared

    def limit(self, level: float = 0.999) -> float:
        """Return the squared distance that a share ``level`` of normal specimens stays below, a quantile of χ².

        >>> round(Reference(np.zeros(3), np.ones(3), np.eye(3), 0.0).limit(), 3)
        16.266
        """
        return float(chi2.ppf(level, self.center.size))


def fit_reference(x: ArrayLike) -> Reference:
    """Learn medians, spreads and a shrunken covariance, which outliers among the training specimens move little.

    Features are standardised by median and MAD and cut at ±3 before the covariance, which is shrunk towards a scaled identity
    by as much as Ledoit and Wolf derive, so that it has an inverse also with more features than specimens. Cutting makes
    the covariance of normal features about half a percent too small.

    Parameters
    ----------
    x : array_like, shape (n, k)
        Features of at least three training specimens, none missing.

    Raises
    ------
    ValueError
        If ``x`` is no such matrix, or a feature has no spread (half its values are equal): leave that one out.

    References
    ----------
    Ledoit and Wolf 2004, 10.1016/S0047-259X(03)00096-4; Rousseeuw and Croux 1993, 10.1080/01621459.1993.10476408.
    """
    if np.ndim(x) != 2 or np.shape(x)[0] < 3 or np.shape(x)[1] < 1:
        raise ValueError(f"x has shape {np.shape(x)}; give a matrix of at least three specimens and one feature.")
    values = reals("x", x, np.shape(x))
    center = np.median(values, axis=0)
    scale = MAD_TO_SD * np.median(np.abs(values - center), axis=0)
    if not (scale > 0).all():
        raise ValueError(f"feature(s) {np.flatnonzero(scale == 0).tolist()} have no spread; leave them out.")
    z = np.clip((values - center) / scale, -WINSOR, WINSOR)
    covariance, shrinkage = _ledoit_wolf(z - z.mean(axis=0))
    return Reference(center, scale, np.asarray(np.linalg.inv(covariance), dtype=float), shrinkage)


def _ledoit_wolf(z: Floats) -> tuple[Floats, float]:
    """Return the covariance of centred rows, shrunk towards the mean variance on the diagonal, and by how much."""
    n, k = z.shape
    covariance = z.T @ z / n
    target = np.trace(covariance) / k * np.eye(k)
    distance = ((covariance - target) ** 2).sum()
    noise = ((z**2).sum(axis=1) ** 2).sum() / n**2 - (covariance**2).sum() / n
    shrinkage = float(min(noise / distance, 1.0)) if distance > 0 else 0.0
    return (1 - shrinkage) * covariance + shrinkage * target, shrinkage


def _values(name: str, values: ArrayLike) -> Floats:
    if np.ndim(values) != 1 or np.size(values) == 0:
        raise ValueError(f"{name} has shape {np.shape(values)}; give a non-empty one-dimensional array.")
    return reals(name, values, np.shape(values))

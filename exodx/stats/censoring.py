"""Mean and SD of log concentrations of which some are only known to lie below a limit."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, ndtri

from exodx.stats.inputs import Bools, Floats, reals

MIN_MEASURED = 3
"""Measured values needed; with fewer the SD is a guess."""

_STEPS, _TOLERANCE = 200, 1e-12


@dataclass(frozen=True, slots=True)
class CensoredNormal:
    """A normal distribution of log concentrations.

    Parameters
    ----------
    mean, sd : float
        On the log scale that was given; log2 in exodx.
    n, censored : int
        Number of values, and how many of them were only known to lie below a limit.
    method : str
        How it was fitted.
    """

    mean: float
    sd: float
    n: int
    censored: int
    method: str

    def below(self, limit: float) -> float:
        """Return the mean of what lies below a limit: the constant that stands in for a censored value.

        Parameters
        ----------
        limit : float
            On the same log scale.

        Returns
        -------
        float
            μ − σ φ(z)/Φ(z) with z = (limit − μ)/σ; below the limit.

        Examples
        --------
        >>> round(CensoredNormal(0.0, 1.0, 10, 4, "").below(0.0), 4)
        -0.7979
        """
        z = np.array((float(limit) - self.mean) / self.sd)
        return min(self.mean - self.sd * float(_mills(z)), float(limit))


def fit_censored_normal(log_values: ArrayLike, censored_mask: ArrayLike, limits: ArrayLike) -> CensoredNormal:
    """Fit a normal distribution to left-censored values by maximum likelihood (Tobit without covariates).

    Parameters
    ----------
    log_values : array_like, shape (n,)
        Log concentrations; what stands in a censored cell is not looked at.
    censored_mask : array_like of bool, shape (n,)
        True where the value is only known to lie below its limit.
    limits : array_like, shape () or (n,)
        Log limit of each value; one for all, or one each. Looked at for censored values only.

    Returns
    -------
    CensoredNormal
        Its SD is the maximum-likelihood one, with n and not n − 1 below it.

    Raises
    ------
    ValueError
        For fewer than three measured values, measured values that are all equal, or a missing value or limit.

    Notes
    -----
    Cohen 1959, 10.1080/00401706.1959.10489859. The likelihood has one maximum in 1/σ and μ/σ, Olsen 1978, 10.2307/1913082, and
    Newton's method finds it there.

    Examples
    --------
    >>> fit = fit_censored_normal([2.1, 3.0, 3.4, 4.4, 0, 0], [0, 0, 0, 0, 1, 1], limits=2.0)
    >>> round(fit.mean, 3), round(fit.sd, 3), round(fit.below(2.0), 3)
    (2.548, 1.229, 1.194)
    """
    y, censored, bounds = _censored(log_values, censored_mask, limits)
    measured = y[~censored]
    centre, scale = float(measured.mean()), float(measured.std())
    delta, theta = _newton((measured - centre) / scale, (bounds[censored] - centre) / scale)
    count = int(censored.sum())
    return CensoredNormal(centre + scale * delta / theta, scale / theta, y.size, count, "maximum likelihood")


def fit_ros(log_values: ArrayLike, censored_mask: ArrayLike, limits: ArrayLike) -> CensoredNormal:
    """Fit a normal distribution to left-censored values by regression on order statistics.

    Parameters
    ----------
    log_values, censored_mask, limits : array_like
        As in :func:`fit_censored_normal`.

    Returns
    -------
    CensoredNormal
        Intercept and slope of the measured values on the normal quantiles of their plotting positions.

    Raises
    ------
    ValueError
        As :func:`fit_censored_normal`, and when no measured value lies at or above the highest limit.

    Notes
    -----
    Plotting positions for several limits of Hirsch and Stedinger 1987, 10.1029/WR023i004p00715, as in Helsel and Cohn 1988,
    10.1029/WR024i012p01997.

    Examples
    --------
    >>> fit = fit_ros([2.1, 3.0, 3.4, 4.4, 0, 0], [0, 0, 0, 0, 1, 1], limits=2.0)
    >>> round(fit.mean, 3), round(fit.sd, 3)
    (2.348, 1.843)
    """
    y, censored, bounds = _censored(log_values, censored_mask, limits)
    measured = np.sort(y[~censored])
    quantiles = ndtri(_plotting_positions(measured, bounds[censored]))
    spread = quantiles - quantiles.mean()
    slope = float(np.sum(spread * measured) / np.sum(spread**2))
    mean = float(measured.mean() - slope * quantiles.mean())
    return CensoredNormal(mean, slope, y.size, int(censored.sum()), "regression on order statistics")


def _censored(log_values: ArrayLike, censored_mask: ArrayLike, limits: ArrayLike) -> tuple[Floats, Bools, Floats]:
    """Return values, mask and a limit for each value, after checking what is looked at."""
    mask = np.asarray(censored_mask)
    y = np.asarray(log_values, dtype=float)
    if y.ndim != 1 or mask.shape != y.shape or not np.isin(mask, (0, 1)).all():
        raise ValueError(f"log_values have shape {y.shape} and censored_mask {mask.shape}; give one of each, True where censored.")
    censored = mask.astype(bool)
    bounds = np.asarray(limits, dtype=float)
    if bounds.shape not in ((), y.shape):
        raise ValueError(f"limits has shape {bounds.shape} for {y.size} values; give one for all, or one each.")
    bounds = np.broadcast_to(bounds, y.shape)
    measured = reals("log_values (measured)", y[~censored], (int((~censored).sum()),))
    reals("limits (of censored values)", bounds[censored], (int(censored.sum()),))
    if measured.size < MIN_MEASURED or float(np.ptp(measured)) == 0:
        what = "all equal" if measured.size >= MIN_MEASURED else f"only {measured.size}"
        raise ValueError(f"the measured values are {what}; at least {MIN_MEASURED}, not all equal, are needed for an SD.")
    return y, censored, bounds


def _newton(y: Floats, limits: Floats) -> tuple[float, float]:
    """Return μ/σ and 1/σ of largest likelihood, for standardised measured values."""
    at = np.array([0.0, 1.0])
    here = _log_likelihood(at, y, limits)
    for _ in range(_STEPS):
        gradient, hessian = _derivatives(at, y, limits)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (there := _log_likelihood(at - size * step, y, limits)) < here and size > _TOLERANCE:
            size /= 2
        at, here = at - size * step, max(there, here)
        if float(np.abs(step).max()) < _TOLERANCE * max(1.0, float(np.abs(at).max())) or size <= _TOLERANCE:
            break
    return float(at[0]), float(at[1])


def _log_likelihood(at: Floats, y: Floats, limits: Floats) -> float:
    delta, theta = at
    if theta <= 0:
        return -np.inf
    residual = theta * y - delta
    return float(y.size * log(theta) - np.sum(residual**2) / 2 + np.sum(log_ndtr(theta * limits - delta)))


def _derivatives(at: Floats, y: Floats, limits: Floats) -> tuple[Floats, Floats]:
    delta, theta = at
    residual, z = theta * y - delta, theta * limits - delta
    mills = _mills(z)
    bend = -mills * (mills + z)
    gradient = np.array([residual.sum() - mills.sum(), y.size / theta - np.sum(residual * y) + np.sum(mills * limits)])
    cross = np.sum(y) - np.sum(bend * limits)
    hessian = np.array([[-y.size + bend.sum(), cross], [cross, -y.size / theta**2 - np.sum(y**2) + np.sum(bend * limits**2)]])
    return gradient, hessian


def _mills(z: Floats) -> Floats:
    """Return φ(z)/Φ(z), also far below 0."""
    ratio: Floats = np.exp(-(z**2) / 2 - log(2 * pi) / 2 - log_ndtr(z))
    return ratio


def _plotting_positions(measured: Floats, limits: Floats) -> Floats:
    """Return the share of the distribution that lies below each measured value; both arrays of values, measured ascending."""
    edges = np.unique(limits)
    if edges.size and measured[-1] < edges[-1]:
        raise ValueError("no measured value lies at or above the highest limit; nothing can be said of what exceeds it.")
    if not edges.size or measured[0] < edges[0]:
        edges = np.concatenate([[-np.inf], edges])
    exceeds, positions = 0.0, np.empty(measured.size)
    for low, high in zip(edges[::-1], [np.inf, *edges[:0:-1]], strict=True):
        inside = (measured >= low) & (measured < high)
        a, b = int(inside.sum()), int((measured < low).sum() + (limits <= low).sum())
        wider = exceeds + (a / (a + b) if a + b else 0.0) * (1 - exceeds)
        positions[inside] = (1 - wider) + (wider - exceeds) * np.arange(1, a + 1) / (a + 1)
        exceeds = wider
    return positions

"""When a second specimen of the same subject is more than noise: within-subject spread and the reference change value."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, log1p, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from exodx.stats.estimate import Estimate
from exodx.stats.inputs import checked_level, normal_quantile


@dataclass(frozen=True, slots=True)
class ReferenceChange:
    """What two specimens of a subject in a steady state differ by at most, a stated share of the time.

    Parameters
    ----------
    log_difference : float
        Limit of the difference of natural logarithms, either way.
    fall, rise : float
        The same as relative changes: −0.4 is a fall by 40 %, 0.67 a rise by 67 %. They are not symmetric.
    level : float
        Share of steady subjects within the limits.
    """

    log_difference: float
    fall: float
    rise: float
    level: float


def reference_change_value(sd_analytical: float, sd_within: float, level: float = 0.95) -> ReferenceChange:
    """Return how far two specimens of one subject must differ, on the log scale, to be more than noise.

    Parameters
    ----------
    sd_analytical : float
        Standard deviation of repeated measurements of one specimen, in natural logarithms (:func:`log_sd` of a CV; for Ct values
        multiply by ln 2 at full efficiency).
    sd_within : float
        Standard deviation within a subject in a steady state without the analytical part. Where it was taken from single
        measurements it holds that part already: give 0 for ``sd_analytical``.
    level : float
        Share of steady subjects that stay within the limits, two-sided.

    Returns
    -------
    ReferenceChange
        ``√2 · z · √(sd_a² + sd_w²)``.

    Raises
    ------
    ValueError
        If a standard deviation is negative or not finite, or the level is not between 0 and 1.

    References
    ----------
    Harris and Yasaka 1983, 10.1093/clinchem/29.1.25; logarithms: Fokkema 2006, Clin Chem 52:1602.

    Examples
    --------
    >>> change = reference_change_value(log_sd(0.10), log_sd(0.20))
    >>> round(change.log_difference, 3), round(change.fall, 3), round(change.rise, 3)
    (0.615, -0.459, 0.849)
    """
    for name, sd in (("sd_analytical", sd_analytical), ("sd_within", sd_within)):
        if not 0 <= sd < float("inf"):
            raise ValueError(f"{name} is {sd}; give a finite standard deviation of logarithms, not negative.")
    limit = sqrt(2) * normal_quantile(level) * sqrt(sd_analytical**2 + sd_within**2)
    return ReferenceChange(limit, expm1(-limit), expm1(limit), level)


def log_sd(cv: float) -> float:
    """Return the standard deviation of logarithms of a log-normal value whose coefficient of variation is ``cv`` (0.2 is 20 %).

    Raises
    ------
    ValueError
        If it is negative or not finite.

    Examples
    --------
    >>> round(log_sd(0.2), 4)
    0.198
    """
    if not 0 <= cv < float("inf"):
        raise ValueError(f"cv is {cv}; give a share such as 0.2 for 20 %, not negative.")
    return sqrt(log1p(cv**2))


def cv_of_log_sd(sd: float) -> float:
    """Return the coefficient of variation of a log-normal value from the standard deviation of its logarithms.

    >>> round(cv_of_log_sd(0.198042), 4)
    0.2
    """
    return sqrt(exp(sd**2) - 1)


def within_sd(values: ArrayLike, groups: ArrayLike, level: float = 0.95, name: str = "within_sd") -> Estimate:
    """Return the standard deviation within groups, pooled: of duplicates within specimens, or of specimens within subjects.

    Parameters
    ----------
    values : array_like, shape (n,)
        On the scale of the limits, e.g. logarithms. Values that are not finite take no part.
    groups : array_like, shape (n,)
        Specimen or subject of each; sizes may differ, groups of one take no part.
    level : float
        Confidence level.
    name : str
        Name of the estimate.

    Returns
    -------
    Estimate
        Root of the mean square within groups of the one-way analysis of variance, for pairs ``√(Σ d²/2k)``, with the χ² interval
        for normal deviations. ``n`` counts the values used. No value, but the reason, without any
        repeat; no interval for no spread.

    Raises
    ------
    ValueError
        If the lengths differ or the level is not between 0 and 1.

    References
    ----------
    Dahlberg 1940; Bland and Altman 1996, 10.1136/bmj.312.7047.1654.

    Examples
    --------
    >>> print(within_sd([1.0, 1.2, 3.0, 2.6, 5.0, 5.1], ["a", "a", "b", "b", "c", "c"]))
    0.187 (95 % CI 0.106 to 0.698)
    """
    x, of = np.asarray(values, dtype=float), np.asarray(groups)
    if x.ndim != 1 or x.shape != of.shape:
        raise ValueError(f"values have shape {x.shape} and groups {of.shape}; give one group per value.")
    tail = (1 - checked_level(level)) / 2
    known = np.isfinite(x)
    x, codes = x[known], np.unique(of[known], return_inverse=True)[1]
    sizes = np.bincount(codes)
    repeated = sizes[codes] > 1
    degrees, used = int((sizes[sizes > 1] - 1).sum()), int(repeated.sum())
    if degrees == 0:
        return Estimate(name, None, None, None, level=level, n=used, reason="no group has two values")
    means = np.bincount(codes, weights=x) / sizes
    squares = float(((x - means[codes])[repeated] ** 2).sum())
    value = sqrt(squares / degrees)
    if squares == 0:
        return Estimate(name, value, None, None, level=level, n=used, reason="all repeats agree to the last digit")
    lower, upper = (sqrt(squares / float(chi2.ppf(q, degrees))) for q in (1 - tail, tail))
    return Estimate(name, value, lower, upper, level=level, method=f"χ² on {degrees} degrees of freedom", n=used)

"""Two sets of calls on the same specimens: McNemar's exact test and the difference of sensitivity and specificity."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import binomtest

from exodx.stats.clusters import mean_variance
from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Bools, Ints, Subjects, labels, normal_quantile, subject_codes

NEAR_ONE = 1 - 1e-9
CLUSTERED = "McNemar's test needs independent specimens, and subjects repeat"


@dataclass(frozen=True, slots=True)
class PairedShare:
    """How often two sets of calls are right on the same specimens of one class.

    Parameters
    ----------
    difference : Estimate
        Share right of a minus share right of b.
    only_a, only_b : int
        Specimens that only a, and only b, called rightly.
    p : float or None
        McNemar's exact two-sided p-value; None, with ``reason``, where it does not hold.
    reason : str
        Why there is no p-value.
    """

    difference: Estimate
    only_a: int
    only_b: int
    p: float | None
    reason: str = ""


def compare_calls(
    y: ArrayLike, calls_a: ArrayLike, calls_b: ArrayLike, subjects: Subjects = None, level: float = 0.95
) -> tuple[PairedShare, PairedShare]:
    """Compare two sets of calls on the same specimens, apart for cases and for controls.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    calls_a, calls_b : array_like, shape (n,)
        1 or True where the call is positive.
    subjects : array_like, shape (n,), optional
        Subject of each specimen. Where they repeat, the interval is a normal one clustered by subject and there is no p-value.
    level : float
        Confidence level.

    Returns
    -------
    sensitivity, specificity : PairedShare
        Differences with Tango's score interval; without value, and with the reason, for an empty class.

    Raises
    ------
    ValueError
        If labels or calls hold anything but 0 and 1, or the lengths differ.

    References
    ----------
    McNemar 1947, 10.1007/BF02295996; interval: Tango 1998,
    10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.

    Examples
    --------
    >>> y = [1] * 10 + [0] * 4
    >>> sensitivity, specificity = compare_calls(y, [1] * 9 + [0] + [0] * 4, [1] * 4 + [0] * 6 + [0] * 4)
    >>> sensitivity.only_a, sensitivity.only_b, sensitivity.p
    (5, 0, 0.0625)
    >>> print(sensitivity.difference)
    0.500 (95 % CI 0.084 to 0.763)
    """
    case, a, b = labels(y), labels(calls_a), labels(calls_b)
    if not case.shape == a.shape == b.shape:
        raise ValueError(f"y has {case.size} specimens, the calls {a.size} and {b.size}; give one call each per specimen.")
    codes = subject_codes(subjects, case.size)
    return (
        _compare("sensitivity_difference", a[case], b[case], codes[case], level),
        _compare("specificity_difference", ~a[~case], ~b[~case], codes[~case], level),
    )


def tango_interval(only_a: int, only_b: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Tango's score interval of a difference of paired proportions, ``(only_a − only_b) / n``.

    Parameters
    ----------
    only_a, only_b : int
        Discordant pairs of either kind.
    n : int
        All pairs.
    level : float
        Confidence level.

    Returns
    -------
    lower, upper : float
        Within [−1, 1]; defined, and not of zero width, also without any discordant pair.

    Raises
    ------
    ValueError
        If counts are negative or more pairs are discordant than there are.

    Examples
    --------
    >>> [round(end, 3) for end in tango_interval(1, 7, 21)]
    [-0.517, -0.026]
    """
    if n < 1 or min(only_a, only_b) < 0 or only_a + only_b > n:
        raise ValueError(f"counts are {only_a} and {only_b} of {n}; give counts that are not negative and fit into n.")
    z, value = normal_quantile(level), (only_a - only_b) / n
    lower = -1.0 if value <= -NEAR_ONE else _end(only_a, only_b, n, z, -1.0, value)
    upper = 1.0 if value >= NEAR_ONE else _end(only_a, only_b, n, -z, 1.0, value)
    return min(lower, value), max(upper, value)


def _end(only_a: int, only_b: int, n: int, z: float, edge: float, value: float) -> float:
    """Solve Tango's score for z between the edge of the range and the value."""

    def score(delta: float) -> float:
        a, b = 2 * n, -only_a - only_b + (2 * n - only_a + only_b) * delta
        c = -only_b * delta * (1 - delta)
        other = (sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)  # the likeliest share of only_b under delta
        variance = n * (2 * other + delta * (1 - delta))
        return (only_a - only_b - n * delta) - z * sqrt(max(variance, 0.0))

    inside, beside = edge * NEAR_ONE, value + (edge - value) * (1 - NEAR_ONE)  # at the value itself the score may be 0 too
    if score(inside) * score(beside) > 0:
        return edge
    return float(brentq(score, min(inside, beside), max(inside, beside), xtol=1e-13))


def _compare(name: str, right_a: Bools, right_b: Bools, codes: Ints, level: float) -> PairedShare:
    n = right_a.size
    if n == 0:
        reason = "this class has no specimen"
        return PairedShare(Estimate(name, None, None, None, level=level, reason=reason), 0, 0, None, reason)
    only_a, only_b = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    if np.unique(codes).size < n:
        return PairedShare(_clustered(name, right_a, right_b, codes, level), only_a, only_b, None, CLUSTERED)
    lower, upper = tango_interval(only_a, only_b, n, level)
    difference = Estimate(name, (only_a - only_b) / n, lower, upper, level=level, method="Tango score", n=n)
    discordant = only_a + only_b
    p = float(binomtest(only_a, discordant).pvalue) if discordant else 1.0
    return PairedShare(difference, only_a, only_b, p)


def _clustered(name: str, right_a: Bools, right_b: Bools, codes: Ints, level: float) -> Estimate:
    gain = right_a.astype(float) - right_b
    value, variance = float(gain.mean()), mean_variance(gain, codes)
    if not variance:
        reason = "there is only one subject" if variance is None else "the calls differ on no subject"
        return Estimate(name, value, None, None, level=level, n=gain.size, reason=reason)
    half = normal_quantile(level) * sqrt(variance)
    method = "normal, clustered by subject"
    return Estimate(name, value, max(-1.0, value - half), min(1.0, value + half), level=level, method=method, n=gain.size)

"""Confidence intervals of a proportion."""

from __future__ import annotations

from math import sqrt

from scipy.special import betaincinv, expit, logit

from exodx.stats.inputs import checked_level, normal_quantile


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval, the default for sensitivity and specificity.

    Parameters
    ----------
    successes, n : float
        Number of successes and of trials. Fractions are allowed: counts averaged over repeats of a cross-validation.
    level : float
        Confidence level.

    Returns
    -------
    lower, upper : float
        Always inside [0, 1] and around ``successes / n``.

    Raises
    ------
    ValueError
        If not ``0 <= successes <= n`` with ``n > 0``.

    References
    ----------
    Wilson 1927, 10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(45, 50)]
    [0.7864, 0.9565]
    """
    _check_counts(successes, n)
    z2 = normal_quantile(level) ** 2
    share = successes / n
    centre = (successes + z2 / 2) / (n + z2)
    half = sqrt(z2 * n) / (n + z2) * sqrt(share * (1 - share) + z2 / (4 * n))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact binomial interval: it covers at least ``level`` of the time, often more.

    Parameters
    ----------
    successes, n : int
        Number of successes and of trials.
    level : float
        Confidence level.

    Returns
    -------
    lower, upper : float

    Raises
    ------
    ValueError
        If not ``0 <= successes <= n`` with ``n > 0``, or a count is not whole.

    References
    ----------
    Clopper and Pearson 1934, 10.1093/biomet/26.4.404.

    Examples
    --------
    >>> [round(end, 4) for end in clopper_pearson(45, 50)]
    [0.7819, 0.9667]
    """
    _check_counts(successes, n)
    if successes != int(successes) or n != int(n):
        raise ValueError(f"counts are {successes} of {n}; give whole numbers, or use wilson for averages.")
    tail = (1 - checked_level(level)) / 2
    lower = float(betaincinv(successes, n - successes + 1, tail)) if successes > 0 else 0.0
    upper = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return lower, upper


def logit_interval(value: float, se: float, level: float = 0.95) -> tuple[float, float]:
    """Return the Wald interval of a proportion computed on the logit scale and taken back.

    The standard error is carried over by the delta method, ``se / (value (1 − value))``, so the ends stay inside
    (0, 1). At exactly 0 or 1 the logit is infinite and no such interval exists: those values are refused, and an exact
    bound (:func:`clopper_pearson`) is the honest answer.

    Parameters
    ----------
    value : float
        Estimate strictly inside (0, 1).
    se : float
        Its standard error on the plain scale, not negative.
    level : float
        Confidence level.

    Returns
    -------
    lower, upper : float

    Raises
    ------
    ValueError
        If ``value`` is not strictly between 0 and 1, or ``se`` is negative or not finite.

    References
    ----------
    Pepe 2003, The Statistical Evaluation of Medical Tests, section 5.2 (ISBN 9780198565826).

    Examples
    --------
    >>> [round(end, 3) for end in logit_interval(0.9, 0.05)]
    [0.752, 0.964]
    """
    if not 0 < value < 1:
        raise ValueError(f"value is {value}; a logit needs 0 < value < 1, use clopper_pearson on the counts at 0 or 1.")
    if not 0 <= se < float("inf"):
        raise ValueError(f"se is {se}; give a finite standard error, not negative.")
    half = normal_quantile(level) * se / (value * (1 - value))
    return float(expit(logit(value) - half)), float(expit(logit(value) + half))


def _check_counts(successes: float, n: float) -> None:
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"counts are {successes} of {n}; give 0 <= successes <= n with n > 0.")

"""The difference of two estimates, from their intervals."""

from __future__ import annotations

from math import hypot

from exodx.stats.estimate import Estimate


def difference_of_estimates(first: Estimate, second: Estimate, name: str) -> Estimate:
    """Return first − second with an interval recovered from theirs, as if the two were independent.

    Parameters
    ----------
    first, second : Estimate
        With intervals of one level. Where they come from the same specimens and go up and down together, the interval of the
        difference is too wide, never too short.
    name : str
        Name of the difference.

    Returns
    -------
    Estimate
        Without an interval, and with the reason, where one of the two has none.

    Notes
    -----
    MOVER, the method of variance estimates recovery (Zou and Donner 2008, 10.1002/sim.3095): each side of the interval takes the
    distances from the estimates to their own limits, so it need not be symmetric.

    Examples
    --------
    >>> print(difference_of_estimates(Estimate("a", 0.9, 0.87, 0.94), Estimate("b", 0.8, 0.76, 0.83), "gap"))
    0.100 (95 % CI 0.058 to 0.157)
    """
    if first.value is None or second.value is None:
        return Estimate(name, None, None, None, reason=first.reason or second.reason)
    value, level, n = first.value - second.value, first.level, max(first.n, second.n)
    if first.lower is None or first.upper is None or second.lower is None or second.upper is None:
        return Estimate(name, value, None, None, level, n=n, reason=first.reason or second.reason)
    lower = value - hypot(first.value - first.lower, second.upper - second.value)
    upper = value + hypot(first.upper - first.value, second.value - second.lower)
    return Estimate(name, value, lower, upper, level, "MOVER, taken as independent", n)

"""How much of a variance lies between groups, and which of many p-values survive being many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import f as f_distribution
from scipy.stats import rankdata


@dataclass(frozen=True, slots=True)
class BetweenGroups:
    """A one-way analysis of variance.

    Parameters
    ----------
    icc : float
        Share of the variance that lies between groups, ICC(1,1); negative where groups are more alike than chance makes them.
    f, p : float
        F statistic and its p-value.
    n, groups : int
    """

    icc: float
    f: float
    p: float
    n: int
    groups: int


def between_groups(values: ArrayLike, groups: ArrayLike) -> BetweenGroups | None:
    """Return the share of the variance between groups (Shrout & Fleiss 1979, 10.1037/0033-2909.86.2.420).

    Parameters
    ----------
    values : array_like, shape (n,)
        Values that are not finite take no part.
    groups : array_like, shape (n,)
        Group of each; sizes may differ.

    Returns
    -------
    BetweenGroups or None
        None where there are fewer than two groups, no two values in any group, or no variance at all.

    Examples
    --------
    >>> result = between_groups([1.0, 1.2, 5.0, 5.2], ["a", "a", "b", "b"])
    >>> round(result.icc, 3), result.groups
    (0.998, 2)
    """
    x, labels = np.asarray(values, np.float64), np.asarray(groups)
    known = np.isfinite(x)
    x, codes = x[known], np.unique(labels[known], return_inverse=True)[1]
    sizes = np.bincount(codes)
    k, n = len(sizes), len(x)
    if k < 2 or n <= k:
        return None
    means = np.bincount(codes, weights=x) / sizes
    between = float((sizes * (means - x.mean()) ** 2).sum() / (k - 1))
    within = float(((x - means[codes]) ** 2).sum() / (n - k))
    if within <= 0 and between <= 0:
        return None
    size = (n - (sizes**2).sum() / n) / (k - 1)
    ratio = between / within if within > 0 else np.inf
    icc = (between - within) / (between + (size - 1) * within)
    return BetweenGroups(float(icc), float(ratio), float(f_distribution.sf(ratio, k - 1, n - k)), n, k)


def ranks_of(values: ArrayLike) -> NDArray[np.float64]:
    """Return the rank of each finite value among them, ties halved; NaN for the others.

    A test on ranks asks nothing of how the values are spread (Conover & Iman 1981, 10.1080/00031305.1981.10479327).

    >>> ranks_of([3.0, float("nan"), 1.0, 3.0]).tolist()
    [2.5, nan, 1.0, 2.5]
    """
    x = np.asarray(values, np.float64)
    known, ranks = np.isfinite(x), np.full(x.shape, np.nan)
    ranks[known] = rankdata(x[known])
    return ranks


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's adjusted p-values (Scand J Stat 1979;6:65), in the order given.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    factors = len(values) - np.arange(len(values))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return adjusted

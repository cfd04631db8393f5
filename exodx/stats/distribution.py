"""A distribution of which only 21 quantiles are kept: enough to tell later whether new values come from another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import kstwo

from exodx.stats.drift import FLOOR
from exodx.stats.inputs import Floats, reals

PLACES = (0.01, *np.linspace(0, 1, 21)[1:-1].tolist(), 0.99)
DECILES = slice(2, 20, 2)
"""Where the deciles stand among the places."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The empirical distribution function at 21 quantiles; neither the smallest nor the largest value is kept.

    Parameters
    ----------
    points : tuple of float
        The 1st, 5th, 10th … 95th and 99th percentile; equal ones repeat.
    below, at_most : tuple of float
        Share of values below each, and up to it: they differ where values are tied.
    n : int
        Number of values.

    Raises
    ------
    ValueError
        If the three do not hold 21 numbers each.
    """

    points: tuple[float, ...]
    below: tuple[float, ...]
    at_most: tuple[float, ...]
    n: int

    def __post_init__(self) -> None:
        lengths = [len(part) for part in (self.points, self.below, self.at_most)]
        if lengths != [len(PLACES)] * 3:
            raise ValueError(f"{lengths} points and shares; give {len(PLACES)} of each.")

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        """Learn a distribution.

        Parameters
        ----------
        values : array_like, shape (n,)
            One for each subject, none missing.

        Raises
        ------
        ValueError
            If there is none, or one is missing.
        """
        known = _values(values)
        points = np.quantile(known, PLACES)
        below, at_most = _shares(known, points)
        return cls(tuple(points.tolist()), tuple(below.tolist()), tuple(at_most.tolist()), known.size)

    def distance(self, new: ArrayLike) -> float:
        """Return the largest distance of the two distribution functions at the points kept.

        The two-sample Kolmogorov–Smirnov distance is at least as large: it may lie between two points, where at most a twentieth
        of the values do.

        >>> Distribution.of(range(100)).distance(range(50, 150))
        0.5
        """
        found = _shares(_values(new), np.array(self.points))
        return float(max(np.abs(here - there).max() for here, there in zip(found, (self.below, self.at_most), strict=True)))

    def p_value(self, distance: float, new_n: int) -> float:
        """Return the p-value of a distance from ``new_n`` values, as SciPy's ``ks_2samp(method="asymp")`` does; conservative here.

        >>> round(Distribution.of(range(100)).p_value(0.2, 100), 4)
        0.0314
        """
        return float(kstwo.sf(distance, max(1, round(self.n * new_n / (self.n + new_n)))))

    def psi(self, new: ArrayLike) -> float:
        """Return the population stability index over the deciles: what :func:`exodx.stats.psi` gives of all the values.

        >>> round(Distribution.of(range(100)).psi(range(50, 150)), 2)
        4.35
        """
        edges, first = np.unique(np.array(self.points[DECILES]), return_index=True)
        old = np.array(self.at_most[DECILES])[first]
        fresh = _shares(_values(new), edges)[1]
        p, q = (np.maximum(np.diff(share, prepend=0.0, append=1.0), FLOOR) for share in (old, fresh))
        return float(((q - p) * np.log(q / p)).sum())


def _shares(values: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Return the shares of values below points, and up to them."""
    ordered = np.sort(values)
    below, at_most = (np.searchsorted(ordered, points, side=side) / ordered.size for side in ("left", "right"))
    return below, at_most


def _values(values: ArrayLike) -> Floats:
    if np.ndim(values) != 1 or np.size(values) == 0:
        raise ValueError(f"values have shape {np.shape(values)}; give a non-empty one-dimensional array.")
    return reals("values", values, np.shape(values))

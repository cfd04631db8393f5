"""The scaled Brier score (Brier skill, index of prediction accuracy): the share of the outcome's spread that is foretold."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from exodx.evaluation.metrics.metric import Metric
from exodx.stats import Estimate, scaled_brier
from exodx.stats.clusters import mean_variance
from exodx.stats.inputs import normal_quantile, subject_codes

NAME = "scaled_brier"


def scaled_brier_estimate(y: NDArray[np.int8], p: NDArray[np.float64], subjects: NDArray[np.intp], level: float = 0.95) -> Estimate:
    """Return :func:`exodx.stats.scaled_brier` with a normal interval by the delta method, clustered by subject.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    p : ndarray of float, shape (n,)
        Probability of being a case.
    subjects : ndarray of int, shape (n,)
    level : float

    Returns
    -------
    Estimate
        The upper limit is cut at 1; there is no least value. No value for one class only, no interval for one subject.

    Notes
    -----
    With losses ``l = (p − y)²``, ``B`` their mean, ``u = ȳ(1 − ȳ)``: a specimen moves ``1 − B/u`` by ``−l/u + B(1 − 2ȳ) y/u²``. The
    share of cases is taken to vary as it would in a new cohort of the same source. Steyerberg 2010, 10.1097/EDE.0b013e3181c30fb2;
    Kattan and Gerds 2018, 10.1186/s41512-018-0029-2.

    Examples
    --------
    >>> y, p = np.array([1, 0, 1, 0], np.int8), np.array([0.9, 0.2, 0.6, 0.1])
    >>> print(scaled_brier_estimate(y, p, np.arange(4)))
    0.780 (95 % CI 0.500 to 1.000)
    """
    n, share = len(y), float(y.mean())
    if share in (0.0, 1.0):
        return Estimate(NAME, None, None, None, level=level, n=n, reason="there is one class only")
    value, spread = scaled_brier(y, p), share * (1 - share)
    losses = (p - y) ** 2
    moved = -losses / spread + losses.mean() * (1 - 2 * share) * y / spread**2
    variance = mean_variance(moved, subject_codes(subjects, n))
    if variance is None:
        return Estimate(NAME, value, None, None, level=level, n=n, reason="there is only one subject")
    half = normal_quantile(level) * sqrt(variance)
    return Estimate(NAME, value, value - half, min(1.0, value + half), level=level, method="delta method, by subject", n=n)


METRIC = Metric(NAME, "Scaled Brier score", scaled_brier_estimate)

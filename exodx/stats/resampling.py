"""The bootstrap by subject: how often each specimen is drawn, and what percentiles of the redrawn statistic say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Bools, Floats, Ints, Subjects, checked_level, labels, normal_quantile, subject_codes

RESAMPLES = 2000
SEED = 20260801
CELLS = 1 << 16
"""Counts held at once, so that they stay in the cache; resamples are drawn in turns."""

MIN_USABLE = 0.9
"""Share of resamples in which the statistic must exist for percentiles to be told."""


def bootstrap_weights(
    y: ArrayLike, subjects: Subjects = None, resamples: int = RESAMPLES, seed: int = SEED
) -> Iterator[NDArray[np.int64]]:
    """Yield how often each specimen is drawn, in blocks of resamples.

    Subjects are drawn with replacement and bring all their specimens. Those with only cases, only controls and both are
    drawn apart, so that every resample has both classes wherever the cohort has.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    subjects : array_like, shape (n,), optional
        Subject of each specimen; without, each specimen is its own.
    resamples : int
        Number of resamples in all.
    seed : int
        Seed of the draws.

    Yields
    ------
    ndarray of int, shape (b, n)
        One row per resample; the blocks add up to ``resamples`` rows.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, subjects do not match or ``resamples`` is less than 1.

    References
    ----------
    Efron and Tibshirani 1993 (ISBN 9780412042317); clusters: Field and Welsh 2007, 10.1111/j.1467-9868.2007.00593.x.

    Examples
    --------
    >>> weights = next(bootstrap_weights([0, 0, 1, 1, 1], resamples=100))
    >>> set(weights[:, :2].sum(axis=1).tolist()), set(weights[:, 2:].sum(axis=1).tolist())
    ({2}, {3})
    """
    case = labels(y)
    codes = subject_codes(subjects, case.size)
    _check_count("resamples", resamples)
    return _blocks(_strata(case, codes), codes, resamples, np.random.default_rng(seed))


def percentile(name: str, value: float, draws: ArrayLike, level: float = 0.95, n: int = 0) -> Estimate:
    """Return a value with the percentile interval of its bootstrap draws.

    It needs no jackknife, so it serves every statistic of this room (curves, thresholds, averages over pairs of classes), and never
    leaves the range of the statistic. Near the end of that range it is too short: see :func:`bca`, and prefer a closed interval
    (DeLong, Wilson) where there is one.

    Parameters
    ----------
    name : str
        What is estimated.
    value : float
        The statistic of the cohort itself.
    draws : array_like, shape (B,)
        The statistic of each resample; NaN where it does not exist.
    level : float
        Confidence level.
    n : int
        Number of specimens.

    Returns
    -------
    Estimate
        Without an interval, and with the reason, when the statistic does not vary, is missing in more than a tenth of the
        resamples, or when the percentiles do not hold the value. Ends are quantiles of the known draws.

    References
    ----------
    Efron 1981, 10.2307/3314608; Carpenter and Bithell 2000, 10.1002/(SICI)1097-0258(20000515)19:9<1141::AID-SIM479>3.0.CO;2-F.
    """
    tail = (1 - checked_level(level)) / 2
    return _between(name, value, np.asarray(draws, dtype=float), _Ends("percentiles", tail, 1 - tail, level), n)


def bca(name: str, value: float, draws: ArrayLike, influence: ArrayLike, level: float = 0.95, n: int = 0) -> Estimate:
    """Return a value with the bias-corrected and accelerated interval of its bootstrap draws.

    Parameters
    ----------
    name, value, draws, level, n
        As for :func:`percentile`.
    influence : array_like, shape (g,)
        What each subject moves the statistic by; its skewness is the acceleration.

    Returns
    -------
    Estimate
        As for :func:`percentile`; also without an interval when all draws lie on one side of the value.

    References
    ----------
    Efron 1987, 10.1080/01621459.1987.10478410; Carpenter and Bithell 2000,
    10.1002/(SICI)1097-0258(20000515)19:9<1141::AID-SIM479>3.0.CO;2-F.
    """
    moved, values = np.asarray(influence, dtype=float), np.asarray(draws, dtype=float)
    known, z = values[np.isfinite(values)], normal_quantile(level)
    spread = float((moved**2).sum())
    below = float(np.mean(known < value) + np.mean(known == value) / 2) if known.size else 0.0
    if spread == 0 or not 0 < below < 1:
        reason = "the resamples say nothing of the value's bias or skewness: they agree, or lie on one side of it"
        return Estimate(name, value, None, None, level=level, n=n, reason=reason)
    bias, acceleration = float(ndtri(below)), float((moved**3).sum()) / (6 * spread**1.5)
    places = [float(ndtr(bias + (bias + end) / (1 - acceleration * (bias + end)))) for end in (-z, z)]
    return _between(name, value, values, _Ends("BCa", places[0], places[1], level), n)


def resampled_rows(weights: NDArray[np.int64]) -> Ints:
    """Return the rows of one resample, each as often as it was drawn.

    >>> resampled_rows(np.array([2, 0, 1])).tolist()
    [0, 0, 2]
    """
    return np.repeat(np.arange(weights.size), weights)


def weighted_auc(case: Bools, score: Floats, weights: NDArray[np.int64]) -> Floats:
    """Return the AUC of each resample, from one ordering of the scores; ties count ½.

    Parameters
    ----------
    case : ndarray of bool, shape (n,)
    score : ndarray, shape (n,)
    weights : ndarray of int, shape (B, n)
        How often each specimen is drawn.

    Returns
    -------
    ndarray, shape (B,)
        NaN where a resample lacks a class.

    Notes
    -----
    The controls below a case are a running sum over the controls in the order of their scores, so a resample costs n additions
    and no sort.
    """
    cases, controls = np.flatnonzero(case), np.flatnonzero(~case)
    controls = controls[np.argsort(score[controls])]
    first, last = (np.searchsorted(score[controls], score[cases], side=side) for side in ("left", "right"))
    below = np.zeros((weights.shape[0], controls.size + 1))
    np.cumsum(weights[:, controls], axis=1, out=below[:, 1:])
    drawn = weights[:, cases].astype(float)
    reached = below[:, first] if np.array_equal(first, last) else (below[:, first] + below[:, last]) / 2
    right, pairs = np.einsum("ij,ij->i", drawn, reached), drawn.sum(axis=1) * below[:, -1]
    share: Floats = np.divide(right, pairs, out=np.full(right.shape, np.nan), where=pairs > 0)
    return share


@dataclass(frozen=True, slots=True)
class _Ends:
    """Which quantiles of the draws are the ends of an interval."""

    method: str
    lower: float
    upper: float
    level: float


def _between(name: str, value: float, draws: Floats, ends: _Ends, n: int) -> Estimate:
    """Return the value with two quantiles of its draws, or the reason why they are no interval."""
    known = draws[np.isfinite(draws)]
    if known.size < MIN_USABLE * draws.size or known.size < 2:
        reason = f"the statistic exists in only {known.size} of {draws.size} resamples"
    elif np.ptp(known) == 0:
        reason = "all resamples agree, which is not certainty"
    else:
        lower, upper = (float(q) for q in np.quantile(known, (ends.lower, ends.upper)))
        if lower <= value <= upper:
            method = f"{ends.method} of {known.size} bootstrap resamples by subject"
            return Estimate(name, value, lower, upper, level=ends.level, method=method, n=n)
        reason = "the percentiles of the resamples do not hold the value: it is biased by resampling"
    return Estimate(name, value, None, None, level=ends.level, n=n, reason=reason)


def _strata(case: Bools, codes: Ints) -> list[Ints]:
    """Return the subjects with cases only, with controls only and with both."""
    size = int(codes.max()) + 1
    has_case, has_control = (np.bincount(codes[part], minlength=size) > 0 for part in (case, ~case))
    kinds = (has_case & ~has_control, has_control & ~has_case, has_case & has_control)
    return [np.flatnonzero(kind) for kind in kinds if kind.any()]


def _blocks(strata: list[Ints], codes: Ints, resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    size = int(codes.max()) + 1
    own = np.array_equal(codes, np.arange(codes.size))
    step = max(1, CELLS // size)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        picks = [members[rng.integers(0, members.size, (rows, members.size))] for members in strata]
        places = np.concatenate(picks, axis=1) + size * np.arange(rows)[:, None]
        counts = np.bincount(places.ravel(), minlength=rows * size).reshape(rows, size)
        yield counts if own else counts[:, codes]


def _check_count(name: str, count: int) -> None:
    if count < 1:
        raise ValueError(f"{name} is {count}; give a whole number of at least 1.")

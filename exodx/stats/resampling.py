"""The bootstrap by subject: how often each specimen is drawn, and what percentiles of the redrawn statistic say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Bools, Floats, Ints, Subjects, checked_level, labels, subject_codes

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

    Percentiles rather than BCa: they need no jackknife, hold for every statistic of this room (curves, thresholds, clustered
    subjects, rank statistics with ties), never leave the range of the statistic, and exist where BCa's constants do not
    (all jackknife values equal). Where a closed interval exists (DeLong, Wilson), that one is the default of the house.

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
    values = np.asarray(draws, dtype=float)
    known = values[np.isfinite(values)]
    if known.size < MIN_USABLE * values.size or known.size < 2:
        reason = f"the statistic exists in only {known.size} of {values.size} resamples"
    elif np.ptp(known) == 0:
        reason = "all resamples agree, which is not certainty"
    else:
        lower, upper = (float(q) for q in np.quantile(known, (tail, 1 - tail)))
        if lower <= value <= upper:
            method = f"percentiles of {known.size} bootstrap resamples by subject"
            return Estimate(name, value, lower, upper, level=level, method=method, n=n)
        reason = "the percentiles of the resamples do not hold the value: it is biased by resampling"
    return Estimate(name, value, None, None, level=level, n=n, reason=reason)


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

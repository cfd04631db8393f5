"""How good the probabilities are: Brier score, log loss, calibration slope and intercept."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from exodx.stats.clusters import mean_variance
from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Bools, Floats, Subjects, labels, normal_quantile, probabilities, subject_codes
from exodx.stats.logistic import SeparationError, fit_logistic

CLIP = 1e-6


EQUAL = 1e-6
"""Margins are sums of single precision: a smaller spread is rounding, not a difference."""


def clip_probability(p: ArrayLike) -> Floats:
    """Return probabilities kept 1e-6 away from 0 and 1, so that their logits and logarithms are finite.

    >>> clip_probability([0.0, 0.5, 1.0]).tolist()
    [1e-06, 0.5, 0.999999]
    """
    clipped: Floats = np.clip(np.asarray(p, dtype=float), CLIP, 1 - CLIP)
    return clipped


def brier(y: ArrayLike, p: ArrayLike) -> float:
    """Return the mean squared distance between probability and outcome; 0 is perfect, lower is better.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, or probabilities are missing or outside [0, 1].

    References
    ----------
    Brier 1950, 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> round(brier([1, 0, 1], [0.9, 0.2, 0.6]), 4)
    0.07
    """
    return float(_squared_errors(*_pair(y, p)).mean())


def log_loss(y: ArrayLike, p: ArrayLike) -> float:
    """Return the mean negative log-likelihood, with probabilities clipped at 1e-6; lower is better.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, or probabilities are missing or outside [0, 1].

    References
    ----------
    Good 1952, 10.1111/j.2517-6161.1952.tb00104.x.

    Examples
    --------
    >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
    0.6931
    """
    return float(_surprises(*_pair(y, p)).mean())


def brier_estimate(y: ArrayLike, p: ArrayLike, subjects: Subjects = None, level: float = 0.95) -> Estimate:
    """Return :func:`brier` with a normal interval from the losses of the specimens, clustered by subject.

    Parameters
    ----------
    y, p : array_like, shape (n,)
        As for :func:`brier`.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Cut at 0 and 1. Without an interval, and with the reason, for one subject or when all losses are equal.
    """
    return _mean_loss("brier", _squared_errors(*_pair(y, p)), 1.0, subjects, level)


def log_loss_estimate(y: ArrayLike, p: ArrayLike, subjects: Subjects = None, level: float = 0.95) -> Estimate:
    """Return :func:`log_loss` with a normal interval from the losses of the specimens, clustered by subject.

    Parameters
    ----------
    y, p : array_like, shape (n,)
        As for :func:`log_loss`.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Cut at 0. Without an interval, and with the reason, for one subject or when all losses are equal.
    """
    return _mean_loss("log_loss", _surprises(*_pair(y, p)), np.inf, subjects, level)


def calibration_slope(y: ArrayLike, p: ArrayLike, subjects: Subjects = None, level: float = 0.95) -> Estimate:
    """Return the coefficient of logit(p) in a logistic recalibration; below 1 the probabilities are too extreme.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case, clipped at 1e-6 for the logit.
    subjects : array_like, shape (n,), optional
        Subject of each specimen; where subjects repeat the variance is the sandwich clustered by subject
        (Liang and Zeger 1986, 10.1093/biomet/73.1.13).
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Wald interval. No value, but the reason, when all probabilities are equal or the classes are divided.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, or probabilities are missing or outside [0, 1].

    References
    ----------
    Cox 1958, 10.1093/biomet/45.3-4.562; Van Calster 2019, 10.1186/s12916-019-1466-7.
    """
    case, p = _pair(y, p)
    margin = logit(clip_probability(p))
    if np.ptp(margin) <= EQUAL * max(1.0, float(np.abs(margin).max())):
        return Estimate("calibration_slope", None, None, None, level=level, n=case.size, reason="all probabilities are equal")
    return _wald("calibration_slope", np.column_stack([margin, np.ones(case.size)]), case, None, subjects, level)


def calibration_intercept(y: ArrayLike, p: ArrayLike, subjects: Subjects = None, level: float = 0.95) -> Estimate:
    """Return calibration-in-the-large: the intercept with the slope of logit(p) held at 1; above 0 is under-prediction.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case, clipped at 1e-6 for the logit.
    subjects : array_like, shape (n,), optional
        Subject of each specimen; where subjects repeat the variance is the sandwich clustered by subject
        (Liang and Zeger 1986, 10.1093/biomet/73.1.13).
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Wald interval. No value, but the reason, when there is one class only.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, or probabilities are missing or outside [0, 1].

    References
    ----------
    Cox 1958, 10.1093/biomet/45.3-4.562; Van Calster 2019, 10.1186/s12916-019-1466-7.
    """
    case, p = _pair(y, p)
    return _wald("calibration_intercept", np.ones((case.size, 1)), case, logit(clip_probability(p)), subjects, level)


def _pair(y: ArrayLike, p: ArrayLike) -> tuple[Bools, Floats]:
    case = labels(y)
    return case, probabilities(p, case.size)


def _squared_errors(case: Bools, p: Floats) -> Floats:
    return (p - case) ** 2


def _surprises(case: Bools, p: Floats) -> Floats:
    clipped = clip_probability(p)
    return -np.log(np.where(case, clipped, 1 - clipped))


def _mean_loss(name: str, losses: Floats, ceiling: float, subjects: Subjects, level: float) -> Estimate:
    mean, n = float(losses.mean()), losses.size
    variance = mean_variance(losses, subject_codes(subjects, n))
    if variance is None:
        return Estimate(name, mean, None, None, level=level, n=n, reason="there is only one subject")
    if np.ptp(losses) == 0:
        return Estimate(name, mean, None, None, level=level, n=n, reason="all losses are equal")
    half = normal_quantile(level) * sqrt(variance)
    lower, upper = max(0.0, mean - half), min(ceiling, mean + half)
    return Estimate(name, mean, lower, upper, level=level, method="normal, losses summed by subject", n=n)


def _wald(name: str, x: Floats, case: Bools, offset: Floats | None, subjects: Subjects, level: float) -> Estimate:
    """Fit a logistic recalibration and report its first coefficient."""
    try:
        coef, covariance = fit_logistic(x, case, offset=offset)
    except SeparationError as separated:
        return Estimate(name, None, None, None, level=level, n=case.size, reason=str(separated))
    codes = subject_codes(subjects, case.size)
    method = "logistic recalibration"
    if codes.max() + 1 < case.size:
        linear = x @ coef + (0.0 if offset is None else offset)
        covariance = _sandwich(x, case - expit(linear), covariance, codes)
        method += ", clustered by subject"
    half = normal_quantile(level) * sqrt(covariance[0, 0])
    value = float(coef[0])
    return Estimate(name, value, value - half, value + half, level=level, method=method, n=case.size)


def _sandwich(x: Floats, residual: Floats, bread: Floats, codes: NDArray[np.intp]) -> Floats:
    """Return the covariance from the scores of subjects, with the g / (g − 1) correction for g subjects."""
    groups = int(codes.max()) + 1
    scores = np.zeros((groups, x.shape[1]))
    np.add.at(scores, codes, x * residual[:, None])
    return bread @ (scores.T @ scores) @ bread * groups / max(groups - 1, 1)

"""Probabilities against what was observed: the ratio of both, a smooth curve, and its mean distance from the diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from exodx.stats.clusters import mean_variance
from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Floats, Subjects, labels, normal_quantile, probabilities, subject_codes
from exodx.stats.logistic import SeparationError, fit_logistic
from exodx.stats.probability import clip_probability

KNOTS = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
"""Quantiles at which knots stand (Harrell 2015, 10.1007/978-3-319-19425-7, table 2.3)."""

CURVE_EVENTS = 200
"""Cases, and controls, below which a curve shows noise (Van Calster 2016, 10.1016/j.jclinepi.2015.12.005)."""


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """A smooth line of observed shares over probabilities, or the reason why there is none.

    Parameters
    ----------
    observed : ndarray, shape (n,), or None
        Smoothed share of cases at the probability of each specimen, in the order given.
    lower, upper : ndarray, shape (n,), or None
        Ends of the pointwise Wald interval, made on the log-odds scale.
    eci : float or None
        Estimated calibration index, ``100 · mean (p − observed)²``; 0 is calibrated.
    eavg : float or None
        Mean absolute distance of probability and observed.
    emax : float or None
        Largest absolute distance at a specimen.
    reason : str
        Why there is no curve.
    """

    observed: Floats | None
    lower: Floats | None
    upper: Floats | None
    eci: float | None
    eavg: float | None
    emax: float | None
    reason: str = ""


def observed_expected(y: ArrayLike, p: ArrayLike, subjects: Subjects = None, level: float = 0.95) -> Estimate:
    """Return the number of cases over the number expected; above 1 the probabilities are too low.

    Meaningful where the cohort has the prevalence that the probabilities were made for: for case–control data shift them first
    (:func:`exodx.stats.prior_shift`).

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case.
    subjects : array_like, shape (n,), optional
        Subject of each specimen; where they repeat the variance is clustered by subject.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Log-normal interval, var(ln O:E) = (1 − O/n)/O. Without an interval, and with the reason, for one class.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, or probabilities are missing or outside [0, 1].

    References
    ----------
    Debray 2017, 10.1136/bmj.i6460.

    Examples
    --------
    >>> print(observed_expected([1] * 30 + [0] * 70, [0.25] * 100))
    1.200 (95 % CI 0.890 to 1.619)
    """
    case = labels(y)
    values = probabilities(p, case.size)
    expected, share, n = float(values.sum()), float(case.mean()), case.size
    if expected == 0:
        return Estimate("observed_expected", None, None, None, level=level, n=n, reason="all probabilities are 0")
    value = float(case.sum()) / expected
    if share in (0.0, 1.0):
        reason = "there is one class only, so the share of cases has no variance"
        return Estimate("observed_expected", value, None, None, level=level, n=n, reason=reason)
    codes, method = subject_codes(subjects, n), "log-normal"
    variance: float | None = (1 - share) / (share * n)
    if np.unique(codes).size < n:
        clustered = mean_variance(case.astype(float), codes)
        variance, method = (clustered / share**2 if clustered is not None else None), "log-normal, clustered by subject"
    if variance is None:
        return Estimate("observed_expected", value, None, None, level=level, n=n, reason="there is only one subject")
    half = normal_quantile(level) * sqrt(variance)
    return Estimate("observed_expected", value, exp(log(value) - half), exp(log(value) + half), level=level, method=method, n=n)


def calibration_curve(y: ArrayLike, p: ArrayLike, knots: int = 3, level: float = 0.95) -> CalibrationCurve:
    """Smooth the observed share of cases over the probabilities by a logistic regression on a restricted cubic spline of logit(p).

    A spline rather than loess: it is a likelihood fit with intervals, has three stated numbers (the knots) instead of a span and
    a count of robustness rounds, stays inside (0, 1), and is what rms makes of ``lrm(y ~ rcs(qlogis(p), 3))``.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case, clipped at 1e-6 for the logit.
    knots : int
        3, 4 or 5, at Harrell's quantiles of logit(p).
    level : float
        Confidence level of the pointwise interval.

    Returns
    -------
    CalibrationCurve
        With a reason instead of numbers below 200 cases or 200 controls (there slope and intercept are all that can be told),
        where the probabilities take too few values for the knots, or where they divide the classes.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, probabilities are missing or outside [0, 1], or ``knots`` is not 3, 4 or 5.

    References
    ----------
    Harrell 2015, 10.1007/978-3-319-19425-7; ECI: Van Hoorde 2015, 10.1016/j.jbi.2014.12.016; how flexible a curve may be:
    Van Calster 2016, 10.1016/j.jclinepi.2015.12.005.
    """
    case = labels(y)
    values = probabilities(p, case.size)
    if knots not in KNOTS:
        raise ValueError(f"knots is {knots}; give 3, 4 or 5.")
    cases, controls = int(case.sum()), int((~case).sum())
    if min(cases, controls) < CURVE_EVENTS:
        return _no_curve(
            f"{cases} cases and {controls} controls; a curve needs {CURVE_EVENTS} of each, tell slope and intercept only"
        )
    margin = logit(clip_probability(values))
    places = np.quantile(margin, KNOTS[knots])
    if np.diff(places).min() <= 0 or np.unique(margin).size <= knots:
        return _no_curve("too many probabilities are equal for the knots of a spline")
    design = np.column_stack([np.ones(case.size), margin, restricted_cubic(margin, places)])
    try:
        coef, covariance = fit_logistic(design, case)
    except SeparationError as separated:
        return _no_curve(str(separated))
    line = design @ coef
    half = normal_quantile(level) * np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    observed: Floats = expit(line)
    gap = np.abs(values - observed)
    return CalibrationCurve(
        observed, expit(line - half), expit(line + half), float(100 * (gap**2).mean()), float(gap.mean()), float(gap.max())
    )


def restricted_cubic(x: Floats, knots: Floats) -> Floats:
    """Return the nonlinear columns of a cubic spline that is straight beyond the outer knots, in Harrell's scaling.

    Parameters
    ----------
    x : ndarray, shape (n,)
    knots : ndarray, shape (k,)
        Rising, at least three.

    Returns
    -------
    ndarray, shape (n, k − 2)

    References
    ----------
    Stone and Koo 1985; Harrell 2015, 10.1007/978-3-319-19425-7, section 2.4.5.

    Examples
    --------
    >>> restricted_cubic(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0])).ravel().tolist()
    [0.0, 0.25, 1.5, 3.0]
    """
    inner, before_last, last = knots[:-2], knots[-2], knots[-1]

    def cube(knot: Floats) -> Floats:
        part: Floats = np.maximum(x[:, None] - knot, 0.0) ** 3
        return part

    tail = cube(knots[-2:-1]) * (last - inner) - cube(knots[-1:]) * (before_last - inner)
    columns: Floats = (cube(inner) - tail / (last - before_last)) / (last - knots[0]) ** 2
    return columns


def _no_curve(reason: str) -> CalibrationCurve:
    return CalibrationCurve(None, None, None, None, None, None, reason)

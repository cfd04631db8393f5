"""Standard curves of immunoassays: fitted to a plate's standards, with the range in which they can be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from exodx.stats.dose_curve import Curve, Model, at_the_edge, curve_of, jacobian, parameters, solve
from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Floats, checked_level, reals

LEVELS_NEEDED = {"4PL": 4, "5PL": 6}
"""Standards above zero that a curve needs."""

WIDEST_RANGE = 1e-12
"""Smallest signal beside the largest: beyond it weights overflow, and no instrument reads so far."""

RECOVERY, RECOVERY_AT_LLOQ = 20.0, 25.0
"""Percent by which a standard may be read wrongly (ICH M10, 2022)."""

BLANK_QUANTILE = 1.645


@dataclass(frozen=True, slots=True)
class Level:
    """How one standard reads on its own curve.

    Parameters
    ----------
    concentration : float
        As written on the standard.
    n : int
        Wells.
    signal : float
        Mean of the wells.
    read : float
        Concentration read off the curve at the mean signal; NaN outside the asymptotes.
    recovery : float
        ``read`` in percent of ``concentration``.
    above_blank : bool
        The signal lies beyond the limit of blank (True where there are no blanks).
    """

    concentration: float
    n: int
    signal: float
    read: float
    recovery: float
    above_blank: bool

    def passes(self, percent: float) -> bool:
        """Say whether the standard reads within so many percent of its concentration, beyond the blank."""
        return self.above_blank and abs(self.recovery - 100) <= percent


@dataclass(frozen=True, slots=True)
class CurveFit:
    """A fitted curve, or the reason why there is none.

    Parameters
    ----------
    curve : Curve or None
    levels : tuple of Level
        Ascending in concentration.
    lloq, uloq : float or None
        Lowest and highest standard that read within their limits; None when no two do.
    lob : float or None
        Limit of blank, as a signal.
    covariance : ndarray, shape (p, p)
        Of a, d, ln b, ln c (and ln g).
    sigma : float
        Residual standard deviation, as a share of the signal (the weights are 1/y²).
    residuals : ndarray, shape (n,)
        Weighted: (y − fit)/y.
    n : int
        Wells fitted.
    reason : str
        Why there is no curve, or no range in which it can be read.
    left_out : tuple of float
        Levels with a signal of 0 or below, which 1/y² cannot weigh.
    untold : tuple of str
        Of b, c and g, those that ended at the edge of what is searched, since the standards stop short of an asymptote. Between
        the standards the curve can be read all the same.
    """

    curve: Curve | None
    levels: tuple[Level, ...]
    lloq: float | None
    uloq: float | None
    lob: float | None
    covariance: Floats
    sigma: float
    residuals: Floats
    n: int
    reason: str = ""
    left_out: tuple[float, ...] = ()
    untold: tuple[str, ...] = ()

    def read(self, y: ArrayLike, level: float = 0.95) -> Estimate:
        """Read a concentration off the curve, from one signal or the mean of replicates.

        Parameters
        ----------
        y : array_like, shape (m,)
            Signals of replicate wells.
        level : float
            Confidence level.

        Returns
        -------
        Estimate
            The interval is ``exp(ln x ± t·SE)``: the delta method on ln x, with the curve's covariance and the scatter of the wells
            about the curve (SD σ·y each), t on n − p degrees of freedom.

        References
        ----------
        Davidian and Giltinan 1995, Nonlinear Models for Repeated Measurement Data, ISBN 978-0-412-98341-2, chapter 10.
        """
        checked_level(level)
        signals = np.atleast_1d(np.asarray(y, float))
        method, n = "delta method on ln x", signals.size
        if self.curve is None:
            return Estimate("concentration", None, None, None, level, method, n, self.reason)
        mean = float(np.mean(signals))
        x = float(self.curve.concentration(mean))
        if not np.isfinite(x):
            return Estimate("concentration", None, None, None, level, method, n, "the signal lies outside the asymptotes")
        freedom = self.n - len(self.covariance)
        if freedom < 1 or not np.isfinite(self.covariance).all():
            reason = "the standards leave nothing to tell the scatter by"
            return Estimate("concentration", x, None, None, level, method, n, reason)
        half = float(stdtrit(freedom, 0.5 + level / 2)) * self.log_error(mean, n)
        if not half < np.log(np.finfo(float).max / max(x, 1.0)):
            return Estimate("concentration", x, None, None, level, method, n, "the curve is flat here")
        return Estimate("concentration", x, float(x * np.exp(-half)), float(x * np.exp(half)), level, method, n)

    def log_error(self, y: float, m: int = 1) -> float:
        """Return the standard error of ln x read at a mean signal of m wells, by the delta method."""
        if self.curve is None:
            return float("nan")
        theta = parameters(self.curve)
        at = np.array([float(self.curve.concentration(y))])
        gradient = jacobian(theta, np.log(at))[0]
        slope = -gradient[3]  # ln x and ln c enter only by their difference
        variance = (self.sigma * y) ** 2 / m + gradient @ self.covariance @ gradient
        return float(np.sqrt(variance) / abs(slope))


def lob(blank: ArrayLike) -> float:
    """Return the limit of blank: mean + 1.645 SD of blank signals.

    Raises
    ------
    ValueError
        With fewer than two blanks, or a missing one.

    References
    ----------
    CLSI EP17-A2; Armbruster and Pry 2008, PMC2556583.

    Examples
    --------
    >>> round(lob([0.10, 0.12, 0.11]), 5)
    0.12645
    """
    blanks = reals("blank", blank, np.shape(blank))
    if blanks.ndim != 1 or blanks.size < 2:
        raise ValueError(f"blank has shape {blanks.shape}; give two or more signals.")
    return float(blanks.mean() + BLANK_QUANTILE * blanks.std(ddof=1))


def lod(blank: ArrayLike, low: ArrayLike) -> float:
    """Return the limit of detection: the limit of blank + 1.645 SD of replicates of a specimen with little analyte.

    Raises
    ------
    ValueError
        With fewer than two signals of a kind, or a missing one.

    Examples
    --------
    >>> round(lod([0.10, 0.12, 0.11], [0.20, 0.22]), 5)
    0.14971
    """
    lows = reals("low", low, np.shape(low))
    if lows.ndim != 1 or lows.size < 2:
        raise ValueError(f"low has shape {lows.shape}; give two or more signals.")
    return lob(blank) + float(BLANK_QUANTILE * lows.std(ddof=1))


def fit_curve(concentration: ArrayLike, signal: ArrayLike, model: Model = "4PL", blank: ArrayLike = ()) -> CurveFit:
    """Fit a standard curve by least squares weighted by 1/y².

    Parameters
    ----------
    concentration : array_like, shape (n,)
        Of each well of the standards, above 0: a standard of 0 is a blank.
    signal : array_like, shape (n,)
        Of each well; rising or falling with the concentration.
    model : {"4PL", "5PL"}
    blank : array_like, shape (k,)
        Signals of the wells without analyte, for the limit of blank. They are not fitted.

    Returns
    -------
    CurveFit
        Deterministic. Without a curve, ``reason`` says why: too few levels, no trend, or no convergence.

    Raises
    ------
    ValueError
        If shapes differ, a value is missing, a concentration is not above 0, or the model is unknown.

    Examples
    --------
    >>> x = [1, 3, 10, 30, 100]
    >>> fit = fit_curve(x, Curve("4PL", 0.1, 1.2, 12.0, 2.0).signal(x))
    >>> round(fit.curve.c, 6), fit.lloq, fit.uloq
    (12.0, 1.0, 100.0)
    """
    x, y, blanks = _checked(concentration, signal, model, blank)
    left_out = tuple(np.unique(x[y <= 0]).tolist())
    kept = ~np.isin(x, left_out)
    x, y = x[kept], y[kept]
    reason = _unfit(x, y, model, bool(left_out))
    solution = None if reason else solve(np.log(x), y, model)
    if solution is None:
        why = reason or "the fit does not converge"
        return CurveFit(None, (), None, None, None, np.zeros((0, 0)), np.nan, np.zeros(0), x.size, why, left_out)
    curve = curve_of(solution, model)
    levels, limit = _levels(curve, x, y, blanks)
    lloq, uloq = _range(levels)
    why = "" if lloq is not None else "fewer than two standards read within their limits"
    residuals = (y - curve.signal(x)) / y
    covariance, sigma = _scatter(solution, np.log(x), y, residuals)
    untold = at_the_edge(curve, np.log(x))
    return CurveFit(curve, levels, lloq, uloq, limit, covariance, sigma, residuals, x.size, why, left_out, untold)


def _checked(concentration: ArrayLike, signal: ArrayLike, model: Model, blank: ArrayLike) -> tuple[Floats, Floats, Floats]:
    if model not in LEVELS_NEEDED:
        raise ValueError(f"model is {model!r}; give '4PL' or '5PL'.")
    if np.ndim(concentration) != 1:
        raise ValueError(f"concentration has shape {np.shape(concentration)}; give one number a well.")
    x = reals("concentration", concentration, np.shape(concentration))
    if x.size and x.min() <= 0:
        raise ValueError(f"concentration goes down to {x.min():g}; a standard without analyte is a blank.")
    return x, reals("signal", signal, x.shape), reals("blank", blank, (np.size(blank),))


def _unfit(x: Floats, y: Floats, model: Model, left_out: bool) -> str:
    """Say why the standards cannot carry the curve, or nothing."""
    levels = np.unique(x).size
    if levels < LEVELS_NEEDED[model]:
        signals = " with signals above 0" if left_out else ""
        return f"{levels} standard level(s){signals} where a {model} needs {LEVELS_NEEDED[model]}"
    if np.ptp(y) == 0:
        return "all standards have the same signal"
    if y.min() < WIDEST_RANGE * y.max():
        return f"signals from {y.min():.3g} to {y.max():.3g} are no readings of one instrument"
    return ""


def _levels(curve: Curve, x: Floats, y: Floats, blanks: Floats) -> tuple[tuple[Level, ...], float | None]:
    rising = curve.d > curve.a
    side = 1.0 if rising else -1.0
    limit = None
    if blanks.size:
        limit = side * (lob(side * blanks) if blanks.size > 1 else float(side * blanks[0]))
    levels = []
    for level in np.unique(x):
        signal = float(y[x == level].mean())
        read = float(curve.concentration(signal))
        above = limit is None or side * signal > side * limit
        levels.append(Level(float(level), int((x == level).sum()), signal, read, 100 * read / float(level), above))
    return tuple(levels), limit


def _range(levels: tuple[Level, ...]) -> tuple[float | None, float | None]:
    lowest = next((level.concentration for level in levels if level.passes(RECOVERY_AT_LLOQ)), None)
    highest = next((level.concentration for level in reversed(levels) if level.passes(RECOVERY)), None)
    return (lowest, highest) if lowest is not None and highest is not None and lowest < highest else (None, None)


def _scatter(theta: Floats, log_x: Floats, y: Floats, residuals: Floats) -> tuple[Floats, float]:
    """Return the covariance of the parameters and the residual SD; NaN where the standards cannot tell them."""
    freedom = y.size - theta.size
    weighted = jacobian(theta, log_x) / y[:, None]
    scale = np.linalg.norm(weighted, axis=0)
    if freedom < 1 or not scale.min() > 0:
        return np.full((theta.size, theta.size), np.nan), np.nan
    sigma = float(np.sqrt(residuals @ residuals / freedom))
    unit = weighted / scale
    covariance: Floats = np.linalg.pinv(unit.T @ unit) * sigma**2 / np.outer(scale, scale)
    return covariance, sigma

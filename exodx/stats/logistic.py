"""Logistic regression by Newton steps, small enough to read, for recalibration."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, log_expit

from exodx.stats.inputs import Floats, labels, reals

MAX_STEPS = 30  # an existing maximum is met within about ten; divided classes recede by one log-odds a step
MAX_HALVINGS = 30
ROUNDING = 1e-12  # of the likelihood; a smaller fall near the top is not a fall
TOLERANCE = 1e-8  # of the linear predictor; Newton's next step would be about its square


class SeparationError(ValueError):
    """A predictor divides the classes, so the likelihood grows without end and has no finite best coefficient."""


def fit_logistic(
    x: ArrayLike, y: ArrayLike, ridge: float = 0.0, offset: ArrayLike | None = None, weights: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Fit a logistic regression by maximum (penalised) likelihood.

    Parameters
    ----------
    x : array_like, shape (n, k)
        Predictors. For an intercept, give a column of ones.
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    ridge : float
        Penalty ``ridge/2 · coef²`` on every column that varies; a constant column (the intercept) is not penalised.
    offset : array_like, shape (n,), optional
        Known part of the log-odds.
    weights : array_like, shape (n,), optional
        How often each row counts, not negative.

    Returns
    -------
    coef : ndarray, shape (k,)
    covariance : ndarray, shape (k, k)
        Inverse of the information, the penalty included.

    Raises
    ------
    SeparationError
        If no finite coefficients are best: one class only, or classes divided by the predictors.
    ValueError
        If shapes differ, a value is missing, a weight or the ridge is negative, or columns are collinear.

    References
    ----------
    McCullagh and Nelder 1989, 10.1007/978-1-4899-3242-6, chapter 4; separation: Albert and Anderson 1984,
    10.1093/biomet/71.1.1.

    Examples
    --------
    >>> coef, covariance = fit_logistic(np.ones((4, 1)), [1, 1, 1, 0])
    >>> coef.round(4).tolist(), covariance.round(4).tolist()
    ([1.0986], [[1.3333]])
    """
    fit = _problem(x, y, ridge, offset, weights)
    coef = np.zeros(fit.design.shape[1])
    with suppress(np.linalg.LinAlgError):  # the curvature vanished on the way: the same as never arriving
        for _ in range(MAX_STEPS):
            step = fit.covariance(coef) @ fit.gradient(coef)
            if np.abs(fit.design @ step).max() < TOLERANCE:
                return coef + step, fit.covariance(coef + step)
            coef = _uphill(fit, coef, step)
    raise SeparationError("the predictors divide the classes, so no finite coefficients are best; use a ridge.")


@dataclass(frozen=True, slots=True)
class _Problem:
    """The penalised likelihood; ``sign`` is 1 for a case and −1 for a control."""

    design: Floats
    sign: Floats
    offset: Floats
    weight: Floats
    penalty: Floats

    def margin(self, coef: Floats) -> Floats:
        margin: Floats = self.sign * (self.offset + self.design @ coef)
        return margin

    def likelihood(self, coef: Floats) -> float:
        return float(self.weight @ log_expit(self.margin(coef)) - self.penalty @ coef**2 / 2)

    def gradient(self, coef: Floats) -> Floats:
        residual = self.sign * expit(-self.margin(coef))  # y − p, exact however sure the fit is
        slope: Floats = self.design.T @ (self.weight * residual) - self.penalty * coef
        return slope

    def information(self, coef: Floats) -> Floats:
        margin = self.margin(coef)
        curvature = self.weight * expit(margin) * expit(-margin)
        information: Floats = (self.design.T * curvature) @ self.design + np.diag(self.penalty)
        return information

    def covariance(self, coef: Floats) -> Floats:
        return np.asarray(np.linalg.inv(self.information(coef)), dtype=float)


def _uphill(fit: _Problem, coef: Floats, step: Floats) -> Floats:
    """Take the Newton step, halved until the likelihood does not fall."""
    floor = fit.likelihood(coef) * (1 + ROUNDING)  # a likelihood is negative, so this is a hair below it
    for _ in range(MAX_HALVINGS):
        if fit.likelihood(coef + step) >= floor:
            break
        step = step / 2
    return coef + step


def _problem(x: ArrayLike, y: ArrayLike, ridge: float, offset: ArrayLike | None, weights: ArrayLike | None) -> _Problem:
    case = labels(y)
    if np.ndim(x) != 2 or np.shape(x)[1] == 0:
        raise ValueError(f"x has shape {np.shape(x)}; give a matrix (n, k) with at least one column.")
    if not 0 <= ridge < np.inf:
        raise ValueError(f"ridge is {ridge}; give a finite penalty, not negative.")
    design = reals("x", x, (case.size, np.shape(x)[1]))
    shift = np.zeros(case.size) if offset is None else reals("offset", offset, case.shape)
    weight = np.ones(case.size) if weights is None else reals("weights", weights, case.shape)
    if weight.min() < 0 or weight.max() == 0:
        raise ValueError(f"weights run from {weight.min():g} to {weight.max():g}; give some above 0 and none below.")
    kept = weight > 0
    design = design[kept]
    penalty = ridge * (np.ptp(design, axis=0) > 0)
    if np.linalg.matrix_rank(np.vstack([design, np.diag(np.sqrt(penalty))])) < design.shape[1]:
        raise ValueError(f"the {design.shape[1]} columns of x are collinear; drop the redundant ones or use a ridge.")
    return _Problem(design, np.where(case[kept], 1.0, -1.0), shift[kept], weight[kept], penalty)

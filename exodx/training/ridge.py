"""The linear member: ridge logistic regression on standardised features, held inside the range that training saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from exodx.frozen import Linear
from exodx.frozen.linear import linear_terms

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]
Signs = tuple[int, ...]

EDGE = 0.01
"""Values outside the 1st to 99th percentile of training count as lying there: a line would follow an error anywhere."""
MAX_ITER = 5000
FLAT = 1e-9
"""A spread this small beside the values is rounding: the feature says nothing."""


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted linear member."""

    linear: Linear

    def margin(self, features: Floats) -> Floats:
        """Return log-odds, shape (n,), of features of shape (n, k)."""
        total = np.full(len(features), self.linear.intercept[0])
        for term in linear_terms(self.linear, features):
            total += term
        return total

    def contributions(self, features: Floats) -> Floats:
        """Return SHAP values (a feature's distance from its mean, times its coefficient) and the base value, shape (n, k + 1)."""
        base = np.full(len(features), self.linear.intercept[0])
        return np.column_stack([*linear_terms(self.linear, features), base])

    def used(self) -> frozenset[int]:
        """Return the columns with a coefficient."""
        return frozenset(np.flatnonzero(self.linear.coefficient).tolist())

    def widen(self, columns: tuple[int, ...], width: int) -> Line:
        """Return the same line for a table of so many columns, of which it knows these alone."""
        whole = np.zeros((4, width))
        whole[:, columns] = self.linear[:4]
        coefficient, mean, lower, upper = whole
        return Line(Linear(coefficient, mean, lower, upper, self.linear.intercept))


@dataclass(frozen=True, slots=True)
class Ridge:
    """Ridge logistic regression (Hoerl and Kennard 1970, 10.1080/00401706.1970.10488634).

    Parameters
    ----------
    name : str
    stages : tuple of float
        Inverse strengths of the penalty, as scikit-learn's ``C``.
    """

    name: str
    stages: tuple[float, ...]

    def grow(self, features: Floats, y: Labels, seed: int, signs: Signs = ()) -> tuple[Line, ...]:  # noqa: ARG002
        """Fit every strength, on as few columns as there are specimens (a rotation does not change a ridge).

        With signs, coefficients stay on their side of zero: the same penalised likelihood is minimised within those bounds.
        """
        known = ~np.isnan(features)
        lower, upper = _limits(features)
        x = np.where(known, np.clip(features, lower, upper), np.nan)
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, x, 0.0).sum(axis=0) / n
        centred = np.where(known, x - mean, 0.0)
        spread = np.sqrt((centred**2).sum(axis=0) / n)
        flat = (upper <= lower) | (spread <= FLAT * np.maximum(np.abs(lower), np.abs(upper)))
        centred, scale = np.where(flat, 0.0, centred), np.where(flat, 1.0, spread)
        fitted = _bounded(centred / scale, y, self.stages, signs) if any(signs) else _free(centred / scale, y, self.stages)
        return tuple(
            Line(Linear(np.where(flat, 0.0, coefficient / scale), mean, lower, upper, intercept))
            for coefficient, intercept in fitted
        )


def _free(z: Floats, y: Labels, strengths: tuple[float, ...]) -> list[tuple[Floats, Floats]]:
    """Return coefficients and intercept of every strength."""
    columns, back = rotated(z)
    found = []
    for strength in strengths:
        fitted = LogisticRegression(C=strength, max_iter=MAX_ITER).fit(columns, y)
        found.append((back @ fitted.coef_[0], np.asarray(fitted.intercept_, np.float64)))
    return found


def _bounded(z: Floats, y: Labels, strengths: tuple[float, ...], signs: Signs) -> list[tuple[Floats, Floats]]:
    """Return coefficients with the signs they may have, and intercept, of every strength; each starts where the last one ended."""
    sides = {0: (None, None), 1: (0.0, None), -1: (None, 0.0)}
    bounds = [*(sides[sign] for sign in signs), (None, None)]
    at, found = np.zeros(z.shape[1] + 1), []
    for strength in strengths:

        def objective(at: Floats, strength: float = strength) -> tuple[float, Floats]:
            line = z @ at[:-1] + at[-1]
            residual = strength * (expit(line) - y)
            loss = strength * float(np.logaddexp(0, line).sum() - y @ line) + float(at[:-1] @ at[:-1]) / 2
            return loss, np.append(z.T @ residual + at[:-1], residual.sum())

        at = minimize(objective, at, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": MAX_ITER}).x
        found.append((at[:-1], at[-1:]))
    return found


def _limits(features: Floats) -> tuple[Floats, Floats]:
    """Return the percentiles that values are held between, shape (k,) each; 0 for a column without values."""
    known = ~np.isnan(features)
    last = np.maximum(known.sum(axis=0) - 1, 0)
    ordered = np.sort(np.where(known.any(axis=0), features, 0.0), axis=0)
    lower, upper = (_at(ordered, share * last) for share in (EDGE, 1 - EDGE))
    return lower, upper


def _at(ordered: Floats, place: Floats) -> Floats:
    """Return the value at a place of each sorted column, between two specimens on the line through them."""
    below = np.floor(place).astype(np.intp)
    low, high = (np.take_along_axis(ordered, row[None], axis=0)[0] for row in (below, np.ceil(place).astype(np.intp)))
    found: Floats = low + (place - below) * (high - low)
    return found


def rotated(x: Floats) -> tuple[Floats, Floats]:
    """Return columns with the same inner products between specimens, and the matrix that takes coefficients back."""
    if x.shape[1] <= x.shape[0]:
        return x, np.eye(x.shape[1])
    left, values, right = np.linalg.svd(x, full_matrices=False)
    return left * values, right.T

"""The four- and five-parameter logistic: the curve, its inverse, and its weighted least-squares fit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares
from scipy.special import expit

from exodx.stats.inputs import Floats

Model = Literal["4PL", "5PL"]
_STARTS_TRIED = 4
_TOLERANCE = 1e-15
_EDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Curve:
    """The curve ``y = d + (a − d) / (1 + (x/c)^b)^g``.

    Parameters
    ----------
    model : {"4PL", "5PL"}
    a : float
        Signal without analyte.
    b : float
        Slope, above 0; ``a < d`` is a rising curve, ``a > d`` a falling one.
    c : float
        Concentration of the turn: of half the signal where g is 1.
    d : float
        Signal of infinitely much analyte.
    g : float
        Asymmetry; 1 in a 4PL.

    References
    ----------
    Findlay and Dillard 2007, 10.1208/aapsj0902029.

    Examples
    --------
    >>> curve = Curve("4PL", a=0.05, b=1.0, c=100.0, d=2.05)
    >>> curve.signal([0, 100]).round(9).tolist(), curve.concentration([1.05, 3.0]).round(9).tolist()
    ([0.05, 1.05], [100.0, nan])
    """

    model: Model
    a: float
    b: float
    c: float
    d: float
    g: float = 1.0

    def signal(self, x: ArrayLike) -> Floats:
        """Return the signal of concentrations, which are not negative."""
        with np.errstate(divide="ignore"):
            z = self.b * (np.log(np.asarray(x, float)) - np.log(self.c))
        signal: Floats = self.d + (self.a - self.d) * expit(-z) ** self.g
        return signal

    def concentration(self, y: ArrayLike) -> Floats:
        """Return the concentration of signals: NaN at the asymptotes and outside them, 0 nowhere."""
        share = (np.asarray(y, float) - self.d) / (self.a - self.d)
        inside = (share > 0) & (share < 1)
        root = -np.log(np.where(inside, share, 0.5)) / self.g
        x = self.c * np.exp(np.log(np.expm1(root)) / self.b)
        return np.where(inside, x, np.nan)


def parameters(curve: Curve) -> Floats:
    """Return a, d, ln b, ln c (and ln g)."""
    theta = [curve.a, curve.d, np.log(curve.b), np.log(curve.c)]
    return np.array([*theta, np.log(curve.g)] if curve.model == "5PL" else theta)


def curve_of(theta: Floats, model: Model) -> Curve:
    """Return the curve of such parameters."""
    a, d, *logs = theta.tolist()
    b, c, *g = np.exp(logs).tolist()
    return Curve(model, a, b, c, d, *g)


def _share(theta: Floats, log_x: Floats) -> tuple[Floats, Floats, float]:
    """Return the fall from a to d (1 at no analyte), the distance from the turn, and g."""
    g = float(np.exp(theta[4])) if theta.size == 5 else 1.0
    z = np.exp(theta[2]) * (log_x - theta[3])
    share: Floats = np.exp(-g * np.logaddexp(0, z))
    return share, z, g


def jacobian(theta: Floats, log_x: Floats) -> Floats:
    """Return the derivatives of the signal by a, d, ln b, ln c (and ln g)."""
    share, z, g = _share(theta, log_x)
    steep = (theta[0] - theta[1]) * share * g
    turn = steep * expit(z)
    columns = [share, 1 - share, -turn * z, turn * np.exp(theta[2])]
    return np.column_stack([*columns, -steep * np.logaddexp(0, z)] if theta.size == 5 else columns)


def solve(log_x: Floats, y: Floats, model: Model) -> Floats | None:
    """Descend from the best of a grid of starts, and keep the lowest end."""
    scale = float(np.abs(y).max())
    y = y / scale

    def residuals(theta: Floats) -> Floats:
        share, *_ = _share(theta, log_x)
        left: Floats = (theta[1] + (theta[0] - theta[1]) * share - y) / y
        return left

    def slopes(theta: Floats) -> Floats:
        return jacobian(theta, log_x) / y[:, None]

    bounds, best = _bounds(log_x, model), None
    for start in _starts(log_x, y, model, bounds):
        end = least_squares(residuals, start, slopes, bounds, "trf", _TOLERANCE, _TOLERANCE, _TOLERANCE, "jac", max_nfev=2000)
        if end.status > 0 and (best is None or end.cost < best.cost):
            best = end
    if best is None:
        return None
    theta: Floats = best.x * np.array([scale, scale, *[1.0] * (best.x.size - 2)])
    return theta


def _bounds(log_x: Floats, model: Model) -> tuple[Floats, Floats]:
    """Bound the slope, the turn (a factor of 1000 outside the standards) and the asymmetry; signals are in parts of the highest."""
    outside = np.log(1000.0)
    lower = [-10.0, -10.0, np.log(0.05), log_x.min() - outside, np.log(0.02)]
    upper = [1e4, 1e4, np.log(20.0), log_x.max() + outside, np.log(50.0)]
    k = 5 if model == "5PL" else 4
    return np.array(lower[:k]), np.array(upper[:k])


def _starts(log_x: Floats, y: Floats, model: Model, bounds: tuple[Floats, Floats]) -> list[Floats]:
    """Cross slopes, turns and asymmetries; a and d follow from each by linear least squares. The best few are returned."""
    turns = np.linspace(log_x.min(), log_x.max() + np.log(10.0), 7)
    shapes = product(np.log([0.5, 1.0, 2.0, 4.0]), turns, np.log([0.4, 1.0, 2.5]) if model == "5PL" else [0.0])
    found: list[tuple[float, int, Floats]] = []
    for log_b, log_c, log_g in shapes:
        theta = np.array([0.0, 0.0, log_b, log_c, log_g][: bounds[0].size])
        share, *_ = _share(theta, log_x)
        design = np.column_stack([share, 1 - share]) / y[:, None]
        theta[:2] = np.linalg.lstsq(design, np.ones(y.size), rcond=None)[0]
        cost = float(np.sum((design @ theta[:2] - 1) ** 2))
        inner = bounds[0] + _EDGE, bounds[1] - _EDGE
        found.append((cost, len(found), np.clip(theta, *inner)))
    return [theta for _, _, theta in sorted(found)[:_STARTS_TRIED]]

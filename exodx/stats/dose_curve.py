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
_EDGE = 1e-6


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


def _log_share(theta: Floats, log_x: Floats) -> tuple[Floats, Floats, float]:
    """Return the logarithm of the fall from a to d (0 at no analyte), the distance from the turn, and g."""
    g = float(np.exp(theta[4])) if theta.size == 5 else 1.0
    z = np.exp(theta[2]) * (log_x - theta[3])
    fall: Floats = -g * np.logaddexp(0, z)
    return fall, z, g


def jacobian(theta: Floats, log_x: Floats) -> Floats:
    """Return the derivatives of the signal by a, d, ln b, ln c (and ln g)."""
    fall, z, g = _log_share(theta, log_x)
    share = np.exp(fall)
    steep = (theta[0] - theta[1]) * share * g
    turn = steep * expit(z)
    columns = [share, -np.expm1(fall), -turn * z, turn * np.exp(theta[2])]
    return np.column_stack([*columns, -steep * np.logaddexp(0, z)] if theta.size == 5 else columns)


def solve(log_x: Floats, y: Floats, model: Model) -> Floats | None:
    """Descend from the best of a grid of starts, and keep the lowest end; None where none is reached.

    Only b, c and g are searched: a and d follow by linear least squares, so that standards which do not reach an asymptote leave no
    ridge to crawl along (variable projection: Golub and Pereyra 1973, 10.1137/0710036, with Kaufman's derivative).
    """
    scale = float(np.abs(y).max())

    def residuals(shape: Floats) -> Floats:
        return _project(shape, log_x, y / scale)[1]

    def slopes(shape: Floats) -> Floats:
        theta, _, design = _project(shape, log_x, y / scale)
        slope = jacobian(theta, log_x)[:, 2:] / (y / scale)[:, None]
        basis = np.linalg.qr(design)[0]
        projected: Floats = slope - basis @ (basis.T @ slope)
        return projected

    bounds, best = _bounds(log_x, model), None
    for start in _starts(log_x, y / scale, model):
        end = least_squares(residuals, start, slopes, bounds, "trf", _TOLERANCE, _TOLERANCE, _TOLERANCE, "jac", max_nfev=500)
        if end.status > 0 and (best is None or end.cost < best.cost):
            best = end
    if best is None:
        return None
    theta, *_ = _project(best.x, log_x, y / scale)
    theta[:2] *= scale
    return theta


def _project(shape: Floats, log_x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the parameters with the best a and d for this b, c and g, the weighted residuals, and the design of a and d."""
    theta = np.concatenate([[0.0, 0.0], shape])
    fall, *_ = _log_share(theta, log_x)
    design = np.column_stack([np.exp(fall), -np.expm1(fall)]) / y[:, None]
    size = np.linalg.norm(design, axis=0)
    size[size == 0] = 1
    design /= size
    ends = np.linalg.lstsq(design, np.ones(y.size), rcond=None)[0]
    theta[:2] = ends / size
    return theta, design @ ends - 1, design


def _bounds(log_x: Floats, model: Model) -> tuple[Floats, Floats]:
    """Bound the slope, the turn (a factor of 1000 outside the standards) and the asymmetry."""
    outside = np.log(1000.0)
    lower = [np.log(0.05), log_x.min() - outside, np.log(0.02)]
    upper = [np.log(20.0), log_x.max() + outside, np.log(50.0)]
    k = 3 if model == "5PL" else 2
    return np.array(lower[:k]), np.array(upper[:k])


def at_the_edge(curve: Curve, log_x: Floats) -> tuple[str, ...]:
    """Name the parameters that ended at the edge of what is searched: the standards do not tell them."""
    lower, upper = _bounds(log_x, curve.model)
    shape, names = parameters(curve)[2:], ("b", "c", "g")
    return tuple(name for name, v, a, b in zip(names, shape, lower, upper, strict=False) if min(v - a, b - v) < _EDGE)


def _starts(log_x: Floats, y: Floats, model: Model) -> list[Floats]:
    """Cross slopes, turns and asymmetries, and return the best few."""
    turns = np.linspace(log_x.min(), log_x.max() + np.log(10.0), 7)
    asymmetries = np.log([0.4, 1.0, 2.5]) if model == "5PL" else [0.0]
    shapes = [np.array(shape[: 3 if model == "5PL" else 2]) for shape in product(np.log([0.5, 1.0, 2.0, 4.0]), turns, asymmetries)]
    costs = [float(np.sum(_project(shape, log_x, y)[1] ** 2)) for shape in shapes]
    return [shapes[i] for i in np.argsort(costs, kind="stable")[:_STARTS_TRIED]]

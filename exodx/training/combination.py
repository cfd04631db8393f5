"""How members are put together: non-negative weights in log-odds, learned out of fold and drawn towards equal shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from exodx.frozen.calibrator import probability
from exodx.training.decision import fit_calibrator, smoothed

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]

PENALTY = 0.5
"""Of the squared distance from equal weights, against a log-likelihood summed over specimens: it counts less the more there are."""
NEGLIGIBLE = 0.02
"""A member with a smaller share is left out."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each member's margin is multiplied by, and its share of the spread of the log-odds.

    Parameters
    ----------
    weight, share : ndarray, shape (members,)
        Shares sum to 1.
    """

    weight: Floats
    share: Floats

    def __call__(self, margins: Floats) -> Floats:
        """Return the weighted sum, shape (n,), of margins of shape (n, members)."""
        total: Floats = margins @ self.weight
        return total


def learn_weights(margins: Floats, y: Labels) -> Weights:
    """Learn weights by penalised likelihood.

    Each member's margins are first brought to the scale of log-odds by a calibration of their own. The weights then minimise the
    log loss of b + Σ βⱼ mⱼ plus a penalty on the distance of β from the nearest vector of equal weights; the sum of β is free.

    Parameters
    ----------
    margins : ndarray, shape (n, members)
        Out of fold.
    y : ndarray of 0/1, shape (n,)

    Returns
    -------
    Weights
    """
    own = [fit_calibrator(column, y) for column in margins.T]
    scaled = np.column_stack([calibrator.margin(column) for calibrator, column in zip(own, margins.T, strict=True)])
    members = scaled.shape[1]
    target = smoothed(y)

    def objective(at: Floats) -> tuple[float, Floats]:
        beta, intercept = at[:members], at[members]
        line = scaled @ beta + intercept
        away = beta - beta.mean()
        residual = probability(line) - target
        loss = np.logaddexp(0, line).sum() - target @ line + PENALTY * members * (away @ away) / 2
        return float(loss), np.append(scaled.T @ residual + PENALTY * members * away, residual.sum())

    start = np.append(np.full(members, 1 / members), 0.0)
    bounds = [(0.0, None)] * members + [(None, None)]
    beta = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x[:members]
    beta = beta if (beta * scaled.std(axis=0)).sum() > 0 else np.full(members, 1 / members)
    spread = beta * scaled.std(axis=0)
    kept = spread >= NEGLIGIBLE * spread.sum()
    weight = np.where(kept, beta * np.array([calibrator.slope for calibrator in own]), 0.0)
    share = np.where(kept, spread, 0.0)
    return Weights(weight, share / share.sum() if share.sum() > 0 else kept / kept.sum())

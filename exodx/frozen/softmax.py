"""Calibration of several classes together: score = slope · margin + intercept of the class; probability = softmax of the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SoftmaxCalibrator:
    """One slope, and an intercept for each class.

    Parameters
    ----------
    slope : float
        Positive, so that within a class ranks stay.
    intercepts : tuple of float, one a class
        They sum to 0.
    """

    slope: float
    intercepts: tuple[float, ...]

    def __post_init__(self) -> None:
        if not (self.slope > 0 and np.isfinite([self.slope, *self.intercepts]).all()):
            raise ValueError(f"slope {self.slope} and intercepts {self.intercepts}: the slope must be positive, all finite")

    def scores(self, margins: Floats) -> Floats:
        """Return the scores of margins, shape (n, K)."""
        scores: Floats = self.slope * margins + np.array(self.intercepts)
        return scores


def softmax(scores: Floats) -> Floats:
    """Return the probabilities of scores, shape (n, K).

    Terms are added from the smallest up, column by column: neither the order of the classes nor that of specimens changes a bit.

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    terms = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = terms / _added(terms)[:, None]
    return shares


def log_odds(scores: Floats) -> Floats:
    """Return the log-odds of each class against all others, shape (n, K).

    >>> log_odds(np.array([[1.0, 0.0]])).tolist()
    [[1.0, -1.0]]
    """
    columns = [_against_rest(scores, k) for k in range(scores.shape[1])]
    return np.column_stack(columns)


def _against_rest(scores: Floats, k: int) -> Floats:
    others = np.delete(scores, k, axis=1)
    top = others.max(axis=1)
    odds: Floats = scores[:, k] - top - np.log(_added(np.exp(others - top[:, None])))
    return odds


def _added(terms: Floats) -> Floats:
    ordered = np.sort(terms, axis=1)
    total = np.zeros(len(ordered))
    for column in ordered.T:
        total = total + column
    return total

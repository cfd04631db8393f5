"""Calibration, linear in log-odds: probability = 1 / (1 + exp(−(slope · raw margin + intercept)))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Slope and intercept on the log-odds scale (Platt scaling); the slope is positive, so ranks stay."""

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not (self.slope > 0 and np.isfinite([self.slope, self.intercept]).all()):
            raise ValueError(f"slope {self.slope} and intercept {self.intercept}: the slope must be positive, both finite")

    def margin(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated log-odds, shape (n,)."""
        return self.slope * raw + self.intercept


def probability(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of log-odds, shape (n,); the larger exponent is never taken, so nothing overflows.

    >>> probability(np.array([0.0])).tolist()
    [0.5]
    """
    small = np.exp(-np.abs(margin))
    return np.where(margin >= 0, 1.0, small) / (1.0 + small)

"""The threshold that turns a probability into a call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold on the calibrated probability, and how it was chosen.

    Parameters
    ----------
    value : float
        Call positive when probability ≥ value.
    criterion : str
        ``sensitivity`` or ``specificity``.
    target : float
        What it keeps, at least, out of fold.
    n_positive, n_negative : int
        Specimens it was chosen on.
    """

    value: float
    criterion: str
    target: float
    n_positive: int
    n_negative: int

    @property
    def id(self) -> str:
        """Short name, e.g. ``sensitivity>=0.90@0.3127``."""
        return f"{self.criterion}>={self.target:.2f}@{self.value:.4f}"

    def is_positive(self, probability: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which probabilities are called positive; NaN is not."""
        return np.greater_equal(probability, self.value)

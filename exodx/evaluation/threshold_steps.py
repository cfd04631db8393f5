"""How many cases and controls lie at or above each threshold, out of fold: what a reader may move a threshold over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.stats import Confusion

Floats = NDArray[np.float64]
STEPS = 200


@dataclass(frozen=True, slots=True)
class ThresholdSteps:
    """Counts per threshold, and nothing of any specimen.

    Parameters
    ----------
    threshold : tuple of float, length k
        Probabilities from 0.005 in steps of 0.005, with the ends of the model's own zone between them.
    cases_above, controls_above : tuple of float, length k
        Cases and controls with a probability at or above it: means over repeats, scaled down to the number of subjects.
    cases, controls : float
        Subjects of either class.
    """

    threshold: tuple[float, ...]
    cases_above: tuple[float, ...]
    controls_above: tuple[float, ...]
    cases: float
    controls: float

    def at(self, threshold: float) -> Confusion:
        """Return the two-by-two table at one of the thresholds; ValueError where it is none of them."""
        k = self.threshold.index(threshold)
        tp, fp = self.cases_above[k], self.controls_above[k]
        return Confusion(tp=tp, fn=max(self.cases - tp, 0.0), fp=fp, tn=max(self.controls - fp, 0.0))

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> ThresholdSteps:
        """Rebuild from plain types."""
        threshold, cases, controls = (tuple(state[key]) for key in ("threshold", "cases_above", "controls_above"))
        return cls(threshold, cases, controls, state["cases"], state["controls"])


def threshold_steps(
    y: NDArray[np.int8], probability: Floats, subjects: NDArray[np.intp], ends: tuple[float, ...]
) -> ThresholdSteps:
    """Count cases and controls over thresholds.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    probability : ndarray, shape (R, n)
        Out of fold, R repeats.
    subjects : ndarray of int, shape (n,)
    ends : tuple of float
        Thresholds of the model, which are among the steps as they are.
    """
    grid = np.round(np.arange(1, STEPS) / STEPS, 3)
    inside = [end for end in ends if 0 < end < 1]
    steps = np.unique(np.concatenate([grid, inside]))
    above = {label: _above(probability[:, y == label], subjects[y == label], steps) for label in (0, 1)}
    subjects_of = {label: float(len(np.unique(subjects[y == label]))) for label in (0, 1)}
    return ThresholdSteps(
        threshold=tuple(steps.tolist()),
        cases_above=tuple(above[1].tolist()),
        controls_above=tuple(above[0].tolist()),
        cases=subjects_of[1],
        controls=subjects_of[0],
    )


def _above(probability: Floats, subjects: NDArray[np.intp], steps: Floats) -> Floats:
    """Return the mean count over repeats at or above each step, scaled to subjects, shape (k,)."""
    below = np.mean([np.searchsorted(np.sort(row), steps, side="left") for row in probability], axis=0)
    n = probability.shape[1]
    scaled: Floats = (n - below) * len(np.unique(subjects)) / max(n, 1)
    return scaled

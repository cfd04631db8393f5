"""The curves of a figure: ROC with a band, calibration in groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exodx.stats import roc_curve, wilson

Floats = NDArray[np.float64]
GRID = np.linspace(0.0, 1.0, 101)
BOOTSTRAPS = 400
GROUP_SIZE = 20


@dataclass(frozen=True, slots=True)
class RocBand:
    """Sensitivity at 1 − specificity on a grid, with pointwise 95 % limits from a bootstrap over subjects."""

    one_minus_specificity: tuple[float, ...]
    sensitivity: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """A group of specimens with similar probabilities."""

    probability: float
    observed: float
    lower: float
    upper: float
    n: int


def roc_band(y: NDArray[np.int8], score: Floats, subjects: NDArray[np.intp], seed: int) -> RocBand:
    """Return the ROC curve with its band.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    score : ndarray, shape (n,)
        One score a specimen; for repeated cross-validation the mean over repeats.
    subjects : ndarray of int, shape (n,)
    seed : int
    """
    rng = np.random.default_rng(seed)
    codes = np.unique(subjects, return_inverse=True)[1]
    members = [np.flatnonzero(codes == s) for s in range(codes.max() + 1)]
    curves = []
    for _ in range(BOOTSTRAPS):
        rows = np.concatenate([members[s] for s in rng.integers(0, len(members), len(members))])
        if 0 < y[rows].sum() < len(rows):
            curves.append(_on_grid(y[rows], score[rows]))
    lower, upper = np.quantile(curves, (0.025, 0.975), axis=0)
    return RocBand(*(tuple(v.tolist()) for v in (GRID, _on_grid(y, score), lower, upper)))


def _on_grid(y: NDArray[np.int8], score: Floats) -> Floats:
    fpr, tpr, _ = roc_curve(y, score)
    return np.interp(GRID, fpr, tpr)


def calibration_bins(y: NDArray[np.int8], probability: Floats) -> tuple[CalibrationBin, ...]:
    """Return up to ten groups of at least 20 specimens by probability, each with its share of cases (Wilson interval)."""
    groups = np.array_split(np.argsort(probability, kind="stable"), max(1, min(10, len(y) // GROUP_SIZE)))
    bins = []
    for rows in groups:
        lower, upper = wilson(float(y[rows].sum()), len(rows))
        bins.append(CalibrationBin(float(probability[rows].mean()), float(y[rows].mean()), lower, upper, len(rows)))
    return tuple(bins)

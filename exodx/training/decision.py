"""From out-of-fold margins to a calibrator and a threshold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import Calibrator, Threshold
from exodx.stats import fit_logistic

Floats = NDArray[np.float64]

MIN_SLOPE = 0.01
"""Margins without signal would calibrate to a flat or falling line; the slope stays just above zero, so that ranks stay."""

RESOLUTION = 1e-6
"""Margins are single precision: relative to their size, a smaller spread is rounding."""


def fit_calibrator(margin: Floats, y: NDArray[np.int8]) -> Calibrator:
    """Fit slope and intercept on out-of-fold margins (Platt's smoothed targets: Lin, Lin and Weng 2007, 10.1007/s10994-007-5018-6).

    Parameters
    ----------
    margin : ndarray, shape (n,)
        Log-odds of specimens that took no part in fitting the trees.
    y : ndarray of 0/1, shape (n,)
    """
    n1, n0 = int(y.sum()), int(len(y) - y.sum())
    target = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    outcome, weight = np.repeat([1.0, 0.0], len(y)), np.concatenate([target, 1 - target])
    spread = float(margin.std())
    if spread > RESOLUTION * float(np.abs(margin).max()):
        design = np.column_stack([np.ones(2 * len(y)), np.tile(margin / spread, 2)])
        coefficients, _ = fit_logistic(design, outcome, weights=weight)
        if coefficients[1] / spread >= MIN_SLOPE:
            return Calibrator(float(coefficients[1] / spread), float(coefficients[0]))
    offset = np.tile(MIN_SLOPE * margin, 2)
    intercept, _ = fit_logistic(np.ones((2 * len(y), 1)), outcome, offset=offset, weights=weight)
    return Calibrator(MIN_SLOPE, float(intercept[0]))


def choose_threshold(probability: Floats, y: NDArray[np.int8], criterion: str, target: float) -> Threshold:
    """Choose the threshold that keeps the target sensitivity (or specificity) out of fold and the most of the other.

    Parameters
    ----------
    probability : ndarray, shape (n,)
        Calibrated, out of fold.
    y : ndarray of 0/1, shape (n,)
    criterion : str
        ``sensitivity`` or ``specificity``.
    target : float
    """
    cases, controls = np.sort(probability[y == 1]), np.sort(probability[y == 0])
    if criterion == "sensitivity":
        value = float(cases[len(cases) - math.ceil(target * len(cases) - 1e-9)])
    else:
        highest = controls[math.ceil(target * len(controls) - 1e-9) - 1]
        above = probability[probability > highest]
        middle = (highest + above.min()) / 2 if above.size else highest
        value = float(max(middle, np.nextafter(highest, np.inf)))
    return Threshold(value, criterion, target, len(cases), len(controls))

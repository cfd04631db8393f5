"""Calibrating several classes together: a slope and intercepts by penalised multinomial likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import SoftmaxCalibrator, log_odds, softmax
from exodx.training.decision import MIN_SLOPE, RESOLUTION

Floats = NDArray[np.float64]

MAX_STEPS, MAX_HALVINGS = 100, 40
TOLERANCE = 1e-10
"""Of the scores: Newton's next step would be about its square."""


def fit_softmax(margins: Floats, codes: NDArray[np.intp]) -> SoftmaxCalibrator:
    """Fit one slope and K intercepts on out-of-fold margins.

    The targets are smoothed as Platt's are (Lin, Lin and Weng 2007, 10.1007/s10994-007-5018-6): (n + 1) / (n + K) for the class
    of a specimen, of which there are n, and 1 / (n + K) for each other: one specimen of every other class is imagined for each,
    so that no coefficient grows without end. With two classes this is :func:`exodx.training.decision.fit_calibrator`.

    Parameters
    ----------
    margins : ndarray, shape (n, K)
        Log-odds of each class against the rest, of specimens that took no part in fitting the trees.
    codes : ndarray of int, shape (n,)
        Class of each specimen, 0 … K − 1; every class occurs.

    Returns
    -------
    SoftmaxCalibrator
        Slope at least :data:`~exodx.training.decision.MIN_SLOPE`; the order of the classes changes no bit.
    """
    k = margins.shape[1]
    order = np.lexsort(margins[::-1])  # by what the columns hold: sums are then taken in an order that names cannot change
    place = np.argsort(order)
    own, truth = margins[:, order], place[codes]
    counts = np.bincount(truth, minlength=k)
    targets = (np.eye(k)[truth] * counts[truth, None] + 1) / (counts[truth, None] + k)
    apart = own - own.mean(axis=1, keepdims=True)
    spread = float(apart.std(axis=0).mean())
    slope = 0.0
    if spread > RESOLUTION * float(np.abs(own).max()):
        found = _newton(own / spread, targets)
        slope, intercepts = float(found[0]) / spread, found[1:]
    if slope < MIN_SLOPE:
        slope, intercepts = MIN_SLOPE, _newton(np.zeros_like(own), targets, MIN_SLOPE * own)[1:]
    intercepts = intercepts - intercepts.sum() / k
    return SoftmaxCalibrator(slope, tuple(intercepts[place].tolist()))


def _newton(x: Floats, targets: Floats, offset: Floats | float = 0.0) -> Floats:
    """Return slope and intercepts that make the likelihood of the targets largest; a slope without any x stays 0."""
    n, k = targets.shape
    design = np.concatenate([x[:, :, None], np.broadcast_to(np.eye(k), (n, k, k))], axis=2)
    null = np.zeros((k + 1, k + 1))
    null[1:, 1:] = 1.0  # intercepts may all move together; here they do not
    if not x.any():
        null[0, 0] = 1.0
    coef = np.zeros(k + 1)

    def likelihood(at: Floats) -> float:
        return _likelihood(design @ at + offset, targets)

    for _ in range(MAX_STEPS):
        p = softmax(design @ coef + offset)
        gradient = np.einsum("nkj,nk->j", design, targets - p)
        mean = np.einsum("nkj,nk->nj", design, p)
        information = np.einsum("nki,nk,nkj->ij", design, p, design) - mean.T @ mean
        step = np.linalg.solve(information + null, gradient)
        if float(np.abs(design @ step).max()) < TOLERANCE:
            break
        coef = _uphill(likelihood, coef, step)
    return coef


def _likelihood(scores: Floats, targets: Floats) -> float:
    odds = log_odds(scores)
    return float((targets * -np.logaddexp(0.0, -odds)).sum())


def _uphill(likelihood: Callable[[Floats], float], coef: Floats, step: Floats) -> Floats:
    """Take the Newton step, halved until the likelihood does not fall."""
    floor = likelihood(coef)
    for _ in range(MAX_HALVINGS):
        if likelihood(coef + step) >= floor - 1e-12 * abs(floor):
            break
        step = step / 2
    return coef + step

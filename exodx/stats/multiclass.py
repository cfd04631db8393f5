"""More than two classes: one class against the rest, every pair of classes, and the multinomial losses.

A multinomial calibration slope is not here: recalibrating k classes has (k − 1) slopes that change with the class of reference
(Van Hoorde 2014, 10.1002/sim.6114), so that no one number says it, and each needs the events of a binary one. Calibrate one class
against the rest by :func:`exodx.stats.calibration_slope`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.stats.clusters import class_variance, mean_variance
from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Bools, Floats, Ints, Subjects, normal_quantile, reals, subject_codes
from exodx.stats.probability import clip_probability
from exodx.stats.resampling import RESAMPLES, SEED, bootstrap_weights, percentile, weighted_auc
from exodx.stats.roc import auc_delong

SUM_SLACK = 1e-6


def one_vs_rest_aucs(y: ArrayLike, p: ArrayLike, classes: Sequence[Any], level: float = 0.95) -> tuple[Estimate, ...]:
    """Return, for each class, the AUC of its probability against all other classes, with DeLong's interval.

    Parameters
    ----------
    y : array_like, shape (n,)
        Class of each specimen, one of ``classes``.
    p : array_like, shape (n, k)
        Probability of each class, in the order of ``classes``.
    classes : sequence
        The k classes, at least two.
    level : float
        Confidence level.

    Returns
    -------
    tuple of Estimate
        Named ``auc:<class>``; without value, and with the reason, for a class without specimens.

    Raises
    ------
    ValueError
        If a label is not among the classes, shapes differ, or the rows of ``p`` are no probabilities that add up to 1.
    """
    codes, shares = _checked(y, p, classes)
    return tuple(auc_delong(codes == j, shares[:, j], level, f"auc:{name}") for j, name in enumerate(classes))


def hand_till(  # noqa: PLR0913
    y: ArrayLike,
    p: ArrayLike,
    classes: Sequence[Any],
    subjects: Subjects = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = 0.95,
) -> Estimate:
    """Return Hand and Till's M: the AUC of each pair of classes, averaged, with a percentile interval.

    For a pair i, j it is the mean of two AUCs among their specimens alone, one by the probability of i and one by that of j. It
    does not depend on how frequent the classes are.

    Parameters
    ----------
    y, p, classes, level
        As for :func:`one_vs_rest_aucs`.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    resamples, seed
        Number of resamples of subjects, drawn within the classes, and their seed.

    Returns
    -------
    Estimate
        No value, but the reason, where a class has no specimens; no interval where all resamples agree.

    Raises
    ------
    ValueError
        As for :func:`one_vs_rest_aucs`.

    References
    ----------
    Hand and Till 2001, 10.1023/A:1010920819831.

    Examples
    --------
    >>> p = [[0.7, 0.2, 0.1], [0.3, 0.5, 0.2], [0.4, 0.4, 0.2], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7], [0.1, 0.5, 0.4]]
    >>> hand_till(["a", "a", "b", "b", "c", "c"], p, ["a", "b", "c"]).value
    0.875
    """
    codes, shares = _checked(y, p, classes)
    empty = [str(name) for j, name in enumerate(classes) if not (codes == j).any()]
    if empty:
        reason = f"no specimen is of class {', '.join(empty)}"
        return Estimate("auc_hand_till", None, None, None, level=level, n=codes.size, reason=reason)
    value = float(_mean_pair_auc(codes, shares, np.ones((1, codes.size), dtype=np.int64))[0])
    own = subject_codes(subjects, codes.size)
    draws = np.concatenate([_mean_pair_auc(codes, shares, weights) for weights in _weights(codes, own, resamples, seed)])
    return percentile("auc_hand_till", value, draws, level, codes.size)


def multinomial_log_loss(y: ArrayLike, p: ArrayLike, classes: Sequence[Any]) -> float:
    """Return the mean negative logarithm of the probability of the true class, clipped at 1e-6.

    >>> round(multinomial_log_loss(["a", "b"], [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]], ["a", "b", "c"]), 4)
    0.6931
    """
    codes, shares = _checked(y, p, classes)
    return float(-np.log(clip_probability(shares[np.arange(codes.size), codes])).mean())


def multinomial_brier(y: ArrayLike, p: ArrayLike, classes: Sequence[Any]) -> float:
    """Return the mean over specimens of the squared errors summed over classes: 0 to 2, for two classes twice the binary score.

    References
    ----------
    Brier 1950, 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> round(multinomial_brier(["a", "b"], [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]], ["a", "b", "c"]), 4)
    0.375
    """
    codes, shares = _checked(y, p, classes)
    truth = np.eye(len(classes))[codes]
    return float(((shares - truth) ** 2).sum(axis=1).mean())


def multinomial_losses(y: ArrayLike, p: ArrayLike, classes: Sequence[Any], subjects: Subjects = None) -> tuple[Estimate, Estimate]:
    """Return :func:`multinomial_log_loss` and :func:`multinomial_brier` with normal 95 % intervals, clustered by subject.

    Parameters
    ----------
    y, p, classes
        As for :func:`one_vs_rest_aucs`.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    """
    codes, shares = _checked(y, p, classes)
    own = subject_codes(subjects, codes.size)
    log_losses = -np.log(clip_probability(shares[np.arange(codes.size), codes]))
    squares = ((shares - np.eye(len(classes))[codes]) ** 2).sum(axis=1)
    return _mean_loss("log_loss", log_losses, own), _mean_loss("brier", squares, own)


def balanced_accuracy(y: ArrayLike, right: ArrayLike, subjects: Subjects = None) -> Estimate:
    """Return the mean over classes of the share of specimens that were called right, with a normal 95 % interval.

    Parameters
    ----------
    y : array_like, shape (n,)
        Class of each specimen.
    right : array_like, shape (n,)
        1 where the call is right; between 0 and 1 for a mean over repeats.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.

    Examples
    --------
    >>> round(balanced_accuracy(["a"] * 4 + ["b"] * 2, [1, 1, 1, 1, 1, 0]).value, 3)
    0.75
    """
    codes = np.unique(np.asarray(y), return_inverse=True)[1]
    called = reals("right", right, codes.shape)
    sizes = np.bincount(codes)
    shares = np.bincount(codes, weights=called) / sizes
    value = float(shares.mean())
    influence = (called - shares[codes]) / (sizes[codes] * sizes.size)
    variance = class_variance(influence, codes, subject_codes(subjects, codes.size))
    if not variance:
        reason = "a class has fewer than two subjects, or every class is called alike throughout"
        return Estimate("balanced_accuracy", value, None, None, n=codes.size, reason=reason)
    half = normal_quantile(0.95) * sqrt(variance)
    return Estimate("balanced_accuracy", value, max(0.0, value - half), min(1.0, value + half), method="normal", n=codes.size)


def _mean_loss(name: str, losses: Floats, codes: Ints) -> Estimate:
    value, variance = float(losses.mean()), mean_variance(losses, codes)
    if not variance:
        return Estimate(name, value, None, None, n=losses.size, reason="one subject, or all losses are equal")
    half = normal_quantile(0.95) * sqrt(variance)
    return Estimate(name, value, max(0.0, value - half), value + half, method="normal, from the losses of subjects", n=losses.size)


def _mean_pair_auc(codes: Ints, shares: Floats, weights: NDArray[np.int64]) -> Floats:
    k = shares.shape[1]
    pairs = [(i, j) for i in range(k) for j in range(k) if i != j]
    total = np.zeros(weights.shape[0])
    for i, j in pairs:
        here: Bools = (codes == i) | (codes == j)
        total += weighted_auc(codes[here] == i, shares[here, i], weights[:, here])
    return total / len(pairs)


def _weights(codes: Ints, subjects: Ints, resamples: int, seed: int) -> list[NDArray[np.int64]]:
    """Return how often each specimen is drawn; subjects are drawn apart by the first class they give."""
    weights = np.zeros((resamples, codes.size), dtype=np.int64)
    first = codes[np.unique(subjects, return_index=True)[1]][np.unique(subjects, return_inverse=True)[1]]
    for k, own in enumerate(np.unique(first)):
        here = first == own
        blocks = bootstrap_weights(np.ones(int(here.sum())), subjects[here], resamples, seed + k)
        weights[:, here] = np.concatenate(list(blocks))
    return [weights]


def _checked(y: ArrayLike, p: ArrayLike, classes: Sequence[Any]) -> tuple[Ints, Floats]:
    """Return the number of each specimen's class, and probabilities that add up to 1."""
    names = list(classes)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"classes are {names}; name at least two, each once.")
    truth = np.asarray(y)
    if truth.ndim != 1 or truth.size == 0:
        raise ValueError(f"y has shape {truth.shape}; give a non-empty one-dimensional array of classes.")
    place = {name: j for j, name in enumerate(names)}
    unknown = sorted({str(value) for value in truth.tolist() if value not in place})
    if unknown:
        raise ValueError(f"y holds {', '.join(unknown[:5])}, not among the classes {names}; name every class.")
    shares = reals("p", p, (truth.size, len(names)))
    if shares.min() < 0 or shares.max() > 1 or np.abs(shares.sum(axis=1) - 1).max() > SUM_SLACK:
        raise ValueError("the rows of p are no probabilities that add up to 1; give one for every class.")
    return np.array([place[value] for value in truth.tolist()]), shares

"""The Brier score taken apart, and against a forecast that knows only the share of cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from exodx.stats.inputs import Ints, labels, probabilities

BINS = 10


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Murphy's parts of the Brier score of binned probabilities.

    Parameters
    ----------
    reliability : float
        Squared distance between a bin's mean probability and its share of cases; 0 is calibrated. Biased upward: with ``n_k``
        specimens a bin's share varies by chance, which adds about ``Σ ō_k(1−ō_k)/n`` over the bins.
    resolution : float
        Squared distance between a bin's share of cases and that of all; higher is better. Biased upward likewise.
    uncertainty : float
        ``ȳ(1−ȳ)``, which no forecast can change.
    within : float
        What binning loses: the Brier score minus ``reliability − resolution + uncertainty``.
    chance : float
        Expected bias of reliability (and of resolution) by chance, ``Σ ō_k(1−ō_k) n_k/(n_k−1) / n``; bins of one count 0.
    bins : int
        Bins that hold a specimen.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float
    chance: float
    bins: int


def brier_decomposition(y: ArrayLike, p: ArrayLike, bins: int = BINS) -> BrierParts:
    """Take the Brier score apart over bins of equal numbers of specimens; equal probabilities share a bin.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case.
    bins : int
        Number of bins at most.

    Returns
    -------
    BrierParts

    Raises
    ------
    ValueError
        If labels are not 0 and 1, probabilities are missing or outside [0, 1], or ``bins`` is less than 1.

    References
    ----------
    Murphy 1973, 10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; bias: Bröcker 2012, 10.1007/s00382-011-1191-1.

    Examples
    --------
    >>> parts = brier_decomposition([0, 1, 1, 1], [0.2, 0.2, 0.8, 0.8])
    >>> round(parts.reliability, 4), round(parts.resolution, 4), parts.uncertainty
    (0.065, 0.0625, 0.1875)
    """
    case = labels(y)
    values = probabilities(p, case.size)
    codes = _bins(values, bins)
    n = np.bincount(codes)
    mean, share = (np.bincount(codes, weights=w) / n for w in (values, case.astype(float)))
    overall, weight = float(case.mean()), n / case.size
    reliability = float(weight @ (mean - share) ** 2)
    resolution = float(weight @ (share - overall) ** 2)
    uncertainty = overall * (1 - overall)
    score = float(((values - case) ** 2).mean())
    spread = share * (1 - share)
    chance = float((spread * n / np.maximum(n - 1, 1)).sum() / case.size)
    return BrierParts(reliability, resolution, uncertainty, score - reliability + resolution - uncertainty, chance, n.size)


def scaled_brier(y: ArrayLike, p: ArrayLike) -> float:
    """Return ``1 − Brier / (ȳ(1−ȳ))``: 1 is perfect, 0 no better than the share of cases for everyone, below 0 worse.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    p : array_like, shape (n,)
        Probability of being a case.

    Raises
    ------
    ValueError
        If a class is empty, or probabilities are missing or outside [0, 1].

    References
    ----------
    Steyerberg 2010, 10.1097/EDE.0b013e3181c30fb2.

    Examples
    --------
    >>> round(scaled_brier([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.1]), 3)
    0.78
    """
    case = labels(y)
    values = probabilities(p, case.size)
    share = float(case.mean())
    if share in (0.0, 1.0):
        raise ValueError("y holds one class only; the score is scaled by the spread of both.")
    return 1 - float(((values - case) ** 2).mean()) / (share * (1 - share))


def _bins(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], bins: int) -> Ints:
    """Return the bin of each value, numbered without gaps: equal numbers, and equal values together."""
    if bins < 1:
        raise ValueError(f"bins is {bins}; give a whole number of at least 1.")
    first = np.searchsorted(np.sort(values), values, side="left")
    return np.unique(first * bins // values.size, return_inverse=True)[1]

"""Selection of features by stability: what separates the classes in most halves of the subjects, whichever half it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALVES = 50
OFTEN = 0.6
"""Share of the halves in which a feature must be among the first √k. With k features of which none tells anything, at most
√k² / ((2 · 0.6 − 1) k) = 5 are then expected to pass (Meinshausen and Bühlmann 2010, theorem 1)."""
FEWEST = 3
"""Where fewer pass, so many of the most frequent are taken."""


def stable_columns(features: Floats, y: NDArray[np.int8], subjects: NDArray[np.intp], seed: int) -> tuple[int, ...]:
    """Return the columns that stability selection keeps, in ascending order; all, where no half can rank them.

    Fifty times half of the subjects of each class are drawn; features are ranked by the absolute Welch t of that half, the first √k
    count; what counts in 60 % of the halves is kept.

    Parameters
    ----------
    features : ndarray, shape (n, k)
        NaN takes no part.
    y : ndarray of 0/1, shape (n,)
    subjects : ndarray of int, shape (n,)
        A subject's specimens are drawn together.
    seed : int

    References
    ----------
    Meinshausen and Bühlmann 2010, 10.1111/j.1467-9868.2010.00740.x.
    """
    k = features.shape[1]
    strength = welch(features, y, halves(y, subjects, seed))
    first = round(np.sqrt(k))
    ranks = np.argsort(np.argsort(-strength, axis=1, kind="stable"), axis=1, kind="stable")
    share = ((ranks < first) & (strength > 0)).mean(axis=0)
    told = int((share > 0).sum())
    if told == 0:
        return tuple(range(k))
    order = np.argsort(-share, kind="stable")
    kept = order[: max(int((share >= OFTEN).sum()), min(FEWEST, told))]
    return tuple(sorted(kept.tolist()))


def halves(y: NDArray[np.int8], subjects: NDArray[np.intp], seed: int) -> NDArray[np.bool_]:
    """Draw half of the subjects of each class, shape (halves, n); a subject of both classes belongs to its first specimen's."""
    rng = np.random.default_rng(seed)
    names, first, codes = np.unique(subjects, return_index=True, return_inverse=True)
    drawn = np.zeros((HALVES, len(names)), bool)
    for label in (0, 1):
        own = np.flatnonzero(y[first] == label)
        for half in drawn:
            half[rng.permutation(own)[: (len(own) + 1) // 2]] = True
    return drawn[:, codes]


def welch(features: Floats, y: NDArray[np.int8], drawn: NDArray[np.bool_]) -> Floats:
    """Return |t| of each half and column, shape (halves, k); 0 where it cannot be said."""
    known = ~np.isnan(features)
    n_known = np.maximum(known.sum(axis=0), 1)
    x = np.where(known, features, 0.0)
    x = np.where(known, x - x.sum(axis=0) / n_known, 0.0)
    means, squares = [], []
    for label in (0, 1):
        weight = (drawn & (y == label)).astype(np.float64)
        n = weight @ known
        mean = (weight @ x) / np.maximum(n, 1)
        variance = np.maximum((weight @ x**2) - n * mean**2, 0.0) / np.maximum(n - 1, 1)
        means.append(np.where(n > 1, mean, np.nan))
        squares.append(variance / np.maximum(n, 1))
    error = np.sqrt(squares[0] + squares[1])
    told = (error > 0) & np.isfinite(means[0] - means[1])
    return np.where(told, np.abs(means[1] - means[0]) / np.where(error > 0, error, 1.0), 0.0)

"""What the numeric functions of this room accept; everything else is refused with a ``ValueError``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int_]
Subjects = Sequence[Any] | NDArray[Any] | None


def labels(y: ArrayLike) -> Bools:
    """Return the reference standard as booleans.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 or True for a case, 0 or False for a control.

    Raises
    ------
    ValueError
        If ``y`` is empty, not one-dimensional, or holds anything but 0 and 1.
    """
    values = np.asarray(y)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"y has shape {values.shape}; give a non-empty one-dimensional array of 0 and 1.")
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"y holds {np.unique(values)[:5].tolist()}; code controls as 0 and cases as 1.")
    return values.astype(bool)


def reals(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Return finite floats of the given shape; ``name`` is used in the refusal.

    Raises
    ------
    ValueError
        If the shape differs or a value is missing or infinite.
    """
    array = np.asarray(values, dtype=float)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape} where {shape} is needed; align it with y.")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} holds {bad} missing or infinite value(s); remove those specimens first.")
    return array


def scored(y: ArrayLike, score: ArrayLike) -> tuple[Bools, Floats]:
    """Return labels of both classes and a finite score for each.

    Raises
    ------
    ValueError
        If a class is empty, a score is missing or the lengths differ.
    """
    case = labels(y)
    if case.all() or not case.any():
        raise ValueError(f"y holds {int(case.sum())} case(s) among {case.size} specimens; both classes are needed.")
    return case, reals("score", score, case.shape)


def probabilities(p: ArrayLike, n: int) -> Floats:
    """Return ``n`` probabilities between 0 and 1, both included.

    Raises
    ------
    ValueError
        If the length differs or a value lies outside.
    """
    array = reals("p", p, (n,))
    if array.min() < 0 or array.max() > 1:
        raise ValueError(f"p runs from {array.min():g} to {array.max():g}; give probabilities, not margins or scores.")
    return array


def subject_codes(subjects: Subjects, n: int) -> Ints:
    """Return an integer for each specimen that names its subject; without subjects each specimen is its own.

    >>> subject_codes(["b", "a", "b"], 3).tolist()
    [1, 0, 1]
    """
    if subjects is None:
        return np.arange(n)
    array = np.asarray(subjects)
    if array.shape != (n,):
        raise ValueError(f"subjects has shape {array.shape} where ({n},) is needed; name one subject per specimen.")
    return np.unique(array, return_inverse=True)[1]


def normal_quantile(level: float) -> float:
    """Return z with probability ``level`` between −z and z.

    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    return float(ndtri(0.5 + checked_level(level) / 2))


def checked_level(level: float) -> float:
    """Return a confidence level after checking that it lies strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; give a share strictly between 0 and 1, e.g. 0.95.")
    return level

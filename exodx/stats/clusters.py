"""Standard errors when a subject gives more than one specimen: sums within subjects, variance between them."""

from __future__ import annotations

import numpy as np

from exodx.stats.inputs import Bools, Floats, Ints


def mean_variance(values: Floats, codes: Ints) -> float | None:
    """Return the variance of the mean of ``values``, whose specimens are correlated within a subject.

    Parameters
    ----------
    values : ndarray, shape (n,)
        One number per specimen.
    codes : ndarray of int, shape (n,)
        Subject of each specimen.

    Returns
    -------
    float or None
        None for fewer than two subjects.

    Notes
    -----
    Linearised ratio of totals, ``G/(G−1) Σ_g (Σ_{i in g} (x_i − mean))² / n²`` for ``G`` subjects (Cochran 1977,
    ISBN 9780471162407, section 9.2); one specimen per subject gives the usual ``s²/n``.

    Examples
    --------
    >>> mean_variance(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 2]))
    0.3333333333333333
    """
    groups = np.unique(codes).size
    if groups < 2:
        return None
    sums = np.bincount(codes, weights=values - values.mean())
    return float(groups / (groups - 1) * (sums**2).sum() / values.size**2)


def two_class_variance(influence: Floats, case: Bools, codes: Ints) -> float | None:
    """Return the variance of a sum of ``influence`` over independent cases and controls grouped in subjects.

    Parameters
    ----------
    influence : ndarray, shape (n,)
        What each specimen moves the statistic by; sums to 0 over the cases and over the controls.
    case : ndarray of bool, shape (n,)
        True for a case.
    codes : ndarray of int, shape (n,)
        Subject of each specimen.

    Returns
    -------
    float or None
        None when a class has fewer than two subjects.

    Notes
    -----
    Obuchowski 1997, 10.2307/2533958: the between-subject variance of the cases, of the controls, and twice the
    covariance through subjects who give both. One specimen per subject gives DeLong 1988, 10.2307/2531595.
    """
    with_case, with_control, subjects = (np.unique(c).size for c in (codes[case], codes[~case], codes))
    if min(with_case, with_control) < 2:
        return None
    size = int(codes.max()) + 1
    a = np.bincount(codes[case], weights=influence[case], minlength=size)
    b = np.bincount(codes[~case], weights=influence[~case], minlength=size)
    own = _bessel(with_case) * (a @ a) + _bessel(with_control) * (b @ b)
    return float(own + 2 * _bessel(subjects) * (a @ b))


def class_variance(influence: Floats, classes: Ints, codes: Ints) -> float | None:
    """Return the variance of a sum of ``influence`` over specimens of several classes, grouped in subjects.

    Parameters
    ----------
    influence : ndarray, shape (n,)
        What each specimen moves the statistic by.
    classes : ndarray of int, shape (n,)
        Class of each specimen; each is drawn by itself.
    codes : ndarray of int, shape (n,)
        Subject of each specimen.

    Returns
    -------
    float or None
        None when a class has fewer than two subjects.

    Notes
    -----
    :func:`two_class_variance` for several classes: the variance of each class between its subjects, and twice the covariances
    through subjects who give more than one class.

    Examples
    --------
    >>> round(class_variance(np.array([0.1, -0.1, 0.2, -0.2]), np.array([0, 0, 1, 1]), np.arange(4)), 3)
    0.2
    """
    size = int(codes.max()) + 1
    present = np.unique(classes)
    if min(np.unique(codes[classes == k]).size for k in present) < 2:
        return None
    sums = [np.bincount(codes[classes == k], weights=influence[classes == k], minlength=size) for k in present]
    own = sum(_bessel(np.unique(codes[classes == k]).size) * float(a @ a) for k, a in zip(present, sums, strict=True))
    shared = sum(float(a @ b) for i, a in enumerate(sums) for b in sums[i + 1 :])
    return own + 2 * _bessel(np.unique(codes).size) * shared


def _bessel(count: int) -> float:
    return count / (count - 1)

"""Exact Shapley values of a leaf, in float64 and in one fixed order, so that every machine builds the same tables.

For a leaf of value v whose path holds d features, with o_j = 1 where the specimen takes every split on feature j towards it (else
0) and z_j the product of cover ratios on those splits, the path-dependent TreeSHAP value of feature i (Lundberg et al. 2020,
10.1038/s42256-019-0138-9) is ::

    v (o_i − z_i) Σ_{S ⊆ path∖{i}} |S|! (d−|S|−1)! / d! Π_{j∈S} o_j Π_{j∉S, j≠i} z_j
"""

from __future__ import annotations

from math import cos, factorial, pi

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def leaf_shapley(ratios: Floats) -> Floats:
    """Return Shapley values of leaves of value 1 for every pattern of their bits.

    Parameters
    ----------
    ratios : ndarray, shape (g, d)
        z_j of g leaves with d features each.

    Returns
    -------
    values : ndarray, shape (d, g, 2**d)
        Bit j of the pattern is o_j.

    >>> leaf_shapley(np.array([[0.25]])).tolist()
    [[[-0.25, 0.75]]]
    """
    n, d = ratios.shape
    taken = ((np.arange(2**d) >> np.arange(d)[:, None]) & 1).astype(np.float64)
    weights = [factorial(s) * factorial(d - s - 1) / factorial(d) for s in range(d)]
    values = np.empty((d, n, 2**d))
    for i in range(d):
        by_size = [np.ones((n, 2**d))]
        for j in (j for j in range(d) if j != i):
            by_size = _extended(by_size, ratios[:, j, None], taken[j])
        total = by_size[0] * weights[0]
        for products, weight in zip(by_size[1:], weights[1:], strict=True):
            total += products * weight
        values[i] = (taken[i] - ratios[:, i, None]) * total
    return values


def _extended(by_size: list[Floats], ratio: Floats, taken: Floats) -> list[Floats]:
    """Take one more feature into the sums of products by the size of S."""
    inside = [products * taken for products in by_size]
    outside = [products * ratio for products in by_size]
    return [outside[0], *(a + b for a, b in zip(outside[1:], inside[:-1], strict=True)), inside[-1]]


def quadrature(degree: int) -> tuple[list[float], list[float]]:
    """Return nodes and weights of Gauss and Legendre on [0, 1], exact for polynomials up to ``degree``.

    |S|! (d−|S|−1)! / d! is the integral of t^|S| (1−t)^(d−|S|−1), so the sum over S above is the integral of
    Π_{j≠i} (t o_j + (1−t) z_j), a polynomial of degree d − 1 in t: the rule gives it exactly, and no subset is left out.

    >>> quadrature(1)
    ([0.5], [1.0])
    """
    n = degree // 2 + 1
    nodes, weights = [], []
    for k in range(n):
        x = cos(pi * (4 * k + 3) / (4 * n + 2))
        for _ in range(100):
            step = _legendre(n, x)
            if abs(step[0] / step[1]) < 1e-16:
                break
            x -= step[0] / step[1]
        x = 0.0 if 2 * k + 1 == n else x
        nodes.append((1 - x) / 2)
        weights.append(1 / ((1 - x * x) * _legendre(n, x)[1] ** 2))
    return nodes, weights


def _legendre(n: int, x: float) -> tuple[float, float]:
    """Return the Legendre polynomial of degree n and its derivative."""
    before, value = 1.0, x
    for k in range(2, n + 1):
        before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
    return value, n * (x * value - before) / (x * x - 1)

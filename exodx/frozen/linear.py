"""The linear member of a forest: what each feature adds to the margin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.parts import Linear

Floats = NDArray[np.float64]


def linear_terms(linear: Linear, values: Floats) -> Iterator[Floats]:
    """Yield coefficient × (x − mean) feature by feature, each of shape (n,), with x held between its limits.

    They are the member's SHAP values: a missing x stands at the mean and adds nothing. Nothing is yielded where there is no member.

    >>> one = Linear(*(np.array([v]) for v in (2.0, 0.5, 0.0, 1.0, 0.0)))
    >>> [term.tolist() for term in linear_terms(one, np.array([[0.75], [9.0], [np.nan]]))]
    [[0.5, 1.0, 0.0]]
    """
    for coefficient, mean, lower, upper, x in zip(*linear[:4], values.T, strict=False):
        yield coefficient * np.where(np.isnan(x), 0.0, np.clip(x, lower, upper) - mean)

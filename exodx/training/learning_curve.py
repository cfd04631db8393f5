"""One more point of the learning curve, nearly for nothing: what the members of the inner folds say of the specimens held out.

Each inner fold's members learned from all of an outer fold's training part but one inner fold. They are there already, and they too
never saw the specimens that the outer fold holds out. Their weights are those of the whole training part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import Measurements
from exodx.frozen.measurements import BLOCKING
from exodx.training.procedure import Fitted, Prepared

Floats = NDArray[np.float64]


def fewer_margins(data: Prepared, fitted: Fitted, held: Measurements) -> Floats:
    """Score held-out specimens by the members of each inner fold, each with the transform of its own training rows.

    Returns
    -------
    margins : ndarray, shape (inner folds, n_held)
        Before calibration; NaN where a specimen cannot be scored.
    """
    rows = []
    for fold, members in zip(data.folds, fitted.inner, strict=True):
        features = fold.transform.apply(held)
        rows.append(np.where(features.flags & BLOCKING, np.nan, members.margin(features.values)))
    return np.stack(rows)


def stacked(parts: Sequence[tuple[int, NDArray[np.intp], Floats]], shape: tuple[int, ...]) -> Floats:
    """Put the margins of outer folds together.

    Parameters
    ----------
    parts : sequence of (repeat, held-out rows, margins of shape (J, held-out))
    shape : tuple of int
        (R, n).

    Returns
    -------
    margins : ndarray, shape (J, R, n)
        J is the largest number of inner folds; NaN where an outer fold has fewer.
    """
    fewer = np.full((max(len(margins) for _, _, margins in parts), *shape), np.nan)
    for repeat, held, margins in parts:
        fewer[: len(margins), repeat, held] = margins
    return fewer

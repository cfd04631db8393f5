"""What a further metric says of itself: its name, its words, and how one set of probabilities is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exodx.stats import Estimate

Judge = Callable[[NDArray[np.int8], NDArray[np.float64], NDArray[np.intp]], Estimate]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that every evaluation of two classes tells beside its own.

    Parameters
    ----------
    name : str
        Of the estimate: in JSON, in MLflow, in the card.
    words : str
        For people: in reports and on the terminal.
    judge : callable
        From labels (0/1), probabilities and subjects, shape (n,) each, to an estimate of that name with its interval, or the reason
        why it has none. Several repeats of cross-validation are judged one by one, and value and limits averaged.
    """

    name: str
    words: str
    judge: Judge

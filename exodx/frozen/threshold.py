"""The threshold that turns a probability into a call, and the grey zone where none is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exodx.tables.coded import Coded, Words

NEGATIVE, INDETERMINATE, POSITIVE = "negative", "indeterminate", "positive"
BOTH_KEPT, NONE_KEPT = "both labels kept", "like neither class"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold on the calibrated probability, and how it was chosen.

    A conformal one keeps each label from, or up to, a limit of its own: ``value`` is the probability from which the label of a case
    is kept, the other end of the zone that up to which a control's is. Where they overlap both labels are kept between, otherwise
    none is.

    Parameters
    ----------
    value : float
        Call positive when probability ≥ value, where there is no grey zone.
    criterion : str
        ``sensitivity``, ``specificity``, ``youden``, ``cost`` or ``conformal``.
    target : float
        What it keeps, at least, out of fold; for ``cost`` the harm ratio; 0 for ``youden``, which keeps nothing.
    n_positive, n_negative : int
        Specimens it was chosen on.
    lower, upper : float, optional
        Of the grey zone: negative below ``lower``, positive from ``upper``, indeterminate between. Both or neither.

    Raises
    ------
    ValueError
        When only one is given, or they are not in order.
    """

    value: float
    criterion: str
    target: float
    n_positive: int
    n_negative: int
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        if (self.lower is None) != (self.upper is None) or (self.zone is not None and not self.zone[0] < self.zone[1]):
            raise ValueError(f"the grey zone runs from {self.lower} to {self.upper}; give lower < upper, or neither")

    @property
    def zone(self) -> tuple[float, float] | None:
        """The grey zone's ends, where there is one."""
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)

    @property
    def positive_from(self) -> float:
        """Probability from which a specimen is called positive."""
        return self.value if self.upper is None else self.upper

    @property
    def id(self) -> str:
        """Short name, e.g. ``sensitivity>=0.90@0.3127`` or, with a grey zone, ``grey_zone>=0.90@0.3127-0.6100``."""
        if self.zone is not None:
            kind = "conformal" if self.criterion == "conformal" else "grey_zone"
            return f"{kind}>={self.target:.2f}@{self.zone[0]:.4f}-{self.zone[1]:.4f}"
        kept = {"youden": "", "cost": f"={self.target:.4g}"}.get(self.criterion, f">={self.target:.2f}")
        return f"{self.criterion}{kept}@{self.value:.4f}"

    @property
    def indeterminate_because(self) -> str:
        """What an indeterminate call says of a specimen, where the criterion says more than that it lies between; else empty."""
        if self.criterion != "conformal" or self.zone is None:
            return ""
        return BOTH_KEPT if self.value == self.zone[0] else NONE_KEPT

    def is_positive(self, probability: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which probabilities are called positive; NaN is not."""
        return np.greater_equal(probability, self.positive_from)

    def calls(self, probability: NDArray[np.float64]) -> Coded:
        """Return the call of each probability, which must not be NaN.

        >>> Threshold(0.3, "sensitivity", 0.9, 10, 10, 0.3, 0.6).calls(np.array([0.2, 0.3, 0.6]))
        ['negative', 'indeterminate', 'positive']
        """
        below = self.value if self.zone is None else self.zone[0]
        codes = np.where(self.is_positive(probability), np.int32(0), np.where(probability < below, np.int32(1), np.int32(2)))
        return Coded(Words([POSITIVE, NEGATIVE, INDETERMINATE], differ=True), codes)


def label_sets(
    probability: NDArray[np.float64], value: float, zone: tuple[float, float] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say where a conformal threshold keeps the label of a control, and where that of a case.

    >>> control, case = label_sets(np.array([0.2, 0.5, 0.8]), 0.4, (0.4, 0.7))
    >>> control.tolist(), case.tolist()
    ([True, True, False], [False, True, True])
    """
    until = value if zone is None else zone[1] if value == zone[0] else zone[0]
    return np.less(probability, until), np.greater_equal(probability, value)

"""When not to call: two thresholds with an indeterminate zone between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.stats.accuracy import Confusion, sensitivity, specificity
from exodx.stats.estimate import Estimate
from exodx.stats.inputs import labels, probabilities
from exodx.stats.intervals import wilson
from exodx.stats.thresholds import threshold_for_sensitivity, threshold_for_specificity

NEGATIVE, INDETERMINATE, POSITIVE = -1, 0, 1


@dataclass(frozen=True, slots=True)
class GreyZone:
    """Below ``lower`` a call is negative, from ``upper`` positive, between them indeterminate.

    Parameters
    ----------
    lower, upper : float
        Equal where one threshold keeps both targets: then there is no grey zone.

    Raises
    ------
    ValueError
        If they are not ordered.
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise ValueError(f"the zone runs from {self.lower} to {self.upper}; give lower <= upper.")

    def calls(self, p: ArrayLike) -> NDArray[np.int8]:
        """Return −1 for negative, 0 for indeterminate and 1 for positive; a missing probability is refused, not indeterminate.

        >>> GreyZone(0.3, 0.7).calls([0.1, 0.3, 0.6, 0.7]).tolist()
        [-1, 0, 0, 1]
        """
        values = probabilities(p, np.size(p))
        return ((values >= self.upper).astype(np.int8) - (values < self.lower)).astype(np.int8)


@dataclass(frozen=True, slots=True)
class GreyAccuracy:
    """The accuracy of calls that may be indeterminate, told both ways so that nothing is dropped silently.

    Parameters
    ----------
    indeterminate : Estimate
        Share of specimens without a call, Wilson interval.
    sensitivity_as_errors, specificity_as_errors : Estimate
        Indeterminates counted as wrong.
    sensitivity_without, specificity_without : Estimate
        Indeterminates left out.
    cases, controls : tuple of int
        Numbers called (negative, indeterminate, positive); they add up to the specimens.
    """

    indeterminate: Estimate
    sensitivity_as_errors: Estimate
    specificity_as_errors: Estimate
    sensitivity_without: Estimate
    specificity_without: Estimate
    cases: tuple[int, int, int]
    controls: tuple[int, int, int]


def find_grey_zone(y: ArrayLike, p: ArrayLike, target_sensitivity: float = 0.95, target_specificity: float = 0.95) -> GreyZone:
    """Return the zone between the threshold that keeps the sensitivity and the one that keeps the specificity.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    p : array_like, shape (n,)
        Probability out of fold; of the specimens a model was fitted to, the zone comes out too narrow.
    target_sensitivity : float
        Share of cases that must not be called negative.
    target_specificity : float
        Share of controls that must not be called positive.

    Returns
    -------
    GreyZone
        Of no width, at the threshold for the sensitivity, where that one keeps the specificity too.

    Raises
    ------
    ValueError
        If a class is empty, probabilities are missing or outside [0, 1], or a target is out of range.

    References
    ----------
    Coste and Pouchot 2003, 10.1093/ije/dyg054.

    Examples
    --------
    >>> find_grey_zone([0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.4, 0.5, 0.8, 0.9], 1.0, 1.0)
    GreyZone(lower=0.4, upper=0.7)
    """
    keeps_sensitivity = threshold_for_sensitivity(y, p, target_sensitivity).value
    keeps_specificity = threshold_for_specificity(y, p, target_specificity).value
    return GreyZone(keeps_sensitivity, max(keeps_sensitivity, keeps_specificity))


def grey_zone_accuracy(y: ArrayLike, p: ArrayLike, zone: GreyZone, level: float = 0.95) -> GreyAccuracy:
    """Return sensitivity and specificity with indeterminates counted as errors, and without them.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case.
    zone : GreyZone
    level : float
        Confidence level of the Wilson intervals.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, or probabilities are missing or outside [0, 1].

    References
    ----------
    Schuetz 2012, 10.1136/bmj.e6717.
    """
    case = labels(y)
    calls = zone.calls(probabilities(p, case.size))
    cases, controls = (
        tuple(int((calls[part] == kind).sum()) for kind in (NEGATIVE, INDETERMINATE, POSITIVE)) for part in (case, ~case)
    )
    (missed, unsure_case, found), (cleared, unsure_control, alarmed) = cases, controls
    errors = Confusion(tp=found, fn=missed + unsure_case, fp=alarmed + unsure_control, tn=cleared)
    without = Confusion(tp=found, fn=missed, fp=alarmed, tn=cleared)
    unsure, n = unsure_case + unsure_control, case.size
    lower, upper = wilson(unsure, n, level)
    return GreyAccuracy(
        Estimate("indeterminate", unsure / n, lower, upper, level=level, method="Wilson", n=n),
        sensitivity(errors, level),
        specificity(errors, level),
        sensitivity(without, level),
        specificity(without, level),
        (missed, unsure_case, found),
        (cleared, unsure_control, alarmed),
    )

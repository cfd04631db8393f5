"""What an AUC and one point of its ROC curve must have to do with each other."""

from __future__ import annotations


def auc_bounds(sensitivity: float, specificity: float) -> tuple[float, float]:
    """Return the lowest and highest AUC of any ROC curve through a point: ``Se·Sp`` and ``1 − (1 − Se)(1 − Sp)``.

    A case called positive scores above every control called negative, so at least ``Se·Sp`` of the pairs are ordered rightly; a
    case called negative scores below every control called positive, so at least ``(1 − Se)(1 − Sp)`` are not.

    Raises
    ------
    ValueError
        If a share is outside [0, 1].

    Examples
    --------
    >>> [round(bound, 3) for bound in auc_bounds(0.9375, 0.9375)]
    [0.879, 0.996]
    """
    for name, share in (("sensitivity", sensitivity), ("specificity", specificity)):
        _check_share(name, share)
    return sensitivity * specificity, 1 - (1 - sensitivity) * (1 - specificity)


def check_consistency(auc: float, sensitivity: float, specificity: float, rounding: float = 0.0) -> str:
    """Return why AUC, sensitivity and specificity cannot belong to the same scores, or an empty string where they can.

    Parameters
    ----------
    auc, sensitivity, specificity : float
        As computed or as published, all of the same specimens and the same scores.
    rounding : float
        Half the last digit told, e.g. 0.005 for two decimals; 0 for numbers that were not rounded.

    Raises
    ------
    ValueError
        If a share is outside [0, 1] or the rounding is negative.

    Examples
    --------
    >>> check_consistency(0.9, 0.8, 0.85)
    ''
    >>> check_consistency(0.8281, 0.9375, 0.9375, rounding=0.00005)
    'an AUC of 0.8281 cannot go with sensitivity 0.9375 and specificity 0.9375: it must lie between 0.879 and 0.996'
    """
    _check_share("auc", auc)
    if rounding < 0:
        raise ValueError(f"rounding is {rounding}; give half the last digit told, not negative.")
    lower = auc_bounds(max(sensitivity - rounding, 0.0), max(specificity - rounding, 0.0))[0]
    upper = auc_bounds(min(sensitivity + rounding, 1.0), min(specificity + rounding, 1.0))[1]
    slack = rounding + 1e-12
    if lower - slack <= auc <= upper + slack:
        return ""
    return (
        f"an AUC of {auc:.4g} cannot go with sensitivity {sensitivity:.4g} and specificity {specificity:.4g}: "
        f"it must lie between {lower:.3f} and {upper:.3f}"
    )


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{name} is {share}; give a share between 0 and 1.")

"""Where to cut: thresholds by target, by cost and by Youden, and how far a chosen one would move in another cohort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
from numpy.typing import ArrayLike

from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Bools, Floats, Subjects, probabilities, scored
from exodx.stats.resampling import SEED, bootstrap_weights, percentile, resampled_rows
from exodx.stats.roc import roc_curve

ROUNDING = 1e-9
CHOICES = 500
YOUDEN_WARNING = (
    "The threshold with the highest sensitivity + specificity − 1 is optimistic on the specimens it was chosen on, "
    "and takes a missed case and a false alarm for equally bad at a prevalence of one half."
)


@dataclass(frozen=True, slots=True)
class ChosenThreshold:
    """A threshold and what it does on the specimens it was chosen on, which flatters it.

    Parameters
    ----------
    value : float
        A specimen is positive when its probability reaches it.
    sensitivity, specificity : float
        On the specimens it was chosen on.
    warning : str
        What to tell beside it.
    """

    value: float
    sensitivity: float
    specificity: float
    warning: str = ""


def threshold_for_sensitivity(y: ArrayLike, p: ArrayLike, target: float) -> ChosenThreshold:
    """Return the highest threshold that calls at least the target share of cases positive.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    p : array_like, shape (n,)
        Probability out of fold.
    target : float
        Share in (0, 1].

    Raises
    ------
    ValueError
        If a class is empty, probabilities are missing or outside [0, 1], or the target is out of range.

    Examples
    --------
    >>> threshold_for_sensitivity([0, 0, 1, 1, 1, 1], [0.1, 0.5, 0.3, 0.6, 0.7, 0.9], 0.75).value
    0.6
    """
    case, values = _checked(y, p, target)
    cases = np.sort(values[case])
    return _chosen(case, values, float(cases[cases.size - ceil(target * cases.size - ROUNDING)]))


def threshold_for_specificity(y: ArrayLike, p: ArrayLike, target: float) -> ChosenThreshold:
    """Return a threshold that calls at least the target share of controls negative, and as many cases positive as that allows.

    It lies half way between the highest control to be called negative and the next probability above.

    Parameters
    ----------
    y, p, target
        As for :func:`threshold_for_sensitivity`.

    Raises
    ------
    ValueError
        As for :func:`threshold_for_sensitivity`.

    Examples
    --------
    >>> threshold_for_specificity([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.4, 0.8, 0.6, 0.9], 0.75).value
    0.5
    """
    case, values = _checked(y, p, target)
    controls = np.sort(values[~case])
    highest = float(controls[ceil(target * controls.size - ROUNDING) - 1])
    above = values[values > highest]
    middle = (highest + float(above.min())) / 2 if above.size else highest
    return _chosen(case, values, float(max(middle, np.nextafter(highest, np.inf))))


def threshold_youden(y: ArrayLike, p: ArrayLike) -> ChosenThreshold:
    """Return the threshold with the highest Se + Sp − 1, the lowest of equals, with a warning.

    Raises
    ------
    ValueError
        If a class is empty or probabilities are missing or outside [0, 1].

    References
    ----------
    Youden 1950, 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3; its optimism: Leeflang 2008,
    10.1373/clinchem.2007.096032.

    Examples
    --------
    >>> threshold_youden([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
    0.35
    """
    case, values = _checked(y, p, 1.0)
    fpr, tpr, thresholds = roc_curve(case, values)
    gain = tpr - fpr
    best = np.flatnonzero(gain >= gain.max() - ROUNDING)[-1]
    return _chosen(case, values, float(thresholds[best]), YOUDEN_WARNING)


def threshold_by_cost(harm_ratio: float) -> float:
    """Return the probability at which a positive call is worth its harm.

    It holds for calibrated probabilities at the prevalence of use, and needs no specimens.

    Parameters
    ----------
    harm_ratio : float
        Harm of a false positive over harm of a false negative; 1/9 says that missing a case is nine times as bad.

    Raises
    ------
    ValueError
        If the ratio is not above 0.

    References
    ----------
    Pauker and Kassirer 1980, 10.1056/NEJM198005153022003.

    Examples
    --------
    >>> round(threshold_by_cost(1 / 9), 3)
    0.1
    """
    if not (harm_ratio > 0 and isfinite(harm_ratio)):
        raise ValueError(f"harm_ratio is {harm_ratio}; give how bad a false positive is against a false negative, above 0.")
    return harm_ratio / (1 + harm_ratio)


def threshold_variability(  # noqa: PLR0913
    y: ArrayLike,
    p: ArrayLike,
    choose: Callable[[Bools, Floats], ChosenThreshold],
    subjects: Subjects = None,
    resamples: int = CHOICES,
    seed: int = SEED,
    level: float = 0.95,
) -> Estimate:
    """Return the chosen threshold with the percentiles of what other cohorts of this size would have chosen.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    p : array_like, shape (n,)
        Probability out of fold.
    choose : callable
        From labels and probabilities to a :class:`ChosenThreshold`, e.g. :func:`threshold_youden`.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    resamples, seed
        Number of resamples of subjects and their seed.
    level : float
        Confidence level.

    Raises
    ------
    ValueError
        If a class is empty or probabilities are missing or outside [0, 1].
    """
    case, values = _checked(y, p, 1.0)
    draws = []
    for weights in bootstrap_weights(case, subjects, resamples, seed):
        for row in weights:
            rows = resampled_rows(row)
            draws.append(choose(case[rows], values[rows]).value)
    return percentile("threshold", choose(case, values).value, draws, level, case.size)


def _checked(y: ArrayLike, p: ArrayLike, target: float) -> tuple[Bools, Floats]:
    if not 0 < target <= 1:
        raise ValueError(f"target is {target}; give a share above 0 and up to 1, e.g. 0.95.")
    case, _ = scored(y, p)
    return case, probabilities(p, case.size)


def _chosen(case: Bools, p: Floats, value: float, warning: str = "") -> ChosenThreshold:
    positive = p >= value
    return ChosenThreshold(value, float(positive[case].mean()), float((~positive)[~case].mean()), warning)

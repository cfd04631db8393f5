"""What calls are worth: net benefit at a threshold, at the prevalence where the test is to be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.stats.inputs import Bools, Floats, Subjects, checked_level, probabilities, scored
from exodx.stats.resampling import RESAMPLES, SEED, bootstrap_weights


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """Net benefit over thresholds.

    Parameters
    ----------
    thresholds : ndarray, shape (t,)
        Probability from which a specimen is called positive.
    model, lower, upper : ndarray, shape (t,)
        Net benefit of the model, with the pointwise percentile band of resampled subjects.
    treat_all : ndarray, shape (t,)
        Net benefit of calling everyone positive; that of calling no one positive is 0.
    avoided : ndarray, shape (t,)
        Interventions avoided per 100, against calling everyone positive, at no loss of cases found.
    prevalence : float
        Prevalence that it holds for.
    level : float
        Confidence level of the band.
    n : int
        Number of specimens.
    """

    thresholds: Floats
    model: Floats
    lower: Floats
    upper: Floats
    treat_all: Floats
    avoided: Floats
    prevalence: float
    level: float
    n: int


def net_benefit(sensitivity: ArrayLike, specificity: ArrayLike, prevalence: float, threshold: ArrayLike) -> Floats:
    """Return true positives minus false positives weighed by the odds of the threshold, per subject tested.

    Parameters
    ----------
    sensitivity, specificity : array_like
        Of the calls at the threshold; from case–control data too, since the prevalence is given apart.
    prevalence : float
        Where the test is to be used, strictly between 0 and 1.
    threshold : array_like
        Probability at which the harm of a positive call on a control outweighs the good of one on a case, in [0, 1).

    Returns
    -------
    ndarray
        ``π Se − (1 − π)(1 − Sp) t/(1 − t)``.

    Raises
    ------
    ValueError
        If a share, the prevalence or a threshold is missing or out of range.

    References
    ----------
    Vickers and Elkin 2006, 10.1177/0272989X06295361.

    Examples
    --------
    >>> round(float(net_benefit(0.8, 1 - 20 / 150, 0.25, 0.2)), 4)
    0.175
    """
    odds = _odds(threshold)
    _check_prevalence(prevalence)
    se, sp = np.asarray(sensitivity, dtype=float), np.asarray(specificity, dtype=float)
    if not all(((share >= 0) & (share <= 1)).all() for share in (se, sp)):
        raise ValueError("a sensitivity or specificity is missing or outside [0, 1]; give shares.")
    benefit: Floats = prevalence * se - (1 - prevalence) * (1 - sp) * odds
    return benefit


def net_benefit_all(prevalence: float, threshold: ArrayLike) -> Floats:
    """Return the net benefit of calling everyone positive.

    >>> round(float(net_benefit_all(0.25, 0.2)), 4)
    0.0625
    """
    return net_benefit(1.0, 0.0, prevalence, threshold)


def interventions_avoided(benefit: ArrayLike, prevalence: float, threshold: ArrayLike) -> Floats:
    """Return interventions avoided per 100 tested, against calling everyone positive, at no loss of cases found.

    Parameters
    ----------
    benefit : array_like
        Net benefit of the calls.
    prevalence : float
        Prevalence it was computed for.
    threshold : array_like
        In (0, 1); NaN at 0, where an intervention costs nothing.

    Examples
    --------
    >>> round(float(interventions_avoided(0.175, 0.25, 0.2)), 2)
    45.0
    """
    odds = _odds(threshold)
    gain = np.asarray(benefit, dtype=float) - net_benefit_all(prevalence, threshold)
    gain, odds = np.broadcast_arrays(gain, odds)
    avoided: Floats = np.divide(100 * gain, odds, out=np.full(gain.shape, np.nan), where=odds > 0)
    return avoided


def decision_curve(  # noqa: PLR0913
    y: ArrayLike,
    p: ArrayLike,
    thresholds: ArrayLike,
    prevalence: float | None = None,
    subjects: Subjects = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = 0.95,
) -> DecisionCurve:
    """Return the decision curve with a pointwise bootstrap band.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    p : array_like, shape (n,)
        Probability of being a case **at the prevalence of use**: shift probabilities of a case–control model first
        (:func:`exodx.stats.prior_shift`), else the threshold means another risk.
    thresholds : array_like, shape (t,)
        In [0, 1); a specimen is positive when its probability reaches the threshold.
    prevalence : float, optional
        Where the test is to be used; without, the share of cases, which is right for a cohort and wrong for case–control data.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    resamples, seed
        Number of resamples of subjects and their seed. Resamples keep the prevalence, which is taken as known.
    level : float
        Confidence level.

    Raises
    ------
    ValueError
        If a class is empty, probabilities are missing or outside [0, 1], or the prevalence or a threshold is out of range.

    References
    ----------
    Vickers and Elkin 2006, 10.1177/0272989X06295361; case–control: Pfeiffer and Gail 2020, 10.1002/bimj.201800240;
    bands: Vickers 2008, 10.1186/1472-6947-8-53.
    """
    case, _ = scored(y, p)
    values = probabilities(p, case.size)
    rate = float(case.mean()) if prevalence is None else prevalence
    _check_prevalence(rate)
    cuts = np.atleast_1d(np.asarray(thresholds, dtype=float))
    whole = np.ones((1, case.size), dtype=np.int64)
    model = _benefits(case, values, cuts, rate, whole)[0]
    blocks = bootstrap_weights(case, subjects, resamples, seed)
    draws = np.concatenate([_benefits(case, values, cuts, rate, weights) for weights in blocks])
    tail = (1 - checked_level(level)) / 2
    lower, upper = np.quantile(draws, (tail, 1 - tail), axis=0)
    everyone = net_benefit_all(rate, cuts)
    avoided = interventions_avoided(model, rate, cuts)
    return DecisionCurve(cuts, model, np.minimum(lower, model), np.maximum(upper, model), everyone, avoided, rate, level, case.size)


def _benefits(case: Bools, p: Floats, cuts: Floats, prevalence: float, weights: NDArray[np.int64]) -> Floats:
    """Return the net benefit of each resample at each threshold, shape (B, t)."""
    positive = p[:, None] >= cuts
    cases, controls = (weights[:, part].astype(float) for part in (case, ~case))
    se = cases @ positive[case] / cases.sum(axis=1, keepdims=True)
    fpr = controls @ positive[~case] / controls.sum(axis=1, keepdims=True)
    return net_benefit(se, 1 - fpr, prevalence, cuts)


def _odds(threshold: ArrayLike) -> Floats:
    cuts = np.asarray(threshold, dtype=float)
    if not ((cuts >= 0) & (cuts < 1)).all():
        raise ValueError("a threshold is outside [0, 1); give probabilities from 0 up to, but not including, 1.")
    odds: Floats = cuts / (1 - cuts)
    return odds


def _check_prevalence(prevalence: float) -> None:
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence is {prevalence}; give a share strictly between 0 and 1, e.g. 0.03.")

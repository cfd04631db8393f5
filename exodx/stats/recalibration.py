"""Probabilities made for one population, brought to another: a known prevalence, or a refit of intercept and slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from scipy.stats import chi2

from exodx.stats.inputs import Bools, Floats, labels, probabilities
from exodx.stats.logistic import fit_logistic
from exodx.stats.probability import clip_probability, log_loss

INTERCEPT_EVENTS, SLOPE_EVENTS = 10, 50
"""Cases, and controls, from which an intercept, and a slope too, may be refitted. These two are ours: with as many cases
as controls and an AUC of .8 the standard error of an intercept is about .5 log-odds at 10 of each, that of a slope .22 at 50."""


@dataclass(frozen=True, slots=True)
class Recalibration:
    """``logit p' = intercept + slope · logit p``.

    Parameters
    ----------
    intercept, slope : float
        0 and 1 leave the probabilities as they are.
    kind : str
        ``none``, ``intercept`` or ``slope`` (which moves the intercept too).
    reason : str
        Why this kind.
    """

    intercept: float
    slope: float
    kind: str
    reason: str

    def apply(self, p: ArrayLike) -> Floats:
        """Return recalibrated probabilities, clipped at 1e-6 for the logit unless nothing moves.

        >>> Recalibration(1.0, 1.0, "intercept", "").apply([0.5]).round(4).tolist()
        [0.7311]
        """
        if self.kind == "none":
            return np.asarray(p, dtype=float)
        moved: Floats = expit(self.intercept + self.slope * logit(clip_probability(p)))
        return moved


def prior_shift(p: ArrayLike, from_prevalence: float, to_prevalence: float) -> Floats:
    """Return probabilities moved from one prevalence to another, by Bayes' rule: ``logit p + logit π' − logit π``.

    It holds where cases look like cases and controls like controls in both populations, and only their shares differ.

    Parameters
    ----------
    p : array_like
        Between 0 and 1; 0 and 1 stay.
    from_prevalence : float
        Share of cases that the probabilities were made for, e.g. ½ for a balanced case–control study.
    to_prevalence : float
        Share of cases where they are to be used.

    Raises
    ------
    ValueError
        If a prevalence is not strictly between 0 and 1, or a probability is missing or outside [0, 1].

    References
    ----------
    Saerens, Latinne and Decaestecker 2002, 10.1162/089976602753284446.

    Examples
    --------
    >>> prior_shift([0.8], 0.5, 0.05).round(6).tolist()
    [0.173913]
    """
    for name, share in (("from_prevalence", from_prevalence), ("to_prevalence", to_prevalence)):
        if not 0 < share < 1:
            raise ValueError(f"{name} is {share}; give a share strictly between 0 and 1, e.g. 0.03.")
    values = np.asarray(p, dtype=float)
    flat = probabilities(values.ravel(), values.size) if values.size else values.ravel()
    case = flat * to_prevalence / from_prevalence
    control = (1 - flat) * (1 - to_prevalence) / (1 - from_prevalence)
    shifted: Floats = (case / (case + control)).reshape(values.shape)
    return shifted


def refit_intercept(y: ArrayLike, p: ArrayLike) -> Recalibration:
    """Refit the intercept with the slope held at 1.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    p : array_like, shape (n,)
        Probability of being a case, clipped at 1e-6 for the logit.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, or probabilities are missing or outside [0, 1].
    SeparationError
        If there is one class only.

    Examples
    --------
    >>> round(refit_intercept([1, 1, 1, 0], [0.5] * 4).intercept, 4)
    1.0986
    """
    case, margin = _margins(y, p)
    coef, _ = fit_logistic(np.ones((case.size, 1)), case, offset=margin)
    return Recalibration(float(coef[0]), 1.0, "intercept", "the intercept was refitted")


def refit_slope(y: ArrayLike, p: ArrayLike) -> Recalibration:
    """Refit intercept and slope.

    Parameters
    ----------
    y, p
        As for :func:`refit_intercept`.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, probabilities are missing, outside [0, 1] or all equal.
    SeparationError
        If the probabilities divide the classes.
    """
    case, margin = _margins(y, p)
    coef, _ = fit_logistic(np.column_stack([np.ones(case.size), margin]), case)
    return Recalibration(float(coef[0]), float(coef[1]), "slope", "intercept and slope were refitted")


def recalibrate(y: ArrayLike, p: ArrayLike, alpha: float = 0.05) -> Recalibration:
    """Refit as little as the data ask for, and no more than their number allows.

    First the number: below 10 cases or 10 controls nothing is refitted, below 50 the intercept at most. Then Vergouwe's closed
    test: nothing moves unless intercept and slope together fit better (two degrees of freedom), and the slope stays 1 unless it
    fits better than the intercept alone (one). A refit of the model itself is another study: see
    :func:`exodx.stats.riley_sample_size`.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case.
    alpha : float
        Level of the tests.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, or probabilities are missing or outside [0, 1].
    SeparationError
        If the probabilities divide the classes.

    References
    ----------
    Steyerberg 2004, 10.1002/sim.1844; closed test: Vergouwe 2017, 10.1002/sim.7179. The numbers 10 and 50 are ours.
    """
    case, margin = _margins(y, p)
    fewest = min(int(case.sum()), int((~case).sum()))
    if fewest < INTERCEPT_EVENTS:
        return Recalibration(0.0, 1.0, "none", f"{fewest} of the rarer class; an intercept needs {INTERCEPT_EVENTS}")
    as_is, shifted = Recalibration(0.0, 1.0, "none", "the probabilities fit as they are"), refit_intercept(case, p)
    losses = [2 * case.size * log_loss(case, kind.apply(clip_probability(p))) for kind in (as_is, shifted)]
    if fewest < SLOPE_EVENTS or np.ptp(margin) == 0:
        return shifted if chi2.sf(losses[0] - losses[1], 1) < alpha else as_is
    sloped = refit_slope(case, p)
    best = 2 * case.size * log_loss(case, sloped.apply(p))
    if chi2.sf(losses[0] - best, 2) >= alpha:
        return as_is
    return sloped if chi2.sf(losses[1] - best, 1) < alpha else shifted


def _margins(y: ArrayLike, p: ArrayLike) -> tuple[Bools, Floats]:
    case = labels(y)
    margin: Floats = logit(clip_probability(probabilities(p, case.size)))
    return case, margin

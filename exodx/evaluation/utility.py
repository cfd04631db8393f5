"""What the calls of a frozen model are worth at the prevalence of use, and how many cases it expects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exodx.evaluation.estimates import NO_PREVALENCE
from exodx.frozen.calibrator import probability
from exodx.stats import (
    Estimate,
    decision_curve,
    interventions_avoided,
    net_benefit_all,
    observed_expected,
    prior_shift,
)

BENEFITS = ("net_benefit", "net_benefit_all", "interventions_avoided")


def observed_estimate(y: NDArray[np.int8], margin: NDArray[np.float64], subjects: NDArray[np.intp]) -> Estimate:
    """Return observed over expected cases at the cohort's own share of cases."""
    return observed_expected(y, probability(margin), subjects)


def benefit_estimates(
    y: NDArray[np.int8],
    positive: NDArray[np.bool_],
    subjects: NDArray[np.intp],
    threshold: float,
    share: float,
    prevalence: float | None,
) -> list[Estimate]:
    """Return the net benefit of calls, that of calling everyone positive, and interventions avoided per 100 against it.

    The model's probabilities hold at training's share of cases. At the prevalence of use its threshold therefore means
    another risk, by Bayes' rule, and it is that risk which weighs a false alarm against a missed case.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    positive : ndarray of bool, shape (n,)
    subjects : ndarray of int, shape (n,)
    threshold : float
        On the model's probability.
    share : float
        Share of cases that the probability was made for.
    prevalence : float, optional
        Of use; without it there is no net benefit.
    """
    if prevalence is None:
        return [Estimate(name, None, None, None, n=len(y), reason=NO_PREVALENCE) for name in BENEFITS]
    risk = prior_shift([threshold], share, prevalence)
    curve = decision_curve(y, positive.astype(np.float64), risk, prevalence, subjects)
    value, lower, upper = float(curve.model[0]), float(curve.lower[0]), float(curve.upper[0])
    per_100, least, most = (float(interventions_avoided(benefit, prevalence, risk)[0]) for benefit in (value, lower, upper))
    method = f"bootstrap of subjects, at prevalence {prevalence:g} and risk threshold {risk[0]:.4g}"
    everyone = float(net_benefit_all(prevalence, risk)[0])
    return [
        Estimate("net_benefit", value, lower, upper, method=method, n=len(y)),
        Estimate("net_benefit_all", everyone, None, None, n=len(y), reason="it follows from prevalence and threshold"),
        Estimate("interventions_avoided", per_100, least, most, method=method + ", per 100 tested", n=len(y)),
    ]

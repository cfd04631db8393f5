"""The accuracy of a call: sensitivity, specificity, predictive values, likelihood ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from math import exp, isfinite, log, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from exodx.stats.estimate import Estimate
from exodx.stats.inputs import labels, normal_quantile
from exodx.stats.intervals import wilson

NO_CASES = "there are no cases"
NO_CONTROLS = "there are no controls"


@dataclass(frozen=True, slots=True)
class Confusion:
    """The two-by-two table of calls against the reference standard.

    Parameters
    ----------
    tp, fn : float
        Cases called positive and negative.
    fp, tn : float
        Controls called positive and negative. Counts need not be whole: they may be means over repeats.

    Raises
    ------
    ValueError
        If a count is negative or not finite.

    Examples
    --------
    >>> table = Confusion(tp=45, fn=5, fp=12, tn=48)
    >>> table.sensitivity, table.specificity
    (0.9, 0.8)
    """

    tp: float
    fn: float
    fp: float
    tn: float

    def __post_init__(self) -> None:
        if not all(isfinite(count) and count >= 0 for count in astuple(self)):
            raise ValueError(f"counts are {astuple(self)}; give finite counts, not negative.")

    @property
    def cases(self) -> float:
        """Number of specimens that the reference standard calls a case."""
        return self.tp + self.fn

    @property
    def controls(self) -> float:
        """Number of specimens that the reference standard calls a control."""
        return self.fp + self.tn

    @property
    def size(self) -> int:
        """Number of specimens, rounded."""
        return round(self.cases + self.controls)

    @property
    def sensitivity(self) -> float:
        """Share of cases called positive; NaN without cases."""
        return self.tp / self.cases if self.cases else nan

    @property
    def specificity(self) -> float:
        """Share of controls called negative; NaN without controls."""
        return self.tn / self.controls if self.controls else nan


def confusion(y: ArrayLike, positive_call: ArrayLike) -> Confusion:
    """Count calls against the reference standard.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    positive_call : array_like, shape (n,)
        1 or True where the call is positive, else 0 or False.

    Raises
    ------
    ValueError
        If either holds anything but 0 and 1, or the lengths differ.

    Examples
    --------
    >>> confusion([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    Confusion(tp=2, fn=1, fp=1, tn=1)
    """
    case, positive = labels(y), labels(positive_call)
    if case.shape != positive.shape:
        raise ValueError(f"y has {case.size} specimens and positive_call {positive.size}; give one call per specimen.")
    tp, fp = int((case & positive).sum()), int((~case & positive).sum())
    cases = int(np.count_nonzero(case))
    return Confusion(tp=tp, fn=cases - tp, fp=fp, tn=case.size - cases - fp)


def sensitivity(c: Confusion, level: float = 0.95) -> Estimate:
    """Return the share of cases called positive with its Wilson interval (10.1080/01621459.1927.10502953).

    >>> print(sensitivity(Confusion(tp=45, fn=5, fp=12, tn=48)))
    0.900 (95 % CI 0.786 to 0.957)
    """
    return _proportion("sensitivity", c.tp, c.cases, level, NO_CASES)


def specificity(c: Confusion, level: float = 0.95) -> Estimate:
    """Return the share of controls called negative with its Wilson interval (10.1080/01621459.1927.10502953).

    >>> print(specificity(Confusion(tp=45, fn=5, fp=12, tn=48)))
    0.800 (95 % CI 0.682 to 0.882)
    """
    return _proportion("specificity", c.tn, c.controls, level, NO_CONTROLS)


def predictive_values(c: Confusion, prevalence: float, level: float = 0.95) -> tuple[Estimate, Estimate]:
    """Return PPV and NPV at a stated prevalence, with intervals on the logit scale.

    Parameters
    ----------
    c : Confusion
        Counts, from a study whose share of cases need not be the prevalence (e.g. case–control).
    prevalence : float
        Prevalence where the test is to be used, strictly between 0 and 1.
    level : float
        Confidence level.

    Returns
    -------
    ppv, npv : Estimate
        When sensitivity or specificity is exactly 0 or 1, values and intervals both use the adjusted shares
        ``(count + z²/2) / (n + z²)``, because the plain logit has no finite variance there; ``method`` says so.

    Raises
    ------
    ValueError
        If the prevalence is not strictly between 0 and 1.

    References
    ----------
    Mercaldo, Lau and Zhou 2007, 10.1002/sim.2677.

    Examples
    --------
    >>> ppv, npv = predictive_values(Confusion(tp=240, fn=178, fp=87, tn=288), prevalence=0.03)
    >>> print(ppv)
    0.071 (95 % CI 0.059 to 0.086)
    >>> print(npv)
    0.983 (95 % CI 0.981 to 0.985)
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence is {prevalence}; give a share strictly between 0 and 1, e.g. 0.03.")
    missing = _missing_class(c)
    if missing:
        return _missing("ppv", c, level, missing), _missing("npv", c, level, missing)
    extreme = 0 in astuple(c)
    added = normal_quantile(level) ** 2 if extreme else 0.0
    scale = _Scale(expit, level, "Mercaldo logit" + (", adjusted shares" if extreme else ""), c.size)
    cases, controls = c.cases + added, c.controls + added
    se, sp = (c.tp + added / 2) / cases, (c.tn + added / 2) / controls
    odds = logit(prevalence)
    return (
        scale.estimate("ppv", log(se / (1 - sp)) + odds, (1 - se) / (se * cases) + sp / ((1 - sp) * controls)),
        scale.estimate("npv", log(sp / (1 - se)) - odds, se / ((1 - se) * cases) + (1 - sp) / (sp * controls)),
    )


def likelihood_ratios(c: Confusion, level: float = 0.95) -> tuple[Estimate, Estimate]:
    """Return LR+ = Se/(1−Sp) and LR− = (1−Se)/Sp with log-normal intervals.

    Parameters
    ----------
    c : Confusion
        When any count is 0, ½ is added to all four; ``method`` says so.
    level : float
        Confidence level.

    Returns
    -------
    lr_positive, lr_negative : Estimate

    References
    ----------
    Simel, Samsa and Matchar 1991, 10.1016/0895-4356(91)90128-v.

    Examples
    --------
    >>> print(likelihood_ratios(Confusion(tp=45, fn=5, fp=12, tn=48))[0])
    4.500 (95 % CI 2.690 to 7.527)
    """
    missing = _missing_class(c)
    if missing:
        return _missing("lr_positive", c, level, missing), _missing("lr_negative", c, level, missing)
    extreme = 0 in astuple(c)
    table = Confusion(*(count + 0.5 for count in astuple(c))) if extreme else c
    scale = _Scale(exp, level, "log-normal" + (", ½ added to each count" if extreme else ""), c.size)
    se, sp = table.sensitivity, table.specificity
    return (
        scale.estimate("lr_positive", log(se / (1 - sp)), (1 - se) / table.tp + sp / table.fp),
        scale.estimate("lr_negative", log((1 - se) / sp), se / table.fn + (1 - sp) / table.tn),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where an interval is symmetric, and the way back from there."""

    back: Callable[[float], float]
    level: float
    method: str
    n: int

    def estimate(self, name: str, centre: float, variance: float) -> Estimate:
        half = normal_quantile(self.level) * sqrt(variance)
        value, lower, upper = (float(self.back(x)) for x in (centre, centre - half, centre + half))
        return Estimate(name, value, lower, upper, level=self.level, method=self.method, n=self.n)


def _proportion(name: str, successes: float, n: float, level: float, missing: str) -> Estimate:
    if n == 0:
        return Estimate(name, None, None, None, level=level, reason=missing)
    lower, upper = wilson(successes, n, level)
    return Estimate(name, successes / n, lower, upper, level=level, method="Wilson", n=round(n))


def _missing_class(c: Confusion) -> str:
    return NO_CASES if c.cases == 0 else NO_CONTROLS if c.controls == 0 else ""


def _missing(name: str, c: Confusion, level: float, reason: str) -> Estimate:
    return Estimate(name, None, None, None, level=level, n=c.size, reason=reason)

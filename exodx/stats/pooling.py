"""One number from several sites or studies, and how far the next site may lie from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, stdtrit

from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Floats, checked_level, normal_quantile, reals


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """A random-effects mean.

    Parameters
    ----------
    mean, lower, upper : float
        Mean over the population of studies, with its interval.
    prediction_lower, prediction_upper : float or None
        Where the true value of a new study is expected; None for fewer than three studies.
    tau2 : float
        Variance of the true values between studies.
    k : int
        Number of studies.
    method : str
        How it was computed.
    """

    mean: float
    lower: float
    upper: float
    prediction_lower: float | None
    prediction_upper: float | None
    tau2: float
    k: int
    method: str


@dataclass(frozen=True, slots=True)
class SitePooled:
    """An AUC pooled over sites.

    Parameters
    ----------
    estimate : Estimate
        AUC of the typical site.
    prediction_lower, prediction_upper : float or None
        Where the AUC of a new site is expected; None for fewer than three usable sites.
    tau2 : float or None
        Variance of the logit AUC between sites; None for fewer than two usable sites.
    """

    estimate: Estimate
    prediction_lower: float | None
    prediction_upper: float | None
    tau2: float | None


def random_effects(values: ArrayLike, standard_errors: ArrayLike, level: float = 0.95) -> RandomEffects:
    """Pool studies with a DerSimonian–Laird variance and a Hartung–Knapp interval.

    Parameters
    ----------
    values : array_like, shape (k,)
        Estimates of the studies on a scale where they are about normal, e.g. logit AUC.
    standard_errors : array_like, shape (k,)
        Their standard errors, above 0.
    level : float
        Confidence level of both intervals.

    Returns
    -------
    RandomEffects

    Raises
    ------
    ValueError
        For fewer than two studies, a missing value or a standard error that is not above 0.

    Notes
    -----
    tau² is the moment estimate of DerSimonian and Laird 1986, 10.1016/0197-2456(86)90046-2, cut at 0. The variance of
    the mean is multiplied by ``max(1, q)``, where q is the weighted residual mean square of Hartung and Knapp 2001,
    10.1002/sim.1791, and read on t with k − 1 degrees of freedom; without the floor of 1, studies that agree by chance
    would narrow the interval (Röver 2015, 10.1186/s12874-015-0091-1). The prediction interval is that of Higgins 2009,
    10.1111/j.1467-985X.2008.00552.x: t with k − 2 degrees of freedom times the root of tau² plus that variance.

    Examples
    --------
    >>> pooled = random_effects([1.0, 1.4, 2.1, 1.2], [0.3, 0.25, 0.4, 0.2])
    >>> round(pooled.mean, 3), round(pooled.lower, 3), round(pooled.upper, 3)
    (1.349, 0.705, 1.993)
    """
    k = int(np.size(values))
    if k < 2:
        raise ValueError(f"there are {k} studies; pooling needs at least two.")
    y, se = reals("values", values, (k,)), reals("standard_errors", standard_errors, (k,))
    if se.min() <= 0:
        raise ValueError(f"the smallest standard error is {se.min():g}; all must be above 0.")
    tau2 = _between_variance(y, se)
    weight = 1 / (se**2 + tau2)
    mean = float(weight @ y / weight.sum())
    q = float(weight @ (y - mean) ** 2 / (k - 1))
    variance = max(1.0, q) / float(weight.sum())
    tail = 0.5 + checked_level(level) / 2
    half = float(stdtrit(k - 1, tail)) * sqrt(variance)
    reach = float(stdtrit(k - 2, tail)) * sqrt(tau2 + variance) if k > 2 else None
    return RandomEffects(
        mean=mean,
        lower=mean - half,
        upper=mean + half,
        prediction_lower=None if reach is None else mean - reach,
        prediction_upper=None if reach is None else mean + reach,
        tau2=tau2,
        k=k,
        method="DerSimonian–Laird, Hartung–Knapp with max(1, q)",
    )


def pooled_auc(estimates: Sequence[Estimate], level: float = 0.95, name: str = "auc") -> SitePooled:
    """Pool the AUCs of sites on the logit scale.

    Parameters
    ----------
    estimates : sequence of Estimate
        One per site, with logit intervals such as :func:`exodx.stats.auc_delong` gives. The standard error is read from
        the width of the interval. Sites without an interval are left out.
    level : float
        Confidence level of the pooled and of the prediction interval.
    name : str
        Name of the pooled estimate.

    Returns
    -------
    SitePooled
        With one usable site its own estimate (at its own level) under the new name; with none a reason. ``n`` is the
        number of specimens of the sites used.

    Notes
    -----
    A site with an AUC of exactly 1 has an infinite logit and an exact bound ``L = (α/2)^(1/m)``. It enters by its
    median-unbiased value ``(1/2)^(1/m)``, the AUC at which so perfect a sample is as likely as not, and by the distance
    from there to the bound. An AUC of 0 is treated as its mirror image.
    See :func:`random_effects` for the formulas.
    """
    usable = [site for site in estimates if site.lower is not None]
    if not usable:
        reason = f"none of {len(estimates)} site(s) has an AUC with an interval"
        return SitePooled(Estimate(name, None, None, None, level=level, reason=reason), None, None, None)
    if len(usable) == 1:
        only = usable[0]
        return SitePooled(replace(only, name=name, method=f"one usable site: {only.method}"), None, None, None)
    centres, errors = zip(*(_on_logit_scale(site) for site in usable), strict=True)
    pooled = random_effects(centres, errors, level)
    estimate = Estimate(
        name,
        float(expit(pooled.mean)),
        float(expit(pooled.lower)),
        float(expit(pooled.upper)),
        level=level,
        method=f"{pooled.method}, logit scale, {pooled.k} sites",
        n=sum(site.n for site in usable),
    )
    return SitePooled(estimate, _back(pooled.prediction_lower), _back(pooled.prediction_upper), pooled.tau2)


def _between_variance(y: Floats, se: Floats) -> float:
    """Return the DerSimonian–Laird tau²."""
    weight = 1 / se**2
    total = weight.sum()
    excess = weight @ (y - weight @ y / total) ** 2 - (y.size - 1)
    return max(0.0, float(excess / (total - weight @ weight / total)))


def _on_logit_scale(site: Estimate) -> tuple[float, float]:
    """Return the logit AUC of a site with an interval, and its standard error."""
    value, lower, upper = (float(number) for number in (site.value, site.lower, site.upper) if number is not None)
    if value == 1:
        return _perfect(lower, site.level)
    if value == 0:
        centre, error = _perfect(1 - upper, site.level)
        return -centre, error
    return float(logit(value)), float(logit(upper) - logit(lower)) / (2 * normal_quantile(site.level))


def _perfect(bound: float, level: float) -> tuple[float, float]:
    """Return centre and standard error of a site without a mistake, from its exact lower bound."""
    centre = float(logit(bound ** (log(0.5) / log((1 - level) / 2))))
    return centre, (centre - float(logit(bound))) / normal_quantile(level)


def _back(value: float | None) -> float | None:
    return None if value is None else float(expit(value))

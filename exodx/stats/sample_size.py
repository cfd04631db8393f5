"""How many specimens a study needs: to develop a model, to validate one, and to tell an AUC with a given precision."""

from __future__ import annotations

from dataclasses import dataclass
from math import asinh, ceil, exp, inf, log, log1p, sqrt

import numpy as np
from scipy.special import expit, log_expit, logit, ndtri

from exodx.stats.inputs import Floats, normal_quantile

Z = 1.96  # as in pmsampsize, where oracles come from
SHRINKAGE, MARGIN, OPTIMISM = 0.9, 0.05, 0.05
NODES = 4001
REACH = 9.0
STRONG, STRONGER = 0.85, 0.9
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Criterion:
    """One demand on the number of specimens.

    Parameters
    ----------
    name : str
        Short name.
    meaning : str
        What is assured with this many.
    n : int
        Specimens needed for it.
    """

    name: str
    meaning: str
    n: int


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Specimens needed, and which demand decides.

    Parameters
    ----------
    criteria : tuple of Criterion
    prevalence : float
        Share of cases among the specimens of the study.
    notes : tuple of str
        What to tell beside it.
    """

    criteria: tuple[Criterion, ...]
    prevalence: float
    notes: tuple[str, ...] = ()

    @property
    def deciding(self) -> Criterion:
        """The criterion that needs most."""
        return max(self.criteria, key=lambda c: c.n)

    @property
    def n(self) -> int:
        """Specimens of independent subjects, in all."""
        return self.deciding.n

    @property
    def cases(self) -> int:
        """Cases among them, rounded up."""
        return ceil(self.n * self.prevalence - ROUNDING)


def max_cox_snell(prevalence: float) -> float:
    """Return the highest Cox–Snell R² that a model can have at a prevalence.

    >>> round(max_cox_snell(0.5), 4), round(max_cox_snell(0.174), 4)
    (0.75, 0.6032)
    """
    _check_prevalence(prevalence)
    return 1 - exp(2 * _null_likelihood(prevalence))


def cox_snell_from_auc(auc: float, prevalence: float) -> float:
    """Return the Cox–Snell R² of a model with this AUC whose log-odds are normal in either class with equal variances.

    Such log-odds are ``logit π ± μ²/2`` with standard deviation μ = √2 Φ⁻¹(AUC). The expected log-likelihood is integrated on a
    fixed grid, where pmsampsize draws random specimens.

    Parameters
    ----------
    auc : float
        From 0.5 to less than 1.
    prevalence : float
        Share of cases, strictly between 0 and 1.

    Raises
    ------
    ValueError
        If either is out of range.

    References
    ----------
    Riley, Van Calster and Collins 2021, 10.1002/sim.8806.

    Examples
    --------
    >>> round(cox_snell_from_auc(0.8, 0.5), 4)
    0.2608
    """
    cases, controls, weight = _log_odds(auc, prevalence)
    likelihood = prevalence * weight @ log_expit(cases) + (1 - prevalence) * weight @ log_expit(-controls)
    return max(0.0, 1 - exp(2 * (_null_likelihood(prevalence) - float(likelihood))))


def riley_sample_size(
    prevalence: float, parameters: int, r2: float | None = None, auc: float | None = None, shrinkage: float = SHRINKAGE
) -> SampleSize:
    """Return the specimens needed to develop a model of a binary outcome, by Riley's three criteria.

    Parameters
    ----------
    prevalence : float
        Share of cases in the study, strictly between 0 and 1.
    parameters : int
        Candidate parameters, all that were looked at: for trees, at least their leaves.
    r2 : float, optional
        Cox–Snell R² to expect; this or ``auc``.
    auc : float, optional
        AUC to expect, from 0.5 to less than 1; turned into R² by :func:`cox_snell_from_auc`. From .85 the first criterion is
        raised by half and from .9 doubled, since it is known to fall short there.
    shrinkage : float
        Shrinkage that is accepted, strictly between 0 and 1.

    Returns
    -------
    SampleSize

    Raises
    ------
    ValueError
        If a number is out of range, R² is above what the prevalence allows, or not exactly one of ``r2`` and ``auc`` is given.

    Notes
    -----
    The first criterion is an approximation. With ten features, one of which carries the AUC, 1,000 simulated studies of its size
    had a mean calibration slope of .91 at an AUC of .65, .88 at .75 and .86 at .8, where .9 is aimed at.

    References
    ----------
    Riley 2019, 10.1002/sim.7992; Riley 2020, 10.1136/bmj.m441; strong models: Pavlou 2024, 10.1186/s12874-024-02268-5.

    Examples
    --------
    >>> size = riley_sample_size(0.174, 24, r2=0.288)
    >>> [criterion.n for criterion in size.criteria], size.n
    ([623, 662, 221], 662)
    """
    highest = max_cox_snell(prevalence)
    if (r2 is None) == (auc is None):
        raise ValueError("give either r2 or auc, and not both.")
    if parameters < 1 or parameters != int(parameters):
        raise ValueError(f"parameters is {parameters}; give a whole number of at least 1.")
    if not 0 < shrinkage < 1:
        raise ValueError(f"shrinkage is {shrinkage}; give a share strictly between 0 and 1, e.g. 0.9.")
    explained = cox_snell_from_auc(auc, prevalence) if auc is not None else float(r2 if r2 is not None else 0.0)
    if not ROUNDING < explained < min(highest, shrinkage):
        raise ValueError(
            f"R² is {explained:.3g}; at prevalence {prevalence:g} it must lie above 0 and below {min(highest, shrinkage):.3g}."
        )
    raised, notes = _raised(auc)
    second = explained / (explained + OPTIMISM * highest)
    return SampleSize(
        (
            Criterion(
                "shrinkage",
                f"predictors' effects overfitted by no more than {100 * (1 - shrinkage):g} %",
                ceil(raised * _size_for_shrinkage(parameters, explained, shrinkage) - ROUNDING),
            ),
            Criterion(
                "optimism",
                f"apparent Nagelkerke R² no more than {OPTIMISM:g} above the true one",
                ceil(_size_for_shrinkage(parameters, explained, second) - ROUNDING),
            ),
            Criterion(
                "overall risk",
                f"share of cases known to ±{MARGIN:g}",
                ceil((Z / MARGIN) ** 2 * prevalence * (1 - prevalence) - ROUNDING),
            ),
        ),
        prevalence,
        notes,
    )


def validation_sample_size(
    prevalence: float, auc: float, oe_width: float = 0.2, slope_width: float = 0.2, auc_width: float = 0.1
) -> SampleSize:
    """Return the specimens needed to validate a frozen model, so that three intervals of 95 % are no wider than wanted.

    Parameters
    ----------
    prevalence : float
        Share of cases in the validation cohort, strictly between 0 and 1.
    auc : float
        AUC to expect, above 0.5 and below 1. The log-odds are taken as normal in either class and calibrated, as in
        :func:`cox_snell_from_auc`.
    oe_width, slope_width, auc_width : float
        Widths of the intervals of observed:expected (around 1), of the calibration slope (around 1) and of the AUC.

    Returns
    -------
    SampleSize

    Raises
    ------
    ValueError
        If a number is out of range.

    Notes
    -----
    O:E: ``(1 − π)/(π s²)`` with ``s = asinh(width/2)/1.96``. Slope: ``I_α / (s² (I_α I_β − I_αβ²))`` with the information of a
    logistic recalibration, integrated over the log-odds. AUC: Newcombe's standard error.

    References
    ----------
    Riley 2021, 10.1002/sim.9025; AUC: Newcombe 2006, 10.1002/sim.2324.

    Examples
    --------
    >>> [c.n for c in validation_sample_size(0.018, 0.8, oe_width=1.0).criteria if c.name != "calibration slope"]
    [906, 4252]
    """
    for name, width in (("oe_width", oe_width), ("slope_width", slope_width), ("auc_width", auc_width)):
        if not width > 0:
            raise ValueError(f"{name} is {width}; give the width of an interval, above 0.")
    cases, controls, weight = _log_odds(auc, prevalence)
    if auc <= 0.5:
        raise ValueError("an AUC of 0.5 has no calibration slope to tell; give the AUC to expect, above 0.5.")
    information = prevalence * _information(cases, weight) + (1 - prevalence) * _information(controls, weight)
    alpha, both, beta = (float(part) for part in information)
    spread = alpha / (alpha * beta - both**2)
    return SampleSize(
        (
            Criterion(
                "observed:expected",
                f"interval of O:E no wider than {oe_width:g}",
                ceil((1 - prevalence) / prevalence / (asinh(oe_width / 2) / Z) ** 2 - ROUNDING),
            ),
            Criterion(
                "calibration slope",
                f"interval of the slope no wider than {slope_width:g}",
                ceil(spread / (slope_width / (2 * Z)) ** 2 - ROUNDING),
            ),
            Criterion("AUC", f"interval of the AUC no wider than {auc_width:g}", _size_for_auc(auc, prevalence, auc_width)),
        ),
        prevalence,
    )


def hanley_mcneil_se(auc: float, cases: int, controls: int) -> float:
    """Return the standard error of an AUC to expect with so many cases and controls.

    Raises
    ------
    ValueError
        If the AUC is not within [0, 1] or a class is empty.

    References
    ----------
    Hanley and McNeil 1982, 10.1148/radiology.143.1.7063747.

    Examples
    --------
    >>> round(hanley_mcneil_se(0.8, 50, 50), 4)
    0.0445
    """
    if not 0 <= auc <= 1 or min(cases, controls) < 1:
        raise ValueError(f"AUC is {auc} with {cases} cases and {controls} controls; give 0 to 1 and at least one of each.")
    two_cases, two_controls = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    variance = auc * (1 - auc) + (cases - 1) * two_cases + (controls - 1) * two_controls
    return sqrt(variance / (cases * controls))


def hanley_mcneil_size(auc: float, half_width: float, cases_share: float = 0.5, level: float = 0.95) -> int:
    """Return the specimens in all that tell an AUC to ± ``half_width``, by :func:`hanley_mcneil_se` on the plain scale.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> hanley_mcneil_size(0.8, 0.05)
    302
    """
    _check_prevalence(cases_share)
    if not 0 < half_width < 1 or not 0.5 <= auc < 1:
        raise ValueError(f"AUC is {auc} ± {half_width}; give an AUC from 0.5 to less than 1 and a half width between 0 and 1.")
    target = half_width / normal_quantile(level)

    def small_enough(n: int) -> bool:
        cases = round(n * cases_share)
        return 0 < cases < n and hanley_mcneil_se(auc, cases, n - cases) <= target

    high = 2
    while not small_enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if small_enough(middle) else (middle, high)
    return high


def _raised(auc: float | None) -> tuple[float, tuple[str, ...]]:
    if auc is None or auc < STRONG - ROUNDING:
        return 1.0, ()
    factor = 2.0 if auc >= STRONGER - ROUNDING else 1.5
    return factor, (f"The first criterion falls short for an AUC from {STRONG:g}; here it is multiplied by {factor:g}.",)


def _size_for_shrinkage(parameters: int, r2: float, shrinkage: float) -> float:
    """Return the n at which a model with this R² has this expected shrinkage."""
    inside = -r2 / shrinkage
    return parameters / ((shrinkage - 1) * log1p(inside)) if inside > -1 else inf


def _size_for_auc(auc: float, prevalence: float, width: float) -> int:
    """Return the least n at which Newcombe's interval is narrow enough: the root of a quadratic."""
    spread = (1 - auc) / (2 - auc) + auc / (1 + auc)
    scale = auc * (1 - auc) / (prevalence * (1 - prevalence) * (width / (2 * Z)) ** 2)
    half = scale * spread / 2  # n² = scale (1 − spread) + half n
    root = (half + sqrt(max(half**2 + 4 * scale * (1 - spread), 0.0))) / 2
    return max(2, ceil(root - ROUNDING))


def _log_odds(auc: float, prevalence: float) -> tuple[Floats, Floats, Floats]:
    """Return log-odds of cases and of controls on a grid, and the weights of the grid, which add up to 1."""
    _check_prevalence(prevalence)
    if not 0.5 <= auc < 1:
        raise ValueError(f"auc is {auc}; give the AUC to expect, from 0.5 to less than 1.")
    gap = sqrt(2) * float(ndtri(auc))
    z = np.linspace(-REACH, REACH, NODES)
    weight = np.exp(-(z**2) / 2)
    base = float(logit(prevalence))
    return base + gap**2 / 2 + gap * z, base - gap**2 / 2 + gap * z, weight / weight.sum()


def _information(log_odds: Floats, weight: Floats) -> Floats:
    """Return the information of intercept, of both and of slope, for one specimen of a class."""
    curvature = weight * expit(log_odds) * expit(-log_odds)
    return np.array([curvature.sum(), curvature @ log_odds, curvature @ log_odds**2])


def _null_likelihood(prevalence: float) -> float:
    return prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)


def _check_prevalence(prevalence: float) -> None:
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence is {prevalence}; give a share strictly between 0 and 1, e.g. 0.2.")

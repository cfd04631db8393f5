"""From out-of-fold margins to a calibrator and a threshold."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from exodx.errors import InputRefused, Problem
from exodx.frozen import Calibrator, Threshold
from exodx.panel import StudyPlan
from exodx.stats import (
    ChosenThreshold,
    Estimate,
    conformal_rule,
    find_grey_zone,
    fit_logistic,
    prior_shift,
    threshold_by_cost,
    threshold_for_sensitivity,
    threshold_for_specificity,
    threshold_variability,
    threshold_youden,
)

Floats = NDArray[np.float64]

MIN_SLOPE = 0.01
"""Margins without signal would calibrate to a flat or falling line; the slope stays just above zero, so that ranks stay."""

ROUNDING = 1e-9

RESOLUTION = 1e-6
"""Margins are single precision: relative to their size, a smaller spread is rounding."""


def fit_calibrator(margin: Floats, y: NDArray[np.int8]) -> Calibrator:
    """Fit slope and intercept on out-of-fold margins (Platt's smoothed targets: Lin, Lin and Weng 2007, 10.1007/s10994-007-5018-6).

    Parameters
    ----------
    margin : ndarray, shape (n,)
        Log-odds of specimens that took no part in fitting the trees.
    y : ndarray of 0/1, shape (n,)
    """
    target = smoothed(y)
    outcome, weight = np.repeat([1.0, 0.0], len(y)), np.concatenate([target, 1 - target])
    spread = float(margin.std())
    if spread > RESOLUTION * float(np.abs(margin).max()):
        design = np.column_stack([np.ones(2 * len(y)), np.tile(margin / spread, 2)])
        coefficients, _ = fit_logistic(design, outcome, weights=weight)
        if coefficients[1] / spread >= MIN_SLOPE:
            return Calibrator(float(coefficients[1] / spread), float(coefficients[0]))
    offset = np.tile(MIN_SLOPE * margin, 2)
    intercept, _ = fit_logistic(np.ones((2 * len(y), 1)), outcome, offset=offset, weights=weight)
    return Calibrator(MIN_SLOPE, float(intercept[0]))


def smoothed(y: NDArray[np.int8]) -> Floats:
    """Return Platt's targets: a little inside 0 and 1, the more so the fewer specimens of a class there are.

    >>> smoothed(np.array([1, 0, 0])).round(3).tolist()
    [0.667, 0.25, 0.25]
    """
    n1, n0 = int(y.sum()), int(len(y) - y.sum())
    return np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))


def require_subjects(y: NDArray[np.int8], subjects: NDArray[np.intp], plan: StudyPlan) -> None:
    """Refuse what is too small for the coverage that a plan asks for: ⌈1/α⌉ − 1 subjects of each class, α = 1 − coverage.

    Raises
    ------
    InputRefused
        ``TOO_FEW_SPECIMENS``, with the number that is needed.
    """
    needed = ceil(1 / (1 - plan.target_value) - ROUNDING) - 1 if plan.target == "conformal" else 0
    positive, negative = (len(np.unique(subjects[y == label])) for label in (1, 0))
    if min(positive, negative) < needed:
        found = f"{positive} positive and {negative} negative subjects can be learned from at once"
        fix = (
            f"Conformal sets of coverage {plan.target_value:g} need {needed} of each class in every training part (an outer fold "
            "takes its share): collect more, or ask for a lower target_value."
        )
        raise InputRefused(Problem("TOO_FEW_SPECIMENS", "cohort", found, fix))


def choose_threshold(
    probability: Floats, y: NDArray[np.int8], plan: StudyPlan, subjects: NDArray[np.intp] | None = None
) -> Threshold:
    """Choose the threshold that a plan asks for, and the grey zone where it asks for one.

    ``sensitivity`` (or ``specificity``): keeps the target value of it out of fold, and the most of the other. ``youden``: the
    largest sum. ``cost``: the risk at which a positive call is worth its harm, brought from the prevalence of use to the share of
    cases that the probabilities hold at. The grey zone lies between the thresholds that keep the target value of each; where one
    threshold keeps both there is none. ``conformal``: the label of a class is kept where the conformal p-value within that class is
    above 1 − target value (Vovk 2012, arXiv 1209.2673), which with two classes is two limits on the probability.

    Parameters
    ----------
    probability : ndarray, shape (n,)
        Calibrated, out of fold.
    y : ndarray of 0/1, shape (n,)
    plan : StudyPlan
    subjects : ndarray of int, shape (n,), optional
        Subject of each specimen; conformal limits are learned from the first specimen of each, in either class.
    """
    counts = int((y == 1).sum()), int((y == 0).sum())
    if plan.target == "cost" and plan.harm_ratio is not None and plan.prevalence is not None:
        risk = prior_shift([threshold_by_cost(plan.harm_ratio)], plan.prevalence, float(y.mean()))
        return Threshold(float(risk[0]), plan.target, plan.harm_ratio, *counts)
    if plan.target == "conformal":
        return _conformal(probability, y, plan.target_value, np.arange(len(y)) if subjects is None else subjects)
    value = _chosen(y == 1, probability, plan).value
    target = 0.0 if plan.target == "youden" else plan.target_value
    zone = find_grey_zone(y, probability, plan.target_value, plan.target_value) if plan.grey_zone else None
    if zone is None or zone.lower == zone.upper:
        return Threshold(value, plan.target, target, *counts)
    return Threshold(value, plan.target, target, *counts, zone.lower, zone.upper)


def threshold_range(probability: Floats, y: NDArray[np.int8], subjects: NDArray[np.intp], plan: StudyPlan) -> Estimate:
    """Return the threshold with what other cohorts of this size would have chosen (bootstrap of subjects).

    One by cost is not learned from specimens, so it has no such range; a conformal one is two limits, told by their coverage.
    """
    if plan.target == "conformal":
        value = choose_threshold(probability, y, plan, subjects).value
        return Estimate("threshold", value, None, None, n=len(y), reason="conformal limits are told by their coverage")
    if plan.target == "cost":
        value = choose_threshold(probability, y, plan).value
        return Estimate("threshold", value, None, None, n=len(y), reason="it follows from harm ratio and prevalence")
    return threshold_variability(y, probability, lambda case, p: _chosen(case, p, plan), subjects)


def _conformal(probability: Floats, y: NDArray[np.int8], coverage: float, subjects: NDArray[np.intp]) -> Threshold:
    """Put each label's limit half way to the next probability that it would leave out, where rounding cannot change a call."""
    rows = np.unique(np.column_stack([subjects, y]), axis=0, return_index=True)[1]
    p, case = probability[rows], y[rows] == 1
    rule = conformal_rule(case, p, 1 - coverage)
    last_control, first_case = float(rule.control), float(p[case & (1 - p <= rule.case)].min())
    until = (last_control + float(p[p > last_control].min(initial=1.0))) / 2
    value = (first_case + float(p[p < first_case].max(initial=0.0))) / 2
    zone = (None, None) if value == until else (min(value, until), max(value, until))
    return Threshold(value, "conformal", coverage, int(case.sum()), int((~case).sum()), *zone)


def _chosen(case: NDArray[np.bool_], probability: Floats, plan: StudyPlan) -> ChosenThreshold:
    if plan.target == "youden":
        return threshold_youden(case, probability)
    choose = threshold_for_sensitivity if plan.target == "sensitivity" else threshold_for_specificity
    return choose(case, probability, plan.target_value)

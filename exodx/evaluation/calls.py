"""The calls that each outer fold's own threshold, grey zone or conformal limits make, and how right they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from exodx.evaluation.estimates import accuracy_estimates, coverage_estimates, zone_estimates
from exodx.frozen.calibrator import probability
from exodx.frozen.threshold import label_sets
from exodx.stats import Estimate
from exodx.training import CrossValidation


def call_estimates(
    y: NDArray[np.int8], runs: CrossValidation, scored: NDArray[np.bool_], subjects: NDArray[np.intp], prevalence: float | None
) -> list[Estimate]:
    """Return the accuracy of calls out of fold, and the coverage of conformal sets where the plan asks for them.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    runs : CrossValidation
        R repeats.
    scored : ndarray of bool, shape (n,)
        Specimens that count: scored in every repeat.
    subjects : ndarray of int, shape (n,)
    prevalence : float, optional
    """
    positive, negative = calls_of(runs)
    held = y[scored], positive[:, scored], negative[:, scored], subjects[scored]
    if all(choice.zone is None for choice in runs.choices):
        found = accuracy_estimates(held[0], held[1], held[3], prevalence)
    else:
        found = zone_estimates(*held, prevalence)
    return found + _coverage(y, runs, scored, subjects)


def calls_of(runs: CrossValidation) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which specimens are called positive and which negative by each fold's own threshold or zone, both of shape (R, n)."""
    positive, negative = runs.positive.copy(), ~runs.positive
    for choice in runs.choices:
        if choice.zone is not None:
            rows = runs.folds[choice.repeat] == choice.fold
            p = probability(runs.margin[choice.repeat, rows])
            positive[choice.repeat, rows], negative[choice.repeat, rows] = p >= choice.zone[1], p < choice.zone[0]
    return positive, negative


def _coverage(y: NDArray[np.int8], runs: CrossValidation, scored: NDArray[np.bool_], subjects: NDArray[np.intp]) -> list[Estimate]:
    """Return the coverage of conformal sets by each outer fold's own limits; none where the criterion is another."""
    if not all(choice.criterion == "conformal" for choice in runs.choices):
        return []
    control, case = np.zeros((2, *runs.folds.shape), bool)
    for choice in runs.choices:
        rows = runs.folds[choice.repeat] == choice.fold
        p = probability(runs.margin[choice.repeat, rows])
        control[choice.repeat, rows], case[choice.repeat, rows] = label_sets(p, choice.threshold, choice.zone)
    return coverage_estimates(y[scored], control[:, scored], case[:, scored], subjects[scored])


def first_row(runs: CrossValidation) -> CrossValidation:
    """Return the first repeat (of the temporal design: the cut) by itself."""
    choices = tuple(choice for choice in runs.choices if choice.repeat == 0)
    return replace(runs, folds=runs.folds[:1], margin=runs.margin[:1], positive=runs.positive[:1], choices=choices)

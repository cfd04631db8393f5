"""Estimates of calls and probabilities, from R repeats (one, for a frozen model on a new cohort) over n specimens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort, QCReport, site_folds
from exodx.evaluation.metrics import METRICS
from exodx.frozen.calibrator import probability
from exodx.frozen.measurements import Status, status_of
from exodx.stats import (
    Confusion,
    Estimate,
    auc_cross_validated,
    brier_estimate,
    calibration_intercept,
    calibration_slope,
    log_loss_estimate,
    predictive_values,
    sensitivity,
    specificity,
    wilson,
)

NO_PREVALENCE = "no prevalence of use is stated (plan or panel: prevalence = …); a case-control share is not a prevalence"

AS_ERRORS = "indeterminates count as errors"
"""Ends the method of a sensitivity or specificity that counts them so."""


def accuracy_estimates(
    y: NDArray[np.int8], positive: NDArray[np.bool_], subjects: NDArray[np.intp], prevalence: float | None
) -> list[Estimate]:
    """Return sensitivity, specificity, PPV and NPV of calls.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    positive : ndarray of bool, shape (R, n)
        Counts are averaged over repeats. Where subjects have several specimens, counts are scaled down to the number of subjects,
        so that intervals are not narrower than the subjects allow.
    subjects : ndarray of int, shape (n,)
    prevalence : float, optional
    """
    counts = _counts(y, positive, subjects)
    return [sensitivity(counts), specificity(counts), *_predictive(counts, counts, prevalence)]


def zone_estimates(
    y: NDArray[np.int8],
    positive: NDArray[np.bool_],
    negative: NDArray[np.bool_],
    subjects: NDArray[np.intp],
    prevalence: float | None,
) -> list[Estimate]:
    """Return the accuracy of calls that may be indeterminate, told both ways.

    ``sensitivity`` and ``specificity`` count indeterminates as errors, ``…_of_calls`` leave them out (Schuetz 2012,
    10.1136/bmj.e6717). PPV is of positive calls, NPV of negative ones.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    positive, negative : ndarray of bool, shape (R, n)
        Neither where a specimen is indeterminate.
    subjects : ndarray of int, shape (n,)
    prevalence : float, optional
    """
    high, low = _counts(y, positive, subjects), _counts(y, ~negative, subjects)
    errors = Confusion(tp=high.tp, fn=high.fn, fp=low.fp, tn=low.tn)
    called = Confusion(tp=high.tp, fn=low.fn, fp=high.fp, tn=low.tn)
    n = high.cases + high.controls
    unsure = max(n - called.cases - called.controls, 0.0)
    lower, upper = wilson(unsure, n)
    return [
        *(replace(e, method=f"{e.method}, {AS_ERRORS}") for e in (sensitivity(errors), specificity(errors))),
        replace(sensitivity(called), name="sensitivity_of_calls"),
        replace(specificity(called), name="specificity_of_calls"),
        Estimate("indeterminate", unsure / n, lower, upper, method="Wilson", n=round(n)),
        *_predictive(high, low, prevalence),
    ]


def coverage_estimates(
    y: NDArray[np.int8], control_kept: NDArray[np.bool_], case_kept: NDArray[np.bool_], subjects: NDArray[np.intp]
) -> list[Estimate]:
    """Return the share of either class whose conformal set holds the true label.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    control_kept, case_kept : ndarray of bool, shape (R, n)
        Whether the label of a control, and of a case, is in the specimen's set.
    subjects : ndarray of int, shape (n,)
    """
    positive = replace(sensitivity(_counts(y, case_kept, subjects)), name="conformal_coverage_positive")
    negative = replace(specificity(_counts(y, ~control_kept, subjects)), name="conformal_coverage_negative")
    return [positive, negative]


def _counts(y: NDArray[np.int8], positive: NDArray[np.bool_], subjects: NDArray[np.intp]) -> Confusion:
    """Count calls as means over repeats, scaled down to the number of subjects."""
    shrink = {label: len(np.unique(subjects[y == label])) / max(int((y == label).sum()), 1) for label in (0, 1)}
    rate = positive.mean(axis=0)
    return Confusion(
        tp=float(rate[y == 1].sum()) * shrink[1],
        fn=float((1 - rate[y == 1]).sum()) * shrink[1],
        fp=float(rate[y == 0].sum()) * shrink[0],
        tn=float((1 - rate[y == 0]).sum()) * shrink[0],
    )


def _predictive(high: Confusion, low: Confusion, prevalence: float | None) -> list[Estimate]:
    """Return the PPV of what is called positive by the first table, the NPV of what is called negative by the second."""
    if prevalence is None:
        return [Estimate(name, None, None, None, reason=NO_PREVALENCE) for name in ("ppv", "npv")]
    return [predictive_values(high, prevalence)[0], predictive_values(low, prevalence)[1]]


def probability_estimates(y: NDArray[np.int8], margin: NDArray[np.float64], subjects: NDArray[np.intp]) -> list[Estimate]:
    """Return Brier score, log loss, calibration slope and intercept, each the mean of its R repeats (values and limits)."""
    rows = [probability(m) for m in margin]
    return [
        mean_over_repeats([brier_estimate(y, p, subjects) for p in rows]),
        mean_over_repeats([log_loss_estimate(y, p, subjects) for p in rows]),
        mean_over_repeats([calibration_slope(y, p, subjects) for p in rows]),
        mean_over_repeats([calibration_intercept(y, p, subjects) for p in rows]),
    ]


def metric_estimates(y: NDArray[np.int8], margin: NDArray[np.float64], subjects: NDArray[np.intp]) -> list[Estimate]:
    """Return what each metric of :mod:`exodx.evaluation.metrics` tells of R repeats: the mean of its values and limits."""
    return [mean_over_repeats([metric.judge(y, probability(m), subjects) for m in margin]) for metric in METRICS]


def mean_over_repeats(repeats: Sequence[Estimate]) -> Estimate:
    """Return the mean over repeats; an estimate that failed in a repeat keeps its reason."""
    failed = next((e for e in repeats if e.value is None or e.lower is None or e.upper is None), None)
    if failed is not None:
        return failed
    value, lower, upper = np.array([(e.value, e.lower, e.upper) for e in repeats], float).mean(axis=0).tolist()
    return replace(repeats[0], value=value, lower=lower, upper=upper)


def site_auc(y: NDArray[np.int8], margin: NDArray[np.float64], subjects: NDArray[np.intp]) -> Estimate:
    """Return the AUC of one site's specimens by one model, its interval clustered by subject; or the reason why not."""
    if len(np.unique(y)) < 2:
        reason = "the site holds one class only" if len(y) else "too little is left to learn from without the site"
        return Estimate("auc", None, None, None, n=len(y), reason=reason)
    return auc_cross_validated(y, margin[None], np.zeros((1, len(y)), np.intp), subjects, name="auc")


def flow_counts(cohort: Cohort, scored: NDArray[np.bool_]) -> dict[str, int]:
    """Return how many specimens came, stayed and were scored (STARD's flow)."""
    flow = {
        "specimens read": len(cohort) + cohort.left_out,
        "without reference standard": cohort.left_out,
        "specimens": len(cohort),
        "subjects": len(np.unique(cohort.subjects)),
        "positive": int(cohort.y.sum()),
        "negative": int((1 - cohort.y).sum()),
        "scored": int(scored.sum()),
        "not reported": int((~scored).sum()),
    }
    names = site_folds(cohort.sites)[1]
    return flow | ({"sites": len(names)} if names else {})


def quality_counts(report: QCReport, flags: NDArray[np.uint32]) -> dict[str, int]:
    """Return how many specimens have each status, and how many each rule flags or refuses.

    Parameters
    ----------
    report : QCReport
    flags : ndarray of uint32, shape (n,)
        Reasons of the whole frozen transform.
    """
    statuses = Counter(status_of(int(flag)) for flag in flags)
    rules = Counter(f"{finding.rule}/{finding.action}" for finding in report.findings)
    return {str(status).lower(): statuses[status] for status in Status} | dict(sorted(rules.items()))

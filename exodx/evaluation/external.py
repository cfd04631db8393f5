"""Evaluation of a frozen model on a cohort it never saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort, site_folds
from exodx.errors import InputRefused, Problem
from exodx.evaluation.audits import audit_cohort, audit_discrimination, audit_model, audit_origin
from exodx.evaluation.benefit_curve import benefit_curve
from exodx.evaluation.curves import calibration_bins, roc_band
from exodx.evaluation.estimates import (
    accuracy_estimates,
    coverage_estimates,
    flow_counts,
    metric_estimates,
    probability_estimates,
    site_auc,
    zone_estimates,
)
from exodx.evaluation.evaluation import Evaluation, Headline, SiteResult
from exodx.evaluation.explanations import summarise_explanation
from exodx.evaluation.mix_ups import audit_mix_ups
from exodx.evaluation.replicate_audits import audit_replicates, technical_replicates
from exodx.evaluation.shift import audit_shift, cohort_shift
from exodx.evaluation.subgroups import subgroups
from exodx.evaluation.utility import benefit_estimates, observed_estimate
from exodx.evaluation.value_audits import audit_values
from exodx.frozen import DiagnosticModel
from exodx.frozen.threshold import NEGATIVE, POSITIVE, label_sets
from exodx.stats import Estimate, auc_cross_validated

SEED = 0
"""Of the ROC band's bootstrap: an evaluation of the same cohort gives the same bytes."""


def evaluate_external(model: DiagnosticModel, cohort: Cohort, prevalence: float | None) -> Evaluation:
    """Evaluate a frozen model; nothing is learned from the cohort.

    Raises
    ------
    InputRefused
        When fewer than two specimens of a class can be scored.
    """
    cohort = cohort.sorted()
    prediction = model.predict(cohort.measurements, cohort.ids)
    scored = prediction.is_scored
    y, subjects, margin = cohort.y[scored], cohort.subjects[scored], prediction.margin[scored]
    if np.bincount(y, minlength=2).min() < 2:
        found = f"{int(y.sum())} positive and {int((1 - y).sum())} negative specimens could be scored"
        raise InputRefused(Problem("TOO_FEW_SPECIMENS", cohort.source, found, "An evaluation needs both classes."))
    one_fold = np.zeros((1, len(y)), np.intp)
    positive, negative = ((np.array(prediction.call) == call)[scored] for call in (POSITIVE, NEGATIVE))
    auc = auc_cross_validated(y, margin[None], one_fold, subjects, name="auc")
    estimates = [
        auc,
        *(
            accuracy_estimates(y, positive[None], subjects, prevalence)
            if model.threshold.zone is None
            else zone_estimates(y, positive[None], negative[None], subjects, prevalence)
        ),
        *_coverage(model, y, prediction.probability[scored], subjects),
        *probability_estimates(y, margin[None], subjects),
        *metric_estimates(y, margin[None], subjects),
        observed_estimate(y, margin, subjects),
        *benefit_estimates(y, positive, subjects, model.threshold.positive_from, model.provenance.share_positive, prevalence),
    ]
    features = model.featurise(cohort.measurements)
    summaries = summarise_explanation(model, model.explain(cohort.measurements), features)
    shift = cohort_shift(model, cohort, features, prediction.margin)
    findings = [
        *audit_origin(cohort, model),
        *audit_cohort(cohort, features, cohort.subjects % 5),
        *audit_values(cohort),
        *audit_replicates(cohort, technical_replicates(cohort, features, np.zeros(len(cohort), np.intp))),
        *audit_discrimination(auc, model.reference.get("auc")),
        *audit_model(estimates, summaries),
        *audit_shift(shift),
        *audit_mix_ups(model, cohort, features),
    ]
    return Evaluation(
        title=f"The frozen model on {cohort.source}",
        headline=Headline("AUC", auc.value, auc.lower, auc.upper, "external cohort"),
        estimates=tuple(estimates),
        findings=tuple(findings),
        flow=flow_counts(cohort, scored),
        roc=roc_band(y, margin, subjects, SEED),
        calibration=calibration_bins(y, prediction.probability[scored]),
        sites=_sites(cohort, scored, prediction.margin),
        features=summaries,
        subgroups=subgroups(cohort, prediction.margin),
        shift=shift,
        benefit_curve=benefit_curve(
            y, margin[None], subjects, model.provenance.share_positive, prevalence, model.threshold.positive_from
        ),
    )


def _coverage(model: DiagnosticModel, y: NDArray[np.int8], p: NDArray[np.float64], subjects: NDArray[np.intp]) -> list[Estimate]:
    if model.threshold.criterion != "conformal":
        return []
    control, case = label_sets(p[None], model.threshold.value, model.threshold.zone)
    return coverage_estimates(y, control, case, subjects)


def _sites(cohort: Cohort, scored: NDArray[np.bool_], margin: NDArray[np.float64]) -> tuple[SiteResult, ...]:
    folds, names = site_folds(cohort.sites)
    y, subjects = cohort.y, cohort.subjects
    results = []
    for code, site in enumerate(names if len(names) > 1 else ()):
        here = folds == code
        rows = here & scored
        results.append(SiteResult(site, int(here.sum()), int(y[here].sum()), site_auc(y[rows], margin[rows], subjects[rows])))
    return tuple(results)

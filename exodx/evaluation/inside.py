"""Evaluation of the procedure inside its cohort: nested cross-validation, and held-out sites where there are any."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort, quality_report
from exodx.errors import InputRefused, Problem
from exodx.evaluation.assay_audits import audit_assay, audit_censoring, audit_references
from exodx.evaluation.audits import Finding, audit_cohort, audit_learned, audit_model, audit_sites, audit_threshold
from exodx.evaluation.benefit_curve import benefit_curve
from exodx.evaluation.calls import call_estimates, calls_of
from exodx.evaluation.cohort_audits import audit_file
from exodx.evaluation.compared import audit_compared, compared_estimates
from exodx.evaluation.curves import calibration_bins, roc_band
from exodx.evaluation.described import describe_cohort
from exodx.evaluation.designs import (
    audit_permutation,
    audit_temporal,
    permutation_estimates,
    site_estimates,
    temporal_estimates,
)
from exodx.evaluation.estimates import (
    flow_counts,
    metric_estimates,
    probability_estimates,
    quality_counts,
)
from exodx.evaluation.evaluation import Evaluation, FoldResult, Headline
from exodx.evaluation.explanation_stability import explanation_stability
from exodx.evaluation.explanations import summarise_explanation
from exodx.evaluation.handling_audits import audit_handling
from exodx.evaluation.learning_curve import learning_curve_estimates
from exodx.evaluation.panel_size import panel_curve
from exodx.evaluation.preprocessing_audits import audit_preprocessing
from exodx.evaluation.replicate_audits import audit_replicates, technical_replicates
from exodx.evaluation.subgroups import held_out_subgroups
from exodx.evaluation.threshold_steps import threshold_steps
from exodx.evaluation.value_audits import audit_values
from exodx.frozen import DiagnosticModel
from exodx.frozen.calibrator import probability
from exodx.stats import Estimate, auc, auc_cross_validated, auc_difference
from exodx.training import BENCHMARKS, CrossValidation, Validation


def evaluate_inside(
    cohort: Cohort,
    model: DiagnosticModel,
    validation: Validation,
    prevalence: float | None,
    seed: int,
) -> Evaluation:
    """Evaluate the procedure that made a model, from predictions of specimens that took no part in it.

    Parameters
    ----------
    cohort : Cohort, n specimens
    model : DiagnosticModel
        The final model, for its explanations; none of the estimates comes from it.
    validation : Validation
    prevalence : float, optional
        Of use; without it there is no PPV or NPV.
    seed : int
        Of the ROC band's bootstrap.
    """
    y, subjects, random = cohort.y, cohort.subjects, validation.random
    scored = np.asarray(np.isfinite(random.margin).all(axis=0))
    if np.bincount(y[scored], minlength=2).min() < 2:
        found = f"{int(y[scored].sum())} positive and {int((1 - y[scored]).sum())} negative specimens could be scored out of fold"
        raise InputRefused(Problem("TOO_FEW_SPECIMENS", cohort.source or "cohort", found, "Collect more subjects of both classes."))
    margin = random.margin[:, scored]
    estimates = _random_estimates(cohort, model, validation, scored, prevalence)
    sites, pooled = site_estimates(cohort, validation.by_site, estimates[0])
    estimates += pooled
    estimates += temporal_estimates(cohort, validation.temporal, random, estimates[0], prevalence)
    estimates += permutation_estimates(validation.permuted, int(scored.sum()))
    features = model.transform.apply(cohort.measurements)
    summaries = summarise_explanation(model, model.explain(cohort.measurements), features)
    report = quality_report(cohort, model.transform.gate, features.flags)
    findings = [
        *(Finding(f.code, f.severity, f.message) for f in report.cohort_findings),
        *audit_cohort(cohort, features, random.folds[0]),
        *audit_file(cohort, model.transform.gate.reads(cohort.measurements)),
        *audit_assay(cohort),
        *audit_handling(cohort),
        *audit_preprocessing(cohort),
        *audit_values(cohort),
        *audit_replicates(cohort, technical_replicates(cohort, features, random.folds)),
        *audit_references(cohort.panel, [choice.references for choice in random.choices]),
        *audit_censoring(cohort, random, validation.otherwise),
        *audit_sites(cohort, pooled),
        *audit_temporal(cohort, validation.temporal),
        *audit_permutation(validation.permuted),
        *audit_learned(estimates[0]),
        *audit_model(estimates, summaries),
        *audit_compared(estimates, random),
        *audit_threshold(model.threshold),
    ]
    mean = margin.mean(axis=0)
    ends = model.threshold.zone or (model.threshold.value,)
    return Evaluation(
        title="Inside the training cohort, on specimens held out from every step of learning",
        headline=_headline(estimates, random),
        estimates=tuple(estimates),
        findings=tuple(findings),
        flow=flow_counts(cohort, scored) | {step.step: step.n for step in report.flow if step.step.startswith("refused")},
        roc=roc_band(y[scored], mean, subjects[scored], seed),
        calibration=calibration_bins(y[scored], probability(mean)),
        sites=sites,
        folds=_folds(random, y),
        features=summaries,
        subgroups=held_out_subgroups(cohort, random.margin, random.folds),
        panel_curve=None if validation.sizes is None else panel_curve(cohort, features, validation.sizes),
        benefit_curve=benefit_curve(
            y[scored], margin, subjects[scored], model.provenance.share_positive, prevalence, model.threshold.positive_from
        ),
        explanation_stability=explanation_stability(random.explanations),
        quality=quality_counts(report, features.flags),
        described=describe_cohort(cohort, report, scored, *calls_of(random)),
        threshold_steps=threshold_steps(y[scored], probability(margin), subjects[scored], ends),
        prevalence=prevalence,
    )


def _random_estimates(
    cohort: Cohort, model: DiagnosticModel, validation: Validation, scored: NDArray[np.bool_], prevalence: float | None
) -> list[Estimate]:
    """Return what random folds say, of the specimens that were scored in every repeat; the first is the AUC."""
    random, y, subjects = validation.random, cohort.y[scored], cohort.subjects[scored]
    margin, folds = random.margin[:, scored], random.folds[:, scored]
    return [
        auc_cross_validated(y, margin, folds, subjects, name="auc"),
        *call_estimates(cohort.y, random, scored, cohort.subjects, prevalence),
        *_threshold(model),
        *probability_estimates(y, margin, subjects),
        *metric_estimates(y, margin, subjects),
        *_benchmark_estimates(y, margin, random, scored, subjects),
        *learning_curve_estimates(y, random, scored, subjects),
        *compared_estimates(cohort, random, validation.compared),
    ]


def _threshold(model: DiagnosticModel) -> list[Estimate]:
    """Return the model's threshold with how far another cohort of this size would have put it."""
    found = model.reference.get("threshold_range")
    return [] if found is None else [Estimate.from_dict(found)]


def _benchmark_estimates(
    y: NDArray[np.int8], margin: NDArray[np.float64], random: CrossValidation, scored: NDArray[np.bool_], subjects: NDArray[np.intp]
) -> list[Estimate]:
    folds = random.folds[:, scored]
    estimates = []
    for name in BENCHMARKS:
        scores = random.benchmarks[name][:, scored]
        estimates.append(auc_cross_validated(y, scores, folds, subjects, name=f"auc_{name}"))
        estimates.append(auc_difference(y, margin, scores, folds, subjects, name=f"auc_minus_{name}"))
    return estimates


def _headline(estimates: list[Estimate], random: CrossValidation) -> Headline:
    by_name = {e.name: e for e in estimates}
    site = by_name.get("auc_leave_one_site_out")
    chosen, design = (site, "leave-one-site-out") if site is not None else (by_name["auc"], random.design)
    return Headline("AUC", chosen.value, chosen.lower, chosen.upper, design)


def _folds(random: CrossValidation, y: NDArray[np.int8]) -> tuple[FoldResult, ...]:
    results = []
    for choice in random.choices:
        rows = (random.folds[choice.repeat] == choice.fold) & np.isfinite(random.margin[choice.repeat])
        both = len(np.unique(y[rows])) == 2
        value = auc(y[rows], random.margin[choice.repeat][rows]) if both else None
        results.append(
            FoldResult(
                choice.repeat,
                choice.fold,
                choice.shares,
                choice.threshold,
                choice.n_train,
                int(rows.sum()),
                value,
                choice.references,
                choice.n_usable,
                choice.n_fewer,
                choice.selected,
            )
        )
    return tuple(results)

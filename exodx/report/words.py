"""The words and numbers that the page, the figures and the terminal share."""

from __future__ import annotations

from types import MappingProxyType

from exodx.evaluation import BenefitCurve, Evaluation, ExplanationStability, FeatureStability, Finding
from exodx.evaluation.metrics import METRICS
from exodx.frozen import Threshold
from exodx.frozen.encoding import ND
from exodx.panel.markers import Markers
from exodx.stats import Estimate
from exodx.stats.numbers import interval as interval
from exodx.stats.numbers import number as number

SHAP_NOTE = "SHAP values are contributions to the log-odds of the model; they are not causes."
SIMULATED = "Simulated specimens: no number here is evidence of performance."
BLOCKED = "The headline must not be claimed."

LABELS = MappingProxyType(
    {
        "auc": "AUC",
        "auc_leave_one_site_out": "AUC, leave-one-site-out",
        "macro_auc": "Macro AUC, mean over classes",
        "macro_auc_leave_one_site_out": "Macro AUC, leave-one-site-out",
        "macro_auc_logistic": "Macro AUC, logistic regressions",
        "macro_auc_single_analyte": "Macro AUC, best single analytes",
        "macro_auc_default_xgboost": "Macro AUC, XGBoost by default",
        "macro_auc_minus_logistic": "Macro AUC, model minus logistic",
        "macro_auc_minus_single_analyte": "Macro AUC, model minus single analyte",
        "macro_auc_minus_default_xgboost": "Macro AUC, model minus default XGBoost",
        "hand_till": "Hand and Till's M, pairs of classes",
        "accuracy_of_calls": "Accuracy, without indeterminate",
        "auc_new_site": "AUC of a new site, prediction",
        "gap_leave_one_site_out": "AUC, random minus leave-one-site-out",
        "auc_temporal": "AUC, later subjects",
        "gap_temporal": "AUC, random minus temporal",
        "gap_temporal_same_specimens": "AUC, the same of later specimens alone",
        "auc_forward_chaining": "AUC, forward chaining by date",
        "auc_permuted": "AUC, labels permuted",
        "permutation_p": "p by permutation",
        "sensitivity": "Sensitivity",
        "specificity": "Specificity",
        "ppv": "Positive predictive value",
        "npv": "Negative predictive value",
        "brier": "Brier score",
        "log_loss": "Log loss",
        "calibration_slope": "Calibration slope",
        "calibration_intercept": "Calibration intercept",
        "sensitivity_of_calls": "Sensitivity, without indeterminate",
        "specificity_of_calls": "Specificity, without indeterminate",
        "indeterminate": "Share called indeterminate",
        "conformal_coverage_positive": "Coverage of conformal sets, positive",
        "conformal_coverage_negative": "Coverage of conformal sets, negative",
        "threshold": "Threshold, and its bootstrap range",
        "observed_expected": "Observed over expected cases",
        "net_benefit": "Net benefit",
        "net_benefit_all": "Net benefit of calling all positive",
        "interventions_avoided": "Interventions avoided per 100",
        "auc_logistic": "AUC, logistic regression",
        "auc_single_analyte": "AUC, best single analyte",
        "auc_default_xgboost": "AUC, XGBoost by default",
        "auc_minus_logistic": "AUC, model minus logistic regression",
        "auc_minus_single_analyte": "AUC, model minus best single analyte",
        "auc_minus_default_xgboost": "AUC, model minus default XGBoost",
        "auc_fewer_specimens": "AUC, learned from fewer specimens",
        "auc_minus_fewer": "AUC, model minus that of fewer",
        "auc_unconstrained": "AUC, without monotone constraints",
        "auc_minus_unconstrained": "AUC, monotone minus unconstrained",
        "auc_full_panel": "AUC, full panel",
        "auc_minus_full_panel": "AUC, selected minus full panel",
        "selection_stability": "Stability of the selected features",
    }
    | {metric.name: metric.words for metric in METRICS}
)

LATER = "_temporal"
"""Ends the name of an estimate of the temporal design."""

RANGES = MappingProxyType({"auc_new_site": "prediction interval", "auc_permuted": "of permutations"})
"""Estimates whose interval is none of confidence, and what it is."""

_CRITERIA = MappingProxyType(
    {
        "sensitivity": "the highest value that keeps sensitivity at {target} or more",
        "specificity": "the lowest value that keeps specificity at {target} or more",
        "youden": "the value with the largest sensitivity + specificity, which is optimistic,",
        "cost": "the risk at which a false positive, {target} times as bad as a false negative, is worth it, not learned",
        "conformal": "the limit at which either label is kept for {target} of its own class",
    }
)

_SEVERITIES = ("blocking", "warning", "note")


def label(name: str) -> str:
    """Return an estimate's name in words; after a colon stands the class that it is of.

    >>> label("sensitivity:lung cancer")
    'Sensitivity, lung cancer'
    """
    if name not in LABELS and name.endswith(LATER):
        return f"{label(name.removesuffix(LATER))}, later subjects"
    what, colon, of = name.partition(":")
    return LABELS.get(what, what.replace("_", " ").capitalize() if colon else what.replace("_", " ")) + (f", {of}" if colon else "")


def feature_label(markers: Markers, feature: str, shown: str | None = None) -> str:
    """Return a feature's name with what else its analyte tells of, such as haemolysis, platelets or drugs.

    >>> from exodx.panel.markers import read_markers
    >>> feature_label(read_markers(), "miR-451a__nd")
    'miR-451a__nd (haemolysis)'
    """
    return markers.label(feature.removesuffix(ND), shown or feature)


def threshold_reason(threshold: Threshold) -> str:
    """Say what a threshold was chosen for.

    >>> threshold_reason(Threshold(0.3, "sensitivity", 0.9, 10, 10))
    'the highest value that keeps sensitivity at 0.900 or more'
    """
    return _CRITERIA[threshold.criterion].format(target=number(threshold.target))


def grey_zone(threshold: Threshold) -> str:
    """Say where no call is made; empty where there is no grey zone."""
    if threshold.zone is None:
        return ""
    lower, upper = (number(end, 4) for end in threshold.zone)
    because = f" ({threshold.indeterminate_because})" if threshold.indeterminate_because else ""
    return f"negative below {lower}, positive from {upper}, indeterminate between{because}"


def zone_kept(threshold: Threshold) -> str:
    """Say what the ends of a grey zone keep.

    >>> zone_kept(Threshold(0.3, "sensitivity", 0.9, 10, 10, 0.3, 0.6))
    '0.90 of sensitivity and of specificity are kept at its ends'
    """
    if threshold.criterion == "conformal":
        return f"each class's own label is kept for {number(threshold.target, 2)} of it (conformal sets, out of fold)"
    return f"{number(threshold.target, 2)} of sensitivity and of specificity are kept at its ends"


def sentence(estimate: Estimate) -> str:
    """Return value and interval, or the reason why not."""
    if estimate.value is None:
        return f"not estimated: {estimate.reason}"
    if estimate.lower is None:
        return f"{number(estimate.value)} (no interval: {estimate.reason})"
    kind = RANGES.get(estimate.name, "CI")
    return f"{number(estimate.value)} ({100 * estimate.level:g} % {kind} {interval(estimate.lower, estimate.upper)})"


def headline(evaluation: Evaluation) -> str:
    """Return the number to quote with its interval and design."""
    head = evaluation.headline
    return quoted(head.name, head.value, head.lower, head.upper, head.design)


def quoted(name: str, value: float | None, lower: float | None, upper: float | None, design: str) -> str:
    """Return a number with its interval and design.

    >>> quoted("AUC", 0.8, 0.7, 0.88, "leave-one-site-out")
    'AUC 0.800 (95 % CI 0.700 to 0.880), leave-one-site-out'
    """
    if value is None:
        return f"{name} not estimated, {design}"
    limits = interval(lower, upper)
    return f"{name} {number(value)} ({f'95 % CI {limits}' if limits else 'no interval'}), {design}"


def by_severity(evaluation: Evaluation) -> list[Finding]:
    """Return the findings, the gravest first."""
    return sorted(evaluation.findings, key=lambda f: _SEVERITIES.index(f.severity))


def is_simulated(evaluation: Evaluation) -> bool:
    """Say whether the evaluated specimens are simulated."""
    return any(f.code == "synthetic" for f in evaluation.findings)


def benefit_prevalence(curve: BenefitCurve) -> str:
    """Say for which prevalence a decision curve holds."""
    if curve.stated:
        return f"at prevalence {curve.prevalence:g}"
    return f"at the cohort's own share of positives, {number(curve.prevalence)} (no prevalence of use is stated)"


def benefit_sentence(curve: BenefitCurve) -> str:
    """Say at which thresholds the model's calls are worth more than calling everyone or no one positive."""
    if curve.useful is None:
        return f"the 95 % band is nowhere above both calling everyone and no one positive, {benefit_prevalence(curve)}"
    low, high = (number(end) for end in curve.useful)
    return f"the 95 % band is above calling everyone and no one positive at thresholds {low} to {high}, {benefit_prevalence(curve)}"


def rank_range(feature: FeatureStability) -> str:
    """Return the ranks that a feature has over folds."""
    best, worst = feature.best_rank, feature.worst_rank
    return f"{best}" if best == worst else f"{best}–{worst}"


def stability_sentence(stability: ExplanationStability) -> str:
    """Say in one line how far the ranking of features moves over the outer folds."""
    top = stability.top_stability
    agree = (
        "rankings cannot be compared"
        if stability.rank_correlation is None
        else f"rankings agree by Spearman's ρ {number(stability.rank_correlation, 2)}"
    )
    sets = (
        f"not estimated ({top.reason})"
        if top.value is None
        else f"{number(top.value, 2)} (Nogueira; 1: always the same, 0: by chance)"
    )
    return f"over {stability.folds} outer folds, specimens held out: {agree}; stability of the top {stability.top}: {sets}"


def is_inside(evaluation: Evaluation) -> bool:
    """Say whether the evaluation repeats the procedure inside its cohort (or else scores another cohort with a frozen model)."""
    return bool(evaluation.folds)

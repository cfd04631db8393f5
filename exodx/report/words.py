"""The words and numbers that the page, the figures and the terminal share."""

from __future__ import annotations

from types import MappingProxyType

from exodx.evaluation import Evaluation, Finding
from exodx.frozen import Threshold
from exodx.frozen.encoding import ND
from exodx.panel.markers import Markers
from exodx.stats import Estimate

SHAP_NOTE = "SHAP values are contributions to the log-odds of the model; they are not causes."
SIMULATED = "Simulated specimens: no number here is evidence of performance."
BLOCKED = "The headline must not be claimed."

LABELS = MappingProxyType(
    {
        "auc": "AUC",
        "auc_leave_one_site_out": "AUC, leave-one-site-out",
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
        "auc_minus_logistic": "AUC, model minus logistic regression",
        "auc_minus_single_analyte": "AUC, model minus best single analyte",
    }
)

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
    """Return an estimate's name in words."""
    return LABELS.get(name, name.replace("_", " "))


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


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with a true minus sign, and an en dash for none.

    >>> number(-0.0271), number(None)
    ('−0.027', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def interval(lower: float | None, upper: float | None) -> str:
    """Return an interval in words, empty where there is none."""
    return "" if lower is None or upper is None else f"{number(lower)} to {number(upper)}"


def sentence(estimate: Estimate) -> str:
    """Return value and interval, or the reason why not."""
    if estimate.value is None:
        return f"not estimated: {estimate.reason}"
    if estimate.lower is None:
        return f"{number(estimate.value)} (no interval: {estimate.reason})"
    return f"{number(estimate.value)} ({100 * estimate.level:g} % CI {interval(estimate.lower, estimate.upper)})"


def headline(evaluation: Evaluation) -> str:
    """Return the number to quote with its interval and design."""
    head = evaluation.headline
    if head.value is None:
        return f"{head.name} not estimated, {head.design}"
    limits = interval(head.lower, head.upper)
    return f"{head.name} {number(head.value)} ({f'95 % CI {limits}' if limits else 'no interval'}), {head.design}"


def by_severity(evaluation: Evaluation) -> list[Finding]:
    """Return the findings, the gravest first."""
    return sorted(evaluation.findings, key=lambda f: _SEVERITIES.index(f.severity))


def is_simulated(evaluation: Evaluation) -> bool:
    """Say whether the evaluated specimens are simulated."""
    return any(f.code == "synthetic" for f in evaluation.findings)


def site_gap(evaluation: Evaluation) -> str:
    """Say what new sites cost: random cross-validation minus leave-one-site-out; empty where there are no two sites."""
    values = {e.name: e.value for e in evaluation.estimates}
    random, held_out = values.get("auc"), values.get("auc_leave_one_site_out")
    if random is None or held_out is None:
        return ""
    return f"random CV {number(random)} minus leave-one-site-out {number(held_out)} = gap {number(random - held_out)}"


def is_inside(evaluation: Evaluation) -> bool:
    """Say whether the evaluation repeats the procedure inside its cohort (or else scores another cohort with a frozen model)."""
    return bool(evaluation.folds)

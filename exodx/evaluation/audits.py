"""Findings: what could make the numbers look better than they are, how strong it is, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from exodx.cohort import Cohort, site_folds
from exodx.cohort.dates import DATE_FORMATS
from exodx.evaluation.explanations import FeatureSummary
from exodx.frozen import AnyModel, Features, Threshold
from exodx.frozen.measurements import is_measured
from exodx.stats import Estimate, auc
from exodx.stats.thresholds import YOUDEN_WARNING
from exodx.training import BENCHMARKS

Severity = Literal["note", "warning", "blocking"]

CONFOUNDED_WARNS, CONFOUNDED_BLOCKS = 0.65, 0.80
BY_CHANCE = 0.01
"""Many things are looked at in few specimens: what chance does as often as this is not told of."""

WHO, WHEN = ("site", "plate", "sex", "age"), "date"
TAKEN, MORE = ("antiplatelet", "statin", "fasting", "lipaemia"), ("haemolysis_index", "heparin_hours_since", "start_volume_ml")
NOTED = ("specimen_type", "anticoagulant", "isolation_method", "platform", "kit_lot", "operator", "blinded", *TAKEN)
COUNTED = ("time_to_processing_h", "freeze_thaw_n", "storage_temp_c", "storage_days", "a414", *MORE)
"""Fields of the manifest, in words and in numbers, that say how a specimen was collected and handled, not what is in it."""

SEPARATES = 0.98
FEW_SUBJECTS = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Parameters
    ----------
    code : str
        Stable name, e.g. ``site_confounded``.
    severity : str
        ``note``, ``warning`` or ``blocking`` (the headline must not be claimed).
    message : str
        What, how strong, what to do.
    """

    code: str
    severity: Severity
    message: str


def severity_of(value: float) -> Severity | None:
    """Return how grave it is that something beside the disease tells the classes apart with this AUC; None where it is not."""
    if value <= CONFOUNDED_WARNS:
        return None
    return "blocking" if value > CONFOUNDED_BLOCKS else "warning"


def apart(y: NDArray[np.int8], score: NDArray[np.float64]) -> float:
    """Return the AUC of a score alone, whichever way it points; 0.5 where chance does as much or there are no two classes.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    score : ndarray, shape (n,)
        NaN where it is not known.
    """
    known = np.isfinite(score)
    cases, controls = score[known & (y == 1)], score[known & (y == 0)]
    if not len(cases) or not len(controls) or np.ptp(score[known]) == 0:
        return 0.5
    if mannwhitneyu(cases, controls, method="asymptotic").pvalue >= BY_CHANCE:
        return 0.5
    value = auc(y[known], score[known])
    return max(value, 1 - value)


def audit_cohort(cohort: Cohort, features: Features, folds: NDArray[np.intp]) -> list[Finding]:
    """Return what can be told before any model: simulated data, few subjects, confounding, a feature that tells all.

    Parameters
    ----------
    cohort : Cohort, n specimens
    features : Features
        Of the same specimens.
    folds : ndarray of int, shape (n,)
        Folds for out-of-fold confounder scores.
    """
    findings = []
    if cohort.synthetic:
        findings.append(Finding("synthetic", "warning", "The specimens are simulated: no number here is evidence of performance."))
    fewest = min(len(np.unique(cohort.subjects[cohort.y == label])) for label in (0, 1))
    if fewest < FEW_SUBJECTS:
        message = f"Only {fewest} subjects in the smaller class: intervals are wide, and a new cohort may differ. Collect more."
        findings.append(Finding("few_subjects", "warning", message))
    findings += [f for column in (*WHO, WHEN, *NOTED, *COUNTED) if (f := _confounded(cohort, column, folds))]
    return findings + _separating(cohort, features)


def audit_sites(cohort: Cohort, pooled: Sequence[Estimate]) -> list[Finding]:
    """Return what keeps leave-one-site-out from answering."""
    folds, names = site_folds(cohort.sites)
    findings = []
    if names and (unknown := int((folds < 0).sum())):
        message = f"The site of {unknown} specimens is not stated: they take no part in leave-one-site-out."
        findings.append(Finding("site_unknown", "warning", message))
    if len(names) > 1 and not pooled:
        message = (
            f"There are {len(names)} sites, but fewer than two can be evaluated alone: "
            "the headline is from random folds, and what a new site costs is not known."
        )
        findings.append(Finding("sites_not_evaluable", "warning", message))
    return findings


def audit_origin(cohort: Cohort, model: AnyModel) -> list[Finding]:
    """Return what is wrong with evaluating this model on this cohort: it was trained on it, or on simulated specimens."""
    findings = []
    fingerprint = cohort.sorted().fingerprint
    if fingerprint == model.provenance.cohort_fingerprint:
        message = "The model was trained on these specimens: the numbers are apparent, not external. Take others."
        findings.append(Finding("training_cohort", "blocking", message))
    if fingerprint == model.provenance.recalibration_fingerprint:
        message = "The model was recalibrated on these specimens: its calibration here is apparent. Take others to tell it."
        findings.append(Finding("recalibration_cohort", "warning", message))
    if model.provenance.synthetic:
        message = "The model was trained on simulated specimens: it is a demonstration, not evidence of anything."
        findings.append(Finding("synthetic_model", "warning", message))
    return findings


def audit_threshold(threshold: Threshold) -> list[Finding]:
    """Return what is to be told beside a threshold chosen for the largest sum of sensitivity and specificity."""
    return [Finding("threshold_youden", "warning", YOUDEN_WARNING)] if threshold.criterion == "youden" else []


def _confounded(cohort: Cohort, column: str, folds: NDArray[np.intp]) -> Finding | None:
    """Predict the reference standard from one specimen column alone, out of fold."""
    if column not in cohort.specimens or cohort.specimens[column].nunique() < 2:
        return None
    value = _told_by(cohort, column, folds)
    severity = severity_of(value)
    if severity is None:
        return None
    said = column.replace("_", " ")
    message = (
        f"The {said} alone tells the classes apart (AUC {value:.2f}): part of any AUC here may be {said}, not disease. "
        f"Balance classes over {said}, or trust only estimates that hold {said} out."
    )
    return Finding(f"{column}_confounded", severity, message)


def _told_by(cohort: Cohort, column: str, folds: NDArray[np.intp]) -> float:
    """Return the AUC of one specimen column: of a number or a date as it stands, of words by the share of cases."""
    y = cohort.y
    if column in COUNTED:
        return apart(y, cohort.specimens[column].to_numpy(np.float64))
    if column == WHEN:
        days = days_of(cohort)
        months = np.unique(np.floor(days / 30), return_inverse=True)[1]
        return max(apart(y, days), _auc_of_known(y, _share_score(y, months, folds))) if np.isfinite(days).any() else 0.5
    if column == "age":
        value = _auc_of_known(y, np.asarray(cohort.specimens["age"], np.float64))
        return max(value, 1 - value)
    return _auc_of_known(y, _share_score(y, cohort.codes(column), folds))


def _auc_of_known(y: NDArray[np.int8], score: NDArray[np.float64]) -> float:
    known = ~np.isnan(score)
    return auc(y[known], score[known]) if len(np.unique(y[known])) == 2 else 0.5


def days_of(cohort: Cohort) -> NDArray[np.float64]:
    """Return the date of each specimen in days, by the first way of writing that reads the most; NaN where none does."""
    cells = cohort.specimens[WHEN].astype(str)
    read = [pd.to_datetime(cells, format=how, errors="coerce", utc=True) for how in DATE_FORMATS]
    best = max(read, key=lambda dates: int(dates.notna().sum()))
    days: NDArray[np.float64] = (best - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(np.float64) / 86_400
    return days


def _share_score(y: NDArray[np.int8], codes: NDArray[np.intp], folds: NDArray[np.intp]) -> NDArray[np.float64]:
    """Score each specimen by the share of cases among the other folds' specimens of its site (or plate …)."""
    score = np.full(len(y), np.nan)
    for fold in np.unique(folds):
        train, held = folds != fold, folds == fold
        n = np.bincount(codes[train], minlength=codes.max() + 1)
        cases = np.bincount(codes[train], weights=y[train], minlength=codes.max() + 1)
        overall = y[train].mean()
        score[held] = ((cases + overall) / (n + 1))[codes[held]]
    return score


def _separating(cohort: Cohort, features: Features) -> list[Finding]:
    """Name what separates the classes alone: a feature, or an analyte as it was measured, which normalisation may blur."""
    findings, named = [], set()
    m, targets = cohort.measurements, [a.name for a in cohort.panel.with_role("target")]
    raw = [(name, np.where(is_measured(m.column(name)[1]), m.column(name)[0], np.nan)) for name in targets]
    for name, column in (*zip(features.names, features.values.T, strict=True), *raw):
        known = ~np.isnan(column)
        if name in named or known.sum() < 20 or len(np.unique(cohort.y[known])) < 2:
            continue
        value = auc(cohort.y[known], column[known])
        if max(value, 1 - value) > SEPARATES:
            named.add(name)
            message = (
                f"{name} alone separates the classes (AUC {max(value, 1 - value):.3f}). Check that it does not encode the label."
            )
            findings.append(Finding("analyte_separates", "warning", message))
    return findings


def _against(name: str, difference: Estimate, value: float) -> list[Finding]:
    """Say where a simple benchmark is as good as the model, or not clearly worse; of XGBoost's defaults, where they are better."""
    code, words = f"{name}_not_beaten", name.replace("_", " ")
    if name == "default_xgboost":
        message = f"XGBoost with its default settings is better than the model (AUC difference {difference})."
        return [Finding(code, "note", message)] if value < 0 else []
    if value <= 0:
        message = (
            f"The model does not beat the {words} benchmark (AUC difference {difference}). Prefer the simpler, or say why not."
        )
        return [Finding(code, "note", message)]
    if difference.lower is None or difference.lower <= 0:
        message = f"The model is not clearly better than the {words} benchmark (AUC difference {difference}): it may do as well."
        return [Finding(code, "note", message)]
    return []


def audit_learned(auc: Estimate) -> list[Finding]:
    """Return whether specimens held out in turn are told apart at all by what the others taught.

    Where nothing can be learned, held-out specimens lie on the wrong side by a little more than half: taking them out moves the
    others' means away from them. So an interval below one half says no more here; the labels are the same on both sides.

    Parameters
    ----------
    auc : Estimate
    """
    if auc.lower is None or auc.lower > 0.5:
        return []
    message = (
        f"Nothing shows that the classes are told apart at all (AUC {auc}): too few specimens, nothing to find, or results "
        "that do not belong to these ids or labels. Check how results, ids and labels were joined."
    )
    return [Finding("no_discrimination", "warning", message)]


def audit_discrimination(auc: Estimate, learned: float | None = None) -> list[Finding]:
    """Return whether a frozen model tells new specimens apart at all, the right way round, and as well as at training.

    Parameters
    ----------
    auc : Estimate
        Of specimens that took no part in learning.
    learned : float, optional
        What a frozen model's own inner folds gave.
    """
    if auc.value is None or auc.lower is None or auc.upper is None:
        return []
    if auc.upper < 0.5:
        message = (
            f"The classes are told apart the wrong way round (AUC {auc}): the labels may be inverted, or an assay's sign. Check "
            "which value means positive, and that values run the way they did at training."
        )
        return [Finding("labels_inverted", "blocking", message)]
    if found := audit_learned(auc):
        return found
    if learned is not None and auc.upper < learned:
        message = (
            f"The classes are told apart less well than at training (AUC {auc}, there {learned:.2f}): another population or assay, "
            "or some results, ids or labels that do not belong together."
        )
        return [Finding("discrimination_lower", "warning", message)]
    return []


def audit_model(estimates: Sequence[Estimate], features: Sequence[FeatureSummary]) -> list[Finding]:
    """Return what the finished model shows: benchmarks not beaten, directions against the panel's hypothesis."""
    by_name = {e.name: e for e in estimates}
    findings = []
    for name in BENCHMARKS:
        difference = by_name.get(f"auc_minus_{name}")
        findings += [] if difference is None or difference.value is None else _against(name, difference, difference.value)
    for feature in features:
        if feature.declared and feature.direction not in ("none", feature.declared) and feature.share > 0.05:
            message = (
                f"{feature.feature} is declared {feature.declared} in cases, the model finds it {feature.direction}. "
                "Check the assay's sign, the references and confounders (haemolysis, drugs) before believing either."
            )
            findings.append(Finding("direction_contradicted", "warning", message))
    return findings

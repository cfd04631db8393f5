"""Findings about the assay: what is not the disease and yet differs between the classes, and what was done to the data before.

Spike-ins (heparin, 10.1160/th13-05-0368), haemolysis (10.3389/fgene.2013.00094), what was run for whom, how often, and whether the
values were standardised over the whole cohort before they came here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from exodx.cohort import Cohort
from exodx.evaluation.audits import CONFOUNDED_WARNS, Finding, Severity, apart, severity_of
from exodx.frozen import State
from exodx.frozen.measurements import is_censored, is_measured
from exodx.panel import Panel, Scale
from exodx.panel.analyte import name_key
from exodx.panel.markers import read_markers
from exodx.stats import auc, auc_cross_validated
from exodx.training import CrossValidation

Floats = NDArray[np.float64]

SHIFT_CT, SHIFT_P = 0.5, 0.01
"""A control that differs by more between the classes, or less probably by chance, does so for another reason than the disease."""

STANDARDISED = 0.05
"""How near to 0 and 1 the mean and SD of a column must be for it to look standardised."""

CENSORED, MOVED = 0.05, 0.03
"""Undetected cells are taken otherwise once where an analyte has more of them; a larger move of the AUC is warned of."""

MANY, MOST = 30, 0.8

STABLE = 0.5
"""A set of references that fewer folds choose is no property of the assay."""


def audit_assay(cohort: Cohort) -> list[Finding]:
    """Return what the raw measurements show: controls that differ by class, cells missing by class, values standardised before."""
    findings = [*_spikes(cohort), *_haemolysis(cohort), *_run_by_class(cohort)]
    findings += [f for f in (_wells(cohort), _standardised(cohort), _subjects(cohort)) if f is not None]
    return findings


def audit_references(panel: Panel, chosen: Sequence[tuple[str, ...]]) -> list[Finding]:
    """Return whether the references that each fold chose are the same ones."""
    if panel.normalisation not in ("genorm", "normfinder") or not chosen:
        return []
    names, n = Counter(chosen).most_common(1)[0]
    message = f"{panel.normalisation} chose {' + '.join(names)} in {n} of {len(chosen)} folds"
    if n / len(chosen) >= STABLE:
        return [Finding("references_chosen", "note", f"{message}.")]
    fix = "No set is stable: declare references on other grounds, or use log_ratios."
    return [Finding("references_unstable", "warning", f"{message}, and {len(set(chosen))} sets in all. {fix}")]


def other_censoring(cohort: Cohort) -> Cohort | None:
    """Return the cohort with censored cells taken otherwise, where there are enough of them to matter; else None."""
    targets = [a.name for a in cohort.panel.with_role("target")]
    shares = [is_censored(cohort.measurements.column(name)[1]).mean() for name in targets]
    if max(shares) < CENSORED:
        return None
    policy: Literal["missing", "limit"] = "limit" if cohort.panel.censored == "missing" else "missing"
    return replace(cohort, panel=replace(cohort.panel, censored=policy))


def audit_censoring(cohort: Cohort, usual: CrossValidation, otherwise: CrossValidation | None) -> list[Finding]:
    """Return whether what an undetected cell is taken for decides the AUC."""
    if otherwise is None:
        return []
    scored = np.isfinite(usual.margin[0]) & np.isfinite(otherwise.margin[0])
    y, folds, subjects = cohort.y[scored], usual.folds[:1, scored], cohort.subjects[scored]
    aucs = [auc_cross_validated(y, cv.margin[:1, scored], folds, subjects, name="auc").value for cv in (usual, otherwise)]
    if aucs[0] is None or aucs[1] is None or abs(aucs[0] - aucs[1]) <= MOVED:
        return []
    message = (
        f"The AUC is {aucs[0]:.2f} with undetected cells taken as {cohort.panel.censored!r}, {aucs[1]:.2f} with "
        f"{otherwise.design}: what is not detected decides. Raise the input, lower the limit of detection, or leave it out."
    )
    return [Finding("censoring_sensitive", "warning", message)]


def _spikes(cohort: Cohort) -> list[Finding]:
    """The spike × class test: what was added by hand cannot know the disease."""
    findings = []
    for analyte in cohort.panel.with_role("spike_in"):
        values = _measured(cohort, analyte.name)
        shift, p = _shift(values, cohort.y)
        value = apart(cohort.y, values)
        if analyte.scale is not Scale.CT or not (abs(shift) > SHIFT_CT or p < SHIFT_P or severity_of(value)):
            continue
        used = cohort.panel.normalisation == "spike_in"
        message = (
            f"{analyte.name} was added to every specimen alike, yet lies {shift:+.2f} Ct in the positive class (AUC {value:.2f}, "
            f"p = {p:.2g}): heparin, inhibition or another extraction, not disease. "
            + (
                "The panel subtracts it from every target, which makes this difference a signal: use reference analytes. "
                if used
                else ""
            )
            + "Find out which specimens were handled or treated otherwise."
        )
        severity: Severity = "blocking" if used or severity_of(value) == "blocking" else "warning"
        findings.append(Finding("spike_confounded", severity, message))
    return findings


def _haemolysis(cohort: Cohort) -> list[Finding]:
    """Whether red-cell contamination differs between the classes, by miR-23a-3p − miR-451a."""
    keys = {name_key(a.name): a.name for a in cohort.panel.analytes if a.scale is Scale.CT}
    if "mir-23a-3p" not in keys or "mir-451a" not in keys:
        return []
    index = _measured(cohort, keys["mir-23a-3p"]) - _measured(cohort, keys["mir-451a"])
    shift, p = _shift(index, cohort.y)
    value = apart(cohort.y, index)
    if not (abs(shift) > SHIFT_CT or p < SHIFT_P or severity_of(value)):
        return []
    markers = read_markers()
    red = [a.name for a in cohort.panel.with_role("reference") if any(tag.kind == "haemolysis" for tag in markers.tags(a))]
    message = (
        f"Haemolysis (Ct of miR-23a-3p − miR-451a) lies {shift:+.2f} in the positive class (AUC {value:.2f}, p = {p:.2g}): "
        "red-cell miRNAs tell the classes apart without any disease. Compare specimens of equal haemolysis, or collect them alike."
        + (f" The reference {', '.join(red)} comes from red cells and carries this into every target: use another." if red else "")
    )
    is_subtracted = bool(red) and cohort.panel.normalisation == "references"  # then it goes into every target, as a spike-in does
    severity: Severity = "blocking" if (is_subtracted and p < SHIFT_P) or severity_of(value) == "blocking" else "warning"
    return [Finding("haemolysis_confounded", severity, message)]


def _run_by_class(cohort: Cohort) -> list[Finding]:
    """Whether what was not run tells the classes apart: trees learn from gaps."""
    findings, y = [], cohort.y
    for analyte in cohort.panel.with_role("target"):
        _, states = cohort.measurements.column(analyte.name)
        absent = np.isin(states, (State.NOT_RUN, State.FAILED_QC)).astype(float)
        if not 0 < absent.mean() < 1:
            continue
        value = auc(y, absent)
        value = max(value, 1 - value)
        severity = severity_of(value)
        if severity is None:
            continue
        shares = [f"{100 * absent[y == label].mean():.0f} %" for label in (1, 0)]
        message = (
            f"{analyte.name} was not run in {shares[0]} of the positive and {shares[1]} of the negative specimens: whether it was "
            f"run tells the classes apart (AUC {value:.2f}), and a model can read it from the gap. Take it out, or run it for all."
        )
        findings.append(Finding("missingness_confounded", severity, message))
    return findings


def _wells(cohort: Cohort) -> Finding | None:
    """Whether one class was measured in more replicate wells than the other."""
    if "wells" not in cohort.specimens or cohort.specimens["wells"].nunique() < 2:
        return None
    wells = cohort.specimens["wells"].to_numpy(np.float64)
    value = auc(cohort.y, wells)
    if max(value, 1 - value) <= CONFOUNDED_WARNS:
        return None
    means = [float(wells[cohort.y == label].mean()) for label in (1, 0)]
    message = (
        f"Positive specimens were measured in {means[0]:.1f} wells on average, negative ones in {means[1]:.1f}: replicates make "
        "values steadier, and the classes were not handled alike. Measure both classes in the same number of wells."
    )
    return Finding("wells_confounded", "warning", message)


def _standardised(cohort: Cohort) -> Finding | None:
    """Whether the columns look z-scored over this very cohort."""
    targets = [a.name for a in cohort.panel.with_role("target") if a.scale is Scale.NORMALISED]
    if len(cohort) < MANY or not targets:
        return None
    columns = [v[~np.isnan(v)] for v in (_measured(cohort, name) for name in targets)]
    alike = [abs(v.mean()) < STANDARDISED and abs(v.std(ddof=1) - 1) < STANDARDISED for v in columns if len(v) >= MANY]
    if not alike or np.mean(alike) < MOST:
        return None
    message = (
        f"{sum(alike)} of {len(alike)} analytes have mean 0 and SD 1 over this cohort: they were standardised before they came "
        "here, perhaps with the specimens held out, and a new specimen cannot be brought to this scale. Start from the raw values."
    )
    return Finding("standardised_upstream", "warning", message)


def _subjects(cohort: Cohort) -> Finding | None:
    if cohort.subjects_stated:
        return None
    message = (
        "No column says whose specimens these are: several of one person would stand on both sides of a split, and the AUC would "
        "be too high. Name the column with --subject, or make sure that each person gave one specimen."
    )
    return Finding("subjects_not_stated", "note", message)


def _measured(cohort: Cohort, name: str) -> Floats:
    values, states = cohort.measurements.column(name)
    return np.where(is_measured(states), values, np.nan)


def _shift(values: Floats, y: NDArray[np.int8]) -> tuple[float, float]:
    """Return the difference of means (positive − negative class) and Welch's p; (0, 1) where it cannot be said."""
    cases, controls = (values[(y == label) & ~np.isnan(values)] for label in (1, 0))
    if min(len(cases), len(controls)) < 3 or not (np.ptp(cases) or np.ptp(controls)):
        return 0.0, 1.0
    return float(cases.mean() - controls.mean()), float(stats.ttest_ind(cases, controls, equal_var=False).pvalue)

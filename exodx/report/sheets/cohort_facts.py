"""Facts of the cohort: counts and shares alone, never a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from exodx.cohort.columns import UNKNOWN
from exodx.cohort.dates import days_of_dates
from exodx.errors import InputRefused
from exodx.frozen import State
from exodx.frozen.measurements import is_censored, is_measured
from exodx.frozen.quality import limit_text
from exodx.panel import QualityRule, Scale
from exodx.report.sheets.material import Fact, StudyMaterial, joined, listed, plural

MOST_SITES, MOST_VALUES, MOST_GAPS = 20, 8, 5
FEWEST, LONGEST = 3, 60
"""A value that fewer specimens have is not shown, a longer one is cut."""
NOT_STATED = ("", UNKNOWN)

HANDLING = ("specimen_type", "anticoagulant", "isolation_method", "platform", "kit_lot")
HANDLING_NUMBERS = ("time_to_processing_h", "freeze_thaw_n", "storage_temp_c", "storage_days")
TREATMENTS = ("antiplatelet", "statin")


def specimens(m: StudyMaterial) -> Fact:
    """Tell how many specimens there are, of whom, and how many have the target condition."""
    flow, label = m.evaluation.flow, m.model.provenance.positive_label
    counts = f"{flow['positive']} with the target condition ({label!r}) and {flow['negative']} without"
    n = plural(flow["specimens"], "specimen")
    if m.cohort.subjects_stated:
        n = f"{n} of {plural(flow['subjects'], 'subject')}"
    whose = "" if m.cohort.subjects_stated else " No column names subjects: every specimen was taken as a subject of its own."
    simulated = " The specimens are simulated." if m.cohort.synthetic else ""
    return Fact(f"{n}: {counts}.{whose}{simulated}", "evaluation.flow; model.provenance; cohort.subject")


def flow(m: StudyMaterial) -> Fact:
    """Tell the way of the specimens, from the table on."""
    steps = "; ".join(f"{what}: {n}" for what, n in m.evaluation.flow.items() if what != "subjects" or m.cohort.subjects_stated)
    told = Fact(f"From the table on, in specimens unless said otherwise: {steps}.", "evaluation.flow")
    if m.evaluation.described is None:
        return told
    return joined([told, Fact("The diagram stands in report.html, 'Flow of specimens'.", "evaluation.described")]) or told


def exclusions(m: StudyMaterial) -> Fact:
    """Tell who was left out after the table was read."""
    rules = [text for rule in looked_at(m) if (text := _refusal(rule))]
    named = f"Quality rules that refuse: {'; '.join(rules)}." if rules else "No quality rule refuses a specimen."
    text = (
        f"Left out of the table: {plural(m.cohort.left_out, 'specimen')} without a reference standard. {named} "
        f"{plural(m.evaluation.flow['not reported'], 'specimen')} could not be scored in every repeat."
    )
    return Fact(text, "evaluation.flow; panel.qc; model.transform")


def looked_at(m: StudyMaterial) -> list[QualityRule]:
    """Return the quality rules that could be looked at in this cohort."""
    columns = m.cohort.specimens.columns
    return [rule for rule in rules_in_force(m) if not rule.is_of_specimen or rule.column in columns]


def rules_in_force(m: StudyMaterial) -> list[QualityRule]:
    """Return the quality rules of the model that can be looked at with its panel."""
    gate = m.model.transform.gate
    return [rule for rule in gate.rules if not rule.off and rule.name not in gate.not_applied]


def _refusal(rule: QualityRule) -> str:
    if rule.refuse is None and not rule.refuse_words:
        return ""
    limit = limit_text(rule, rule.refuse) if rule.refuse is not None else ", ".join(rule.refuse_words)
    return f"{rule.name} ({limit})"


def sites(m: StudyMaterial) -> Fact | None:
    """Tell the sites with their specimens and cases."""
    names, y = m.cohort.sites, m.cohort.y
    stated = sorted({site for site in names if site not in NOT_STATED})
    if not stated:
        return None
    total, cases = Counter(names), Counter(site for site, case in zip(names, y, strict=True) if case)
    each = listed((f"{site} ({total[site]} specimens, {cases[site]} positive)" for site in stated), MOST_SITES, "not listed")
    blank = sum(total[site] for site in NOT_STATED)
    missing = f" Not stated of {blank}." if blank else ""
    return Fact(f"{plural(len(stated), 'site')} by the table: {each}.{missing}", "cohort.site")


def dates(m: StudyMaterial) -> Fact | None:
    """Tell from when to when the specimens' dates run, by month."""
    try:
        days = days_of_dates(m.cohort)
    except InputRefused:
        return None
    known = days[np.isfinite(days)]
    first, last = (pd.Timestamp(float(day), unit="D").strftime("%Y-%m") for day in (known.min(), known.max()))
    blank = len(days) - len(known)
    missing = f" {blank} have none." if blank else ""
    return Fact(f"The specimens' dates run from {first} to {last}.{missing}", "cohort.date")


def age_sex(m: StudyMaterial) -> Fact | None:
    """Tell age and sex by class."""
    table, y = m.cohort.specimens, m.cohort.y
    parts = []
    for code, name in ((1, "with"), (0, "without")):
        rows = table[y == code]
        said = [text for text in (_numbers(rows, "age"), _words(rows, "sex")) if text]
        parts += [f"Specimens {name} the target condition: {'; '.join(said)}."] if said else []
    places = [f"cohort.{column}" for column in ("age", "sex") if _stated(table, column)]
    if parts and m.evaluation.described is not None:
        parts.append("A table by class and by site stands in report.html, 'The cohort'.")
        places.append("evaluation.described")
    return Fact(" ".join(parts), "; ".join(places)) if parts else None


def _stated(table: pd.DataFrame, column: str) -> bool:
    if column not in table:
        return False
    cells = table[column]
    return bool(cells.notna().any() and not cells.astype(str).isin(NOT_STATED).all())


def _numbers(table: pd.DataFrame, column: str) -> str:
    """Say median and quartiles of a column of numbers; empty where it has none."""
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64) if column in table else np.empty(0)
    known = values[np.isfinite(values)]
    if not known.size:
        return ""
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75)).tolist()
    return f"{column}, as written, median {middle:.4g} (quartiles {low:.4g} to {high:.4g}, {known.size} of {len(values)} stated)"


def _words(table: pd.DataFrame, column: str) -> str:
    """Say how often each value of a column of words stands there; one of few specimens is not shown, it may tell whose they are."""
    if not _stated(table, column):
        return ""
    cells = [cell if cell not in NOT_STATED else "not stated" for cell in table[column].fillna("").astype(str)]
    return f"{column} {_counted(Counter(cells))}"


def _counted(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    often = [(value, n) for value, n in ordered if n >= FEWEST][:MOST_VALUES]
    others = sum(counts.values()) - sum(n for _, n in often)
    shown = [f"{_short(value)!r} {n}" for value, n in often] + ([f"other values {others}"] if others else [])
    return ", ".join(shown)


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"


def _columns(m: StudyMaterial, words: tuple[str, ...], numbers: tuple[str, ...] = ()) -> Fact | None:
    table = m.cohort.specimens
    said = {column: text for column in words if (text := _words(table, column))}
    said |= {column: text for column in numbers if (text := _numbers(table, column))}
    if not said:
        return None
    return Fact(f"By the table: {'; '.join(said.values())}.", "; ".join(f"cohort.{column}" for column in said))


def handling(m: StudyMaterial) -> Fact | None:
    """Tell how specimens were taken and handled, as far as columns say."""
    return _columns(m, HANDLING, HANDLING_NUMBERS)


def treatments(m: StudyMaterial) -> Fact | None:
    """Tell of drugs, as far as columns say."""
    return _columns(m, TREATMENTS, ("heparin_hours_since",))


def blinding(m: StudyMaterial) -> Fact | None:
    """Tell whether the laboratory was blinded, where a column says."""
    return _columns(m, ("blinded",))


def consent(m: StudyMaterial) -> Fact | None:
    """Tell for how many consent is stated."""
    return _columns(m, ("consent_for_use",))


def control_types(m: StudyMaterial) -> Fact | None:
    """Tell what those without the target condition were, where a column says."""
    found = _words(m.cohort.specimens[m.cohort.y == 0], "control_type")
    return Fact(f"Those without the target condition, by the table: {found}.", "cohort.control_type") if found else None


def negatives(m: StudyMaterial) -> Fact | None:
    """Tell of what kinds those without the target condition are, where the label has several values for them."""
    if len(m.cohort.negative_labels) <= 1:
        return None
    found = _counted(dict(m.cohort.negative_labels))
    return Fact(f"By the label, those without the target condition are: {found}.", "cohort.negative_labels")


def reference_standard(m: StudyMaterial) -> Fact:
    """Tell which value of which column means that the target condition is present."""
    column = f"column {m.plan.label!r}" if m.plan.label is not None else "the table's label"
    stated = _columns(m, ("reference_standard",))
    absent = [value for value, _ in m.cohort.negative_labels]
    others = repr(_short(absent[0])) if len(absent) == 1 else "every other value that was taken"
    text = (
        f"The reference standard is {column} of the table: {m.model.provenance.positive_label!r} means that the target "
        f"condition is present, {others} means that it is not."
    )
    places = "plan.label; plan.positive; model.provenance" + ("; cohort.negative_labels" if len(absent) == 1 else "")
    found = Fact(text, places)
    return joined([found, negatives(m), stated]) or found


def missing_standard(m: StudyMaterial) -> Fact:
    """Tell what became of specimens without a reference standard."""
    text = f"{plural(m.cohort.left_out, 'specimen')} without a reference standard were left out; none was imputed."
    return Fact(text, "evaluation.flow")


def missing_cells(m: StudyMaterial) -> Fact:
    """Tell the share of target measurements by state, the specimens with a gap by class, and the analytes with most."""
    names = [a.name for a in m.cohort.panel.with_role("target")]
    states = m.cohort.measurements.states[:, [m.cohort.panel.names.index(name) for name in names]]
    measured = is_measured(states)
    size = f"{states.shape[0]} × {plural(states.shape[1], 'target measurement')}"
    share = {
        "measured": measured.mean(),
        "not detected (undetermined or below the limit of detection)": is_censored(states).mean(),
        "not run (blank cells)": (states == State.NOT_RUN).mean(),
        "failed": (states == State.FAILED_QC).mean(),
        "above the range": (states == State.ABOVE_LOQ).mean(),
    }
    said = ", ".join(f"{what} {100 * part:.1f} %" for what, part in share.items())
    counts = [a.scale is Scale.COUNTS for a in m.cohort.panel.with_role("target")]
    values = m.cohort.measurements.values[:, [m.cohort.panel.names.index(name) for name in names]][:, counts]
    zeros = f" Of the counts {100 * float((values == 0).mean()):.1f} % are zero." if values.size else ""
    whole, y = np.asarray(measured.all(axis=1)), m.cohort.y
    gap = [f"{100 * (1 - measured[y == c].mean()):.1f} % in {w}" for c, w in ((1, "positive"), (0, "negative")) if not whole.all()]
    lost = f" Without a number: {' and '.join(gap)} specimens." if gap else ""
    every = " and ".join(f"{int(whole[y == c].sum())} of {int((y == c).sum())} {w}" for c, w in ((1, "positive"), (0, "negative")))
    gaps = sorted(((1 - float(column.mean()), name) for column, name in zip(measured.T, names, strict=True)), reverse=True)
    worst = ", ".join(f"{name} {100 * gap:.1f} %" for gap, name in gaps[:MOST_GAPS] if gap > 0)
    most = f" Most without a number: {worst}." if worst else ""
    text = f"Of {size}: {said}.{lost} All with a number in {every} specimens.{zeros}{most}"
    return Fact(text, "cohort.measurements")


def missing_attributes(m: StudyMaterial) -> Fact:
    """Tell which of the usual attributes are not stated."""
    table, n = m.cohort.specimens, len(m.cohort)
    said = []
    for column in ("age", "sex", "site", "date"):
        known = 0 if column not in table else int((table[column].notna() & ~table[column].astype(str).isin(NOT_STATED)).sum())
        said.append(f"{column} {n - known}")
    return Fact(f"Not stated, of {n} specimens: {', '.join(said)}.", "cohort.specimens")


def fingerprints(m: StudyMaterial) -> Fact:
    """Tell by what the data, the panel and the plan can be recognised."""
    made = m.model.provenance
    text = (
        f"Data by fingerprint (SHA-256): cohort {made.cohort_fingerprint}, panel {made.panel_fingerprint}, plan "
        f"{made.plan_fingerprint}. The model keeps no specimen's row or id."
    )
    return Fact(text, "model.provenance")


COHORT_FACTS = MappingProxyType(
    {
        tell.__name__: tell
        for tell in (
            specimens,
            flow,
            exclusions,
            sites,
            dates,
            age_sex,
            handling,
            treatments,
            blinding,
            consent,
            control_types,
            negatives,
            reference_standard,
            missing_standard,
            missing_cells,
            missing_attributes,
            fingerprints,
        )
    }
)

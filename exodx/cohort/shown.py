"""What a cohort and its quality report show of themselves: one line, and a view in a notebook. Counts; no specimen's id."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from exodx.cohort.columns import UNKNOWN
from exodx.frozen import State
from exodx.frozen.measurements import is_measured
from exodx.markup import card, table

if TYPE_CHECKING:
    from exodx.cohort.cohort import Cohort
    from exodx.cohort.quality import QCReport

STATES = {
    State.UNDETERMINED: "undetermined",
    State.BELOW_LOD: "below LOD",
    State.ABOVE_LOQ: "above LOQ",
    State.NOT_RUN: "not run",
    State.FAILED_QC: "failed",
}


def cohort_line(cohort: Cohort) -> str:
    """Return a cohort in one line."""
    parts = [_size(cohort), _classes(cohort), _sites(cohort), f"panel {cohort.panel.name}", "simulated" if cohort.synthetic else ""]
    return f"Cohort({cohort.source or 'specimens'}: {'; '.join(filter(None, parts))})"


def _size(cohort: Cohort) -> str:
    subjects = len(np.unique(cohort.subjects))
    return f"{len(cohort)} specimen{'' if len(cohort) == 1 else 's'} of {subjects} subject{'' if subjects == 1 else 's'}"


def _classes(cohort: Cohort) -> str:
    if cohort.labels is not None:
        counts = Counter(cohort.labels)
        return ", ".join(f"{counts[name]} {name}" for name in cohort.classes)
    if cohort.reference_standard is None:
        return "no reference standard"
    positive = int(cohort.y.sum())
    return f"{positive} positive ({cohort.positive_label}), {len(cohort) - positive} negative"


def _sites(cohort: Cohort) -> str:
    known = {site for site in cohort.sites if site != UNKNOWN}
    return f"{len(known)} site{'' if len(known) == 1 else 's'}" if known else ""


def cohort_html(cohort: Cohort) -> str:
    """Return who is in a cohort, and for each analyte what its cells are."""
    facts = (
        ("specimens", _size(cohort)),
        ("reference standard", _classes(cohort)),
        ("left out, no reference standard", cohort.left_out or ""),
        ("sites", _sites(cohort)),
        ("columns", ", ".join(map(str, cohort.specimens.columns))),
        ("panel", f"{cohort.panel.name}, {cohort.panel.specimen_type}"),
        ("beware", "simulated specimens: no number here is evidence of performance" if cohort.synthetic else ""),
    )
    seen = [state for state in STATES if (cohort.measurements.states == state).any()]
    columns = ("analyte", "unit", "role", "measured", *(STATES[state] for state in seen), "median", "quartiles")
    rows = [_analyte(cohort, place, seen) for place in range(len(cohort.panel.analytes))]
    return card(f"Cohort {cohort.source}".strip(), facts, table(columns, rows))


def _analyte(cohort: Cohort, place: int, seen: list[State]) -> tuple[object, ...]:
    analyte, m = cohort.panel.analytes[place], cohort.measurements
    states, measured = m.states[:, place], is_measured(m.states[:, place])
    values = m.values[measured, place]
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)) if values.size else (np.nan, np.nan, np.nan)
    spread = (f"{middle:.4g}", f"{low:.4g} to {high:.4g}") if values.size else ("–", "–")
    return (analyte.name, analyte.unit, analyte.role, int(measured.sum()), *(int((states == s).sum()) for s in seen), *spread)


def quality_line(report: QCReport) -> str:
    """Return a quality report in one line."""
    actions = Counter(finding.action for finding in report.findings)
    last = report.flow[-1].n if report.flow else 0
    grave = Counter(finding.severity for finding in report.cohort_findings)
    about = f"on the cohort: warnings {grave['warning']}, notes {grave['note']}"
    return f"QCReport({last} analysed; flags {actions['flag']}, refusals {actions['refuse']}; {about})"


def quality_html(report: QCReport) -> str:
    """Return the flow of specimens, what each rule found, and what there is to mind about the cohort."""
    flow = [(step.step, step.n, *_known(step.positive, step.negative)) for step in report.flow]
    rules = Counter((finding.rule, finding.action, finding.limit) for finding in report.findings)
    found = [(rule, action, limit, n) for (rule, action, limit), n in rules.items()]
    minded = [(finding.severity, finding.code, finding.message) for finding in report.cohort_findings]
    idle = [(rule, why) for rule, why in report.not_applied.items()]
    return card(
        "Quality control",
        (("findings", "" if found else "no rule flags or refuses a specimen"),),
        table(("flow", "specimens", "positive", "negative"), flow),
        table(("rule", "action", "limit", "specimens"), found),
        table(("severity", "code", "on the cohort"), minded),
        table(("rule not applied", "why"), idle),
    )


def _known(*counts: int | None) -> list[int | str]:
    return ["–" if n is None else n for n in counts]

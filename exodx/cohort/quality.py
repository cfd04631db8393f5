"""The quality report of a cohort: which specimens a rule flags or refuses, what the cohort does not state, and who is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exodx.cohort.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.cohort.plates import plate_effects
from exodx.cohort.shown import quality_html, quality_line
from exodx.frozen import QualityGate, specimen_rule_flags
from exodx.frozen.measurements import BLOCKING, Reason
from exodx.frozen.quality import Check, limit_text
from exodx.panel.manifest import Characterisation, characterise, manifest_fields, purity_class
from exodx.panel.markers import Markers, Tag, read_markers
from exodx.panel.quality import haemolysis_markers

NAMED = 8
REFERENCE_FINDINGS = (
    ("haemolysis", "reference_haemolysis_marker", "rises with haemolysis and carries it into every feature"),
    ("small_nuclear", "reference_small_nuclear", "is a small nuclear or nucleolar RNA, no safe reference in vesicles"),
    ("disease", "reference_disease_marker", "was itself reported as a marker of disease"),
)
"""Kind of tag → code of the finding when a reference bears it, and what it means."""


@dataclass(frozen=True, slots=True)
class QCFinding:
    """One specimen that a rule flags or refuses.

    Parameters
    ----------
    specimen : str
    rule : str
    observed : float or str or None
        None where a spike-in was looked for and not found.
    limit : str
    action : str
        ``flag`` (kept, with a warning) or ``refuse`` (neither learned from nor scored).
    """

    specimen: str
    rule: str
    observed: float | str | None
    limit: str
    action: Literal["flag", "refuse"]


@dataclass(frozen=True, slots=True)
class CohortFinding:
    """One thing to mind about the whole cohort: a stable code, how grave, and a sentence."""

    code: str
    severity: Literal["note", "warning"]
    message: str


@dataclass(frozen=True, slots=True)
class FlowStep:
    """Specimens after a step of the flow (STARD 2015, item 19); by class where there is a reference standard.

    ``subjects`` is None where specimens that are not in the cohort are among them.
    """

    step: str
    n: int
    positive: int | None = None
    negative: int | None = None
    subjects: int | None = None


@dataclass(frozen=True, slots=True)
class QCReport:
    """What quality control found.

    Parameters
    ----------
    findings : tuple of QCFinding
        In the order of the rules, then of the specimens.
    cohort_findings : tuple of CohortFinding
    flow : tuple of FlowStep
        Rows read; left out without reference standard; refused, by the first rule that does; analysed.
    not_applied : dict of str to str
        Rules that could not be looked at, and why.
    sources : dict of str to str
        Where each rule's limit comes from.
    """

    findings: tuple[QCFinding, ...]
    cohort_findings: tuple[CohortFinding, ...]
    flow: tuple[FlowStep, ...]
    not_applied: dict[str, str]
    sources: dict[str, str]

    def __repr__(self) -> str:
        return quality_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return quality_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        return asdict(self)

    def of(self, specimen: str) -> tuple[QCFinding, ...]:
        """Return the findings of one specimen."""
        return tuple(f for f in self.findings if f.specimen == specimen)


def quality_report(cohort: Cohort, gate: QualityGate, flags: NDArray[np.uint32] | None = None) -> QCReport:
    """Look at every rule in every specimen, and at the cohort as a whole.

    Parameters
    ----------
    cohort : Cohort, n specimens
    gate : QualityGate
        With what it learned, from this cohort or from the training specimens of a model.
    flags : ndarray of uint32, shape (n,), optional
        Reasons of the whole frozen transform; with them the flow also counts what other steps refuse.
    """
    checks = list(gate.checks(cohort.measurements))
    findings = [*_measured(cohort, checks), *_specimen_columns(cohort, gate)]
    reasons = gate.apply(cohort.measurements).flags if flags is None else flags
    return QCReport(
        findings=tuple(findings),
        cohort_findings=tuple(_cohort_findings(cohort, gate)),
        flow=tuple(_flow(cohort, findings, reasons)),
        not_applied=dict(gate.not_applied),
        sources={rule.name: rule.source for rule in gate.rules},
    )


def _measured(cohort: Cohort, checks: Iterable[Check]) -> Iterator[QCFinding]:
    ids = cohort.ids
    for check in checks:
        for row in np.flatnonzero(check.flagged | check.refused):
            refused = bool(check.refused[row])
            value = float(check.observed[row])
            limit = limit_text(check.rule, (check.refuse if refused else check.flag) or 0.0)
            observed = value if np.isfinite(value) else None
            yield QCFinding(ids[row], check.name, observed, limit, "refuse" if refused else "flag")


def _specimen_columns(cohort: Cohort, gate: QualityGate) -> Iterator[QCFinding]:
    texts, ids = specimen_texts(cohort), cohort.ids
    for hit in specimen_rule_flags(texts, gate.rules, ".", len(cohort)).hits:
        yield QCFinding(ids[hit.row], hit.rule, hit.observed, hit.limit, "refuse" if hit.refused else "flag")


def specimen_texts(cohort: Cohort) -> dict[str, list[str]]:
    """Return the specimen columns as cells that rules can read; blank where nothing is stated."""
    return {
        str(name): ["" if cell == UNKNOWN or cell != cell else str(cell) for cell in cohort.specimens[name]]
        for name in cohort.specimens.columns
    }


def _flow(cohort: Cohort, findings: Iterable[QCFinding], flags: NDArray[np.uint32]) -> Iterator[FlowStep]:
    """Count specimens from the rows read to those analysed; each refused one once, by the first rule that refuses it."""
    yield FlowStep("rows read", len(cohort) + cohort.left_out)
    if cohort.left_out:
        yield FlowStep("left out without reference standard", cohort.left_out)
    refused_by: dict[str, str] = {}
    ids = cohort.ids
    for finding in findings:
        if finding.action == "refuse":
            refused_by.setdefault(finding.specimen, finding.rule)
    for row in np.flatnonzero(flags & np.uint32(BLOCKING)):
        reason = next(r for r in Reason if r & BLOCKING & int(flags[row]))
        refused_by.setdefault(ids[row], reason.sentence)
    rules = np.array([refused_by.get(specimen, "") for specimen in ids], dtype=object)
    for rule in dict.fromkeys(refused_by.values()):
        yield _step(cohort, f"refused: {rule}", rules == rule)
    yield _step(cohort, "analysed", rules == "")


def _step(cohort: Cohort, step: str, rows: NDArray[np.bool_]) -> FlowStep:
    subjects = len(np.unique(cohort.subjects[rows]))
    if cohort.reference_standard is None:
        return FlowStep(step, int(rows.sum()), subjects=subjects)
    positive = int(cohort.y[rows].sum())
    return FlowStep(step, int(rows.sum()), positive, int(rows.sum()) - positive, subjects)


def _cohort_findings(cohort: Cohort, gate: QualityGate) -> Iterator[CohortFinding]:
    markers = read_markers()
    yield from _reference_findings(cohort, markers)
    yield from _marker_targets(cohort, gate)
    yield from _manifest_findings(cohort)
    for effect in plate_effects(cohort):
        message = (
            f"{100 * effect.icc:.0f} % of the variance of {markers.label(effect.analyte)} lies between {effect.plates} plates "
            f"(ICC of {effect.n} specimens, Holm p = {effect.p:.2g}). Use inter-plate calibrators, or balance classes over plates."
        )
        yield CohortFinding("plate_effect", "warning", message)


def _reference_findings(cohort: Cohort, markers: Markers) -> Iterator[CohortFinding]:
    references = cohort.panel.with_role("reference") if cohort.panel.normalisation != "none" else ()
    for reference in references:
        found: dict[str, list[Tag]] = {}
        for tag in markers.tags(reference):
            found.setdefault(tag.kind, []).append(tag)
        for kind, code, meaning in REFERENCE_FINDINGS:
            if kind in found:
                said = "; ".join(f"{tag.what} ({tag.source})" for tag in found[kind])
                yield CohortFinding(code, "warning", f"The reference {reference.name} {meaning}: {said}. Choose another.")
    if len(references) == 1:
        message = f"{references[0].name} is the only reference: whatever moves it moves every feature. Measure a second."
        yield CohortFinding("reference_single", "note", message)


def _marker_targets(cohort: Cohort, gate: QualityGate) -> Iterator[CohortFinding]:
    """Say which targets take part in a haemolysis rule: the rule may then see the disease, or the feature haemolysis."""
    known = haemolysis_markers()
    pairs = (known.numerator, known.denominator, *known.signature)
    names = {key for name, accession in pairs for key in (name.casefold(), accession.casefold())}
    targets = [
        a.name
        for a in cohort.panel.with_role("target")
        if {a.name.casefold().removeprefix("hsa-"), (a.accession or "").casefold()} & names
    ]
    if targets:
        message = (
            f"{_some(targets)}: targets that also tell of haemolysis. A difference between classes may be one in handling; "
            f"and the haemolysis rules may see the disease (limits: {_sources(gate)})."
        )
        yield CohortFinding("target_haemolysis_marker", "warning", message)


def _sources(gate: QualityGate) -> str:
    rules = [r for r in gate.rules if r.kind.startswith("haemolysis") and r.name not in gate.not_applied]
    return "; ".join(rule.source for rule in rules) or "no rule can be looked at"


def _manifest_findings(cohort: Cohort) -> Iterator[CohortFinding]:
    texts = specimen_texts(cohort)
    stated = {name for name, cells in texts.items() if any(cells)}
    stated -= {"subject"} if texts["subject"] == list(cohort.ids) else set()
    panel_says = {
        "specimen_type": cohort.panel.specimen_type,
        "isolation_method": cohort.panel.isolation,
        "platform": cohort.panel.platform,
    }
    stated |= {name for name, word in panel_says.items() if word != "unspecified"}
    fields = [f for f in manifest_fields() if not f.ev]
    for required, code, severity in ((True, "manifest_incomplete", "warning"), (False, "manifest_optional", "note")):
        absent = [f.name for f in fields if f.required is required and f.name not in stated]
        if absent:
            message = f"Not stated, and so not checked for confounding: {', '.join(absent)}."
            yield CohortFinding(code, severity, message)  # type: ignore[arg-type]
    yield from _characterisation(cohort, texts)
    yield from _purity(cohort)
    healthy = sum(cell == "healthy" for cell in texts.get("control_type", ()))
    if healthy:
        message = (
            f"{healthy} specimens are of healthy controls: against healthy people a test looks better than against "
            "those who would be tested (spectrum bias). Take controls with symptoms and without the condition."
        )
        yield CohortFinding("spectrum_bias", "warning", message)


def _characterisation(cohort: Cohort, texts: dict[str, list[str]]) -> Iterator[CohortFinding]:
    names = [f.name for f in manifest_fields() if f.ev]
    listed = {f.name for f in manifest_fields() if f.type == "list"}
    stated = {name: texts.get(name, [""] * len(cohort)) for name in names}
    columns = [cells if name in listed else ["stated" if cell else "" for cell in cells] for name, cells in stated.items()]
    rows = list(zip(*columns, strict=True))
    scores: Counter[Characterisation] = Counter()
    for row, n in Counter(rows).items():
        scores[characterise(dict(zip(names, row, strict=True)))] += n
    if not scores:
        return
    worst = min(scores, key=lambda score: score.stated)
    if worst.stated < worst.required or worst.unmet:
        same = "every specimen" if len(scores) == 1 else f"{scores[worst]} of {len(cohort)} specimens"
        absent = f"; not stated: {', '.join(worst.missing)}" if worst.missing else ""
        unmet = f"; not shown: {'; '.join(worst.unmet)}" if worst.unmet else ""
        message = (
            f"Characterisation of the vesicles {worst.stated}/{worst.required} in {same}{absent}{unmet} (MISEV2018, MISEV2023). "
            "Write of an EV preparation, not of exosomes."
        )
        yield CohortFinding("ev_characterisation", "note", message)


def _purity(cohort: Cohort) -> Iterator[CohortFinding]:
    if not {"particles_per_ml", "protein_ug_ml"} <= set(cohort.specimens.columns):
        return
    protein = cohort.specimens["protein_ug_ml"].to_numpy(float)
    ratio = cohort.specimens["particles_per_ml"].to_numpy(float) / np.where(protein > 0, protein, np.nan)
    classes = Counter(purity_class(float(r)) for r in ratio[np.isfinite(ratio)])
    counts = ", ".join(f"{classes[name]} {name}" for name in ("high", "borderline", "low", "unpure") if classes[name])
    message = (
        f"Purity by particles per µg of protein: {counts or 'not to be told'} (method PMID 24009896; limits not confirmed). "
        "Lipoproteins are counted as particles in plasma, so the ratio can look good falsely."
    )
    yield CohortFinding("purity", "warning" if classes["unpure"] else "note", message)


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" … ({len(names)} in all)" if len(names) > NAMED else "")

"""The use case behind ``exodx check``: everything that can be told of a cohort before anything is learned from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.assay import LearnQuality, learn_transform
from exodx.cohort import Cohort, QCReport, quality_report, stratified_folds
from exodx.cohort.columns import UNKNOWN
from exodx.cohort.quality import specimen_texts
from exodx.cohort.standard import perhaps_labels
from exodx.errors import RUO, InputRefused
from exodx.evaluation.assay_audits import audit_assay
from exodx.evaluation.audits import Finding, audit_cohort, audit_origin
from exodx.evaluation.beside_training import audit_beside, features_of
from exodx.evaluation.check_tables import (
    REFERENCE_NOTE,
    AnalyteRow,
    PlateRow,
    ReferenceRow,
    Spread,
    analyte_rows,
    plate_rows,
    reference_rows,
    spreads,
)
from exodx.evaluation.class_estimates import merge_findings
from exodx.evaluation.cohort_audits import audit_file
from exodx.evaluation.handling_audits import audit_handling
from exodx.evaluation.order_audits import audit_order
from exodx.evaluation.preprocessing_audits import audit_preprocessing
from exodx.evaluation.replicate_audits import Pair, audit_replicates, technical_replicates
from exodx.evaluation.shown import check_html, check_line
from exodx.evaluation.value_audits import audit_values
from exodx.frozen import AnyModel, Features, QualityGate
from exodx.frozen.measurements import NOT_SCORED, Reason, reasons_of, status_of
from exodx.panel import Panel
from exodx.panel.manifest import manifest_fields
from exodx.panel.names import LATEST, release_text

FOLDS, SEED = 5, 0
SEVERITIES = ("blocking", "warning", "note")
LAID_OPEN = ("site", "plate", "sex")
"""Specimen columns whose values are counted by class."""


@dataclass(frozen=True, slots=True)
class PanelRead:
    """The panel that the cohort was read with."""

    name: str
    version: str
    title: str
    inferred: bool
    fingerprint: str
    targets: int
    normalisation: str
    count_normalisation: str
    amount_normalisation: str
    censored: str
    ct_cutoff: float
    specimen_type: str
    isolation: str
    platform: str
    mirbase: str


@dataclass(frozen=True, slots=True)
class Group:
    """Specimens with one value of a column; by class where there is a reference standard."""

    column: str
    value: str
    n: int
    positive: int | None
    negative: int | None


@dataclass(frozen=True, slots=True)
class FlaggedSpecimen:
    """A specimen that is not simply OK, with its status and reasons."""

    specimen_id: str
    status: str
    reasons: str


@dataclass(frozen=True, slots=True)
class ManifestRead:
    """What of the manifest is stated, and what is not: the required fields and the others."""

    stated: tuple[str, ...]
    missing_required: tuple[str, ...]
    missing_optional: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CohortCheck:
    """What a check found.

    Parameters
    ----------
    verdict : str
        One sentence: may one go on, and how much is to be minded.
    ready : bool
        Whether nothing blocks.
    cohort : str
        Name of the file.
    model : str
        Name of the model that the cohort was checked against; empty where it was looked at by itself.
    synthetic : bool
    notes : tuple of str
        What was recognised on reading.
    panel : PanelRead
    specimens, subjects : int
    subjects_stated : bool
    positive, negative : int or None
        Specimens by the reference standard.
    positive_label : str
    left_out : int
        Specimens without reference standard.
    groups : tuple of Group
        By site, plate and sex.
    manifest : ManifestRead
    status : dict of str to int
        Specimens by status.
    not_ok : tuple of FlaggedSpecimen
    findings : tuple of Finding
        Blocking ones first, then warnings, then notes.
    analytes : tuple of AnalyteRow
    references : tuple of ReferenceRow
    reference_note : str
    spreads : tuple of Spread
    plates : tuple of PlateRow
    quality : QCReport
        Findings by rule and specimen, the flow of specimens, rules that could not be applied.
    replicates : tuple of Pair
        Specimens of different subjects that look like one measured twice.
    """

    verdict: str
    ready: bool
    cohort: str
    model: str
    synthetic: bool
    notes: tuple[str, ...]
    panel: PanelRead
    specimens: int
    subjects: int
    subjects_stated: bool
    positive: int | None
    negative: int | None
    positive_label: str
    left_out: int
    groups: tuple[Group, ...]
    manifest: ManifestRead
    status: dict[str, int]
    not_ok: tuple[FlaggedSpecimen, ...]
    findings: tuple[Finding, ...]
    analytes: tuple[AnalyteRow, ...]
    references: tuple[ReferenceRow, ...]
    reference_note: str
    spreads: tuple[Spread, ...]
    plates: tuple[PlateRow, ...]
    quality: QCReport
    replicates: tuple[Pair, ...] = ()

    def __repr__(self) -> str:
        return check_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return check_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain JSON types, with the notice of research use."""
        return asdict(self) | {"notice": RUO}


def check_cohort(cohort: Cohort, model: AnyModel | None = None) -> CohortCheck:
    """Gather everything that can be told of a cohort; nothing of it enters a model.

    Parameters
    ----------
    cohort : Cohort, n specimens
        With a reference standard the classes are compared too; of several classes each with the rest.
    model : DiagnosticModel or MulticlassModel, optional
        Look at the specimens through its frozen quality gate and transform instead of learning them from the cohort. The cohort
        must have been read with the model's panel.
    """
    findings: list[Finding] = []
    if model is None:
        gate, features, refused = _learned(cohort)
        findings += refused
    else:
        gate, features = model.transform.gate, features_of(model, cohort)
        findings += [*audit_origin(cohort, model), *audit_beside(model, cohort)]
    flags = gate.apply(cohort.measurements).flags if features is None else features.flags
    report = quality_report(cohort, gate, flags)
    findings += [Finding(f.code, f.severity, f.message) for f in report.cohort_findings]
    pairs = _alike(cohort, features)
    findings += audit_replicates(cohort, pairs)
    findings += [*_of_classes(cohort, features), *_of_reasons(flags), *audit_values(cohort), *audit_order(cohort)]
    findings += _of_each(cohort, lambda one: audit_file(one, gate.reads(one.measurements)))
    ordered = tuple(sorted(findings, key=lambda f: SEVERITIES.index(f.severity)))
    statuses = [str(status_of(int(f))) for f in flags]
    labelled = cohort.reference_standard is not None
    return CohortCheck(
        verdict=_verdict(ordered, labelled or bool(cohort.classes), model),
        ready=all(f.severity != "blocking" for f in ordered),
        cohort=cohort.source,
        model="" if model is None else model.name,
        synthetic=cohort.synthetic,
        notes=cohort.notes,
        panel=_panel(cohort.panel),
        specimens=len(cohort),
        subjects=len(set(cohort.subjects.tolist())),
        subjects_stated=cohort.subjects_stated,
        positive=int(cohort.y.sum()) if labelled else None,
        negative=int((cohort.y == 0).sum()) if labelled else None,
        positive_label=cohort.positive_label,
        left_out=cohort.left_out,
        groups=tuple(group for column in LAID_OPEN for group in _groups(cohort, column)),
        manifest=_manifest(cohort),
        status={s: statuses.count(s) for s in sorted(set(statuses))},
        not_ok=_not_ok(cohort, flags, report),
        findings=ordered,
        analytes=analyte_rows(cohort),
        references=reference_rows(cohort),
        reference_note=REFERENCE_NOTE,
        spreads=spreads(cohort, gate),
        plates=plate_rows(cohort),
        quality=report,
        replicates=pairs,
    )


def findings_by_code(findings: tuple[Finding, ...]) -> dict[tuple[str, str], list[Finding]]:
    """Return findings by severity and code, in their order: one kind may concern many analytes."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.severity, finding.code), []).append(finding)
    return kinds


def _learned(cohort: Cohort) -> tuple[QualityGate, Features | None, list[Finding]]:
    """Learn the gate and the transform from the cohort; what keeps the transform from being learned blocks training."""
    y = None if cohort.reference_standard is None else cohort.y
    try:
        transform = learn_transform(cohort.panel, cohort.measurements, y)
    except InputRefused as refused:
        gate: QualityGate = LearnQuality(cohort.panel).fit(cohort.measurements).state_
        return gate, None, [Finding(p.code.lower(), "blocking", f"{p.where}: {p.found}. {p.fix}") for p in refused.problems]
    return transform.gate, transform.apply(cohort.measurements), []


def _of_each(cohort: Cohort, look: Callable[[Cohort], list[Finding]]) -> list[Finding]:
    """Look at a cohort; of several classes at each against the rest, and tell once what holds of all."""
    if not cohort.classes:
        return look(cohort)
    present = [name for k, name in enumerate(cohort.classes) if (cohort.class_codes == k).any()]
    return merge_findings([(name, look(cohort.one_vs_rest(name))) for name in present])


def _of_classes(cohort: Cohort, features: Features | None) -> list[Finding]:
    """Compare the classes, where they can be dealt into folds."""
    if cohort.reference_standard is None and not cohort.classes:
        message = "No reference standard is named, so the classes could not be compared. Name it: --label COLUMN --positive VALUE."
        return [Finding("label_not_named", "note", " ".join(filter(None, [message, perhaps_labels(cohort.unused)])))]
    try:
        folds = _folds(cohort)
    except InputRefused as refused:
        return [Finding(p.code.lower(), "blocking", f"{p.found}. {p.fix}") for p in refused.problems]

    def compared(one: Cohort) -> list[Finding]:
        apart = audit_cohort(one, _or_none(one, features), folds)
        return [*apart, *audit_assay(one), *audit_handling(one), *audit_preprocessing(one)]

    return _of_each(cohort, compared)


def _folds(cohort: Cohort) -> NDArray[np.intp]:
    classes = np.unique(cohort.class_codes, return_inverse=True)[1] if cohort.classes else cohort.y
    return stratified_folds(classes, cohort.subjects, FOLDS, SEED)


def _alike(cohort: Cohort, features: Features | None) -> tuple[Pair, ...]:
    """Return specimens that look like one measured twice; they stand across a split where the usual folds would part them."""
    apart = np.zeros(len(cohort), np.intp)
    if cohort.reference_standard is not None or cohort.classes:
        try:
            apart = _folds(cohort)
        except InputRefused:
            apart = cohort.subjects
    return technical_replicates(cohort, _or_none(cohort, features), apart)


def _or_none(cohort: Cohort, features: Features | None) -> Features:
    return Features((), np.zeros((len(cohort), 0)), np.zeros(len(cohort), np.uint32)) if features is None else features


def _of_reasons(flags: NDArray[np.uint32]) -> list[Finding]:
    """Say how many specimens bear each reason."""
    findings = []
    for reason in Reason:
        n = int(((flags & np.uint32(reason)) > 0).sum())
        if n:
            what = "refused: neither learned from nor scored" if reason & NOT_SCORED else "kept, with a warning"
            message = f"{n} of {len(flags)} specimens: {reason.sentence} ({what})."
            findings.append(Finding(reason.name.lower(), "warning" if reason & NOT_SCORED else "note", message))  # type: ignore[union-attr]
    return findings


def _verdict(findings: tuple[Finding, ...], labelled: bool, model: AnyModel | None) -> str:
    kinds = Counter(severity for severity, _ in findings_by_code(findings))
    warnings = f"{kinds['warning']} warning{'' if kinds['warning'] == 1 else 's'}"
    goal = "train" if model is None else "score"
    if kinds["blocking"]:
        codes = dict.fromkeys(f.code for f in findings if f.severity == "blocking")
        return f"Do not {goal} yet: {', '.join(codes)} must be resolved first ({warnings} beside)."
    if model is None and not labelled:
        return f"Readable, {warnings}. To train, name the reference standard."
    return f"Ready to {goal}, {warnings}."


def _panel(panel: Panel) -> PanelRead:
    return PanelRead(
        name=panel.name,
        version=panel.version,
        title=panel.title,
        inferred=panel.name.startswith("auto-"),
        fingerprint=panel.fingerprint,
        targets=len(panel.with_role("target")),
        normalisation=panel.normalisation,
        count_normalisation=panel.count_normalisation,
        amount_normalisation=panel.amount_normalisation,
        censored=panel.censored,
        ct_cutoff=panel.ct_cutoff,
        specimen_type=panel.specimen_type,
        isolation=panel.isolation,
        platform=panel.platform,
        mirbase=release_text(LATEST),
    )


def _groups(cohort: Cohort, column: str) -> list[Group]:
    if column not in cohort.specimens:
        return []
    cells = cohort.specimens[column].astype(str).to_numpy()
    groups = []
    for value in sorted(set(cells), key=lambda v: (v == UNKNOWN, v)):
        here = cells == value
        positive = None if cohort.reference_standard is None else int(cohort.y[here].sum())
        negative = None if positive is None else int(here.sum()) - positive
        groups.append(Group(column, str(value), int(here.sum()), positive, negative))
    return groups


def _manifest(cohort: Cohort) -> ManifestRead:
    texts = specimen_texts(cohort)
    stated = {name for name, cells in texts.items() if any(cells)} - (set() if cohort.subjects_stated else {"subject"})
    panel = cohort.panel
    by_panel = {"specimen_type": panel.specimen_type, "isolation_method": panel.isolation, "platform": panel.platform}
    stated |= {name for name, word in by_panel.items() if word != "unspecified"}
    fields = manifest_fields()
    return ManifestRead(
        tuple(f.name for f in fields if f.name in stated),
        tuple(f.name for f in fields if f.required and f.name not in stated),
        tuple(f.name for f in fields if not f.required and f.name not in stated),
    )


def _not_ok(cohort: Cohort, flags: NDArray[np.uint32], report: QCReport) -> tuple[FlaggedSpecimen, ...]:
    """Return who is not OK: with what each rule observed, and what other steps of the transform say."""
    observed: dict[str, list[str]] = {}
    for f in report.findings:
        seen = f"{f.observed:.4g}" if isinstance(f.observed, float) else (f.observed or "not found")
        observed.setdefault(f.specimen, []).append(f"{f.rule} {seen} {f.limit}")
    return tuple(
        FlaggedSpecimen(specimen, str(status_of(int(flag))), "; ".join(observed.get(specimen, [])) or reasons_of(int(flag)))
        for specimen, flag in zip(cohort.ids, flags, strict=True)
        if flag
    )

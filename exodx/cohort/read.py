"""From a file to a cohort: layout, panel, cells, specimen columns and reference standard, all problems reported at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exodx.cohort.classes import ClassChoice, ClassLabels, read_classes
from exodx.cohort.cohort import Cohort
from exodx.cohort.columns import cell_problem, find_specimen_columns, read_specimen_columns
from exodx.cohort.infer import infer_panel, is_mirna_name
from exodx.cohort.manifest import read_manifest
from exodx.cohort.standard import Standard, label_copies, read_standard
from exodx.cohort.written import written_cells
from exodx.errors import InputRefused, Problem
from exodx.frozen import (
    NOTHING_SAID,
    WELLS,
    Admission,
    AnyModel,
    Conditions,
    InputContract,
    Measurements,
    rule_columns,
    specimen_rule_flags,
    unread_cells,
)
from exodx.frozen.joined import Joined, join_files
from exodx.frozen.statements import declare, read_statements, statement_columns
from exodx.panel import Panel, QualityRule, StudyPlan, infer_accessions, is_analyte_name, load_panel, name_warnings, rules_of
from exodx.panel.manifest import manifest_columns, manifest_fields
from exodx.tables.layout import UNNAMED, specimen_ids
from exodx.tables.reader import read_table
from exodx.tables.table import Records, TextTable, build_table, cell_text


@dataclass(frozen=True, slots=True)
class Intake:
    """How to read a cohort file: the panel and the columns, as the user named them.

    Parameters
    ----------
    panel : str or Panel
        A panel, its name or file, or ``auto``.
    label, positive : str, optional
        Column of the reference standard and its positive value.
    columns : mapping
        Specimen attribute (``specimen``, ``subject``, ``site`` …) to column.
    specimens : Path or sequence of Path, optional
        Further tables, of specimen columns or of measurements, joined by specimen id.
    conditions : Conditions
        What the user says of the specimens, and allows.
    reference : mapping, optional
        What a model keeps of its training cohort: the cohort must then be what the model is valid for. Without it the panel
        takes up what the cohort states of its specimens, where it leaves that unspecified.
    rules : tuple of QualityRule, optional
        The quality rules that a model froze; without them those of the panel, over the defaults of today.
    classes : ClassChoice, optional
        Read a label column of several values as several classes, where no positive value is given. Without it one must be.
    """

    panel: str | Panel = "auto"
    label: str | None = None
    positive: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    specimens: Path | Sequence[Path] | None = None
    conditions: Conditions = NOTHING_SAID
    reference: Mapping[str, Any] | None = None
    rules: tuple[QualityRule, ...] | None = None
    classes: ClassChoice | None = None

    @classmethod
    def of_plan(
        cls, plan: StudyPlan, specimens: Path | Sequence[Path] | None = None, conditions: Conditions = NOTHING_SAID
    ) -> Intake:
        """Read as a study plan says."""
        if conditions.release is None:
            conditions = replace(conditions, release=plan.mirbase_release)
        return cls(plan.panel, plan.label, plan.positive, plan.specimen_columns, specimens, conditions)

    def for_model(self, model: AnyModel) -> Intake:
        """Read as a frozen model asks: its panel, rules and validity, and its positive value unless one is named."""
        positive = self.positive or model.provenance.positive_label or None
        return replace(self, panel=model.panel, positive=positive, reference=model.reference, rules=model.transform.gate.rules)

    @property
    def joined(self) -> tuple[Path, ...]:
        """The further tables."""
        if self.specimens is None:
            return ()
        return (self.specimens,) if isinstance(self.specimens, Path) else tuple(self.specimens)


def read_cohort(path: str | Path, intake: Intake = Intake()) -> Cohort:
    """Read a cohort from a table file; see :func:`build_cohort`."""
    return build_cohort(read_table(path), intake)


def frame_cohort(frame: pd.DataFrame, intake: Intake = Intake()) -> Cohort:
    """Make a cohort from a DataFrame that has the columns a file would have; see :func:`build_cohort`."""
    cells = frame.astype(object).where(frame.notna(), None)
    rows = [[cell_text(cell) for cell in row] for row in cells.itertuples(index=False, name=None)]
    records = Records([[str(name) for name in frame.columns], *rows], list(range(len(rows) + 1)))
    return build_cohort(build_table("DataFrame", records, "row", ".", ()), intake)


def build_cohort(table: TextTable, intake: Intake) -> Cohort:
    """Build a cohort from a text table in any layout.

    Specimens without a reference standard are left out and counted in ``notes`` when a label column is named.

    Raises
    ------
    InputRefused
        With every problem of the file: unreadable cells, missing analytes, specimens the panel is not valid for, repeated ids,
        unknown columns, labels.
    """
    panel = intake.panel if isinstance(intake.panel, Panel) or intake.panel == "auto" else load_panel(intake.panel)
    joined = join_files(table, intake.joined, _is_analyte(panel), intake.columns.get("specimen"))
    table = joined.table
    ids, id_column, problems = specimen_ids(table, joined.specimen)
    attributes, found = find_specimen_columns(table, {k: v for k, v in intake.columns.items() if k != "specimen"})
    problems += found
    notes = [*table.notes, *([UNNAMED] if id_column is None and not problems else [])]
    about = {*attributes.values(), *filter(None, [id_column, intake.label])}
    standard, found = _standard(table, intake)
    copies = _copies(table, str(intake.label), standard)
    panel, panel_notes = _panel(table, panel, intake, about | set(copies), joined)
    notes += panel_notes
    problems += _taken_twice(table, panel, [*attributes.values(), *filter(None, [intake.label])])
    admission = InputContract(panel, intake.reference or {}).admit(table, intake.conditions, about, joined.units)
    specimens, attribute_notes, attribute_problems = read_specimen_columns(table, ids, attributes)
    taken = {*admission.columns, *filter(None, [id_column, intake.label])}
    rules = rules_of(panel) if intake.rules is None else intake.rules
    extra = [column for rule in rules for column in (rule.column, rule.per) if column]
    manifest = read_manifest(table, {*taken, *attributes.values()}, extra)
    measurements, rule_problems = _ruled(table, rules, taken, admission.measurements)
    problems += [*found, *admission.problems, *unread_cells(admission.unreadable, table), *attribute_problems]
    problems += [*manifest.problems, *rule_problems]
    if problems:
        raise InputRefused(problems)
    notes += [*admission.notes, *attribute_notes, *manifest.notes]
    specimens = manifest.onto(specimens)
    if (wells := _wells(table, admission)) is not None:
        specimens["wells"] = wells
    synthetic = "synthetic" in attributes and any(
        c.casefold() in ("yes", "true", "1") for c in table.columns[attributes["synthetic"]]
    )
    cohort = Cohort(
        panel,
        measurements,
        specimens,
        source=table.source,
        synthetic=synthetic,
        notes=tuple(notes),
        unused=_unused(table, specimens.index, {*taken, *attributes.values(), *manifest.headers.values()}),
        remarks=table.remarks,
        written=written_cells(table, sorted(admission.columns), specimens.index) if standard is not None else None,
    )
    if isinstance(standard, ClassLabels):
        return _classed(cohort, standard)
    return cohort if standard is None else _labelled(cohort, standard)


def _unused(table: TextTable, index: pd.Index, taken: Collection[str]) -> pd.DataFrame:
    """Return the columns that nothing reads, as written."""
    columns = {name: list(cells) for name, cells in table.columns.items() if name not in taken}
    return pd.DataFrame(columns, index=index, dtype=object)


def _wells(table: TextTable, admission: Admission) -> list[int] | None:
    """Return in how many wells the panel's analytes were measured for each specimen; None where a cell holds one."""
    columns = [table.columns[header] for header in sorted(admission.columns)]
    if not any(WELLS in cell for column in columns for cell in column):
        return None
    return [sum(1 + cell.count(WELLS) for cell in row if cell) for row in zip(*columns, strict=True)]


def _ruled(
    table: TextTable, rules: Sequence[QualityRule], taken: Collection[str], m: Measurements
) -> tuple[Measurements, list[Problem]]:
    """Flag the specimens that the rules on specimen columns flag or refuse; a manifest's cells are told of by the manifest."""
    known = {known.name for known in manifest_fields()}
    headers = rule_columns(table.header, rules, taken)
    columns = {column: table.columns[header] for column, header in headers.items()}
    verdicts = specimen_rule_flags(columns, rules, table.decimal, len(table))
    own = {at: why for at, why in verdicts.unreadable.items() if at[1] not in known}
    problems = [cell_problem(table, row, headers[column], why) for (row, column), why in own.items()]
    return replace(m, flags=m.flags | verdicts.flags), problems


def _panel(table: TextTable, panel: str | Panel, intake: Intake, about: set[str], joined: Joined) -> tuple[Panel, list[str]]:
    """Return the panel, inferred if need be, with what the cohort states of its specimens where it is not yet a model's."""
    notes: list[str] = []
    inferred = not isinstance(panel, Panel)
    if not isinstance(panel, Panel):
        said = {*statement_columns(table, about).values(), *manifest_columns(table.header, about).values()}
        panel, found = infer_panel(table, about | said, joined.added, joined.units)
        notes += found
    if intake.reference is None:
        stated, _ = read_statements(table, intake.conditions, {*about, *panel.names})
        if not inferred:  # the release of the columns is that of an inferred panel's names, not of a written panel's
            stated.pop("mirbase_release", None)
        panel, found_ = declare(panel, stated)
        notes += found_
    if inferred:
        panel, accession_notes = infer_accessions(panel)
        notes += accession_notes
    elif intake.reference is None:
        notes += name_warnings(panel)
    return panel, notes


def _labelled(cohort: Cohort, standard: Standard) -> Cohort:
    """Add the reference standard, leaving out (and counting) the specimens that have none."""
    codes = pd.Series(standard.codes, index=cohort.specimens.index, name="reference_standard")
    stated = standard.codes >= 0
    labelled = replace(cohort, reference_standard=codes, positive_label=standard.positive, left_out=int((~stated).sum()))
    return replace(labelled, notes=(*cohort.notes, *standard.notes), negative_labels=standard.negatives)[stated]


def _classed(cohort: Cohort, read: ClassLabels) -> Cohort:
    """Add the classes, leaving out (and counting) the specimens that have none, or one that is not asked for."""
    labels = pd.Series(read.cells, index=cohort.specimens.index, name="class", dtype=object)
    stated = np.array([bool(cell) for cell in read.cells])
    labelled = replace(cohort, labels=labels, classes=read.classes, left_out=int((~stated).sum()))
    return replace(labelled, notes=(*cohort.notes, *read.notes))[stated]


def _copies(table: TextTable, label: str, standard: Standard | ClassLabels | None) -> list[str]:
    """Return the columns that say the reference standard, or one of its classes, in other words."""
    if not isinstance(standard, ClassLabels):
        return [] if standard is None else label_copies(table, label, standard)
    codes = [[-1 if not cell else int(cell == name) for cell in standard.cells] for name in standard.classes]
    each = [label_copies(table, label, Standard(np.array(c, np.int8), "", ())) for c in codes]
    return list(dict.fromkeys(name for names in each for name in names))


def _standard(table: TextTable, intake: Intake) -> tuple[Standard | ClassLabels | None, list[Problem]]:
    if intake.label is None:
        return None, []
    try:
        if intake.classes is not None and intake.positive is None and intake.classes.is_meant(table, intake.label):
            return read_classes(table, intake.label, intake.classes), []
        return read_standard(table, intake.label, intake.positive), []
    except InputRefused as refused:
        return None, list(refused.problems)


def _taken_twice(table: TextTable, panel: Panel, columns: Iterable[str]) -> list[Problem]:
    """A column cannot be an analyte and the label (or the subject, the site …) at once: the model would be told the answer."""
    fix = "Take it out of the panel, or name another column."
    return [
        Problem("COLUMN_TWICE", f"{table.source}, column {column!r}", "it is an analyte of the panel too", fix)
        for column in columns
        if panel.columns([column])
    ]


def _is_analyte(panel: str | Panel) -> Callable[[str], bool]:
    return is_analyte_name(panel) if isinstance(panel, Panel) else is_mirna_name

"""From a file to a cohort: layout, panel, cells, specimen columns and reference standard, all problems reported at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from exodx.cohort.cohort import Cohort
from exodx.cohort.columns import cell_problem, find_specimen_columns, read_specimen_columns
from exodx.cohort.infer import infer_panel, is_mirna_name
from exodx.cohort.manifest import read_manifest
from exodx.cohort.standard import Standard, label_copies, read_standard
from exodx.errors import InputRefused, Problem
from exodx.frozen import WELLS, InputContract, Measurements, rule_columns, specimen_rule_flags
from exodx.panel import Panel, StudyPlan, load_panel, rules_of
from exodx.panel.manifest import manifest_columns, manifest_fields
from exodx.tables import UNNAMED, TextTable, cell_text, read_table, specimen_ids, to_wide
from exodx.tables.table import Records, Remark, build_table


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
    specimens : Path, optional
        A second table with specimen columns, joined by specimen id.
    """

    panel: str | Panel = "auto"
    label: str | None = None
    positive: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    specimens: Path | None = None

    @classmethod
    def of_plan(cls, plan: StudyPlan, specimens: Path | None = None) -> Intake:
        """Read as a study plan says."""
        return cls(plan.panel, plan.label, plan.positive, plan.specimen_columns, specimens)


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
        With every problem of the file: unreadable cells, missing analytes, repeated ids, unknown columns, labels.
    """
    panel = intake.panel if isinstance(intake.panel, Panel) or intake.panel == "auto" else load_panel(intake.panel)
    named = intake.columns.get("specimen")
    table = to_wide(table, _is_analyte(panel), named, WELLS)
    if intake.specimens is not None:
        table = _join(table, read_table(intake.specimens), intake)
        named = named if named in table.columns else None
    ids, id_column, problems = specimen_ids(table, named)
    attributes, found = find_specimen_columns(table, {k: v for k, v in intake.columns.items() if k != "specimen"})
    problems += found
    notes = list(table.notes)
    if id_column is None and not problems:
        notes.append(UNNAMED)
    standard, unread = _standard(table, intake)
    if not isinstance(panel, Panel):
        reserved = {
            *attributes.values(),
            *([id_column] if id_column is not None else []),
            *([intake.label] if intake.label else []),
        }
        reserved |= set(manifest_columns(table.header, reserved).values())
        reserved |= set(label_copies(table, str(intake.label), standard)) if standard is not None else set()
        panel, inferred = infer_panel(table, reserved)
        notes += inferred
    problems += _taken_twice(table, panel, [*attributes.values(), *filter(None, [intake.label])])
    measurements, cell_problems = _measurements(table, panel)
    specimens, attribute_notes, attribute_problems = read_specimen_columns(table, ids, attributes)
    analytes = {header for headers in panel.columns(table.header).values() for header in headers}
    taken = {*analytes, *filter(None, [id_column, intake.label])}
    extra = [column for rule in rules_of(panel) for column in (rule.column, rule.per) if column]
    manifest = read_manifest(table, {*taken, *attributes.values()}, extra)
    problems += [*unread, *cell_problems, *attribute_problems, *manifest.problems]
    if measurements is not None:
        measurements, found = _ruled(table, panel, taken, measurements)
        problems += found
    if problems or measurements is None:
        raise InputRefused(problems)
    notes += [*attribute_notes, *manifest.notes]
    specimens = manifest.onto(specimens)
    if (wells := _wells(table, panel)) is not None:
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
    )
    return cohort if standard is None else _labelled(cohort, standard)


def _unused(table: TextTable, index: pd.Index, taken: Collection[str]) -> pd.DataFrame:
    """Return the columns that nothing reads, as written."""
    return pd.DataFrame({name: cells for name, cells in table.columns.items() if name not in taken}, index=index, dtype=object)


def _wells(table: TextTable, panel: Panel) -> list[int] | None:
    """Return in how many wells the panel's analytes were measured for each specimen; None where a cell holds one."""
    columns = [table.columns[header] for found in panel.columns(table.header).values() for header in found]
    wells = [sum(1 + cell.count(WELLS) for cell in row if cell) for row in zip(*columns, strict=True)]
    return wells if any(WELLS in cell for column in columns for cell in column) else None


def _ruled(table: TextTable, panel: Panel, taken: Collection[str], m: Measurements) -> tuple[Measurements, list[Problem]]:
    """Flag the specimens that the rules on specimen columns flag or refuse; a manifest's cells are told of by the manifest."""
    rules, known = rules_of(panel), {known.name for known in manifest_fields()}
    headers = rule_columns(table.header, rules, taken)
    columns = {column: table.columns[header] for column, header in headers.items()}
    verdicts = specimen_rule_flags(columns, rules, table.decimal, len(table))
    own = {at: why for at, why in verdicts.unreadable.items() if at[1] not in known}
    problems = [cell_problem(table, row, headers[column], why) for (row, column), why in own.items()]
    return replace(m, flags=m.flags | verdicts.flags), problems


def _labelled(cohort: Cohort, standard: Standard) -> Cohort:
    """Add the reference standard, leaving out (and counting) the specimens that have none."""
    codes = pd.Series(standard.codes, index=cohort.specimens.index, name="reference_standard")
    stated = standard.codes >= 0
    labelled = replace(cohort, reference_standard=codes, positive_label=standard.positive, left_out=int((~stated).sum()))
    return replace(labelled, notes=(*cohort.notes, *standard.notes))[stated]


def _standard(table: TextTable, intake: Intake) -> tuple[Standard | None, list[Problem]]:
    if intake.label is None:
        return None, []
    try:
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
    return (lambda name: bool(panel.columns([name]))) if isinstance(panel, Panel) else is_mirna_name


def _join(table: TextTable, other: TextTable, intake: Intake) -> TextTable:
    """Add the columns of a specimen table, matched by specimen id; repeated lines must agree."""
    named = intake.columns.get("specimen")
    ids, _, problems = specimen_ids(table, None if table.place == "specimen" and named not in table.columns else named)
    shared = {c: len(set(ids) & set(cells)) for c, cells in other.columns.items()}
    key = named if named in other.columns else max(shared, key=lambda c: shared[c])
    if problems or not shared[key]:
        fix = "Name the column that holds the same specimen ids in it: --specimen COLUMN."
        raise InputRefused(problems or [Problem("SPECIMEN_MISSING", other.source, "no column holds the ids of the cohort", fix)])
    rows: dict[str, int] = {}
    repeated = 0
    for row, name in enumerate(other.columns[key]):
        first = rows.setdefault(name, row)
        repeated += first != row
        if any(cells[first] != cells[row] for cells in other.columns.values()):
            found = f"specimen {name!r} has two different rows"
            problems.append(Problem("ID_TWICE", other.where(row, key), found, "Keep the right one."))
    for row, name in enumerate(ids):
        if name not in rows:
            problems.append(
                Problem("SPECIMEN_UNKNOWN", table.where(row), f"{name!r} is not in {other.source}", "Add its row there.")
            )
    if problems:
        raise InputRefused(problems)
    added = {c: [cells[rows[name]] for name in ids] for c, cells in other.columns.items() if c != key and c not in table.columns}
    remarks = [Remark("specimen_rows_repeated", f"{repeated} rows of {other.source} repeat another, cell for cell.")]
    notes = (*table.notes, f"{other.source}: {len(added)} specimen columns")
    return replace(table, columns={**table.columns, **added}, notes=notes, remarks=(*table.remarks, *(remarks if repeated else [])))


def _measurements(table: TextTable, panel: Panel) -> tuple[Measurements | None, list[Problem]]:
    contract = InputContract(panel)
    problems = contract.missing(table.header, table.source)
    if problems:
        return None, problems
    measurements, unreadable = contract.read(table.columns, table.decimal)
    return measurements, [cell_problem(table, row, header, why) for (row, header), why in unreadable.items()]

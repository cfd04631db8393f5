"""From a file to a cohort: layout, panel, cells, specimen columns and reference standard, all problems reported at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from exodx.cohort.cohort import Cohort
from exodx.cohort.columns import find_specimen_columns
from exodx.cohort.infer import infer_panel, is_mirna_name
from exodx.errors import InputRefused, Problem, nearest
from exodx.frozen import WELLS, InputContract, Measurements, read_cells
from exodx.panel import Panel, Scale, StudyPlan, load_panel
from exodx.tables import TextTable, cell_text, read_table, specimen_ids, to_wide
from exodx.tables.table import Records, build_table

UNKNOWN = "(not stated)"
"""Where a specimen's site, plate, date or sex is blank: a value of its own, not a missing row."""

POSITIVE_WORDS = ("case", "positive", "pos", "yes", "true", "disease", "diseased", "patient")


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
        notes.append("no specimen column was recognised: specimens are named row-1, row-2 …")
    if not isinstance(panel, Panel):
        reserved = {
            *attributes.values(),
            *([id_column] if id_column is not None else []),
            *([intake.label] if intake.label else []),
        }
        panel, inferred = infer_panel(table, reserved)
        notes += inferred
    labels, positive, label_notes, found = _labels(table, intake)
    measurements, cell_problems = _measurements(table, panel)
    specimens, attribute_problems = _specimens(table, ids, attributes)
    problems += [*found, *cell_problems, *attribute_problems]
    if problems or measurements is None:
        raise InputRefused(problems)
    synthetic = "synthetic" in attributes and any(
        c.casefold() in ("yes", "true", "1") for c in table.columns[attributes["synthetic"]]
    )
    cohort = Cohort(panel, measurements, specimens, source=table.source, synthetic=synthetic, notes=(*notes, *label_notes))
    return cohort if labels is None else _labelled(cohort, labels, positive)


def _is_analyte(panel: str | Panel):  # type: ignore[no-untyped-def]
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
    for row, name in enumerate(other.columns[key]):
        first = rows.setdefault(name, row)
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
    return replace(
        table, columns={**table.columns, **added}, notes=(*table.notes, f"{other.source}: {len(added)} specimen columns")
    )


def _measurements(table: TextTable, panel: Panel) -> tuple[Measurements | None, list[Problem]]:
    contract = InputContract(panel)
    problems = contract.missing(table.header, table.source)
    if problems:
        return None, problems
    measurements, unreadable = contract.read(table.columns, table.decimal)
    return measurements, [cell_problem(table, row, header, why) for (row, header), why in unreadable.items()]


def cell_problem(table: TextTable, row: int, header: str, why: str) -> Problem:
    """Return the problem of a cell that has no meaning."""
    fix = "Write a number, 'Undetermined', '<LOD', or leave it blank (not run)."
    return Problem("CELL_UNREADABLE", table.where(row, header), f"{table.columns[header][row]!r}: {why}", fix)


def _labels(table: TextTable, intake: Intake) -> tuple[list[int] | None, str, list[str], list[Problem]]:
    """Return 1/0 for every row (−1 where the label is blank), the positive value, notes and problems."""
    if intake.label is None:
        return None, "", [], []
    if intake.label not in table.columns:
        fix = nearest(intake.label, table.header)
        return None, "", [], [Problem("COLUMN_MISSING", table.source, f"no column {intake.label!r} (for label)", fix)]
    cells = table.columns[intake.label]
    counts = Counter(cell for cell in cells if cell)
    positive = intake.positive.strip() if intake.positive is not None else _positive(counts)
    where = f"{table.source}, column {intake.label!r}"
    if positive is None or positive not in counts:
        found = f"no cell says {positive!r}" if positive is not None else f"the values are {', '.join(map(repr, sorted(counts)))}"
        fix = "Say which value means that the target condition is present: --positive VALUE. " + nearest(
            positive or "", sorted(counts)
        )
        return None, "", [], [Problem("LABEL_POSITIVE", where, found, fix)]
    if len(counts) < 2:
        return None, "", [], [Problem("LABEL_CONSTANT", where, f"all say {positive!r}", "Give specimens of both classes.")]
    negative = ", ".join(f"{value!r} ({n})" for value, n in sorted(counts.items()) if value != positive)
    notes = [f"reference standard {intake.label!r}: positive {positive!r} ({counts[positive]}), negative {negative}"]
    if blank := sum(not cell for cell in cells):
        notes.append(f"{blank} specimens have no reference standard and are left out")
    return [-1 if not cell else int(cell == positive) for cell in cells], positive, notes, []


def _positive(counts: Counter[str]) -> str | None:
    """The positive value of a two-valued column when only one of them can be meant: of 0 and 1, but not of 1 and 2."""
    if set(counts) == {"0", "1"}:
        return "1"
    words = [value for value in counts if value.casefold() in POSITIVE_WORDS]
    return words[0] if len(words) == 1 and len(counts) == 2 else None


def _specimens(table: TextTable, ids: list[str], attributes: Mapping[str, str]) -> tuple[pd.DataFrame, list[Problem]]:
    problems: list[Problem] = []
    columns: dict[str, object] = {"subject": ids}
    for key, column in attributes.items():
        cells = table.columns[column]
        if key == "age":
            read = read_cells(cells, Scale.NORMALISED, decimal=table.decimal)
            problems += [cell_problem(table, row, column, why) for row, why in read.unreadable.items()]
            columns[key] = read.values
        elif key == "subject":
            fix = "Say whose specimen it is: splits keep a subject's specimens together."
            problems += [
                Problem("SUBJECT_BLANK", table.where(row, column), "no subject", fix) for row, cell in enumerate(cells) if not cell
            ]
            columns[key] = cells
        elif key != "synthetic":
            columns[key] = [cell or UNKNOWN for cell in cells]
    if len(ids) != len(table):
        return pd.DataFrame(), problems
    return pd.DataFrame(columns, index=pd.Index(ids, name="specimen_id")), problems


def _labelled(cohort: Cohort, labels: list[int], positive: str) -> Cohort:
    codes = np.array(labels)
    standard = pd.Series(codes, index=cohort.specimens.index, name="reference_standard")
    return replace(cohort, reference_standard=standard, positive_label=positive)[codes >= 0]

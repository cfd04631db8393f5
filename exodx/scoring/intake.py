"""From a text table to the measurements a model asks for: through the model's own contract, nothing learned, nothing dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exodx.errors import InputRefused, Problem
from exodx.frozen import (
    NOTHING_SAID,
    AnyModel,
    Conditions,
    Measurements,
    Reason,
    rule_columns,
    specimen_rule_flags,
    unread_cells,
)
from exodx.frozen.joined import join_files
from exodx.frozen.specimen_rules import SpecimenVerdicts
from exodx.panel import is_analyte_name
from exodx.scoring import doors
from exodx.tables.layout import UNNAMED, specimen_ids
from exodx.tables.table import TextTable

MEND_CELL = "Write a number, 'Undetermined', '<LOD', or leave it blank (not run); or use --keep-going to score the other rows."
MEND_RULE = (
    "Write what the rule on this column can read, or leave it blank (not stated); or use --keep-going to score the other rows."
)

ENOUGH = 20
"""Specimens, and values of a column, with which its middle is held against training's; of fewer nothing is told."""


@dataclass(frozen=True, slots=True)
class Specimens:
    """What is to be scored.

    Parameters
    ----------
    ids : tuple of str, length n
    measurements : Measurements
        Rows with unreadable cells carry ``Reason.INVALID_CELL``.
    details : dict of int to str
        For the rows concerned: what could not be read, what was allowed and why, what the rules on specimen columns found.
    notes : tuple of str
        What was recognised on reading.
    """

    ids: tuple[str, ...]
    measurements: Measurements
    details: dict[int, str]
    notes: tuple[str, ...]


def read_specimens(
    table: TextTable,
    model: AnyModel,
    specimen: str | None,
    *,
    keep_going: bool,
    conditions: Conditions = NOTHING_SAID,
    joined: Sequence[Path] = (),
) -> Specimens:
    """Read the specimens of a table for a model.

    Parameters
    ----------
    table : TextTable
        In any layout; columns the model does not know are ignored.
    model : DiagnosticModel or MulticlassModel
    specimen : str, optional
        The specimen column.
    keep_going : bool
        Unreadable cells mark their row instead of refusing the table.
    conditions : Conditions
        What the user says of the specimens, and allows.
    joined : sequence of Path
        Further tables, of specimen columns or of measurements, joined by specimen id.

    Raises
    ------
    InputRefused
        With every missing analyte, repeated id, unreadable cell (but for keep_going) and difference from what the model asks.
    """
    together = join_files(table, joined, is_analyte_name(model.panel), specimen)
    wide = together.table
    ids, column, problems = specimen_ids(wide, together.specimen)
    admission = model.contract.admit(wide, conditions, units=together.units)
    problems += admission.problems
    verdicts, found_in = rule_verdicts(wide, model, {*admission.columns, *([] if column is None else [column])})
    of_rules = {(row, found_in[name]): why for (row, name), why in verdicts.unreadable.items()}
    if not keep_going:
        problems += unread_cells(admission.unreadable, wide, MEND_CELL)
        problems += unread_rules(verdicts, found_in, wide)
    if problems:
        raise InputRefused(problems)
    measurements, details = judged(wide, admission.measurements, admission.unreadable | of_rules, admission.allowed, verdicts)
    exchanged = doors.notes_of_table(model, measurements) if len(measurements) >= ENOUGH else []
    notes = (*told(wide.notes, column, admission.notes, model), *exchanged)
    return Specimens(tuple(ids), measurements, details, notes)


def told(of_table: Sequence[str], column: str | None, of_contract: Sequence[str], model: AnyModel) -> tuple[str, ...]:
    """Return what the user is told of a table as a whole; ``column`` is the specimens'."""
    notes = [*of_table, *([] if column is not None else [UNNAMED]), *of_contract]
    return (*notes, *(["the model was trained on simulated specimens: a demonstration"] if model.provenance.synthetic else []))


def judged(
    table: TextTable,
    measurements: Measurements,
    unreadable: Mapping[tuple[int, str], str],
    allowed: Mapping[int, str],
    verdicts: SpecimenVerdicts,
) -> tuple[Measurements, dict[int, str]]:
    """Return the measurements with their flags, and for the rows concerned what was unreadable, allowed or found by a rule."""
    details: dict[int, str] = {}
    for (row, header), why in unreadable.items():
        _add(details, row, f"column {header!r}: {table.columns[header][row]!r}: {why}")
    invalid = np.zeros(len(table), bool)
    invalid[list(details)] = True
    for row, text in (*allowed.items(), *verdicts.details.items()):
        _add(details, row, text)
    flagged = replace(measurements, flags=measurements.flags | verdicts.flags)
    return flagged.flagged(Reason.INVALID_CELL, invalid), details


def _add(texts: dict[int, str], row: int, text: str) -> None:
    texts[row] = "; ".join(filter(None, (texts.get(row), text)))


def unread_rules(verdicts: SpecimenVerdicts, found_in: Mapping[str, str], table: TextTable) -> list[Problem]:
    """Return the problem of every cell that a quality rule cannot read."""
    cells = [(row, found_in[name], why) for (row, name), why in verdicts.unreadable.items()]
    return [
        Problem("CELL_UNREADABLE", table.where(row, header), f"{table.columns[header][row]!r}: {why}", MEND_RULE)
        for row, header, why in cells
    ]


def rule_verdicts(table: TextTable, model: AnyModel, taken: Collection[str]) -> tuple[SpecimenVerdicts, dict[str, str]]:
    """Apply the model's rules to the specimen columns that the table has; and say which column is which."""
    rules = model.transform.gate.rules
    found_in = rule_columns(table.header, rules, taken)
    columns = {column: table.columns[header] for column, header in found_in.items()}
    return specimen_rule_flags(columns, rules, table.decimal, len(table)), found_in

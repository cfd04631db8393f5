"""From a text table to the measurements a model asks for: through the model's own contract, nothing learned, nothing dropped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exodx.errors import InputRefused, Problem
from exodx.frozen import WELLS, DiagnosticModel, Measurements, Reason, rule_columns, specimen_rule_flags
from exodx.frozen.specimen_rules import SpecimenVerdicts
from exodx.tables import UNNAMED, TextTable, specimen_ids, to_wide

MEND_CELL = "Write a number, 'Undetermined', '<LOD', or leave it blank (not run); or use --keep-going to score the other rows."
MEND_RULE = (
    "Write what the rule on this column can read, or leave it blank (not stated); or use --keep-going to score the other rows."
)


@dataclass(frozen=True, slots=True)
class Specimens:
    """What is to be scored.

    Parameters
    ----------
    ids : tuple of str, length n
    measurements : Measurements
        Rows with unreadable cells carry ``Reason.INVALID_CELL``.
    details : dict of int to str
        What could not be read, and what the rules on specimen columns found, by row.
    notes : tuple of str
        What was recognised on reading.
    """

    ids: tuple[str, ...]
    measurements: Measurements
    details: dict[int, str]
    notes: tuple[str, ...]


def read_specimens(table: TextTable, model: DiagnosticModel, specimen: str | None, *, keep_going: bool) -> Specimens:
    """Read the specimens of a table for a model.

    Parameters
    ----------
    table : TextTable
        In any layout; columns the model does not know are ignored.
    model : DiagnosticModel
    specimen : str, optional
        The specimen column.
    keep_going : bool
        Unreadable cells mark their row instead of refusing the table.

    Raises
    ------
    InputRefused
        With every missing analyte, repeated id and (unless keeping on) unreadable cell.
    """
    wide = to_wide(table, lambda name: bool(model.panel.columns([name])), specimen, WELLS)
    ids, column, problems = specimen_ids(wide, specimen)
    missing = model.contract.missing(wide.header, wide.source)
    if missing:
        raise InputRefused([*problems, *missing])
    measurements, unreadable = model.contract.read(wide.columns, wide.decimal)
    verdicts, found_in = _rule_verdicts(wide, model)
    unreadable |= {(row, found_in[name]): why for (row, name), why in verdicts.unreadable.items()}
    details: dict[int, str] = {}
    for (row, header), why in unreadable.items():
        found = f"{wide.columns[header][row]!r}: {why}"
        details[row] = "; ".join(filter(None, (details.get(row), f"column {header!r}: {found}")))
        if not keep_going:
            fix = MEND_RULE if header in found_in.values() else MEND_CELL
            problems.append(Problem("CELL_UNREADABLE", wide.where(row, header), found, fix))
    if problems:
        raise InputRefused(problems)
    invalid = np.zeros(len(wide), bool)
    invalid[list(details)] = True
    for row, found in verdicts.details.items():
        details[row] = "; ".join(filter(None, (details.get(row), found)))
    measurements = replace(measurements, flags=measurements.flags | verdicts.flags)
    notes = [*wide.notes, *([] if column is not None else [UNNAMED])]
    notes += ["the model was trained on simulated specimens: a demonstration"] if model.provenance.synthetic else []
    return Specimens(tuple(ids), measurements.flagged(Reason.INVALID_CELL, invalid), details, tuple(notes))


def _rule_verdicts(table: TextTable, model: DiagnosticModel) -> tuple[SpecimenVerdicts, dict[str, str]]:
    """Apply the panel's rules to the specimen columns that the table has; and say which column is which."""
    rules = model.transform.gate.rules
    taken = [header for headers in model.panel.columns(table.header).values() for header in headers]
    found_in = rule_columns(table.header, rules, taken)
    columns = {column: table.columns[header] for column, header in found_in.items()}
    return specimen_rule_flags(columns, rules, table.decimal, len(table)), found_in

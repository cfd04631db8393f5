"""From a text table to the measurements a model asks for: through the model's own contract, nothing learned, nothing dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exodx.errors import InputRefused, Problem
from exodx.frozen import WELLS, DiagnosticModel, Measurements, Reason
from exodx.tables import UNNAMED, TextTable, specimen_ids, to_wide

MEND_CELL = "Write a number, 'Undetermined', '<LOD', or leave it blank (not run); or use --keep-going to score the other rows."


@dataclass(frozen=True, slots=True)
class Specimens:
    """What is to be scored.

    Parameters
    ----------
    ids : tuple of str, length n
    measurements : Measurements
        Rows with unreadable cells carry ``Reason.INVALID_CELL``.
    details : dict of int to str
        For those rows, what could not be read.
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
    wide = to_wide(table, model.contract.is_analyte, specimen, WELLS)
    ids, column, problems = specimen_ids(wide, specimen)
    missing = model.contract.missing(wide.header, wide.source)
    if missing:
        raise InputRefused([*problems, *missing])
    measurements, unreadable = model.contract.read(wide.columns, wide.decimal)
    details: dict[int, str] = {}
    for (row, header), why in unreadable.items():
        found = f"{wide.columns[header][row]!r}: {why}"
        details[row] = "; ".join(filter(None, (details.get(row), f"column {header!r}: {found}")))
        if not keep_going:
            problems.append(Problem("CELL_UNREADABLE", wide.where(row, header), found, MEND_CELL))
    if problems:
        raise InputRefused(problems)
    invalid = np.zeros(len(wide), bool)
    invalid[list(details)] = True
    notes = [*wide.notes, *([] if column is not None else [UNNAMED])]
    notes += ["the model was trained on simulated specimens: a demonstration"] if model.provenance.synthetic else []
    return Specimens(tuple(ids), measurements.flagged(Reason.INVALID_CELL, invalid), details, tuple(notes))

"""Rows of a plain long table that hold no specimen, where a column says what each row is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from exodx.errors import InputRefused, Problem
from exodx.panel import read_unit
from exodx.tables.coded import Coded
from exodx.tables.names import PLATE_NAMES, find_column, folded_name
from exodx.tables.no_template import close_to_control
from exodx.tables.table import TextTable
from exodx.tables.tasks import MEASURES_SPECIMEN, TASKS, UNKNOWN, task_of

KIND_NAMES = ("task", "kind", "type", "well type", "sample type")
"""How a column is called that says what a row is for."""

KINDS = MappingProxyType(dict.fromkeys(("sample", "specimen", "spike", "spike in", "spike-in", "spike_in"), UNKNOWN) | TASKS)
"""What a row is for, in the words of plain tables: those of an instrument's export, and kinds of what is measured in a specimen."""


def without_controls(table: TextTable, analyte: str, value: str, specimen: str) -> TextTable:
    """Leave out the rows of no-template controls, standards, negative and positive controls; a note counts them.

    Parameters
    ----------
    table : TextTable
        Long. A column counts where it bears one of :data:`KIND_NAMES` and every word in it is known: ``case`` and ``control``
        are groups of specimens.
    analyte, value, specimen : str
        Its columns.

    Raises
    ------
    InputRefused
        ``NO_SPECIMEN`` where no row is left.
    """
    names = set(map(folded_name, KIND_NAMES))
    for name in table.header:
        if folded_name(name) in names and name not in (analyte, value, specimen) and (tasks := _tasks(table.columns[name])):
            table = _kept(table, name, tasks, (analyte, value, specimen))
            break
    return table


def _tasks(words: Sequence[str]) -> Coded | None:
    """Return what each row is for; None where a word is not known, or all rows hold specimens."""
    cells = Coded.of(words)
    meaning = {word: KINDS.get(word.casefold()) or task_of(word) for word in cells.counted()}
    if None in meaning.values() or MEASURES_SPECIMEN.issuperset(meaning.values()):
        return None
    return cells.mapped(lambda word: meaning.get(word) or UNKNOWN)


def _kept(table: TextTable, column: str, tasks: Coded, names: tuple[str, str, str]) -> TextTable:
    measures = tasks.where(MEASURES_SPECIMEN.__contains__)
    left_out = tasks.taken(np.flatnonzero(~measures)).counted()
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(left_out.items()))
    if not measures.any():
        found = f"no row holds a specimen (column {column!r}: {counts})"
        raise InputRefused(Problem("NO_SPECIMEN", table.source, found, "Give the rows of the specimens."))
    remarks, notes = close_to_control(wells) if len(wells := _ct_wells(table, tasks, names)) else ([], [])
    kept = table.take(np.flatnonzero(measures).tolist())
    said = f"rows left out, as column {column!r} says: {counts}"
    return replace(kept, notes=(*kept.notes, said, *notes), remarks=(*kept.remarks, *remarks))


def _ct_wells(table: TextTable, tasks: Coded, names: tuple[str, str, str]) -> TextTable:
    """Return the rows that hold a Ct, as an instrument's wells; what is no Ct is not compared with a control's."""
    analyte, value, specimen = names
    unit, plate = find_column(table, ("unit", "units")), find_column(table, PLATE_NAMES)
    told = table.unit or value
    rows = [i for i in range(len(table)) if read_unit(table.columns[unit][i] if unit else told) == "Ct"]
    columns = {
        "analyte": table.columns[analyte],
        "plate": table.columns[plate] if plate else Coded.same("", len(table)),
        "task": tasks,
        "specimen_id": table.columns[specimen],
        "value": table.columns[value],
    }
    return TextTable(table.source, columns, table.lines, table.place).take(rows)

"""Text tables as they were before a cell was guarded for spreadsheets (:mod:`exodx.privacy.cells`)."""

from __future__ import annotations

from dataclasses import replace

from exodx.privacy.cells import GUARD, unguarded_cells
from exodx.tables.table import TextTable


def without_guards(table: TextTable) -> TextTable:
    """Return a table with the texts that its guarded cells were written for, and a note where there were any."""
    columns, changed = dict(table.columns), 0
    for name, cells in table.columns.items():
        if any(cell.startswith(GUARD) for cell in cells):
            columns[name], found = unguarded_cells(cells)
            changed += found
    if not changed:
        return table
    note = f"{changed} cells were written for spreadsheets: the apostrophe before =, +, - or @ was taken off"
    return replace(table, columns=columns, notes=(*table.notes, note))

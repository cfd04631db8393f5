"""Tables of one cohort in several files, brought to one by specimen id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from exodx.errors import InputRefused, Problem
from exodx.tables.layout import IsAnalyte, specimen_ids, to_wide
from exodx.tables.reader import read_table
from exodx.tables.table import Remark, TextTable


def join_files(table: TextTable, others: Sequence[Path], is_analyte: IsAnalyte, specimen: str | None, wells: str) -> TextTable:
    """Join further table files to a table in any layout, one after another; see :func:`~exodx.tables.layout.to_wide`."""
    if not others:
        return table
    table = to_wide(table, is_analyte, specimen, wells)
    for path in others:
        table = join_table(table, read_table(path), specimen)
    return table


def join_table(table: TextTable, other: TextTable, specimen: str | None) -> TextTable:
    """Add the columns of another table, matched by specimen id; repeated lines must agree.

    Parameters
    ----------
    table : TextTable
        Wide: a row a specimen. Specimens that only ``other`` holds are left out.
    other : TextTable
        The column that holds the same ids is found by its cells, unless ``specimen`` names it.
    specimen : str, optional
        The specimen column.

    Raises
    ------
    InputRefused
        ``SPECIMEN_MISSING``, ``SPECIMEN_UNKNOWN``, ``ID_TWICE``.
    """
    ids, _, problems = specimen_ids(table, None if table.place == "specimen" and specimen not in table.columns else specimen)
    shared = {c: len(set(ids) & set(cells)) for c, cells in other.columns.items()}
    key = specimen if specimen is not None and specimen in other.columns else max(shared, key=lambda c: shared[c])
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

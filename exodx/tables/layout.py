"""The three layouts of a results table, brought to one: a row a specimen, a column an analyte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from exodx.errors import InputRefused, Problem, nearest
from exodx.tables import doors
from exodx.tables.coded import counted, transposed
from exodx.tables.names import ANALYTE_NAMES, SPECIMEN_NAMES, VALUE_NAMES, find_column
from exodx.tables.table import TextTable
from exodx.tables.visible import unlike, unseen, unseen_problem

UNNAMED = "no specimen column was recognised: specimens are named row-1, row-2 …"
IsAnalyte = Callable[[str], bool]


def to_wide(table: TextTable, is_analyte: IsAnalyte, specimen: str | None = None, wells: str | None = None) -> TextTable:
    """Bring a table to the wide layout.

    Parameters
    ----------
    table : TextTable
        Wide (analytes over the columns), long (a row a measurement), or with analytes in rows and specimens over the columns.
    is_analyte : callable
        Says whether a name is an analyte's.
    specimen : str, optional
        The specimen column, if the user named one.
    wells : str, optional
        What to put between the replicate wells of a long table's specimen and analyte, for the reader of cells to summarise;
        without it they are refused.

    Returns
    -------
    TextTable
        Where the layout changed, rows are named by specimen and a note says so.

    Raises
    ------
    InputRefused
        ``NAME_INVISIBLE`` and ``NAME_LOOK_ALIKE`` where analytes are not called what they seem to be called.
    """
    if table.analytes or any(is_analyte(name) for name in table.header):
        return table
    column = _analyte_column(table, is_analyte, specimen)
    if column is None:
        return table
    value = find_column(table, VALUE_NAMES)
    if problems := unlike(table.source, counted(table.columns[column])):
        raise InputRefused(problems)
    if value and _is_long(table, column, specimen, is_analyte):
        return doors.gather(table, column, value, specimen, wells)
    return _from_rows(table, column)


def _analyte_column(table: TextTable, is_analyte: IsAnalyte, specimen: str | None) -> str | None:
    """The column that holds analyte names: most of its cells are analytes, or it is called so and comes first (or is long)."""
    for name, cells in table.columns.items():
        if mostly(counted(cells), is_analyte):
            return name
    column = find_column(table, ANALYTE_NAMES)
    if column is None:
        return None
    return column if _is_long(table, column, specimen, is_analyte) or table.header[0] == column else None


def mostly(counts: Counter[str], holds: Callable[[str], bool]) -> bool:
    """Say whether something holds of more than half of the cells; it is asked no longer than that is open."""
    yes, no, half = 0, 0, counts.total() / 2
    for cell, count in counts.items():
        if holds(cell):
            yes += count
        else:
            no += count
        if yes > half or no >= half:
            break
    return yes > half


def _is_long(table: TextTable, analyte: str, specimen: str | None, is_analyte: IsAnalyte) -> bool:
    """Say whether there is a row a measurement: a value, and names that repeat (or are surely analytes beside a specimen)."""
    if find_column(table, VALUE_NAMES) is None:
        return False
    names, by = set(counted(table.columns[analyte])), specimen or find_column(table, SPECIMEN_NAMES)
    sure = bool(table.unit) or sum(map(is_analyte, names)) > len(names) / 2
    return len(names) < len(table) or (sure and by in table.columns and by != analyte)


def _from_rows(table: TextTable, column: str) -> TextTable:
    """Turn analytes in rows: every other column that holds values is a specimen."""
    table = doors.analyte_rows(table, column)
    names = table.columns[column]
    ids = [name for name in table.header if name != column]
    rows = transposed([table.columns[i] for i in ids])
    columns = {"specimen_id": ids} | dict(zip(names, rows, strict=True))
    note = f"{len(names)} analytes stand in rows (column {column!r}), {len(ids)} specimens over the columns"
    return replace(table, columns=columns, lines=ids, place="specimen", notes=(*table.notes, note))


def specimen_ids(table: TextTable, specimen: str | None = None) -> tuple[list[str], str | None, list[Problem]]:
    """Find the specimens' ids in a wide table.

    Returns
    -------
    ids : list of str
        From the specimen column; ``row-1``, ``row-2`` … where the table has none.
    column : str or None
        The specimen column.
    problems : list of Problem
        Blank or repeated ids, ids with characters that are not seen, or an unknown column.
    """
    if specimen is not None and specimen not in table.columns:
        return [], None, [Problem("COLUMN_MISSING", table.source, f"no column {specimen!r}", nearest(specimen, table.header))]
    column = specimen if specimen is not None else find_column(table, SPECIMEN_NAMES)
    if column is None:
        return [f"row-{i}" for i in range(1, len(table) + 1)], None, []
    ids = list(table.columns[column])
    problems = [
        Problem("ID_BLANK", table.where(row, column), "a specimen without an id", "Give each specimen an id.")
        for row, name in enumerate(ids)
        if not name
    ]
    problems += [unseen_problem(table.where(row, column), ids[row]) for row in unseen(ids)]
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(ids):
        if name:
            rows.setdefault(name, []).append(row)
    for name, found in rows.items():
        if len(found) > 1:
            places = ", ".join(str(table.lines[row]) for row in found)
            fix = "Give each specimen one row and an id of its own."
            problems.append(Problem("ID_TWICE", f"{table.source}, {table.place}s {places}", f"specimen id {name!r}", fix))
    return ids, column, problems

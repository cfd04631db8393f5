"""Tables of one cohort in several files, brought to one by specimen id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from exodx.errors import InputRefused, Problem
from exodx.tables.layout import specimen_ids
from exodx.tables.names import PLATE_NAMES, folded_name
from exodx.tables.table import Remark, TextTable

_NAMED = 5
_NUMBER = re.compile(r"(?<![^\s<>≤≥~+-])(\d*),(\d+(?:[eE][+-]?\d+)?\*?)(?!\S)")
"""A number with a decimal comma, by itself or among replicate wells."""


def id_column(table: TextTable, ids: Sequence[str], specimen: str | None) -> str | None:
    """Return the column that holds most of the ids, unless ``specimen`` names one; None where no column holds any."""
    if specimen is not None and specimen in table.columns:
        return specimen
    wanted = set(ids)
    shared = {column: len(wanted & set(cells)) for column, cells in table.columns.items()}
    best = max(shared, key=lambda column: shared[column])
    return best if shared[best] else None


def join_table(table: TextTable, other: TextTable, specimen: str | None) -> TextTable:
    """Add the columns of another table, matched by specimen id; repeated lines must agree, and columns that both tables hold.

    Parameters
    ----------
    table : TextTable
        Wide: a row a specimen. Specimens that only ``other`` holds are left out.
    other : TextTable
        Wide. The column that holds the same ids is found by its cells, unless ``specimen`` names it. Where one table is written
        with decimal commas, its numbers are rewritten with points. Its plates, if it is an export, get a name of their own.
    specimen : str, optional
        The specimen column.

    Returns
    -------
    TextTable
        With the analytes, accessions, notes, remarks and, where it holds measurements, the platform of both; the unit is the first
        table's, and the other's where the first holds no measurements.

    Raises
    ------
    InputRefused
        ``SPECIMEN_MISSING``, ``SPECIMEN_UNKNOWN``, ``ID_TWICE``, ``COLUMN_CONFLICT``.
    """
    ids, own, problems = specimen_ids(table, None if table.place == "specimen" and specimen not in table.columns else specimen)
    key = id_column(other, ids, specimen)
    if problems or key is None or not set(ids) & set(other.columns[key]):
        fix = "Name the column that holds the same specimen ids in it: --specimen COLUMN."
        raise InputRefused(problems or [Problem("SPECIMEN_MISSING", other.source, "no column holds the ids of the cohort", fix)])
    if table.decimal != other.decimal:
        table, other = _with_points(table, own), _with_points(other, key)
    rows, repeated, problems = _rows(table, other, ids, key)
    if problems:
        raise InputRefused(problems)
    added: dict[str, list[str]] = {}
    notes = []
    for name, cells in other.columns.items():
        mine = [cells[row] for row in rows]
        if name == key:
            continue
        differ = [i for i, cell in enumerate(mine) if not _same(cell, table.columns[name][i])] if name in table.columns else []
        if differ and other.platform and folded_name(name) in map(folded_name, PLATE_NAMES):
            added[f"{name} ({other.source})"] = mine
            notes.append(f"its column {name!r} is {name + f' ({other.source})'!r}")
        elif differ:
            problems.append(_conflict(table, other, name, [ids[i] for i in differ]))
        elif name not in table.columns:
            added[name] = mine
    if problems:
        raise InputRefused(problems)
    return _together(table, other, added, notes, repeated)


def _rows(table: TextTable, other: TextTable, ids: Sequence[str], key: str) -> tuple[list[int], int, list[Problem]]:
    """Return the row of each specimen in the other table, how many rows repeat another, and what is wrong with them."""
    first: dict[str, int] = {}
    repeated, problems = 0, []
    for row, name in enumerate(other.columns[key]):
        at = first.setdefault(name, row)
        repeated += at != row
        if at != row and any(cells[at] != cells[row] for cells in other.columns.values()):
            found = f"specimen {name!r} has two different rows"
            problems.append(Problem("ID_TWICE", other.where(row, key), found, "Keep the right one."))
    for row, name in enumerate(ids):
        if name not in first:
            problems.append(
                Problem("SPECIMEN_UNKNOWN", table.where(row), f"{name!r} is not in {other.source}", "Add its row there.")
            )
    return [first.get(name, 0) for name in ids], repeated, problems


def _conflict(table: TextTable, other: TextTable, column: str, ids: Sequence[str]) -> Problem:
    shown = ", ".join(map(repr, ids[:_NAMED])) + (f" … ({len(ids)} in all)" if len(ids) > _NAMED else "")
    found = f"{table.source} has this column too, with other cells for {shown}"
    fix = "Correct whichever is wrong, or give the columns different names."
    return Problem("COLUMN_CONFLICT", f"{other.source}, column {column!r}", found, fix)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def _together(table: TextTable, other: TextTable, added: dict[str, list[str]], notes: Sequence[str], repeated: int) -> TextTable:
    platforms = dict.fromkeys(filter(None, (table.platform, other.platform if other.analytes else "")))
    said = [f"{len(added)} {'' if other.analytes else 'specimen '}columns", *notes, *other.notes]
    remarks = [Remark("specimen_rows_repeated", f"{repeated} rows of {other.source} repeat another, cell for cell.")]
    return replace(
        table,
        columns={**table.columns, **added},
        notes=(*table.notes, *(f"{other.source}: {note}" for note in said)),
        analytes=(*table.analytes, *(name for name in other.analytes if name in added)),
        unit=table.unit or ("" if table.analytes else other.unit),
        platform=" and ".join(platforms),
        accessions={**other.accessions, **table.accessions},
        remarks=(*table.remarks, *(remarks if repeated else []), *other.remarks),
    )


def _with_points(table: TextTable, without: str | None) -> TextTable:
    """Rewrite the numbers of a table of decimal commas with points."""
    if table.decimal != ",":
        return table
    columns = {
        name: cells if name == without else [_NUMBER.sub(r"\1.\2", cell) for cell in cells] for name, cells in table.columns.items()
    }
    return replace(table, columns=columns, decimal=".")

"""A table as it stands in the file: text, with the place of every row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from exodx.errors import InputRefused, Problem
from exodx.tables.coded import Coded
from exodx.tables.lengths import refuse_long_rows
from exodx.tables.whole import Whole

_SHOWN = 8
"""Columns that a message names."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to mind that only the file itself shows: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TextTable:
    """Text columns with the place each row came from.

    Parameters
    ----------
    source : str
        The file's name, for messages.
    columns : mapping of str to sequence of str
        Cells as written, stripped of surrounding blanks; a blank cell is the empty string.
    lines : list of int or str
        Where each row stands: line (text files) or row (spreadsheets, Parquet), counted from 1;
        the specimen's id once rows were gathered.
    place : str
        What ``lines`` names: ``line``, ``row`` or ``specimen``.
    decimal : str
        ``.`` or ``,``.
    notes : tuple of str
        What was recognised (delimiter, encoding, sheet), to be told to the user.
    analytes : tuple of str
        The columns that hold measurements, where the layout or the platform tells.
    unit : str
        ``Ct``, ``NPX``, ``count`` or ``intensity`` where the platform or the name of the value column says so; the standards' unit
        where concentrations were read off their curve.
    platform : str
        The family of exports that was recognised (``Olink NPX``, ``NanoString nCounter``, ``GPL18402`` …); empty for a plain table.
    accessions : mapping of str to str
        Column of an analyte to its accession (UniProt, miRBase), where the file gives one.
    remarks : tuple of Remark
        What is lost when rows are gathered and yet must be known.
    """

    source: str
    columns: Mapping[str, Sequence[str]]
    lines: list[int] | list[str]
    place: str = "line"
    decimal: str = "."
    notes: tuple[str, ...] = ()
    analytes: tuple[str, ...] = ()
    unit: str = ""
    platform: str = ""
    accessions: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def header(self) -> list[str]:
        """Column names, in file order."""
        return list(self.columns)

    def where(self, row: int, column: str | None = None) -> str:
        """Name the place of a row (0-based) or cell, for a message."""
        cell = "" if column is None else f", column {column!r}"
        return f"{self.source}, {self.place} {self.lines[row]}{cell}"

    def take(self, rows: Sequence[int]) -> TextTable:
        """Return the rows at these positions."""
        columns = {name: _taken(cells, rows) for name, cells in self.columns.items()}
        return replace(self, columns=columns, lines=[self.lines[i] for i in rows])  # type: ignore[arg-type]


def _taken(cells: Sequence[str], rows: Sequence[int]) -> Sequence[str]:
    return cells.taken(rows) if isinstance(cells, (Coded, Whole)) else [cells[i] for i in rows]


@dataclass(frozen=True, slots=True)
class Records:
    """Rows of text cells as a parser yields them: the first is the header, each with its line."""

    rows: list[list[str]]
    lines: list[int]


def build_table(source: str, records: Records, place: str, decimal: str, notes: Sequence[str]) -> TextTable:
    """Turn parsed records into a table, refusing ragged rows and unusable headers, all at once.

    Raises
    ------
    InputRefused
        ``FILE_EMPTY``, ``CELL_LONG``, ``HEADER_TWICE``, ``HEADER_MISSING``, ``ROW_RAGGED``.
    """
    kept = [(row, line) for row, line in zip(records.rows, records.lines, strict=True) if any(cell.strip() for cell in row)]
    if len(kept) < 2:
        found = "the file is empty" if not kept else "there is a header but no row"
        raise InputRefused(Problem("FILE_EMPTY", source, found, "Give a table with a header and one row a specimen."))
    refuse_long_rows(source, records.rows, place, records.lines)
    header = [cell.strip() for cell in kept[0][0]]
    body = kept[1:]
    problems = _header_problems(source, header, [row for row, _ in body], place, kept[0][1])
    width = len(header)
    for row, line in body:
        if (len(row) != width and any(cell.strip() for cell in row[width:])) or len(row) < width:
            found = f"{len(row)} cells where the header has {width}"
            problems.append(
                Problem("ROW_RAGGED", f"{source}, {place} {line}", found, "Add or remove cells (or quote a delimiter).")
            )
    if problems:
        raise InputRefused(problems)
    cells = zip(*(row[:width] for row, _ in body), strict=True)
    columns = {name: [c.strip() for c in column] for name, column in zip(header, cells, strict=True)}
    if "" in columns and not any(columns[""]):
        del columns[""]
    return TextTable(source, columns, [line for _, line in body], place, decimal, tuple(notes))


def _header_problems(source: str, header: list[str], body: list[list[str]], place: str, line: int) -> list[Problem]:
    """Names must be there and differ; a blank name is allowed once, for the column of row names (or an empty column)."""
    at = f"{source}, {place} {line}"
    problems = []
    places: dict[str, list[int]] = {}
    for i, name in enumerate(header, 1):
        places.setdefault(name, []).append(i)
    for name, positions in places.items():
        if len(positions) < 2:
            continue
        if name:
            found = f"the name {name!r} stands over columns {_some(positions)}"
            problems.append(Problem("HEADER_TWICE", at, found, "Give each column a name of its own."))
        else:
            filled = [i for i in positions if any(len(row) >= i and row[i - 1].strip() for row in body)]
            found = f"columns {_some(positions)} have no name"
            if filled:
                problems.append(Problem("HEADER_MISSING", at, found, "Name them or delete them."))
    return problems


def _some(positions: list[int]) -> str:
    more = f" and {len(positions) - _SHOWN} more" if len(positions) > _SHOWN else ""
    return ", ".join(map(str, positions[:_SHOWN])) + more


def cell_text(cell: object) -> str:
    """Return a typed cell as text: whole numbers without a decimal point, times in ISO form.

    >>> [cell_text(c) for c in (7.0, 31.25, None, float("nan"))]
    ['7', '31.25', '', '']
    """
    if cell is None:
        return ""
    if isinstance(cell, float):
        if cell != cell:
            return ""
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(float(cell))
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return str(cell)

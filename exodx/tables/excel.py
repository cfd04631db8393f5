"""Spreadsheets (XLSX, XLS) through calamine, which sees a copy of what was examined and nothing else."""

from __future__ import annotations

import io
import zipfile

from python_calamine import CalamineError, CalamineWorkbook

from exodx.errors import InputRefused, Problem
from exodx.tables.excel_old import examined_stream
from exodx.tables.excel_parts import examined_parts
from exodx.tables.guards import without_guards
from exodx.tables.lengths import refuse_long_rows
from exodx.tables.table import Records, TextTable, build_table, cell_text

_ZIP = b"PK"


def is_workbook(content: bytes) -> bool:
    """Say whether a ZIP archive is a workbook (XLSX, XLSB, ODS), or damaged past telling."""
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return True
    return "content.xml" in names or any(name.startswith("xl/") for name in names)


def sheets(source: str, content: io.BytesIO) -> dict[str, list[list[str]]]:
    """Return the sheets that hold anything, as rows of text from the first row on.

    An error cell is its text (``#DIV/0!``); one whose formula was never calculated is the formula (``=B2*2``).

    Raises
    ------
    InputRefused
        ``NOT_A_TABLE`` for a damaged or foreign archive, and for cells so far apart that no memory holds the grid between;
        ``TOO_LARGE``, ``CELL_LONG``.
    """
    whole = content.getvalue()
    try:
        copy, hidden = examined_parts(source, whole) if whole.startswith(_ZIP) else examined_stream(whole)
        found = _grids(copy)
        if len(found) != len(hidden):
            raise ValueError("its sheets are not told apart")
    except (CalamineError, OSError, ValueError) as error:
        raise InputRefused(
            Problem("NOT_A_TABLE", source, f"not a readable workbook ({error})", "Save it as XLSX or CSV.")
        ) from None
    for rows, texts in zip(found.values(), hidden, strict=True):
        for place, text in texts.items():
            _put(rows, place, text)
    filled = {name: rows for name, rows in found.items() if any(any(c != "" for c in row) for row in rows)}
    texts_of = {name: [["" if cell == "" else cell_text(cell) for cell in row] for row in rows] for name, rows in filled.items()}
    for name, rows_of_text in texts_of.items():
        refuse_long_rows(f"{source}, sheet {name!r}", rows_of_text, "row")
    return texts_of


def _grids(copy: bytes) -> dict[str, list[list[object]]]:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(copy))
    return {name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in workbook.sheet_names}


def _put(rows: list[list[object]], place: tuple[int, int], text: str) -> None:
    """Put a text into a grid, which grows where it ends before that place."""
    row, column = place
    rows.extend([] for _ in range(row + 1 - len(rows)))
    rows[row].extend("" for _ in range(column + 1 - len(rows[row])))
    rows[row][column] = text


def parse(source: str, found: dict[str, list[list[str]]], notes: list[str]) -> TextTable:
    """Make a table of the first sheet; the note names it when there are others.

    Raises
    ------
    InputRefused
        What :func:`build_table` refuses.
    """
    name, rows = next(iter(found.items()), ("", []))
    others = f" of {len(found)}; the other sheets are not read" if len(found) > 1 else ""
    table = build_table(source, Records(rows, list(range(1, len(rows) + 1))), "row", ".", [*notes, f"sheet {name!r}{others}"])
    return without_guards(table)

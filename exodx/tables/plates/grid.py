"""A file of plates as rows of cells, from text or from a sheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from exodx.errors import InputRefused, Problem

HEAD = 80
"""A family is recognised within so many rows."""

_POINT = re.compile(r"^[+-]?\d*\.\d+(?:e[+-]?\d+)?$", re.IGNORECASE)
_COMMA = re.compile(r"^[+-]?\d+,\d+(?:e[+-]?\d+)?$", re.IGNORECASE)
_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2},\d{3}$")


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells with the place of each.

    Parameters
    ----------
    source : str
        The file's name.
    name : str
        The sheet's name; blank for text.
    rows : list of list of str
        Stripped cells; rows may differ in length.
    lines : list of int
        Where each row stands, counted from 1.
    place : str
        ``line`` or ``row``.
    decimal : str
        ``.`` or ``,``.
    notes : tuple of str
    """

    source: str
    name: str
    rows: list[list[str]]
    lines: list[int]
    place: str = "line"
    decimal: str = "."
    notes: tuple[str, ...] = ()

    def where(self, row: int) -> str:
        """Name the place of a row, for a message."""
        sheet = f", sheet {self.name!r}" if self.name else ""
        return f"{self.source}{sheet}, {self.place} {self.lines[row]}"

    def cell(self, row: int, column: int | None) -> str:
        """Return a cell; blank where the row ends before it, or the column is not there."""
        cells = self.rows[row]
        return cells[column] if column is not None and column < len(cells) else ""

    def is_blank(self, row: int) -> bool:
        """Say whether a row holds nothing."""
        return not any(self.rows[row])

    def end_of(self, row: int) -> int:
        """Return the first blank row from a row on (or the number of rows)."""
        return next((i for i in range(row, len(self.rows)) if self.is_blank(i)), len(self.rows))


def cut_head(text: str) -> list[list[str]]:
    """Return the cells of the first lines, as far as they can be cut."""
    lines, sign = _lines(text)
    rows: list[list[str]] = []
    with suppress(csv.Error):
        for row in csv.reader(lines[:HEAD], delimiter=sign):
            rows.append([cell.strip() for cell in row])
    return rows


def _lines(text: str) -> tuple[list[str], str]:
    """Return the lines of a text, and the sign between the cells of the first."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head = "\n".join(lines[:HEAD])
    return lines, "\t" if "\t" in head else max(";,", key=head.count)


def _cut(source: str, text: str) -> tuple[list[list[str]], list[int], str]:
    """Cut text into stripped cells, each row with its line; the first lines tell by what."""
    lines, sign = _lines(text)
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=sign, strict=True)
    rows, places, at = [], [], 1
    try:
        for row in reader:
            rows.append([cell.strip() for cell in row])
            places.append(at)
            at = reader.line_num + 1
    except csv.Error as error:
        fix = "Close the quotation mark, or export the file again."
        raise InputRefused(Problem("QUOTE", f"{source}, line {at}", str(error), fix)) from None
    return rows, places, sign


def of_text(source: str, text: str, notes: Sequence[str]) -> Grid:
    """Return the whole text as a grid.

    Raises
    ------
    InputRefused
        ``DECIMAL_AMBIGUOUS`` where numbers like ``12,345`` may have a decimal comma or a separator of thousands; ``QUOTE``.
    """
    rows, places, sign = _cut(source, text)
    decimal = "." if sign == "," else decimal_of(source, rows)
    said = (*notes, "decimal comma") if decimal == "," else tuple(notes)
    return Grid(source, "", rows, places, "line", decimal, said)


def decimal_of(source: str, rows: Sequence[Sequence[str]]) -> str:
    """A comma is the decimal sign where a number is written with it that no separator of thousands could be in.

    Raises
    ------
    InputRefused
        ``DECIMAL_AMBIGUOUS``.
    """
    commas = [cell for row in rows for cell in row if "," in cell and _COMMA.match(cell)]
    if any(not _THOUSANDS.match(cell) for cell in commas):
        return ","
    if commas and not any("." in cell and _POINT.match(cell) for row in rows for cell in row):
        found = f"numbers like {commas[0]!r}: a decimal comma or a thousands separator?"
        fix = "Write thousands without a separator and decimals with a point."
        raise InputRefused(Problem("DECIMAL_AMBIGUOUS", source, found, fix))
    return "."

"""Delimited text: encoding, delimiter and decimal sign are recognised from the content."""

from __future__ import annotations

import codecs
import csv
import io
import re
from itertools import islice

from exodx.errors import InputRefused, Problem
from exodx.tables.table import Records, TextTable, build_table

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_FOREIGN = {"|": "'|'", ":": "':'", " ": "blanks"}
_COMMA_NUMBER = re.compile(r"^[+-]?\d+,\d+(?:[eE][+-]?\d+)?$")
_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2},\d{3}$")
_POINT_NUMBER = re.compile(r"^[+-]?\d*\.\d+(?:[eE][+-]?\d+)?$")


def parse(source: str, content: bytes, notes: list[str]) -> TextTable:
    """Parse delimited text (comma, semicolon or tab; UTF-8 or UTF-16).

    Raises
    ------
    InputRefused
        ``ENCODING`` with the line, ``NOT_A_TABLE``, ``DELIMITER``, ``QUOTE`` and what :func:`build_table` refuses.
    """
    text = _decode(source, content)
    if "\x00" in text:
        raise InputRefused(Problem("NOT_A_TABLE", source, "binary content", "Export it as CSV, TSV, XLSX or Parquet."))
    text, skipped = _without_preamble(text)
    delimiter = _delimiter(source, text)
    records = _records(source, text, delimiter, skipped)
    decimal = _decimal(source, records, delimiter) if delimiter != "," else "."
    notes = [*notes, f"{DELIMITERS[delimiter]}-separated"] + (["decimal comma"] if decimal == "," else [])
    return build_table(source, records, "line", decimal, notes)


def _decode(source: str, content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(re.split(rb"\r\n|\r|\n", content[: error.start]))
        found = f"byte 0x{content[error.start]:02x} is not UTF-8 (Latin-1 or Windows-1252?)"
        fix = "Save the file as UTF-8, e.g. 'CSV UTF-8' in Excel."
        raise InputRefused(Problem("ENCODING", f"{source}, line {line}", found, fix)) from None


def _without_preamble(text: str) -> tuple[str, int]:
    """Drop leading ``#`` comment lines; a ``#`` line as wide as the line after it is a header whose mark is dropped."""
    lines = text.splitlines(keepends=True)
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if count and count < len(lines):
        for sign in DELIMITERS:
            if lines[count - 1].count(sign) == lines[count].count(sign) > 0:
                count -= 1
                lines[count] = lines[count].lstrip("#")
                break
    return "".join(lines[count:]), count


def _delimiter(source: str, text: str) -> str:
    """Choose the sign that cuts the first records into the same number (two or more) of cells."""
    widths = {sign: _widths(text, sign) for sign in DELIMITERS}
    steady = {sign: w[0] for sign, w in widths.items() if w and min(w) == max(w) > 1}
    candidates = steady or {sign: w[0] for sign, w in widths.items() if w and w[0] > 1}
    if candidates:
        return max(candidates, key=lambda sign: candidates[sign])
    foreign = next((name for sign, name in _FOREIGN.items() if (w := _widths(text, sign)) and w[0] > 1), "")
    found = f"cells seem to be separated by {foreign}" if foreign else "there is only one column"
    fix = "Save it with commas, semicolons or tabs between the cells."
    raise InputRefused(Problem("DELIMITER", f"{source}, line 1", found, fix))


def _widths(text: str, delimiter: str) -> list[int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [len(row) for row in islice(reader, 20) if row]
    except csv.Error:
        return []


def _records(source: str, text: str, delimiter: str, skipped: int) -> Records:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines, start = [], [], 1
    try:
        for row in reader:
            rows.append(row)
            lines.append(start + skipped)
            start = reader.line_num + 1
    except csv.Error as error:
        fix = "Close the quotation mark, or double it inside a quoted cell."
        raise InputRefused(Problem("QUOTE", f"{source}, line {start + skipped}", str(error), fix)) from None
    return Records(rows, lines)


def _decimal(source: str, records: Records, delimiter: str) -> str:
    """A comma is the decimal sign where numbers are written with it and none is written with a point.

    ``12,345`` between tabs may also be twelve thousand. It is taken for a decimal where all such numbers would be Ct values.
    """
    numbers = []
    for row in records.rows[1:]:
        for cell in row:
            if "," in cell and _COMMA_NUMBER.match(cell.strip()):
                numbers.append(cell.strip())
            elif "." in cell and _POINT_NUMBER.match(cell.strip()):
                return "."
    looks_thousands = bool(numbers) and all(_THOUSANDS.match(n) for n in numbers)
    if looks_thousands and delimiter == "\t" and not all(5 <= float(n.replace(",", ".")) <= 45 for n in numbers):
        found = f"numbers like {numbers[0]!r}: a decimal comma or a thousands separator?"
        fix = "Write thousands without a separator and decimals with a point, or separate the cells by semicolons."
        raise InputRefused(Problem("DECIMAL_AMBIGUOUS", source, found, fix))
    return "," if numbers else "."

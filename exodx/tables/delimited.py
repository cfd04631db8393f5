"""Delimited text: encoding, delimiter and decimal sign are recognised from the content."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from exodx.errors import InputRefused, Problem
from exodx.privacy.cells import has_guards
from exodx.tables import no_text
from exodx.tables.coded import Coded
from exodx.tables.decoding import Decoded
from exodx.tables.guards import without_guards
from exodx.tables.names import ANALYTE_NAMES, PLATE_NAMES, SITE_NAMES, SPECIMEN_NAMES, SUBJECT_NAMES, find_column
from exodx.tables.table import Records, TextTable, build_table
from exodx.tables.well_formed import quick_columns
from exodx.tables.whole import Whole

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_SEEN = 200
"""Lines in which the delimiter is looked for."""

_FOREIGN = {"|": "'|'", ":": "':'", " ": "blanks"}
_END = re.compile(r"\r\n|\r|\n")
_COMMA_NUMBER = re.compile(r"^[+-]?\d+,\d+(?:[eE][+-]?\d+)?$")
_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2},\d{3}$")
_POINT_NUMBER = re.compile(r"^[+-]?\d*\.\d+(?:[eE][+-]?\d+)?$")


def parse(source: str, decoded: Decoded, notes: list[str]) -> TextTable:
    """Parse delimited text (comma, semicolon or tab).

    Text that is not Unicode is taken where its doubtful letters stand in remarks alone: not in the header, and not in a column of
    specimens, subjects, sites, plates or analytes, whose names must be the same from file to file.

    Raises
    ------
    InputRefused
        ``ENCODING`` with the line, ``NOT_A_TABLE``, ``DELIMITER``, ``QUOTE`` and what :func:`build_table` refuses.
    """
    text = decoded.text
    if "\x00" in text:
        raise no_text.of_text(source, text)
    if decoded.mixed:
        raise InputRefused(_encoding(f"{source}, line {_first_line(text)}", decoded))
    text, skipped = _without_preamble(text)
    delimiter = _delimiter(source, text)
    notes = [*notes, *decoded.notes, f"{DELIMITERS[delimiter]}-separated", *_old_ends(text)]
    guards = has_guards(text)
    if not guards and (columns := quick_columns(text, delimiter)):
        decimal = _decimal(source, _distinct(columns), delimiter) if delimiter != "," else "."
        lines = list(range(skipped + 2, skipped + 2 + len(next(iter(columns.values())))))
        table = TextTable(source, columns, lines, "line", decimal)
    else:
        records = _records(source, text, delimiter, skipped)
        cells = (cell for row in records.rows[1:] for cell in row)
        decimal = _decimal(source, cells, delimiter) if delimiter != "," else "."
        table = build_table(source, records, "line", decimal, ())
        table = without_guards(table) if guards else table
    if decoded.doubt and (places := _doubtful(table, skipped + 1)):
        raise InputRefused([_encoding(place, decoded) for place in places])
    return replace(table, notes=(*notes, *(["decimal comma"] if decimal == "," else []), *table.notes))


def _distinct(columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Go through the cells of columns, and through shared words once; whole numbers say nothing of the decimal sign."""
    seen: set[int] = set()
    for cells in columns.values():
        words = cells.words if isinstance(cells, Coded) else cells
        if id(words) not in seen and not isinstance(words, Whole):
            seen.add(id(words))
            yield from words


def _encoding(where: str, decoded: Decoded) -> Problem:
    return Problem("ENCODING", where, decoded.doubt, "Save the file as UTF-8, e.g. 'CSV UTF-8' in Excel.")


def _first_line(text: str) -> int:
    at = next((i for i, letter in enumerate(text) if not letter.isascii()), 0)
    return len(re.split(r"\r\n|\r|\n", text[:at]))


def _doubtful(table: TextTable, header_line: int) -> list[str]:
    """Return the places where a letter that is not certain changes a name."""
    if not "".join(table.header).isascii():
        return [f"{table.source}, line {header_line}"]
    known = (SPECIMEN_NAMES, ANALYTE_NAMES, SUBJECT_NAMES, SITE_NAMES, PLATE_NAMES)
    named = {find_column(table, names) for names in known} | {table.header[0]}
    columns = [name for name in table.header if name in named]
    return [table.where(row, c) for c in columns for row, cell in enumerate(table.columns[c]) if not cell.isascii()]


def _without_preamble(text: str) -> tuple[str, int]:
    """Drop leading ``#`` comment lines; a ``#`` line as wide as the line after it is a header whose mark is dropped."""
    if not text.startswith("#"):
        return text, 0
    lines = text.splitlines(keepends=True)
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if count and count < len(lines):
        for sign in DELIMITERS:
            if lines[count - 1].count(sign) == lines[count].count(sign) > 0:
                count -= 1
                lines[count] = lines[count].lstrip("#")
                break
    return "".join(lines[count:]), count


def _old_ends(text: str) -> list[str]:
    """Return a note where the header ends as lines did on old Macs; a file with a note of its own is never read in pieces."""
    found = _END.search(text.lstrip("\r\n"))
    return ["lines end in CR alone"] if found and found[0] == "\r" else []


def _delimiter(source: str, text: str) -> str:
    """Choose the sign that cuts the first records into the same number (two or more) of cells."""
    begun = text.lstrip("\r\n")
    head = begun[: _end_of_line(begun, _SEEN)]
    widths = {sign: _widths(head, sign) for sign in DELIMITERS}
    steady = {sign: w[0] for sign, w in widths.items() if w and min(w) == max(w) > 1}
    candidates = steady or {sign: w[0] for sign, w in widths.items() if w and w[0] > 1}
    if candidates:
        return max(candidates, key=lambda sign: candidates[sign])
    foreign = next((name for sign, name in _FOREIGN.items() if (w := _widths(begun, sign)) and w[0] > 1), "")
    found = f"cells seem to be separated by {foreign}" if foreign else "there is only one column"
    fix = "Save it with commas, semicolons or tabs between the cells."
    raise InputRefused(Problem("DELIMITER", f"{source}, line 1", found, fix))


def _end_of_line(text: str, number: int) -> int:
    """Return where a line ends, or the whole text does."""
    at = -1
    for _ in range(number):
        at = text.find("\n", at + 1)
        if at < 0:
            return len(text)
    return at + 1


def _widths(text: str, delimiter: str) -> list[int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    widths = []
    with suppress(csv.Error):
        for row in islice(reader, 20):
            widths += [len(row)] if row else []
    return widths


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


def is_point_number(cell: str) -> bool:
    """Say whether a cell holds a number with a decimal point."""
    return "." in cell and _POINT_NUMBER.match(cell.strip()) is not None


def _decimal(source: str, cells: Iterable[str], delimiter: str) -> str:
    """A comma is the decimal sign where numbers are written with it and none is written with a point.

    ``12,345`` between tabs may also be twelve thousand. It is taken for a decimal where all such numbers would be Ct values.
    """
    numbers = []
    for cell in cells:
        if "," in cell and _COMMA_NUMBER.match(cell.strip()):
            numbers.append(cell.strip())
        elif is_point_number(cell):
            return "."
    looks_thousands = bool(numbers) and all(_THOUSANDS.match(n) for n in numbers)
    if looks_thousands and delimiter == "\t" and not all(5 <= float(n.replace(",", ".")) <= 45 for n in numbers):
        found = f"numbers like {numbers[0]!r}: a decimal comma or a thousands separator?"
        fix = "Write thousands without a separator and decimals with a point, or separate the cells by semicolons."
        raise InputRefused(Problem("DECIMAL_AMBIGUOUS", source, found, fix))
    return "," if numbers else "."

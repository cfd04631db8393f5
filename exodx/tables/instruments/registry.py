"""The one list of families, and how an export of any of them is found inside a text file or a workbook."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from exodx.errors import InputRefused, Problem
from exodx.tables import doors
from exodx.tables.instruments import biomark, cfx, lightcycler, mirnaqcd, openarray, quantstudio, sds
from exodx.tables.instruments.lines import Lines
from exodx.tables.instruments.wells import Block, Columns, Family, fold, long_table
from exodx.tables.names import n_words
from exodx.tables.table import TextTable

FAMILIES = (
    quantstudio.FAMILY,
    quantstudio.GENOTYPING,
    sds.FAMILY,
    cfx.FAMILY,
    lightcycler.FAMILY_480,
    lightcycler.FAMILY_96,
    biomark.FAMILY,
    openarray.FAMILY,
)
Wells = Mapping[str, Sequence[str]]
_SEARCHED = 200
"""The header of the wells stands within so many lines of the file or of its [Results] mark."""

_MAY_END = "\n[ \tE"
"""What the lines begin with that may end a block of wells; to look at these alone saves time."""

_ABOVE_HEADER = 3
"""The filter of a LightCycler's block stands within so many lines above its header."""

_WIDEST = 200
"""No instrument's table of wells has so many columns."""

_LEAST_WORDS = 3
"""Specimen, analyte and Ct are found by their names."""

_PLATE_KEYS = ("experiment barcode", "barcode", "experiment name")


def wells_of_text(source: str, text: str, notes: Sequence[str]) -> TextTable | None:
    """Return every well of a text export, or None where no family knows it.

    Raises
    ------
    InputRefused
        For an export that is recognised and cannot be used: genotyping, a line with too many cells, an open quotation mark.
    """
    if "\x00" in text:
        return None
    lines = Lines(text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text)
    start = next((i for i in lines.beginning("[", 0, len(lines)) if lines[i].startswith("[Results]")), 0)
    above: list[str] = []
    for at in range(start, min(start + _SEARCHED, len(lines))):
        line = lines[at]
        sign = max("\t,;", key=line.count)
        cells = _cells(line, sign) if line.count(sign) < _WIDEST else []
        if found := _recognise(source, above, cells):
            family, columns = found
            preamble = lines[: min(start or at, _SEARCHED)]
            plate, dye = _plate(dict(map(_pair, preamble))), _filter(preamble)
            heads = [i for i in range(at, len(lines)) if lines[i] == line] if dye else [at]
            parts = []
            for head, below in zip(heads, [*heads[1:], len(lines)], strict=True):
                end = next((i for i in lines.beginning(_MAY_END, head + 1, below) if _ends(lines[i])), below)
                _refuse_more(source, columns, (_cells(more, sign) for more in takewhile(_no_section, lines[end:below])))
                parts.append(_wells(source, lines, range(head + 1, end), sign, len(cells), columns))
            filters = [_filter(lines[max(0, head - _ABOVE_HEADER) : head]) for head in heads]
            wells, places = _joined(source, parts, filters) if len(parts) > 1 else parts[0]
            return long_table(Block(source, family, wells, places, "line", plate, dye, tuple(notes)))
        above = cells
    return mirnaqcd.wells(source, lines, tuple(notes))


def wells_of_sheets(source: str, sheets: Mapping[str, list[list[str]]], notes: Sequence[str]) -> TextTable | None:
    """Return every well of the first sheet that a family knows, or None; see :func:`wells_of_text`."""
    for name, rows in sheets.items():
        above: list[str] = []
        for at, cells in enumerate(rows[:_SEARCHED]):
            if found := _recognise(source, above, cells):
                end = next((i for i in range(at + 1, len(rows)) if not any(rows[i])), len(rows))
                preamble = {row[0].casefold().strip(): row[1] for row in rows[:at] if len(row) > 1}
                _refuse_more(source, found[1], rows[end:])
                wells, places = _by_role(rows[at + 1 : end], found[1]), list(range(at + 2, end + 1))
                said = (*notes, f"sheet {name!r}")
                return long_table(Block(source, found[0], wells, places, "row", _plate(preamble), "", said))
            above = cells
    return None


def _cells(line: str, sign: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=sign), [])
    except csv.Error:
        return []


def _recognise(source: str, above: Sequence[str], cells: Sequence[str]) -> tuple[Family, Columns] | None:
    if not 4 <= len(cells) <= _WIDEST or n_words(cells) < _LEAST_WORDS:
        return None
    above, cells = [fold(cell) for cell in above], [fold(cell) for cell in cells]
    for family in FAMILIES:
        columns = family.locate(above, cells)
        if columns is None:
            continue
        if family.refusal:
            fix = "Export the Ct values of a quantification experiment."
            raise InputRefused(Problem("NOT_QUANTIFICATION", source, family.refusal, fix))
        return family, columns
    return None


def _joined(source: str, parts: Sequence[tuple[Wells, list[int]]], filters: Sequence[str]) -> tuple[Wells, list[int]]:
    """Put the blocks of a LightCycler's filters together, each well with its filter."""
    if not all(filters) or len(set(filters)) < len(filters):
        found = "wells stand in more than one block, and no filter of its own tells each apart"
        raise InputRefused(Problem("WELLS_TWICE", source, found, "Export one table of wells a file."))
    wells = {role: [cell for part, _ in parts for cell in part[role]] for role in parts[0][0]}
    dyes = [name for name, (_, places) in zip(filters, parts, strict=True) for _ in places]
    return {**wells, "dye": dyes}, [place for _, places in parts for place in places]


def _wells(source: str, lines: Lines, where: range, sign: str, width: int, columns: Columns) -> tuple[Wells, list[int]]:
    """Cut the lines of the wells into cells: by Arrow where every line has the header's width and nothing is quoted."""
    first, content = where.start + 1, lines.joined(where.start, where.stop)
    if where and b'"' not in content and (cut := doors.cut_wells(content, sign, width, columns)) is not None:
        return cut, list(range(first, first + len(where)))
    at, rows, places = first, [], []
    try:
        reader = csv.reader(lines[where.start : where.stop], delimiter=sign, strict=True)
        for row in reader:
            rows.append(row)
            places.append(at)
            at = first + reader.line_num
    except csv.Error as error:
        fix = "Close the quotation mark, or export the file again."
        raise InputRefused(Problem("QUOTE", f"{source}, line {at}", str(error), fix)) from None
    problems = [
        Problem("ROW_RAGGED", f"{source}, line {place}", f"{len(row)} cells where the header has {width}", "Export the file again.")
        for row, place in zip(rows, places, strict=True)
        if len(row) > width and any(row[width:])
    ]
    if problems:
        raise InputRefused(problems)
    return _by_role(rows, columns), places


def _by_role(rows: list[list[str]], columns: Columns) -> Wells:
    return {role: [row[at].strip() if at < len(row) else "" for row in rows] for role, at in columns.items()}


def _ends(line: str) -> bool:
    return line.startswith("[") or "Selected Filter:" in line or not line.strip()


def _no_section(line: str) -> bool:
    return not line.startswith("[")


def _refuse_more(source: str, columns: Columns, rows: Iterable[Sequence[str]]) -> None:
    """Refuse wells that stand below a gap: they would be lost."""
    last = max(columns["specimen"], columns["ct"])
    if any(len(row) > last and row[columns["specimen"]].strip() and row[columns["ct"]].strip() for row in rows):
        found = "wells stand in more than one block (a blank line between them)"
        raise InputRefused(Problem("WELLS_TWICE", source, found, "Export one table of wells a file."))


def _pair(line: str) -> tuple[str, str]:
    """Split a line of the preamble: ``* Key = value``, ``Key<TAB>value`` or ``Key,value``."""
    for sign in ("=", "\t", ","):
        key, found, value = line.partition(sign)
        if found:
            return key.strip(" *").casefold(), value.strip()
    return line.strip().casefold(), ""


def _plate(preamble: Mapping[str, str]) -> str:
    return next((preamble[key] for key in _PLATE_KEYS if preamble.get(key, "NA") not in ("", "NA")), "")


def _filter(preamble: Sequence[str]) -> str:
    """Return the filter that a LightCycler names above its wells."""
    line = next((line for line in preamble if "Selected Filter:" in line), "")
    return line.partition("Selected Filter:")[2].strip()

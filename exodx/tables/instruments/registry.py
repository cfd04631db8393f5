"""The one list of families, and how an export of any of them is found inside a text file or a workbook."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from exodx.errors import InputRefused, Problem
from exodx.tables.instruments import biomark, cfx, lightcycler, mirnaqcd, openarray, quantstudio, sds
from exodx.tables.instruments.wells import Block, Columns, Family, long_table
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
_SEARCHED = 200
"""The header of the wells stands within so many lines of the file or of its [Results] mark."""

_PLATE_KEYS = ("experiment barcode", "barcode", "experiment name")


def wells_of_text(source: str, content: bytes, notes: Sequence[str]) -> TextTable | None:
    """Return every well of a text export, or None where no family knows it.

    Raises
    ------
    InputRefused
        For an export that is recognised and cannot be used: genotyping, a line with too many cells, an open quotation mark.
    """
    text, said = _decode(content)
    if "\x00" in text:
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = next((i for i, line in enumerate(lines) if line.startswith("[Results]")), 0)
    above: list[str] = []
    for at in range(start, min(start + _SEARCHED, len(lines))):
        sign = max("\t,;", key=lines[at].count)
        cells = _cells(lines[at], sign)
        if found := _recognise(source, above, cells):
            rows, places = _body(source, lines, at + 1, sign, len(cells))
            _refuse_more(source, found[1], (_cells(line, sign) for line in takewhile(_no_section, lines[at + 1 + len(rows) :])))
            preamble = lines[: min(start or at, _SEARCHED)]
            plate, dye = _plate(dict(map(_pair, preamble))), _filter(preamble)
            return long_table(Block(source, *found, rows, places, "line", plate, dye, (*notes, *said)))
        above = cells
    return mirnaqcd.wells(source, lines, (*notes, *said))


def wells_of_sheets(source: str, sheets: Mapping[str, list[list[str]]], notes: Sequence[str]) -> TextTable | None:
    """Return every well of the first sheet that a family knows, or None; see :func:`wells_of_text`."""
    for name, rows in sheets.items():
        above: list[str] = []
        for at, cells in enumerate(rows[:_SEARCHED]):
            if found := _recognise(source, above, cells):
                end = next((i for i in range(at + 1, len(rows)) if not any(rows[i])), len(rows))
                preamble = {row[0].casefold().strip(): row[1] for row in rows[:at] if len(row) > 1}
                places = list(range(at + 2, end + 1))
                _refuse_more(source, found[1], rows[end:])
                block = Block(source, *found, rows[at + 1 : end], places, "row", _plate(preamble), "", (*notes, f"sheet {name!r}"))
                return long_table(block)
            above = cells
    return None


def _decode(content: bytes) -> tuple[str, list[str]]:
    """Decode UTF-16 and UTF-8; anything else as Windows-1252 or Latin-1, which the note says if a family is recognised."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace"), ["UTF-16"]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        try:
            return content.decode("cp1252"), ["not UTF-8: decoded as Windows-1252"]
        except UnicodeDecodeError:
            return content.decode("latin-1"), ["not UTF-8: decoded as Latin-1"]


def _cells(line: str, sign: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=sign), [])
    except csv.Error:
        return []


def _recognise(source: str, above: Sequence[str], cells: Sequence[str]) -> tuple[Family, Columns] | None:
    if sum(map(bool, cells)) < 4:
        return None
    for family in FAMILIES:
        columns = family.locate(above, cells)
        if columns is None:
            continue
        if family.refusal:
            fix = "Export the Ct values of a quantification experiment."
            raise InputRefused(Problem("NOT_QUANTIFICATION", source, family.refusal, fix))
        return family, columns
    return None


def _body(source: str, lines: list[str], first: int, sign: str, width: int) -> tuple[list[list[str]], list[int]]:
    """Cut the lines below the header into cells, up to a blank line or the next section."""
    end = next((i for i in range(first, len(lines)) if not lines[i].strip() or lines[i].startswith("[")), len(lines))
    try:
        reader = csv.reader(lines[first:end], delimiter=sign, strict=True)
        rows, places, at = [], [], first + 1
        for row in reader:
            rows.append(row)
            places.append(at)
            at = first + reader.line_num + 1
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
    return rows, places


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

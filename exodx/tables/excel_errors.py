"""Error cells of a workbook (``#DIV/0!``, ``#REF!`` …): calamine gives them as blanks, and a blank would read as *not run*."""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(rb'<c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)(\d+)"[^>]*>.*?<v>([^<]*)</v>', re.DOTALL)


def error_cells(content: io.BytesIO) -> dict[str, dict[tuple[int, int], str]]:
    """Return the error cells of an XLSX workbook: sheet name → (row, column), counted from 0 → the error's text.

    An XLS workbook, or an archive that is no workbook, has none that could be told.
    """
    content.seek(0)
    if not zipfile.is_zipfile(content):
        return {}
    with zipfile.ZipFile(content) as archive:
        try:
            files = _sheet_files(archive)
            return {name: _errors(archive.read(file)) for name, file in files.items()}
        except (KeyError, ElementTree.ParseError, zipfile.BadZipFile):
            return {}


def _sheet_files(archive: zipfile.ZipFile) -> dict[str, str]:
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = {r.get("Id"): (r.get("Target") or "").removeprefix("/xl/") for r in relations}
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    return {s.get("name", ""): f"xl/{target[s.get(_ID)]}" for s in book.iter(f"{_MAIN}sheet")}


def _errors(sheet: bytes) -> dict[tuple[int, int], str]:
    if b't="e"' not in sheet:
        return {}
    return {(int(row) - 1, _column(letters)): text.decode() for letters, row, text in _CELL.findall(sheet)}


def _column(letters: bytes) -> int:
    """Return the number of a column from its letters: A is 0, Z 25, AA 26."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number - 1

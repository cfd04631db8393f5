"""XLSX before calamine sees it: a ZIP archive of XML, of which a copy is made that holds what was examined and nothing else."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.parsers import expat

from exodx.tables.hidden import Cells, Grids, Place
from exodx.tables.packed import parts_of

BOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_UNUSED = ("xl/media/", "xl/drawings/", "xl/charts/", "xl/embeddings/", "xl/printerSettings/", "customXml/", "docProps/")
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"')
_ENDS = b" \t\r\n/>"
_TELLING = (*(mark + bytes([end]) for mark in (b"<f", b":f", b":c") for end in _ENDS), b'"e"', b"'e'")
"""What stands in a sheet that has formulas, errors, or cells of a namespace with a prefix."""

_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


def examined_parts(source: str, content: bytes) -> tuple[bytes, list[dict[Place, str]]]:
    """Examine an XLSX workbook.

    Returns
    -------
    copy : bytes
        The workbook without what no table needs (pictures, macros).
    hidden : list of dict
        What calamine gives as blanks; see :class:`~exodx.tables.hidden.Grids`.

    Raises
    ------
    ValueError
        Where it is no sound workbook, or would take more memory than a table needs.
    InputRefused
        ``TOO_LARGE``.
    """
    parts = {name: part for name, part in parts_of(source, content).items() if _is_used(name)}
    if BOOK not in parts:
        raise ValueError("it is no XLSX workbook")
    for name, part in parts.items():
        _examine(name, part)
    grids, sheets = Grids(), _sheet_parts(parts)
    for sheet, name in sheets.items():
        grids.add(repr(sheet), *_cells(parts[name]))
    return _packed(parts), grids.hidden


def _is_used(name: str) -> bool:
    return name.endswith((".xml", ".rels")) and not name.startswith(_UNUSED)


def _packed(parts: Mapping[str, bytes]) -> bytes:
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return copy.getvalue()


def _examine(name: str, part: bytes) -> None:
    """Refuse what is no sound XML, and what no workbook has though XML allows it: entities, remarks among cells, encodings."""
    found: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")  # which also refuses prefixes that nothing declares
    parser.StartDoctypeDeclHandler = lambda *_: found.append("declares a document type")
    data = part.find(b"sheetData")
    parser.CommentHandler = lambda _: found.extend(["has a remark among its cells"] * (0 <= data < parser.CurrentByteIndex))
    parser.StartCdataSectionHandler = lambda: found.append("has unparsed text")
    parser.XmlDeclHandler = lambda _version, encoding, _alone: found.extend(
        [f"is written in {encoding}"] * (encoding is not None and encoding.casefold() not in ("utf-8", "us-ascii", "ascii"))
    )
    try:
        parser.Parse(part, True)
    except expat.ExpatError as error:
        raise ValueError(f"{name}: {error}") from None
    if found or part.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{name} {(found or ['is written in UTF-16'])[0]}")


def _sheet_parts(parts: Mapping[str, bytes]) -> dict[str, str]:
    """Return the part of each sheet that holds cells."""
    targets = {r.get("Id"): r.get("Target") or "" for r in ElementTree.fromstring(parts.get(RELATIONS, b"<none/>"))}
    found: dict[str, str] = {}
    for element in ElementTree.fromstring(parts[BOOK]).iter():
        if _local(element.tag) == "sheet":
            at = targets.get(next((value for key, value in element.items() if key.endswith("}id")), ""), "")
            name = at.removeprefix("/") if at.startswith("/") else f"xl/{at}"
            if name not in parts or element.get("name", "") in found:
                raise ValueError(f"sheet {element.get('name')!r} is missing, or stands there twice")
            found[element.get("name", "")] = name
    return found


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _cells(part: bytes) -> tuple[Cells, dict[Place, str]]:
    """Return where a sheet's cells stand, and those that hold an error or a formula without a result."""
    plain = _PLAIN_CELL.findall(part)
    if len(plain) == sum(part.count(b"<c" + bytes([end])) for end in _ENDS) and not any(mark in part for mark in _TELLING):
        rows, columns = max(map(int, {row for _, row in plain}), default=0), {letters for letters, _ in plain}
        width = max((_column(letters.decode()) for letters in columns), default=-1) + 1
        return Cells(len(plain), len(set(plain)), rows, width), {}
    sheet = _Sheet()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = sheet.start, sheet.end
    parser.CharacterDataHandler = sheet.text
    parser.Parse(part, True)
    return Cells.at(sheet.places), sheet.hidden


def _column(letters: str) -> int:
    """Return the number of a column from its letters: A is 0, Z 25, AA 26."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


class _Sheet:
    """Goes through a sheet's XML cell by cell."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.hidden: dict[Place, str] = {}
        self._row, self._column, self._numbered = -1, -1, False
        self._kind = ""
        self._said: dict[str, str] = {}
        self._inside = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "row":
            self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column, self._numbered = -1, "r" in attributes
        elif name == "c":
            self._place(attributes.get("r"))
            self._kind, self._said = attributes.get("t", ""), {}
        self._inside = name

    def _place(self, reference: str | None) -> None:
        self._column += 1
        if reference is not None:
            match = _REFERENCE.fullmatch(reference)
            if match is None:
                raise ValueError(f"a cell stands at {reference[:20]!r}")
            row = int(match.group(2)) - 1
            if self._numbered and row != self._row:
                raise ValueError(f"cell {reference} stands in row {self._row + 1}")
            self._row, self._column = row, _column(match.group(1))
        self.places.append((self._row, self._column))

    def text(self, text: str) -> None:
        if self._inside in ("v", "f"):
            self._said[self._inside] = self._said.get(self._inside, "") + text

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        value = self._said.get("v", "").strip()
        if name == "f":
            self._said.setdefault("f", "")
        elif name == "c" and self._kind == "e":
            self.hidden[self.places[-1]] = value or "#ERROR"
        elif name == "c" and "f" in self._said and not value and self._kind != "str":
            self.hidden[self.places[-1]] = f"={self._said['f'].strip()}"
        self._inside = ""

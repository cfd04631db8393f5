"""XLS before calamine sees it: a compound file with a stream of records, of which a sound copy is made."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from types import MappingProxyType

from exodx.tables.hidden import Cells, Grids, Place

_STREAMS = ("Workbook", "Book")
_END, _FREE, _TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_HEAD, _ENTRY, _SECTOR, _MINI = 512, 128, 512, 4096
_BEGIN, _EOF, _SHEET, _SIZE, _PASSWORD = 0x0809, 0x000A, 0x0085, 0x0200, 0x002F
_BOOLEAN_OR_ERROR, _FORMULA = 0x0205, 0x0006
_ONE_CELL = frozenset({0x0201, 0x0203, 0x0204, 0x00D6, 0x00FD, 0x027E, _BOOLEAN_OR_ERROR, _FORMULA})
_SEVERAL_CELLS = frozenset({0x00BD, 0x00BE})
_WIDEST = 256
ERRORS = MappingProxyType(
    {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
)


def examined_stream(content: bytes) -> tuple[bytes, list[dict[Place, str]]]:
    """Examine an XLS workbook.

    Returns
    -------
    copy : bytes
        A compound file with the workbook's stream and nothing else.
    hidden : list of dict
        The errors of each sheet, which calamine gives as blanks; see :class:`~exodx.tables.hidden.Grids`.

    Raises
    ------
    ValueError
        Where it is no sound workbook, is locked, or would take more memory than a table needs.
    """
    try:
        name, stream = _Compound(content).workbook()
        grids = Grids()
        for number, at in enumerate(_sheets(stream)):
            grids.add(f"number {number + 1}", *_cells(stream, at))
    except (struct.error, IndexError) as error:
        raise ValueError(f"it is damaged ({error})") from None
    return _compound(name, stream), grids.hidden


class _Compound:
    """A compound file (OLE 2): sectors, tables of which follows which, and a directory of streams."""

    def __init__(self, content: bytes) -> None:
        shift, mini_shift = struct.unpack_from("<HH", content, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise ValueError("its sectors are of no known size")
        self._content, self._size = content, 1 << shift
        self._n = len(content) // self._size
        n_tables, first = struct.unpack_from("<I", content, 44)[0], struct.unpack_from("<I", content, 48)[0]
        self._cutoff, self._mini = struct.unpack_from("<II", content, 56)
        self._next = self._tables(n_tables)
        directory = self._chained(first)
        self._entries = [directory[i : i + _ENTRY] for i in range(0, len(directory) - _ENTRY + 1, _ENTRY)]

    def _tables(self, number: int) -> tuple[int, ...]:
        if number > self._n:
            raise ValueError("it is cut off")
        places = list(struct.unpack_from("<109I", self._content, 76))
        more = struct.unpack_from("<I", self._content, 68)[0]
        per = self._size // 4
        while more < _TABLE and len(places) < number:
            *found, more = struct.unpack(f"<{per}I", self._sector(more))
            places += found
        return tuple(follower for place in places[:number] for follower in struct.unpack(f"<{per}I", self._sector(place)))

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._size
        sector = self._content[start : start + self._size]
        if not sector or number >= _TABLE:
            raise ValueError("it is cut off")
        return sector.ljust(self._size, b"\0")

    def _chained(self, first: int) -> bytes:
        parts, at, left = [], first, len(self._next)
        while at != _END:
            if left == 0:
                raise ValueError("its sectors go round in a circle")
            parts.append(self._sector(at))
            at, left = self._next[at], left - 1
        return b"".join(parts)

    def workbook(self) -> tuple[str, bytes]:
        """Return the workbook's stream, and what it is called."""
        for wanted in _STREAMS:
            for entry in self._entries:
                length = struct.unpack_from("<H", entry, 64)[0]
                if entry[66] == 2 and entry[: max(0, length - 2)].decode("utf-16-le", "replace") == wanted:
                    return wanted, self._stream(*struct.unpack_from("<II", entry, 116))
        raise ValueError("there is no workbook in it")

    def _stream(self, first: int, size: int) -> bytes:
        if size >= self._cutoff:
            found = self._chained(first)
        else:
            whole, links = self._chained(struct.unpack_from("<I", self._entries[0], 116)[0]), self._chained(self._mini)
            follower = struct.unpack(f"<{len(links) // 4}I", links)
            at, parts = first, list[bytes]()
            while at != _END and len(parts) <= len(follower):
                parts.append(whole[at * 64 : at * 64 + 64])
                at = follower[at]
            found = b"".join(parts)
        if len(found) < size:
            raise ValueError("it is cut off")
        return found[:size]


def _compound(name: str, stream: bytes) -> bytes:
    """Write a compound file with one stream."""
    stream = stream.ljust(_MINI, b"\0")
    n = -(-len(stream) // _SECTOR)
    tables = 1
    while tables * 128 < n + 1 + tables:
        tables += 1
    if tables > 109:
        raise ValueError("it is larger than a table of Excel 97 can be")
    follower = [*range(1, n), _END, _END, *[_TABLE] * tables]
    follower += [_FREE] * (tables * 128 - len(follower))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, tables, n, 0, _MINI, _END, 0, _END, 0)
    head += struct.pack("<109I", *range(n + 1, n + 1 + tables), *[_FREE] * (109 - tables))
    entries = _entry("Root Entry", 5, _END, 0, 1) + _entry(name, 2, 0, len(stream), _FREE) + bytes(2 * _ENTRY)
    return head + stream.ljust(n * _SECTOR, b"\0") + entries + struct.pack(f"<{tables * 128}I", *follower)


def _entry(name: str, kind: int, start: int, size: int, child: int) -> bytes:
    text = name.encode("utf-16-le")
    links = struct.pack("<HBBIII36x", len(text) + 2, kind, 1, _FREE, _FREE, child)
    return text.ljust(64, b"\0") + links + struct.pack("<IQ", start, size)


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the records from a place on, to the end of its part."""
    while True:
        kind, length = struct.unpack_from("<HH", stream, at)
        data = stream[at + 4 : at + 4 + length]
        if kind == _EOF:
            return
        if len(data) < length:
            raise ValueError("a record is cut off")
        yield kind, data
        at += 4 + length


def _sheets(stream: bytes) -> list[int]:
    """Return where each sheet's records begin."""
    if struct.unpack_from("<H", stream)[0] != _BEGIN:
        raise ValueError("it is no workbook of Excel 5 or later")
    found = []
    for kind, data in _records(stream, 0):
        if kind == _PASSWORD:
            raise ValueError("it is locked with a password")
        if kind == _SHEET:
            found.append(struct.unpack_from("<I", data)[0])
    return found


def _cells(stream: bytes, at: int) -> tuple[Cells, dict[Place, str]]:
    """Return where a sheet's cells stand, and those that hold an error."""
    places: list[Place] = []
    hidden: dict[Place, str] = {}
    for kind, data in _records(stream, at):
        if kind in _ONE_CELL:
            place = struct.unpack_from("<HH", data)
            places.append(place)
            if error := _error(kind, data):
                hidden[place] = error
        elif kind in _SEVERAL_CELLS:
            row, first = struct.unpack_from("<HH", data)
            last = struct.unpack_from("<H", data, len(data) - 2)[0]
            places += [(row, column) for column in range(first, last + 1)]
        elif kind == _SIZE:
            _check_size(data)
    if any(column >= _WIDEST for _, column in places):
        raise ValueError("a cell stands beyond the last column of Excel 97")
    return Cells.at(places), hidden


def _error(kind: int, data: bytes) -> str:
    code = -1
    if kind == _BOOLEAN_OR_ERROR and data[7]:
        code = data[6]
    elif kind == _FORMULA and data[12:14] == b"\xff\xff" and data[6] == 2:
        code = data[8]
    return "" if code < 0 else ERRORS.get(code, "#ERROR")


def _check_size(data: bytes) -> None:
    """Refuse a size that no sheet has: room is made for as many cells."""
    rows = struct.unpack_from("<II", data) if len(data) >= 14 else struct.unpack_from("<HH", data)
    columns = struct.unpack_from("<HH", data, 8 if len(data) >= 14 else 4)
    if not (rows[0] <= rows[1] <= 1 << 16 and columns[0] <= columns[1] <= _WIDEST):
        raise ValueError(f"a sheet of {rows[1]} rows and {columns[1]} columns")

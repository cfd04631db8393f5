"""Workbooks of Excel 97 written by hand, record by record, so that a test may write what Excel never would."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

SECTOR = 512
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD

Cell = str | float | bytes
"""A text, a number, or the bytes of an error cell's code (``b"\\x07"`` is #DIV/0!)."""


def record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def cell(row: int, column: int, value: Cell) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, str):
        return record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
    if isinstance(value, bytes):
        return record(0x0205, place + value + b"\x01")
    return record(0x0203, place + struct.pack("<d", value))


def sheet(cells: Mapping[tuple[int, int], Cell], more: bytes = b"") -> bytes:
    body = b"".join(cell(row, column, value) for (row, column), value in cells.items())
    return record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 6)) + more + body + record(0x000A)


def grid(rows: Sequence[Sequence[Cell]]) -> dict[tuple[int, int], Cell]:
    return {(i, j): value for i, row in enumerate(rows) for j, value in enumerate(row) if value != ""}


def stream(sheets: Mapping[str, bytes]) -> bytes:
    """Return the workbook's stream: its globals, which say where each sheet begins, and the sheets."""
    start = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 6)) + record(0x0042, struct.pack("<H", 1200))
    names = {name: struct.pack("<BB", len(name), 0) + name.encode("ascii") for name in sheets}
    size = len(start) + sum(4 + 6 + len(name) for name in names.values()) + 4
    listed, bodies = b"", b""
    for name, body in sheets.items():
        listed += record(0x0085, struct.pack("<IBB", size + len(bodies), 0, 0) + names[name])
        bodies += body
    return start + listed + record(0x000A) + bodies


def ole(content: bytes, name: str = "Workbook") -> bytes:
    """Put a stream into a compound file."""
    content += bytes(max(0, 4096 - len(content)))
    content += bytes(-len(content) % SECTOR)
    n = len(content) // SECTOR
    tables = 1
    while tables * 128 < n + 1 + tables:
        tables += 1
    chain = [*range(1, n), END, END, *[FAT] * tables]
    fat = struct.pack(f"<{tables * 128}I", *chain, *[FREE] * (tables * 128 - len(chain)))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, tables, n, 0, 4096, END, 0, END, 0)
    head += struct.pack("<109I", *range(n + 1, n + 1 + tables), *[FREE] * (109 - tables))
    entries = _entry("Root Entry", 5, END, 0, 1) + _entry(name, 2, 0, len(content), FREE) + bytes(256)
    return head + content + entries + fat


def _entry(name: str, kind: int, start: int, size: int, child: int) -> bytes:
    text = name.encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HBB", len(text) + 2, kind, 1) + struct.pack("<III", FREE, FREE, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)


def xls(rows: Sequence[Sequence[Cell]], name: str = "Sheet1") -> bytes:
    """Return a workbook of one sheet."""
    return ole(stream({name: sheet(grid(rows))}))

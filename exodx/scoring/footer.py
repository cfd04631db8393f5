"""Parquet files put together from smaller ones without a look at their pages: bodies follow one another, footers become one.

A footer is a Thrift structure in the compact protocol (https://parquet.apache.org/docs/file-format/metadata/). It is read as a
tree, the places of the columns are moved, and it is written again. So parts are encoded at the same time, and a body that was
written before an interruption is kept as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

MAGIC = b"PAR1"
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_NUM_ROWS, _ROW_GROUPS = 3, 4
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7
_CHUNK_OFFSET, _CHUNK_META = 2, 3
_PAGE_OFFSETS = (9, 10, 11)
"""Of data, index and dictionary pages, in a column's metadata."""


class Items(NamedTuple):
    """A list and the type of what is in it."""

    kind: int
    values: list[Any]


Fields = dict[int, tuple[int, Any]]
"""A structure: number of a field → its type and value."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        shift = number = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def whole(self) -> int:
        number = self.varint()
        return (number >> 1) ^ -(number & 1)

    def taken(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def value(self, kind: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self.whole()
        if kind == _BINARY:
            return self.taken(self.varint())
        if kind == _STRUCT:
            return self.struct()
        if kind in (_LIST, _SET):
            head = self.byte()
            size, item = (self.varint() if head >> 4 == 15 else head >> 4), head & 15
            return Items(item, [self.byte() if item in (_TRUE, _FALSE) else self.value(item) for _ in range(size)])
        if kind in (_BYTE, _DOUBLE):
            return self.taken(1 if kind == _BYTE else 8)
        raise ValueError(f"a value of kind {kind}")

    def struct(self) -> Fields:
        fields: Fields = {}
        number = 0
        while head := self.byte():
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self.whole()
            fields[number] = kind, None if kind in (_TRUE, _FALSE) else self.value(kind)
        return fields


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _whole(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _written(kind: int, value: Any) -> bytes:
    if kind in (_I16, _I32, _I64):
        return _whole(value)
    if kind == _BINARY:
        return _varint(len(value)) + bytes(value)
    if kind == _STRUCT:
        return _struct(value)
    if kind in (_LIST, _SET):
        size = len(value.values)
        head = bytes([(size << 4) | value.kind]) if size < 15 else bytes([0xF0 | value.kind]) + _varint(size)
        flags = value.kind in (_TRUE, _FALSE)
        return head + b"".join(bytes([item]) if flags else _written(value.kind, item) for item in value.values)
    return bytes(value)


def _struct(fields: Fields) -> bytes:
    out, last = [], 0
    for number, (kind, value) in sorted(fields.items()):
        step = number - last
        out.append(bytes([(step << 4) | kind]) if 0 < step < 16 else bytes([kind]) + _whole(number))
        out.append(b"" if kind in (_TRUE, _FALSE) else _written(kind, value))
        last = number
    return b"".join(out) + b"\x00"


def cut(file: bytes | memoryview) -> tuple[bytes | memoryview, bytes]:
    """Return the pages of a Parquet file, without its opening mark, and its footer."""
    size = int.from_bytes(file[-8:-4], "little")
    return file[len(MAGIC) : -8 - size], bytes(file[-8 - size : -8])


def joined(footers: Sequence[bytes], places: Sequence[int]) -> bytes:
    """Return the end of a file whose parts' pages begin at some places: one footer, its length and the mark.

    Parameters
    ----------
    footers : sequence of bytes
        As :func:`cut` gives them, of files of one schema.
    places : sequence of int
        Where each part's pages begin in the whole file.
    """
    whole: Fields = {}
    for footer, place in zip(footers, places, strict=True):
        fields = _Reader(footer).struct()
        groups = fields[_ROW_GROUPS][1].values
        for group in groups:
            _move(group, place - len(MAGIC))
        if not whole:
            whole = fields
            continue
        whole[_NUM_ROWS] = _I64, whole[_NUM_ROWS][1] + fields[_NUM_ROWS][1]
        whole[_ROW_GROUPS][1].values.extend(groups)
    for number, group in enumerate(whole[_ROW_GROUPS][1].values):
        if _ORDINAL in group and number < 1 << 15:
            group[_ORDINAL] = _I16, number
        else:
            group.pop(_ORDINAL, None)
    content = _struct(whole)
    return content + len(content).to_bytes(4, "little") + MAGIC


def _move(group: Fields, by: int) -> None:
    _shift(group, _GROUP_OFFSET, by)
    for chunk in group[_COLUMNS][1].values:
        _shift(chunk, _CHUNK_OFFSET, by)
        for field in _PAGE_OFFSETS:
            _shift(chunk[_CHUNK_META][1], field, by)


def _shift(fields: Fields, number: int, by: int) -> None:
    """Move an offset; 0 says that there is none."""
    if number in fields and fields[number][1]:
        kind, value = fields[number]
        fields[number] = kind, value + by

"""Structures in Thrift's compact protocol, written (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12


class Value(NamedTuple):
    """What stands in a field: its kind, and its bytes."""

    kind: int
    content: bytes


def varint(number: int) -> bytes:
    """Return a number from 0 on, seven bits a byte, the lowest first.

    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def short(number: int) -> Value:
    """Return a whole number of 32 bits."""
    return Value(_I32, _zigzag(number))


def long(number: int) -> Value:
    """Return a whole number of 64 bits."""
    return Value(_I64, _zigzag(number))


def binary(content: bytes | str) -> Value:
    """Return bytes, or a text."""
    content = content.encode() if isinstance(content, str) else content
    return Value(_BINARY, varint(len(content)) + content)


def several(values: Sequence[Value], kind: int = _STRUCT) -> Value:
    """Return a list of values of one kind; an empty one is of structures unless told."""
    kind = values[0].kind if values else kind
    head = bytes([len(values) << 4 | kind]) if len(values) < 15 else bytes([0xF0 | kind]) + varint(len(values))
    return Value(_LIST, head + b"".join(value.content for value in values))


def structure(fields: Mapping[int, Value]) -> Value:
    """Return a structure of numbered fields.

    >>> structure({1: short(1), 3: binary("a")}).content.hex()
    '150228016100'
    """
    out, last = [], 0
    for number, (kind, content) in sorted(fields.items()):
        step = number - last
        out.append(bytes([step << 4 | kind]) if step < 16 else bytes([kind]) + _zigzag(number))
        out.append(content)
        last = number
    return Value(_STRUCT, b"".join(out) + b"\x00")


def _zigzag(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)

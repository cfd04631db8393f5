"""A strict reader of Universal Binary JSON (draft 12) as XGBoost writes it: big-endian, lengths first, nothing executed."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from exodx.errors import ModelRefused, Problem

DTYPES = {marker: np.dtype(code) for marker, code in zip("iUIlLdD", (">i1", ">u1", ">i2", ">i4", ">i8", ">f4", ">f8"), strict=True)}
NUMBERS = {marker: struct.Struct(f">{code}") for marker, code in zip("iUIlLdD", "bBhiqfd", strict=True)}
LENGTHS = frozenset("iUIlL")
CONSTANTS = {"Z": None, "T": True, "F": False}
MAX_DEPTH = 32


def read_ubjson(data: bytes) -> dict[str, Any]:
    r"""Read one object; arrays of one declared number type become NumPy arrays of native byte order.

    Raises
    ------
    ModelRefused
        When the bytes are not one whole UBJSON object.

    >>> read_ubjson(b"{L" + bytes(7) + b"\x01kSL" + bytes(7) + b"\x02ok}")
    {'k': 'ok'}
    """
    reader = _Reader(data)
    try:
        reader.take("{")
        value = reader.members(0)
        if reader.at != len(data):
            raise ValueError(f"{len(data) - reader.at} bytes follow its end")
    except (ValueError, struct.error, IndexError) as error:
        found = f"it is not UBJSON ({error} at byte {reader.at})"
        raise ModelRefused(Problem("FOREST_DAMAGED", "forest.ubj", found, "Save the model again.")) from None
    return value


class _Reader:
    """A place in the bytes; every method reads on from there."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def marker(self) -> str:
        self.at += 1
        return chr(self.data[self.at - 1])

    def take(self, wanted: str) -> None:
        if self.marker() != wanted:
            raise ValueError(f"{wanted!r} expected")

    def number(self, marker: str) -> Any:
        code = NUMBERS[marker]
        (value,) = code.unpack_from(self.data, self.at)
        self.at += code.size
        return value

    def length(self) -> int:
        marker = self.marker()
        if marker not in LENGTHS:
            raise ValueError("a length expected")
        value = int(self.number(marker))
        if not 0 <= value <= len(self.data) - self.at:
            raise ValueError(f"a length of {value}")
        return value

    def text(self) -> str:
        size = self.length()
        start = self.at
        self.at += size
        return self.data[start : self.at].decode()

    def value(self, marker: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError("objects nested too deep")
        if marker in NUMBERS:
            return self.number(marker)
        if marker == "S":
            return self.text()
        if marker == "{":
            return self.members(depth + 1)
        if marker == "[":
            return self.items(depth + 1)
        if marker in CONSTANTS:
            return CONSTANTS[marker]
        raise ValueError(f"unknown marker {marker!r}")

    def members(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.data[self.at] != ord("}"):
            key = self.text()
            if key in found:
                raise ValueError(f"key {key!r} twice")
            found[key] = self.value(self.marker(), depth)
        self.at += 1
        return found

    def items(self, depth: int) -> Any:
        head = chr(self.data[self.at])
        if head == "$":
            return self.typed()
        if head == "#":
            self.at += 1
            return [self.value(self.marker(), depth) for _ in range(self.length())]
        found = []
        while self.data[self.at] != ord("]"):
            found.append(self.value(self.marker(), depth))
        self.at += 1
        return found

    def typed(self) -> np.ndarray[Any, Any]:
        self.at += 1
        marker = self.marker()
        if marker not in NUMBERS:
            raise ValueError(f"an array of type {marker!r}")
        self.take("#")
        dtype = DTYPES[marker]
        size = self.length()
        stop = self.at + size * dtype.itemsize
        if stop > len(self.data):
            raise ValueError(f"an array of {size} beyond the end")
        values = np.frombuffer(self.data, dtype, size, self.at)
        self.at = stop
        return values.astype(dtype.newbyteorder("="))

"""From bytes to text: UTF-8, UTF-16 (with or without its mark), and the old one-byte encodings, which are never certain."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from exodx.errors import InputRefused, Problem

_LOOKED_AT = 4096
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ONLY_WESTERN = re.compile(rb"[\x81-\x84\x86-\x90\x98\x9a-\x9f]")
"""Bytes that hardly stand in a Windows-1252 text: they are letters in Mac OS Roman or DOS."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, what is to be said of its encoding, and where the encoding is a guess.

    Parameters
    ----------
    text : str
    notes : tuple of str
    doubt : str
        Empty where the encoding is certain; else the first byte that could also be another letter, for a message.
    mixed : bool
        Whether even the guess is poor: some bytes belong to no Western Windows text.
    """

    text: str
    notes: tuple[str, ...] = ()
    doubt: str = ""
    mixed: bool = False


def decode(source: str, content: bytes) -> Decoded:
    """Decode a text file; what is not Unicode is decoded as Windows-1252 or Latin-1, with its doubt.

    Raises
    ------
    InputRefused
        ``ENCODING`` for UTF-16 that is cut off or damaged.
    """
    if wide := _utf_16(content):
        try:
            return Decoded(content.decode(wide).removeprefix("\ufeff"), ("UTF-16",))
        except UnicodeDecodeError as error:
            fix = "Export or copy the file again."
            raise InputRefused(Problem("ENCODING", source, f"damaged UTF-16 at byte {error.start}", fix)) from None
    try:
        return Decoded(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        byte = f"byte 0x{content[error.start]:02x} is not UTF-8 (Latin-1 or Windows-1252?)"
        mixed = bool(_ONLY_WESTERN.search(content))
    try:
        return Decoded(content.decode("cp1252"), ("not UTF-8: decoded as Windows-1252",), byte, mixed)
    except UnicodeDecodeError:
        return Decoded(content.decode("latin-1"), ("not UTF-8: decoded as Latin-1",), byte, mixed)


def _utf_16(content: bytes) -> str:
    """Name the UTF-16 of a content: by its mark, or since every other byte of its beginning is zero."""
    if content.startswith(_MARKS):
        return "utf-16"
    head = content[: min(_LOOKED_AT, len(content) // 2 * 2)]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not head or max(even, odd) < 0.6 * len(head) / 2 or min(even, odd) > 0.02 * len(head):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"

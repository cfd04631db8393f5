"""What a file is that is no text: said by its first bytes, so that a person knows what to do with it."""

from __future__ import annotations

from types import MappingProxyType

from exodx.errors import InputRefused, Problem

_EXPORT = "Export it as CSV, TSV, XLSX or Parquet."
_UNPACK = "Unpack it, or pack it with gzip, zstd or ZIP instead."

_KINDS = MappingProxyType(
    {
        "BZh91AY&SY": ("it is packed by bzip2", _UNPACK),
        "\xfd7zXZ": ("it is packed by xz", _UNPACK),
        "7z\xbc\xaf": ("it is packed by 7-Zip", _UNPACK),
        "Rar!\x1a": ("it is packed by RAR", _UNPACK),
        "\x1f\x8b": ("it is packed twice", "Unpack it once."),
        "(\xb5/\xfd": ("it is packed twice", "Unpack it once."),
        "%PDF-1.": ("it is a PDF", _EXPORT),
        "%PDF-2.": ("it is a PDF", _EXPORT),
        "\x89HDF": ("it is an HDF5 file", _EXPORT),
        "ARROW1\x00": ("it is an Arrow (Feather) file", _EXPORT),
        "SQLite format 3\x00": ("it is an SQLite database", _EXPORT),
        "\x89PNG": ("it is a picture", _EXPORT),
    }
)
"""Beginnings, each byte as the letter of its number."""

_PARQUET = b"PAR1"

_MOST_NUL = 0.01
"""Share of a text that may be NUL characters before it is called binary; what remains of a transfer that failed is less."""


def is_parquet(start: bytes) -> bool:
    r"""Return whether the first five bytes are Parquet's: none of text follows its mark, as it does where PAR1 is a protein.

    >>> is_parquet(b"PAR1\x15"), is_parquet(b"PAR1,IL6")
    (True, False)
    """
    return start.startswith(_PARQUET) and not (start[4:5].isspace() or start[4:5].decode("latin-1").isprintable())


def of_bytes(source: str, content: bytes) -> InputRefused | None:
    """Refuse a content that begins as no table does; None where nothing is known of its beginning.

    >>> print(of_bytes("t.csv.bz2", b"BZh91AY&SY"))
    [NOT_A_TABLE] t.csv.bz2: it is packed by bzip2. Unpack it, or pack it with gzip, zstd or ZIP instead.
    """
    head = content[:16].decode("latin-1")
    for mark, (found, fix) in _KINDS.items():
        if head.startswith(mark):
            return InputRefused(Problem("NOT_A_TABLE", source, found, fix))
    return None


def of_text(source: str, text: str) -> InputRefused:
    """Refuse a text that holds NUL characters: with its line, where they are few."""
    number = text.count("\x00")
    if number > _MOST_NUL * len(text):
        return InputRefused(Problem("NOT_A_TABLE", source, "binary content", _EXPORT))
    line = text.count("\n", 0, text.index("\x00")) + 1
    found = f"a NUL character (of {number}), which no text holds"
    return InputRefused(Problem("NOT_A_TABLE", f"{source}, line {line}", found, "Export or copy the file again."))

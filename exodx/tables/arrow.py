"""What Arrow does for text tables: it cuts well-formed text into cells, as columns of codes and words.

Without its threads: a process that ends just after they were started is aborted now and then (apache/arrow#34314).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from exodx.errors import InputRefused, Problem
from exodx.tables.coded import Coded, Words
from exodx.tables.packed import room, too_large

_MOSTLY_DISTINCT = 0.25
"""Where more of the cells than this are words of their own, coding them saves nothing."""

_STEP = 1 << 24
"""Bytes that are unpacked at once."""

_BLANKS = b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
"""What ``str.strip`` takes away, of ASCII."""


def cut_text(text: str, delimiter: str, width: int) -> list[Sequence[str]] | None:
    """Return the columns below the header of a text in which nothing is quoted, stripped; None where a line has another width."""
    if "\n\n" in text:
        return None
    content = text.encode()
    names = [str(i) for i in range(width)]
    types = {"0": pa.string()} | dict.fromkeys(names[1:], pa.dictionary(pa.int32(), pa.string()))
    try:
        table = pc.read_csv(
            io.BytesIO(content),
            pc.ReadOptions(column_names=names, skip_rows=1, block_size=len(content) + 1, use_threads=False),
            pc.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            pc.ConvertOptions(column_types=types, strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    return [[cell.strip() for cell in table.column(0).to_pylist()], *_coded([column.chunk(0) for column in table.columns[1:]])]


def cut_wells(content: bytes, delimiter: str, width: int, columns: Mapping[str, int]) -> dict[str, Coded] | None:
    """Return the columns of wells by their role, stripped; None where a line is not of that width."""
    names = [str(i) for i in range(width)]
    used = [str(i) for i in dict.fromkeys(columns.values())]
    try:
        table = pc.read_csv(
            pa.BufferReader(content),
            pc.ReadOptions(column_names=names, block_size=len(content) + 1, use_threads=False),
            pc.ParseOptions(delimiter=delimiter, quote_char=False),
            pc.ConvertOptions(include_columns=used, column_types=dict.fromkeys(used, pa.dictionary(pa.int32(), pa.string()))),
        )
    except pa.ArrowInvalid:
        return None
    return {role: coded_column(table.column(str(i)).chunk(0)) for role, i in columns.items()}


def _coded(chunks: Sequence[pa.DictionaryArray]) -> list[Sequence[str]]:
    """Give columns with dictionaries of their own one in common."""
    if sum(len(chunk.dictionary) for chunk in chunks) > _MOSTLY_DISTINCT * len(chunks) * len(chunks[0]):
        return [_texts(chunk) for chunk in chunks]
    unified = pa.chunked_array(chunks).unify_dictionaries()
    words = Words([word.strip() for word in unified.chunk(0).dictionary.to_pylist()])
    return [Coded(words, _codes(chunk)) for chunk in unified.chunks]


class _ArrowWords(Words):
    """The words of a dictionary, none with blanks in it; they are made when they are looked at."""

    __slots__ = ("_dictionary", "_made")

    def __init__(self, dictionary: pa.StringArray) -> None:
        self._dictionary = dictionary
        self._made: list[str] | None = None
        self.differ = True
        self.meanings = {}

    @property
    def texts(self) -> list[str]:  # type: ignore[override]
        if self._made is None:
            self._made = self._dictionary.to_pylist()
        return self._made

    def __len__(self) -> int:
        return len(self._dictionary)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if self._made is None and isinstance(at, int):
            return str(self._dictionary[at].as_py())
        return self.texts[at]


def coded_column(chunk: pa.DictionaryArray) -> Coded:
    """Return a dictionary column with words of its own, stripped."""
    letters = chunk.dictionary.buffers()[2]
    content = letters.to_pybytes() if letters else b""
    if content.isascii() and len(content.translate(None, _BLANKS)) == len(content):
        return Coded(_ArrowWords(chunk.dictionary), _codes(chunk))
    return Coded(Words([word.strip() for word in chunk.dictionary.to_pylist()]), _codes(chunk))


def _codes(chunk: pa.DictionaryArray) -> NDArray[np.int32]:
    """Return the codes of a column; they are taken from memory, since Arrow's ``to_numpy`` imports pandas."""
    codes = chunk.indices
    return np.frombuffer(codes.buffers()[1], np.int32, len(codes), codes.offset * 4)


def _texts(chunk: pa.DictionaryArray) -> list[str]:
    words = [word.strip() for word in chunk.dictionary.to_pylist()]
    return list(map(words.__getitem__, _codes(chunk).tolist()))


def unzstd(source: str, content: bytes) -> bytes:
    """Unpack a file compressed by zstd.

    Raises
    ------
    InputRefused
        ``ZSTD_DAMAGED``, ``TOO_LARGE``.
    """
    limit, parts, left = room(len(content)), [], room(len(content)) + 1
    try:
        with pa.input_stream(pa.BufferReader(content), compression="zstd") as file:
            while left and len(part := file.read_buffer(min(left, _STEP))):
                parts.append(part)
                left -= len(part)
    except OSError as error:
        raise InputRefused(Problem("ZSTD_DAMAGED", source, str(error), "Copy the file again.")) from None
    if not left:
        raise too_large(source, limit)
    return b"".join(parts)

"""Columns of predictions as the pages of a Parquet file, written as they lie in memory (https://parquet.apache.org/docs/file-format/).

Numbers hardly repeat: packed they would take three fifths of the room and many times as long, which is most of what scoring takes.
Texts that repeat are codes of words; texts and codes are packed. Arrow's own writer copies every number three times, and codes
words anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exodx.scoring.thrift import Value, short, structure, varint

Pieces = list[bytes | memoryview]

PLAIN, RLE, CODES = 0, 3, 8
"""Encodings: values one after another; runs, or bits, of what is known; codes of words."""
_DATA, _WORDS = 0, 2
"""Kinds of pages."""


class Chunk(NamedTuple):
    """A column of one part: what a reader must know of its pages.

    Parameters
    ----------
    words : int
        Where the page of its words begins, from the part's beginning; −1 where it has none.
    data : int
        Where the page of its values begins.
    size : int
        Of both pages.
    unpacked : int
        Their size before they were packed.
    nulls : int
        Values that are not known.
    least, most : float, optional
        Of a column of numbers that a reader may look for by size.
    """

    words: int
    data: int
    size: int
    unpacked: int
    nulls: int
    least: float | None = None
    most: float | None = None


class Layout(NamedTuple):
    """Where everything lies in a part: its rows, and a chunk for each column."""

    rows: int
    chunks: tuple[Chunk, ...]

    @classmethod
    def of(cls, state: Sequence[object]) -> Layout:
        """Rebuild from JSON, which has lists for tuples."""
        rows, chunks = state
        return cls(rows, tuple(Chunk(*chunk) for chunk in chunks))  # type: ignore[arg-type, attr-defined]


def pages_of(batch: pa.RecordBatch) -> tuple[Pieces, Layout]:
    """Return the pages of a batch, piece by piece, and where they lie.

    Parameters
    ----------
    batch : RecordBatch
        Of float64, text, and codes of words.
    """
    pieces: Pieces = []
    chunks, at = [], 0
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if field.type == pa.float64():
            made, chunk = _numbers(column, at, bounded=not field.name.startswith("shap:"))
        elif field.type == pa.string():
            made, chunk = _texts(column, at)
        else:
            made, chunk = _codes(column, at)
        pieces += made
        chunks.append(chunk)
        at += chunk.size
    return pieces, Layout(len(batch), tuple(chunks))


def _numbers(column: pa.DoubleArray, at: int, *, bounded: bool) -> tuple[Pieces, Chunk]:
    known = _known(column)
    values = np.frombuffer(column.buffers()[1] or b"", np.float64, len(column), column.offset * 8)
    values = values if known is None else values[known]
    levels = _levels(known, len(column))
    head = _head(_DATA, len(column), PLAIN, len(levels) + values.nbytes)
    size = len(head) + len(levels) + values.nbytes
    low, high = (float(values.min()), float(values.max())) if bounded and len(values) else (None, None)
    return [head + levels, values.data.cast("B")], Chunk(-1, at, size, size, len(column) - len(values), low, high)


def _texts(column: pa.StringArray, at: int) -> tuple[Pieces, Chunk]:
    known = _known(column)
    plain = _levels(known, len(column)) + _byte_arrays(column if known is None else column.drop_null())
    page, unpacked = _page(_DATA, len(column), PLAIN, plain)
    return [page], Chunk(-1, at, len(page), unpacked, column.null_count)


def _codes(column: pa.DictionaryArray, at: int) -> tuple[Pieces, Chunk]:
    known, words = _known(column.indices), column.dictionary
    codes = np.frombuffer(column.indices.buffers()[1] or b"", np.int32, len(column), column.indices.offset * 4)
    codes, levels = codes if known is None else codes[known], _levels(known, len(column))
    if not len(codes):
        page, unpacked = _page(_DATA, len(column), PLAIN, levels)
        return [page], Chunk(-1, at, len(page), unpacked, len(column))
    before, first = _page(_WORDS, len(words), PLAIN, _byte_arrays(words))
    page, second = _page(_DATA, len(column), CODES, levels + _packed(codes, max((len(words) - 1).bit_length(), 1)))
    return [before + page], Chunk(at, at + len(before), len(before) + len(page), first + second, len(column) - len(codes))


def _page(kind: int, n: int, encoding: int, plain: bytes) -> tuple[bytes, int]:
    """Return a page of texts or codes with its header, packed, and its size unpacked."""
    packed = pa.Codec("zstd", compression_level=1).compress(plain, asbytes=True)
    head = _head(kind, n, encoding, len(plain), len(packed))
    return head + packed, len(head) + len(plain)


def _known(column: pa.Array) -> NDArray[np.bool_] | None:
    """Say which values are known, or None for all of them."""
    if not column.null_count:
        return None
    bits = np.unpackbits(np.frombuffer(column.buffers()[0], np.uint8), bitorder="little")
    return bits[column.offset : column.offset + len(column)].astype(bool)


def _levels(known: NDArray[np.bool_] | None, n: int) -> bytes:
    """Return the definition levels: 1 for what is known, as one run or as bits."""
    if known is None:
        run = varint(n << 1) + b"\x01"
    else:
        run = varint((n + 7) // 8 << 1 | 1) + np.packbits(known, bitorder="little").tobytes()
    return len(run).to_bytes(4, "little") + run


def _packed(codes: NDArray[np.int32], width: int) -> bytes:
    """Return codes of some bits each, as one run where all are the same."""
    if (codes == codes[0]).all():
        return bytes([width]) + varint(len(codes) << 1) + int(codes[0]).to_bytes((width + 7) // 8, "little")
    groups = (len(codes) + 7) // 8
    bits = np.zeros((groups * 8, width), np.uint8)
    for place in range(width):
        bits[: len(codes), place] = codes >> place & 1
    return bytes([width]) + varint(groups << 1 | 1) + np.packbits(bits, bitorder="little").tobytes()


def _byte_arrays(texts: pa.StringArray) -> bytes:
    """Return texts one after another, each after its length in four bytes."""
    _, offsets, content = texts.buffers()
    n = len(texts)
    ends = np.frombuffer(offsets, np.int32, n + 1, texts.offset * 4) if n else np.zeros(1, np.int32)
    letters = np.frombuffer(content, np.uint8)[ends[0] : ends[-1]] if content else np.zeros(0, np.uint8)
    sizes = np.diff(ends)
    lengths = sizes.astype("<i4").view(np.uint8).reshape(n, 4)
    if n and (sizes == sizes[0]).all():
        return np.concatenate([lengths, letters.reshape(n, -1)], axis=1).tobytes()
    out, is_letter = np.empty(len(letters) + 4 * n, np.uint8), np.ones(len(letters) + 4 * n, bool)
    begins = (ends[:-1] - ends[0])[:, None] + 4 * np.arange(n)[:, None] + np.arange(4)
    out[begins], is_letter[begins] = lengths, False
    out[is_letter] = letters
    return out.tobytes()


@lru_cache(maxsize=64)
def _head(kind: int, n: int, encoding: int, unpacked: int, packed: int | None = None) -> bytes:
    """Return a page's header."""
    what: dict[int, Value] = {1: short(n), 2: short(encoding)}
    of = {_WORDS: {7: structure(what)}, _DATA: {5: structure({**what, 3: short(RLE), 4: short(RLE)})}}[kind]
    return structure({1: short(kind), 2: short(unpacked), 3: short(unpacked if packed is None else packed), **of}).content

"""The end of a Parquet file, which says what it holds and where (https://parquet.apache.org/docs/file-format/metadata/).

The pages of all parts follow one another; so parts are encoded at the same time, and one that was written before an interruption
is kept as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pyarrow as pa

from exodx.scoring.pages import CODES, PLAIN, RLE, Chunk, Layout
from exodx.scoring.thrift import Value, binary, long, several, short, structure
from exodx.versions import own_version

MAGIC = b"PAR1"
_DOUBLE, _BYTE_ARRAY = 5, 6
_UNPACKED, _ZSTD = 0, 6
_OPTIONAL, _UTF8, _FORMAT = 1, 0, 2
_EMPTY = structure({})


def footer_of(schema: pa.Schema, layouts: Sequence[Layout], places: Sequence[int]) -> bytes:
    """Return the end of a file: what it holds, the length of that, and the mark.

    Parameters
    ----------
    schema : Schema
        With the file's metadata.
    layouts : sequence of Layout
        Of its parts, each a row group.
    places : sequence of int
        Where each part's pages begin in the file.
    """
    about = [structure({1: binary(key), 2: binary(value)}) for key, value in (schema.metadata or {}).items()]
    groups = [_group(schema, *part, number) for number, part in enumerate(zip(layouts, places, strict=True))]
    root = structure({4: binary("schema"), 5: short(len(schema))})
    content = structure(
        {
            1: short(_FORMAT),
            2: several([root, *map(_element, schema)]),
            3: long(sum(layout.rows for layout in layouts)),
            4: several(groups),
            5: several(about),
            6: binary(f"exodx version {own_version()} (build release)"),
            7: several([structure({1: _EMPTY})] * len(schema)),
        }
    ).content
    return content + len(content).to_bytes(4, "little") + MAGIC


def _element(field: pa.Field) -> Value:
    fields = {1: short(_kind(field)), 3: short(_OPTIONAL), 4: binary(field.name)}
    return structure(fields if _kind(field) == _DOUBLE else {**fields, 6: short(_UTF8), 10: structure({1: _EMPTY})})


def _kind(field: pa.Field) -> int:
    return _DOUBLE if field.type == pa.float64() else _BYTE_ARRAY


def _group(schema: pa.Schema, layout: Layout, place: int, number: int) -> Value:
    columns = [_column(field, chunk, layout.rows, place) for field, chunk in zip(schema, layout.chunks, strict=True)]
    sizes = {2: long(sum(chunk.unpacked for chunk in layout.chunks)), 6: long(sum(chunk.size for chunk in layout.chunks))}
    ordinal = {7: Value(4, short(number).content)} if number < 1 << 15 else {}
    return structure({1: several(columns), **sizes, 3: long(layout.rows), 5: long(place), **ordinal})


def _column(field: pa.Field, chunk: Chunk, rows: int, place: int) -> Value:
    begins = chunk.data if chunk.words < 0 else chunk.words
    about = structure(
        {
            1: short(_kind(field)),
            2: several([short(e) for e in ((PLAIN, RLE) if chunk.words < 0 else (PLAIN, RLE, CODES))]),
            3: several([binary(field.name)]),
            4: short(_UNPACKED if _kind(field) == _DOUBLE else _ZSTD),
            5: long(rows),
            6: long(chunk.unpacked),
            7: long(chunk.size),
            9: long(place + chunk.data),
            **({} if chunk.words < 0 else {11: long(place + chunk.words)}),
            12: _bounds(chunk),
        }
    )
    return structure({2: long(place + begins), 3: about})


def _bounds(chunk: Chunk) -> Value:
    """Return how many values are not known, and the smallest and largest; of zeros both signs are meant."""
    fields = {3: long(chunk.nulls)}
    if chunk.least is not None and chunk.most is not None:
        fields[5] = binary(struct.pack("<d", chunk.most or 0.0))
        fields[6] = binary(struct.pack("<d", chunk.least or -0.0))
    return structure(fields)

"""Predictions as bytes, part by part: CSV lines, Parquet row groups, Arrow batches. One schema, with the notice in its metadata."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exodx.errors import RUO
from exodx.scoring import doors
from exodx.scoring.footer import MAGIC, footer_of
from exodx.scoring.output import ARROW, CSV, PARQUET, Column, Explain, Floats, Scores, output_columns
from exodx.scoring.pages import Layout, Pieces, pages_of
from exodx.tables.coded import Coded

TEXTS = ("specimen_id", "status", "call", "threshold_id", "reasons", "model_id", "model_hash")
"""Columns of text; the names of features are text too, all others are numbers."""

_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


WORDS = pa.dictionary(pa.int32(), pa.string())


def schema_of(names: Sequence[str], model_id: str, model_hash: str, kind: str) -> pa.Schema:
    """Return the types of the output's columns; for Parquet, which holds them so, texts that repeat are codes of words."""
    repeating = WORDS if kind == PARQUET else pa.string()

    def of(name: str) -> pa.DataType:
        if name == "specimen_id":
            return pa.string()
        return repeating if name in TEXTS or (name.startswith("top") and name.endswith(":feature")) else pa.float64()

    metadata = {"notice": RUO, "model_id": model_id, "model_hash": model_hash}
    return pa.schema([pa.field(name, of(name)) for name in names], metadata=metadata)


def arrow_bytes(scores: Scores, explain: Explain, kind: str) -> bytes:
    """Return predictions as the bytes of a Parquet or Arrow file."""
    columns = output_columns(scores, explain)
    schema = schema_of(list(columns), scores.model_id, scores.model_hash, kind)
    batch = batch_of(columns, schema)
    if kind != ARROW:
        return parquet_bytes(batch)
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, schema) as file:
        file.write_batch(batch)
    return sink.getvalue()


def batch_of(columns: Mapping[str, Column | pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """Return columns as an Arrow batch; those that are Arrow's already are taken as they are."""
    return pa.RecordBatch.from_arrays([_array(columns[field.name], field.type) for field in schema], schema=schema)


def parquet_bytes(batch: pa.RecordBatch) -> bytes:
    """Return a batch as a Parquet file of one row group, or of none; whoever reads it gets texts and numbers."""
    if not len(batch):
        return MAGIC + footer_of(batch.schema, [], [])
    pieces, layout = pages_of(batch)
    return b"".join([MAGIC, *pieces, footer_of(batch.schema, [layout], [len(MAGIC)])])


def csv_header(schema: pa.Schema) -> bytes:
    """Return the first line of a CSV file; the notice stands over its empty last column."""
    return csv_line([*schema.names, RUO]).encode()


def csv_line(cells: Sequence[str]) -> str:
    """Return a line of a CSV file, cells quoted where they need it."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def stream_header(schema: pa.Schema) -> bytes:
    """Return how a stream of Arrow batches begins."""
    return bytes(schema.serialize().to_pybytes())


def stream_bytes(batch: pa.RecordBatch) -> memoryview:
    """Return a batch as a message of Arrow's stream."""
    return memoryview(batch.serialize()).cast("B")


def encoded(batch: pa.RecordBatch, kind: str) -> tuple[Pieces, Layout | None]:
    """Return a part of the output, piece by piece: CSV lines, a message of Arrow's stream, or Parquet pages and where they lie."""
    if kind == PARQUET:
        return pages_of(batch)
    return [doors.csv_bytes(batch) if kind == CSV else stream_bytes(batch)], None


def file_of_stream(stream: str, path: str) -> None:
    """Write an Arrow file of the batches of a stream that has no end yet."""
    with open(stream, "ab") as body:
        body.write(_END_OF_STREAM)
    with (
        pa.OSFile(stream) as source,
        pa.ipc.open_stream(source) as batches,
        pa.OSFile(path, "wb") as sink,
        pa.ipc.new_file(sink, batches.schema) as file,
    ):
        for batch in batches:
            file.write_batch(batch)


def numbers(values: Floats) -> pa.Array:
    """Return an Arrow array of numbers, null where NaN; it is made from memory, since ``pa.array`` imports pandas."""
    known = ~np.isnan(values)
    mask = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.float64(), len(values), [mask, pa.py_buffer(np.ascontiguousarray(values, np.float64))])


def texts(values: Sequence[str | None]) -> pa.Array:
    """Return an Arrow array of texts."""
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()


def _array(column: Column | pa.Array, kind: pa.DataType) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    if isinstance(column, np.ndarray):
        return numbers(column)
    coded: Coded = Coded.of(column)  # type: ignore[arg-type]
    if kind != WORDS:
        return texts(list(coded.words)).take(_codes(coded.codes))
    words = [word for word in dict.fromkeys(coded.words) if word is not None]
    place = {word: i for i, word in enumerate(words)}
    codes = np.array([place.get(word, -1) for word in coded.words], np.int32)[coded.codes]
    return pa.DictionaryArray.from_arrays(_codes(codes), texts(words))


def _codes(codes: NDArray[np.int32]) -> pa.Array:
    """Return numbers of words, null where below 0."""
    known = codes >= 0
    mask = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.int32(), len(codes), [mask, pa.py_buffer(np.ascontiguousarray(codes))])

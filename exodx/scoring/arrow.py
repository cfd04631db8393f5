"""Predictions as Arrow tables: one schema for Parquet and for the streams, with the notice in its metadata."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from exodx.errors import RUO

if TYPE_CHECKING:
    from exodx.scoring.output import Scores

TEXTS = ("specimen_id", "status", "call", "threshold_id", "reasons", "model_id", "model_hash")
"""Columns of text; the names of features are text too, all others are numbers."""


def schema_of(names: Sequence[str], model_id: str, model_hash: str) -> pa.Schema:
    """Return the types of the output's columns."""
    fields = [pa.field(n, pa.string() if n in TEXTS or n.endswith(":feature") else pa.float64()) for n in names]
    return pa.schema(fields, metadata={"notice": RUO, "model_id": model_id, "model_hash": model_hash})


def parquet_bytes(columns: Mapping[str, Sequence[Any]], scores: Scores) -> bytes:
    """Return predictions as the bytes of a Parquet file."""
    schema = schema_of(list(columns), scores.model_id, scores.model_hash)
    arrays = [_texts(columns[f.name]) if f.type == pa.string() else numbers(_floats(columns[f.name])) for f in schema]
    table = pa.Table.from_arrays(arrays, schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def numbers(values: NDArray[np.float64]) -> pa.Array:
    """Return an Arrow array of numbers, null where NaN; it is made from memory, since ``pa.array`` imports pandas."""
    known = ~np.isnan(values)
    mask = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.float64(), len(values), [mask, pa.py_buffer(np.ascontiguousarray(values, np.float64))])


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _texts(values: Sequence[str | None]) -> pa.Array:
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()

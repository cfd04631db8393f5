"""Predictions as the lines of a CSV file, made by Arrow: byte for byte what Python's writer makes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exodx.privacy.cells import BEGINS, guarded
from exodx.scoring.encode import csv_line, texts
from exodx.scoring.numbers import values_of

_PLAIN = (1e-4, 1e10)
"""Between these Arrow writes a number that is not whole as Python does; both write the shortest digits that give it back."""

_ODD = f"[\",\r\n]|^'*{BEGINS}"
"""Texts that may need quotes or a guard."""


def csv_bytes(batch: pa.RecordBatch) -> bytes | memoryview:
    """Return the lines of a batch, byte for byte what :func:`exodx.scoring.output.csv_text` writes."""
    if not len(batch):
        return b""
    end, sign = texts(["\n", ","])
    cells = [_quoted(column) if column.type == pa.string() else _number_texts(column) for column in batch.columns]
    lines = pc.binary_join_element_wise(*cells, end, sign, null_handling="replace", null_replacement="")
    _, offsets, content = lines.buffers()
    ends = np.frombuffer(offsets, np.int32, len(lines) + 1, lines.offset * 4)
    return memoryview(content).cast("B")[ends[0] : ends[-1]]


def _quoted(column: pa.StringArray) -> pa.Array:
    """Guard the texts that a spreadsheet would run, and quote those that need it, as Python's writer does."""
    if not pc.any(pc.match_substring_regex(column, _ODD)).as_py():
        return column
    return texts([cell if not cell else csv_line([guarded(cell)])[:-1] for cell in column.to_pylist()])


def _number_texts(column: pa.DoubleArray) -> pa.Array:
    """Write numbers as Python's ``repr`` does."""
    written = column.cast(pa.string())
    values = values_of(column)[0]
    size = np.abs(values)
    odd = ~((size >= _PLAIN[0]) & (size < _PLAIN[1]) & (values != np.floor(values))) & ~np.isnan(values)
    if not odd.any():
        return written
    mask = pa.Array.from_buffers(pa.bool_(), len(odd), [None, pa.py_buffer(np.packbits(odd, bitorder="little"))])
    return pc.replace_with_mask(written, mask, texts([repr(value) for value in values[odd].tolist()]))

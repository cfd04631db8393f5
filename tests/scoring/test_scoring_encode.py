"""Parts of an output put together are the output: CSV as Python writes it, Parquet files without a look at their pages."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from exodx.scoring import csv_lines, encode
from exodx.scoring.footer import MAGIC, footer_of
from exodx.scoring.output import csv_text
from exodx.scoring.pages import Layout, pages_of

ODD_ONES = [0.0, -0.0, 1.0, 1e-5, 1e-4, 9.999e-5, 1e10, 1e16, 123456789.5]
NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from(ODD_ONES)
WORDS = st.text(max_size=6) | st.sampled_from(["", 'say "no"', "a,b", "two\nlines", "\r", "é"])


def batch(numbers, words, names=("specimen_id", "margin"), kind="csv"):
    columns = {names[0]: words, names[1]: np.array(numbers, float)}
    return encode.batch_of(columns, encode.schema_of(list(names), "m", "h", kind))


@given(st.lists(st.tuples(NUMBERS, WORDS), min_size=1, max_size=20))
def test_csv_is_what_python_writes(rows):
    numbers, words = (list(column) for column in zip(*rows, strict=True))
    made = batch(numbers, words)
    told = [None if value != value else value for value in numbers]
    expected = csv_text({"specimen_id": words, "margin": told})
    assert (encode.csv_header(made.schema) + csv_lines.csv_bytes(made)).decode() == expected


def test_a_part_without_specimens_has_no_lines():
    assert csv_lines.csv_bytes(batch([], [])) == b""


def put_together(parts) -> bytes:
    body, places, layouts = MAGIC, [], []
    for part in parts:
        pieces, layout = pages_of(part)
        places.append(len(body))
        layouts.append(Layout.of(json.loads(json.dumps(layout))))
        assert layouts[-1] == layout
        body += b"".join(pieces)
    return body + footer_of(parts[0].schema, layouts, places)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 30))
def test_parquet_files_are_put_together_to_one(sizes, width):
    rng = np.random.default_rng(sum(sizes))
    n, names = sum(sizes), ["specimen_id", "reasons", *(f"shap:{j}" for j in range(width))]
    values = np.where(rng.random((n, width)) < 0.2, np.nan, rng.normal(size=(n, width)))
    columns = {"specimen_id": [f"S{i}" for i in range(n)], "reasons": ["", "x; y"] * (n // 2) + [""] * (n % 2)}
    columns |= dict(zip(names[2:], values.T, strict=True))
    whole = encode.batch_of(columns, encode.schema_of(names, "m", "h", "parquet"))
    ends = np.cumsum(sizes)
    content = put_together([whole.slice(end - size, size) for end, size in zip(ends.tolist(), sizes, strict=True)])
    read = pq.ParquetFile(io.BytesIO(content))
    plain = encode.batch_of(columns, encode.schema_of(names, "m", "h", "arrow"))
    assert read.read().equals(pa.Table.from_batches([plain]), check_metadata=True)
    assert read.metadata.num_row_groups == len(sizes)
    assert [read.read_row_group(i).num_rows for i in range(len(sizes))] == sizes
    assert read.metadata.num_rows == n


def test_one_part_is_the_file_itself_to_the_byte():
    part = batch([1.5, 2.5], ["a", "b"], kind="parquet")
    assert put_together([part]) == encode.parquet_bytes(part)


def test_hundreds_of_parts_are_read_by_their_own_row_groups():
    parts = [batch([float(i)], [f"S{i}"], kind="parquet") for i in range(300)]
    read = pq.ParquetFile(io.BytesIO(put_together(parts)))
    assert read.read_row_group(299).to_pydict() == {"specimen_id": ["S299"], "margin": [299.0]}

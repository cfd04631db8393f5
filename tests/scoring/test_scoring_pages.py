"""Pages of our own are read by Arrow as what was written, beside what Arrow's own writer makes of it."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.scoring import encode
from exodx.scoring.pages import pages_of

FLOATS = st.none() | st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 5e-324, -1.7e308, 1e300])
IDS = st.text(st.characters(codec="utf-8"), max_size=9)


def written(ids, codes, words, numbers) -> tuple[pa.RecordBatch, pq.ParquetFile]:
    """Write a table of one column of each kind and open it with Arrow."""
    schema = encode.schema_of(["specimen_id", "reasons", "margin", "shap:a"], "m", "h", "parquet")
    told = np.array([np.nan if number is None else number for number in numbers], float)
    coded = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words, pa.string()))
    columns = [pa.array(ids, pa.string()), coded, encode.numbers(told), encode.numbers(told[::-1])]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    return batch, pq.ParquetFile(io.BytesIO(encode.parquet_bytes(batch)))


def plain(batch) -> pa.Table:
    """Give the same table with texts for codes, by Arrow alone."""
    columns = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns]
    return pa.table(dict(zip(batch.schema.names, columns, strict=True)))


@given(st.data(), st.integers(1, 70), st.integers(1, 300))
def test_arrow_reads_what_was_written(data, n, n_words):
    ids = data.draw(st.lists(IDS, min_size=n, max_size=n))
    numbers = data.draw(st.lists(FLOATS, min_size=n, max_size=n))
    codes = data.draw(st.lists(st.none() | st.integers(0, n_words - 1), min_size=n, max_size=n))
    batch, file = written(ids, codes, [f"w{i}é" for i in range(n_words)], numbers)
    read = file.read()
    assert read.cast(plain(batch).schema).equals(plain(batch))
    signs = [np.signbit(np.array(column.drop_null(), float)).tolist() for column in (read["margin"], batch["margin"])]
    assert signs[0] == signs[1]
    beside = io.BytesIO()
    pq.write_table(pa.Table.from_batches([batch]), beside, store_schema=False)
    assert read.equals(pq.read_table(beside))
    file.reader.close()


@pytest.mark.parametrize("n", [1, 7, 8, 9, 64, 1000])
@pytest.mark.parametrize("n_words", [1, 2, 3, 256, 257, 70_000])
def test_codes_of_any_width_are_read(n, n_words):
    rng = np.random.default_rng(n * n_words)
    codes = rng.integers(0, n_words, n)
    batch, file = written(["x"] * n, codes, [str(i) for i in range(n_words)], [1.0] * n)
    assert file.read()["reasons"].to_pylist() == plain(batch)["reasons"].to_pylist()


def test_sentences_that_all_differ_take_little_room():
    sentences = [f"INVALID_CELL: column 'hsa-miR-21-5p': '{i} x': text where a number belongs" for i in range(5000)]
    _, file = written(["x"] * 5000, range(5000), sentences, [1.0] * 5000)
    assert file.read()["reasons"].to_pylist() == sentences
    column = file.metadata.row_group(0).column(1)
    assert column.total_compressed_size < column.total_uncompressed_size / 8


@pytest.mark.parametrize("gone", ["all", "none", "first", "last"])
def test_what_is_not_known_is_null(gone):
    known = {"all": [0, 0, 0], "none": [1, 1, 1], "first": [0, 1, 1], "last": [1, 1, 0]}[gone]
    codes, numbers = [k - 1 if k == 0 else 0 for k in known], [float(k) if k else None for k in known]
    _, file = written(["a", "bb", ""], [None if c < 0 else c for c in codes], ["w"], numbers)
    read = file.read()
    assert read["margin"].to_pylist() == numbers
    assert read["reasons"].to_pylist() == ["w" if k else None for k in known]
    chunk = file.metadata.row_group(0).column(2).statistics
    assert chunk.null_count == known.count(0)
    assert chunk.has_min_max == any(known)


def test_a_reader_may_pass_over_row_groups_by_margin_and_not_by_shap_value():
    _, file = written(["a", "b"], [0, 0], ["w"], [-0.0, 2.5])
    group = file.metadata.row_group(0)
    margin, shap = group.column(2).statistics, group.column(3).statistics
    assert (np.signbit(margin.min), margin.min, margin.max) == (True, 0.0, 2.5)
    assert not shap.has_min_max


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, -0.0), (0.0, 0.0)])
def test_zeros_of_both_signs_lie_within_the_bounds(low, high):
    _, file = written(["a", "b"], [0, 0], ["w"], [low, high])
    bounds = file.metadata.row_group(0).column(2).statistics
    assert np.signbit(bounds.min) or bounds.min > 0
    assert not np.signbit(bounds.max) or bounds.max < 0


def test_a_table_without_rows_has_its_columns():
    batch, file = written([], [], [], [])
    read = file.read()
    assert read.num_rows == 0
    assert read.schema.names == batch.schema.names
    assert [str(kind) for kind in read.schema.types] == ["string", "string", "double", "double"]


def test_a_slice_is_written_as_it_stands():
    schema = encode.schema_of(["specimen_id", "margin"], "m", "h", "parquet")
    columns = {
        "specimen_id": [f"S{i}" * (i % 3) for i in range(40)],
        "margin": np.where(np.arange(40) % 7, np.arange(40.0), np.nan),
    }
    batch = encode.batch_of(columns, schema).slice(13, 11)
    read = pq.read_table(io.BytesIO(encode.parquet_bytes(batch)))
    assert read.equals(pa.Table.from_batches([batch]))


def test_numbers_are_written_from_where_they_lie():
    values = np.arange(5000.0)
    batch = encode.batch_of({"margin": values}, encode.schema_of(["margin"], "m", "h", "parquet"))
    pieces, layout = pages_of(batch)
    assert np.shares_memory(np.frombuffer(pieces[1], np.float64), values)
    assert sum(map(len, map(memoryview, pieces))) == layout.chunks[0].size


@pytest.mark.parametrize("reader", ["polars", "duckdb", "fastparquet"])
def test_others_read_the_same(reader, tmp_path):
    other = pytest.importorskip(reader, reason=f"{reader} is not installed: it is no dependency, and reads Parquet in its own way")
    n = 3000
    codes, numbers = [i % 5 if i % 11 else None for i in range(n)], [i / 7 if i % 13 else None for i in range(n)]
    batch, _ = written([f"S{i}é" for i in range(n)], codes, list("vwxyz"), numbers)
    path = tmp_path / "scores.parquet"
    path.write_bytes(encode.parquet_bytes(batch))
    read = {
        "polars": lambda: other.read_parquet(path).to_dict(as_series=False),
        "duckdb": lambda: other.sql(f"select * from '{path}'").to_arrow_table().to_pydict(),
        "fastparquet": lambda: other.ParquetFile(str(path)).to_pandas().replace({np.nan: None}).to_dict("list"),
    }[reader]()
    assert read == plain(batch).to_pydict()

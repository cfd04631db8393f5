"""Files in archives that need not be there, and Parquet columns of types that no table of measurements has."""

from __future__ import annotations

import bz2
import decimal
import gzip
import io
import lzma
import zipfile
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

NAMES = (("t.csv",), ("a.csv", "b.csv"), ("../t.csv",), ("t.csv.gz",), ("xl/workbook.xml",), ("a.RCC",), ())


def pack(rng: Random, content: bytes, _: bytes) -> bytes:
    """Put a file into an archive, or into one within one."""
    for _turn in range(rng.choice((1, 1, 2, 3))):
        content = rng.choice((gzipped, twice, bz2.compress, lzma.compress, lambda whole: zipped(rng, whole)))(content)
    return content


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def twice(content: bytes) -> bytes:
    return gzipped(content) * 2


def zipped(rng: Random, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in rng.choice(NAMES):
            packed.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


TYPES = (
    pa.float32(),
    pa.float16(),
    pa.int8(),
    pa.uint64(),
    pa.decimal128(38, 9),
    pa.decimal256(76, 9),
    pa.timestamp("ns"),
    pa.timestamp("s", "Europe/Berlin"),
    pa.timestamp("us", "No/Where"),
    pa.date32(),
    pa.date64(),
    pa.time64("ns"),
    pa.duration("ns"),
    pa.bool_(),
    pa.binary(),
    pa.large_string(),
    pa.list_(pa.float64()),
    pa.struct([("a", pa.float64())]),
    pa.map_(pa.string(), pa.float64()),
    pa.dictionary(pa.int8(), pa.float64()),
    pa.dictionary(pa.int32(), pa.string()),
    pa.null(),
)
NUMBERS = (
    0,
    -1,
    27.5,
    -0.0,
    float("nan"),
    float("inf"),
    -float("inf"),
    1e308,
    5e-324,
    2**31,
    2**63 - 1,
    -(2**63),
    253402300800,
    10**18,
    True,
    None,
)
"""What a column is filled with: a number may be a moment beyond the year 9999 where it is one."""


def odd(rng: Random, kind: pa.DataType, rows: int) -> pa.Array:
    """Return a column of a type; numbers that it cannot hold are blank."""
    cells = []
    for _row in range(rows):
        number = rng.choice(NUMBERS)
        for make in (lambda n: n, lambda n: int(n), lambda n: decimal.Decimal(n), lambda n: [n, None], lambda n: {"a": n}, str):
            try:
                cell = pa.array([make(number)], kind) if number is not None else pa.nulls(1, kind)
                break
            except (pa.ArrowException, TypeError, ValueError, OverflowError, decimal.InvalidOperation):
                cell = pa.nulls(1, kind)
        cells.append(cell)
    return pa.concat_arrays(cells) if not pa.types.is_dictionary(kind) else pa.chunked_array(cells).unify_dictionaries()


def retyped(rng: Random, content: bytes) -> bytes:
    """Give one column of a Parquet file another type, another name, or no rows."""
    table = pq.read_table(io.BytesIO(content), use_threads=False)
    at, how = rng.randrange(table.num_columns), rng.randrange(8)
    if how == 0:
        names = list(table.column_names)
        names[at] = rng.choice((names[0], "", "a\nb", "x" * 100_000, "\u200b"))
        table = table.rename_columns(names)
    elif how == 1:
        table = table.slice(0, rng.randrange(2))
    else:
        table = table.set_column(at, table.column_names[at], odd(rng, rng.choice(TYPES), table.num_rows))
    out = io.BytesIO()
    pq.write_table(
        table, out, compression=rng.choice(("none", "snappy", "gzip", "zstd", "brotli")), version=rng.choice(("1.0", "2.6"))
    )
    return out.getvalue()

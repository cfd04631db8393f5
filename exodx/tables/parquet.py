"""Parquet through pyarrow."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from exodx.errors import InputRefused, Problem
from exodx.tables.table import Records, TextTable, build_table, cell_text

_FIX = "Write the column as text or as numbers, or leave it out."


def parse(source: str, content: io.BytesIO, notes: list[str]) -> TextTable:
    """Read a Parquet file; nulls are blank cells.

    Raises
    ------
    InputRefused
        ``NOT_A_TABLE`` for a damaged file, ``COLUMN_TYPE`` for bytes and for cells within cells, ``CELL_UNREADABLE`` for a moment
        of no calendar, and what :func:`build_table` refuses.
    """
    try:
        table = pq.ParquetFile(content).read(use_threads=False)
        names = list(table.column_names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputRefused(Problem("NOT_A_TABLE", source, f"not a readable Parquet file ({error})", "Write it again.")) from None
    read = [_texts(f"{source}, column {name!r}", column) for name, column in zip(names, table.columns, strict=True)]
    if problems := [found for found in read if isinstance(found, Problem)]:
        raise InputRefused(problems)
    rows = [list(row) for row in zip(*(found for found in read if isinstance(found, list)), strict=True)]
    return build_table(source, Records([names, *rows], list(range(len(rows) + 1))), "row", ".", [*notes, "Parquet"])


def as_parquet(batch: pa.RecordBatch) -> bytes:
    """Return rows as the bytes of a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_batches([batch]), sink)
    return sink.getvalue()


def _texts(where: str, column: pa.ChunkedArray) -> list[str] | Problem:
    """Return the cells of a column as text, or why they are none."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if (
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        return Problem("COLUMN_TYPE", where, f"its cells are of the type {kind}, neither text nor numbers", _FIX)
    try:
        return [cell_text(cell) for cell in column.to_pylist()]
    except (pa.ArrowException, ValueError, OverflowError, LookupError) as error:
        return Problem("CELL_UNREADABLE", where, f"a cell of the type {kind} that cannot be read ({error})", _FIX)

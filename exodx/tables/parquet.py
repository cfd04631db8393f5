"""Parquet through pyarrow."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from exodx.errors import InputRefused, Problem
from exodx.tables.table import Records, TextTable, build_table, cell_text


def parse(source: str, content: io.BytesIO, notes: list[str]) -> TextTable:
    """Read a Parquet file; nulls are blank cells.

    Raises
    ------
    InputRefused
        ``NOT_A_TABLE`` for a damaged file, and what :func:`build_table` refuses.
    """
    try:
        table = pq.read_table(content, use_threads=False)
        columns = [[cell_text(cell) for cell in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputRefused(Problem("NOT_A_TABLE", source, f"not a readable Parquet file ({error})", "Write it again.")) from None
    rows = [list(row) for row in zip(*columns, strict=True)]
    records = Records([list(table.column_names), *rows], list(range(len(rows) + 1)))
    return build_table(source, records, "row", ".", [*notes, "Parquet"])

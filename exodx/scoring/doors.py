"""The doors to Arrow, which open for large tables, Parquet and Arrow: a small table is scored with NumPy alone.

Arrow's functions on columns and its Parquet are behind doors of their own, since the loops of machine code need neither; so is
what is told of a cohort as a whole, which one specimen need not load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from pyarrow import Array, RecordBatch
    from pyarrow.parquet import ParquetFile

    from exodx.frozen import AnyModel, Measurements
    from exodx.scoring.engine import Cluster
    from exodx.scoring.job import Job, Outcome
    from exodx.scoring.numbers import Found
    from exodx.scoring.output import Explain, Scores
    from exodx.scoring.plan import Plan


def arrow_bytes(scores: Scores, explain: Explain, kind: str) -> bytes:
    """Return predictions as a Parquet or Arrow file; see :func:`exodx.scoring.encode.arrow_bytes`."""
    from exodx.scoring import encode

    return encode.arrow_bytes(scores, explain, kind)


def csv_bytes(batch: RecordBatch) -> bytes | memoryview:
    """Return the lines of a batch; see :func:`exodx.scoring.csv_lines.csv_bytes`."""
    from exodx.scoring import csv_lines

    return csv_lines.csv_bytes(batch)


def parsed(plan: Plan, content: bytes, header: Sequence[str], sign: str, as_text: Collection[str]) -> Found | None:
    """Let Arrow parse a block; see :func:`exodx.scoring.parsed.parsed`."""
    from exodx.scoring import parsed as by_arrow

    return by_arrow.parsed(plan, content, header, sign, as_text)


def column_of(plan: Plan, name: str, column: Array, as_text: Collection[str]) -> Sequence[str] | Array | None:
    """Return a column as it is read on; see :func:`exodx.scoring.parsed.column_of`."""
    from exodx.scoring import parsed as by_arrow

    return by_arrow.column_of(plan, name, column, as_text)


def plain(column: Array) -> Array:
    """Return texts of any of Arrow's types as plain ones; see :func:`exodx.scoring.parsed.plain`."""
    from exodx.scoring import parsed as by_arrow

    return by_arrow.plain(column)


def parquet(path: Path) -> ParquetFile:
    """Open a Parquet file, to be used in a ``with``."""
    from pyarrow.parquet import ParquetFile

    return ParquetFile(path)


def as_parquet(batch: RecordBatch) -> bytes:
    """Return rows as the bytes of a Parquet file; see :func:`exodx.tables.parquet.as_parquet`."""
    from exodx.tables import parquet

    return parquet.as_parquet(batch)


def stream(job: Job) -> Outcome | None:
    """Score a large table in pieces; see :func:`exodx.scoring.stream.stream`."""
    from exodx.scoring import stream

    return stream.stream(job)


def on_cluster(job: Job, cohort: str, cluster: Cluster) -> Outcome:
    """Score a large table on a cluster; see :func:`exodx.scoring.cluster.on_cluster`."""
    from exodx.scoring import cluster as of_dask

    return of_dask.on_cluster(job, cohort, cluster)


def notes_of_table(model: AnyModel, m: Measurements) -> list[str]:
    """Return which columns lie where training had each other; see :func:`exodx.scoring.levels.notes_of_table`."""
    from exodx.scoring import levels

    return levels.notes_of_table(model, m)


def put(file: Path, url: str) -> None:
    """Put a file on a store; see :func:`exodx.scoring.stored.put`."""
    from exodx.scoring import stored

    return stored.put(file, url)

"""A cohort in Parquet files, and what a cluster of two worker processes needs to score it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, LocalCluster

from exodx.cohort import SimulatedStudy, simulate


def cohort_table(panel, n: int, seed: int = 11) -> pa.Table:
    """Simulate a cohort: columns of numbers where all cells are, else of texts."""
    text = simulate(panel, SimulatedStudy(n=n, seed=seed)).drop(columns="group").to_csv(index=False)
    return pa.Table.from_pandas(pd.read_csv(io.StringIO(text)), preserve_index=False)


def write_parts(table: pa.Table, folder, sizes, group: int):
    """Write a table as several files, each in row groups of so many rows."""
    folder.mkdir()
    first = 0
    for i, size in enumerate(sizes):
        pq.write_table(table.slice(first, size), folder / f"part-{i:02d}.parquet", row_group_size=group)
        first += size
    assert first == len(table)
    return folder


@contextmanager
def two_workers() -> Iterator[tuple[str, Client]]:
    """Give the scheduler's address and a client; workers are processes of one thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's own: ports in use, sockets left to the collector
        with (
            LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield cluster.scheduler_address, client

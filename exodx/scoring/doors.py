"""The door to Arrow, which opens for large tables, Parquet and Arrow: a small table is scored with NumPy alone.

And to what is told of twenty specimens or more, which one specimen need not load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from exodx.frozen import AnyModel, Measurements
    from exodx.scoring.engine import Cluster
    from exodx.scoring.job import Job, Outcome
    from exodx.scoring.output import Explain, Scores


def arrow_bytes(scores: Scores, explain: Explain, kind: str) -> bytes:
    """Return predictions as a Parquet or Arrow file; see :func:`exodx.scoring.encode.arrow_bytes`."""
    from exodx.scoring import encode

    return encode.arrow_bytes(scores, explain, kind)


def stream(job: Job) -> Outcome | None:
    """Score a large table in pieces; see :func:`exodx.scoring.stream.stream`."""
    from exodx.scoring import stream

    return stream.stream(job)


def on_cluster(job: Job, cohort: str, cluster: Cluster) -> Outcome:
    """Score a large table on a cluster; see :func:`exodx.scoring.cluster.on_cluster`."""
    from exodx.scoring import cluster as of_dask

    return of_dask.on_cluster(job, cohort, cluster)


def exchange_notes(model: AnyModel, m: Measurements) -> list[str]:
    """Return which columns lie where training had each other; see :func:`exodx.scoring.levels.notes_of_table`."""
    from exodx.scoring import levels

    return levels.notes_of_table(model, m)


def put(file: Path, url: str) -> None:
    """Put a file on a store; see :func:`exodx.scoring.stored.put`."""
    from exodx.scoring import stored

    return stored.put(file, url)

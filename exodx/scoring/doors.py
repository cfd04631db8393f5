"""The door to Arrow, which opens for large tables, Parquet and Arrow: a small table is scored with NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exodx.scoring.job import Job, Outcome
    from exodx.scoring.output import Explain, Scores


def arrow_bytes(scores: Scores, explain: Explain, kind: str) -> bytes | memoryview:
    """Return predictions as a Parquet or Arrow file; see :func:`exodx.scoring.encode.arrow_bytes`."""
    from exodx.scoring import encode

    return encode.arrow_bytes(scores, explain, kind)


def stream(job: Job) -> Outcome | None:
    """Score a large table in pieces; see :func:`exodx.scoring.stream.stream`."""
    from exodx.scoring import stream

    return stream.stream(job)

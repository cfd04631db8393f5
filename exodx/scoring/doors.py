"""The door to Arrow, which opens for large tables and for Parquet: a small table is scored with NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exodx.scoring.output import Scores


def parquet_bytes(columns: Mapping[str, Sequence[Any]], scores: Scores) -> bytes:
    """Return predictions as a Parquet file; see :func:`exodx.scoring.arrow.parquet_bytes`."""
    from exodx.scoring import arrow

    return arrow.parquet_bytes(columns, scores)

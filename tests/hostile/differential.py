"""Three ways to score a cohort that must agree on every file: as a whole, in pieces, and specimen by specimen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from exodx.errors import InputRefused
from exodx.frozen import AnyModel
from exodx.scoring import Explain, Job, Scores, blocks, plan, read_specimens, run, score_specimens, stream, write_scores
from exodx.tables.reader import read_table
from exodx.tables.table import TextTable

BLOCK = 160
"""Bytes of a block: even a table of five rows is cut into several."""


@contextmanager
def small_blocks() -> Iterator[None]:
    """Cut the smallest table into pieces too."""
    with (
        patch.object(blocks, "BLOCK", BLOCK),
        patch.object(blocks, "CELLS", 16),
        patch.object(plan, "HEAD", BLOCK * 2),
        patch.object(run, "LARGE", 0),
    ):
        yield


def same(path: Path, model: AnyModel, model_hash: str) -> Scores:
    """Score a file in all three ways, strictly and with ``keep_going``; return what the strict whole read gives, or refuse."""
    refusal = None
    for keep_going in (True, False):
        try:
            scores, table = _whole(path, model, model_hash, keep_going)
        except InputRefused as refused:
            refusal = refused
            assert _in_pieces(path, model, model_hash, keep_going) is None, "scored in pieces what is refused as a whole"
            continue
        _same_in_pieces(path, model, model_hash, keep_going, scores)
        _same_alone(table, model, model_hash, keep_going, scores)
    if refusal is not None:
        raise refusal
    return scores


def _whole(path: Path, model: AnyModel, model_hash: str, keep_going: bool) -> tuple[Scores, TextTable]:
    table = read_table(path)
    return score_specimens(read_specimens(table, model, None, keep_going=keep_going), model, model_hash, Explain.NONE), table


def _in_pieces(path: Path, model: AnyModel, model_hash: str, keep_going: bool) -> Path | None:
    out = path.with_suffix(".out.csv")
    out.unlink(missing_ok=True)
    with small_blocks():
        done = stream.stream(Job(path, model, model_hash, Explain.NONE, out, keep_going=keep_going))
    return None if done is None else out


def _same_in_pieces(path: Path, model: AnyModel, model_hash: str, keep_going: bool, scores: Scores) -> None:
    out = _in_pieces(path, model, model_hash, keep_going)
    if out is None:
        return
    whole = path.with_suffix(".whole.csv")
    write_scores(scores, Explain.NONE, whole)
    assert out.read_bytes() == whole.read_bytes(), "pieces and whole differ"


def _same_alone(table: TextTable, model: AnyModel, model_hash: str, keep_going: bool, scores: Scores) -> None:
    """A specimen by itself gets what it gets among the others, bit for bit; one row may be too few for its table to be read."""
    if table.place == "specimen" or len(table) != len(scores.prediction.probability):
        return
    for row in {0, len(table) - 1}:
        try:
            alone = score_specimens(
                read_specimens(table.take([row]), model, None, keep_going=keep_going), model, model_hash, Explain.NONE
            )
        except InputRefused:
            continue
        one, all_of_them = alone.prediction, scores.prediction
        assert np.array_equal(one.probability, all_of_them.probability[row : row + 1], equal_nan=True)
        assert (one.status[0], one.call[0], one.reasons[0]) == (
            all_of_them.status[row],
            all_of_them.call[row],
            all_of_them.reasons[row],
        )

"""One block scored: by the contract, the transform and the forest that score a whole table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exodx.frozen import AnyModel, State
from exodx.frozen.contract import Rows, readable, reasons_of_allowed
from exodx.frozen.statements import releases_of
from exodx.panel import Scale
from exodx.privacy.pseudonyms import pseudonym
from exodx.scoring.blocks import Block
from exodx.scoring.cut import Piece, piece_of
from exodx.scoring.encode import batch_of, encoded, schema_of, texts
from exodx.scoring.intake import Specimens, judged, rule_verdicts
from exodx.scoring.job import NotInPieces
from exodx.scoring.output import Scores, output_columns
from exodx.scoring.pages import Layout
from exodx.scoring.plan import Plan
from exodx.scoring.score import score_specimens
from exodx.scoring.tallies import Tallies, hashes, value_counts
from exodx.tables.coded import counted
from exodx.tables.table import TextTable

EDITION = 3
"""Of what a part holds and how its bytes are written: one more whenever either changes, so that no output is made of two kinds."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a block gives.

    Parameters
    ----------
    content : sequence of bytes or memoryview
        Its part of the output, piece by piece.
    layout : Layout, optional
        Of Parquet pages: where they lie in it.
    hashes : ndarray of uint64
        Of the specimens' ids.
    tallies : Tallies
    """

    content: Sequence[bytes | memoryview]
    layout: Layout | None
    hashes: NDArray[np.uint64]
    tallies: Tallies


def score_block(plan: Plan, model: AnyModel, block: Block, kind: str) -> Part:
    """Score a block.

    Parameters
    ----------
    plan : Plan
    model : DiagnosticModel or MulticlassModel
        The plan's, with its forest prepared for the whole cohort.
    block : Block
    kind : str
        Format of the output.

    Raises
    ------
    NotInPieces
        Where anything stands in the way: then the cohort is read as a whole, and told what is wrong with it.
    """
    found = taken(plan, block)
    if found is None:
        return Part((), None, np.zeros(0, np.uint64), Tallies())
    piece, specimens, tallies = found
    scores = score_specimens(specimens, model, plan.job.model_hash, plan.job.explain)
    tallies.calls = counted(scores.prediction.call)
    return Part(*encoded(_batch(plan, scores, piece.ids, kind), kind), hashes_of(piece.ids), tallies)


def taken(plan: Plan, block: Block) -> tuple[Piece, Specimens, Tallies] | None:
    """Return the specimens of a block as the model takes them, or None where it holds no row.

    Raises
    ------
    NotInPieces
        Where anything stands in the way.
    """
    piece = piece_of(plan, block)
    if piece is None:
        return None
    piece, rows = _admitted(plan, block, piece)
    return piece, *_specimens(plan, piece, rows)


def _admitted(plan: Plan, block: Block, piece: Piece) -> tuple[Piece, Rows]:
    """Read the rows on the contract's terms; columns with cells that cannot be read once more, with their texts."""
    contract, conditions = plan.job.model.contract, plan.job.conditions
    rows = contract.admit_rows(piece.table, plan.match, conditions)
    if rows.unreadable:
        if not plan.job.keep_going:
            raise NotInPieces("cells that cannot be read")
        again = piece_of(plan, block, {header for _, header in rows.unreadable})
        if again is not None:
            piece, rows = again, contract.admit_rows(again.table, plan.match, conditions)
    if rows.problems or any(breach.code not in conditions.allow for breach in rows.differ):
        raise NotInPieces("specimens that differ from what the model is valid for")
    if not set(releases_of(rows.stated)) <= set(plan.releases):
        raise NotInPieces("another release of miRBase")
    return piece, rows


def _specimens(plan: Plan, piece: Piece, rows: Rows) -> tuple[Specimens, Tallies]:
    model, table = plan.job.model, piece.table
    contract, taken = model.contract, {header for found in plan.match.columns.values() for header in found}
    verdicts, found_in = rule_verdicts(table, model, taken)
    if verdicts.unreadable and not plan.job.keep_going:
        raise NotInPieces("cells that cannot be read")
    of_rules = {(row, found_in[name]): why for (row, name), why in verdicts.unreadable.items()}
    m, allowed = contract.allow(rows.measurements, rows.differ, plan.missing, plan.job.conditions)
    reasons = reasons_of_allowed(allowed, plan.job.conditions.because)
    flagged, details = judged(table, m, rows.unreadable | of_rules, reasons, verdicts)
    tallies = Tallies(
        n=len(table),
        stated={key: list(said.values) for key, said in rows.stated.items()},
        allowed=Counter({f"{breach.code}: {breach.found}": int(breach.rows.sum()) for breach in allowed}),
        values=value_counts(model.panel, model.reference, readable(rows.measurements, rows.unreadable, plan.match)),
        negative={} if "SCALE_SUSPECT" in plan.job.conditions.allow else _negative(plan, table, rows),
    )
    return Specimens(("",) * len(table), flagged, details, ()), tallies


def _negative(plan: Plan, table: TextTable, rows: Rows) -> dict[str, list[int]]:
    """Count the negative cells of each Ct column, and those that are not blank for certain."""
    negative = Counter(header for row, header in rows.unreadable if table.columns[header][row].startswith("-"))
    run = np.count_nonzero(rows.measurements.states != np.uint8(State.NOT_RUN), axis=0).tolist()
    return {
        analyte.name: [negative[plan.match.columns[analyte.name][0]], n]
        for analyte, n in zip(plan.job.model.panel.analytes, run, strict=True)
        if analyte.scale is Scale.CT and analyte.name in plan.match.columns
    }


def _batch(plan: Plan, scores: Scores, ids: pa.StringArray, kind: str) -> pa.RecordBatch:
    columns = output_columns(scores, plan.job.explain)
    schema = schema_of(list(columns), scores.model_id, scores.model_hash, kind)
    key = plan.job.key
    told = ids if key is None else texts([pseudonym(identity, key) for identity in ids.to_pylist()])
    return batch_of({**columns, "specimen_id": told}, schema)


def hashes_of(ids: pa.StringArray) -> NDArray[np.uint64]:
    """Return a hash of each id."""
    _, offsets, content = ids.buffers()
    ends = np.frombuffer(offsets, np.int32, len(ids) + 1, ids.offset * 4)
    return hashes(np.frombuffer(content, np.uint8) if content else np.zeros(0, np.uint8), ends)

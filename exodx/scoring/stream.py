"""A large cohort scored in pieces: reading, computing and writing at the same time, in memory bounded by the pieces.

Anything that only the whole cohort can judge or tell (a median in another unit, an id that stands twice, a cell that cannot be
read) ends it: nothing was written under the output's name, and the cohort is read once more as a whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from exodx.errors import InputRefused, Problem, UsageError
from exodx.frozen import AnyModel, Measurements
from exodx.frozen.bundle import model_id
from exodx.frozen.statements import COLUMNS, Breach, Stated, breaches
from exodx.place import unwritable
from exodx.privacy.pseudonyms import pseudonym
from exodx.scoring.blocks import Block, Rows, cohort_blocks
from exodx.scoring.encode import schema_of
from exodx.scoring.intake import Specimens, told
from exodx.scoring.job import WHOLE, Job, NotInPieces, Outcome
from exodx.scoring.journal import Partial, begin
from exodx.scoring.levels import exchange_notes
from exodx.scoring.output import format_of, output_columns
from exodx.scoring.part import EDITION, Part, score_block
from exodx.scoring.plan import LARGEST, SMALL, Plan, plan_of
from exodx.scoring.score import score_specimens
from exodx.scoring.tallies import Tallies
from exodx.scoring.troubles import troubles
from exodx.versions import own_version

Fill = Callable[[Plan, Partial, str], None]
"""Scores every block that is not there yet and adds the parts in order; the last argument is the output's format."""


def stream(job: Job) -> Outcome | None:
    """Score a cohort in pieces, or return None where it must be read as a whole; then no output was written.

    Raises
    ------
    InputRefused
        When rows of a cohort are refused that is too large to be read as a whole for that.
    UsageError
        When the output cannot be written.
    """
    plan = plan_of(job)
    if plan is None:
        return None
    try:
        return written(plan, _fill)
    except NotInPieces as why:
        size = sum(file.n_bytes for file in plan.files)
        if size > SMALL:
            _refuse(plan, size, str(why))
        return None


def _refuse(plan: Plan, size: int, why: str) -> None:
    """Refuse a large cohort for what is wrong with its rows; where it is not the rows, one that is too large to be looked at."""
    try:
        problems = troubles(plan)
    except NotInPieces as unread:
        problems, why = [], str(unread)
    if not problems and size > LARGEST:
        found = f"{size / 2**20:.0f} MB can be scored in pieces only, and this cannot: {why}"
        fix = f"Mend that, or cut it into files of less than {LARGEST >> 20} MB: each can be looked at as a whole."
        problems = [Problem("COHORT_TOO_LARGE", plan.head.source, found, fix)]
    if problems:
        raise InputRefused(problems)


def written(plan: Plan, fill: Fill) -> Outcome:
    """Write the output of a plan whose blocks are scored by ``fill``; see :func:`stream`.

    Raises
    ------
    NotInPieces
        When the cohort must be looked at as a whole.
    UsageError
        When the output cannot be written.
    """
    job = plan.job
    try:
        job.out.parent.mkdir(parents=True, exist_ok=True)
        return _streamed(plan, fill)
    except OSError as error:
        raise unwritable(job.out, error) from None


def _streamed(plan: Plan, fill: Fill) -> Outcome:
    job, kind = plan.job, format_of(plan.job.out)
    empty = score_specimens(_nobody(plan), job.model, job.model_hash, job.explain)
    schema = schema_of(list(output_columns(empty, job.explain)), empty.model_id, empty.model_hash, kind)
    partial, note = begin(job.out, kind, schema, _identity(plan, kind, schema), resume=job.resume)
    try:
        fill(plan, partial, kind)
        if not partial.tallies.clears(job.model.panel, job.model.reference) or partial.any_twice():
            raise NotInPieces("medians or ids that the whole cohort must be looked at for")
        partial.finish(job.out)
    except (NotInPieces, UsageError):
        partial.drop()
        raise
    except BaseException:
        partial.let_go()
        raise
    notes = (*_notes(plan, partial.tallies), *([note] if note else []))
    return Outcome(model_id(job.model, job.model_hash), notes, partial.tallies.calls)


def _fill(plan: Plan, partial: Partial, kind: str) -> None:
    """Score every block of the shard that is not there yet, several at a time, and write them in order."""
    job, done = plan.job, set(partial.blocks)
    known = job.shard != WHOLE or all(isinstance(file, Rows) or not file.compression for file in plan.files)
    of = sum(file.n_blocks() for file in plan.files) if known else None
    pool = ThreadPoolExecutor(job.threads)
    try:
        model = pool.submit(_prepared, plan)
        blocks = cohort_blocks(plan.files, [plan.columns] * len(plan.files))
        mine = (b for b in blocks if b.number not in done and (job.shard == WHOLE or job.shard.holds(b.number, of or 1)))
        waiting: deque[tuple[int, Future[Part]]] = deque()
        for block in mine:
            waiting.append((block.number, pool.submit(_score, plan, model, block, kind)))
            if len(waiting) > job.threads + 1:
                _take(partial, waiting, job, of)
        while waiting:
            _take(partial, waiting, job, of)
    finally:
        pool.shutdown(cancel_futures=True)


def _take(partial: Partial, waiting: deque[tuple[int, Future[Part]]], job: Job, of: int | None) -> None:
    number, part = waiting.popleft()
    partial.add(number, part.result())
    job.progress(number + 1, of, partial.tallies.n)


def _score(plan: Plan, model: Future[AnyModel], block: Block, kind: str) -> Part:
    return score_block(plan, model.result(), block, kind)


def _prepared(plan: Plan) -> AnyModel:
    """Choose how the forest scores, once for the whole cohort."""
    return plan.job.model.prepared(plan.n_rows)


def _nobody(plan: Plan) -> Specimens:
    names = plan.job.model.panel.names
    return Specimens((), Measurements(names, np.zeros((0, len(names))), np.zeros((0, len(names)), np.uint8)), {}, ())


def _identity(plan: Plan, kind: str, schema: pa.Schema) -> dict[str, Any]:
    """Return what must be the same for an interrupted run to be gone on with."""
    job = plan.job
    return {
        "exodx": own_version(),
        "parts": EDITION,
        "pyarrow": pa.__version__,
        "numpy": np.__version__,
        "inputs": [file.fingerprint() for file in plan.files],
        "blocks": [file.rows if isinstance(file, Rows) else file.block for file in plan.files],
        "model": job.model_hash,
        "explain": str(job.explain),
        "specimen": job.specimen,
        "keep_going": job.keep_going,
        "conditions": asdict(job.conditions),
        "format": kind,
        "columns": schema.to_string(show_schema_metadata=False),
        "pseudonyms": None if job.key is None else pseudonym("", job.key),
        "shard": [job.shard.number, job.shard.of],
    }


def _notes(plan: Plan, tallies: Tallies) -> tuple[str, ...]:
    """Return what is told of the cohort, as if it had been read as a whole."""
    job, contract = plan.job, plan.job.model.contract
    stated = {key: Stated(tuple(tallies.stated[key]), None) for key in COLUMNS if key in tallies.stated}
    differ = [b for b in breaches(contract.panel, stated, plan.head)[0] if b.code in job.conditions.allow]
    if plan.missing:
        differ.append(Breach("ANALYTE_MISSING", contract.cost(plan.missing), np.ones(0, bool), ()))
    allowed = [(b, tallies.allowed[f"{b.code}: {b.found}"]) for b in differ]
    of_contract = contract.notes(plan.match, stated, allowed, plan.head, job.conditions)
    looked_at = {name: counts[3:5] for name, counts in tallies.values.items() if len(counts) > 3}
    exchanged = exchange_notes(contract.panel, job.model.reference, looked_at)
    return (*told(plan.head.notes, plan.specimen, of_contract, job.model), *exchanged)

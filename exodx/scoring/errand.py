"""What a worker of a cluster gets and gives back: a row group to score, by a model that comes as its bundle's files.

A worker checks the bundle as everyone does who opens one. It gives back the parts of the output that the local engine makes of the
same blocks, so that the whole is the same to the byte.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from exodx.errors import ModelRefused, Problem
from exodx.frozen import AnyModel, Conditions, load_bundle
from exodx.panel import Analyte, ColumnMatch
from exodx.scoring.blocks import Block, blocks_of_group
from exodx.scoring.engine import Files
from exodx.scoring.job import Job, NotInPieces
from exodx.scoring.output import Explain
from exodx.scoring.part import EDITION, Part, score_block
from exodx.scoring.plan import Plan
from exodx.scoring.stored import Stored
from exodx.tables.table import TextTable
from exodx.versions import own_version


@dataclass(frozen=True, slots=True)
class Errand:
    """What is the same for every row group: the plan without its model, files and first rows.

    Parameters
    ----------
    bundle : tuple of (str, bytes)
    model_hash : str
    versions : tuple of str
        Of exodx and pyarrow, on which bytes of the output depend.
    kind : str
        The output's format.
    explain, specimen, keep_going, conditions
        As of :class:`exodx.scoring.job.Job`.
    head, match, missing, releases, id_column, rules, n_rows
        As of :class:`exodx.scoring.plan.Plan`; the head without rows.
    """

    bundle: Files
    model_hash: str
    versions: tuple[str, ...]
    kind: str
    explain: Explain
    specimen: str | None
    keep_going: bool
    conditions: Conditions
    head: TextTable
    match: ColumnMatch
    missing: tuple[Analyte, ...]
    releases: tuple[str, ...]
    id_column: str | None
    rules: dict[str, str]
    n_rows: int


@dataclass(frozen=True, slots=True)
class Group:
    """A row group of one of the cohort's files.

    Parameters
    ----------
    source : Stored
    group : int
        Number in its file.
    file : int
        Number of its file.
    number, n_blocks : int
        Its first block's number in the cohort, and how many it has.
    first : int
        Rows of the cohort before it.
    """

    source: Stored
    group: int
    file: int
    number: int
    n_blocks: int
    first: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a row group; anything that a repetition may mend is raised instead.

    Parameters
    ----------
    parts : tuple of Part
        In order.
    whole : str
        Why the cohort must be looked at as a whole; empty where it need not.
    refused : tuple of Problem
        Why this worker cannot use the model.
    strange : str
        How this worker differs from who asked; empty where it does not.
    """

    parts: tuple[Part, ...] = ()
    whole: str = ""
    refused: tuple[Problem, ...] = ()
    strange: str = ""


def versions_here() -> tuple[str, ...]:
    """Return the versions on which bytes of the output depend."""
    return f"exodx {own_version()}", f"parts {EDITION}", f"pyarrow {pa.__version__}", f"numpy {np.__version__}"


def errand_of(plan: Plan, bundle: Files, kind: str) -> Errand:
    """Return what workers must know of a plan."""
    job = plan.job
    head = replace(plan.head, columns=dict.fromkeys(plan.head.header, ()), lines=[])
    return Errand(
        bundle=bundle,
        model_hash=job.model_hash,
        versions=versions_here(),
        kind=kind,
        explain=job.explain,
        specimen=job.specimen,
        keep_going=job.keep_going,
        conditions=job.conditions,
        head=head,
        match=plan.match,
        missing=plan.missing,
        releases=plan.releases,
        id_column=plan.specimen,
        rules=plan.rules,
        n_rows=plan.n_rows,
    )


def handed(errand: Errand) -> Errand:
    """Return an errand as a task's result: a cluster keeps it where it is needed, and makes it again where it was lost."""
    return errand


def run_errand(errand: Errand, group: Group) -> Answer:
    """Score a row group; on a worker.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    if versions_here() != errand.versions:
        return Answer(strange=f"a worker has {', '.join(versions_here())}")
    try:
        model = _model(errand.bundle, errand.model_hash, errand.n_rows)
        return Answer(_scored(_plan(errand, model), model, errand.kind, group))
    except NotInPieces as error:
        return Answer(whole=str(error))
    except ModelRefused as error:
        return Answer(refused=error.problems)


def _scored(plan: Plan, model: AnyModel, kind: str, group: Group) -> tuple[Part, ...]:
    parts, first = [], group.first
    with group.source.opened() as file:
        for i, batch in enumerate(blocks_of_group(file, group.group, group.source.rows, plan.columns)):
            part = score_block(plan, model, Block(group.number + i, group.file, first, batch, len(batch)), kind)
            parts.append(replace(part, content=(b"".join(part.content),)))
            first += len(batch)
    return tuple(parts)


@lru_cache(maxsize=1)
def _model(bundle: Files, model_hash: str, n_rows: int) -> AnyModel:
    """Open a bundle that came over the network, once a worker."""
    with tempfile.TemporaryDirectory(prefix="exodx-") as scratch:
        for name, content in bundle:
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        model, found = load_bundle(Path(scratch))
    if found != model_hash:
        fix = "Start the job again."
        raise ModelRefused(Problem("HASH_DIFFERS", model_hash, "another model arrived at a worker", fix))
    return model.prepared(n_rows)


def _plan(errand: Errand, model: AnyModel) -> Plan:
    job = Job(
        path=Path(errand.head.source),
        model=model,
        model_hash=errand.model_hash,
        explain=errand.explain,
        out=Path(),
        specimen=errand.specimen,
        keep_going=errand.keep_going,
        conditions=errand.conditions,
    )
    header = tuple(errand.head.header)
    of = errand.match, errand.missing, errand.releases, errand.id_column, errand.rules, errand.n_rows
    return Plan(job, (), (), (header,), errand.head, *of)

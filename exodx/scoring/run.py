"""Score a cohort from a file to a file: in pieces where it is large and plain, else as a whole, to the same output."""

from __future__ import annotations

import glob
from pathlib import Path

from exodx.errors import Problem, UsageError
from exodx.scoring import doors
from exodx.scoring.job import WHOLE, Job, Outcome
from exodx.scoring.output import write_scores
from exodx.scoring.score import score_file, under_pseudonyms
from exodx.tables.archive import matching_files, visible_files
from exodx.tables.coded import counted

LARGE = 1 << 20
"""Bytes of files, packed as they are, from which a cohort is scored in pieces."""


def score_cohort(job: Job) -> Outcome:
    """Score a cohort and write its predictions; the output appears whole or not at all.

    Raises
    ------
    InputRefused
        As :func:`exodx.scoring.read_specimens`.
    UsageError
        When the output cannot be written, or a shard is asked of a cohort that cannot be cut.
    """
    outcome = doors.stream(job) if job.shard != WHOLE or size_of(job.path) >= LARGE else None
    return outcome if outcome is not None else as_a_whole(job)


def size_of(path: Path) -> int:
    """Return the bytes of a cohort's files; 0 where there are none."""
    if path.is_dir():
        files = visible_files(path)
    else:
        files = matching_files(path) if not path.exists() and glob.has_magic(path.name) else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def as_a_whole(job: Job) -> Outcome:
    """Read a cohort as a whole, score it and write its predictions; see :func:`score_cohort`."""
    scores = score_file(
        job.path,
        job.model,
        job.model_hash,
        job.explain,
        job.specimen,
        keep_going=job.keep_going,
        conditions=job.conditions,
        joined=job.joined,
    )
    if job.shard != WHOLE:
        found = "the cohort cannot be scored in pieces: only plain wide tables with training's medians can"
        raise UsageError(Problem("SHARD_UNAVAILABLE", str(job.path), found, "Score it without --shard."))
    write_scores(under_pseudonyms(scores, job.key), job.explain, job.out)
    return Outcome(scores.model_id, scores.notes, counted(scores.prediction.call))

"""What is asked of the scorer, and what it answers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exodx.errors import Problem, UsageError
from exodx.frozen import NOTHING_SAID, AnyModel, Conditions

if TYPE_CHECKING:
    from exodx.scoring.output import Explain

Progress = Callable[[int, int | None, int], None]
"""Told, now and then, how many blocks are done, of how many (if that is known), and how many specimens they held."""


def unseen(done: int, of: int | None, specimens: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several equal pieces of a cohort: the blocks of the table are dealt out in order.

    Parameters
    ----------
    number, of : int
        From 1.
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            found = f"shard {self.number} of {self.of}"
            raise UsageError(Problem("SHARD_INVALID", "--shard", found, "Write I/N with I from 1 to N, e.g. 2/8."))

    def holds(self, block: int, n_blocks: int) -> bool:
        """Say whether a block (from 0) of so many belongs to this piece."""
        return (self.number - 1) * n_blocks <= block * self.of < self.number * n_blocks


WHOLE = Shard()


@dataclass(frozen=True, slots=True)
class Job:
    """A cohort to be scored.

    Parameters
    ----------
    path : Path
        A file, a folder, or a pattern of files (``part-*.csv``).
    model, model_hash : DiagnosticModel or MulticlassModel, and str
    explain : Explain
    out : Path
        Its ending says the format: Parquet, Arrow, else CSV.
    specimen : str, optional
        The specimen column.
    keep_going : bool
        Unreadable cells mark their row instead of refusing the table.
    conditions : Conditions
    joined : sequence of Path
        Further tables, joined by specimen id.
    threads : int
        Changes the time only.
    resume : bool
        Go on where an interrupted run of the same job stopped.
    shard : Shard
    progress : callable
    key : bytes, optional
        Specimens stand in the output under their pseudonyms by this key.
    """

    path: Path
    model: AnyModel
    model_hash: str
    explain: Explain
    out: Path
    specimen: str | None = None
    keep_going: bool = False
    conditions: Conditions = NOTHING_SAID
    joined: Sequence[Path] = ()
    threads: int = 1
    resume: bool = False
    shard: Shard = WHOLE
    progress: Progress = unseen
    key: bytes | None = field(default=None, repr=False)


def partial_folder(out: Path) -> Path:
    """Return the hidden folder in which a large output is made, on the output's own disk; an interrupted run leaves it."""
    place = Path(os.path.realpath(out))
    return place.parent / f".{place.name}.partial"


class NotInPieces(Exception):
    """Something that only a look at the whole cohort can judge, or tell."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was scored.

    Parameters
    ----------
    model_id : str
    notes : tuple of str
        What was recognised on reading, and what became of an interrupted run.
    calls : Counter of str
        Specimens by call.
    """

    model_id: str
    notes: tuple[str, ...] = ()
    calls: Counter[str] = field(default_factory=Counter)

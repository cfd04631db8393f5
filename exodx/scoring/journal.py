"""An output in the making: in a hidden folder beside its final place, with a journal of every part that is complete.

The file appears under its own name whole or not at all. An interrupted run leaves the folder, and the same job goes on from it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from exodx.errors import Problem, UsageError
from exodx.place import settle, take
from exodx.scoring.encode import csv_header, file_of_stream, stream_header
from exodx.scoring.footer import MAGIC, footer_of
from exodx.scoring.job import partial_folder
from exodx.scoring.output import ARROW, CSV, PARQUET
from exodx.scoring.pages import Layout
from exodx.scoring.part import Part
from exodx.scoring.tallies import Tallies, any_twice

BODY, JOURNAL, HASHES, WHOLE = "body", "journal", "hashes", "whole"
SETTLED_AT_ONCE = 1 << 25
"""Bytes that are written before the disk is asked for them."""


class Settling:
    """Has a growing file put on the disk beside the work, so that little is left to wait for at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.done_to = 0
        self.pool = ThreadPoolExecutor(1)
        self.under_way: Future[None] | None = None

    def look(self) -> None:
        """Ask the disk for what was written since, where that is much and it is not busy with the last of it.

        Raises
        ------
        OSError
            Where it could not hold that.
        """
        if self.file.tell() - self.done_to < SETTLED_AT_ONCE or (self.under_way is not None and not self.under_way.done()):
            return
        if self.under_way is not None:
            self.under_way.result()
        self.done_to = self.file.tell()
        self.under_way = self.pool.submit(os.fsync, self.file.fileno())

    def wait(self) -> None:
        """Wait for what was asked for.

        Raises
        ------
        OSError
            Where the disk could not hold it.
        """
        self.pool.shutdown()
        if self.under_way is not None:
            self.under_way.result()

    def failed(self) -> bool:
        """Say whether the disk could not hold what was asked for last, once nothing is under way."""
        self.pool.shutdown()
        return self.under_way is not None and self.under_way.exception() is not None


@dataclass(slots=True)
class Partial:
    """An output in the making.

    Parameters
    ----------
    folder : Path
    kind : str
        Its format.
    schema : Schema
    hold : int
        Handle by which this process holds the folder, so that no other writes there.
    settling : Settling
        Of the body.
    blocks : list of int
        Blocks that are complete.
    places : list of int
        Where each Parquet part begins.
    layouts : list of Layout
        What lies where in each.
    tallies : Tallies
        Of all parts.
    """

    folder: Path
    kind: str
    schema: pa.Schema
    body: IO[bytes]
    hashes: IO[bytes]
    journal: IO[bytes]
    hold: int
    settling: Settling
    blocks: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)

    def add(self, block: int, part: Part) -> None:
        """Write a part; once its line stands in the journal it is complete."""
        place = self.body.tell()
        self.body.writelines(part.content)
        self.hashes.write(part.hashes.tobytes())
        self.body.flush()
        self.hashes.flush()
        self._took(block, place, part.layout, part.tallies)
        ends = {"body": self.body.tell(), "hashes": self.hashes.tell()}
        line = {"block": block, "place": place, **ends, "layout": part.layout, "tallies": part.tallies.to_dict()}
        self.journal.write(json.dumps(line).encode() + b"\n")
        self.journal.flush()
        self.settling.look()

    def _took(self, block: int, place: int, layout: Layout | None, tallies: Tallies) -> None:
        self.blocks.append(block)
        self.tallies.add(tallies)
        if layout is not None:
            self.places.append(place)
            self.layouts.append(layout)

    def any_twice(self) -> bool:
        """Say whether an id stands twice."""
        return any_twice(self.folder / HASHES)

    def finish(self, out: Path) -> None:
        """Put the whole output in its place.

        Raises
        ------
        OSError
            Where another run began the same output meanwhile, or the disk could not hold it.
        """
        self.settling.wait()
        if self.kind == PARQUET:
            self.body.write(footer_of(self.schema, self.layouts, self.places))
        self.body.flush()
        whole = self.folder / BODY
        if not os.path.samestat(os.fstat(self.body.fileno()), whole.stat()):
            raise OSError(errno.EBUSY, "another run writes the same output")
        self.close()
        if self.kind == ARROW:
            whole = self.folder / WHOLE
            file_of_stream(str(self.folder / BODY), str(whole))
        try:
            settle(whole)
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        os.replace(whole, os.path.realpath(out))
        shutil.rmtree(self.folder, ignore_errors=True)
        self.let_go()

    def close(self) -> None:
        """Close the files; what was written stays."""
        self.settling.pool.shutdown()
        for file in (self.body, self.hashes, self.journal):
            with contextlib.suppress(OSError):  # of a full disk: what the journal does not name does not count
                file.close()

    def let_go(self) -> None:
        """Close the files and let another process have the folder; what the disk could not hold is not gone on with."""
        self.close()
        if self.settling.failed():
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.hold)

    def drop(self) -> None:
        """Remove everything."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.hold)


def begin(out: Path, kind: str, schema: pa.Schema, job: Mapping[str, Any], *, resume: bool) -> tuple[Partial, str]:
    """Begin an output, or go on with one that was interrupted.

    Parameters
    ----------
    out : Path
    kind : str
    schema : Schema
    job : mapping
        What must be the same for an interrupted output to be used: input, model, options.
    resume : bool

    Returns
    -------
    partial : Partial
    note : str
        What became of an interrupted output; empty where there was none.

    Raises
    ------
    UsageError
        When another process is writing it.
    """
    folder = partial_folder(out)
    hold = take(folder)
    if hold is None:
        found = "another process is writing it"
        raise UsageError(Problem("OUTPUT_IN_USE", str(out), found, "Wait for it, or choose another file."))
    try:
        return _begun(folder, kind, schema, job, hold, resume=resume)
    except BaseException:
        os.close(hold)
        raise


def _begun(folder: Path, kind: str, schema: pa.Schema, job: Mapping[str, Any], hold: int, *, resume: bool) -> tuple[Partial, str]:
    lines, note = _interrupted(folder, job) if resume else ([], "")
    mode = "r+b" if lines else "w+b"
    body, hashes, journal = ((folder / name).open(mode) for name in (BODY, HASHES, JOURNAL))
    partial = Partial(folder, kind, schema, body, hashes, journal, hold, Settling(body))
    if not lines:
        partial.body.write(_start_of(kind, schema))
        partial.journal.write(json.dumps({"job": job}).encode() + b"\n")
        partial.body.flush()
        partial.journal.flush()
        return partial, note
    for line in lines:
        partial._took(
            line["block"], line["place"], line["layout"] and Layout.of(line["layout"]), Tallies.from_dict(line["tallies"])
        )
    ends = {partial.body: lines[-1]["body"], partial.hashes: lines[-1]["hashes"]}
    for file, end in (*ends.items(), (partial.journal, _length(job, lines))):
        file.truncate(end)
        file.seek(end)
    return partial, note


def _start_of(kind: str, schema: pa.Schema) -> bytes:
    """Return how a file of a format begins."""
    return {CSV: csv_header, ARROW: stream_header}[kind](schema) if kind != PARQUET else MAGIC


def _length(job: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(json.dumps(line).encode()) + 1 for line in ({"job": job}, *lines))


def _interrupted(folder: Path, job: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Return the complete parts of an interrupted output of the same job; a line that was cut off does not count."""
    found: list[Any] = []
    try:
        for line in (folder / JOURNAL).read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                found.append(json.loads(line))
        sizes = [(folder / name).stat().st_size for name in (BODY, HASHES)]
    except (OSError, ValueError):
        return [], "nothing to resume: started anew"
    if not found or found[0] != {"job": json.loads(json.dumps(job))}:
        return [], "the interrupted run was of another input, model or option: started anew"
    lines = [line for line in found[1:] if line["body"] <= sizes[0] and line["hashes"] <= sizes[1]]
    if not lines:
        return [], "nothing to resume: started anew"
    return lines, f"resumed after {sum(line['tallies']['n'] for line in lines)} specimens"

"""``exodx predict``."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import (
    JSON,
    MODEL,
    PSEUDONYMS,
    SPECIMENS,
    allow_options,
    bundle_folder,
    check_output,
    conditions_of,
    is_quiet,
    pseudonym_key,
    say,
    stated_options,
)
from exodx.cli.progress import Meter
from exodx.errors import RUO

if TYPE_CHECKING:
    from collections import Counter

    from exodx.frozen import AnyModel
    from exodx.scoring import Cluster, Job, Outcome, Shard

NOT_ALL_SCORED = 5
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""As glibc's malloc.h numbers them."""


@click.command("predict")
@click.argument("cohort")
@MODEL
@click.option("-o", "--out", help="CSV, .parquet or .arrow file; stdout (CSV) unless given.")
@click.option("--explain", type=click.Choice(["all", "top3", "none"]), default="all", show_default=True, help="SHAP columns.")
@click.option("--specimen", help="Column of specimen ids.")
@SPECIMENS
@stated_options
@allow_options
@PSEUDONYMS
@click.option("--keep-going", is_flag=True, help="Score the rows that can be read; the others get status INVALID (exit code 5).")
@click.option("--jobs", type=click.IntRange(1), help="Threads; as many as there are processors unless given.")
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped.")
@click.option("--shard", metavar="I/N", help="Score the I-th of N pieces of a large cohort, cut between blocks of some megabytes.")
@click.option(
    "--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True, help="Who scores Parquet files."
)
@click.option("--scheduler", metavar="ADDRESS", help="Dask's, e.g. tcp://host:8786; workers are started here unless given.")
@JSON
def command(
    cohort: str,
    model: str,
    out: str | None,
    explain: str,
    specimen: str | None,
    specimens: tuple[Path, ...],
    key_file: Path | None,
    keep_going: bool,
    jobs: int | None,
    resume: bool,
    shard: str | None,
    engine: str,
    scheduler: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Score a cohort: a row for every specimen, in order, with status, call, probability and SHAP values.

    COHORT is a file, a folder of files of one kind, or a pattern of files ('part-*.csv'). A large plain table is scored in
    pieces, in bounded memory; its output appears whole or not at all. Specimens are looked at one by one, and of 20 or more where
    their columns lie: exodx check --model sees more in a new file. With --engine dask the cohort (Parquet) and the output may
    be on a store: s3://bucket/folder.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from tempfile import TemporaryDirectory

    from exodx.errors import Problem, UsageError
    from exodx.frozen import load_bundle
    from exodx.scoring import Cluster, Explain, Job, bundle_files, is_address, put_output

    if as_json and out is None:
        raise click.UsageError("Without -o the scores themselves go to stdout: name a file for them, -o FILE.")
    key = pseudonym_key(key_file)
    _keep_memory()
    _check_places(cohort, out, engine, scheduler, resume)
    if key is not None and engine != "local":
        found = "workers would need the key, and read the ids themselves"
        raise UsageError(Problem("ENGINE_LOCAL_ALONE", "--pseudonyms", found, "Leave --engine dask out."))
    piece = _shard(shard, resume, out)
    conditions = conditions_of(options)
    threads = jobs or os.cpu_count() or 1
    with bundle_folder(model) as at:
        frozen, model_hash = load_bundle(at)
        cluster = Cluster(bundle_files(at), scheduler, threads) if engine == "dask" else None
    with TemporaryDirectory() as folder:
        on_store = out is not None and is_address(out)
        written = Path(folder) / ("scores.csv" if out is None else Path(out).name)
        job = Job(
            path=Path(cohort),
            model=frozen,
            model_hash=model_hash,
            explain=Explain(explain),
            out=written if out is None or on_store else Path(out),
            specimen=specimen,
            keep_going=keep_going,
            conditions=conditions,
            joined=specimens,
            threads=threads,
            resume=resume,
            shard=piece,
            key=key,
        )
        outcome = _scored(job, cohort, cluster, stays=job.out != written)
        for note in outcome.notes:
            say(f"· {note}")
        if out is None:
            _copy_to_stdout(job.out)
        elif on_store:
            put_output(job.out, out)
    calls = outcome.calls
    say(
        f"{outcome.model_id}: {calls.total()} specimens, {_called(frozen, calls)}{calls['not_reported']} not reported"
        f"{'' if out is None else f' → {out}'}\n{RUO}"
    )
    if as_json:
        click.echo(json.dumps(_answer(outcome, model_hash, out), indent=1, ensure_ascii=False))
    if calls["not_reported"]:
        sys.exit(NOT_ALL_SCORED)


def _keep_memory() -> None:
    """Let this process keep what it frees: a large cohort's blocks take the same memory again and again.

    To give it back and have it cleared anew takes a tenth of the time. Only glibc can be asked; a library must not, for its caller.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        ask = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for what, value in ((M_MMAP_THRESHOLD, 1 << 25), (M_TRIM_THRESHOLD, 1 << 29), (M_ARENA_MAX, 1)):
        ask(what, value)  # an arena of its own would give back what a thread frees


def _answer(outcome: Outcome, model_hash: str, out: str | None) -> dict[str, Any]:
    """Return what a program may read of a run: counts and where the scores are, no specimen."""
    return {
        "out": out,
        "specimens": outcome.calls.total(),
        "calls": dict(outcome.calls),
        "not_reported": outcome.calls["not_reported"],
        "notes": list(outcome.notes),
        "model_id": outcome.model_id,
        "model_hash": model_hash,
        "notice": RUO,
    }


def _called(frozen: AnyModel, calls: Counter[str]) -> str:
    """Say how often each call was made, but for those not reported."""
    from exodx.frozen import MulticlassModel

    if isinstance(frozen, MulticlassModel):
        grey = "" if frozen.limit is None else f"{calls['indeterminate']} indeterminate, "
        return "called " + "".join(f"{calls[name]} {name}, " for name in frozen.classes) + grey
    grey = "" if frozen.threshold.zone is None else f"{calls['indeterminate']} indeterminate, "
    return f"{calls['positive']} called positive, {calls['negative']} negative, {grey}"


def _check_places(cohort: str, out: str | None, engine: str, scheduler: str | None, resume: bool) -> None:
    """Refuse places that the engine cannot read or write, before any work is done."""
    from exodx.errors import Problem, UsageError
    from exodx.scoring import is_address

    if engine == "local" and scheduler is not None:
        raise UsageError(Problem("ENGINE_LOCAL", "--scheduler", "the local engine has none", "Add --engine dask."))
    addresses = [place for place in (cohort, out) if place is not None and is_address(place)]
    if engine == "local" and addresses:
        found = "the local engine reads and writes files of this machine"
        raise UsageError(Problem("ENGINE_LOCAL", addresses[0], found, "Add --engine dask, or copy the file."))
    if out is not None and is_address(out) and resume:
        found = "an output on a store is put there when it is whole"
        raise UsageError(Problem("RESUME_UNAVAILABLE", "--resume", found, "Write to a file of this machine."))
    if out is not None and not is_address(out):
        check_output(Path(out), None if is_address(cohort) else Path(cohort))


def _scored(job: Job, cohort: str, cluster: Cluster | None, *, stays: bool) -> Outcome:
    """Score, with a line of progress; tell whoever interrupts it how to go on."""
    from dataclasses import replace

    from exodx.errors import UsageError
    from exodx.scoring import partial_folder, score_cohort, score_on_cluster

    meter = Meter(sys.stderr)
    shown = job if is_quiet() else replace(job, progress=meter.show)
    try:
        return score_cohort(shown) if cluster is None else score_on_cluster(shown, cohort, cluster)
    except (KeyboardInterrupt, SystemExit, UsageError) as error:
        ended = not isinstance(error, UsageError) or error.problems[0].code == "OUTPUT_UNWRITABLE"
        if ended and stays and partial_folder(job.out).exists():
            say("interrupted: the same command with --resume goes on from here")
        raise
    finally:
        meter.clear()


def _shard(text: str | None, resume: bool, out: str | None) -> Shard:
    """Return the piece of the cohort that is asked for."""
    from exodx.errors import Problem, UsageError
    from exodx.scoring import Shard

    if out is None and (resume or text):
        found = "there is nothing to go on with, nor a place for a piece"
        raise UsageError(Problem("OUTPUT_MISSING", "--resume" if resume else "--shard", found, "Name the output: -o FILE."))
    if text is None:
        return Shard()
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal()):
        raise UsageError(Problem("SHARD_INVALID", "--shard", repr(text), "Write I/N with I from 1 to N, e.g. 2/8."))
    return Shard(int(number), int(of))


def _copy_to_stdout(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        while text := file.read(1 << 20):
            sys.stdout.write(text)

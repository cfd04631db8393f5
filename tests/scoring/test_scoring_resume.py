"""An output appears whole or not at all, and an interrupted run goes on to the same bytes, however it was interrupted."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from exodx.cohort import SimulatedStudy, simulate
from exodx.errors import UsageError
from exodx.frozen import save_bundle
from exodx.scoring import Explain, Job, blocks, journal, partial_folder, plan, stream
from exodx.scoring.job import unseen

BLOCK = 2500
KINDS = ("csv", "parquet", "arrow")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", BLOCK)
    monkeypatch.setattr(plan, "HEAD", BLOCK)


@pytest.fixture(scope="module")
def cohort_file(athero, tmp_path_factory):
    path = tmp_path_factory.mktemp("cohort") / "c.csv"
    simulate(athero, SimulatedStudy(n=300, seed=8)).drop(columns="group").to_csv(path, index=False)
    return path


@pytest.fixture
def job(cohort_file, model, tmp_path):
    return Job(cohort_file, model, "f" * 64, Explain.ALL, tmp_path / "o.csv", threads=2)


def interrupted(job, after: int) -> None:
    """Score a cohort, and be interrupted when so many blocks are done."""

    def stop(done, *_):
        if done > after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream.stream(replace(job, progress=stop))
    assert not job.out.exists()
    assert partial_folder(job.out).is_dir()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [0, 3, 11])
def test_an_interrupted_run_goes_on_to_the_same_bytes(kind, after, job, tmp_path):
    whole, job = replace(job, out=tmp_path / f"whole.{kind}"), replace(job, out=tmp_path / f"o.{kind}")
    stream.stream(whole)
    interrupted(job, after)
    outcome = stream.stream(replace(job, resume=True))
    assert "resumed after" in outcome.notes[-1]
    assert outcome.calls.total() == 300
    assert job.out.read_bytes() == whole.out.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"o.{kind}", f"whole.{kind}"]
    assert kind != "parquet" or pq.read_metadata(job.out).num_row_groups > 5


@pytest.mark.parametrize("harm", ["a torn line", "a part whose line is missing", "a journal of nothing", "a body cut short"])
def test_what_is_not_complete_is_done_again(harm, job, tmp_path):
    whole = replace(job, out=tmp_path / "whole.csv")
    stream.stream(whole)
    interrupted(job, 6)
    folder = partial_folder(job.out)
    journal, body = folder / "journal", folder / "body"
    if harm == "a torn line":
        journal.write_bytes(journal.read_bytes()[:-40])
    elif harm == "a part whose line is missing":
        body.write_bytes(body.read_bytes() + b"half a l")
    elif harm == "a journal of nothing":
        journal.write_bytes(b"\n")
    else:
        body.write_bytes(body.read_bytes()[:-300])
    stream.stream(replace(job, resume=True))
    assert job.out.read_bytes() == whole.out.read_bytes()


def test_another_model_option_or_input_starts_anew_and_says_so(job, cohort_file, tmp_path):
    for other in ({"model_hash": "e" * 64}, {"explain": Explain.NONE}, {"keep_going": True}):
        interrupted(job, 4)
        outcome = stream.stream(replace(job, resume=True, **other))
        assert outcome.notes[-1] == "the interrupted run was of another input, model or option: started anew"
        job.out.unlink()
    copy = tmp_path / "c.csv"
    copy.write_bytes(cohort_file.read_bytes())
    interrupted(replace(job, path=copy), 4)
    copy.write_bytes(copy.read_bytes().replace(b"SIM8-0007", b"SIM8-7000"))
    assert "started anew" in stream.stream(replace(job, path=copy, resume=True)).notes[-1]
    assert "SIM8-7000" in job.out.read_text()


def test_without_resume_an_interrupted_run_is_forgotten(job):
    interrupted(job, 4)
    assert not any("resume" in note for note in stream.stream(job).notes)
    assert "nothing to resume" in stream.stream(replace(job, resume=True)).notes[-1]


def test_a_run_of_a_program_that_wrote_other_columns_is_not_gone_on_with(job):
    interrupted(job, 4)
    journal = partial_folder(job.out) / "journal"
    begun, *lines = journal.read_bytes().splitlines(keepends=True)
    told = json.loads(begun)
    assert "shap:base: double" in told["job"]["columns"]
    told["job"]["columns"] = told["job"]["columns"].replace("call: string", "call: dictionary")
    journal.write_bytes(json.dumps(told).encode() + b"\n" + b"".join(lines))
    assert "started anew" in stream.stream(replace(job, resume=True)).notes[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_journal_of_other_lines_is_not_gone_on_with(kind, job, tmp_path):
    job = replace(job, out=tmp_path / f"o.{kind}")
    interrupted(job, 4)
    journal = partial_folder(job.out) / "journal"
    begun, *lines = map(json.loads, journal.read_bytes().splitlines())
    before = [{"footer": "", **{key: value for key, value in line.items() if key != "layout"}} for line in lines]
    told = {"job": {key: value for key, value in begun["job"].items() if key != "parts"}}
    journal.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in (told, *before)))
    assert "started anew" in stream.stream(replace(job, resume=True)).notes[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_of_two_runs_at_once_the_second_is_refused_and_the_first_finishes(kind, job, tmp_path):
    job = replace(job, out=tmp_path / f"o.{kind}")
    refused = []

    def begin_again(done, *_):
        if done == 4:
            with pytest.raises(UsageError) as second:
                stream.stream(replace(job, progress=unseen))
            refused.append("OUTPUT_IN_USE" in str(second.value))

    stream.stream(replace(job, progress=begin_again))
    assert refused == [True]
    whole = replace(job, out=tmp_path / f"whole.{kind}")
    stream.stream(whole)
    assert job.out.read_bytes() == whole.out.read_bytes()


def test_an_output_behind_a_link_is_made_where_the_link_leads(job, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (tmp_path / "link.csv").symlink_to(there / "o.csv")
    job = replace(job, out=tmp_path / "link.csv")
    with pytest.raises(KeyboardInterrupt):
        stream.stream(replace(job, progress=_interrupt))
    assert [p.name for p in there.iterdir()] == [".o.csv.partial"]
    stream.stream(replace(job, resume=True))
    assert job.out.is_symlink()
    assert [p.name for p in there.iterdir()] == ["o.csv"]


def _interrupt(*_):
    raise KeyboardInterrupt


def test_an_id_that_stands_twice_on_either_side_of_an_interruption_is_found(job, cohort_file, tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text(cohort_file.read_text().replace("SIM8-0290", "SIM8-0003"))
    job = replace(job, path=path)
    interrupted(job, 8)
    assert stream.stream(replace(job, resume=True)) is None
    assert not partial_folder(job.out).exists()
    assert not job.out.exists()


def test_a_place_that_cannot_be_written_is_wrong_usage(job):
    with pytest.raises(UsageError, match="OUTPUT_UNWRITABLE"):
        stream.stream(replace(job, out=job.path / "below-a-file" / "o.csv"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", ["beside the work", "the end"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_what_the_disk_could_not_hold_is_told_and_not_gone_on_with(code, at, kind, job, tmp_path, monkeypatch):
    """A disk that fails forgets what it was asked to hold, and the next time it is asked it says that all is well."""
    job, whole = replace(job, out=tmp_path / f"o.{kind}"), replace(job, out=tmp_path / f"whole.{kind}")
    stream.stream(whole)
    threads, settled = threading.active_count(), os.fsync

    def fail(handle):
        if at == "the end" and threading.current_thread() is not threading.main_thread():
            return settled(handle)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(journal, "SETTLED_AT_ONCE", 1)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UsageError, match="OUTPUT_UNWRITABLE") as refused:
        stream.stream(job)
    assert ("Make room" in str(refused.value)) == (code == errno.ENOSPC)
    assert not job.out.exists()
    assert threading.active_count() == threads
    monkeypatch.setattr(os, "fsync", settled)
    assert not partial_folder(job.out).exists()
    assert "started anew" in stream.stream(replace(job, resume=True)).notes[-1]
    assert job.out.read_bytes() == whole.out.read_bytes()


def test_ctrl_c_waits_for_a_slow_disk_and_leaves_no_thread(job, tmp_path, monkeypatch):
    threads, settled, ended = threading.active_count(), os.fsync, []

    def slow(handle):
        time.sleep(0.2)
        settled(handle)
        ended.append(handle)

    monkeypatch.setattr(journal, "SETTLED_AT_ONCE", 1)
    monkeypatch.setattr(os, "fsync", slow)
    interrupted(job, 5)
    assert ended
    assert threading.active_count() == threads


SCRIPT = """
import sys, time
from pathlib import Path
from exodx.frozen import load_bundle
from exodx.scoring import Explain, Job, blocks, plan, stream
blocks.BLOCK = plan.HEAD = 2500
model, model_hash = load_bundle(Path(sys.argv[2]))
print("ready", flush=True)
job = Job(Path(sys.argv[1]), model, model_hash, Explain.ALL, Path(sys.argv[3]), threads=2, resume=True,
          progress=lambda *_: time.sleep(0.004))
stream.stream(job)
"""


def killed_until_done(arguments, rng, kills: int) -> int:
    """Start a run again and again, killing it at random moments; return how often."""
    for kill in range(kills + 1):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        if kill < kills:
            time.sleep(rng.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == 0:
            return kill
    raise AssertionError("never done")


@pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_it_yields_the_same_bytes(times, model, cohort_file, tmp_path):
    model_hash = save_bundle(model, tmp_path / "bundle")
    rng, killed = random.Random(times), 0
    while killed < times:
        kind = rng.choice(KINDS)
        whole, out = tmp_path / f"whole.{kind}", tmp_path / f"o.{kind}"
        if not whole.exists():
            stream.stream(Job(cohort_file, model, model_hash, Explain.ALL, whole))
        out.unlink(missing_ok=True)
        killed += killed_until_done([str(cohort_file), str(tmp_path / "bundle"), str(out)], rng, min(3, times - killed))
        assert out.read_bytes() == whole.read_bytes()
        assert not partial_folder(out).exists()

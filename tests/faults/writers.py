"""Two who write the same at once: one of them wins as a whole, or the other is refused; never is it something of both."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exodx.tracking.parcel import Registration, make_parcel
from exodx.tracking.record import ChildRun, RunRecord
from tests.faults.kills import RULES
from tests.faults.rig import NEW, PLAN, Rig, Verdict, bytes_of, leftovers
from tests.faults.sent import counted


def two_scorings(rig: Rig, n: int) -> Iterator[Verdict]:
    """Two scorings, with other columns, to one output: in pieces (one writes, the other is refused) and as a whole."""
    for k in range(n):
        name = ("large.csv", "large.parquet", "scores.csv", "large.arrow")[k % 4]
        source = rig.large if name.startswith("large") else NEW
        wholes = {}
        for explain in ("none", "top3"):
            place = rig.fresh() / name
            done = rig.run("predict", source, "--model", rig.bundle, "--explain", explain, "-o", place)
            assert done.code in (0, 5), done.err
            wholes[explain] = place.read_bytes()
        home, place = rig.fresh("home"), rig.fresh() / name
        running = {}
        for explain in wholes:
            running[explain] = rig.start("predict", source, "--model", rig.bundle, "--explain", explain, "-o", place, home=home)
            time.sleep(0.05 * (k // 4))
        ended = {explain: each.wait() for explain, each in running.items()}
        problems = [problem for each in ended.values() for problem in each.problems(0, 2, 5)]
        won = [wholes[explain] for explain, each in ended.items() if each.code in (0, 5)]
        stands = place.read_bytes() if place.exists() else b""
        problems += [f"left: {path.name}" for path in place.parent.iterdir() if path != place]
        yield Verdict("two writers: predict", name, tuple(problems), 0 if stands in won else len(won[0]) if won else 1)


def two_studies(rig: Rig, n: int) -> Iterator[Verdict]:
    """Two studies of other seeds into one folder and one fresh store."""
    other = rig.folder / "other.toml"
    other.write_text(PLAN.replace("seed = 3", "seed = 4"))
    second = rig.folder / "reference" / "other"
    if not second.exists():
        done = rig.run(*rig.train(second, "--no-track", "--plan", other))
        assert done.code == 0, done.err
    wholes = [bytes_of(rig.bundle), bytes_of(second)]
    for k in range(n):
        home, place = rig.fresh("home"), rig.fresh() / "model"
        if k % 2:
            shutil.copytree(rig.bundle, place)
        running = [rig.start(*rig.train(place), home=home), rig.start(*rig.train(place, "--plan", other), home=home)]
        ended = [each.wait() for each in running]
        problems = [problem for each in ended for problem in each.problems(0, 6)] + leftovers(place.parent, home)
        problems += rig.run("send", home=home).problems(0)
        found = counted(home)
        problems += [] if found[:3] == (2, 2, 2) else [f"runs, ended, versions: {found}"]
        stands = bytes_of(place)
        yield Verdict("two writers: train", "one folder, one store", tuple(problems), 0 if stands in wholes else 1)


def two_reviewers(rig: Rig, n: int) -> Iterator[Verdict]:
    """Two reviewers promote two versions in the same moment: the alias is where the later entry says."""
    first = rig.fresh("home")
    rules = rig.folder / "rules.toml"
    rules.write_text(RULES)
    for _ in range(2):
        done = rig.run(*rig.train(), home=first)
        assert done.code == 0, done.err
    for _ in range(n):
        home = rig.fresh("home")
        shutil.copytree(first, home, dirs_exist_ok=True)
        move_artifacts(home, first)
        words = ("--by", "A. Reviewer", "--reason", "two at once", "--rules", rules)
        running = [rig.start("review", "promote", f"models:/athero-3/{v}", *words, home=home) for v in (1, 2)]
        problems = [problem for each in running for problem in each.wait().problems(0)]
        told = rig.run("review", "log", "athero-3", home=home)
        problems += told.problems(0)
        entries = [json.loads(line) for line in told.out.splitlines()]
        problems += [] if [entry["action"] for entry in entries] == ["promoted", "promoted"] else ["an entry is missing"]
        yield Verdict("two writers: review", "promote two versions", tuple(problems))


def move_artifacts(home: Path, first: Path) -> None:
    """A copied store goes on reading the artifacts of the one it was copied from: they are not written to here."""
    assert (first / "artifacts").is_dir()
    shutil.rmtree(home / "artifacts")


def two_senders(rig: Rig, n: int) -> Iterator[Verdict]:
    """Two send the same kept run at once: there is one."""
    for _ in range(n):
        home = rig.stored_home()
        kept = kept_run(rig, home)
        running = [rig.start("send", "--anywhere", home=home) for _ in range(2)]
        ended = [each.wait() for each in running]
        problems = [problem for each in ended for problem in each.problems(0, 6)]
        problems += rig.run("send", home=home).problems(0)
        problems += [] if counted(home)[:2] == (1, 1) and not kept.exists() else [f"runs: {counted(home)}"]
        yield Verdict("two writers: send", "one kept run", tuple(problems))


def kept_run(rig: Rig, home: Path) -> Path:
    """Keep a run as if MLflow had not taken it; return its folder."""
    children = tuple(ChildRun(f"fold {k}", {}, {"auc": 0.5}) for k in range(3))
    record = RunRecord("kept", "r", "d", {"exodx.kind": "study"}, {"p": "1"}, {"m": 0.5}, {"a/b.txt": b"content"}, children)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXODX_HOME", str(home))
        parcel = make_parcel(record, Registration(rig.bundle, "kept", "challenger"), f"sqlite:///{home / 'mlflow.db'}")
    assert parcel is not None
    return parcel.folder


def cases(rig: Rig, n: int) -> Iterator[Verdict]:
    """``n`` times each."""
    yield from two_scorings(rig, n)
    yield from two_studies(rig, max(1, n // 2))
    yield from two_reviewers(rig, n)
    yield from two_senders(rig, n)

"""Processes ended at random moments: SIGKILL, SIGTERM, SIGINT in train, predict, evaluate and review; then the same again."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.disks import COLUMNS, OLD, whole_of
from tests.faults.rig import TRAIN, Ended, Rig, Running, Verdict, bundle_problems, file_problems, leftovers
from tests.faults.sent import counted

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ENDED = {signal.SIGKILL: (-9,), signal.SIGTERM: (143, -15), signal.SIGINT: (1, 130, -2)}
"""Exit codes of an ended command, by signal; 0 and 5 where it was over before."""

RULES = "\n".join(
    f"[{name}]\noff = true"
    for name in (
        "headline_width",
        "blocking_findings",
        "external_validation",
        "events",
        "calibration_slope",
        "observed_expected",
        "sheets",
        "approver",
    )
)


def ended(running: Running, number: signal.Signals, after: float) -> Ended:
    """End a command after some seconds."""
    until = time.monotonic() + after
    while time.monotonic() < until and not running.is_over:
        time.sleep(0.002)
    running.kill(number)
    return running.wait()


def seconds_of(rig: Rig, *words: object, home: Path) -> float:
    """Return how long a command takes, twice: the second time is what counts."""
    start = time.monotonic()
    done = rig.run(*words, home=home)
    assert done.code in (0, 5), done.err
    return time.monotonic() - start


def in_train(rig: Rig, rng: random.Random, n: int) -> Iterator[Verdict]:
    """A study is ended and called again: the folder holds the old model or the new one, and one run and one version come of it."""
    home = rig.fresh("home")
    lasts = seconds_of(rig, *rig.train(rig.fresh() / "model"), home=home)
    for k in range(n):
        number, after = SIGNALS[k % 3], rng.uniform(0.3, 1.05) * lasts
        home, place = rig.fresh("home"), rig.fresh() / "model"
        temporary = rig.fresh("tmp")
        shutil.copytree(rig.bundle, place)
        done = ended(rig.start(*rig.train(place), home=home, TMPDIR=temporary), number, after)
        problems, lost = bundle_problems(place, rig.bundle, done=done.code == 0, before=True)
        problems += [] if done.code in (0, *ENDED[number]) else [f"exit code {done.code}"]
        if number is signal.SIGTERM:
            problems += leftovers(place.parent, home) + [f"left: {path}" for path in temporary.iterdir() if path.suffix != ".lock"]
        again = rig.run(*rig.train(place), home=home) if done.code else done
        problems += again.problems(0)
        more, gone = bundle_problems(place, rig.bundle, done=True, before=True)
        kept = rig.run("send", home=home)
        problems += more + kept.problems(0)
        runs, finished, versions, _ = counted(home)
        wanted = {1, 2} if number is signal.SIGKILL or done.code else {1}
        problems += (
            [] if runs == finished == versions and runs in wanted else [f"runs {runs}, ended {finished}, versions {versions}"]
        )
        yield Verdict(f"{number.name}: train", f"after {after:.2f} s of {lasts:.2f}", tuple(problems), lost + gone)


def in_predict(rig: Rig, rng: random.Random, n: int) -> Iterator[Verdict]:
    """A large scoring is ended again and again, and resumed to the same bytes."""
    words = ("predict", rig.large, "--model", rig.bundle, "--explain", "none", "--jobs", "2", "-o")
    home = rig.fresh("home")
    for k in range(n):
        number, name = SIGNALS[k % 3], ("large.csv", "large.parquet", "large.arrow")[k % 3]
        news = whole_of(rig, name)
        lasts = seconds_of(rig, *words, rig.fresh() / name, home=home)
        place, after = rig.fresh() / name, rng.uniform(0.1, 1) * lasts
        place.write_bytes(OLD)
        done = ended(rig.start(*words, place, home=home), number, after)
        problems, lost = file_problems(place, OLD, news, done)
        problems += [] if done.code in (0, 5, *ENDED[number]) else [f"exit code {done.code}"]
        again = rig.run(*words, place, "--resume", home=home)
        more, gone = file_problems(place, OLD, news, again)
        problems += again.problems(0, 5) + more + [f"left: {p.name}" for p in place.parent.iterdir() if p != place]
        yield Verdict(f"{number.name}: predict", f"{name} after {after:.2f} s of {lasts:.2f}", tuple(problems), lost + gone)


def in_evaluate(rig: Rig, rng: random.Random, n: int) -> Iterator[Verdict]:
    """An evaluation is ended while it is written to MLflow: what was finished is kept or there, and sending it makes it whole."""
    words = ("evaluate", TRAIN, "--model", rig.bundle, *COLUMNS, "--track")
    home = rig.fresh("home")
    seconds_of(rig, *words, home=home)
    lasts = seconds_of(rig, *words, home=home)
    for k in range(n):
        number, after = SIGNALS[k % 3], rng.uniform(0.4, 1.0) * lasts
        home = rig.stored_home()
        done = ended(rig.start(*words, home=home), number, after)
        problems = [] if done.code in (0, *ENDED[number]) else [f"exit code {done.code}"]
        waited = len(list((home / "unsent").glob("2*")))
        problems += rig.run("send", home=home).problems(0)
        runs, finished, _, _ = counted(home)
        problems += (
            [] if runs == finished and runs <= 1 and (runs or not waited) else [f"runs {runs}, ended {finished}, waited {waited}"]
        )
        yield Verdict(f"{number.name}: evaluate --track", f"after {after:.2f} s of {lasts:.2f}", tuple(problems))


def in_review(rig: Rig, rng: random.Random, n: int) -> Iterator[Verdict]:
    """A promotion is ended: the log's chain holds, and deciding again puts the alias where the log says."""
    first = rig.fresh("home")
    rules = rig.folder / "rules.toml"
    rules.write_text(RULES)
    done = rig.run(*rig.train(), home=first)
    assert done.code == 0, done.err
    words = ("review", "promote", "models:/athero-3/1", "--by", "A. Reviewer", "--reason", "a fault", "--rules", rules)
    model = rig.fresh("home")
    shutil.copytree(first, model, dirs_exist_ok=True)
    start = time.monotonic()
    done = rig.run(*words, home=model)
    lasts = time.monotonic() - start
    assert done.code == 0, done.out + done.err
    for k in range(n):
        number, after = SIGNALS[k % 3], rng.uniform(0.2, 1.0) * lasts
        home = rig.fresh("home")
        shutil.copytree(first, home, dirs_exist_ok=True)
        done = ended(rig.start(*words, home=home), number, after)
        problems = [] if done.code in (0, *ENDED[number]) else [f"exit code {done.code}"]
        told = rig.run("review", "log", "athero-3", home=home)
        problems += [] if told.code == 0 or "ALIAS_MOVED" in told.err else [f"the chain: {told.err.strip()[-200:]}"]
        again = rig.run(*words, home=home)
        problems += again.problems(0)
        told = rig.run("review", "log", "athero-3", home=home)
        problems += told.problems(0)
        yield Verdict(f"{number.name}: review promote", f"after {after:.2f} s of {lasts:.2f}", tuple(problems))


def cases(rig: Rig, n: int, seed: int = 1) -> Iterator[Verdict]:
    """``n`` moments of each command."""
    rng = random.Random(seed)
    yield from in_predict(rig, rng, n)
    yield from in_train(rig, rng, n)
    yield from in_evaluate(rig, rng, n)
    yield from in_review(rig, rng, n)

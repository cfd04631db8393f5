"""Clocks that jump, by Debian's libfaketime: a day, a year, forth and back, while exodx works."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.faults.disks import outputs, whole_of
from tests.faults.rig import ROOT, Ended, Rig, Verdict, bundle_problems, file_problems
from tests.faults.sent import counted

LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
JUMPS = ("-3d", "+400d", "+0", "-20y", "+45d")


def run(home: Path, clock: Path, *words: object) -> Ended:
    """Run the command line under a clock that a file tells; the monotonic one is left alone, as it is by a real jump."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "EXODX_HOME": str(home),
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    words = (sys.executable, "-m", "exodx", *map(str, words))
    done = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=ROOT, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def jumping(clock: Path, every: float) -> Iterator[None]:
    """Let the clock jump all the time."""
    over = threading.Event()

    def jump() -> None:
        k = 0
        while not over.wait(every):
            k += 1
            new = clock.with_suffix(".new")
            new.write_text(JUMPS[k % len(JUMPS)])
            new.replace(clock)

    clock.write_text("+0")
    thread = threading.Thread(target=jump)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def negative_durations(home: Path) -> int:
    """Return how many runs of the store end before they began."""
    with closing(sqlite3.connect(home / "mlflow.db")) as store:
        return int(store.execute("SELECT COUNT(*) FROM runs WHERE end_time < start_time").fetchone()[0])


def studies(rig: Rig, n: int) -> Iterator[Verdict]:
    """A study under a clock that jumps all the time gives the same bundle, and no run of negative length."""
    for k in range(n):
        home, place = rig.fresh("home"), rig.fresh() / "model"
        with jumping(rig.folder / "clock", 0.2 + 0.2 * k):
            done = run(home, rig.folder / "clock", *rig.train(place))
        problems, lost = bundle_problems(place, rig.bundle, done=True, before=False)
        problems += done.problems(0)
        problems += [] if counted(home)[:3] == (1, 1, 1) else [f"runs, ended, versions: {counted(home)}"]
        problems += ["a run of negative length"] if negative_durations(home) else []
        yield Verdict("clock jumps", "train", tuple(problems), lost)


def scorings(rig: Rig) -> Iterator[Verdict]:
    """The same for a large scoring."""
    news = whole_of(rig, "large.csv")
    place = rig.fresh() / "large.csv"
    with jumping(rig.folder / "clock", 0.1):
        done = run(rig.fresh("home"), rig.folder / "clock", *outputs(rig)["large.csv"], place)
    problems, lost = file_problems(place, None, news, done)
    yield Verdict("clock jumps", "predict", (*problems, *done.problems(0, 5)), lost)


def caches(rig: Rig) -> Iterator[Verdict]:
    """What is kept between runs does not vanish when the clock jumps a year, forth or back."""
    for jump in ("+400d", "-400d"):
        home = rig.fresh("home")
        study = rig.start(*rig.train(rig.fresh() / "model"), home=home)
        while len(list(home.rglob("*.fold"))) < 2 and not study.is_over:
            time.sleep(0.005)
        study.kill(signal.SIGKILL)
        study.wait()
        before = sorted(path.name for path in home.rglob("*.fold"))
        other = rig.folder / "other-seed.toml"
        other.write_text((rig.folder / "plan.toml").read_text().replace("seed = 3", "seed = 9"))
        clock = rig.folder / "clock"
        clock.write_text(jump)
        done = run(home, clock, *rig.train(rig.fresh() / "other", "--no-track", "--plan", other))
        clock.write_text("+0")
        again = run(home, clock, *rig.train(rig.fresh() / "third", "--no-track", "--plan", other))
        after = sorted(path.name for path in home.rglob("*.fold"))
        problems = done.problems(0) + again.problems(0)
        problems += [] if before and after == before else [f"{len(before)} folds, then {len(after)}"]
        yield Verdict("clock jumps", f"kept folds, {jump}", tuple(problems))


def reviews(rig: Rig) -> Iterator[Verdict]:
    """The log keeps its order though the clock goes back between two entries."""
    home, clock = rig.fresh("home"), rig.folder / "clock"
    done = rig.run(*rig.train(), home=home)
    assert done.code == 0, done.err
    problems = []
    for jump in ("+0", "-400d", "+30d"):
        clock.write_text(jump)
        problems += [] if run(home, clock, "review", "check", "models:/athero-3/1").code == 4 else ["the gate did not answer"]
    told = rig.run("review", "log", "athero-3", home=home)
    numbers = [line.split('"n":')[1].split(",")[0] for line in told.out.splitlines()]
    problems += told.problems(0) + ([] if numbers == ["1", "2", "3"] else [f"entries {numbers}"])
    yield Verdict("clock jumps", "review log", tuple(problems))


def cases(rig: Rig, n: int) -> Iterator[Verdict]:
    """Every class; nothing without libfaketime."""
    if LIBRARY is not None:
        yield from studies(rig, n)
        yield from scorings(rig)
        yield from caches(rig)
        yield from reviews(rig)

"""Minutes of everything at once: long-lived processes that score, train and log in a loop, beside commands, in one store.

    python -m tests.studies.soak --minutes 20

Prints what each did, whether memory, open files and threads stay level (the slope is that of the last two thirds, since the first
third fills caches), what is left among temporary files, and how $EXODX_HOME grows per logged run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
TRAIN = ROOT / "data" / "athero-3-simulated" / "train.csv"
NEW = ROOT / "data" / "athero-3-simulated" / "new.csv"
WORKERS = ("score", "train", "log", "commands")
LEVEL = {"rss": 30.0, "fds": 1.0, "threads": 1.0}
"""Growth per hour (megabytes, numbers) up to which a process counts as level; ``log`` has more, see :data:`REPOSITORIES`."""
REPOSITORIES = 40.0
"""Megabytes per hour more of who logs a run every few seconds: MLflow keeps the last 1024 artifact repositories, 20 kB a run."""


@dataclass(frozen=True)
class Place:
    """Folders that all workers share."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    def environment(self) -> dict[str, str]:
        known = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_TRACKING")}
        own = {"EXODX_HOME": str(self.home), "TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        return known | own | {"PYTHONPATH": str(ROOT), "MLFLOW_LOGGING_LEVEL": "CRITICAL"}


def plan():
    from exodx.panel import StudyPlan

    return StudyPlan(
        panel="athero-3", label="group", positive="case", outer_folds=3, inner_folds=2, repeats=1, budget="minimal", seed=1
    )


def cohort():
    from exodx.cohort import Intake, read_cohort

    return read_cohort(TRAIN, Intake.of_plan(plan()))


def scoring(place: Place) -> Callable[[], None]:
    """Load a bundle and score a file with it, to a file."""
    import exodx
    from exodx.scoring import Explain, Job, score_cohort

    def once() -> None:
        model, model_hash = exodx.load_bundle(place.bundle)
        done = score_cohort(Job(NEW, model, model_hash, Explain.ALL, place.folder / "scores.parquet", threads=2))
        assert done.calls.total() == 60

    return once


def training(place: Place) -> Callable[[], None]:
    """A whole study: learned, reported, logged and registered."""
    from exodx.study import run_study

    data = cohort()

    def once() -> None:
        study = run_study(data, plan(), out=place.folder / "trained", jobs=1)
        assert study.run is not None, study.unsent

    return once


def logging(place: Place) -> Callable[[], None]:
    """A run with artifacts and a model, written by itself."""
    from exodx.tracking import LoggedRun, Registration, RunRecord, deliver, open_store

    store = open_store("soak")

    def once() -> None:
        tags = {"exodx.model_hash": "f" * 64, "exodx.notice": "soak"}
        record = RunRecord("soak", "soak", "soak", tags, {"p": "1"}, {"m": 0.5}, {"report.html": b"x" * 200_000})
        logged = deliver(record, Registration(place.bundle, "soak", "challenger"), store)
        assert isinstance(logged, LoggedRun), logged

    return once


def commands(place: Place) -> Callable[[], None]:
    """The command line, a process each: predict, evaluate --track, train, in turn."""
    model, columns = ("--model", str(place.bundle)), ("--label", "group", "--positive", "case")
    study = (*columns, "--panel", "athero-3", "--plan", str(place.folder / "plan.toml"), "--jobs", "1")
    turns = [
        ("predict", str(NEW), *model, "-o", str(place.folder / "by-command.csv")),
        ("evaluate", str(TRAIN), *model, *columns, "--track"),
        ("train", str(TRAIN), *study, "-o", str(place.folder / "by-command")),
        ("review", "list"),
    ]

    def once() -> None:
        turns.append(turns.pop(0))
        done = subprocess.run([sys.executable, "-m", "exodx", *turns[-1]], capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr

    return once


def work(kind: str, place: Place, seconds: float) -> None:
    """Do one thing in a loop, and write a line after each time."""
    once = {"score": scoring, "train": training, "log": logging, "commands": commands}[kind](place)
    until, start, n = time.monotonic() + seconds, time.monotonic(), 0
    with (place.folder / f"{kind}.jsonl").open("w") as out:
        while time.monotonic() < until:
            once()
            n += 1
            if n == 1 or n % max(1, round(n / (time.monotonic() - start))) == 0:  # about once a second
                out.write(json.dumps({"t": time.monotonic() - start, "n": n, **now()}) + "\n")
                out.flush()


def now() -> dict[str, float]:
    """Return what this process holds: megabytes, open files, threads."""
    status = Path("/proc/self/status").read_text()
    said = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return {
        "rss": int(said["VmRSS"].split()[0]) / 1024,
        "fds": len(os.listdir("/proc/self/fd")),
        "threads": int(said["Threads"]),
    }


def slope(samples: list[dict[str, float]], key: str) -> float:
    """Return the growth per hour over the last two thirds."""
    late = [s for s in samples if s["t"] > samples[-1]["t"] / 3]
    if len(late) < 3:
        return 0.0
    return float(np.polyfit([s["t"] / 3600 for s in late], [s[key] for s in late], 1)[0])


@contextmanager
def workers(place: Place, seconds: float, kinds: tuple[str, ...]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start the workers and wait for them."""
    running = {}
    for kind in kinds:
        words = [sys.executable, str(Path(__file__)), "--worker", kind, "--at", str(place.folder), "--minutes", str(seconds / 60)]
        with (place.folder / f"{kind}.err").open("w") as said:
            running[kind] = subprocess.Popen(words, env=place.environment(), stderr=said, stdout=said, cwd=ROOT)
    try:
        yield running
        for process in running.values():
            process.wait()
    finally:
        for process in running.values():
            process.kill()


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def prepare(folder: Path, bundle: Path | None) -> Place:
    """Make the folders, and the bundle that is scored with unless there is one."""
    place = Place(folder)
    for made in (place.home, place.temporary):
        made.mkdir(parents=True)
    (folder / "plan.toml").write_text('outer_folds = 3\ninner_folds = 2\nrepeats = 1\nbudget = "minimal"\n')
    if bundle is not None:
        shutil.copytree(bundle, place.bundle)
        return place
    study = ("--plan", str(folder / "plan.toml"), "--panel", "athero-3", "--label", "group", "--positive", "case")
    words = [sys.executable, "-m", "exodx", "train", str(TRAIN), *study, "-o", str(place.bundle)]
    subprocess.run(words, env=place.environment(), cwd=ROOT, check=True, capture_output=True)
    return place


@dataclass(frozen=True)
class Soaked:
    """What a worker did."""

    kind: str
    code: int
    samples: list[dict[str, float]]

    @property
    def times(self) -> int:
        return int(self.samples[-1]["n"]) if self.samples else 0

    def is_level(self) -> bool:
        """Say whether nothing grew by more than a process may."""
        more = {"rss": REPOSITORIES if self.kind == "log" else 0.0}
        return all(slope(self.samples, key) <= allowed + more.get(key, 0.0) for key, allowed in LEVEL.items())


def soak(
    folder: Path, minutes: float, kinds: tuple[str, ...] = WORKERS, bundle: Path | None = None
) -> tuple[list[Soaked], dict[str, float]]:
    """Let the workers work; return what they did, and what is left."""
    place = prepare(folder, bundle)
    before = size_of(place.home)
    with workers(place, minutes * 60, kinds) as running:
        pass
    done = []
    for kind, process in running.items():
        lines = (place.folder / f"{kind}.jsonl").read_text().splitlines() if (place.folder / f"{kind}.jsonl").exists() else []
        done.append(Soaked(kind, process.returncode, [json.loads(line) for line in lines]))
    logged = len([path for path in place.home.glob("artifacts/*/*") if path.is_dir() and path.name != "models"])
    left = {
        "temporary files left": len(list(place.temporary.rglob("*"))),
        "hidden files left": len(list(folder.rglob(".exodx-*"))),
        "runs that wait": len(list(place.home.glob("unsent/*"))),
        "folds left": len(list(place.home.rglob("*.fold"))),
        "kB of $EXODX_HOME for a logged run": (size_of(place.home) - before) / 1024 / max(1, logged - 1),
        "logged runs": logged,
    }
    return done, left


def table(done: list[Soaked], left: dict[str, float]) -> str:
    """Return the figures."""
    heads = ("in a loop", "times", "exit", "RSS MB first", "third", "last", "MB/h", "files", "/h", "threads", "/h")
    lines = [_row(*heads)]
    for each in done:
        s = each.samples
        if not s:
            lines.append(_row(each.kind, 0, each.code))
            continue
        third = next(x for x in s if x["t"] >= s[-1]["t"] / 3)
        rss = (f"{x['rss']:.0f}" for x in (s[0], third, s[-1]))
        grown = {key: f"{slope(s, key):.1f}" for key in LEVEL}
        held = (f"{s[-1]['fds']:.0f}", grown["fds"], f"{s[-1]['threads']:.0f}", grown["threads"])
        lines.append(_row(each.kind, each.times, each.code, *rss, grown["rss"], *held))
    return "\n".join([*lines, *(f"{name}: {value:.0f}" for name, value in left.items())])


def _row(kind: str, *cells: object) -> str:
    return f"{kind:<10}" + "".join(f"{cell!s:>14}" for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--worker", choices=WORKERS)
    parser.add_argument("--at", type=Path)
    given = parser.parse_args()
    if given.worker:
        work(given.worker, Place(given.at), given.minutes * 60)
        return
    with tempfile.TemporaryDirectory(prefix="exodx-soak-") as folder:
        place = given.at or Path(folder)
        done, left = soak(place, given.minutes)
        print(table(done, left))
        print("level: " + ", ".join(f"{each.kind} {'yes' if each.is_level() else 'no'}" for each in done))
        for each in done:
            if each.code:
                print(f"\n{each.kind}:\n{(place / f'{each.kind}.err').read_text()[-2000:]}")


if __name__ == "__main__":
    main()

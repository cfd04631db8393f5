"""Real faults for the real command line: full and read-only disks, limits, kills; and what must hold after each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path

from exodx.cohort import SimulatedStudy, simulate
from exodx.errors import ModelRefused
from exodx.frozen import load_bundle
from exodx.panel import load_panel

ROOT = Path(__file__).parents[2]
TRAIN = ROOT / "data" / "athero-3-simulated" / "train.csv"
NEW = ROOT / "data" / "athero-3-simulated" / "new.csv"
PLAN = """\
panel = "athero-3"
label = "group"
positive = "case"
outer_folds = 3
inner_folds = 2
repeats = 1
budget = "minimal"
prevalence = 0.2
seed = 3
"""
LARGE_ROWS = 60_000
"""Above four megabytes: scored in pieces."""
CODES = ("OUTPUT_UNWRITABLE", "FILE_UNUSABLE", "STORE_UNUSABLE", "STORE_LOST", "OUTPUT_IN_USE")
"""Of refusals that a machine's fault may end in."""


@dataclass(frozen=True)
class Verdict:
    """What became of one fault.

    Parameters
    ----------
    kind, what : str
        Class of the fault, and where it struck.
    problems : tuple of str
        What does not hold; empty where it was survived.
    lost : int
        Bytes that are gone or half written.
    """

    kind: str
    what: str
    problems: tuple[str, ...] = ()
    lost: int = 0

    @property
    def survived(self) -> bool:
        return not self.problems and not self.lost


@dataclass(frozen=True)
class Ended:
    """An ended command."""

    code: int
    out: str
    err: str

    def problems(self, *codes: int) -> list[str]:
        """Return what is wrong with how it ended, where these exit codes are right."""
        found = [f"exit code {self.code}"] if self.code not in codes else []
        if "Traceback" in self.err:
            found.append("traceback: " + self.err.strip().splitlines()[-1])
        if self.code in (2, 3, 4) and not any(code in self.err for code in CODES):
            found.append("no clear message: " + self.err.strip()[-200:])
        return found


@dataclass
class Running:
    """A command that runs."""

    log: Path

    def _wait_for(self, ending: str, seconds: float = 300) -> str:
        path, until = Path(f"{self.log}.{ending}"), time.monotonic() + seconds
        while not (path.exists() and path.stat().st_size):
            assert time.monotonic() < until, f"no {path.name}"
            time.sleep(0.002)
        return path.read_text()

    @property
    def err(self) -> str:
        return Path(f"{self.log}.err").read_text(errors="replace")

    @property
    def is_over(self) -> bool:
        return Path(f"{self.log}.code").exists()

    def kill(self, number: int = signal.SIGKILL) -> None:
        with suppress(ProcessLookupError):
            os.kill(int(self._wait_for("pid")), number)

    def wait(self) -> Ended:
        code = int(self._wait_for("code"))
        return Ended(code, Path(f"{self.log}.out").read_text(errors="replace"), self.err)


@dataclass
class Rig:
    """Commands, places and what they work on, below one folder."""

    folder: Path
    _number: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "Agg",
            "MLFLOW_LOGGING_LEVEL": "CRITICAL",
            "PYTHONPATH": str(ROOT),
        }
        environment.pop("MLFLOW_TRACKING_URI", None)
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment, cwd=ROOT,
        )  # fmt: skip
        assert self._zygote.stdout is not None
        assert self._zygote.stdout.readline() == "ready\n"
        (self.folder / "plan.toml").write_text(PLAN)

    def close(self) -> None:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.close()
        self._zygote.stdout.close()
        self._zygote.wait()

    def fresh(self, name: str = "place") -> Path:
        """Return a new empty folder."""
        made = self.folder / f"{name}-{next(self._number)}"
        made.mkdir()
        return made

    def start(self, *argv: object, home: Path | None = None, limit: int = 0, meek: bool = False, **env: object) -> Running:
        """Start the command line."""
        log = self.folder / f"log-{next(self._number)}"
        known = {"EXODX_HOME": home if home is not None else self.fresh("home"), **env}
        job = {
            "argv": [str(word) for word in argv],
            "env": {key: str(value) for key, value in known.items()},
            "log": str(log),
            "limit": limit,
            "meek": meek,
        }
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(job) + "\n")
        self._zygote.stdin.flush()
        return Running(log)

    def run(self, *argv: object, **more: object) -> Ended:
        """Run the command line to its end."""
        return self.start(*argv, **more).wait()

    def train(self, out: Path | None = None, *more: object) -> list[object]:
        """Return the words of a small study."""
        words = ["train", TRAIN, "--plan", self.folder / "plan.toml", "--jobs", "1", *more]
        return words if out is None else [*words, "-o", out]

    @cached_property
    def bundle(self) -> Path:
        """A bundle with its report and sheets, as it must always look."""
        place = self.folder / "reference" / "bundle"
        done = self.run(*self.train(place, "--no-track"))
        assert done.code == 0, done.err
        return place

    @cached_property
    def store(self) -> Path:
        """A home whose store is empty."""
        home = self.fresh("store")
        done = self.run("review", "list", home=home)
        assert done.code == 0, done.err
        return home

    def stored_home(self) -> Path:
        """Return a new home with an empty store: making its tables takes MLflow seconds."""
        home = self.fresh("home")
        shutil.copy(self.store / "mlflow.db", home)
        return home

    @cached_property
    def large(self) -> Path:
        """A cohort that is scored in pieces."""
        path = self.folder / "large.csv"
        frame = simulate(load_panel("athero-3"), SimulatedStudy(n=LARGE_ROWS, seed=8)).drop(columns="group")
        frame.to_csv(path, index=False)
        assert path.stat().st_size > 1 << 22
        return path


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def file_problems(place: Path, olds: bytes | None, news: bytes, done: Ended) -> tuple[list[str], int]:
    """A file is as it was, or whole and new; and new where the command says that it is done."""
    stands = place.read_bytes() if place.exists() else None
    wanted = news if done.code in (0, 5) else olds
    if stands == wanted or (done.code not in (0, 5) and stands == news):
        return [], 0
    return [f"{place.name} is neither what it was nor whole"], abs(len(news) - len(stands or b"")) or len(news)


def bundle_problems(place: Path, reference: Path, *, done: bool, before: bool) -> tuple[list[str], int]:
    """A bundle folder holds the whole model with all that belongs to it, or what it held before."""
    if not place.exists() or not any(place.iterdir()):
        return ([f"{place.name} is gone"], sum(map(len, bytes_of(reference).values()))) if done or before else ([], 0)
    try:
        load_bundle(place)
    except ModelRefused as error:
        return [f"{place.name}: {error}"], 1
    stands, wanted = bytes_of(place), bytes_of(reference)
    if stands == wanted:
        return [], 0
    missing = sorted(set(wanted) - set(stands))
    return [f"{place.name} lacks {missing or 'bytes'}"], sum(len(wanted[name]) for name in missing) or 1


def leftovers(*folders: Path) -> list[str]:
    """Return what is left of outputs in the making; an interrupted scoring that can be gone on with is none."""
    return [f"left: {path}" for folder in folders for path in folder.rglob(".exodx-*")]


def can_mount() -> bool:
    """Say whether this process may mount a small file system of its own."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        return False
    place = Path("/tmp") / f"exodx-mount-{os.getpid()}"
    place.mkdir(exist_ok=True)
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False)
        if done.returncode == 0:
            subprocess.run(["umount", place], check=False)
        return done.returncode == 0
    finally:
        place.rmdir()


@contextmanager
def disk(folder: Path, kilobytes: int, mode: str = "0777") -> Iterator[Path]:
    """Give a file system of a size."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode={mode}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        for _ in range(50):
            if subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)


def resize(folder: Path, kilobytes: int) -> None:
    """Make room."""
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", folder], check=True)


def read_only(folder: Path) -> None:
    """Let nobody write there any more."""
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)


def used_kilobytes(folder: Path) -> int:
    """Return what a folder takes on a file system of pages."""
    return sum(-(-path.stat().st_size // 4096) * 4 for path in folder.rglob("*") if path.is_file())

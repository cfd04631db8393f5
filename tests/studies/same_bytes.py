"""The same cohort and plan give the same bytes, report and sheets included, whatever machine, hour and language they meet.

    python -m tests.studies.same_bytes [budget]

trains the shipped example once here and once in each of the environments below, and compares every file of the folders.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.cli.calls import DATA, ROOT

PLAN = """\
panel = "athero-3"
label = "group"
positive = "case"
outer_folds = 3
inner_folds = 3
repeats = 1
budget = "{}"
prevalence = 0.2
seed = 3
"""
ELSEWHERE: Mapping[str, tuple[int, dict[str, str]]] = {
    "again": (1, {}),
    "two threads, two jobs": (2, {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}),
    "four threads, four jobs, everything else": (
        4,
        {
            "OMP_NUM_THREADS": "4",
            "OPENBLAS_NUM_THREADS": "4",
            "PYTHONHASHSEED": "4242",
            "TZ": "Asia/Kolkata",
            "LANG": "tr_TR.UTF-8",
            "LC_ALL": "C",
        },
    ),
}
"""How another run differs from the first: its number of jobs, and its environment; its working folder always does."""


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its place in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def train(plan: Path, cwd: Path, jobs: int, environment: Mapping[str, str]) -> dict[str, bytes]:
    """Train the shipped example in a folder of its own and return what was written."""
    cwd.mkdir(parents=True)
    words = ["train", DATA / "train.csv", "--plan", plan, "--no-track", "--jobs", jobs, "-o", cwd / "bundle"]
    done = subprocess.run(
        [sys.executable, "-m", "exodx", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "EXODX_HOME": str(cwd / "home"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return contents(cwd / "bundle")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "plan.toml").write_text(PLAN.format(sys.argv[1] if len(sys.argv) > 1 else "standard"))
        first = train(folder / "plan.toml", folder / "first", 1, {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"})
        for number, (name, (jobs, environment)) in enumerate(ELSEWHERE.items()):
            found = train(folder / "plan.toml", folder / str(number), jobs, environment)
            differ = sorted({*first, *found} - {file for file in first if found.get(file) == first[file]})
            print(f"{name}: {len(found)} files, {len(differ)} differ {differ}", flush=True)

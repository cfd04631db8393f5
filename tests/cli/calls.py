"""Calling the command line as a process of its own, and the example data."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "athero-3-simulated"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def run(*arguments: object, cwd: Path | None = None) -> Result:
    """Call the command line as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "exodx", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def files_of(*folders: Path, to: Path) -> list[Path]:
    """Copy folders by a process of its own and return the copies' files.

    A process that opens a database of SQLite as a file, and closes it, loses its own connections' locks on it (POSIX):
    the next process then takes the database's journal for left over.
    """
    copy = "import shutil, sys; [shutil.copytree(folder, f'{sys.argv[1]}/{i}') for i, folder in enumerate(sys.argv[2:])]"
    subprocess.run([sys.executable, "-c", copy, str(to), *map(str, folders)], check=True)
    return [path for path in to.rglob("*") if path.is_file()]

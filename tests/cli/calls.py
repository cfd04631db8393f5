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

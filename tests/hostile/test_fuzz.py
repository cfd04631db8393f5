"""The coverage-guided run starts, reaches code, and finds nothing in a second; it needs atheris, which is a developer's package."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed: pip install exodx[fuzz]")
@pytest.mark.parametrize("reader", ["plan", "ubjson"])
def test_a_short_run_reaches_code_and_finds_nothing(reader):
    command = [sys.executable, "-m", "tests.hostile.fuzz", reader, "-runs=400"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(re.findall(r"cov: (\d+)", done.stderr)[-1]) > 50

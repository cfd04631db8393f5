"""Golden numbers that other software computed; see tests/reference/README.md."""

import json
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="session")
def golden():
    """Read a golden file by its stem."""
    return lambda stem: json.loads((REFERENCE / f"{stem}.json").read_text(encoding="utf-8"))

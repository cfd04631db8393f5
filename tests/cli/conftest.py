"""A study trained once through the real command line, and a way to call commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.calls import DATA, Result, run

PLAN = """\
panel = "athero-3"
label = "group"
positive = "case"
outer_folds = 3
inner_folds = 3
repeats = 1
budget = "minimal"
prevalence = 0.2
seed = 3
"""


@dataclass(frozen=True)
class Trained:
    bundle: Path
    answer: dict
    stderr: str
    plan: Path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call the command line in this process, through the same ``main`` as the console script."""
    from exodx.cli import main

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["exodx", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 0
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """``exodx train`` on the shipped example, in MLflow and in a folder."""
    folder = tmp_path_factory.mktemp("trained")
    plan = folder / "plan.toml"
    plan.write_text(PLAN)
    done = run("train", DATA / "train.csv", "--plan", plan, "-o", folder / "bundle", "--json")
    assert done.code == 0, done.err
    return Trained(folder / "bundle", json.loads(done.out), done.err, plan)

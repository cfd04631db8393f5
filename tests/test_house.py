"""The house keeps its floors: import-linter, sizes, forbidden words."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "exodx").rglob("*.py"))


def test_floors_hold():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_room_is_on_a_floor():
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = {room.strip() for layer in layers for room in layer.split("|")}
    present = {p.stem if p.is_file() else p.name for p in (ROOT / "exodx").iterdir() if not p.name.startswith("__")}
    assert present - {"data"} == rooms


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_stay_liveable(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 450
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            start = node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.lineno
            assert (node.end_lineno or start) - start < 60, node.name


NUMBA_IS_LOOKED_FOR = {
    ("native.py", "native_loops"),
    ("native.py", "_compiled"),
    ("lanes.py", "_sixteens"),
}
"""The first loads machine code by llvmlite alone; only where none is kept the others need numba."""


def test_lazy_imports_stand_only_in_commands_behind_doors_and_where_numba_is_looked_for():
    for path in MODULES:
        if "cli" in path.parts or (path.name == "__init__.py" and path.parent.name == "exodx") or path.name == "doors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and (path.name, node.name) not in NUMBA_IS_LOOKED_FOR:
                assert not any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in ast.walk(node)), f"{path}: {node.name}"
            assert not (isinstance(node, ast.Name) and node.id in ("import_module", "__import__")), path


def test_doors_only_open():
    doors = [path for path in MODULES if path.name == "doors.py"]
    assert {path.parent.name for path in doors} == {"tables", "scoring", "cohort", "review", "frozen"}
    for path in doors:
        for node in ast.parse(path.read_text()).body:
            assert isinstance(node, (ast.Expr, ast.Import, ast.ImportFrom, ast.If, ast.FunctionDef)), path
            if isinstance(node, ast.FunctionDef):
                assert [type(n) for n in node.body] == [ast.Expr, ast.ImportFrom, ast.Return], f"{path}: {node.name}"


def test_nothing_is_pickled_evaluated_or_printed():
    for path in MODULES:
        source = path.read_text()
        assert not re.search(r"\bimport pickle|joblib\.load|cloudpickle", source), path
        calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
        names = {call.id for call in calls if isinstance(call, ast.Name)}
        assert not {"print", "eval", "exec", "input"} & names, path


def test_no_output_speaks_of_a_diagnosis_made():
    for path in [*MODULES, *(ROOT / "exodx").rglob("*.html"), *(ROOT / "exodx").rglob("*.toml")]:
        assert not re.search(r"\bdiagnosed\b|\bpatient has\b", path.read_text(), re.IGNORECASE), path


def test_top_level_is_what_was_agreed():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    agreed = {
        "pyproject.toml",
        "README.md",
        "exodx",
        "data",
        "models",
        "notebooks",
        "tests",
        "LICENSE",
        "CHANGELOG.md",
        "constraints.txt",
    }
    top = {line.split("/")[0] for line in tracked.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} <= agreed

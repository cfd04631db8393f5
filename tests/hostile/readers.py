"""The doors of exodx by family: each takes a file and reads it as a user's command would; what comes out is read or refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from exodx.cohort import Intake, build_cohort
from exodx.cohort.infer import is_mirna_name
from exodx.errors import ExodxError
from exodx.frozen import WELLS, DiagnosticModel, load_bundle
from exodx.frozen.cells import read_cells
from exodx.frozen.folder import canonical
from exodx.frozen.ubjson import read_ubjson
from exodx.panel import Scale, load_panel, parse_plan, read_toml
from exodx.panel.names import mirbase
from exodx.report.sheets.answers import parse_answers
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table
from exodx.tracking.review.rules import read_rules
from tests.hostile import differential
from tests.hostile.seeds import BUNDLE

Read = Callable[[Path], object]
READ, REFUSED = "read", "refused"


def table(path: Path) -> object:
    """Read a table, bring it to a row a specimen and read its cells; every column must have every row."""
    found = read_table(path)
    assert {len(column) for column in found.columns.values()} <= {len(found)}
    wide = to_wide(found, is_mirna_name, wells=WELLS)
    for cells in wide.columns.values():
        read_cells(cells, Scale.CT, decimal=wide.decimal)
    return found


def cohort(path: Path) -> object:
    return build_cohort(read_table(path), Intake())


def names(path: Path) -> object:
    """Read a file as each of the three kinds of names files."""
    for read in (lambda: mirbase._load(path), lambda: mirbase._read_mature(path, []), lambda: mirbase._read_aliases(path, [])):
        try:
            read()
        except ExodxError:
            continue
        return True
    return mirbase._load(path)


@cache
def model() -> tuple[DiagnosticModel, str]:
    return load_bundle(BUNDLE)


def bundle(path: Path, name: str) -> object:
    """Load the archived bundle with one file put in another's place; the manifest's hash is put right, as a forger would."""
    folder = path.with_suffix(".bundle")
    if not folder.exists():
        shutil.copytree(BUNDLE, folder)
    content = path.read_bytes()
    kept = {file: (BUNDLE / file).read_bytes() for file in (name, "manifest.json")}
    try:
        (folder / name).write_bytes(content)
        if name != "manifest.json":
            manifest = json.loads(kept["manifest.json"])
            manifest["files"][name] = hashlib.sha256(content).hexdigest()
            (folder / "manifest.json").write_bytes(canonical(manifest))
        return load_bundle(folder)
    finally:
        for file, data in kept.items():
            (folder / file).write_bytes(data)


def _member(content: bytes) -> str:
    """Say which file of a bundle a damaged one is most likely to be taken for."""
    marks = {
        "transform.json": b'"steps"',
        "decision.json": b"calibrator",
        "reference.json": b"quantiles",
        "linear.json": b'"features"',
    }
    if b"[[analyte]]" in content or b"[panel" in content:
        return "panel.toml"
    return next((name for name, mark in marks.items() if mark in content), "provenance.json")


READERS: dict[str, Read] = {
    **dict.fromkeys(
        (
            "delimited",
            "packed",
            "xlsx",
            "xls",
            "parquet",
            "instruments",
            "plates",
            "olink",
            "rcc",
            "adat",
            "geo",
            "proteins",
            "counts",
        ),
        table,
    ),
    "panel": lambda path: load_panel(str(path)),
    "plan": lambda path: parse_plan(read_toml(path), path.name),
    "answers": lambda path: parse_answers(read_toml(path), path.name, {"stard": ("1", "2"), "model_card": ("licence", "contact")}),
    "rules": lambda path: read_rules(path),
    "names": names,
    "manifest": lambda path: bundle(path, "manifest.json"),
    "members": lambda path: bundle(path, _member(path.read_bytes())),
    "ubjson": lambda path: read_ubjson(path.read_bytes()),
    "predict": lambda path: differential.same(path, *model()),
}


def outcome(read: Read, path: Path) -> str:
    """Return whether a file was read or refused; anything else is an error of exodx."""
    try:
        read(path)
    except ExodxError as refused:
        error = refused
    else:
        return READ
    assert error.problems
    assert all(problem.code.isupper() and problem.fix for problem in error.problems)
    str(error).encode()
    return REFUSED

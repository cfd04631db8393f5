"""What the README tells those who add something: the files are there, and one file and one line are enough."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from exodx.panel import builtin_names, load_panel

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Contributing\n")[2].partition("\n## ")[0]
ADDED = {
    "a panel": ("exodx/panel/catalog", "tb-ev-3.toml"),
    "a reader of a platform's file": ("exodx/tables/platforms", "adat.py"),
    "a normaliser of reads": ("exodx/libraries", "upper_quartile.py"),
    "a metric": ("exodx/evaluation/metrics", "scaled_brier.py"),
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_thing_to_add_names_a_folder_an_example_and_its_test_that_are_there():
    rows = {row[0]: row for line in SECTION.splitlines() if line.startswith("| ") and (row := cells(line))[0] in ADDED}
    assert set(rows) == set(ADDED)
    for what, (folder, example) in ADDED.items():
        named = re.findall(r"`([^`]+)`", rows[what][1] + rows[what][4])
        assert f"{folder}/NAME{Path(example).suffix}" in named
        assert example in named
        assert (ROOT / folder / example).is_file()
        tests = [name for name in named if name.startswith("tests/")]
        assert tests, what
        for name in tests:
            assert (ROOT / name).is_file(), name


def importers(package: str, name: str) -> list[str]:
    """Return the modules of exodx that import a module."""
    found = []
    for path in (ROOT / "exodx").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                here = node.module == package and name in {alias.name for alias in node.names}
                found += [str(path.relative_to(ROOT))] if here or node.module == f"{package}.{name}" else []
    return found


def test_a_reader_a_normaliser_and_a_metric_are_named_in_one_other_file_alone():
    """What the section promises: beside its own file only the list of its folder names the example."""
    for what, (folder, example) in list(ADDED.items())[1:]:
        package = folder.replace("/", ".")
        assert importers(package, Path(example).stem) == [f"{folder}/registry.py"], what


def test_every_file_and_folder_that_the_section_names_is_there():
    for name in re.findall(r"`((?:exodx|tests|\.ci)/[\w./-]+)`", SECTION):
        assert "NAME" in name or (ROOT / name).exists(), name


def test_the_table_of_panels_is_what_the_panels_say():
    table = README.partition("<!-- panels -->\n")[2].partition("<!-- end of panels -->")[0]
    rows = [cells(line) for line in table.splitlines()[2:]]
    assert [row[0].strip("`") for row in rows] == builtin_names()
    for name, disease, targets, specimen, weakest in rows:
        panel = load_panel(name.strip("`"))
        assert panel.title.startswith(disease.split(", ")[0])
        assert targets == ", ".join(a.name for a in panel.with_role("target"))
        assert specimen == panel.specimen_type.replace("unspecified", "not stated")
        assert weakest == panel.weakness

"""Every notebook runs from top to bottom and shows what it promises; it is committed without output, but for its kept pictures."""

from __future__ import annotations

import ast

import nbformat
import pytest

from tests.notebooks import FOLDER, executed, is_kept, pictures

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_PICTURES, MOST_BYTES = 2, 80_000

SHOWN = {
    "01_train_and_explain": ("leave-one-site-out", "shap:miR-126-3p"),
    "05_scoring_and_monitoring": ("CELL_UNREADABLE", "OUT_OF_DOMAIN", "feature_shift", "were refitted, on", "Monitoring"),
    "06_the_reviewers_desk": (
        "site_confounded",
        "HEADLINE_WIDTH",
        "promoted models:/athero-3/2",
        "A − B, paired",
        "the chain holds",
    ),
    "07_scaling_out": ("together the whole: True", "resumed after", "the same bytes: True", "the same in every bit: True"),
}
"""What each must show when it runs; and by being here that somebody looked at it."""


def test_every_notebook_is_in_the_table():
    assert [path.stem for path in NOTEBOOKS] == sorted(SHOWN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::DeprecationWarning:jupyter_client")
def test_a_notebook_runs_and_shows_what_it_promises(path, tmp_path):
    notebook = executed(path, tmp_path)
    shown = "".join(str(cell.get("outputs")) for cell in notebook.cells)
    assert not [words for words in SHOWN[path.stem] if words not in shown]
    assert not [cell.source for cell in notebook.cells if is_kept(cell) and len(pictures(cell)) != 1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_keeps_small_pictures_and_nothing_else(path):
    notebook = nbformat.read(path, as_version=4)
    kept = [cell for cell in notebook.cells if is_kept(cell)]
    assert len(kept) <= MOST_PICTURES
    for cell in notebook.cells:
        if cell in kept:
            assert [set(output.data) for output in cell.outputs] == [{"image/png", "text/plain"}], "python -m tests.notebooks"
            assert len(pictures(cell)[0]) < MOST_BYTES
        else:
            assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_uses_public_names_alone(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom):
                names += [*node.module.split("."), *(alias.name for alias in node.names)]
            assert not [name for name in names if name.startswith("_") and not name.endswith("__")], cell.source

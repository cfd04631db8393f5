"""Every notebook runs from top to bottom and shows what it promises; it is committed without output, but for its kept pictures."""

from __future__ import annotations

import ast
import base64

import nbformat
import pytest

from exodx import plots
from tests.notebooks import FOLDER, KEPT, executed, is_kept, pictures, small, stripped

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_PICTURES, MOST_BYTES = 2, 80_000

SHOWN = {
    "01_train_and_explain": ("leave-one-site-out", "shap:miR-126-3p"),
    "02_from_qpcr_export_to_model": ("wells left out: 22 ntc", "normfinder chose", "SPIKE_DEVIATES", "leave-one-site-out"),
    "03_counts_and_proteins_together": ("24 analytes stand in rows", "&lt; 1e+06", "GDF15__nd", "mean |SHAP value|"),
    "04_is_it_real": ("near_duplicates", "site_confounded", "spike_confounded", "haemolysis_confounded", "claimable in"),
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


def test_what_is_stripped_is_all_but_kept_pictures():
    picture = plots.forest({"a": {"b": 0.7}}, "one")._repr_png_()
    data = {"image/png": base64.b64encode(picture).decode()}
    cells = [nbformat.v4.new_code_cell("1", metadata={"tags": tags}) for tags in ([KEPT], [])]
    for cell in cells:
        cell.outputs, cell.execution_count = [nbformat.v4.new_output("execute_result", data=data, execution_count=3)], 3
    kept, gone = stripped(nbformat.v4.new_notebook(cells=cells)).cells
    assert pictures(kept) == [small(picture)]
    assert not gone.outputs
    assert kept.execution_count is None

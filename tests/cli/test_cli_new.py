"""``exodx new``: a folder in which every command of its README runs, and its notebook."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from exodx.errors import RUO
from exodx.panel import load_panel, load_plan
from tests.cli.calls import run

COMMANDS = ("check", "train", "evaluate", "predict", "explain")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder as laid out, and what was said."""
    folder = tmp_path_factory.mktemp("new") / "my study {x}"
    done = run("new", folder)
    assert done.code == 0, done.err
    return folder, done


def lines_of(folder):
    return re.findall(r"^    (exodx .*)$", (folder / "README.md").read_text(), re.MULTILINE)


def test_it_says_what_it_made(made):
    folder, done = made
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert done.out.splitlines() == [str(path) for path in files]
    assert {path.name for path in files} == {"README.md", "panel.toml", "plan.toml", "study.ipynb", "cohort.csv", "new.csv"}
    assert "simulated" in done.err
    assert "my study {x}" in (folder / "README.md").read_text()


def test_the_data_are_marked_as_simulated_in_every_row(made):
    folder, _ = made
    for name, n in (("cohort", 150), ("new", 40)):
        table = pd.read_csv(folder / "data" / f"{name}.csv")
        assert len(table) == n
        assert set(table["synthetic"]) == {"yes"}
    assert "No person stands behind a row" in (folder / "data" / "README.md").read_text()


def test_plan_and_panel_are_those_of_the_program(made, monkeypatch):
    folder, _ = made
    monkeypatch.chdir(folder)
    plan = load_plan("plan.toml")
    assert (plan.panel, plan.label, plan.positive, plan.budget) == ("panel.toml", "group", "case", "minimal")
    assert load_panel(plan.panel) == load_panel("athero-3")


def test_every_command_of_its_readme_runs(made):
    folder, _ = made
    lines = lines_of(folder)
    assert [line.split()[1] for line in lines] == list(COMMANDS)
    for line in lines:
        done = run(*shlex.split(line)[1:], cwd=folder)
        assert done.code in (0, 5), (line, done.err)
        assert RUO in done.out + done.err or line.split()[1] == "explain"
    for name in ("model/report.html", "evaluated.html", "scores.csv", "specimen.html"):
        assert (folder / name).is_file(), name
    scores = pd.read_csv(folder / "scores.csv")
    assert len(scores) == 40
    assert set(scores["call"]) >= {"positive", "negative"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::DeprecationWarning:jupyter_client")
def test_its_notebook_runs_and_shows_objects_pictures_and_progress(made, tmp_path):
    folder, _ = made
    notebook = nbformat.read(folder / "study.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    views = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    titles = ("Cohort cohort.csv", "Panel athero-3", "validated:", "Inside the training cohort", "Predictions", "Model athero-3")
    for title in titles:
        assert any(title in view for view in views), title
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    streams = [output["text"] for output in outputs if output["output_type"] == "stream"]
    assert not [text for text in streams if "IProgress" not in text]  # tqdm, where ipywidgets are not installed


def test_a_folder_that_holds_something_is_left_alone(made, cli, tmp_path):
    folder, _ = made
    before = (folder / "README.md").read_text()
    done = cli("new", folder)
    assert (done.code, "FOLDER_TAKEN" in done.err) == (2, True)
    assert (folder / "README.md").read_text() == before
    (tmp_path / "file").write_text("x")
    assert cli("new", tmp_path / "file").code == 2
    assert cli("new", tmp_path / "file" / "below").code == 2
    (tmp_path / "empty").mkdir()
    assert cli("new", tmp_path / "empty").code == 0


def test_of_another_panel(cli, tmp_path):
    panel = tmp_path / "two.toml"
    panel.write_text(
        '[panel]\nname = "two"\nversion = "1"\ntitle = "Two \\"quoted\\" proteins"\n'
        + "".join(f'[[analyte]]\nname = "{name}"\nkind = "protein"\nunit = "NPX"\nfraction = "total"\n' for name in ("IL6", "TNF"))
    )
    done = cli("new", tmp_path / "study", "--panel", panel)
    assert done.code == 0, done.err
    assert tomllib.loads((tmp_path / "study" / "panel.toml").read_text())["panel"]["name"] == "two"
    assert {"IL6", "TNF"} <= set(pd.read_csv(tmp_path / "study" / "data" / "cohort.csv").columns)
    assert cli("new", tmp_path / "other", "--panel", "nonesuch").code == 3
    assert not (tmp_path / "other").exists()


def test_laying_out_loads_no_mlflow():
    code = "import sys; import exodx.cli.new, exodx.cohort; print(sorted({'mlflow', 'sklearn', 'xgboost'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Help, panels, simulation, explanation pages and the demo."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tomllib

import pytest

from exodx.cli import COMMANDS
from exodx.errors import RUO
from tests.cli.calls import DATA, run


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from exodx.cli import app; app(['--help'], standalone_mode=False);"
        "print(chr(10), sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.strip("' []").split(".")[0] for name in done.stderr.split(",")}
    assert "click" in loaded
    assert not loaded & {"numpy", "pandas", "sklearn", "xgboost", "mlflow", "pyarrow", "scipy", "matplotlib", "shap"}
    assert RUO in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, cli):
    done = cli(name, "--help")
    assert done.code == 0
    assert len(done.out.splitlines()) > 5


def test_simulate_is_reproducible_and_marked_synthetic(cli, tmp_path):
    first = cli("simulate", "-n", 30, "--seed", 5)
    assert first.out == cli("simulate", "-n", 30, "--seed", 5).out != cli("simulate", "-n", 30, "--seed", 6).out
    header, *rows = first.out.splitlines()
    assert header.split(",")[8] == "synthetic"
    assert {row.split(",")[8] for row in rows} == {"yes"}
    assert cli("simulate", "--site-case-shares", "a,b").code == 2


def test_panel_show_and_infer_write_toml_that_can_be_used(cli, tmp_path):
    shown = tomllib.loads(cli("panel", "show", "athero-3").out)
    assert [a["name"] for a in shown["analyte"]][:3] == ["miR-126-3p", "miR-145-5p", "PD-L1"]
    assert "Hypothesis" in shown["panel"]["evidence"]
    inferred = cli("panel", "infer", DATA / "new.csv", "--without", "group")
    (tmp_path / "p.toml").write_text(inferred.out)
    assert cli("check", DATA / "new.csv", "--panel", tmp_path / "p.toml").code == 0
    assert "athero-3" in cli("panel", "list").out
    assert cli("panel", "show", "athero3").code == 3


def test_explain_writes_one_specimen_page(trained, cli, tmp_path):
    done = cli("explain", DATA / "new.csv", "--model", trained.bundle, "--specimen", "SIM6-0001", "-o", tmp_path / "p.html")
    assert done.code == 0, done.err
    page = (tmp_path / "p.html").read_text()
    assert "SIM6-0001" in page
    assert RUO in page
    assert cli("explain", DATA / "new.csv", "--model", trained.bundle, "--specimen", "nobody").code == 3


def test_demo_runs_the_whole_way_and_prints_where_everything_is(tmp_path):
    done = run("demo", "-o", tmp_path / "demo", cwd=tmp_path)
    assert done.code == 0, done.err
    for name in ("scores.csv", "specimen.html", "model/manifest.json", "model/report.html"):
        assert (tmp_path / "demo" / name).is_file()
        assert name.split("/")[0] in done.out
    assert RUO in done.out
    assert "Simulated" in (tmp_path / "demo" / "model" / "report.html").read_text()
    assert {p.name for p in tmp_path.iterdir()} == {"demo"}  # nothing is left elsewhere in the working folder
    assert len((tmp_path / "demo" / "scores.csv").read_text().splitlines()) == 61


@pytest.mark.parametrize(
    ("before", "in_order"),
    [
        ("", False),
        ("sys.modules['joblib'] = sys", True),
        ("import threading, time; threading.Thread(target=time.sleep, args=(0.2,)).start()", True),
    ],
)
@pytest.mark.parametrize(("argument", "code"), [("--version", 0), ("no-such-command", 2)])
def test_the_program_leaves_at_once_unless_something_is_left_to_do(before, in_order, argument, code):
    script = (
        f"import atexit, sys; {before or 'pass'}\n"
        "atexit.register(print, 'in order', file=sys.stderr); sys.argv = ['exodx', sys.argv[1]]\n"
        "from exodx.cli import program; print('said before', end=''); program()"
    )
    done = subprocess.run([sys.executable, "-c", script, argument], capture_output=True, text=True, check=False)
    assert (done.returncode, "in order" in done.stderr) == (code, in_order)
    assert done.stdout.startswith("said before")


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed by the shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_error(closed):
    command = f"{shlex.quote(sys.executable)} -m exodx --version {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

"""The command line as people expect it: help, examples, completion, quiet, JSON, colours, suggestions, the manual."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys

import click
import pytest

from exodx.cli import COMMANDS, GROUPS, app
from exodx.cli.colours import painted, wanted
from exodx.cli.examples import EXAMPLES
from exodx.cli.manual import BEGIN, END, called, manual
from exodx.errors import RUO
from tests.cli.calls import DATA, ROOT, run
from tests.test_readme import parsed


def completed(words, shell="bash", **more):
    """Ask for completions as the shell does."""
    environment = {
        **os.environ,
        "_EXODX_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([sys.executable, "-m", "exodx"], env=environment, capture_output=True, text=True, check=True)
    return [line.split(",", 1)[1] for line in done.stdout.splitlines() if line]


def on_a_terminal(arguments, **environment):
    """Run a command whose stdout and stderr are a terminal; give what it shows."""
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "exodx", *map(str, arguments)],
        stdout=terminal,
        stderr=terminal,
        env={**{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}, "TERM": "xterm", **environment},
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(controller, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        process.wait()
    os.close(controller)
    return shown.decode()


def test_help_has_headings_and_every_command_once(cli):
    shown = cli("--help").out
    for heading in GROUPS:
        assert f"\n{heading}:\n" in shown
    for name in COMMANDS:
        assert len(re.findall(rf"^  {name} ", shown, re.MULTILINE)) == 1, name
    assert RUO in shown
    assert "Exit codes: 0 done" in shown


def test_every_command_has_examples_that_parse():
    assert set(EXAMPLES) >= set(GROUPS["Models"]) | set(GROUPS["Start"])
    assert set(EXAMPLES) <= set(COMMANDS)
    for name, lines in EXAMPLES.items():
        for line in lines:
            path = parsed(line.split(" > ")[0])
            assert path.split()[1] == name, line


def test_help_shows_the_examples_unwrapped(cli):
    shown = cli("predict", "--help").out
    for line in EXAMPLES["predict"]:
        assert f"    {line}\n" in shown


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("trian", "train"), ("predcit", "predict"), ("evalute", "evaluate"), ("chek", "check")],
)
def test_a_mistyped_command_is_answered_with_the_nearest(cli, typed, meant):
    done = cli(typed)
    assert done.code == 2
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in done.err


def test_far_from_any_command_all_are_listed(cli):
    done = cli("xyzzy")
    assert done.code == 2
    assert all(name in done.err for name in COMMANDS)


def test_a_mistyped_option_column_panel_or_analyte_is_answered_with_the_nearest(cli, tmp_path):
    assert "--label" in cli("train", "x.csv", "--lable", "group").err
    train = DATA / "train.csv"
    assert "Did you mean 'group'?" in cli("check", train, "--panel", "athero-3", "--label", "gruop").err
    assert "Did you mean 'athero-3'?" in cli("check", train, "--panel", "athero3").err
    slip = tmp_path / "slip.csv"
    slip.write_text(train.read_text().replace("miR-126-3p", "mri-126-3p", 1))
    done = cli("check", slip, "--panel", "athero-3")
    assert done.code == 3
    assert "Is column 'mri-126-3p' meant? Then correct its name. If not: add a column" in done.err


def test_completion_of_commands_options_and_values():
    assert set(completed(["exodx", "e"])) == {"evaluate", "explain", "efficiency"}
    assert "--keep-going" in completed(["exodx", "predict", "--k"])
    assert completed(["exodx", "predict", "--explain", "t"]) == ["top3"]
    assert "promote" in completed(["exodx", "review", "pro"])
    assert completed(["exodx", "no-such", "x"]) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_for_exodx(shell):
    if shell == "bash" and not os.path.exists("/bin/bash"):
        pytest.skip("no bash here")
    environment = {**os.environ, "_EXODX_COMPLETE": f"{shell}_source"}
    done = subprocess.run([sys.executable, "-m", "exodx"], env=environment, capture_output=True, text=True, check=True)
    assert "_EXODX_COMPLETE" in done.stdout
    assert "exodx" in done.stdout
    assert f'eval "$(_EXODX_COMPLETE={shell}_source exodx)"' in (ROOT / "README.md").read_text() or shell == "fish"


def test_completion_loads_nothing_heavy():
    code = "import sys, exodx.cli as c; c.main()"
    environment = {**os.environ, "_EXODX_COMPLETE": "bash_complete", "COMP_WORDS": "exodx pre", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "predict" in done.stdout
    assert not re.search(r"\b(numpy|pandas|sklearn|mlflow|xgboost)$", done.stderr, re.MULTILINE)


def test_version(cli):
    assert re.fullmatch(r"exodx, version \d+\.\d+\.\d+\n", cli("--version").out)


def test_quiet_says_nothing_but_refusals(trained, cli, tmp_path):
    out = tmp_path / "scores.csv"
    for words in (("--quiet", "predict"), ("predict", "-q")):
        done = cli(*words, DATA / "new.csv", "--model", trained.bundle, "-o", out)
        assert done.code in (0, 5)
        assert (done.out, done.err) == ("", "")
        out.unlink()
    loud = cli("predict", DATA / "new.csv", "--model", trained.bundle, "-o", out)
    assert "called positive" in loud.err
    refused = cli("-q", "predict", DATA / "none.csv", "--model", trained.bundle)
    assert refused.code == 3
    assert "refused" in refused.err
    answer = cli("evaluate", DATA / "new.csv", "--model", trained.bundle, "--label", "group", "--positive", "case", "--json", "-q")
    assert json.loads(answer.out)["headline"]["name"] == "AUC"
    assert answer.err == ""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("name", "panel", "review")])
def test_every_command_may_be_quiet(name):
    command = app.get_command(click.Context(app), name)
    assert any("--quiet" in parameter.opts for parameter in command.params)
    app.get_command(click.Context(app), name)
    assert sum("--quiet" in parameter.opts for parameter in command.params) == 1


def test_predict_answers_a_script(trained, cli, tmp_path):
    out = tmp_path / "scores.csv"
    done = cli("predict", DATA / "new.csv", "--model", trained.bundle, "-o", out, "--json")
    answer = json.loads(done.out)
    rows = out.read_text().splitlines()[1:]
    assert answer["specimens"] == len(rows) == sum(answer["calls"].values())
    assert answer["not_reported"] == sum(",not_reported," in row for row in rows)
    assert (done.code == 5) == (answer["not_reported"] > 0)
    assert answer["model_hash"] == trained.answer["model_hash"]
    assert answer["notice"] == RUO
    assert not any(row.split(",")[0] in done.out for row in rows)
    to_stdout = cli("predict", DATA / "new.csv", "--model", trained.bundle, "--json")
    assert to_stdout.code == 2
    assert "-o FILE" in to_stdout.err


def test_colours_on_a_terminal_alone():
    words = ("panel", "show", "athero3")
    shown = on_a_terminal(words)
    assert "\x1b[1m[PANEL_UNKNOWN]\x1b[0m" in shown
    assert "\x1b[31mexodx: refused" in shown
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = on_a_terminal(words, **environment)
        assert "\x1b[" not in plain
        assert "[PANEL_UNKNOWN]" in plain
    assert "\x1b[" not in run(*words).err


def test_gravities_are_painted_and_nothing_else():
    text = "  blocking [site_confounded] a note [x]\n  warning [b] c\nnote: [d]\n  note [e] f"
    shown = painted(text)
    assert click.unstyle(shown) == text
    assert shown.count("\x1b[31m") == shown.count("\x1b[33m") == shown.count("\x1b[36m") == 1
    assert wanted({"NO_COLOR": ""}) is None
    assert wanted({"NO_COLOR": "1"}) is False


def test_the_readme_holds_the_synopsis_of_today():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    held = readme.partition(BEGIN + "\n")[2].partition(END)[0]
    assert held == called(app, "exodx"), "python -m exodx manual --into README.md"


def test_the_synopsis_names_every_option_of_every_command():
    text = called(app, "exodx")
    context = click.Context(app, info_name="exodx")
    for name in COMMANDS:
        command = app.get_command(context, name)
        for each in command.commands.values() if isinstance(command, click.Group) else [command]:
            for option in (p for p in each.params if isinstance(p, click.Option) and "--quiet" not in p.opts):
                assert max(option.opts, key=len) in text, (name, option.opts)


def test_the_manual_is_the_help_on_any_terminal(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    narrow = cli("manual").out
    monkeypatch.setenv("COLUMNS", "200")
    assert cli("manual").out == narrow == manual(app, "exodx")
    assert "Usage: exodx review promote [OPTIONS] VERSION" in narrow
    assert max(map(len, cli("manual", "--synopsis").out.splitlines())) <= 110


def test_the_synopsis_is_renewed_in_place_or_refused(cli, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert cli("manual", "--into", page).code == 0
    assert page.read_text() == f"before\n{BEGIN}\n{called(app, 'exodx')}{END}\nafter\n"
    page.write_text("no marks")
    done = cli("manual", "--into", page)
    assert (done.code, "MARKS_MISSING" in done.err, page.read_text()) == (2, True, "no marks")


def test_examples_are_lines_of_a_shell():
    for lines in EXAMPLES.values():
        for line in lines:
            assert shlex.split(line)[0] == "exodx"

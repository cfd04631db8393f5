"""Every command that the README shows is one that exodx takes, and each is run here or listed with who runs it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from exodx.cli import app, main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?:bash|console)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
LINES = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines()]
INLINE = [text for text in re.findall(r"`(exodx [^`]+)`", README) if re.match(r"exodx [a-z]", text)]
COMMANDS = sorted({line for line in LINES if line.startswith("exodx ")})


def parsed(line: str) -> str:
    """Walk to the command and give it its words, without running it; return its name."""
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = app
    context = click.Context(app, info_name="exodx")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{line}: no command {words[0]!r}"
        command, context = found, click.Context(found, parent=context, info_name=words.pop(0))
    if "--help" not in words and words:
        given, _, _ = command.make_parser(context).parse_args(words)
        missing = [p.name for p in command.params if p.required and given.get(p.name) in (None, ())]
        assert not missing, f"{line}: {missing} missing"
        for parameter in command.params:
            if isinstance(parameter.type, (click.Choice, click.types.IntParamType, click.types.FloatParamType)):
                value = given.get(parameter.name)
                if isinstance(value, str):
                    parameter.type.convert(value, parameter, context)
    return context.command_path


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_parses(line):
    assert parsed(line).startswith("exodx ")


@pytest.mark.parametrize("text", INLINE)
def test_a_command_named_in_a_sentence_exists(text):
    name = text.split()[1]
    assert app.get_command(click.Context(app), name) is not None


def test_the_lines_for_scikit_learn_run():
    code = README.partition("<!-- scikit-learn -->\n```python\n")[2].partition("\n```")[0]
    told = "print(len(classifier.calls(X)), classifier.model_.provenance.n_subjects, assay.fit_transform(X).shape)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", f"{code}\n{told}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "160 146 (160, 3)\n"


def test_what_is_wrong_is_seen():
    with pytest.raises(click.NoSuchOption):
        parsed("exodx train cohort.csv --colour red")
    with pytest.raises(AssertionError, match="no command"):
        parsed("exodx divine cohort.csv")
    with pytest.raises(AssertionError, match="missing"):
        parsed("exodx evaluate cohort.csv")
    with pytest.raises(click.BadParameter):
        parsed("exodx simulate -n many")


@pytest.mark.parametrize(
    "command", ["samplesize", "quantify", "efficiency", "monitor", "evaluate", "train", "predict", "check", "simulate"]
)
def test_the_readme_shows_each_of_these(command):
    assert any(line.startswith(f"exodx {command} ") for line in COMMANDS)


MODEL = "models/athero-3/1"
LABEL = "--label group --positive case"
TRAIN = f"exodx train cohort.csv --panel athero-3 {LABEL}"
HERE = {
    "exodx samplesize --prevalence 0.5 --auc 0.8 --parameters 5": (),
    "exodx simulate -n 240 --site-case-shares .6,.5,.3 -o cohort.csv": (),
    "exodx simulate -n 300 --site-case-shares .15,.15 --seed 9 -o new.csv": (),
    "exodx simulate --repeated 0.3 --seed 1 -o visits.csv": (),
    f"exodx check cohort.csv --panel athero-3 {LABEL}": (),
    f"{TRAIN} -o {MODEL}": ("--plan", "small.toml", "--no-track"),
    f"exodx predict new.csv --model {MODEL} -o scores.csv": (),
    f"exodx evaluate new.csv --model {MODEL} {LABEL}": (),
    f"exodx explain new.csv --model {MODEL} --specimen SIM9-0001 -o SIM9-0001.html": (),
    f"exodx evaluate new.csv --model {MODEL} {LABEL} --html new.html --recalibrate models/athero-3/2 --at-prevalence 0.03": (
        "--no-track",
    ),
    "exodx monitor visits.csv --panel athero-3": (),
    "exodx keygen lab": (),
    f"exodx sign {MODEL} --key lab.key": (),
    f"exodx verify {MODEL} --key lab.pub": (),
    f"exodx predict new.csv --model {MODEL} -o scores.csv --pseudonyms study.secret": (),
    "exodx send --list": (),
    "exodx send": (),
}
"""Commands that are run here, in this order, and the words that make one small."""

FRESH = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt"
LARGE = (
    "exodx predict 's3://study/plasma/part-*.parquet' --model models:/athero-3@champion -o s3://study/scores.parquet --engine dask"
)
REGISTERED = "models:/athero-3/1"
SECRETS = "MLFLOW_AUTH_ADMIN_PASSWORD=… MLFLOW_FLASK_SERVER_SECRET_KEY=… MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false"
CLI = "tests/cli/test_cli_"
TEAM = "tests/tracking/test_team.py"
ELSEWHERE = {
    f"{FRESH} . && .venv/bin/exodx demo": f"{CLI}others.py",
    f"{FRESH} -e '.[test]' && .venv/bin/python -m pytest -q": ".ci/run",
    "exodx ui": f"{CLI}ui_browser.py",
    "exodx quantify plate.csv -o concentrations.csv": f"{CLI}quantify.py",
    "exodx efficiency standards.txt": f"{CLI}efficiency.py",
    f"{TRAIN} --panel-curve -o {MODEL}": f"{CLI}train_audits.py",
    f"{TRAIN} --plan grey.toml --no-track -o models/athero-3/grey": f"{CLI}evaluate.py",
    f"{TRAIN} --answers answers.toml -o {MODEL}": f"{CLI}sheets.py",
    f"exodx review answers {REGISTERED} > answers.toml": f"{CLI}sheets.py",
    f'exodx review answers {REGISTERED} --from answers.toml --by "A. Kiss"': f"{CLI}sheets.py",
    f"{LARGE} --scheduler tcp://scheduler:8786": f"{CLI}cluster.py",
    f"exodx predict cohort-parts --model {MODEL} -o scores.parquet --engine dask --jobs 4": f"{CLI}cluster.py",
    f"exodx evaluate new.csv --model {REGISTERED} {LABEL} --track": f"{CLI}review.py",
    f"exodx review compare {REGISTERED} models:/athero-3/2 --cohort new.csv {LABEL} --html compare.html": f"{CLI}review.py",
    f'exodx review check {REGISTERED} --by "E. Nagy"': f"{CLI}review.py",
    f'exodx review promote {REGISTERED} --as champion --by "E. Nagy" --reason "holds at the second site"': f"{CLI}review.py",
    'exodx review rollback athero-3 --by "E. Nagy" --reason "plate 12"': f"{CLI}review.py",
    f"export MLFLOW_AUTH_CONFIG_PATH=auth.ini {SECRETS}": TEAM,
    "export MLFLOW_BACKEND_STORE_URI=postgresql://exodx:…@127.0.0.1/mlflow": TEAM,
    "mlflow server --app-name basic-auth --artifacts-destination /srv/exodx/artifacts --host 127.0.0.1 --port 5000": TEAM,
    'eval "$(_EXODX_COMPLETE=bash_source exodx)"': f"{CLI}people.py",
    'eval "$(_EXODX_COMPLETE=zsh_source exodx)"': f"{CLI}people.py",
}
"""Commands that take servers, clusters, another machine or minutes, and the file that runs them, with files of its own."""

TOURS = re.findall(r"^<!-- tour -->\n```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
PLAN = 'budget = "minimal"\nouter_folds = 3\ninner_folds = 3\nrepeats = 1\nprevalence = 0.2\n'


def bare(line: str) -> str:
    """Return a command with single blanks and without its comment."""
    return re.sub(r" +", " ", re.sub(r"\s+# .*$", "", line.removeprefix("$ "))).strip()


def commands(readme: str) -> set[str]:
    """Return every command of the fenced shell blocks: in a transcript the lines with a prompt, in a script every line."""
    blocks = re.findall(r"^```(bash|console|sh|shell)\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    return {bare(line) for kind, block in blocks for line in block.splitlines() if line and (kind != "console" or line[:2] == "$ ")}


def escaped(readme: str) -> set[str]:
    """Return the commands that are neither run here nor listed with who runs them."""
    toured = {bare(line) for tour in TOURS for line in tour.splitlines() if line.startswith("$ ")}
    return commands(readme) - toured - set(HERE) - set(ELSEWHERE)


def test_no_command_escapes():
    assert escaped(README) == set()
    assert escaped(README + "\n```bash\nexodx predict other.csv --model m   # never run\n```\n") == {
        "exodx predict other.csv --model m"
    }


def test_no_command_is_listed_that_the_readme_does_not_show_and_who_runs_it_is_there():
    assert (set(HERE) | set(ELSEWHERE)) - commands(README) == set()
    for command, place in ELSEWHERE.items():
        said = (ROOT / place).read_text(encoding="utf-8")
        words = {
            "compare",
            "promote",
            "rollback",
            "answers",
            "demo",
            "quantify",
            "efficiency",
            "evaluate",
            "grey",
            "panel-curve",
            "dask",
        }
        for word in words & set(re.split(r"[ \-./]+", command)):
            assert word in said, (command, place, word)


def test_every_link_within_the_readme_leads_somewhere_and_every_picture_is_there():
    text = re.sub(r"^```.*?^```$", "", README, flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", head.casefold()).replace(" ", "-") for head in heads}
    linked = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert linked - anchors == set()
    pictures = re.findall(r'(?:src="|!\[[^]]*\]\()(\.readme/[^")]+)', text)
    assert len(pictures) >= 4
    assert {path.name for path in (ROOT / ".readme").iterdir()} == {Path(picture).name for picture in pictures}


def test_the_commands_run(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(PLAN)
    (tmp_path / "study.secret").write_text("a" * 64)
    for command, more in HERE.items():
        monkeypatch.setattr(sys, "argv", [*shlex.split(command), *more])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capfd.readouterr()
        assert code in ((0, 5) if " predict " in command else (0,)), f"{command}: {said.err}"


NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?")
NEAR = 0.05
"""Other versions of the libraries may move an estimate by so much, and one specimen over the threshold."""


def shows(real: str, shown: str) -> bool:
    """Say whether a line is the one shown: to its …, and with numbers that may differ a little in their decimals."""
    start, cut, end = shown.partition("…")
    if cut and NUMBER.search(end):
        return real.startswith(start) and shows(real[-len(end) :], end)
    if cut:
        return real.startswith(start.rstrip()) and real.endswith(end)
    if NUMBER.sub("#", real) != NUMBER.sub("#", shown):
        return False
    pairs = list(zip(NUMBER.findall(real.replace("−", "-")), NUMBER.findall(shown.replace("−", "-")), strict=True))
    near = 1 if " called positive" in shown else 0
    return all(a == b or abs(float(a) - float(b)) <= (NEAR if "." in b else near) for a, b in pairs)


def test_a_line_that_is_not_what_was_printed_is_seen():
    assert shows("AUC 0.905 (95 % CI −0.1 to 0.9)", "AUC 0.901 (95 % CI −0.1 to 0.9)")
    assert shows("[ID_TWICE] a.csv: more words", "[ID_TWICE] a.csv …")
    assert shows("athero-3-123: 24 specimens", "athero-3-…: 24 specimens")
    assert not shows("AUC 0.905", "AUC 0.805")
    assert not shows("24 specimens", "25 specimens")
    assert not shows("AUC 0.905 of", "AUC 0.905")
    assert shows("a-1f: 24 specimens, 13 called positive, 11 negative", "a-…: 24 specimens, 14 called positive, 10 negative")
    assert not shows("a-1f: 24 specimens, 12 called positive, 12 negative", "a-…: 24 specimens, 14 called positive, 10 negative")
    assert not shows("b-1f: 24 specimens, 14 called positive, 10 negative", "a-…: 24 specimens, 14 called positive, 10 negative")


def test_the_first_five_minutes_print_what_is_shown(tmp_path):
    """Line after line, in order; an … alone stands for any others, and nothing else is left out."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    place, runs = tmp_path, []
    for tour in TOURS:
        for line in tour.splitlines():
            if line.startswith("$ "):
                runs.append((line[2:], []))
            else:
                runs[-1][1].append(line)
    assert len(runs) >= 6
    for command, shown in runs:
        if command.startswith("cd "):
            place = place / command[3:]
            continue
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(words, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        real = iter(done.stdout.splitlines())
        for line in shown:
            if line != "…":
                assert any(shows(printed, line) for printed in real), f"{command}\n{line}\nis not in\n{done.stdout}"

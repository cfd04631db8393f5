"""Every command that the README shows is one that exodx takes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from exodx.cli import app

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
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

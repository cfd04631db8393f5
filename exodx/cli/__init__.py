"""The command line: one module per command, each IO around one library call. Data go to stdout or ``-o``, talk goes to stderr."""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib import import_module
from io import TextIOWrapper

import click

from exodx.errors import RUO, ExodxError, Problem, UsageError

COMMANDS = {
    "card": "Write one specimen's card, under an opaque id.",
    "check": "Read and validate a cohort; say everything that is wrong at once.",
    "demo": "Run the whole way on the example cohort that comes with exodx.",
    "efficiency": "Read amplification efficiencies off the standards of a qPCR export.",
    "evaluate": "Evaluate a frozen model on another cohort.",
    "explain": "Write one specimen's page.",
    "monitor": "Say which repeated specimens of a subject differ by more than noise.",
    "name": "Resolve names of miRNAs and proteins to accessions.",
    "panel": "List panels, show one, or infer one from a table.",
    "predict": "Score a cohort, with explanations.",
    "quantify": "Read concentrations off an immunoassay plate's own standards.",
    "review": "Compare registered versions; promote one through the review gate.",
    "samplesize": "Say how many specimens a study needs.",
    "send": "Send finished runs that MLflow could not take.",
    "simulate": "Write a simulated cohort of a panel.",
    "train": "Validate, train, explain, report and register a model.",
    "ui": "Open the MLflow UI on the runs.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, so that help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command by name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"exodx.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=RUO)
@click.version_option(package_name="exodx", prog_name="exodx")
def app() -> None:
    r"""Honest, explained diagnostic classifiers from extracellular-vesicle miRNA and protein panels.

    \b
    Exit codes: 0 done, 2 wrong usage or a place that cannot be written, 3 input refused, 4 model refused,
    5 finished but some rows were not scored, 6 finished but not in MLflow (exodx send).
    """


def main() -> None:
    """Run the command line; a refusal is told on stderr and becomes the exit code."""
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")  # its chatter is not ours; what fails in it we tell
    _end_in_order()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # as files are, whatever the terminal's language
    try:
        app()
    except ExodxError as error:
        click.echo(f"exodx: refused\n{error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        click.echo(f"exodx: refused\n{_problem(error)}", err=True)
        sys.exit(UsageError.exit_code)


def _problem(error: OSError) -> Problem:
    """Say which place the machine refuses: a file it names, else stdout (outputs say so themselves, see exodx.place)."""
    found = error.strerror or str(error)
    if error.filename is not None:
        fix = "Make room, or see to it that it can be read and written (TMPDIR, EXODX_HOME)."
        return Problem("FILE_UNUSABLE", str(error.filename), found, fix)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left cannot be written either
    return Problem("OUTPUT_UNWRITABLE", "stdout", found, "Write to a place with room: -o FILE.")


def _end_in_order() -> None:
    """Let whoever is asked to end take away what is in the making, as if interrupted at the terminal."""
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _end)


def _end(number: int, frame: object) -> None:  # noqa: ARG001
    sys.exit(128 + number)

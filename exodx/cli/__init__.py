"""The command line: one module per command, each IO around one library call. Data go to stdout or ``-o``, talk goes to stderr."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper

import click

from exodx.cli.colours import painted, wanted
from exodx.cli.examples import examples_text
from exodx.cli.options import QUIET
from exodx.errors import RUO, ExodxError, Problem, UsageError, nearest

COMMANDS = {
    "card": "Write one specimen's card, under an opaque id.",
    "check": "Read and validate a cohort; say everything that is wrong at once.",
    "demo": "Run the whole way on the example cohort that comes with exodx.",
    "efficiency": "Read amplification efficiencies off the standards of a qPCR export.",
    "evaluate": "Evaluate a frozen model on another cohort.",
    "explain": "Write one specimen's page.",
    "manual": "Print the help of every command, as Markdown.",
    "keygen": "Make a pair of keys to sign bundles with.",
    "monitor": "Say which repeated specimens of a subject differ by more than noise.",
    "name": "Resolve names of miRNAs and proteins to accessions.",
    "new": "Lay out a study folder that runs at once.",
    "panel": "List panels, show one, or infer one from a table.",
    "predict": "Score a cohort, with explanations.",
    "quantify": "Read concentrations off an immunoassay plate's own standards.",
    "review": "Compare registered versions; promote one through the review gate.",
    "samplesize": "Say how many specimens a study needs.",
    "send": "Send finished runs that MLflow could not take.",
    "sign": "Sign a model bundle.",
    "simulate": "Write a simulated cohort of a panel.",
    "train": "Validate, train, explain, report and register a model.",
    "ui": "Open the MLflow UI on the runs.",
    "verify": "Verify a model bundle, and who signed it.",
}

GROUPS = {
    "Start": ("new", "demo", "simulate", "samplesize"),
    "Measurements": ("check", "panel", "name", "quantify", "efficiency", "card"),
    "Models": ("train", "evaluate", "predict", "explain", "monitor"),
    "Review": ("review", "send", "ui"),
}
"""Headings of the help, and the commands below each; the others stand below the last."""


def grouped() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Give each heading with its commands and what they do; every command once."""
    placed = {name for names in GROUPS.values() for name in names}
    rest = tuple(name for name in COMMANDS if name not in placed)
    for heading, names in {**GROUPS, "Other": rest}.items():
        yield heading, [(name, COMMANDS[name]) for name in names]


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, so that help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands, in the order of the help."""
        return [name for _, rows in grouped() for name, _ in rows]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command by name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"exodx.cli.{cmd_name}").command
        command.epilog = command.epilog or examples_text(cmd_name)
        for each in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            if QUIET not in each.params:
                each.params.append(QUIET)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; for a name that is none, say the nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}. {nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the lists of commands without importing them."""
        for heading, rows in grouped():
            with formatter.section(heading):
                formatter.write_dl(rows)


OBJECTS_BETWEEN_SWEEPS = 50_000
"""Python looks for garbage in circles after so many objects, for 700: to import libraries makes many that stay."""

FIRST = f"""\b
Examples:
  exodx new my-study                  a folder to start from
  exodx check cohort.csv              what is in a table, and what is wrong with it
  exodx train --help                  all about one command
\b
Exit codes: 0 done, 2 wrong usage or a place that cannot be written,
3 input refused, 4 model refused, 5 finished but some rows were not
scored, 6 finished but not in MLflow (exodx send).

{RUO}"""


@click.group(cls=LazyGroup, params=[QUIET], context_settings={"help_option_names": ["-h", "--help"]}, epilog=FIRST)
@click.version_option(package_name="exodx", prog_name="exodx")
def app() -> None:
    """Honest, explained diagnostic classifiers from extracellular-vesicle miRNA and protein panels."""


def main() -> None:
    """Run the command line; a refusal is told on stderr and becomes the exit code."""
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")  # its chatter is not ours; what fails in it we tell
    gc.set_threshold(OBJECTS_BETWEEN_SWEEPS)
    _end_in_order()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # as files are, whatever the terminal's language
    try:
        app(prog_name="exodx", color=wanted())
    except ExodxError as error:
        click.echo(f"{click.style('exodx: refused', fg='red')}\n{painted(str(error))}", err=True, color=wanted())
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        click.echo(f"exodx: refused\n{_problem(error)}", err=True)
        sys.exit(UsageError.exit_code)


END_LATER = frozenset({"coverage", "dask", "joblib", "matplotlib", "mlflow", "multiprocessing"})
"""Libraries that have something left to do when Python ends."""


def program() -> None:
    """Run the command line as a process of its own, and leave at once where nothing is left to do.

    Python would first take every module apart: a seventh of the time in which 100 specimens are scored.
    """
    code: int | str | None = 0
    try:
        main()
    except SystemExit as left:
        code = left.code
    if not isinstance(code, str) and threading.active_count() == 1 and not END_LATER & sys.modules.keys():
        with suppress(OSError, ValueError):
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:  # closed by whoever called
                    stream.flush()
            os._exit(code or 0)
    sys.exit(code)


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

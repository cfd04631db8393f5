"""``exodx manual``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from exodx.cli.options import FILE, QUIET, say, write_text
from exodx.errors import Problem, UsageError

WIDTH = 110
BEGIN, END = "<!-- synopsis -->", "<!-- end of synopsis -->"


@click.command("manual")
@click.option("--synopsis", is_flag=True, help="Only how each command is called, and what it does in a line.")
@click.option("--into", type=FILE, metavar="FILE", help="Write the synopsis between its two marks in this file, e.g. README.md.")
@click.pass_context
def command(ctx: click.Context, synopsis: bool, into: Path | None) -> None:
    """Print the manual: the help of every command, as Markdown."""
    root = ctx.find_root()
    if into is not None:
        write_text(_renewed(into, called(root.command, str(root.info_name))), into)
        say(f"synopsis → {into}")
        return
    print_ = called if synopsis else manual
    click.echo(print_(root.command, str(root.info_name)), nl=False)


def _renewed(into: Path, text: str) -> str:
    """Return a file's text with this between the marks."""
    old = into.read_text(encoding="utf-8") if into.is_file() else ""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        fix = f"Put the lines {BEGIN!r} and {END!r} where it belongs."
        raise UsageError(Problem("MARKS_MISSING", str(into), "there is no place for the synopsis", fix))
    return f"{before}{BEGIN}\n{text}{END}{after}"


def manual(app: click.Command, name: str) -> str:
    """Return the help of a command and of all below it as Markdown; the same on every terminal."""
    return "\n".join(f"```text\n{_help(each)}\n```\n" for each in _contexts(app, click.Context(app, info_name=name)))


def called(app: click.Command, name: str) -> str:
    """Return how a command and all below it are called, and what each does, as a block of Markdown."""
    contexts = [each for each in _contexts(app, click.Context(app, info_name=name)) if not isinstance(each.command, click.Group)]
    return "```text\n" + "\n".join(_synopsis(each) for each in contexts) + "\n```\n"


def _contexts(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _contexts(below, click.Context(below, parent=context, info_name=name))


def _help(context: click.Context) -> str:
    context.terminal_width = WIDTH
    return "\n".join(line.rstrip() for line in context.command.get_help(context).splitlines())


def _synopsis(context: click.Context) -> str:
    """Return the call, wrapped between options, and the first sentence of the help."""
    calls = [_call(each, context) for each in context.command.params if each is not QUIET]
    pieces = [context.command_path, *(call.replace(" ", "\N{NO-BREAK SPACE}") for call in calls)]
    lines = textwrap.wrap(" ".join(pieces), WIDTH, subsequent_indent=8 * " ", break_long_words=False, break_on_hyphens=False)
    what = textwrap.wrap(context.command.get_short_help_str(limit=1000), WIDTH, initial_indent=4 * " ", subsequent_indent=4 * " ")
    return "\n".join([*lines, *what]).replace("\N{NO-BREAK SPACE}", " ")


def _call(parameter: click.Parameter, context: click.Context) -> str:
    if not isinstance(parameter, click.Option):
        return parameter.make_metavar(context)
    name = max(parameter.opts, key=len) + "".join(f"/{other}" for other in parameter.secondary_opts)
    text = name if parameter.is_flag else f"{name} {parameter.make_metavar(context)}"
    return (text if parameter.required else f"[{text}]") + ("…" if parameter.multiple else "")

"""Options that several commands share, and what they become."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.colours import painted

if TYPE_CHECKING:
    from exodx.cohort import Intake
    from exodx.frozen import MulticlassModel
    from exodx.panel import StudyPlan

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_QUIET = "exodx.quiet"


def _hush(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_QUIET] = True  # of the whole call, whichever command was given it


QUIET = click.Option(
    ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_hush, help="Say nothing on stderr but why something is refused."
)
MODEL_SCHEMES = ("models:/", "runs:/")
MOST_OF_A_KEY = 1 << 16
"""Bytes of a key's file that are read."""
FILE = click.Path(path_type=Path)
COHORT = click.argument("cohort", type=FILE)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
MODEL = click.option("--model", required=True, help="Bundle folder, or MLflow URI (models:/NAME@ALIAS, runs:/ID).")

PANEL = click.option("--panel", help="Built-in panel, TOML file, or 'auto' to infer one from the columns (exploratory).")

SPECIMENS = click.option(
    "--specimens",
    type=FILE,
    multiple=True,
    help="A further table of specimen columns or measurements, joined by specimen id; may be given several times.",
)

PSEUDONYMS = click.option(
    "--pseudonyms",
    "key_file",
    type=FILE,
    metavar="KEYFILE",
    help="Write each id as its HMAC-SHA256 by the secret in this file (16 bytes or more), for what leaves the machine.",
)

CLASSES = click.option("--classes", help="Of several values of the label, those to tell apart: A,B,C; the others are left out.")

_PLAN_OPTIONS = (
    click.option("--label", help="Column of the reference standard."),
    click.option("--positive", help="Its value that means: target condition present; several with commas."),
    click.option("--specimen", help="Column of specimen ids."),
    click.option("--subject", help="Column of subjects: splits never separate a subject's specimens."),
    click.option("--site", help="Column of sites: held out one at a time."),
    SPECIMENS,
    click.option("--plan", type=FILE, help="Study plan (TOML); options on the command line win."),
)


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a study plan, but for the panel."""
    for option in reversed(_PLAN_OPTIONS):
        command = option(command)
    return command


_STATED_OPTIONS = (
    click.option("--release", "mirbase_release", metavar="N", help="miRBase release of the column names, e.g. 16 or 9.2."),
    click.option("--specimen-type", help="What the specimens are, e.g. plasma, where the table does not say."),
    click.option("--platform", help="How they were measured, where the table does not say."),
    click.option("--isolation", help="How vesicles were isolated, where the table does not say."),
)
_ALLOW_OPTIONS = (
    click.option(
        "--allow", multiple=True, metavar="CODE", help="Score in spite of this refusal, with status WARN; needs --because."
    ),
    click.option("--because", default="", metavar="REASON", help="Why; it is written beside every specimen concerned."),
)


def stated_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what the specimens are."""
    for option in reversed(_STATED_OPTIONS):
        command = option(command)
    return command


def allow_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that allow a difference from what the model is valid for."""
    for option in reversed(_ALLOW_OPTIONS):
        command = option(command)
    return command


def conditions_of(options: dict[str, Any]) -> Any:
    """Take what is said of the specimens out of a command's options (the release stays there too, for the plan)."""
    from exodx.frozen import Conditions

    said = {key: options.pop(key) for key in ("specimen_type", "platform", "isolation", "allow", "because") if key in options}
    return Conditions(**said, release=options.get("mirbase_release"))


def study_plan(plan: Path | None, **given: Any) -> StudyPlan:
    """Return the plan: the file's choices, with the command line's laid over them."""
    from exodx.panel import parse_plan, read_toml

    table = read_toml(plan) if plan is not None else {}
    where = str(plan) if plan is not None else "command line"
    if plan is not None and isinstance(table.get("answers"), str):
        table["answers"] = str(plan.parent / table["answers"])
    return parse_plan({**table, **{key: value for key, value in given.items() if value is not None}}, where)


@contextmanager
def bundle_folder(model: str) -> Iterator[Path]:
    """Give the folder of a bundle, or of an MLflow URI's; mlflow is imported where that bundle is not on the shelf yet."""
    import tempfile

    if not model.startswith(MODEL_SCHEMES):
        yield Path(model)
        return
    from exodx.shelf import kept_bundle, registered_hash

    model_hash = registered_hash(model)
    kept = None if model_hash is None else kept_bundle(model_hash)
    if kept is not None:
        yield kept
        return
    from exodx.tracking import fetch_bundle

    with tempfile.TemporaryDirectory() as folder:
        yield fetch_bundle(model, Path(folder))


def open_model(model: str) -> Any:
    """Return (model, hash) of a bundle folder or an MLflow URI."""
    from exodx.frozen import load_bundle

    with bundle_folder(model) as folder:
        return load_bundle(folder)


def open_binary(model: str, what: str) -> Any:
    """Return (model, hash) as :func:`open_model` does, but refuse a model of several classes for what it cannot do."""
    from exodx.errors import ModelRefused, Problem
    from exodx.frozen import MulticlassModel

    opened = open_model(model)
    if isinstance(opened[0], MulticlassModel):
        found = f"it tells {len(opened[0].classes)} classes apart, and {what} is for one class against all others"
        fix = "Train one for it: exodx train --positive VALUE."
        raise ModelRefused(Problem("MODEL_MULTICLASS", model, found, fix))
    return opened


def class_intake(intake: Intake, plan: StudyPlan, frozen: MulticlassModel) -> Intake:
    """Read the classes by the model's names; what only a positive class has is refused."""
    from dataclasses import replace

    from exodx.cohort import ClassChoice, parse_classes
    from exodx.errors import Problem, UsageError

    fix = "Leave it out: this model has several classes and no positive one."
    given = [("--positive", plan.positive), ("prevalence", plan.prevalence)]
    problems = [Problem("MODEL_MULTICLASS", name, repr(value), fix) for name, value in given if value is not None]
    if problems:
        raise UsageError(problems)
    return replace(intake, classes=ClassChoice(parse_classes(plan.classes), frozen.classes))


def signing() -> Any:
    """Return the module that signs and verifies.

    Raises
    ------
    UsageError
        When the extra is not installed.
    """
    from exodx.errors import Problem, UsageError

    try:
        from exodx.signing import ed25519
    except ModuleNotFoundError as missing:
        found = f"the package {missing.name} is not installed"
        raise UsageError(Problem("EXTRA_MISSING", "signatures", found, "Install it: pip install 'exodx[sign]'.")) from None
    return ed25519


def pseudonym_key(path: Path | None) -> bytes | None:
    """Return the key of pseudonyms; None where none are asked for."""
    from exodx.privacy.pseudonyms import read_key

    return None if path is None else read_key(path)


def key_text(path: Path) -> str:
    """Return what stands in a file of a key; the message names the file, never what is in it."""
    from exodx.errors import Problem, UsageError

    try:
        with path.open("rb") as file:
            return file.read(MOST_OF_A_KEY).decode()
    except OSError as error:
        raise UsageError(Problem("FILE_UNREADABLE", str(path), error.strerror or "unreadable", "Check the path.")) from None
    except UnicodeDecodeError:
        raise UsageError(Problem("FILE_UNREADABLE", str(path), "it is no text", "Check the path.")) from None


def check_output(out: Path, source: Path | None = None) -> None:
    """Refuse an output that would overwrite the input, a folder or a device."""
    from exodx.errors import Problem, UsageError

    if out.exists() and not out.is_file():
        fix = "Name a file; without -o data go to stdout, where a command has them."
        raise UsageError(Problem("OUTPUT_UNWRITABLE", str(out), "it is no regular file", fix))
    if source is not None and out.exists() and source.exists() and out.samefile(source):
        raise UsageError(Problem("OUTPUT_IS_INPUT", str(out), "writing there would destroy the input", "Choose another file."))


def write_text(text: str, out: Path | None, source: Path | None = None) -> None:
    """Write text to a file that is not the input, whole or not at all; or to stdout.

    Raises
    ------
    UsageError
        When the file cannot be written.
    """
    from exodx.place import put_file

    if out is None:
        click.echo(text, nl=False)
        return
    check_output(out, source)
    put_file(text.encode(), out)


def say(text: str) -> None:
    """Talk to the user, on stderr, unless ``--quiet``."""
    if not is_quiet():
        click.echo(painted(text), err=True)


def is_quiet() -> bool:
    """Say whether the command was asked to be quiet."""
    context = click.get_current_context(silent=True)
    return context is not None and _QUIET in context.meta

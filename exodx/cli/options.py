"""Options that several commands share, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from exodx.panel import StudyPlan

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FILE = click.Path(path_type=Path)
COHORT = click.argument("cohort", type=FILE)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
MODEL = click.option("--model", required=True, help="Bundle folder, or MLflow URI (models:/NAME@ALIAS, runs:/ID).")

_PLAN_OPTIONS = (
    click.option("--panel", help="Built-in panel, TOML file, or 'auto' to infer one from the columns (exploratory)."),
    click.option("--label", help="Column of the reference standard."),
    click.option("--positive", help="Its value that means: target condition present."),
    click.option("--specimen", help="Column of specimen ids."),
    click.option("--subject", help="Column of subjects: splits never separate a subject's specimens."),
    click.option("--site", help="Column of sites: held out one at a time."),
    click.option("--specimens", type=FILE, help="A second table with specimen columns, joined by specimen id."),
    click.option("--plan", type=FILE, help="Study plan (TOML); options on the command line win."),
)


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a study plan."""
    for option in reversed(_PLAN_OPTIONS):
        command = option(command)
    return command


def study_plan(plan: Path | None, **given: Any) -> StudyPlan:
    """Return the plan: the file's choices, with the command line's laid over them."""
    from exodx.panel import parse_plan, read_toml

    table = read_toml(plan) if plan is not None else {}
    where = str(plan) if plan is not None else "command line"
    return parse_plan({**table, **{key: value for key, value in given.items() if value is not None}}, where)


def open_model(model: str) -> Any:
    """Return (model, hash) of a bundle folder or an MLflow URI; mlflow is imported for a URI only."""
    import re
    import tempfile

    from exodx.frozen import load_bundle

    if not re.match(r"^(models|runs):/", model):
        return load_bundle(Path(model))
    from exodx.tracking import fetch_bundle

    with tempfile.TemporaryDirectory() as folder:
        return load_bundle(fetch_bundle(model, Path(folder)))


def say(text: str) -> None:
    """Talk to the user, on stderr."""
    click.echo(text, err=True)

"""``exodx panel``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from exodx.cli.options import FILE, JSON, say


@click.group("panel")
def command() -> None:
    """List panels, show one, or infer one from a table."""


@command.command("list")
@JSON
def list_(as_json: bool) -> None:
    """Print the built-in panels: disease, analytes, specimen, and the weakest point of the evidence.

    Each is a hypothesis from the literature. For example: exodx panel show tb-ev-3
    """
    from exodx.panel import builtin_names, load_panel
    from exodx.panel.shown import panels_answer, panels_text

    panels = [load_panel(name) for name in builtin_names()]
    click.echo(json.dumps(panels_answer(panels), indent=1, ensure_ascii=False) if as_json else panels_text(panels))
    say("· hypotheses from the literature: none is evidence that a test works")


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print a panel (built-in name or file) as TOML."""
    import tomli_w

    from exodx.panel import load_panel, name_warnings
    from exodx.panel.markers import read_markers

    panel, markers = load_panel(name), read_markers()
    for warning in name_warnings(panel):
        say(f"· {warning}")
    for analyte in panel.analytes:
        for tag in markers.tags(analyte):
            say(f"· {analyte.name} ({analyte.role}): {tag.kind.replace('_', ' ')}: {tag.what} ({tag.source})")
    click.echo(tomli_w.dumps(panel.to_dict()), nl=False)


@command.command("infer")
@click.argument("cohort", type=FILE)
@click.option("--without", multiple=True, help="Columns that are not analytes; may be given several times.")
def infer(cohort: Path, without: tuple[str, ...]) -> None:
    """Print a panel inferred from a table's columns as TOML, to be corrected by hand."""
    import tomli_w

    from exodx.cohort import infer_from_file

    panel, notes = infer_from_file(cohort, without)
    for note in notes:
        say(f"· {note}")
    click.echo(tomli_w.dumps(panel.to_dict()), nl=False)

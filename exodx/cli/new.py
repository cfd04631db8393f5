"""``exodx new``."""

from __future__ import annotations

from pathlib import Path

import click

from exodx.cli.options import FILE, say


@click.command("new")
@click.argument("study", type=FILE)
@click.option("--panel", default="athero-3", show_default=True, help="Built-in panel or TOML file.")
def command(study: Path, panel: str) -> None:
    """Lay out a study folder that runs at once: plan, panel, data, notebook, and a README with the commands.

    The specimens in it are simulated, and every row says so.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.cohort import lay_out
    from exodx.panel import load_panel

    for file in lay_out(study, load_panel(panel)):
        click.echo(file)
    say(f"begin with: cd {study} && exodx check data/cohort.csv --plan plan.toml (simulated specimens: not evidence of anything)")

"""``exodx ui``."""

from __future__ import annotations

import click

from exodx.cli.options import say


@click.command("ui")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
def command(port: int, host: str) -> None:
    """Serve the MLflow UI on the store that runs are written to, until interrupted."""
    from exodx.tracking import open_store, serve_ui

    store = open_store()
    say(f"runs in {store.shown}\nhttp://{host}:{port}/#/experiments?workflowType=machine_learning")
    serve_ui(store, host, port)

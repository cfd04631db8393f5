"""``exodx ui``."""

from __future__ import annotations

import click

from exodx.cli.options import say


@click.command("ui")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Another than this machine alone needs --without-accounts.")
@click.option("--without-accounts", is_flag=True, help="Let whoever reaches this machine read, change and delete all runs.")
def command(port: int, host: str, without_accounts: bool) -> None:
    """Serve the MLflow UI on the store that runs are written to, to this machine alone, until interrupted."""
    from exodx.errors import Problem, UsageError
    from exodx.tracking import LOOPBACK, open_store, serve_ui

    if host not in LOOPBACK and not without_accounts:
        fix = "For several people: MLflow's own server with accounts (README, For a team). Else add --without-accounts."
        raise UsageError(Problem("HOST_OPEN", "--host", f"{host} is more than this machine, and there are no accounts", fix))
    store = open_store()
    say(f"runs in {store.shown}\nhttp://{host}:{port}/#/experiments?workflowType=machine_learning")
    serve_ui(store, host, port)

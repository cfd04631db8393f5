"""``exodx send``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import FILE, JSON, say

if TYPE_CHECKING:
    from exodx.tracking import LoggedRun, Unsent

NOT_SENT = 6


@click.command("send")
@click.argument("folders", nargs=-1, type=FILE, metavar="[FOLDER]...")
@click.option("--list", "only_list", is_flag=True, help="Only say what waits.")
@click.option("--anywhere", is_flag=True, help="Send to the present store also what was meant for another.")
@JSON
def command(folders: tuple[Path, ...], only_list: bool, anywhere: bool, as_json: bool) -> None:
    """Send finished runs that MLflow could not take: its server was lost, its database locked, its disk full, the command killed.

    They lie in $EXODX_HOME/unsent; FOLDER names others. A run that MLflow has already, or in part, is completed, not written twice.
    Exit code 6 where one is left.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.errors import ModelRefused
    from exodx.tracking import parcels, read_parcel, send_parcel

    waiting = folders or tuple(parcels())
    if not waiting:
        say("no run waits to be sent")
    answers = []
    for folder in waiting:
        if only_list:
            parcel = read_parcel(folder)
            say(f"{folder}: {parcel.record.name}, finished {parcel.at}, for {parcel.store}")
            answers.append({"folder": str(folder), "name": parcel.record.name, "at": parcel.at, "store": parcel.store})
            continue
        try:
            answers.append(_told(folder, send_parcel(folder, say, anywhere=anywhere)))
        except ModelRefused:
            if folders or folder.exists():
                raise  # else another process sent it meanwhile
    if as_json:
        click.echo(json.dumps(answers, indent=1))
    if any(answer.get("run_id", "") is None for answer in answers):
        raise click.exceptions.Exit(NOT_SENT)


def _told(folder: Path, sent: LoggedRun | Unsent) -> dict[str, Any]:
    from exodx.tracking import Unsent

    if isinstance(sent, Unsent):
        say(f"{folder}: not sent ({sent.why})")
        return {"folder": str(folder), "run_id": None, "why": sent.why}
    version = f", registered {sent.model_uri}" if sent.model_version else ""
    say(f"{folder}: MLflow run {sent.run_id} in {sent.store}{version}")
    return {"folder": str(folder), "run_id": sent.run_id, "model_uri": sent.model_uri if sent.model_version else None}


def say_unsent(unsent: Unsent) -> None:
    """Say that a run waits, why, and what to do."""
    say(f"MLflow did not take the run ({unsent.why})")
    if unsent.folder is None:
        say("It could not be kept on this machine either: make room, and call the same command again.")
        return
    own = "" if unsent.folder.parent.name == "unsent" else f" {unsent.folder}"
    say(f"It is kept in {unsent.folder}\nsend it once MLflow can be reached: exodx send{own}")

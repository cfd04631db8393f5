"""``exodx keygen``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from exodx.cli.options import FILE, say, signing
from exodx.errors import Problem, UsageError


@click.command("keygen")
@click.argument("name", type=FILE)
def command(name: Path) -> None:
    """Make a pair of keys to sign bundles with: NAME.key is secret, NAME.pub is for everyone.

    NAME.key has no password: only its owner may read it, and it belongs to a place that no one else has. Both are minisign's files.
    """
    secret, public = (name.with_name(name.name + ending) for ending in (".key", ".pub"))
    for path in (secret, public):
        if path.exists():
            found = "it is there already, and a key is never written over"
            raise UsageError(Problem("OUTPUT_UNWRITABLE", str(path), found, "Choose another name."))
    key = signing().make_key()
    _write(secret, key.file, 0o600)
    _write(public, key.public.file, 0o644)
    say(f"{secret}: keep it secret\n{public}: give it to whoever shall verify your bundles, by another way than the bundles go")
    click.echo(key.public.text)


def _write(path: Path, text: str, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        found = error.strerror or "it cannot be written"
        raise UsageError(Problem("OUTPUT_UNWRITABLE", str(path), found, "Choose another place.")) from None

"""``exodx sign``."""

from __future__ import annotations

from pathlib import Path

import click

from exodx.cli.options import FILE, key_text, say, signing


@click.command("sign")
@click.argument("bundle", type=FILE)
@click.option("--key", required=True, type=FILE, help="Secret key (NAME.key of exodx keygen).")
def command(bundle: Path, key: Path) -> None:
    """Sign a bundle's manifest, and with it every file of the model, after verifying it.

    The signature lies in the bundle as manifest.json.minisig. The report, sheets and card beside the model are not signed.
    """
    from exodx.signing.bundle import signed_comment, verify_bundle, write_signature
    from exodx.signing.minisign import parse_secret_key, shown

    secret = parse_secret_key(key_text(key), str(key))
    verified = verify_bundle(bundle)
    path = write_signature(bundle, signing().sign(verified.manifest, signed_comment(verified), secret))
    say(f"{verified.model_id} signed by key {shown(secret.number)} → {path}")

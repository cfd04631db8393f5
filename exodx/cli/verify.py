"""``exodx verify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exodx.cli.options import JSON, bundle_folder, key_text, signing
from exodx.errors import RUO, ModelRefused, Problem

if TYPE_CHECKING:
    from exodx.signing.bundle import VerifiedBundle
    from exodx.signing.minisign import PublicKey


@click.command("verify")
@click.argument("model")
@click.option("--key", help="Public key: NAME.pub, or the key's line itself. The bundle must be signed by it.")
@JSON
def command(model: str, key: str | None, as_json: bool) -> None:
    """Verify a model bundle: format, the SHA-256 of every file, the self-test; with --key also who signed it.

    MODEL is a bundle folder or an MLflow URI. Exit code 0 where all holds, 4 where it does not.
    """
    from exodx.signing.bundle import verify_bundle

    public = None if key is None else _public_key(key)
    with bundle_folder(model) as folder:
        found = verify_bundle(folder)
        if public is not None:
            _check(found, public, str(folder))
    click.echo(json.dumps(_answer(found, public), indent=1) if as_json else _text(found, public))


def _public_key(key: str) -> PublicKey:
    from exodx.signing.minisign import parse_public_key

    path = Path(key)
    return parse_public_key(key_text(path), key) if path.suffix == ".pub" or path.is_file() else parse_public_key(key, "--key")


def _check(found: VerifiedBundle, public: PublicKey, where: str) -> None:
    if found.signature is None:
        fix = "Ask for a signed one (exodx sign), or leave --key out and trust where it came from."
        raise ModelRefused(Problem("SIGNATURE_MISSING", where, "the bundle is not signed", fix))
    signing().check_signature(found.manifest, found.signature, public, where)


def _signature(found: VerifiedBundle, public: PublicKey | None) -> str:
    if found.signature is None:
        return "absent"
    return "not checked" if public is None else "valid"


def _answer(found: VerifiedBundle, public: PublicKey | None) -> dict[str, object]:
    from exodx.signing.minisign import shown

    return {
        "model_id": found.model_id,
        "model_hash": found.model_hash,
        "kind": found.kind,
        "format_version": found.format_version,
        "exodx": found.exodx,
        "files": list(found.files),
        "not_verified": list(found.beside),
        "self_test": "passed",
        "signature": _signature(found, public),
        "signed_by": None if found.signature is None else shown(found.signature.number),
        "signed_comment": found.signature.comment if found.signature is not None and public is not None else None,
        "notice": RUO,
    }


def _text(found: VerifiedBundle, public: PublicKey | None) -> str:
    from exodx.signing.minisign import shown

    by = "" if found.signature is None else shown(found.signature.number)
    told = {
        "absent": "not signed: whoever can write to it can make it anew; only its hash, told by another way, says whose it is",
        "not checked": f"signed by key {by}: NOT CHECKED, give --key PUBLIC",
        "valid": f"valid, by key {by}",
    }
    return "\n".join(
        [
            f"{found.model_id} ({found.kind}, format {found.format_version}, trained by exodx {found.exodx})",
            f"SHA-256    {found.model_hash}",
            f"files      {len(found.files)} as the manifest says, nothing else beside them that is read",
            "self-test  passed",
            f"signature  {told[_signature(found, public)]}",
            *([f"not part of the model, not verified: {', '.join(found.beside)}"] if found.beside else []),
            RUO,
        ]
    )

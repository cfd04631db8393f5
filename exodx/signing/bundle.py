"""A bundle's signature: of its manifest, which holds the SHA-256 of every other file of the model."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from exodx.errors import ModelRefused, Problem, UsageError
from exodx.frozen import MulticlassModel, load_bundle
from exodx.frozen.bundle import model_id
from exodx.frozen.folder import COMPANIONS, MANIFEST, SIGNATURE, digest, read_manifest, read_regular, strict_json
from exodx.signing.minisign import Signature, parse_signature


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """What is known of a bundle after every byte of its model was checked.

    Parameters
    ----------
    model_id, model_hash : str
    kind : str
        ``binary`` or ``multiclass``.
    format_version : int
    exodx : str
        Version that trained it.
    files : tuple of str
        That the manifest vouches for.
    beside : tuple of str
        In the folder, but not vouched for: report, sheets, model card.
    manifest : bytes
    signature : Signature or None
        Not checked yet.
    """

    model_id: str
    model_hash: str
    kind: str
    format_version: int
    exodx: str
    files: tuple[str, ...]
    beside: tuple[str, ...]
    manifest: bytes
    signature: Signature | None


def verify_bundle(folder: Path) -> VerifiedBundle:
    """Load a bundle as whoever uses it does (hashes, format, self-test), and read its signature without checking it.

    Raises
    ------
    ModelRefused
        As :func:`exodx.load_bundle`; ``SIGNATURE_DAMAGED``.
    """
    model, model_hash = load_bundle(folder)
    raw = read_manifest(folder)
    if raw is None or digest(raw) != model_hash:
        found = "its manifest changed while it was looked at"
        raise ModelRefused(Problem("FILE_CHANGED", str(folder / MANIFEST), found, "Try again when nobody writes there."))
    manifest = strict_json(raw)
    return VerifiedBundle(
        model_id=model_id(model, model_hash),
        model_hash=model_hash,
        kind="multiclass" if isinstance(model, MulticlassModel) else "binary",
        format_version=manifest["format_version"],
        exodx=model.provenance.exodx,
        files=tuple(manifest["files"]),
        beside=tuple(name for name in COMPANIONS if name != SIGNATURE and (folder / name).exists()),
        manifest=raw,
        signature=read_signature(folder),
    )


def read_signature(folder: Path) -> Signature | None:
    """Return the signature that lies in a bundle; None where there is none."""
    path = folder / SIGNATURE
    if not path.exists():
        return None
    try:
        text = read_regular(path).decode()
    except UnicodeDecodeError:
        text = ""
    return parse_signature(text, str(path))


def signed_comment(bundle: VerifiedBundle) -> str:
    """Return the line that is signed with the manifest."""
    return f"exodx model {bundle.model_id} sha256 {bundle.model_hash}"


def write_signature(folder: Path, signature: Signature) -> Path:
    """Put a signature into a bundle; it appears whole or not at all, in the place of an older one.

    Raises
    ------
    UsageError
        When it cannot be written.
    """
    path = folder / SIGNATURE
    try:
        with tempfile.TemporaryDirectory(dir=folder.absolute().parent, prefix=".exodx-") as scratch:
            written = Path(scratch) / SIGNATURE
            written.write_text(signature.file, encoding="utf-8", newline="\n")
            os.replace(written, path)
    except OSError as error:
        found = error.strerror or "it cannot be written"
        raise UsageError(Problem("OUTPUT_UNWRITABLE", str(path), found, "Sign a copy of the bundle.")) from None
    return path

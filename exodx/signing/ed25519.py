"""Ed25519, by the package cryptography (the extra ``sign``): keys are made, bundles signed, signatures verified."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exodx.errors import ModelRefused, Problem
from exodx.signing.minisign import PublicKey, SecretKey, Signature, prehash, shown


def make_key() -> SecretKey:
    """Return a new key."""
    made = Ed25519PrivateKey.generate()
    return SecretKey(secrets.token_bytes(8), made.private_bytes_raw(), made.public_key().public_bytes_raw())


def sign(data: bytes, comment: str, key: SecretKey) -> Signature:
    """Sign bytes, and a line of comment with them."""
    secret = Ed25519PrivateKey.from_private_bytes(key.seed)
    signature = secret.sign(prehash(data))
    return Signature(key.number, signature, comment, secret.sign(signature + comment.encode()))


def check_signature(data: bytes, signature: Signature, key: PublicKey, where: str) -> None:
    """See that a key signed these bytes and the comment.

    Raises
    ------
    ModelRefused
        ``SIGNED_BY_ANOTHER``, ``SIGNATURE_INVALID``.
    """
    fix = "Do not use it; ask whoever made it which key is theirs, by another way than the bundle came."
    if signature.number != key.number:
        found = f"it is signed by key {shown(signature.number)}, not by {shown(key.number)}"
        raise ModelRefused(Problem("SIGNED_BY_ANOTHER", where, found, fix))
    try:
        public = Ed25519PublicKey.from_public_bytes(key.point)
        public.verify(signature.signature, prehash(data))
        public.verify(signature.whole, signature.signature + signature.comment.encode())
    except (InvalidSignature, ValueError):
        raise ModelRefused(Problem("SIGNATURE_INVALID", where, "it does not belong to this manifest", fix)) from None

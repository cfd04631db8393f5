"""minisign's files: a public key, a secret key without password, a signature. Lines of text; nothing here signs or verifies.

The format: https://jedisct1.github.io/minisign/. Ed25519: RFC 8032, doi:10.17487/RFC8032; BLAKE2: RFC 7693, doi:10.17487/RFC7693.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from exodx.errors import InputRefused, ModelRefused, Problem

UNTRUSTED, TRUSTED = "untrusted comment: ", "trusted comment: "
ALGORITHM, PREHASHED = b"Ed", b"ED"
NO_PASSWORD, CHECKSUM = bytes(2), b"B2"
SCRYPT_BYTES = 32 + 8 + 8
"""Salt and costs of a password; zeros where there is none."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key.

    Parameters
    ----------
    number : bytes, length 8
        By which key and signature find each other; it proves nothing.
    point : bytes, length 32
    """

    number: bytes
    point: bytes

    @property
    def text(self) -> str:
        """The key on one line, as ``minisign -P`` takes it."""
        return base64.b64encode(ALGORITHM + self.number + self.point).decode()

    @property
    def file(self) -> str:
        """The key as a file."""
        return f"{UNTRUSTED}minisign public key {shown(self.number)}\n{self.text}\n"


@dataclass(frozen=True, slots=True, repr=False)
class SecretKey:
    """A secret key; it prints as nothing.

    Parameters
    ----------
    number : bytes, length 8
    seed, point : bytes, length 32
    """

    number: bytes
    seed: bytes
    point: bytes

    @property
    def public(self) -> PublicKey:
        """The public key that belongs to it."""
        return PublicKey(self.number, self.point)

    @property
    def file(self) -> str:
        """The key as a file, without a password."""
        kept = self.number + self.seed + self.point
        whole = ALGORITHM + NO_PASSWORD + CHECKSUM + bytes(SCRYPT_BYTES) + kept + _checksum(kept)
        return f"{UNTRUSTED}minisign secret key without a password: keep it secret\n{base64.b64encode(whole).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of a file.

    Parameters
    ----------
    number : bytes, length 8
        Of the key.
    signature : bytes, length 64
        Of the file's BLAKE2b-512.
    comment : str
        A line that is signed too.
    whole : bytes, length 64
        Signature of the signature and the comment.
    """

    number: bytes
    signature: bytes
    comment: str
    whole: bytes

    @property
    def file(self) -> str:
        """The signature as a file."""
        first = base64.b64encode(PREHASHED + self.number + self.signature).decode()
        return (
            f"{UNTRUSTED}signature of an exodx bundle's manifest\n{first}\n"
            f"{TRUSTED}{self.comment}\n{base64.b64encode(self.whole).decode()}\n"
        )


def prehash(data: bytes) -> bytes:
    """Return the BLAKE2b-512 of bytes, which is what is signed."""
    return hashlib.blake2b(data).digest()


def shown(number: bytes) -> str:
    """Return the number of a key as minisign shows it."""
    return f"{int.from_bytes(number, 'little'):016X}"


def parse_public_key(text: str, where: str) -> PublicKey:
    """Read a public key: its file, or its one line.

    Raises
    ------
    InputRefused
        ``KEY_INVALID``.
    """
    lines = text.split("\n", 1)
    line = lines[1].strip() if text.startswith(UNTRUSTED) and len(lines) == 2 else text.strip()
    data = _decoded(line)
    if data is None or len(data) != 42 or data[:2] != ALGORITHM:
        fix = "Give the .pub file that exodx keygen (or minisign -G) wrote, or its last line."
        raise InputRefused(Problem("KEY_INVALID", where, "it is no public key of minisign's", fix))
    return PublicKey(data[2:10], data[10:])


def parse_secret_key(text: str, where: str) -> SecretKey:
    """Read a secret key without a password.

    Raises
    ------
    InputRefused
        ``KEY_INVALID``, ``KEY_HAS_PASSWORD``.
    """
    lines = text.splitlines()
    data = _decoded(lines[1]) if len(lines) == 2 and lines[0].startswith(UNTRUSTED) else None
    if data is None or len(data) != 158 or data[:2] != ALGORITHM or data[4:6] != CHECKSUM:
        raise InputRefused(
            Problem("KEY_INVALID", where, "it is no secret key of minisign's", "Give the .key file of exodx keygen.")
        )
    if data[2:4] != NO_PASSWORD:
        fix = "Sign with minisign itself: minisign -S -s KEY -m BUNDLE/manifest.json. exodx verify reads that."
        raise InputRefused(Problem("KEY_HAS_PASSWORD", where, "the key is protected by a password", fix))
    kept = data[6 + SCRYPT_BYTES : -32]
    if data[-32:] not in (_checksum(kept), bytes(32)):  # minisign -G -W writes none
        raise InputRefused(Problem("KEY_INVALID", where, "its checksum is another", "Copy the key again."))
    return SecretKey(kept[:8], kept[8:40], kept[40:])


def parse_signature(text: str, where: str) -> Signature:
    """Read a signature.

    Raises
    ------
    ModelRefused
        ``SIGNATURE_DAMAGED``.
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) == 4 and lines[0].startswith(UNTRUSTED) and lines[2].startswith(TRUSTED):
        first, whole = _decoded(lines[1]), _decoded(lines[3])
        if first is not None and whole is not None and len(first) == 74 and len(whole) == 64 and first[:2] == PREHASHED:
            return Signature(first[2:10], first[10:], lines[2].removeprefix(TRUSTED), whole)
    raise ModelRefused(
        Problem("SIGNATURE_DAMAGED", where, "it is no signature of minisign's", "Sign the bundle again: exodx sign.")
    )


def _decoded(line: str) -> bytes | None:
    try:
        data = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == line else None


def _checksum(kept: bytes) -> bytes:
    return hashlib.blake2b(ALGORITHM + kept, digest_size=32).digest()

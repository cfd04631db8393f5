"""Pseudonyms: HMAC-SHA256 of an id under the laboratory's secret. Who has the key can find an id's pseudonym; who has not, cannot.

RFC 2104, doi:10.17487/RFC2104. A hash without a key would not do: ids are easily guessed, and guesses are quickly hashed.
"""

from __future__ import annotations

import hmac
from pathlib import Path

from exodx.errors import InputRefused, Problem, UsageError

MIN_KEY = 16
"""A shorter key could be found by trying: ids are easily guessed."""
MOST_KEY = 1 << 16


def pseudonym(identity: str, key: bytes) -> str:
    """Return the pseudonym of an id, 64 hexadecimal digits.

    >>> pseudonym("S17", b"0123456789abcdef")[:16]
    '40ace2b545cb90c3'
    """
    return hmac.digest(key, identity.encode("utf-8", "surrogatepass"), "sha256").hex()


def checked_key(key: bytes, where: str) -> bytes:
    """Return a key that is long enough.

    Raises
    ------
    InputRefused
        ``KEY_SHORT``.
    """
    if len(key) < MIN_KEY:
        fix = f"Use at least {MIN_KEY}. Make one once, e.g. with 'openssl rand -hex 32', and keep it secret."
        raise InputRefused(Problem("KEY_SHORT", where, f"{len(key)} bytes", fix))
    return key


def read_key(path: Path) -> bytes:
    """Return the key that a file holds, without blanks around it.

    Raises
    ------
    UsageError
        When the file cannot be read.
    InputRefused
        ``KEY_SHORT``.
    """
    try:
        with path.open("rb") as file:
            return checked_key(file.read(MOST_KEY).strip(), str(path))
    except OSError as error:
        raise UsageError(Problem("FILE_UNREADABLE", str(path), error.strerror or "unreadable", "Check the path.")) from None

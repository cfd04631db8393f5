"""Another process may hold the lock of an SQLite store for long: who waits for it is told."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

Tell = Callable[[str], None]
LOCKED_SECONDS = 60
_LOOK_SECONDS = 0.2


def silence(text: str) -> None:
    """Tell nobody."""


def wait_for_lock(uri: str, tell: Tell = silence, seconds: float = LOCKED_SECONDS) -> None:
    """Wait while another process holds the lock of an SQLite store; MLflow itself would give up without a word.

    Raises
    ------
    OSError
        When it is held for longer, or the file is no database.
    """
    if not uri.startswith("sqlite:///") or "?" in uri:
        return
    path = Path(uri.removeprefix("sqlite:///")).absolute()
    until, told = time.monotonic() + seconds, False
    while path.exists() and _is_locked(path):
        if not told:
            tell(f"{path} is locked by another process: waiting up to {seconds:.0f} s")
            told = True
        if time.monotonic() > until:
            raise OSError(f"another process has locked {path} for {seconds:.0f} s")
        time.sleep(_LOOK_SECONDS)


def _is_locked(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    except sqlite3.DatabaseError as error:
        raise OSError(f"{path} is damaged or no database of SQLite: {error}") from None
    return False

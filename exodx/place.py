"""Outputs that appear whole or not at all, whatever ends the writer, and one writer at a time.

What is in the making lies in a hidden folder (``.exodx-…``) beside its place, and is put there in one step once every byte of it is
on the disk. A killed process may leave that folder; the next writer beside it removes it after a day.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exodx.errors import Problem, UsageError

if sys.platform != "win32":
    import fcntl

SCRATCH = ".exodx-"
REPLACED = "replaced"
ABANDONED_SECONDS = 86400
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux' renameat2
_HERE = -100  # AT_FDCWD
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
TRIES = 20
"""Another writer may put a folder there, or take it away, between two looks."""


def put_file(content: bytes | memoryview, place: Path) -> None:
    """Write a file, whole or not at all; a link stays a link, and a file that is replaced keeps who may read it.

    Raises
    ------
    UsageError
        When it cannot be written. What stood there before stands there still.
    """
    place = Path(os.path.realpath(place))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(place.parent) as scratch:
            made = scratch / place.name
            with made.open("wb") as file:
                file.write(content)
            settle(made)
            if place.exists():
                made.chmod(place.stat().st_mode)
            made.replace(place)
    except OSError as error:
        raise unwritable(place, error) from None


@contextmanager
def folder_made(place: Path) -> Iterator[Path]:
    """Give an empty folder to fill; once the block is through it stands at its place, in the stead of what stood there.

    Raises
    ------
    UsageError
        When it cannot be written. What stood there before stands there still.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(place.parent) as scratch:
            made = scratch / "made"
            made.mkdir()
            yield made
            for path in made.rglob("*"):
                if path.is_file():
                    settle(path)
            replace_folder(made, place, scratch / REPLACED)
    except OSError as error:
        raise unwritable(place, error) from None


def replace_folder(new: Path, place: Path, aside: Path) -> None:
    """Put a folder in the place of another: in one step on Linux; elsewhere, where that fails, the old one stands there again."""
    for _ in range(TRIES):
        try:
            new.rename(place)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
        else:
            return
        if _exchanged(new, place):
            return
        with contextlib.suppress(FileNotFoundError):
            place.rename(aside)
        try:
            new.rename(place)
        except OSError as error:
            if aside.exists() and not place.exists():
                aside.rename(place)
            if error.errno not in _TAKEN:
                raise
        else:
            return
    raise OSError(errno.EBUSY, "others write there at the same time", str(place))


def settle(path: Path) -> None:
    """Wait until a file is on the disk: only then a full network disk says so."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def unwritable(place: Path, error: OSError) -> UsageError:
    """Return the refusal of an output that cannot be written."""
    found = error.strerror or str(error) or "it cannot be written"
    fix = "Make room there, or choose another place." if error.errno in FULL else "Choose another place."
    return UsageError(Problem("OUTPUT_UNWRITABLE", str(place), found, fix))


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Of a disk, a quota or a limit."""


def take(folder: Path) -> int | None:
    """Make a folder and hold it until the handle is closed or the process ends; None where another process holds it.

    Where the system or the file system has no such locks everyone may have it.
    """
    if sys.platform == "win32":
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(os.devnull, os.O_RDONLY)
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue  # who held it took it away
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:
            return handle  # a file system without locks
        if _is_there(handle, folder):
            return handle
        os.close(handle)


def _is_there(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """Give a hidden folder of the same file system, and remove what killed writers left there."""
    for left in parent.glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS and not (left / REPLACED).exists():
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=SCRATCH) as scratch:
        yield Path(scratch)


def _exchanged(a: Path, b: Path) -> bool:
    """Let two folders change places in one step; False where the system or the file system cannot."""
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    return bool(library.renameat2(_HERE, os.fsencode(a), _HERE, os.fsencode(b), _EXCHANGE) == 0)

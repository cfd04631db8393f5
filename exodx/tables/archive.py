"""Several files at once: a folder or a ZIP archive, as names with their bytes."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from exodx.errors import InputRefused, Problem
from exodx.tables import doors
from exodx.tables.packed import MOST, gunzip, parts_of, room, too_large

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
A_TABLE = "Give a table with a header and rows."


def members(source: str, content: bytes) -> dict[str, bytes]:
    """Return the files of a ZIP archive by name, unpacked; what the packing computer added of itself is left out.

    Raises
    ------
    InputRefused
        ``ARCHIVE`` where it is damaged or encrypted; ``TOO_LARGE`` where its files, unpacked, are larger together than it may be.
    """
    try:
        files = {name: part for name, part in parts_of(source, content).items() if not _hidden(name)}
    except ValueError as error:
        raise InputRefused(Problem("ARCHIVE", source, f"not a readable archive ({error})", "Unpack it first.")) from None
    return _all_unpacked(source, files, room(len(content)))


def folder_files(folder: Path) -> dict[str, bytes]:
    """Return the files that stand in a folder, in the order of their names.

    Raises
    ------
    InputRefused
        ``FILE_UNREADABLE`` where one cannot be read.
    """
    return read_files(visible_files(folder))


def visible_files(folder: Path) -> list[Path]:
    """Return the files that stand in a folder, in the order of their names.

    Raises
    ------
    InputRefused
        ``FILE_UNREADABLE`` where the folder cannot be read.
    """
    try:
        return [path for path in sorted(folder.iterdir()) if path.is_file() and not _hidden(path.name)]
    except OSError as error:
        fix = "Check the folder and its permissions."
        raise InputRefused(Problem("FILE_UNREADABLE", str(folder), f"it cannot be read ({error})", fix)) from None


def matching_files(pattern: Path) -> list[Path]:
    """Return the files that match a pattern such as ``part-*.csv``, in the order of their names; only the name may be one."""
    if not glob.has_magic(pattern.name) or not pattern.parent.is_dir():
        return []
    return [path for path in sorted(pattern.parent.glob(pattern.name)) if path.is_file() and not _hidden(path.name)]


def read_files(paths: Sequence[Path]) -> dict[str, bytes]:
    """Return the content of files by name, unpacked.

    Raises
    ------
    InputRefused
        ``FILE_UNREADABLE`` where one cannot be read.
    """
    try:
        files = {path.name: read_bytes(path) for path in paths}
    except OSError as error:
        fix = "Check the folder and its permissions."
        where = str(paths[0].parent)
        raise InputRefused(Problem("FILE_UNREADABLE", where, f"it cannot be read ({error})", fix)) from None
    return _all_unpacked(paths[0].parent.name if paths else "", files, MOST)


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, which may be a pipe.

    Raises
    ------
    InputRefused
        ``TOO_LARGE``, before more than that is read.
    OSError
        Where it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read() if path.is_file() and path.stat().st_size <= MOST else file.read(MOST + 1)
    if len(content) > MOST:
        raise too_large(path.name, MOST)
    return content


def content_of(path: Path) -> tuple[bytes, list[str]]:
    """Return what a file holds, unpacked, and how it was packed.

    Raises
    ------
    InputRefused
        ``FILE_UNREADABLE``, ``FILE_EMPTY``, and as :func:`unpacked`.
    """
    try:
        content = read_bytes(path)
    except OSError as error:
        found = error.strerror or "it cannot be read"
        raise InputRefused(Problem("FILE_UNREADABLE", str(path), found, "Check the path and its permissions.")) from None
    notes = ["gzip"] if content.startswith(GZIP) else ["zstd"] if content.startswith(ZSTD) else []
    content = unpacked(path.name, content)
    if not content.strip():
        raise InputRefused(Problem("FILE_EMPTY", path.name, "the file is empty", A_TABLE))
    return content, notes


def unpacked(source: str, content: bytes) -> bytes:
    """Return a content as it was before gzip or zstd packed it.

    Raises
    ------
    InputRefused
        ``GZIP_DAMAGED``, ``ZSTD_DAMAGED``, ``TOO_LARGE``.
    """
    if content.startswith(ZSTD):
        return doors.unzstd(source, content)
    return gunzip(source, content) if content.startswith(GZIP) else content


def _all_unpacked(source: str, files: dict[str, bytes], limit: int) -> dict[str, bytes]:
    """Unpack each of several files; together they may be no larger than one file may be."""
    found, total = {}, 0
    for name, content in files.items():
        found[name] = unpacked(name, content)
        total += len(found[name])
        if total > limit:
            raise too_large(source, limit)
    return found


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")

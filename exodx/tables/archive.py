"""Several files at once: a folder or a ZIP archive, as names with their bytes."""

from __future__ import annotations

import glob
import gzip
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from exodx.errors import InputRefused, Problem
from exodx.tables import doors

MAX_UNPACKED = 1 << 31
"""Bytes that an archive may unpack to; no table of specimens is larger."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PACKED = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def members(source: str, content: bytes) -> dict[str, bytes]:
    """Return the files of a ZIP archive by name, unpacked; what the packing computer added of itself is left out.

    Raises
    ------
    InputRefused
        ``ARCHIVE`` where it is damaged, encrypted or unpacks to more than 2 GiB.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [info for info in archive.infolist() if not info.is_dir() and not _hidden(info.filename)]
            if sum(info.file_size for info in files) > MAX_UNPACKED:
                raise ValueError("it unpacks to more than 2 GiB")
            return {info.filename: _unzipped(info.filename, archive.read(info)) for info in files}
    except _PACKED as error:
        raise InputRefused(Problem("ARCHIVE", source, f"not a readable archive ({error})", "Unpack it first.")) from None


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
        return {path.name: _unzipped(path.name, path.read_bytes()) for path in paths}
    except _PACKED as error:
        fix = "Check the folder and its permissions."
        where = str(paths[0].parent)
        raise InputRefused(Problem("FILE_UNREADABLE", where, f"it cannot be read ({error})", fix)) from None


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _unzipped(name: str, content: bytes) -> bytes:
    if content.startswith(_ZSTD):
        return doors.unzstd(name, content)
    return gzip.decompress(content) if content.startswith(_GZIP) else content

"""Several files at once: a folder or a ZIP archive, as names with their bytes."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path

from exodx.errors import InputRefused, Problem

MAX_UNPACKED = 1 << 31
"""Bytes that an archive may unpack to; no table of specimens is larger."""

_GZIP = b"\x1f\x8b"
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
            return {info.filename: _unzipped(archive.read(info)) for info in files}
    except _PACKED as error:
        raise InputRefused(Problem("ARCHIVE", source, f"not a readable archive ({error})", "Unpack it first.")) from None


def folder_files(folder: Path) -> dict[str, bytes]:
    """Return the files that stand in a folder, in the order of their names.

    Raises
    ------
    InputRefused
        ``FILE_UNREADABLE`` where one cannot be read.
    """
    try:
        files = [path for path in sorted(folder.iterdir()) if path.is_file() and not _hidden(path.name)]
        return {path.name: _unzipped(path.read_bytes()) for path in files}
    except _PACKED as error:
        fix = "Check the folder and its permissions."
        raise InputRefused(Problem("FILE_UNREADABLE", str(folder), f"it cannot be read ({error})", fix)) from None


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _unzipped(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(_GZIP) else content

"""Packed content: how much it may unpack to, told before it is unpacked any further."""

from __future__ import annotations

import io
import zipfile
import zlib

from exodx.errors import InputRefused, Problem

MOST = 1 << 31
"""Bytes of a file, as it is or unpacked; no table of specimens is larger."""

ALWAYS, DENSEST = 1 << 26, 250
"""Bytes that any file may unpack to, and how many from each of its own; measurements do not pack nearly as densely."""

_GZIP = zlib.MAX_WBITS | 16


def room(size: int) -> int:
    """Return how many bytes a file of so many may unpack to.

    >>> room(10_000) >> 20, room(100 << 20) >> 20
    (64, 2048)
    """
    return min(MOST, max(ALWAYS, DENSEST * size))


def too_large(source: str, limit: int) -> InputRefused:
    """Refuse a file that does not end where every table does."""
    fix = "No table of measurements is so large for its file: check where it comes from, or give it unpacked or in parts."
    return InputRefused(Problem("TOO_LARGE", source, f"it holds more than {limit >> 20} MiB", fix))


def gunzip(source: str, content: bytes) -> bytes:
    """Unpack a gzip file of one or more members.

    Raises
    ------
    InputRefused
        ``GZIP_DAMAGED``, ``TOO_LARGE``.
    """
    limit, parts, left = room(len(content)), [], content
    total = 0
    try:
        while left:
            member = zlib.decompressobj(_GZIP)
            parts.append(member.decompress(left, limit + 1 - total))
            total += len(parts[-1])
            if total > limit:
                raise too_large(source, limit)
            if not member.eof:
                raise EOFError("it ends in the middle")
            left = member.unused_data.lstrip(b"\x00")
    except (EOFError, zlib.error) as error:
        raise InputRefused(Problem("GZIP_DAMAGED", source, str(error), "Copy the file again.")) from None
    return b"".join(parts) if len(parts) != 1 else parts[0]


def parts_of(source: str, content: bytes) -> dict[str, bytes]:
    """Return the files of a ZIP archive by name, checksums compared.

    Raises
    ------
    ValueError
        Where it is damaged or encrypted, or holds a name twice.
    InputRefused
        ``TOO_LARGE``.
    """
    limit = room(len(content))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [info for info in archive.infolist() if info.filename and not info.is_dir()]
            if sum(info.file_size for info in files) > limit:
                raise too_large(source, limit)
            if len({info.filename for info in files}) < len(files):
                raise ValueError("two of its files bear one name")
            return {info.filename: archive.read(info) for info in files}
    except (
        OSError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
        LookupError,
        OverflowError,
    ) as error:
        raise ValueError(str(error)) from None

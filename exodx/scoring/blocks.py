"""Large files in blocks: whole lines of text, or rows of Parquet. A block is the same on every run, with any number of threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from exodx.scoring import doors
from exodx.scoring.job import NotInPieces
from exodx.tables.no_text import is_parquet

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
COMPRESSIONS = {GZIP: "gzip", ZSTD: "zstd"}
BLOCK = 12 << 20
"""Bytes of text in a block; of a wide table a third more, so that a block has rows enough."""
WIDE = 160
"""Columns from which a table counts as wide."""
CELLS = 1 << 20
"""Cells in a block of Parquet rows."""
_AT_ONCE = 1 << 16
"""Bytes that are looked at together."""
_ENDS = 1 << 16
"""Bytes at either end of a file that its fingerprint looks at."""
BLOCKS_OF_A_SHARD = 32
"""At least, where a cohort is scored in shards: blocks are dealt whole, so that shares differ by a few in a hundred."""
LEAST_BLOCK, LEAST_ROWS = 1 << 12, 64
PACKED = 5
"""A compressed text is taken to hold so many times its bytes."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a cohort.

    Parameters
    ----------
    number : int
        Of the cohort's blocks, from 0.
    file : int
        Of the cohort's files, from 0.
    first : int
        Lines (or rows) of the cohort before it, headers left out.
    content : bytes or RecordBatch
        Whole lines without the header, or rows.
    rows : int
        Its lines, or rows.
    """

    number: int
    file: int
    first: int
    content: bytes | pa.RecordBatch
    rows: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text file.

    Parameters
    ----------
    path : Path
    compression : str
        ``gzip``, ``zstd`` or nothing.
    block : int
        Bytes of a block.
    """

    path: Path
    compression: str
    block: int = BLOCK

    @property
    def n_bytes(self) -> int:
        """Its bytes as they are stored."""
        return self.path.stat().st_size

    def head(self, size: int) -> bytes:
        """Return the file's first whole lines; all of it where it is shorter than ``size``."""
        with self._open() as file:
            content: bytes = _filled(file, size)
        return content if len(content) < size else content[: content.rfind(b"\n") + 1]

    def n_blocks(self) -> int:
        """Return how many blocks there are; a compressed file is unpacked for it."""
        if not self.compression:
            return max(1, -(-self.n_bytes // self.block))
        with self._open() as file:
            return max(1, sum(1 for _ in iter(lambda: _filled(file, self.block), b"")))

    def blocks(self, columns: Sequence[str] = ()) -> Iterator[bytes]:  # noqa: ARG002
        """Yield the lines that begin in each block of bytes; the header is left out."""
        with self._open() as file:
            yield from islice(_begun(iter(lambda: _filled(file, self.block), b"")), 1, None)

    def fingerprint(self) -> list[Any]:
        """Return the file's name, size, time and a hash of its ends."""
        return _fingerprint(self.path)

    def _open(self) -> pa.NativeFile:
        return pa.input_stream(str(self.path), compression=self.compression or None)


@dataclass(frozen=True, slots=True)
class Rows:
    """A Parquet file.

    Parameters
    ----------
    path : Path
    rows : int
        Of a block; none reaches over the end of a row group.
    """

    path: Path
    rows: int

    @property
    def n_bytes(self) -> int:
        """Its bytes as they are stored."""
        return self.path.stat().st_size

    def opened(self) -> ParquetFile:
        """Open the file, to be used in a ``with``."""
        return doors.parquet(self.path)

    def groups(self) -> list[int]:
        """Return the rows of each row group."""
        with self.opened() as file:
            return [int(file.metadata.row_group(i).num_rows) for i in range(file.metadata.num_row_groups)]

    def n_rows(self) -> int:
        """Return how many rows there are."""
        with self.opened() as file:
            return int(file.metadata.num_rows)

    def n_blocks(self) -> int:
        """Return how many blocks there are."""
        return max(1, sum(-(-n // self.rows) for n in self.groups()))

    def blocks(self, columns: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Yield batches of the columns."""
        with self.opened() as file:
            for group in range(file.metadata.num_row_groups):
                yield from blocks_of_group(file, group, self.rows, columns)

    def fingerprint(self) -> list[Any]:
        """Return the file's name, size, time and a hash of its ends."""
        return _fingerprint(self.path)


File = Text | Rows


def blocks_of_group(file: ParquetFile, group: int, rows: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield a row group in batches of so many rows."""
    return cast("Iterator[pa.RecordBatch]", file.iter_batches(rows, row_groups=[group], columns=list(columns), use_threads=False))


def block_rows(n_columns: int) -> int:
    """Return the rows of a block of a Parquet file of so many columns."""
    return max(1024, CELLS // max(1, n_columns))


def file_of(path: Path) -> File | None:
    """Return a file as a source of blocks, by its first bytes; None where it is neither text nor Parquet."""
    with path.open("rb") as file:
        start = file.read(5)
    if is_parquet(start):
        with doors.parquet(path) as parquet:
            return Rows(path, block_rows(parquet.metadata.num_columns))
    compression = next((name for mark, name in COMPRESSIONS.items() if start.startswith(mark)), "")
    return None if start.startswith((b"PK", b"\xd0\xcf", b"\xff\xfe", b"\xfe\xff")) else Text(path, compression)


def block_size(n_columns: int) -> int:
    """Return the bytes of a block of a table of so many columns."""
    return BLOCK if n_columns < WIDE else BLOCK + BLOCK // 3


def dealt(files: Sequence[File], shards: int) -> list[File]:
    """Return the files in blocks so small that every shard is dealt a fair share of the rows, whatever the size of a block."""
    if shards == 1:
        return list(files)
    bytes_in = sum(file.n_bytes * (PACKED if file.compression else 1) for file in files if isinstance(file, Text))
    rows_in = sum(file.n_rows() for file in files if isinstance(file, Rows))
    block, rows = (
        max(LEAST_BLOCK, bytes_in // (shards * BLOCKS_OF_A_SHARD)),
        max(LEAST_ROWS, rows_in // (shards * BLOCKS_OF_A_SHARD)),
    )
    return [
        replace(file, block=min(file.block, block)) if isinstance(file, Text) else replace(file, rows=min(file.rows, rows))
        for file in files
    ]


def cohort_blocks(files: Sequence[File], columns: Sequence[Sequence[str]]) -> Iterator[Block]:
    """Yield the blocks of several files as those of one cohort, in order.

    Raises
    ------
    NotInPieces
        Where a file turns out to be damaged.
    """
    number = first = 0
    for at, (file, wanted) in enumerate(zip(files, columns, strict=True)):
        contents = iter(file.blocks(wanted))
        while (content := _next(contents)) is not None:
            rows = rows_in(content)
            yield Block(number, at, first, content, rows)
            number += 1
            first += rows


def _next(contents: Iterator[bytes | pa.RecordBatch]) -> bytes | pa.RecordBatch | None:
    try:
        return next(contents, None)
    except (OSError, EOFError, pa.ArrowException, UnicodeDecodeError) as error:
        raise NotInPieces(str(error)) from None


def _begun(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the first line, then the lines that begin in each block, however far they reach; the first line in none."""
    lines: list[bytes | memoryview] = []
    is_open, passed = True, 0
    for data in blocks:
        end = data.find(b"\n") + 1 if is_open else 0
        if is_open and not end:
            lines.append(data)
            passed += 1
            continue
        yield b"".join([*lines, memoryview(data)[:end]])
        yield from [b""] * passed
        lines, is_open, passed = [memoryview(data)[end:]], not data.endswith(b"\n"), 0
    yield b"".join(lines)
    yield from [b""] * passed


def rows_in(content: bytes | pa.RecordBatch) -> int:
    """Return the number of lines of a text, or of rows."""
    if not isinstance(content, bytes):
        return len(content)
    data = np.frombuffer(content, np.uint8)
    ends = sum(int(np.count_nonzero(data[start : start + _AT_ONCE] == ord("\n"))) for start in range(0, len(data), _AT_ONCE))
    return ends + (bool(content) and not content.endswith(b"\n"))


def _fingerprint(path: Path) -> list[Any]:
    state = path.stat()
    with path.open("rb") as file:
        ends = file.read(_ENDS)
        file.seek(max(0, state.st_size - _ENDS))
        ends += file.read(_ENDS)
    return [path.name, state.st_size, state.st_mtime_ns, sha256(ends).hexdigest()]


def _filled(file: pa.NativeFile, size: int) -> bytes:
    """Read so many bytes; fewer only at the end."""
    parts, left = [], size
    while left and (data := file.read(left)):
        parts.append(data)
        left -= len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)

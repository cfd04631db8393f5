"""From a block to columns: Arrow parses numbers where nothing else stands; everything else is read as text, by the one reader."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exodx.errors import InputRefused, Problem
from exodx.frozen import State
from exodx.privacy.cells import has_guards
from exodx.scoring import doors
from exodx.scoring.blocks import Block
from exodx.scoring.encode import texts
from exodx.scoring.job import NotInPieces
from exodx.scoring.numbers import Found, Numbers, values_of
from exodx.scoring.plan import Plan
from exodx.scoring.quick import Text, quickly
from exodx.tables.lengths import longest_run
from exodx.tables.table import Records, TextTable, build_table, cell_text
from exodx.tables.visible import unseen

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Piece:
    """The columns of a block.

    Parameters
    ----------
    table : TextTable
        The columns that are read, those of numbers as :class:`Numbers`.
    ids : StringArray
        Specimens, stripped.
    """

    table: TextTable
    ids: pa.StringArray


_DELETE = 127
"""ASCII's last, no letter."""


def piece_of(plan: Plan, block: Block, as_text: Collection[str] = ()) -> Piece | None:
    """Return the columns of a block, or None where it holds no row.

    Parameters
    ----------
    plan : Plan
    block : Block
    as_text : collection of str
        Headers whose texts are needed.

    Raises
    ------
    NotInPieces
        Where the block is no table of the header's width, or needs a look at the whole text: other encodings, blank ids.
    """
    content = block.content
    try:
        columns = _of_text(plan, block, content, as_text) if isinstance(content, bytes) else _of_rows(plan, content, as_text)
    except InputRefused as refused:
        raise NotInPieces(str(refused)) from None
    if columns is None:
        return None
    n = len(next(iter(columns.values())))
    ids = texts([f"row-{block.first + i}" for i in range(1, n + 1)]) if plan.specimen is None else columns[plan.specimen]
    if not isinstance(ids, pa.StringArray):
        ids = texts(list(ids))
    if plan.specimen is not None:
        _refuse_unseen(ids)
        columns[plan.specimen] = [""] * n
    table = TextTable(plan.head.source, {name: columns[name] for name in plan.columns}, list(range(n)), plan.head.place)
    return Piece(table, ids)


def _refuse_unseen(ids: pa.StringArray) -> None:
    """Leave ids with characters that are not seen to the careful reader, which says where they stand."""
    letters = ids.buffers()[2]
    content = letters.to_pybytes() if letters else b""
    if not (content.isascii() and content.decode().isprintable()) and unseen(ids.to_pylist()):
        raise NotInPieces("ids with characters that are not seen")


def _of_text(plan: Plan, block: Block, content: bytes, as_text: Collection[str]) -> Found | None:
    header, sign = plan.headers[block.file], plan.delimiters[block.file]
    if not content or content.isspace():
        return None
    if has_guards(content):
        raise NotInPieces("cells that were written for a spreadsheet")
    ascii_alone = content.isascii()
    if b"\x00" in content or not (ascii_alone or _is_unicode(content)):
        raise NotInPieces("not a text in UTF-8")
    if b"\r" in content and content.count(b"\r") != content.count(b"\r\n"):
        raise NotInPieces("lines that end in other ways")
    if longest_run(content):
        raise NotInPieces("a cell that is too long")
    if plan.made and not as_text and ascii_alone and (found := _by_loops(plan, block, content, header, sign)):
        return found
    table = None
    if b'"' not in content or _simply_quoted(content, sign):
        table = doors.parsed(plan, content, header, sign, as_text)
    if table is None and plan.specimen is None:
        raise NotInPieces("rows without a name among lines that are none")
    return table if table is not None else _carefully(plan, block)


def _by_loops(plan: Plan, block: Block, content: bytes, header: Sequence[str], sign: str) -> Found | None:
    """Read a block by machine code; None where it is not simple enough."""
    scales = plan.scales
    kinds = {name: scales.get(name, Text.DISTINCT if name == plan.specimen else Text.REPEATING) for name in plan.columns}
    read = quickly(plan.made or {}, content, block.rows, sign, header, kinds)
    if read is None:
        return None
    columns: Found = {name: Numbers(*cells) for name, cells in read.numbers.items()}
    columns |= read.words
    if plan.specimen in read.texts:
        ids = read.texts[plan.specimen]
        stripped = ids if _is_bare(ids) else doors.column_of(plan, plan.specimen, ids, ())
        if stripped is None:
            return None
        columns[plan.specimen] = stripped
    return columns


def _is_bare(column: pa.StringArray) -> bool:
    """Say whether every text has letters, and none begins or ends with a blank, as far as ASCII alone tells."""
    _, offsets, letters = column.buffers()
    ends = np.frombuffer(offsets, np.int32)
    if not (np.diff(ends) > 0).all():
        return False
    edges = np.frombuffer(letters, np.uint8)[np.concatenate([ends[:-1], ends[1:] - 1])]
    return bool(((edges > ord(" ")) & (edges < _DELETE)).all())


def _simply_quoted(content: bytes, sign: str) -> bool:
    """Say whether every quote opens or closes a whole cell of one line: then there is one way to read them."""
    data = np.frombuffer(b"\n" + content + b"\n", np.uint8)
    at = np.flatnonzero(data == ord('"'))
    if len(at) % 2:
        return False
    edges = [np.isin(data[beside], [ord(sign), ord("\r"), ord("\n")]).all() for beside in (at[::2] - 1, at[1::2] + 1)]
    lines = np.flatnonzero(data == ord("\n"))
    return bool(all(edges) and (np.searchsorted(lines, at[::2]) == np.searchsorted(lines, at[1::2])).all())


def _is_unicode(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def table_of_block(plan: Plan, block: Block, source: str, first: int) -> TextTable:
    """Read a block as the careful reader does: quotes, blank lines, cells beyond the header's that hold nothing.

    Parameters
    ----------
    plan : Plan
    block : Block
    source : str
        Name of its file.
    first : int
        Where its first row stands in its file.

    Raises
    ------
    InputRefused
        Where a row is not as wide as the header.
    csv.Error, UnicodeDecodeError
        Where it is no text, or a quote is never closed.
    """
    header, content = list(plan.headers[block.file]), block.content
    if isinstance(content, bytes):
        reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=plan.delimiters[block.file], strict=True)
        rows, lines = [], [1]
        for row in reader:
            rows.append(row)
            lines.append(first + reader.line_num - 1)
    else:
        header, lines = list(content.schema.names), [0, *range(first, first + len(content))]
        columns = [_cells(source, name, column) for name, column in zip(header, content.columns, strict=True)]
        rows = [list(row) for row in zip(*columns, strict=True)]
    return build_table(source, Records([header, *rows], lines), plan.head.place, ".", ())


def _carefully(plan: Plan, block: Block) -> Found:
    """Return the columns of a block that are read carefully."""
    try:
        table = table_of_block(plan, block, plan.head.source, 2)
    except (csv.Error, InputRefused) as error:
        raise NotInPieces(str(error)) from None
    if plan.specimen is not None and not all(table.columns[plan.specimen]):
        raise NotInPieces("a specimen without an id")
    return {name: table.columns[name] for name in plan.columns}


def _of_rows(plan: Plan, batch: pa.RecordBatch, as_text: Collection[str]) -> Found | None:
    if not len(batch):
        return None
    columns: Found = {}
    for name in plan.columns:
        column = doors.plain(batch.column(name))
        is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        if is_number and name in plan.numeric and name not in as_text:
            values, _ = values_of(column)
            if not np.isinf(values).any():
                states = np.where(np.isnan(values), np.uint8(State.NOT_RUN), np.uint8(State.MEASURED))
                columns[name] = Numbers(values, states)
                continue
        if column.type == pa.string():
            read = doors.column_of(plan, name, column, as_text)
            columns[name] = [""] if read is None else read
        else:
            columns[name] = [text.strip() for text in _cells(plan.head.source, name, column)]
    given = columns[plan.specimen] if plan.specimen is not None else batch.column(0)
    if given.null_count if isinstance(given, pa.Array) else not all(given):
        raise NotInPieces("a specimen without an id")
    return columns


def _cells(source: str, name: str, column: pa.Array) -> list[str]:
    """Return the cells of a column as text.

    Raises
    ------
    InputRefused
        ``CELL_UNREADABLE`` for a moment of no calendar.
    """
    try:
        return [cell_text(cell) for cell in column.to_pylist()]
    except (pa.ArrowException, ValueError, OverflowError, LookupError) as error:
        found, fix = f"a cell of the type {column.type} that cannot be read ({error})", "Write the column as text or as numbers."
        raise InputRefused(Problem("CELL_UNREADABLE", f"{source}, column {name!r}", found, fix)) from None

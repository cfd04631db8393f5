"""From a block to columns: Arrow parses numbers where nothing else stands; everything else is read as text, by the one reader."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from numpy.typing import NDArray

from exodx.errors import InputRefused, Problem
from exodx.frozen import State, read_cells
from exodx.frozen.cells import WORDS, Cells
from exodx.panel import Scale
from exodx.privacy.cells import has_guards
from exodx.scoring.blocks import Block
from exodx.scoring.encode import texts
from exodx.scoring.job import NotInPieces
from exodx.scoring.plan import Plan
from exodx.scoring.quick import quickly
from exodx.tables.arrow import coded_column
from exodx.tables.lengths import longest_run
from exodx.tables.table import Records, TextTable, build_table, cell_text
from exodx.tables.visible import unseen

Floats = NDArray[np.float64]


class Numbers(Sequence[str]):
    """A column that Arrow read already: values and states, and no texts."""

    __slots__ = ("cells",)

    def __init__(self, values: Floats, states: NDArray[np.uint8]) -> None:
        self.cells = Cells(values, states, {})

    def __len__(self) -> int:
        return len(self.cells.values)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        raise TypeError("a column of numbers keeps no texts")


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


_BLANKS = ("", "NA", "N/A", "NaN", "nan", "n/a", "null", "NULL", "#N/A", "na", "None", "none")
"""Spellings of blank that Arrow looks for while it parses; every one of them is blank to the reader of cells."""


def _spellings() -> Iterator[str]:
    for word in WORDS:
        yield from dict.fromkeys((word, word.upper(), word.capitalize(), word.title()))


BLANK, NO_TEXT = texts(["", None])
"""Scalars taken from an array: to make them otherwise imports pandas."""

SPELLINGS = tuple(dict.fromkeys(_spellings()))
"""Words that stand for a state, as they are usually written."""


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


Found = dict[str, "Sequence[str] | pa.StringArray"]


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
        table = _parsed(plan, content, header, sign, as_text)
    if table is None and plan.specimen is None:
        raise NotInPieces("rows without a name among lines that are none")
    return table if table is not None else _carefully(plan, block)


def _by_loops(plan: Plan, block: Block, content: bytes, header: Sequence[str], sign: str) -> Found | None:
    """Read a block by machine code; None where it is not simple enough."""
    scales = plan.scales
    read = quickly(plan.made or {}, content, block.rows, sign, header, {name: scales.get(name) for name in plan.columns})
    if read is None:
        return None
    columns: Found = {name: Numbers(*cells) for name, cells in read.numbers.items()}
    for name, cells in read.texts.items():
        column = _column(plan, name, cells, ())
        if column is None:
            return None
        columns[name] = column
    return columns


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


def _parsed(plan: Plan, content: bytes, header: Sequence[str], sign: str, as_text: Collection[str]) -> Found | None:
    """Let Arrow parse a block; None where a line is not of the header's width, or the first cell is blank."""
    numeric = [name for name in plan.numeric if name not in as_text]
    for numbers in (numeric, ()):
        table = _arrow(plan, content, header, sign, numbers)
        chunks = {} if table is None else {name: table.column(str(header.index(name))).chunk(0) for name in plan.columns}
        columns: Found = {}
        for name, chunk in chunks.items():
            column = _column(plan, name, chunk, as_text)
            if column is None:
                break
            columns[name] = column
        if len(columns) == len(plan.columns):
            break
    if table is None or len(columns) < len(plan.columns):
        return None
    first = table.column("0").chunk(0)
    blank = first.null_count or (first.type == pa.string() and pc.any(pc.equal(pc.utf8_trim_whitespace(first), BLANK)).as_py())
    return None if blank and header[0] != plan.specimen else columns


def _arrow(plan: Plan, content: bytes, header: Sequence[str], sign: str, numeric: Sequence[str]) -> pa.Table | None:
    names = [str(i) for i in range(len(header))]
    used = list(dict.fromkeys(["0", *(str(header.index(name)) for name in plan.columns)]))
    types = dict.fromkeys(used, pa.string()) | {str(header.index(name)): pa.float64() for name in numeric}
    try:
        return pcsv.read_csv(
            pa.BufferReader(content),
            pcsv.ReadOptions(column_names=names, block_size=len(content) + 1, use_threads=False),
            pcsv.ParseOptions(delimiter=sign, quote_char='"' if b'"' in content else False, ignore_empty_lines=False),
            pcsv.ConvertOptions(
                column_types=types, include_columns=used, null_values=_BLANKS, strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        return None


def _column(plan: Plan, name: str, column: pa.Array, as_text: Collection[str]) -> Sequence[str] | pa.StringArray | None:
    """Return a column as it is read on; None where its texts are needed and were not kept."""
    if name == plan.specimen:
        return _stripped(column)
    if name not in plan.numeric:
        return coded_column(column.dictionary_encode())
    if name not in as_text and (numbers := _numbers(plan, name, column)) is not None:
        return numbers
    return [cell.strip() for cell in column.to_pylist()] if column.type == pa.string() else None


def _stripped(column: pa.StringArray) -> pa.StringArray | None:
    """Return specimens' ids, stripped; None where one is blank."""
    trimmed = pc.utf8_trim_whitespace(column)
    if pc.any(pc.equal(trimmed, BLANK)).as_py():
        return None
    return texts([cell.strip() for cell in column.to_pylist()]) if pc.any(pc.not_equal(trimmed, column)).as_py() else column


def _numbers(plan: Plan, name: str, column: pa.Array) -> Numbers | None:
    """Return a column of numbers and of words that stand for a state; None where anything else stands there."""
    words = None
    if column.type == pa.string():
        words = pc.index_in(column, texts(SPELLINGS))
        numbers = pc.if_else(words.is_valid(), NO_TEXT, column)
        try:
            column = numbers.cast(pa.float64())
        except pa.ArrowInvalid:
            return None
    values, known = values_of(column)
    if not np.isfinite(values[known]).all():
        return None
    states = np.where(known, np.uint8(State.MEASURED), np.uint8(State.NOT_RUN))
    if words is not None and words.null_count < len(words):
        codes, is_word = values_of(words)
        states[is_word] = _states_of(plan, name)[codes[is_word].astype(np.intp)]
    return Numbers(values, states)


def _states_of(plan: Plan, name: str) -> NDArray[np.uint8]:
    """Return the state that each spelling stands for in a column."""
    analyte = next(a for a in plan.job.model.panel.analytes if plan.match.columns.get(a.name, [""])[0] == name)
    return read_cells(SPELLINGS, Scale(analyte.scale)).states


def values_of(column: pa.Array) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the numbers of an Arrow column, NaN where null, and which are not null; from memory, without pandas."""
    if column.type != pa.float64():
        column = column.cast(pa.float64(), safe=False)
    mask, data = column.buffers()
    values = np.frombuffer(data, np.float64, len(column), column.offset * 8)
    if mask is None or not column.null_count:
        return values, np.ones(len(values), bool)
    bits = np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little")[column.offset : column.offset + len(column)]
    known = bits.astype(bool)
    return np.where(known, values, np.nan), known


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
        column = _plain(batch.column(name))
        is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        if is_number and name in plan.numeric and name not in as_text:
            values, _ = values_of(column)
            if not np.isinf(values).any():
                states = np.where(np.isnan(values), np.uint8(State.NOT_RUN), np.uint8(State.MEASURED))
                columns[name] = Numbers(values, states)
                continue
        if column.type == pa.string():
            read = _column(plan, name, column, as_text)
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
    except (pa.ArrowException, ValueError, OverflowError) as error:
        found, fix = f"a cell of the type {column.type} that cannot be read ({error})", "Write the column as text or as numbers."
        raise InputRefused(Problem("CELL_UNREADABLE", f"{source}, column {name!r}", found, fix)) from None


def _plain(column: pa.Array) -> pa.Array:
    """Return texts of any of Arrow's types as plain ones, without nulls; any other column as it is."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.fill_null(column.cast(pa.string()), BLANK)
    return column

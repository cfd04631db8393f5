"""What Arrow makes of a block, its parser and its functions on columns: loaded where the loops of machine code stop."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from numpy.typing import NDArray

from exodx.frozen import State, read_cells
from exodx.frozen.cells import WORDS
from exodx.panel import Scale
from exodx.scoring.encode import texts
from exodx.scoring.numbers import Found, Numbers, values_of
from exodx.scoring.plan import Plan
from exodx.tables.arrow import coded_column

_BLANKS = ("", "NA", "N/A", "NaN", "nan", "n/a", "null", "NULL", "#N/A", "na", "None", "none")
"""Spellings of blank that Arrow looks for while it parses; every one of them is blank to the reader of cells."""


def _spellings() -> Iterator[str]:
    for word in WORDS:
        yield from dict.fromkeys((word, word.upper(), word.capitalize(), word.title()))


BLANK, NO_TEXT = texts(["", None])
"""Scalars taken from an array: to make them otherwise imports pandas."""

SPELLINGS = tuple(dict.fromkeys(_spellings()))
"""Words that stand for a state, as they are usually written."""


def parsed(plan: Plan, content: bytes, header: Sequence[str], sign: str, as_text: Collection[str]) -> Found | None:
    """Let Arrow parse a block; None where a line is not of the header's width, or the first cell is blank."""
    numeric = [name for name in plan.numeric if name not in as_text]
    for numbers in (numeric, ()):
        table = _arrow(plan, content, header, sign, numbers)
        chunks = {} if table is None else {name: table.column(str(header.index(name))).chunk(0) for name in plan.columns}
        columns: Found = {}
        for name, chunk in chunks.items():
            column = column_of(plan, name, chunk, as_text)
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


def column_of(plan: Plan, name: str, column: pa.Array, as_text: Collection[str]) -> Sequence[str] | pa.StringArray | None:
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


def plain(column: pa.Array) -> pa.Array:
    """Return texts of any of Arrow's types as plain ones, without nulls; any other column as it is."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.fill_null(column.cast(pa.string()), BLANK)
    return column

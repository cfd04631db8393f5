"""Files whose meaning is known whatever befell their form: the numbers that were written are read, or the file is refused."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from exodx.cohort.infer import is_mirna_name
from exodx.errors import InputRefused
from exodx.frozen import WELLS, State
from exodx.frozen.cells import read_cells
from exodx.panel import Scale
from exodx.tables.layout import specimen_ids, to_wide
from exodx.tables.reader import read_table
from tests.hostile import old_excel
from tests.hostile.seeds import zipped, zstd

NAMES = ("miR-126-3p", "miR-145-5p", "miR-21-5p", "let-7a-5p")
REFUSED = "refused"
Value = float | str
"""A number, the name of a state, or that it was refused."""

Table = dict[tuple[str, str], Value]
"""Specimen and analyte, and what stands there."""


@dataclass(frozen=True)
class Study:
    """Specimens, analytes, and the number of each as it is written with a point."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]

    @property
    def truth(self) -> Table:
        return {(i, n): float(t) for i, row in zip(self.ids, self.texts, strict=True) for n, t in zip(self.names, row, strict=True)}


def study(rng: Random, whole: bool = False, rows: int | None = None) -> Study:
    n, p = rows or rng.randrange(2, 9), rng.randrange(1, len(NAMES) + 1)
    ids = tuple(rng.choice(("S-{}", "00{}", "P {}", "1e{}", "µ{}", "{}-03")).format(i) for i in range(1, n + 1))

    def number() -> str:
        if whole:
            return str(rng.choice((0, 7, 30, 1200, 45678, 9_999_999, rng.randrange(10**6))))
        return rng.choice(("{:.2f}", "{:.3f}", "{:.6f}", "{:g}", "{:.1e}")).format(rng.uniform(15, 39))

    return Study(
        ids if len(set(ids)) == n else tuple(f"S{i}" for i in range(n)),
        NAMES[:p],
        tuple(tuple(number() for _ in range(p)) for _ in range(n)),
    )


def read_values(path: Path, scale: Scale = Scale.NORMALISED) -> Table | None:
    """Read a file as the cohort's reader does, to what each cell means; None where it is refused."""
    try:
        wide = to_wide(read_table(path), is_mirna_name, wells=WELLS)
        ids, column, problems = specimen_ids(wide)
    except InputRefused:
        return None
    if problems:
        return None
    found: Table = {}
    for name, texts in wide.columns.items():
        if name == column:
            continue
        cells = read_cells(texts, scale, decimal=wide.decimal)
        for row, who in enumerate(ids):
            state = State(int(cells.states[row]))
            value = REFUSED if row in cells.unreadable else float(cells.values[row]) if state is State.MEASURED else state.name
            found[who, name] = value
    return found


# --- forms that keep the meaning -------------------------------------------------------------------------------------


def grid(rng: Random, s: Study, decimal: str = ".") -> list[list[str]]:
    """Lay a study out: a row a specimen, a row a measurement, or analytes in rows."""
    rows = [[text.replace(".", decimal) for text in row] for row in s.texts]
    layout = rng.randrange(3)
    if layout == 0:
        return [["specimen_id", *s.names], *[[i, *row] for i, row in zip(s.ids, rows, strict=True)]]
    if layout == 1:
        long = [[i, name, cell] for i, row in zip(s.ids, rows, strict=True) for name, cell in zip(s.names, row, strict=True)]
        return [["specimen_id", "analyte", "value"], *long]
    return [["miRNA", *s.ids], *[[name, *[row[j] for row in rows]] for j, name in enumerate(s.names)]]


def text_form(rng: Random, s: Study) -> bytes:
    sign, decimal = rng.choice(((",", "."), (";", "."), ("\t", "."), (";", ","), ("\t", ","), (",", ",")))
    out, rows = io.StringIO(newline=""), grid(rng, s, decimal)
    end = rng.choice(("\n", "\r\n", "\r"))
    quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    csv.writer(out, delimiter=sign, lineterminator=end, quoting=quoting).writerows(rows)
    text = out.getvalue()
    if rng.random() < 0.2:
        text = text.replace(end, rng.choice(("\n", "\r\n")), rng.randrange(4))
    if rng.random() < 0.2:
        text = text.rstrip("\r\n") if rng.random() < 0.5 else text + end * 3
    if rng.random() < 0.2:
        text = "\n".join(f" {line}" for line in text.splitlines()) if quoting == csv.QUOTE_MINIMAL else text
    content = text.encode(
        rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac-roman")), "replace"
    )
    return rng.choice((bytes, bytes, lambda c: gzip.compress(c, mtime=0), zstd, lambda c: zipped(**{"t.csv": c}), _two_members))(
        content
    )


def _two_members(content: bytes) -> bytes:
    middle = len(content) // 2
    return gzip.compress(content[:middle], mtime=0) + gzip.compress(content[middle:], mtime=0)


def _typed(rng: Random, text: str) -> str | float | int:
    try:
        number = float(text)
    except ValueError:
        return text
    return rng.choice((number, number, text)) if (text[0] != "0" and "-" not in text[1:]) or number == 0 else text


def book_form(rng: Random, s: Study) -> bytes:
    rows = [[_typed(rng, cell) if j else cell for j, cell in enumerate(row)] if i else row for i, row in enumerate(grid(rng, s))]
    if rng.random() < 0.3:
        return old_excel.xls([[float(c) if isinstance(c, int) else c for c in row] for row in rows])
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in book.active.iter_rows():
        for cell in cells:
            cell.number_format = rng.choice(("General", "0.00", "0%", "@", "#,##0"))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet_form(rng: Random, s: Study) -> bytes:
    kinds = (
        lambda t: pa.array(t),
        lambda t: pa.array(t, pa.large_string()),
        lambda t: pa.array(t).dictionary_encode(),
        lambda t: pa.array([float(x) for x in t]),
        lambda t: pa.array([Decimal(x) for x in t]),
    )
    columns = {name: rng.choice(kinds)([row[j] for row in s.texts]) for j, name in enumerate(s.names)}
    out = io.BytesIO()
    packing = rng.choice(("snappy", "gzip", "zstd", "none"))
    pq.write_table(
        pa.table({"specimen_id": pa.array(s.ids), **columns}), out, compression=packing, row_group_size=rng.randrange(1, 9)
    )
    return out.getvalue()


FORMS: tuple[Callable[[Random, Study], bytes], ...] = (text_form, text_form, text_form, book_form, parquet_form)

# --- one odd cell ------------------------------------------------------------------------------------------------------

NEVER = [
    "1_000",
    "0x10",
    "0b11",
    "0o7",
    "1'000",
    "27:10",
    "2024-03-01",
    "03/01/2024",
    "1-Mar",
    "MARCH1",
    "=1+1",
    "=B2*2",
    "TRUE",
    "27.5%",
    "$27",
    "½",
    "Ⅻ",
    "²",
    "1e",
    "1e+",
    "e5",
    "--5",
    "27..5",
    "27.5.1",
    "1d5",
    "1,000.5",
    "1.000,5",
    "1e999",
    "-1e999",
    "#DIV/0!",
    "#REF!",
    "27.5\u200b",
    "2\u200d7.5",
    "27.5\xad",
    "\ufeff27.5",
    "2\xa07.5",
    "27.5x",
    "O7",
    "l7",
    "1/2",
    "27+1",
    "(27.5)",
    "27.5e5.5",
]
"""Cells that no number may be read from."""

NUMBERS = {
    "27.5": 27.5,
    "+27.5": 27.5,
    "２７.５": 27.5,
    "٢٧": 27.0,
    "00027": 27.0,
    "27.": 27.0,
    ".5": 0.5,
    "1e1": 10.0,
    "1E1": 10.0,
    "-0": -0.0,
    "1e-320": 1e-320,
    "4.9e-324": 4.9e-324,
    "9007199254740993": 9007199254740992.0,
    "0.1": 0.1,
    "123456789012345678901234567890": 1.2345678901234568e29,
    "27.500000000000000000000000000001": 27.5,
    "1e308": 1e308,
    "-1e308": -1e308,
    "3.4e38": 3.4e38,
    "−27.5": -27.5,
    "1e+1": 10.0,
}
"""Cells that are read as this number, if they are read."""

DATES = (dt.date(2024, 3, 1), dt.datetime(2024, 3, 1, 12, 30), dt.time(12, 30), dt.timedelta(hours=27), True, False)
"""What a spreadsheet keeps that is no number, however it looks."""


def with_cell(rng: Random, s: Study, cell: object) -> tuple[bytes, tuple[str, str]]:
    """Put a cell into a study, in any form that can hold it; say where."""
    row, column = rng.randrange(len(s.ids)), rng.randrange(len(s.names))
    rows: list[list[object]] = [["specimen_id", *s.names], *[[i, *texts] for i, texts in zip(s.ids, s.texts, strict=True)]]
    rows[row + 1][column + 1] = cell
    at = (s.ids[row], s.names[column])
    if not isinstance(cell, str) or rng.random() < 0.3:
        return _book(rows), at
    if rng.random() < 0.3:
        out = io.BytesIO()
        pq.write_table(pa.table({str(name): [str(r[j]) for r in rows[1:]] for j, name in enumerate(rows[0])}), out)
        return out.getvalue(), at
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=rng.choice(",;\t")).writerows(rows)
    return text.getvalue().encode(), at


def _book(rows: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()

"""Whether a cohort can be scored in pieces, and what is known of all pieces: from the first rows of each of its files.

Only plain wide tables can: text or Parquet with a row a specimen and a column an analyte. Exports of instruments, long tables,
analytes in rows, joined tables and everything doubtful is read as a whole.
"""

from __future__ import annotations

import csv
import glob
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from exodx.errors import InputRefused
from exodx.frozen import rule_columns
from exodx.frozen.native import Loop, is_kept, native_loops
from exodx.frozen.statements import read_statements, releases_of, statement_columns
from exodx.panel import Analyte, ColumnMatch, Scale, is_analyte_name
from exodx.scoring import doors, loops
from exodx.scoring.blocks import PACKED, File, Rows, Text, block_size, dealt, file_of
from exodx.scoring.job import Job
from exodx.tables.archive import matching_files, visible_files
from exodx.tables.delimited import DELIMITERS, is_point_number
from exodx.tables.layout import specimen_ids
from exodx.tables.reader import table_of
from exodx.tables.stacked import stacked
from exodx.tables.table import TextTable

HEAD = 1 << 17
"""Bytes of each file that are looked at first."""
HEAD_ROWS = 200
NATIVE_BYTES, COMPILED_BYTES = 1 << 24, 1 << 27
"""Text from which it is read by machine code, where that is kept and where it must be compiled: it saves 6 ns a byte, is loaded in
0.05 s and compiled, once and for all, in 2."""
SMALL, LARGEST = 1 << 26, 1 << 28
"""Bytes of files up to which a cohort that is refused is read as a whole, for all that is wrong with it at once; and at most: that
takes 17 times its bytes."""
_SIGNS = MappingProxyType({f"{name}-separated": sign for sign, name in DELIMITERS.items()})


@dataclass(frozen=True, slots=True)
class Plan:
    """A cohort that can be scored in pieces.

    Parameters
    ----------
    job : Job
    files : tuple of File
    delimiters : tuple of str
        Of each file; empty for Parquet.
    headers : tuple of tuple of str
        Of each file.
    head : TextTable
        The first rows, as the careful reader gives them.
    match : ColumnMatch
        Which column is which analyte.
    missing : tuple of Analyte
        Targets that are not given, and may be missing.
    releases : tuple of str
        The miRBase release that is stated, if any.
    specimen : str or None
        The specimen column.
    rules : dict of str to str
        Columns of the quality rules on specimens, and their headers.
    n_rows : int
        About so many specimens.
    made : mapping, optional
        Loops that read plain lines, as machine code, where that pays.
    """

    job: Job
    files: tuple[File, ...]
    delimiters: tuple[str, ...]
    headers: tuple[tuple[str, ...], ...]
    head: TextTable
    match: ColumnMatch
    missing: tuple[Analyte, ...]
    releases: tuple[str, ...]
    specimen: str | None
    rules: dict[str, str]
    n_rows: int
    made: Mapping[Loop, Loop] | None = None

    @property
    def numeric(self) -> list[str]:
        """Headers of the analytes that are read: the first of each."""
        return [found[0] for found in self.match.columns.values()]

    @property
    def scales(self) -> dict[str, Scale]:
        """Scale of each of these columns."""
        analytes = {a.name: a.scale for a in self.job.model.panel.analytes}
        return {found[0]: analytes[name] for name, found in self.match.columns.items()}

    @property
    def columns(self) -> list[str]:
        """Every header that is read, in the order of the head."""
        spoken = statement_columns(self.head, {h for found in self.match.columns.values() for h in found})
        used = {*self.numeric, *spoken.values(), *self.rules.values(), *([self.specimen] if self.specimen is not None else [])}
        return [name for name in self.head.header if name in used]


def cohort_files(path: Path) -> list[Path]:
    """Return the files of a cohort: one, those of a folder, or those that match a pattern."""
    if path.is_dir():
        return visible_files(path)
    return matching_files(path) if not path.exists() and glob.has_magic(path.name) else [path]


def plan_of(job: Job) -> Plan | None:
    """Return how to score a cohort in pieces, or None where it must be read as a whole.

    Raises
    ------
    InputRefused
        Where the first rows of a large cohort show what it is refused for.
    """
    try:
        paths = [] if job.joined else cohort_files(job.path)
        files = [file_of(path) for path in paths]
    except (InputRefused, OSError, pa.ArrowException, UnicodeDecodeError):
        return None
    try:
        return plan_of_files(job, files, alone=job.path.is_file())
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        return None


def plan_of_files(job: Job, files: Sequence[File | None], *, alone: bool) -> Plan | None:
    """Return how to score these files in pieces, or None; ``alone`` where a file is the cohort, not one in a folder.

    Raises
    ------
    InputRefused
        Where the first rows of a large cohort show what it is refused for.
    OSError
        Where one cannot be read.
    """
    try:
        heads = [_head(file) for file in files if file is not None]
    except (InputRefused, pa.ArrowException, UnicodeDecodeError, csv.Error):
        return None
    plain = [head for head in heads if head is not None]
    if not plain or len(plain) < len(files):
        return None
    return _planned(job, [file for file in files if file is not None], plain, alone=alone)


def _planned(job: Job, files: Sequence[File], heads: Sequence[TextTable], *, alone: bool) -> Plan | None:
    try:
        head = heads[0] if alone else _together(job.path.name, heads)
    except InputRefused:
        return None
    if not any(map(is_analyte_name(job.model.panel), head.header)) or any(set(h.header) != set(head.header) for h in heads):
        return None
    contract = job.model.contract
    taken = {header for found in job.model.panel.columns(head.header).values() for header in found}
    releases = releases_of(read_statements(head, job.conditions, taken)[0])
    if len(releases) > 1:
        return None
    match = contract.match(head.header, head.source, releases[0] if releases else None)
    missing, problems = contract.missing_targets(match, head.source, job.conditions)
    _, column, of_ids = specimen_ids(head, job.specimen)
    is_large = sum(file.n_bytes for file in files) > SMALL
    problems += [problem for problem in of_ids if problem.code == "COLUMN_MISSING"]
    if problems and is_large:
        raise InputRefused(problems)
    if problems or (of_ids and not is_large):
        return None
    analytes = {header for found in match.columns.values() for header in found}
    rules = rule_columns(head.header, job.model.transform.gate.rules, analytes)
    size = block_size(len(head.header))
    sized = tuple(dealt([replace(file, block=size) if isinstance(file, Text) else file for file in files], job.shard.of))
    signs = tuple(_SIGNS.get(h.notes[-1], "") for h in heads)
    headers, rows = tuple(tuple(h.header) for h in heads), sum(map(_rows, files))
    return Plan(job, sized, signs, headers, head, match, tuple(missing), releases, column, rules, rows, _made(files))


def _made(files: Sequence[File]) -> Mapping[Loop, Loop] | None:
    size = sum(file.n_bytes for file in files if isinstance(file, Text))
    pays = size >= COMPILED_BYTES or (size >= NATIVE_BYTES and is_kept(loops))
    return native_loops(loops) if pays else None


def _together(source: str, heads: Sequence[TextTable]) -> TextTable:
    """Stack the heads as the careful reader stacks whole files; a file alone stays alone."""
    bare = [replace(head, notes=head.notes[-1:]) for head in heads]
    return bare[0] if len(bare) == 1 else stacked(source, bare)


def _head(file: File | None) -> TextTable | None:
    """Read a file's first rows carefully; None where it is no plain wide table."""
    if isinstance(file, Rows):
        return _parquet_head(file)
    if file is None:
        return None
    content = file.head(HEAD)
    text = content.decode("utf-8-sig")
    if not content or text.startswith("#") or "\x00" in text:
        return None
    table = table_of(file.path.name, content, [file.compression] if file.compression else [])
    sign = _SIGNS.get(table.notes[-1] if table.notes else "")
    told = len(table.notes) - bool(file.compression)
    if sign is None or told != 1 or table.place != "line" or table.analytes or table.unit or table.platform:
        return None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
    first = next(reader, [])
    if reader.line_num != 1 or [cell.strip() for cell in first] != table.header:
        return None
    points = any(is_point_number(cell) for cells in table.columns.values() for cell in cells) if sign != "," else True
    return table if points else None


def _parquet_head(file: Rows) -> TextTable | None:
    with file.opened() as source:
        batch = next(source.iter_batches(HEAD_ROWS, use_threads=False), None)
        names = list(source.schema_arrow.names)
    if batch is None or any(name != name.strip() or not name for name in names):
        return None
    table = table_of(file.path.name, doors.as_parquet(batch), [])
    return (
        table if table.place == "row" and table.header == names and not (table.analytes or table.unit or table.platform) else None
    )


def _rows(file: File) -> int:
    """Return about how many rows a file has; of a compressed one by what such files usually hold."""
    if isinstance(file, Rows):
        return file.n_rows()
    lines = list(islice(io.BytesIO(file.head(HEAD)), HEAD_ROWS))
    width = max(1, sum(map(len, lines[1:])) // max(1, len(lines) - 1))
    return int(file.n_bytes * (PACKED if file.compression else 1) // width)

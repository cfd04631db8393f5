"""The three layouts of a results table, brought to one: a row a specimen, a column an analyte."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from exodx.errors import InputRefused, Problem, nearest
from exodx.tables.table import Remark, TextTable

SPECIMEN_NAMES = ("specimen_id", "specimen", "sample_id", "sampleid", "sample", "sample_name", "id", "")
ANALYTE_NAMES = (
    "analyte",
    "target",
    "target_name",
    "assay",
    "detector",
    "mirna",
    "gene",
    "protein",
)
VALUE_NAMES = ("value", "ct", "cq", "count", "counts", "concentration", "conc", "npx", "result", "intensity")

UNNAMED = "no specimen column was recognised: specimens are named row-1, row-2 …"
WELL_NAMES = frozenset({"well", "well position", "pos", "task", "ct", "replicate"})
"""Columns that say something about a well and never about a specimen."""

FLAG_NAMES = ("flag", "flags", "status")
"""How the name of a column ends that says what became of a well."""

FLAGGED = frozenset({"undetermined", "undet", "no amp", "no ct", "no cq", "nd", "not detected", "fail", "failed", "invalid"})

IsAnalyte = Callable[[str], bool]


def find_column(table: TextTable, names: tuple[str, ...]) -> str | None:
    """Return the first column that bears one of these names, in their order; case, blanks and underscores do not count."""
    folded = {_folded(column): column for column in reversed(table.header)}
    return next((folded[name] for name in map(_folded, names) if name in folded), None)


def _folded(column: str) -> str:
    """A column's name without case, and with blanks and underscores alike."""
    return " ".join(column.casefold().replace("_", " ").split())


def to_wide(table: TextTable, is_analyte: IsAnalyte, specimen: str | None = None, wells: str | None = None) -> TextTable:
    """Bring a table to the wide layout.

    Parameters
    ----------
    table : TextTable
        Wide (analytes over the columns), long (a row a measurement), or with analytes in rows and specimens over the columns.
    is_analyte : callable
        Says whether a name is an analyte's.
    specimen : str, optional
        The specimen column, if the user named one.
    wells : str, optional
        What to put between the replicate wells of a long table's specimen and analyte, for the reader of cells to summarise;
        without it they are refused.

    Returns
    -------
    TextTable
        Where the layout changed, rows are named by specimen and a note says so.
    """
    if any(is_analyte(name) for name in table.header):
        return table
    column = _analyte_column(table, is_analyte, specimen)
    if column is None:
        return table
    value = find_column(table, VALUE_NAMES)
    if value and _is_long(table, column, specimen, is_analyte):
        return _from_long(table, column, value, specimen, wells)
    return _from_rows(table, column)


def _analyte_column(table: TextTable, is_analyte: IsAnalyte, specimen: str | None) -> str | None:
    """The column that holds analyte names: most of its cells are analytes, or it is called so and comes first (or is long)."""
    for name, cells in table.columns.items():
        if sum(count for cell, count in Counter(cells).items() if is_analyte(cell)) > len(cells) / 2:
            return name
    column = find_column(table, ANALYTE_NAMES)
    if column is None:
        return None
    return column if _is_long(table, column, specimen, is_analyte) or table.header[0] == column else None


def _is_long(table: TextTable, analyte: str, specimen: str | None, is_analyte: IsAnalyte) -> bool:
    """Say whether there is a row a measurement: a value, and names that repeat (or are surely analytes beside a specimen)."""
    if find_column(table, VALUE_NAMES) is None:
        return False
    names, by = set(table.columns[analyte]), specimen or find_column(table, SPECIMEN_NAMES)
    sure = bool(table.unit) or sum(map(is_analyte, names)) > len(names) / 2
    return len(names) < len(table) or (sure and by in table.columns and by != analyte)


def _from_rows(table: TextTable, column: str) -> TextTable:
    """Turn analytes in rows: every other column is a specimen."""
    names = table.columns[column]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        problems = [
            Problem("ANALYTE_TWICE", f"{table.source}, column {column!r}", f"{name!r} stands in several rows", "Keep one of them.")
            for name in twice
        ]
        raise InputRefused(problems)
    ids = [name for name in table.header if name != column]
    cells = zip(*(table.columns[i] for i in ids), strict=True)
    columns = {"specimen_id": ids} | {name: list(row) for name, row in zip(names, cells, strict=True)}
    note = f"{len(names)} analytes stand in rows (column {column!r}), {len(ids)} specimens over the columns"
    return replace(table, columns=columns, lines=ids, place="specimen", notes=(*table.notes, note))


def _from_long(table: TextTable, analyte: str, value: str, specimen: str | None, wells: str | None) -> TextTable:
    """Gather the rows of each specimen; columns that are constant within specimens are kept."""
    by = specimen or find_column(table, SPECIMEN_NAMES)
    if by is None or by not in table.columns:
        fix = nearest(by or "specimen_id", table.header)
        raise InputRefused(
            Problem("SPECIMEN_MISSING", table.source, "a long table without a specimen column", f"Name it: --specimen. {fix}")
        )
    ids = list(dict.fromkeys(table.columns[by]))
    row_of = {name: i for i, name in enumerate(ids)}
    columns = {name: [""] * len(ids) for name in dict.fromkeys(table.columns[analyte])}
    places: dict[tuple[str, str], list[int]] = {}
    for row, (name, who) in enumerate(zip(table.columns[analyte], table.columns[by], strict=True)):
        places.setdefault((who, name), []).append(row)
    repeated = {pair: rows for pair, rows in places.items() if len(rows) > 1}
    if problems := _repeated(table, repeated if wells is None else _same_well(table, repeated)):
        raise InputRefused(problems)
    cells, analytes = table.columns[value], tuple(columns)
    for (who, name), rows in places.items():
        columns[name][row_of[who]] = (wells or "").join(cells[row] for row in rows)
    kept = {by: ids} | _constant_columns(table, by, ids, {analyte, value, by})
    notes = [f"long layout: {len(table)} rows are {len(ids)} specimens × {len(columns)} analytes"]
    if differing := [c for c in table.header if c not in {*kept, analyte, value} and _folded(c) not in WELL_NAMES]:
        notes.append(f"columns that differ within a specimen are not kept: {', '.join(differing)}")
    if repeated:
        most = max(map(len, repeated.values()))
        notes.append(f"replicate wells: {len(repeated)} of {len(places)} values have several (up to {most})")
    unit = table.unit or ("Ct" if value.casefold() in ("ct", "cq") else "")
    columns = {**kept, **columns}
    found = replace(table, columns=columns, lines=ids, place="specimen", notes=(*table.notes, *notes), analytes=analytes, unit=unit)
    return replace(found, remarks=(*table.remarks, *_contradicted(table, value)))


def _contradicted(table: TextTable, value: str) -> list[Remark]:
    """Return which columns call wells undetermined or failed whose value is a number."""
    remarks = []
    for name in table.header:
        if name == value or _folded(name).rpartition(" ")[2] not in FLAG_NAMES:
            continue
        pairs = zip(table.columns[name], table.columns[value], strict=True)
        wrong = Counter(flag for flag, cell in pairs if flag.casefold() in FLAGGED and _is_number(cell))
        if wrong:
            said = ", ".join(f"{flag!r} ({n})" for flag, n in wrong.most_common())
            message = (
                f"Column {name!r} says {said} where {value} is a number, in {sum(wrong.values())} of {len(table)} wells. "
                "The number was taken. Find out what the flag means; blank the value where the well is not to be believed."
            )
            remarks.append(Remark("flag_contradicts", message))
    return remarks


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell.replace(",", ".")))
    except ValueError:
        return False


def _repeated(table: TextTable, repeated: Mapping[tuple[str, str], list[int]]) -> list[Problem]:
    fix = "Give one value for a specimen and analyte, or each replicate a well (and plate) of its own."
    return [
        Problem(
            "VALUE_TWICE",
            f"{table.source}, {table.place}s {', '.join(str(table.lines[row]) for row in rows)}",
            f"several values of {name!r} for {who!r}",
            fix,
        )
        for (who, name), rows in repeated.items()
    ]


def _same_well(table: TextTable, repeated: Mapping[tuple[str, str], list[int]]) -> dict[tuple[str, str], list[int]]:
    """Return the repeated values that one well gave twice: rows copied, or plates that are not told apart."""
    well = find_column(table, ("well", "well position", "pos"))
    if well is None or not any(table.columns[well]):
        return {}
    plate = find_column(table, ("plate", "plate_id", "batch"))
    wells, plates = table.columns[well], table.columns[plate] if plate else table.columns[well]
    return {pair: rows for pair, rows in repeated.items() if len({(plates[row], wells[row]) for row in rows}) < len(rows)}


def _constant_columns(table: TextTable, by: str, ids: list[str], without: set[str]) -> dict[str, list[str]]:
    kept = {}
    for name in table.header:
        if name in without or name.casefold() in WELL_NAMES:
            continue
        cells: dict[str, set[str]] = {}
        for who, cell in zip(table.columns[by], table.columns[name], strict=True):
            cells.setdefault(who, set()).add(cell)
        if all(len(found) == 1 for found in cells.values()):
            kept[name] = [next(iter(cells[who])) for who in ids]
    return kept


def specimen_ids(table: TextTable, specimen: str | None = None) -> tuple[list[str], str | None, list[Problem]]:
    """Find the specimens' ids in a wide table.

    Returns
    -------
    ids : list of str
        From the specimen column; ``row-1``, ``row-2`` … where the table has none.
    column : str or None
        The specimen column.
    problems : list of Problem
        Blank or repeated ids, or an unknown column.
    """
    if specimen is not None and specimen not in table.columns:
        return [], None, [Problem("COLUMN_MISSING", table.source, f"no column {specimen!r}", nearest(specimen, table.header))]
    column = specimen if specimen is not None else find_column(table, SPECIMEN_NAMES)
    if column is None:
        return [f"row-{i}" for i in range(1, len(table) + 1)], None, []
    ids = table.columns[column]
    problems = [
        Problem("ID_BLANK", table.where(row, column), "a specimen without an id", "Give each specimen an id.")
        for row, name in enumerate(ids)
        if not name
    ]
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(ids):
        if name:
            rows.setdefault(name, []).append(row)
    for name, found in rows.items():
        if len(found) > 1:
            places = ", ".join(str(table.lines[row]) for row in found)
            fix = "Give each specimen one row and an id of its own."
            problems.append(Problem("ID_TWICE", f"{table.source}, {table.place}s {places}", f"specimen id {name!r}", fix))
    return ids, column, problems

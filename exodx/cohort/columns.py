"""Specimen columns: which column says whose, where, when; by the user's word or by its usual name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from exodx.errors import Problem, nearest
from exodx.frozen import is_blank, read_cells, unread_cells
from exodx.panel import Scale
from exodx.tables.names import PLATE_NAMES, SITE_NAMES, SUBJECT_NAMES, find_column
from exodx.tables.table import TextTable
from exodx.tables.visible import alike, look, unseen

UNKNOWN = "(not stated)"
"""Where a specimen's site, plate, date or sex is blank: never a site of its own."""

USUAL_NAMES = MappingProxyType(
    {
        "subject": SUBJECT_NAMES,
        "site": SITE_NAMES,
        "plate": PLATE_NAMES,
        "date": ("date", "collection_date"),
        "age": ("age", "age_years"),
        "sex": ("sex", "gender", "female", "male"),
        "synthetic": ("synthetic",),
    }
)
"""What a specimen column may be called when the user does not say."""

_AGE = re.compile(r"age(?:[ _]*[\[(] *(?:y|yr|yrs|year|years)\.? *[\])]|[ _]+(?:y|yr|yrs|year|years)\.?)$", re.IGNORECASE)
"""An age with its unit beside it, ``Age (yrs)``; months and days are another number."""


def find_specimen_columns(table: TextTable, given: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """Return the column of each specimen attribute, and a problem for every named column that is not there."""
    problems = [
        Problem("COLUMN_MISSING", table.source, f"no column {column!r} (for {key})", nearest(column, table.header))
        for key, column in given.items()
        if column not in table.columns
    ]
    usual = {key: column for key, names in USUAL_NAMES.items() if (column := find_column(table, names)) is not None}
    if "age" not in usual and (column := next((name for name in table.header if _AGE.match(name.strip())), None)) is not None:
        usual["age"] = column
    named = {key: column for key, column in given.items() if column in table.columns and key != "specimen"}
    return {**usual, **named}, problems


def read_specimen_columns(
    table: TextTable, ids: list[str], attributes: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str], list[Problem]]:
    """Read the specimen columns.

    Returns
    -------
    specimens : DataFrame
        Index: specimen id; ``subject`` always (the specimen itself where no column says), the others where known.
    notes : list of str
        Which column was taken for what.
    problems : list of Problem
        Blank subjects, unreadable ages, sites or plates spelt in two ways, specimens or subjects that differ but look the same.
    """
    problems = [] if unseen(ids) else _alike(f"{table.source}, specimen ids", ids)
    columns: dict[str, object] = {"subject": ids}
    notes = []
    for key, column in attributes.items():
        cells = ["" if is_blank(cell) else cell for cell in table.columns[column]]
        if key != "synthetic":
            notes.append(f"{key}: column {column!r} ({len(set(filter(None, cells)))} values)")
        if key == "age":
            read = read_cells(cells, Scale.NORMALISED, decimal=table.decimal)
            problems += [cell_problem(table, row, column, why) for row, why in read.unreadable.items()]
            columns[key] = read.values
        elif key == "subject":
            fix = "Say whose specimen it is: splits keep a subject's specimens together."
            blank = [row for row, cell in enumerate(cells) if not cell]
            problems += [Problem("SUBJECT_BLANK", table.where(row, column), "no subject", fix) for row in blank]
            problems += _alike(f"{table.source}, column {column!r}", cells)
            columns[key] = cells
        elif key != "synthetic":
            problems += spelling_problems(table, column) if key in ("site", "plate", "sex") else []
            columns[key] = [cell or UNKNOWN for cell in cells]
    if len(ids) != len(table):
        return pd.DataFrame(), notes, problems
    return pd.DataFrame(columns, index=pd.Index(ids, name="specimen_id")), notes, problems


def _alike(where: str, names: list[str]) -> list[Problem]:
    """Refuse names that only a program tells apart: one subject would be two, and stand on both sides of a split."""
    fix = "Write it in one way: two names that look the same must be the same."
    return [Problem("SPELLING", where, f"names that look the same: {', '.join(map(ascii, found))}", fix) for found in alike(names)]


def spelling_problems(table: TextTable, column: str) -> list[Problem]:
    """Return a problem for every value of a column that is written in several ways (``Case`` and ``case``, ``1`` and ``1.0``)."""
    spellings: dict[object, dict[str, int]] = {}
    for cell in table.columns[column]:
        if not is_blank(cell):
            known = spellings.setdefault(_meaning(cell), {})
            known[cell] = known.get(cell, 0) + 1
    return [
        Problem(
            "SPELLING",
            f"{table.source}, column {column!r}",
            "one value in several spellings: " + ", ".join(f"{cell!r} ({n})" for cell, n in sorted(found.items())),
            "Write it in one way.",
        )
        for found in spellings.values()
        if len(found) > 1
    ]


def _meaning(cell: str) -> object:
    try:
        return float(cell)
    except ValueError:
        return look(cell).casefold()


def cell_problem(table: TextTable, row: int, header: str, why: str) -> Problem:
    """Return the problem of a cell that has no meaning."""
    return unread_cells({(row, header): why}, table)[0]

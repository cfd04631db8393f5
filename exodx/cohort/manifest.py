"""The manifest in a cohort's table: which of its columns are there, read into typed specimen columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from exodx.cohort.columns import UNKNOWN, cell_problem
from exodx.errors import Problem
from exodx.frozen import is_blank
from exodx.frozen.specimen_rules import read_numbers, read_words
from exodx.panel.manifest import ManifestField, manifest_columns, manifest_fields
from exodx.tables.table import TextTable

ELSEWHERE = ("subject", "site", "plate", "date", "age", "sex")
"""Fields that :mod:`exodx.cohort.columns` reads."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a table states about its specimens, beside subject, site, plate, date, age and sex.

    Parameters
    ----------
    columns : dict of str to list
        Field to values: numbers (NaN where not stated) or text (:data:`~exodx.cohort.columns.UNKNOWN` where not stated).
    headers : dict of str to str
        Field to the table's column.
    problems : tuple of Problem
        Cells that cannot be read.
    """

    columns: dict[str, list[float] | list[str]]
    headers: dict[str, str]
    problems: tuple[Problem, ...]

    def onto(self, specimens: pd.DataFrame) -> pd.DataFrame:
        """Return the specimen columns with the manifest's beside them."""
        return specimens.assign(**self.columns) if len(specimens.columns) else specimens

    @property
    def notes(self) -> list[str]:
        """Which column was taken for what."""
        named = [name if header == name else f"{name} ({header!r})" for name, header in self.headers.items()]
        return [f"manifest: {', '.join(named)}"] if named else []


def read_manifest(table: TextTable, taken: Collection[str], extra: Collection[str] = ()) -> Manifest:
    """Read the manifest columns that a table has.

    Parameters
    ----------
    table : TextTable
        Wide.
    taken : collection of str
        Columns that mean something else already.
    extra : collection of str
        Columns that the panel's own rules look at.
    """
    headers = {
        name: header for name, header in manifest_columns(table.header, taken, tuple(extra)).items() if name not in ELSEWHERE
    }
    fields = {known.name: known for known in manifest_fields()}
    columns: dict[str, list[float] | list[str]] = {}
    problems: list[Problem] = []
    for name, header in headers.items():
        known = fields.get(name)
        columns[name], found = _numbers(table, header, known) if known and known.type == "number" else _texts(table, header, known)
        problems += found
    return Manifest(columns, headers, tuple(problems))


def _numbers(table: TextTable, header: str, known: ManifestField) -> tuple[list[float], list[Problem]]:
    cells = read_numbers(table.columns[header], known, table.decimal)
    return cells.values.tolist(), [cell_problem(table, row, header, why) for row, why in cells.unreadable.items()]


def _texts(table: TextTable, header: str, known: ManifestField | None) -> tuple[list[str], list[Problem]]:
    texts, problems = [], []
    read = {cell: read_words(cell, known) for cell in dict.fromkeys(table.columns[header])}
    for row, cell in enumerate(table.columns[header]):
        said, why = read[cell]
        if why:
            fix = "Write one of its words, or leave the cell blank (not stated)."
            problems.append(Problem("WORD_UNKNOWN", table.where(row, header), why, fix))
        free = known is None or not known.vocabulary
        blank = not said or (free and (is_blank(cell) or cell == "-"))
        texts.append(UNKNOWN if blank else "; ".join(said) if known is None or known.type != "map" else cell)
    return texts, problems

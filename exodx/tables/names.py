"""What columns are usually called, and which of a table's bears such a name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from exodx.tables.table import TextTable

SPECIMEN_NAMES = ("specimen_id", "specimen", "sample_id", "sampleid", "sample", "sample_name", "id", "")
SUBJECT_NAMES = ("subject_id", "subject", "patient_id", "patient", "participant_id", "participant", "donor_id", "donor")
SITE_NAMES = ("site", "site_id", "centre", "center", "hospital", "collection_site")
PLATE_NAMES = ("plate", "plate_id", "plateid", "batch", "batch_id")
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

WELL_NAMES = frozenset({"well", "well position", "pos", "task", "ct", "replicate"})
"""Columns that say something about a well and never about a specimen."""


def n_words(cells: Sequence[str]) -> int:
    """Return how many cells hold a letter that has a case, as every name of a column does: rows of numbers have few.

    >>> n_words(["S1", "23.5", "", "Ct", "1e5"])
    3
    """
    return sum(cell.upper() != cell.lower() for cell in cells)


def find_column(table: TextTable, names: tuple[str, ...]) -> str | None:
    """Return the first column that bears one of these names, in their order; case, blanks and underscores do not count."""
    found = {folded_name(column): column for column in reversed(table.header)}
    return next((found[name] for name in map(folded_name, names) if name in found), None)


@lru_cache(1 << 14)
def folded_name(column: str) -> str:
    """Return a column's name without case, and with blanks and underscores alike."""
    return " ".join(column.casefold().replace("_", " ").split())

"""Specimen columns: which column says whose, where, when; by the user's word or by its usual name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from exodx.errors import Problem, nearest
from exodx.tables import TextTable, find_column

USUAL_NAMES = MappingProxyType(
    {
        "subject": ("subject_id", "subject", "patient_id", "patient", "participant_id", "participant", "donor_id", "donor"),
        "site": ("site", "site_id", "centre", "center", "hospital", "collection_site", "_collection site"),
        "plate": ("plate", "plate_id", "batch", "batch_id"),
        "date": ("date", "collection_date"),
        "age": ("age", "age_years"),
        "sex": ("sex", "gender", "_gender", "female", "male"),
        "synthetic": ("synthetic",),
    }
)
"""What a specimen column may be called when the user does not say."""


def find_specimen_columns(table: TextTable, given: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """Return the column of each specimen attribute, and a problem for every named column that is not there."""
    problems = [
        Problem("COLUMN_MISSING", table.source, f"no column {column!r} (for {key})", nearest(column, table.header))
        for key, column in given.items()
        if column not in table.columns
    ]
    usual = {key: column for key, names in USUAL_NAMES.items() if (column := find_column(table, names)) is not None}
    named = {key: column for key, column in given.items() if column in table.columns and key != "specimen"}
    return {**usual, **named}, problems

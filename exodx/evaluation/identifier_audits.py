"""A finding about privacy: columns that name persons have no place beside measurements."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from exodx.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.evaluation.audits import Finding
from exodx.privacy.identifiers import direct_identifiers

LONGEST_NAME = 40


def audit_identifiers(cohort: Cohort) -> Iterator[Finding]:
    """Return a warning where columns identify persons directly; it names the columns and never a cell.

    Parameters
    ----------
    cohort : Cohort
        What is read and what nothing reads is looked at, ids too; measurements are not.
    """
    tables = [cohort.specimens] if cohort.unused is None else [cohort.unused, cohort.specimens]
    columns = {str(name): _texts(table[name]) for table in tables for name in table.columns}
    found = direct_identifiers({"specimen id": list(cohort.ids)} | columns)
    if found:
        told = "; ".join(f"{each.column[:LONGEST_NAME]!r} holds {each.what} (in {each.cells} different cells)" for each in found)
        message = (
            f"{told}. No model needs them: take them out of the file before it goes anywhere, and give subjects a pseudonym. "
            "Nothing of them is written to a run, a bundle or a report."
        )
        yield Finding("direct_identifier", "warning", message)


def _texts(cells: pd.Series) -> list[str]:
    """Return the cells that are text; numbers that were read as such name nobody."""
    return [cell for cell in cells if isinstance(cell, str) and cell != UNKNOWN]

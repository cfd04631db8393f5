"""Columns of a long table that say what became of a well, held against the value beside them."""

from __future__ import annotations

import math
from collections import Counter

from exodx.tables.names import folded_name
from exodx.tables.table import Remark, TextTable

FLAG_NAMES = ("flag", "flags", "status")
"""How the name of a column ends that says what became of a well."""

FLAGGED = frozenset({"undetermined", "undet", "no amp", "no ct", "no cq", "nd", "not detected", "fail", "failed", "invalid"})


def contradicted(table: TextTable, value: str) -> list[Remark]:
    """Return which columns call wells undetermined or failed whose value is a number."""
    remarks = []
    for name in table.header:
        if name == value or folded_name(name).rpartition(" ")[2] not in FLAG_NAMES:
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

"""MiRNAQCD's plain listing: no header, ``miRNA Subject Ct Class``, a line a well, ``#`` comments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exodx.tables.table import TextTable
from exodx.tables.tasks import UNKNOWN

_CT = re.compile(r"^(?:\d{1,2}(?:\.\d+)?|NA|Undetermined)$", re.IGNORECASE)
_NUMBER = re.compile(r"^[+-]?\d+(?:[.,]\d+)?$")


def wells(source: str, lines: Sequence[str], notes: tuple[str, ...]) -> TextTable | None:
    """Read the listing, or return None where it is something else: one class a subject, and wells repeated, are asked for."""
    rows, places = [], []
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line.strip():
            continue
        cells = line.split("\t") if "\t" in line else line.split()
        cells = [cell.strip() for cell in cells]
        if len(cells) != 4 or not _CT.match(cells[2]) or _NUMBER.match(cells[0]) or _NUMBER.match(cells[3]):
            return None
        rows.append(cells)
        places.append(number)
    analytes, subjects, values, classes = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    if len(rows) < 4 or len(set(analytes)) > len(rows) / 2 or len(set(zip(subjects, classes, strict=True))) > len(set(subjects)):
        return None
    said = f"no header: read as MiRNAQCD's columns miRNA, subject, Ct, class; {len(rows)} wells"
    blank = [""] * len(rows)
    columns = {"specimen_id": subjects, "analyte": analytes, "well": blank, "plate": blank, "task": [UNKNOWN] * len(rows)}
    columns |= {"ct": values, "value": values, "class": classes}
    return TextTable(source, columns, places, "line", ".", (*notes, said), unit="Ct", platform="MiRNAQCD")

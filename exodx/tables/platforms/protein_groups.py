"""Plain tables of protein intensities whose columns or rows are called by UniProt accessions joined by semicolons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exodx.tables.platforms.formats import TableFormat
from exodx.tables.platforms.intensities import Proteins, is_group, protein_table, without_blanks
from exodx.tables.table import TextTable

PLATFORM = "mass spectrometry"


def recognises(table: TextTable) -> bool:
    """Say whether most columns, or most rows of the first column, are protein groups, at least one of several accessions."""
    return _mostly_groups(table.header) or _mostly_groups(table.columns[table.header[0]])


def _mostly_groups(names: Sequence[str]) -> bool:
    groups = [name for name in names if is_group(name)]
    return len(groups) >= 3 and 2 * len(groups) > len(names) and any(";" in name for name in groups)


def read(table: TextTable) -> TextTable:
    """Blank what was not measured, and bring groups in rows to columns; the names stay the groups.

    Raises
    ------
    InputRefused
        As :func:`~exodx.tables.platforms.intensities.protein_table`.
    """
    if not _mostly_groups(table.header):
        first = table.header[0]
        runs = {name: name for name in table.header[1:] if name}
        return protein_table(table, Proteins(PLATFORM, "the only intensity", runs, first))
    groups = [name for name in table.header if is_group(name)]
    cells, unit, notes = without_blanks({name: table.columns[name] for name in groups}, table.decimal)
    said = (*table.notes, f"{len(groups)} columns are protein groups", *notes)
    return replace(
        table,
        columns={**table.columns, **cells},
        notes=said,
        analytes=tuple(groups),
        unit=unit,
        platform=PLATFORM,
        accessions={name: name for name in groups},
    )


FORMAT = TableFormat("protein groups", recognises, read)

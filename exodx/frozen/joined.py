"""From a table file and the tables joined to it to one wide table, and the unit in which each of its columns is told to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from exodx.frozen.replicates import WELLS
from exodx.frozen.statements import COLUMNS, long_units
from exodx.tables.coded import counted
from exodx.tables.join import id_column, join_table
from exodx.tables.layout import IsAnalyte, mostly, specimen_ids, to_wide
from exodx.tables.names import find_column
from exodx.tables.reader import read_table
from exodx.tables.table import TextTable


@dataclass(frozen=True, slots=True)
class Joined:
    """A cohort's tables as one.

    Parameters
    ----------
    table : TextTable
        Wide.
    specimen : str or None
        The specimen column, if it was named and the layout kept it.
    units : mapping of header to units
        As the rows of a long table said, or the reader knew of a joined one.
    added : tuple of str
        The columns that came from a further table.
    """

    table: TextTable
    specimen: str | None
    units: Mapping[str, set[str]]
    added: tuple[str, ...]


def join_files(table: TextTable, others: Sequence[Path], is_analyte: IsAnalyte, specimen: str | None) -> Joined:
    """Bring a table to the wide layout and join further table files, in any layout each, one after another.

    Parameters
    ----------
    table : TextTable
        In any layout.
    others : sequence of Path
        Tables of specimen columns or of measurements; an instrument's or a plate reader's export, too.
    is_analyte : callable
        Says whether a name is an analyte's.
    specimen : str, optional
        The specimen column, where it is not called so; a further table may call it otherwise.

    Raises
    ------
    InputRefused
        What :func:`~exodx.tables.reader.read_table`, :func:`~exodx.tables.layout.to_wide` and
        :func:`~exodx.tables.join.join_table` refuse.
    """
    wide = to_wide(table, is_analyte, specimen, WELLS)
    units = long_units(table, wide)
    if not others:
        return Joined(_without_units(wide, units), specimen, units, ())
    ids, _, _ = specimen_ids(wide, specimen if specimen in wide.columns else None)
    further = [_further(read_table(path), ids, is_analyte, specimen) for path in others]
    wide = _measured(_without_units(wide, units), is_analyte, told=any(other.analytes for other, _ in further))
    units, header = _told(wide, units), set(wide.header)
    for other, said in further:
        before = set(wide.header)
        wide = join_table(wide, other, specimen)
        units |= {name: said[name] for name in wide.header if name in said and name not in before}
    added = tuple(name for name in wide.header if name not in header)
    return Joined(wide, specimen if specimen in wide.columns else None, units, added)


def _further(
    table: TextTable, ids: Sequence[str], is_analyte: IsAnalyte, specimen: str | None
) -> tuple[TextTable, dict[str, set[str]]]:
    """Return a further table in the wide layout, and the units of its columns; a table of a row a specimen is wide already."""
    key = id_column(table, ids, specimen)
    if key is not None and not _names_analytes(table, is_analyte) and _has_row_each(table, key):
        return table, _told(table, {})
    wide = to_wide(table, is_analyte, key, WELLS)
    units = long_units(table, wide)
    if wide is not table:
        wide = _measured(_without_units(wide, units), is_analyte, told=True)
    return wide, _told(wide, units)


def _names_analytes(table: TextTable, is_analyte: IsAnalyte) -> bool:
    return any(mostly(counted(cells), is_analyte) for cells in table.columns.values())


def _has_row_each(table: TextTable, key: str) -> bool:
    """Say whether all rows of a specimen are the same."""
    return len(set(zip(*table.columns.values(), strict=True))) == len(set(table.columns[key]))


def _without_units(table: TextTable, units: Mapping[str, set[str]]) -> TextTable:
    """Drop the column of units that was read row by row: it says nothing of other columns."""
    column = find_column(table, COLUMNS["unit"]) if units else None
    return replace(table, columns={name: cells for name, cells in table.columns.items() if name != column}) if column else table


def _measured(table: TextTable, is_analyte: IsAnalyte, *, told: bool) -> TextTable:
    """Say which columns are measurements, before columns of other tables stand beside them."""
    if table.analytes or not (told or table.unit):
        return table
    _, column, _ = specimen_ids(table)
    analytes = [name for name in table.header if is_analyte(name)]
    others = [name for name in table.header if name != column] if table.unit or table.place == "specimen" else []
    return replace(table, analytes=tuple(analytes or others))


def _told(table: TextTable, units: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the units of a table's columns; an empty set where measurements have none, so that no other table's is taken."""
    said = {table.unit} if table.unit else set()
    return {name: set(said) for name in table.analytes or (table.header if said else ())} | dict(units)

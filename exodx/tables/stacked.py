"""Tables of one kind in several files, brought to one: the plates of a study, each exported by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exodx.errors import InputRefused, Problem
from exodx.tables.table import TextTable

MAY_LACK = frozenset({"plate", "well", "group", "quantity"})
"""Columns of an export of wells that another of the same study may lack."""


def stacked(source: str, tables: Sequence[TextTable]) -> TextTable:
    """Put the rows of several tables below one another.

    Parameters
    ----------
    source : str
        The folder's name.
    tables : sequence of TextTable
        Of one layout. Exports of wells that do not name their plate take their file for it.

    Raises
    ------
    InputRefused
        ``FILES_DIFFER`` for every file whose columns, unit, platform or decimal sign are not those of the first.
    """
    tables = [_with_plate(table) for table in tables]
    first, header = tables[0], list(dict.fromkeys(name for table in tables for name in table.header))
    problems = [Problem("FILES_DIFFER", f"{source}/{t.source}", why, _FIX) for t in tables if (why := _differs(first, t, header))]
    if problems:
        raise InputRefused(problems)
    columns = {name: [cell for t in tables for cell in t.columns.get(name, [""] * len(t))] for name in header}
    lines = [f"{line} of {table.source}" for table in tables for line in table.lines]
    notes = [f"{len(tables)} files of one kind", *(f"{table.source}: {note}" for table in tables for note in table.notes)]
    remarks = tuple(dict.fromkeys(remark for table in tables for remark in table.remarks))
    analytes = tuple(dict.fromkeys(name for table in tables for name in table.analytes))
    accessions = {name: accession for table in tables for name, accession in table.accessions.items()}
    whole = replace(first, source=source, columns=columns, lines=lines, notes=tuple(notes), remarks=remarks)
    return replace(whole, analytes=analytes, accessions=accessions)


_FIX = "Put files of one kind into the folder, or join blocks of one cohort's columns with --specimens."


def _with_plate(table: TextTable) -> TextTable:
    if "task" not in table.columns or any(table.columns.get("plate", ())):
        return table
    return replace(table, columns={**table.columns, "plate": [table.source] * len(table)})


def _differs(first: TextTable, table: TextTable, header: Sequence[str]) -> str:
    """Say how a table is not of the first one's kind; empty where it is."""
    lacking = [name for name in header if name not in table.columns and name not in MAY_LACK]
    if lacking:
        return f"no column {', '.join(map(repr, lacking[:5]))}{' …' if len(lacking) > 5 else ''}, which other files have"
    for what in ("unit", "platform", "decimal", "place"):
        mine, theirs = getattr(table, what), getattr(first, what)
        if mine != theirs:
            return f"{what} {mine!r}, where {first.source} has {theirs!r}"
    return ""

"""The one list of platforms: text, sheets or a plain table go to the reader that knows them, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping

from exodx.errors import InputRefused, Problem
from exodx.tables.platforms import adat, geo, olink, olink_wide, protein_groups, proteins, rcc
from exodx.tables.table import TextTable

TEXTS = (adat.FORMAT, geo.FORMAT, rcc.FORMAT)
TABLES = (olink.FORMAT, proteins.FORMAT, protein_groups.FORMAT)
"""With the texts every module of this folder that has a ``FORMAT``. No text is known by two; the general table is asked last."""


def of_text(source: str, text: str, notes: list[str]) -> TextTable | None:
    """Read a text that is no plain table (ADAT, GEO, RCC), or return None.

    Raises
    ------
    InputRefused
        ``MARKUP`` for a web page or XML, whatever its file is called, and what the readers refuse.
    """
    if known := next((each for each in TEXTS if each.recognises(text)), None):
        return known.read(source, text, notes)
    start = text[:2000].lstrip("\ufeff \t\r\n").casefold()
    if start.startswith(("<html", "<!doctype", "<table", "<?xml", "<workbook", "<meta", "<head")):
        found = "a web page or XML (some programs call it .xls)"
        raise InputRefused(Problem("MARKUP", source, found, "Open it in a spreadsheet program and save it as XLSX or CSV."))
    return None


def of_sheets(source: str, sheets: Mapping[str, list[list[str]]], notes: list[str]) -> TextTable | None:
    """Read a workbook whose first rows are no plain header (Olink's NPX Manager), or return None."""
    return olink_wide.read_sheets(source, sheets, notes)


def of_table(table: TextTable) -> TextTable:
    """Bring a table that a platform wrote to a row a specimen; any other table is returned as it is."""
    return next((each.read(table) for each in TABLES if each.recognises(table)), table)

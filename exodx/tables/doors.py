"""The doors to what few files need (Arrow, SciPy, calamine, exports, other layouts): each opens when a file calls for it.

A small text table is read with NumPy alone. Here, and nowhere else in this room, is a module imported late.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exodx.tables.coded import Coded
    from exodx.tables.plates.wells import PlateWells
    from exodx.tables.table import TextTable


def export_of_text(source: str, text: str, notes: list[str]) -> TextTable | None:
    """Read what a platform or instrument wrote; see :func:`exodx.tables.exports.of_text`."""
    from exodx.tables import exports

    return exports.of_text(source, text, notes)


def export_of_sheets(source: str, found: Mapping[str, list[list[str]]], notes: list[str]) -> TextTable | None:
    """Read a workbook that a platform or instrument wrote; see :func:`exodx.tables.exports.of_sheets`."""
    from exodx.tables import exports

    return exports.of_sheets(source, found, notes)


def export_of_table(table: TextTable) -> TextTable:
    """Bring a platform's table to a row a specimen; see :func:`exodx.tables.exports.of_table`."""
    from exodx.tables import exports

    return exports.of_table(table)


def export_of_files(source: str, files: Mapping[str, bytes], notes: list[str]) -> TextTable | None:
    """Read files that are one table together; see :func:`exodx.tables.exports.of_files`."""
    from exodx.tables import exports

    return exports.of_files(source, files, notes)


def gather(table: TextTable, analyte: str, value: str, specimen: str | None, wells: str | None) -> TextTable:
    """Gather a long table to a row a specimen; see :func:`exodx.tables.long.gather`."""
    from exodx.tables import long

    return long.gather(table, analyte, value, specimen, wells)


def analyte_rows(table: TextTable, column: str) -> TextTable:
    """Return a table with analytes in rows, each once; see :func:`exodx.tables.counts.analyte_rows`."""
    from exodx.tables import counts

    return counts.analyte_rows(table, column)


def cut_text(text: str, delimiter: str, width: int) -> list[Sequence[str]] | None:
    """Cut a text into columns; see :func:`exodx.tables.arrow.cut_text`."""
    from exodx.tables import arrow

    return arrow.cut_text(text, delimiter, width)


def cut_wells(content: bytes, delimiter: str, width: int, columns: Mapping[str, int]) -> dict[str, Coded] | None:
    """Cut an instrument's wells into columns; see :func:`exodx.tables.arrow.cut_wells`."""
    from exodx.tables import arrow

    return arrow.cut_wells(content, delimiter, width, columns)


def parse_parquet(source: str, content: io.BytesIO, notes: list[str]) -> TextTable:
    """Read a Parquet file; see :func:`exodx.tables.parquet.parse`."""
    from exodx.tables import parquet

    return parquet.parse(source, content, notes)


def parse_workbook(source: str, found: dict[str, list[list[str]]], notes: list[str]) -> TextTable:
    """Read the table of a workbook's sheets; see :func:`exodx.tables.excel.parse`."""
    from exodx.tables import excel

    return excel.parse(source, found, notes)


def sheets(source: str, content: io.BytesIO) -> dict[str, list[list[str]]]:
    """Return the sheets of a workbook; see :func:`exodx.tables.excel.sheets`."""
    from exodx.tables import excel

    return excel.sheets(source, content)


def is_workbook(content: bytes) -> bool:
    """Say whether an archive is a workbook; see :func:`exodx.tables.excel.is_workbook`."""
    from exodx.tables import excel

    return excel.is_workbook(content)


def unzstd(source: str, content: bytes) -> bytes:
    """Unpack a zstd file; see :func:`exodx.tables.arrow.unzstd`."""
    from exodx.tables import arrow

    return arrow.unzstd(source, content)


def quantify(plates: Sequence[PlateWells]) -> TextTable:
    """Read concentrations off the curves of plates; see :func:`exodx.tables.plates.quantify.quantify`."""
    from exodx.tables.plates import quantify as curves

    return curves.quantify(plates)

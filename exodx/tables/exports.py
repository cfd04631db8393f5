"""The one list of what writes tables by itself: platforms, qPCR instruments and plate readers, asked in this order.

Of a plain table none is asked and none is loaded; :mod:`exodx.tables.marks` tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from exodx.tables import doors, platforms
from exodx.tables.instruments import specimen_wells, wells_of_sheets, wells_of_text
from exodx.tables.no_template import close_to_control
from exodx.tables.plates import plates_of_sheets, plates_of_text
from exodx.tables.table import TextTable


def of_text(source: str, text: str, notes: list[str]) -> TextTable | None:
    """Read a text that a platform, an instrument or a plate reader wrote, or return None.

    Raises
    ------
    InputRefused
        For an export that is recognised and cannot be used.
    """
    if found := platforms.of_text(source, text, notes):
        return found
    if (wells := wells_of_text(source, text, notes)) is not None:
        return _of_specimens(wells)
    plates = plates_of_text(source, text, notes)
    return None if plates is None else doors.quantify(plates)


def of_sheets(source: str, sheets: Mapping[str, list[list[str]]], notes: list[str]) -> TextTable | None:
    """Read a workbook that an instrument, a plate reader or a platform wrote, or return None; see :func:`of_text`."""
    if (wells := wells_of_sheets(source, sheets, notes)) is not None:
        return _of_specimens(wells)
    if (plates := plates_of_sheets(source, sheets, notes)) is not None:
        return doors.quantify(plates)
    return platforms.of_sheets(source, sheets, notes)


def of_table(table: TextTable) -> TextTable:
    """Bring a table that a platform wrote to a row a specimen; see :func:`exodx.tables.platforms.of_table`."""
    return platforms.of_table(table)


def of_files(source: str, files: Mapping[str, bytes], notes: list[str]) -> TextTable | None:
    """Read files that are one table together (NanoString RCC, a row a lane), or return None; see :func:`of_text`."""
    return platforms.rcc_table(source, files, notes) if platforms.any_rcc(files) else None


def _of_specimens(wells: TextTable) -> TextTable:
    """Keep the wells that hold a specimen, and what the controls say of them."""
    kept, (remarks, notes) = specimen_wells(wells), close_to_control(wells)
    return replace(kept, remarks=(*kept.remarks, *remarks), notes=(*kept.notes, *notes))

"""Every well of an export, for whoever asks for the wells and not for specimens: standards, blanks and controls among them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from exodx.errors import InputRefused, Problem
from exodx.tables import doors
from exodx.tables.archive import content_of
from exodx.tables.decoding import decode
from exodx.tables.instruments import wells_of_sheets, wells_of_text
from exodx.tables.lengths import refuse_long_text
from exodx.tables.plates import PlateWells, plates_of_sheets, plates_of_text
from exodx.tables.reader import OLE, ZIP
from exodx.tables.table import TextTable

Found = TypeVar("Found")


def read_wells(path: str | Path) -> TextTable:
    """Read every well of a qPCR instrument's export, controls, standards and omitted wells among them.

    Raises
    ------
    InputRefused
        As :func:`~exodx.tables.reader.read_table`, and ``NOT_AN_EXPORT`` where no instrument is recognised.
    """
    path = Path(path)
    wells = _asked(path, wells_of_sheets, wells_of_text)
    if wells is None:
        fix = "Export the well results (Ct with specimen, target and task) from the instrument's software."
        raise InputRefused(Problem("NOT_AN_EXPORT", path.name, "no qPCR instrument's table of wells is recognised", fix))
    return wells


def read_plates(path: str | Path) -> tuple[PlateWells, ...]:
    """Read every well of an immunoassay reader's export: standards, blanks, controls and unassigned wells among them.

    Raises
    ------
    InputRefused
        As :func:`~exodx.tables.reader.read_table`, and ``NOT_A_PLATE`` where no reader's export is recognised.
    """
    path = Path(path)
    plates = _asked(path, plates_of_sheets, plates_of_text)
    if plates is None:
        fix = "Give a plate reader's export, or a table with the columns well, kind, specimen_id, concentration, signal."
        raise InputRefused(Problem("NOT_A_PLATE", path.name, "no immunoassay plate is recognised", fix))
    return plates


def _asked(path: Path, of_sheets: Callable[..., Found | None], of_text: Callable[..., Found | None]) -> Found | None:
    """Open a file, and ask those who know sheets or those who know texts."""
    content, notes = content_of(path)
    if content.startswith((ZIP, OLE)):
        return of_sheets(path.name, doors.sheets(path.name, io.BytesIO(content)), notes)
    decoded = decode(path.name, content)
    refuse_long_text(path.name, decoded.text)
    return of_text(path.name, decoded.text, [*notes, *decoded.notes])

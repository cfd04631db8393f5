"""Open a table file, recognised by its first bytes and never by its name."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from exodx.errors import InputRefused, Problem
from exodx.tables import delimited, doors, no_text, platforms
from exodx.tables.archive import GZIP, ZSTD, folder_files, matching_files, members, read_bytes, read_files, unpacked
from exodx.tables.decoding import decode
from exodx.tables.instruments import close_to_control, specimen_wells, wells_of_sheets, wells_of_text
from exodx.tables.lengths import refuse_long_text
from exodx.tables.plates import PlateWells, plates_of_sheets, plates_of_text
from exodx.tables.stacked import stacked
from exodx.tables.table import TextTable
from exodx.tables.visible import unlike

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

_TABLE = "Give a table with a header and rows."


def read_table(path: str | Path) -> TextTable:
    """Read CSV, TSV, semicolon-separated text, XLSX/XLS, Parquet or an export of any platform exodx knows, compressed or not.

    Parameters
    ----------
    path : str or Path
        The file; only its content decides how it is read. Of an instrument's export the wells that hold a specimen are kept, and
        the notes count the others. Of a plate with standards the specimens' concentrations are read off 4PL curves of its own.
        A folder or ZIP archive of NanoString RCC files is one table, a row a lane; the files of another folder must be of one
        kind (the plates of a study) and are put below one another; so are the files that match a pattern (``part-*.csv``).

    Raises
    ------
    InputRefused
        With every problem of the file's form: missing, empty, not a table, wrong delimiter or encoding, ragged rows, header.
    """
    path = Path(path)
    if path.is_dir():
        return _folder(path.name, folder_files(path))
    if not path.exists() and (matching := matching_files(path)):
        return _folder(path.name, read_files(matching))
    content, notes = _content(path)
    if content.startswith(_ZIP) and not doors.is_workbook(content):
        inside = members(path.name, content)
        if platforms.any_rcc(inside):
            return platforms.rcc_table(path.name, inside, [*notes, "ZIP"])
        (name, content), notes = _only(path.name, inside), [*notes, "ZIP"]
        notes.append(f"file {name!r} of the archive")
    return table_of(path.name, content, notes)


def _folder(source: str, files: dict[str, bytes]) -> TextTable:
    """Read a folder: RCC files a row a lane, other files of one kind below one another."""
    if not files:
        raise InputRefused(Problem("FILE_EMPTY", source, "a folder without a file", "Put the files of one cohort into it."))
    if platforms.any_rcc(files):
        return platforms.rcc_table(source, files, [])
    tables: list[TextTable] = []
    problems = [
        Problem("FILE_EMPTY", f"{source}/{name}", "the file is empty", _TABLE) for name, c in files.items() if not c.strip()
    ]
    for name, content in files.items():
        try:
            tables += [table_of(name, content, [])] if content.strip() else []
        except InputRefused as refused:
            problems += refused.problems
    if problems:
        raise InputRefused(problems)
    return tables[0] if len(tables) == 1 else stacked(source, tables)


def _only(source: str, inside: dict[str, bytes]) -> tuple[str, bytes]:
    """Return the one table of an archive; one-line files (a checksum) do not count."""
    found = {name: content for name, content in inside.items() if content.strip().count(b"\n") or b"\r" in content.strip()}
    if len(found) != 1:
        fix = "Unpack it and give one table, or an archive of NanoString RCC files alone."
        raise InputRefused(Problem("ARCHIVE", source, f"tables in the archive: {len(found)}, files: {len(inside)}", fix))
    return next(iter(found.items()))


def table_of(source: str, content: bytes, notes: list[str]) -> TextTable:
    """Read the content of a file that is not compressed; see :func:`read_table`.

    Raises
    ------
    InputRefused
        As :func:`read_table`; ``NAME_INVISIBLE`` and ``NAME_LOOK_ALIKE`` where columns are not called what they seem to be called.
    """
    table = _table_of(source, content, notes)
    if problems := unlike(source, table.header):
        raise InputRefused(problems)
    return table


def _table_of(source: str, content: bytes, notes: list[str]) -> TextTable:
    if no_text.is_parquet(content[:5]):
        return platforms.of_table(doors.parse_parquet(source, io.BytesIO(content), notes))
    if content.startswith((_ZIP, _OLE)):
        sheets = doors.sheets(source, io.BytesIO(content))
        if (wells := wells_of_sheets(source, sheets, notes)) is not None:
            return _of_specimens(wells)
        if (plates := plates_of_sheets(source, sheets, notes)) is not None:
            return doors.quantify(plates)
        return platforms.of_sheets(source, sheets, notes) or platforms.of_table(doors.parse_workbook(source, sheets, notes))
    if refused := no_text.of_bytes(source, content):
        raise refused
    decoded = decode(source, content)
    refuse_long_text(source, decoded.text)
    said = [*notes, *decoded.notes]
    if found := platforms.of_text(source, decoded.text, said):
        return found
    if (wells := wells_of_text(source, decoded.text, said)) is not None:
        return _of_specimens(wells)
    if (plates := plates_of_text(source, decoded.text, said)) is not None:
        return doors.quantify(plates)
    return platforms.of_table(delimited.parse(source, decoded, notes))


def _of_specimens(wells: TextTable) -> TextTable:
    """Keep the wells that hold a specimen, and what the controls say of them."""
    kept, (remarks, notes) = specimen_wells(wells), close_to_control(wells)
    return replace(kept, remarks=(*kept.remarks, *remarks), notes=(*kept.notes, *notes))


def read_wells(path: str | Path) -> TextTable:
    """Read every well of a qPCR instrument's export, controls, standards and omitted wells among them.

    Raises
    ------
    InputRefused
        As :func:`read_table`, and ``NOT_AN_EXPORT`` where no instrument is recognised.
    """
    path = Path(path)
    content, notes = _content(path)
    if content.startswith((_ZIP, _OLE)):
        wells = wells_of_sheets(path.name, doors.sheets(path.name, io.BytesIO(content)), notes)
    else:
        decoded = decode(path.name, content)
        refuse_long_text(path.name, decoded.text)
        wells = wells_of_text(path.name, decoded.text, [*notes, *decoded.notes])
    if wells is None:
        fix = "Export the well results (Ct with specimen, target and task) from the instrument's software."
        raise InputRefused(Problem("NOT_AN_EXPORT", path.name, "no qPCR instrument's table of wells is recognised", fix))
    return wells


def read_plates(path: str | Path) -> tuple[PlateWells, ...]:
    """Read every well of an immunoassay reader's export: standards, blanks, controls and unassigned wells among them.

    Raises
    ------
    InputRefused
        As :func:`read_table`, and ``NOT_A_PLATE`` where no reader's export is recognised.
    """
    path = Path(path)
    content, notes = _content(path)
    if content.startswith((_ZIP, _OLE)):
        plates = plates_of_sheets(path.name, doors.sheets(path.name, io.BytesIO(content)), notes)
    else:
        decoded = decode(path.name, content)
        refuse_long_text(path.name, decoded.text)
        plates = plates_of_text(path.name, decoded.text, [*notes, *decoded.notes])
    if plates is None:
        fix = "Give a plate reader's export, or a table with the columns well, kind, specimen_id, concentration, signal."
        raise InputRefused(Problem("NOT_A_PLATE", path.name, "no immunoassay plate is recognised", fix))
    return plates


def _content(path: Path) -> tuple[bytes, list[str]]:
    try:
        content = read_bytes(path)
    except OSError as error:
        raise InputRefused(
            Problem(
                "FILE_UNREADABLE",
                str(path),
                error.strerror or "it cannot be read",
                "Check the path and its permissions.",
            )
        ) from None
    notes = ["gzip"] if content.startswith(GZIP) else ["zstd"] if content.startswith(ZSTD) else []
    content = unpacked(path.name, content)
    if not content.strip():
        raise InputRefused(Problem("FILE_EMPTY", path.name, "the file is empty", _TABLE))
    return content, notes

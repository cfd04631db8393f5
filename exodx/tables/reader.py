"""Open a table file, recognised by its first bytes and never by its name."""

from __future__ import annotations

import io
from pathlib import Path

from exodx.errors import InputRefused, Problem
from exodx.tables import delimited, doors, marks, no_text
from exodx.tables.archive import A_TABLE, content_of, folder_files, matching_files, members, read_files
from exodx.tables.decoding import decode
from exodx.tables.lengths import refuse_long_text
from exodx.tables.stacked import stacked
from exodx.tables.table import TextTable
from exodx.tables.visible import unlike

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


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
    content, notes = content_of(path)
    if content.startswith(ZIP) and not doors.is_workbook(content):
        inside = members(path.name, content)
        if (together := doors.export_of_files(path.name, inside, [*notes, "ZIP"])) is not None:
            return together
        (name, content), notes = _only(path.name, inside), [*notes, "ZIP"]
        notes.append(f"file {name!r} of the archive")
    return table_of(path.name, content, notes)


def _folder(source: str, files: dict[str, bytes]) -> TextTable:
    """Read a folder: RCC files a row a lane, other files of one kind below one another."""
    if not files:
        raise InputRefused(Problem("FILE_EMPTY", source, "a folder without a file", "Put the files of one cohort into it."))
    if (together := doors.export_of_files(source, files, [])) is not None:
        return together
    tables: list[TextTable] = []
    problems = [
        Problem("FILE_EMPTY", f"{source}/{name}", "the file is empty", A_TABLE) for name, c in files.items() if not c.strip()
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
        return _of_platform(doors.parse_parquet(source, io.BytesIO(content), notes))
    if content.startswith((ZIP, OLE)):
        sheets = doors.sheets(source, io.BytesIO(content))
        if (found := doors.export_of_sheets(source, sheets, notes)) is not None:
            return found
        return _of_platform(doors.parse_workbook(source, sheets, notes))
    if refused := no_text.of_bytes(source, content):
        raise refused
    decoded = decode(source, content)
    refuse_long_text(source, decoded.text)
    said = [*notes, *decoded.notes]
    if marks.in_text(decoded.text) and (found := doors.export_of_text(source, decoded.text, said)) is not None:
        return found
    return _of_platform(delimited.parse(source, decoded, notes))


def _of_platform(table: TextTable) -> TextTable:
    return doors.export_of_table(table) if marks.in_table(table) else table

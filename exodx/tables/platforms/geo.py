"""GEO series matrix: measurements by probe below, and what is known of each specimen in the lines above."""

from __future__ import annotations

import csv
import re
from collections import Counter

from exodx.errors import InputRefused, Problem
from exodx.tables.platforms.formats import TextFormat
from exodx.tables.table import TextTable

_BEGIN, _END = "!series_matrix_table_begin", "!series_matrix_table_end"
_NAME = re.compile(r"^(?:(?:[a-z]{3}-)?(?:mir|let)-?\d.*|mimat\d+|[a-z][a-z0-9]{1,9}(?:-[a-z0-9]{1,4})?)$", re.IGNORECASE)
"""What a miRNA, its accession or a gene may be called; a probe's id (``A_25_P00010019``, ``1007_s_at``) is not."""

_ABOUT = {"title": "title", "source_name_ch1": "source", "organism_ch1": "organism", "platform_id": "platform_id"}


def is_geo(text: str) -> bool:
    """Say whether a text begins as GEO's series matrices and SOFT families do."""
    return text.lstrip("\ufeff \t\r\n").startswith(
        ("!Series_", "!Sample_", '"!Series_', "^DATABASE", "^SERIES", "^PLATFORM", "^SAMPLE")
    )


def read_geo(source: str, text: str, notes: list[str]) -> TextTable:
    """Read a series matrix: a row a specimen, its title, source and characteristics, and a column a probe.

    A series without measurements (sequencing: they are in supplementary files) gives the specimen columns alone.

    Raises
    ------
    InputRefused
        ``GEO_SOFT`` for a SOFT family file, ``GEO_DAMAGED`` where the table is cut off or does not fit its specimens,
        ``ANALYTE_TWICE`` where a probe stands there twice.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("^"):
        fix = "Download the series matrix file (…_series_matrix.txt.gz) of the series."
        raise InputRefused(Problem("GEO_SOFT", source, "a GEO SOFT family file", fix))
    lines = re.split(r"\r\n|\r|\n", text)
    begin = next((i for i, line in enumerate(lines) if line.casefold().startswith(_BEGIN)), len(lines))
    end = next((i for i in range(begin, len(lines)) if lines[i].casefold().startswith(_END)), None)
    if begin < len(lines) and end is None:
        raise InputRefused(Problem("GEO_DAMAGED", source, f"{_END} is missing: the file is cut off", "Download it again."))
    head = [
        (cells[0], cells[1:]) for line in lines[:begin] if line.startswith(("!Sample_", '"!Sample_')) and (cells := _cells(line))
    ]
    ids = next((cells for key, cells in head if key == "!Sample_geo_accession"), [])
    rows = [(number, _cells(line)) for number, line in enumerate(lines[begin + 1 : end], begin + 2) if line.strip()]
    if not ids and rows:
        ids = rows[0][1][1:]
    if not ids:
        raise InputRefused(Problem("GEO_DAMAGED", source, "no !Sample_geo_accession names the specimens", "Download it again."))
    about = _about(ids, head)
    probes = _probes(source, ids, rows, set(about))
    platforms = sorted(set(about.get("platform_id", [])) - {""}) or _series_platform(lines[:begin])
    said = [*notes, f"GEO series matrix: {len(ids)} specimens × {len(probes)} probes", *_probe_notes(probes)]
    lines_of = [f"{name}" for name in ids]
    columns = about | probes
    return TextTable(source, columns, lines_of, "specimen", notes=tuple(said), analytes=tuple(probes), platform=" ".join(platforms))


def _cells(line: str) -> list[str]:
    """Cut a line into cells; one that no cell can hold is left whole, and found too short."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter="\t"), [])]
    except csv.Error:
        return [line]


def _series_platform(lines: list[str]) -> list[str]:
    line = next((line for line in lines if line.startswith("!Series_platform_id")), "")
    return _cells(line)[1:2] if line else []


def _about(ids: list[str], head: list[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """Return the specimen columns; a characteristic's ``key: value`` goes to the column of its key, wherever it stands."""
    columns = {"specimen_id": ids}
    for key, cells in head:
        name = key.removeprefix("!Sample_")
        padded = (cells + [""] * len(ids))[: len(ids)]
        if name in _ABOUT:
            columns.setdefault(_ABOUT[name], padded)
        elif name.startswith("characteristics_ch"):
            for row, cell in enumerate(padded):
                if cell:
                    _put(columns, row, cell, len(ids))
    return columns


def _put(columns: dict[str, list[str]], row: int, cell: str, n: int) -> None:
    key, colon, value = cell.partition(":")
    key, value = (key.strip(), value.strip()) if colon else ("characteristics", cell)
    if key in ("specimen_id", *_ABOUT.values()):
        key = f"{key} (characteristic)"
    column = columns.setdefault(key, [""] * n)
    column[row] = f"{column[row]}; {value}" if column[row] else value


def _probes(source: str, ids: list[str], rows: list[tuple[int, list[str]]], taken: set[str]) -> dict[str, list[str]]:
    """Return the measurements by probe, in the order of the specimens."""
    if len(rows) < 2:
        return {}
    header = rows[0][1][1:]
    if sorted(header) != sorted(ids) or len(set(ids)) < len(ids):
        found = "the table's specimens are not those of !Sample_geo_accession, or one stands there twice"
        raise InputRefused(Problem("GEO_DAMAGED", f"{source}, line {rows[0][0]}", found, "Download it again."))
    problems = [
        Problem(
            "ROW_RAGGED", f"{source}, line {number}", f"{len(row)} cells where the header has {len(ids) + 1}", "Download it again."
        )
        for number, row in rows[1:]
        if len(row) != len(ids) + 1
    ]
    twice = [name for name, n in Counter(row[0] for _, row in rows[1:]).items() if n > 1 or name in taken]
    places = {name: [str(number) for number, row in rows if row[0] == name] for name in twice[:20]}
    problems += [
        Problem("ANALYTE_TWICE", f"{source}, lines {', '.join(found)}", f"{name!r} is no name of its own", "Rename it or keep one.")
        for name, found in places.items()
    ]
    if problems:
        raise InputRefused(problems)
    order = [header.index(name) + 1 for name in ids]
    return {row[0]: [_blank(row[i]) for i in order] for _, row in rows[1:]}


def _blank(cell: str) -> str:
    return "" if cell.casefold() == "null" else cell


def _probe_notes(probes: dict[str, list[str]]) -> list[str]:
    if not probes:
        return ["the series has no measurements here (look for its supplementary files): specimen columns only"]
    if any(_NAME.match(name) for name in probes):
        return []
    return ["none of the probes is called like a miRNA or a gene: they keep the platform's ids, and a panel must name them so"]


FORMAT = TextFormat("GEO series matrix", is_geo, read_geo)

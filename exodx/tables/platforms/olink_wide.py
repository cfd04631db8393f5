"""Olink NPX Manager workbooks: panels side by side under several header rows, LOD and normalisation at the foot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from exodx.errors import InputRefused, Problem
from exodx.tables.platforms.olink import (
    FAILED,
    PLATFORM,
    distinct_names,
    is_control,
    normalisation_note,
    qc_state,
)
from exodx.tables.table import TextTable

Grid = Sequence[Sequence[str]]
_FOOT = re.compile(
    r"^(?:max |plate |fixed )?lod\b|^missing data freq|^normali[sz]ation\b|^assay warning|^lowest quantifiable|^[lu]loq\b",
    re.IGNORECASE,
)
_OLINK_ID = re.compile(r"^OID\d+$", re.IGNORECASE)
_NUMBERED = re.compile(r"^\d{3}_(?=.)")
_HEADER_ROWS = ("panel", "assay", "uniprot id", "olinkid")


def read_sheets(source: str, sheets: Mapping[str, Grid], notes: list[str]) -> TextTable | None:
    """Read the first sheet that NPX Manager wrote, or return None.

    Raises
    ------
    InputRefused
        ``OLINK_NO_NPX`` for absolute quantification, ``NORMALISATION_MIXED``, ``OLINK_HEADER``, ``NO_SPECIMEN``.
    """
    for name, grid in sheets.items():
        said = [*notes, f"sheet {name!r}"]
        if header := _header_rows(grid):
            return _read(source, grid, header, said)
        if grid and grid[0] and re.match(r"^(?:npx|lin(?:ear)? npx)\b", grid[0][0].casefold()) and "#S-Type" in grid[0]:
            return _read_old(source, grid, said)
    return None


def _header_rows(grid: Grid) -> dict[str, int]:
    """Return the row of each header (``panel``, ``assay``, ``uniprot id``, ``olinkid``) where an assay and an Olink id stand."""
    found: dict[str, int] = {}
    for number, row in enumerate(grid[:20]):
        key = _fold(row[0]) if row else ""
        key = {"uniprotid": "uniprot id", "uniprot": "uniprot id", "olink id": "olinkid"}.get(key, key)
        if key in _HEADER_ROWS:
            found.setdefault(key, number)
    return found if {"assay", "olinkid"} <= set(found) else {}


def _fold(cell: str) -> str:
    return " ".join(cell.casefold().replace("_", " ").split())


def _read(source: str, grid: Grid, header: Mapping[str, int], notes: list[str]) -> TextTable:
    head = " ".join(cell for row in grid[: min(header.values())] for cell in row).casefold()
    if "quantified" in head:
        raise InputRefused(
            Problem("OLINK_NO_NPX", source, "Olink's absolute quantification (a 'Quantified data' export)", "Export NPX values.")
        )
    width = max(map(len, grid))
    cells = {key: [*grid[row], *[""] * (width - len(grid[row]))] for key, row in header.items()}
    blank = [""] * width
    assay, panel, uniprot = (cells.get(key, blank) for key in ("assay", "panel", "uniprot id"))
    at = [i for i, olink in enumerate(cells["olinkid"]) if _OLINK_ID.match(olink)]
    if not at or not all(assay[i] for i in at):
        found = "columns without an assay's name or an OlinkID (OID…)"
        raise InputRefused(Problem("OLINK_HEADER", source, found, "Export again from NPX Manager, without editing the header."))
    specimens, foot = _body(grid, max(header.values()) + 1, width)
    specimens, left_out = _without_controls(source, specimens)
    about = {kind: {panel[i]: i for i, word in enumerate(assay) if _fold(word) == kind} for kind in ("plate id", "qc warning")}
    names, said = distinct_names([(assay[i], panel[i], cells["olinkid"][i]) for i in at])
    ways = [row[i] for row in foot if row[0].casefold().startswith("normali") for i in at]
    columns = {"specimen_id": [row[0] for _, row in specimens]}
    plates = [" + ".join(dict.fromkeys(filter(None, (row[i] for i in about["plate id"].values())))) for _, row in specimens]
    columns |= {"plate": plates} if any(plates) else {}
    failed = warned = 0
    for i, name in zip(at, names, strict=True):
        states = [qc_state(row[q]) if (q := about["qc warning"].get(panel[i])) is not None else "" for _, row in specimens]
        columns[name] = [FAILED if s == "fail" else _value(row[i]) for s, (_, row) in zip(states, specimens, strict=True)]
        failed, warned = failed + states.count("fail"), warned + states.count("warn")
    said += [f"{failed} values failed the specimen's quality control: they are not used"] if failed else []
    said += [f"{warned} values carry a warning of the specimen's quality control: they are used"] if warned else []
    said += [*_below_lod(foot, at, [row for _, row in specimens])]
    panels = len({panel[i] for i in at})
    notes = [*notes, f"{PLATFORM} Manager: {len(specimens)} specimens × {len(at)} assays of {panels} panels", *left_out]
    return TextTable(
        source,
        columns,
        [line for line, _ in specimens],
        "row",
        notes=(*notes, *normalisation_note(source, ways), *said),
        analytes=tuple(names),
        unit="NPX",
        platform=PLATFORM,
        accessions={name: uniprot[i] for i, name in zip(at, names, strict=True) if uniprot[i]},
    )


Row = tuple[int, list[str]]


def _body(grid: Grid, first: int, width: int) -> tuple[list[Row], list[list[str]]]:
    """Return the rows of specimens with their numbers, and the rows below them that describe the assays."""
    rows = [(i + 1, [*grid[i], *[""] * (width - len(grid[i]))]) for i in range(first, len(grid)) if any(grid[i])]
    end = next((i for i, (_, row) in enumerate(rows) if _FOOT.match(row[0].strip())), len(rows))
    return rows[:end], [row for _, row in rows[end:]]


def _without_controls(source: str, rows: list[Row]) -> tuple[list[Row], list[str]]:
    kept = [(line, row) for line, row in rows if row[0] and not is_control(row[0])]
    if not kept:
        raise InputRefused(Problem("NO_SPECIMEN", source, "no row holds a specimen", "Export the results of specimens."))
    gone = len(rows) - len(kept)
    return kept, [f"rows left out: {gone} controls or rows without an id"] if gone else []


def _value(cell: str) -> str:
    return "" if cell.casefold() in ("no data", "nan") else cell


def _below_lod(foot: list[list[str]], at: list[int], rows: list[list[str]]) -> list[str]:
    limits = next((row for row in foot if "lod" in row[0].casefold()), None)
    if limits is None:
        return ["the export gives no LOD"]
    below = measured = 0
    for i in at:
        limit = _number(limits[i])
        values = [v for row in rows if (v := _number(row[i])) is not None]
        measured += len(values)
        below += sum(limit is not None and v < limit for v in values)
    return [f"{below} of {measured} NPX ({below / max(measured, 1):.0%}) are below their LOD: they keep their number"]


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if value == value else None


def _read_old(source: str, grid: Grid, notes: list[str]) -> TextTable:
    """Read the layout of the first NPX programs: one header row, what is not measured marked by ``#``."""
    header = list(grid[0])
    at = [i for i, name in enumerate(header) if i and name and not name.startswith("#")]
    rows, left_out = _without_controls(source, [(n, list(row)) for n, row in enumerate(grid[1:], 2) if any(row)])
    plain = [_NUMBERED.sub("", header[i]) for i in at]
    names = plain if len(set(plain)) == len(plain) else [header[i] for i in at]
    if len(set(names)) < len(names):
        raise InputRefused(Problem("HEADER_TWICE", f"{source}, row 1", "two assays bear one name", "Give each a name of its own."))
    columns = {"specimen_id": [row[0] for _, row in rows]}
    if "#Chip name" in header:
        columns["plate"] = [row[header.index("#Chip name")] for _, row in rows]
    columns |= {name: [_value(row[i]) for _, row in rows] for i, name in zip(at, names, strict=True)}
    flagged = sum(row[header.index("#Flagged")].casefold() == "flagged" for _, row in rows) if "#Flagged" in header else 0
    linear = "lin" in header[0].casefold()
    said = [f"{PLATFORM}: {len(rows)} specimens × {len(at)} assays", *left_out]
    said += ["the values are linear NPX (two to the power of NPX)"] if linear else []
    said += [f"{flagged} specimens are flagged by the quality control: they are used"] if flagged else []
    return TextTable(
        source,
        columns,
        [line for line, _ in rows],
        "row",
        notes=(*notes, *said),
        analytes=tuple(names),
        unit="intensity" if linear else "NPX",
        platform=PLATFORM,
    )

"""Bio-Rad Bio-Plex Manager: a table an analyte (below one another or a sheet each), with the types X1, S1, B, C1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from exodx.tables.plates.grid import Grid
from exodx.tables.plates.headed import Headings, Row, rows_under, well_of
from exodx.tables.plates.wells import UNNAMED_ANALYTE, Cells, PlateWells, Well, kind_of, unit_in, without_analyte

HEADINGS = Headings(
    {"kind": ("type",), "well": ("well",), "signal": ("fi",), "vendor": ("obs conc",)},
    {
        "analyte": ("analyte",),
        "specimen": ("description", "sample"),
        "concentration": ("exp conc",),
        "dilution": ("dilution",),
        "outlier": ("outlier",),
    },
)
_REGION = re.compile(r"\s*\(\d+\)$")
_PLATE = ("plate id", "plate name", "file name")


def recognise(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether a table has the columns Type, Well, FI and Obs Conc."""
    return any(HEADINGS.locate(row) for row in rows)


def plates(grids: Sequence[Grid]) -> tuple[PlateWells, ...]:
    """Return every well; the signal is FI, with the background in it, and wells marked as outliers have none.

    Raises
    ------
    InputRefused
        ``CELL_UNREADABLE``.
    """
    wells: list[Well] = []
    unit, outliers = "", 0
    for grid in grids:
        cells = Cells(grid)
        for header in range(len(grid.rows)):
            columns = HEADINGS.locate(grid.rows[header])
            if columns is None:
                continue
            unit = unit or unit_in(grid.cell(header, columns.get("concentration", columns["vendor"])))
            rows = list(rows_under(grid, header, columns, HEADINGS.locate))
            single = [row for row in rows if "," not in row["well"]] or rows
            made = [_well(cells, row, _analyte(grid, header, row)) for row in single]
            marked = [_is_marked(row["outlier"]) for row in single]
            outliers += sum(marked)
            wells += [replace(well, signal=None) if out else well for well, out in zip(made, marked, strict=True)]
        cells.finish()
    notes = [
        *grids[0].notes,
        f"Bio-Plex Manager: {len({w.well for w in wells})} wells × {len({w.analyte for w in wells})} analytes",
    ]
    notes += [f"{outliers} readings are marked as outliers: not used"] if outliers else []
    return (PlateWells(grids[0].source, _plate(grids[0]), "Luminex", unit, without_analyte(wells), True, tuple(notes)),)


def _well(cells: Cells, row: Row, analyte: str) -> Well:
    return well_of(cells, row, kind_of(row["kind"]), row["specimen"] or row["kind"], analyte)


def _is_marked(text: str) -> bool:
    return text.casefold() not in ("", "0", "false", "no")


def _analyte(grid: Grid, header: int, row: Row) -> str:
    """Name the analyte: by its column, the line above the header (``Analyte: IL-6 (25)``), or the sheet."""
    above = next((cell for cell in grid.rows[header - 1] if cell), "") if header else ""
    named = row["analyte"] or above.partition("Analyte:")[2].strip() or grid.name or UNNAMED_ANALYTE
    return _REGION.sub("", named)


def _plate(grid: Grid) -> str:
    head = [row for row in grid.rows[:30] if row]
    pairs = {row[0].rstrip(":").casefold(): next((cell for cell in row[1:] if cell), "") for row in head}
    return next((pairs[key] for key in _PLATE if pairs.get(key)), "1")

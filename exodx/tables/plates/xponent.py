"""Luminex xPONENT: the CSV export, a block for each type of data (Median, Result, Dilution Factor …)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from exodx.errors import InputRefused, Problem
from exodx.tables.plates.grid import Grid
from exodx.tables.plates.wells import CONTROL, STANDARD, UNKNOWN, Cells, PlateWells, Well, kind_of_name, unit_in, without_analyte

_LOCATION = re.compile(r"^(?:\d+\s*\()?(?:(\d+)\s*,\s*)?([A-Z]{1,2}\d+)\)?$")
_NOT_ANALYTES = frozenset({"location", "sample", "total events", "notes", "reagent", "name", ""})


def recognise(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the file names xPONENT as its program."""
    return any(len(row) > 1 and row[0] == "Program" and row[1].startswith("xPONENT") for row in rows[:5])


@dataclass(frozen=True, slots=True)
class _Block:
    """One type of data: the row of its header, and where it ends."""

    header: int
    end: int


def plates(grids: Sequence[Grid]) -> tuple[PlateWells, ...]:
    """Return every well of every plate; the signal is the Median, with the background in it.

    Raises
    ------
    InputRefused
        ``BLOCK_MISSING`` without Median, ``UNITS_DIFFER``, ``LOCATION_UNREADABLE``, ``CELL_UNREADABLE``.
    """
    grid = grids[0]
    blocks = {
        grid.cell(row, 1): _Block(row + 1, grid.end_of(row + 1))
        for row in range(len(grid.rows) - 1)
        if grid.cell(row, 0).rstrip(":") == "DataType"
    }
    if "Median" not in blocks:
        fix = "Export the data type Median."
        raise InputRefused(Problem("BLOCK_MISSING", grid.source, "no block of the data type Median", fix))
    cells = Cells(grid)
    expected = _by_name(grid, blocks.get("Standard Expected Concentration"))
    controls = set(_by_name(grid, blocks.get("Control Expected Concentration")))
    results, dilutions = (_by_place(grid, blocks.get(name)) for name in ("Result", "Dilution Factor"))
    batch = next((grid.cell(row, 1) for row in range(len(grid.rows)) if grid.cell(row, 0) == "Batch"), "")
    found: dict[str, list[Well]] = {}
    median = blocks["Median"]
    for row in range(median.header + 1, median.end):
        location, name = grid.cell(row, 0), grid.cell(row, 1)
        number, well = _place(grid, row, location)
        kind = STANDARD if name in expected else CONTROL if name in controls else kind_of_name(name)
        dilution, at = dilutions.get(location, {}).get("Dilution Factor", ("", row))
        factor = cells.dilution(dilution, at) if kind == UNKNOWN else 1.0
        for analyte, column in _analytes(grid, median).items():
            amount, place = expected.get(name, {}).get(analyte, ("", row))
            level = cells.concentration(amount, place) if kind == STANDARD else None
            signal, vendor = (
                cells.signal(grid.cell(row, column), row),
                cells.vendor(results.get(location, {}).get(analyte, ("", row))[0]),
            )
            found.setdefault(number, []).append(Well(well, kind, name, analyte, level, factor, signal, vendor))
    cells.finish()
    unit, notes = _unit(grid, blocks.get("Units")), (*grid.notes, "xPONENT: the signal is the Median")
    made = []
    for number, wells in found.items():
        plate = batch if len(found) == 1 and batch else f"{batch}/{number}" if batch else number
        said = (
            *notes,
            f"xPONENT plate {plate!r}: {len({w.well for w in wells})} wells × {len({w.analyte for w in wells})} analytes",
        )
        made.append(PlateWells(grid.source, plate, "Luminex", unit, without_analyte(wells), True, said))
    return tuple(made)


def _analytes(grid: Grid, block: _Block) -> dict[str, int]:
    return {cell: i for i, cell in enumerate(grid.rows[block.header]) if cell.casefold() not in _NOT_ANALYTES}


def _by_place(grid: Grid, block: _Block | None, key: int = 0) -> dict[str, dict[str, tuple[str, int]]]:
    """Return a block's cells with their rows, by location and heading."""
    if block is None:
        return {}
    columns = {cell: i for i, cell in enumerate(grid.rows[block.header]) if cell}
    return {
        grid.cell(row, key): {name: (grid.cell(row, at), row) for name, at in columns.items()}
        for row in range(block.header + 1, block.end)
    }


def _by_name(grid: Grid, block: _Block | None) -> dict[str, dict[str, tuple[str, int]]]:
    """Return the block of expected concentrations, by the standard's or control's name."""
    if block is None:
        return {}
    heads = [cell.casefold() for cell in grid.rows[block.header]]
    return _by_place(grid, block, next((heads.index(name) for name in ("reagent", "sample", "name") if name in heads), 0))


def _place(grid: Grid, row: int, location: str) -> tuple[str, str]:
    """Cut ``12(1,D2)`` into plate and well."""
    match = _LOCATION.match(location)
    if match is None:
        fix = "A location is written 12(1,D2): the well's number, the plate, the position."
        raise InputRefused(Problem("LOCATION_UNREADABLE", grid.where(row), f"location {location!r}", fix))
    return match.group(1) or "1", match.group(2)


def _unit(grid: Grid, block: _Block | None) -> str:
    if block is None:
        return ""
    rows = [grid.rows[row] for row in range(block.header, block.end)]
    told = next((row[1:] for row in rows if row[0].rstrip(":") == "Units"), [])
    units = {unit_in(cell) or cell for cell in told if cell and cell.casefold() not in ("bead", "none")}
    if len(units) > 1:
        fix = "Export analytes of one unit at a time."
        raise InputRefused(Problem("UNITS_DIFFER", grid.source, f"the analytes come in {', '.join(sorted(units))}", fix))
    return next(iter(units), "")

"""Signals without a layout (Tecan Magellan's list of wells, or a plate as it looks): recognised in order to be refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from exodx.tables.plates.grid import Grid
from exodx.tables.plates.matrix import is_drawing
from exodx.tables.plates.wells import no_layout

_WELL = re.compile(r"^[A-P]\d{1,2}$")


def recognise(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the rows are a list of well positions and signals, or a plate drawn as it looks, and nothing else."""
    return _listed(rows) is not None or any(_drawn(rows))


def plates(grids: Sequence[Grid]) -> NoReturn:
    """Refuse the file.

    Raises
    ------
    InputRefused
        ``NO_LAYOUT``, always.
    """
    grid = grids[0]
    column = _listed(grid.rows)
    if column is not None:
        wells = sum(bool(_WELL.match(grid.cell(row, column))) for row in range(len(grid.rows)))
        read = next((row for row in grid.rows if any(cell.startswith("Measurement mode") for cell in row)), [])
        mode = f" ({'; '.join(filter(None, read))})" if read else ""
        raise no_layout(grid, wells, mode)
    raise no_layout(grid, sum(len([cell for cell in grid.rows[row][1:] if cell]) for row in _first_drawing(grid)))


def _listed(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the column of well positions where every other named column holds numbers or a plate's name, and no specimen."""
    for row in rows[:5]:
        names = [cell.casefold() for cell in row]
        if "well positions" in names and not {"sample", "layout", "specimen", "replicate info"} & set(names):
            return names.index("well positions")
    return None


def _drawn(rows: Sequence[Sequence[str]]) -> Sequence[bool]:
    grid = Grid("", "", [list(row) for row in rows], list(range(1, len(rows) + 1)))
    return [is_drawing(grid, row) for row in range(len(rows))]


def _first_drawing(grid: Grid) -> range:
    header = next(row for row in range(len(grid.rows)) if is_drawing(grid, row))
    return range(header + 1, grid.end_of(header))

"""What stands in a workbook's cells and calamine gives as blanks, which would read as *not run*; and how far apart cells may stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Place = tuple[int, int]
"""Row and column, from 0."""

MOST_CELLS = 1 << 25
"""Cells of the grids of a workbook, blanks among them: a grid is held in memory as a whole, whatever part of it is filled."""

SPREAD, ANY_SPREAD = 64, 1 << 20
"""Cells of a grid for each cell that is written, and what a grid may always have."""


@dataclass
class Grids:
    """The sheets of a workbook as they are examined.

    Parameters
    ----------
    hidden : list of dict
        Of each sheet, in order: place → the text of an error (``#DIV/0!``), or the formula of a cell that keeps no result.
    """

    hidden: list[dict[Place, str]] = field(default_factory=list)
    _cells: int = 0

    def add(self, sheet: str, places: list[Place], hidden: dict[Place, str]) -> None:
        """Take up a sheet's cells.

        Raises
        ------
        ValueError
            Where a cell is written twice, or the grid would be too large.
        """
        if len(set(places)) < len(places):
            raise ValueError(f"a cell of sheet {sheet} is written twice")
        rows, columns = _reach(places)
        self._cells += rows * columns
        if rows * columns > max(ANY_SPREAD, SPREAD * len(places)) or self._cells > MOST_CELLS:
            raise ValueError(f"the {len(places)} cells of sheet {sheet} lie in a grid of {rows} rows and {columns} columns")
        self.hidden.append(hidden)


def _reach(places: Iterable[Place]) -> tuple[int, int]:
    rows, columns = zip(*places, strict=True) if places else ((-1,), (-1,))
    return max(rows) + 1, max(columns) + 1

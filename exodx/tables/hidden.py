"""What calamine gives as blanks of a workbook's cells, which would read as *not run*; and how far apart cells may stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

Place = tuple[int, int]
"""Row and column, from 0."""

MOST_CELLS = 1 << 26
"""Cells of the grids of a workbook, blanks among them: a grid is held in memory as a whole, whatever part of it is filled."""

ROW = 8
"""Cells that a row takes the memory of, beside its own."""

SPREAD, ANY_SPREAD = 64, 1 << 20
"""Cells of a grid for each cell that is written, and what a grid may always have."""


@dataclass(frozen=True, slots=True)
class Cells:
    """How many cells a sheet writes, in how many places, and the rows and columns from the first to the last of each."""

    written: int
    places: int
    rows: int
    columns: int

    @classmethod
    def at(cls, places: Collection[Place]) -> Cells:
        """Count cells by their places."""
        rows, columns = zip(*places, strict=True) if places else ((-1,), (-1,))
        return cls(len(places), len(set(places)), max(rows) + 1, max(columns) + 1)


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

    def add(self, sheet: str, cells: Cells, hidden: dict[Place, str]) -> None:
        """Take up a sheet's cells.

        Raises
        ------
        ValueError
            Where a cell is written twice, or the grid would be too large.
        """
        if cells.places < cells.written:
            raise ValueError(f"a cell of sheet {sheet} is written twice")
        size = cells.rows * (cells.columns + ROW)
        self._cells += size
        if size > max(ANY_SPREAD, SPREAD * cells.written) or self._cells > MOST_CELLS:
            grid = f"a grid of {cells.rows} rows and {cells.columns} columns"
            raise ValueError(f"the {cells.written} cells of sheet {sheet} lie in {grid}")
        self.hidden.append(hidden)

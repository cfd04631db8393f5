"""Plates as a table with a row a reading: which column holds what is told by its heading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from exodx.tables.names import n_words
from exodx.tables.plates.grid import Grid
from exodx.tables.plates.wells import STANDARD, UNKNOWN, Cells, Well, fold

Columns = dict[str, int]
_LEAST_WORDS = 2
"""Every family needs more than one column, each found by its name."""


@dataclass(frozen=True, slots=True)
class Headings:
    """How a family names its columns: role → headings, folded, the likelier first; one may go on with `` (pg/ml)``."""

    needed: Mapping[str, tuple[str, ...]]
    optional: Mapping[str, tuple[str, ...]]

    def locate(self, cells: Sequence[str]) -> Columns | None:
        """Return the positions of the roles where the row is a header, else None."""
        if n_words(cells) < _LEAST_WORDS:
            return None
        names, found = fold(cells), {}
        for role, told in (*self.needed.items(), *self.optional.items()):
            at = _position(names, told)
            if at is not None:
                found[role] = at
            elif role in self.needed:
                return None
        return found


def _position(names: Sequence[str], told: Sequence[str]) -> int | None:
    exact = next((names.index(name) for name in told if name in names), None)
    if exact is not None:
        return exact
    beginnings = tuple(name + sign for name in told for sign in (" (", "["))
    bearing = [i for i, heading in enumerate(names) if heading.startswith(beginnings)]
    return next((i for name in told for i in bearing if names[i].startswith((f"{name} (", f"{name}["))), None)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its place in the grid, and its cells by role (blank where the role has no column)."""

    at: int
    text: Mapping[str, str]

    def __getitem__(self, role: str) -> str:
        return self.text.get(role, "")


def rows_under(grid: Grid, header: int, columns: Columns, is_header: Callable[[Sequence[str]], object]) -> Iterator[Row]:
    """Yield the rows under a header up to a blank row or the next header."""
    for row in range(header + 1, len(grid.rows)):
        if grid.is_blank(row) or is_header(grid.rows[row]):
            return
        yield Row(row, {role: grid.cell(row, at) for role, at in columns.items()})


def well_of(cells: Cells, row: Row, kind: str, specimen: str, analyte: str) -> Well:
    """Make a well of a row: standards have a concentration, specimens a dilution."""
    return Well(
        row["well"],
        kind,
        specimen,
        analyte,
        cells.concentration(row["concentration"], row.at) if kind == STANDARD else None,
        cells.dilution(row["dilution"], row.at) if kind == UNKNOWN else 1.0,
        cells.signal(row["signal"], row.at),
        cells.vendor(row["vendor"]),
    )

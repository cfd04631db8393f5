"""Plates drawn as they look: a line of column numbers over rows of letters."""

from __future__ import annotations

from string import ascii_uppercase

from exodx.tables.plates.grid import Grid

ROWS = (*ascii_uppercase, *(f"A{letter}" for letter in "ABCDEF"))
"""Letters of a plate's rows, up to 1536 wells."""


def numbers_at(cells: list[str]) -> tuple[int, int] | None:
    """Return where the numbers 1, 2, 3 … stand in a row, and how many; None where there are fewer than three.

    >>> numbers_at(["", "Temperature", "1", "2", "3", ""])
    (2, 3)
    """
    for start, cell in enumerate(cells):
        if cell == "1":
            n = next((i for i in range(len(cells) - start) if cells[start + i] != str(i + 1)), len(cells) - start)
            if n >= 3:
                return start, n
    return None


def lettered(grid: Grid, header: int) -> dict[str, dict[str, tuple[str, int]]]:
    """Read the rows of letters under a line of numbers.

    Returns
    -------
    dict
        What the cell behind the last number says (blank if nothing) → well → text and row. A row without a letter belongs to the
        letter above it.
    """
    found = numbers_at(grid.rows[header])
    tables: dict[str, dict[str, tuple[str, int]]] = {}
    if found is None or found[0] == 0:
        return tables
    start, n = found
    letter = ""
    for row in range(header + 1, grid.end_of(header)):
        letter = grid.cell(row, start - 1) or letter
        if letter not in ROWS:
            break
        label = grid.cell(row, start + n)
        tables.setdefault(label, {}).update({f"{letter}{i + 1}": (grid.cell(row, start + i), row) for i in range(n)})
    return tables


def is_drawing(grid: Grid, header: int) -> bool:
    """Say whether numbers stand here over rows A, B, C …."""
    found = numbers_at(grid.rows[header])
    if found is None or found[0] == 0 or header + 3 >= len(grid.rows):
        return False
    return [grid.cell(header + i, found[0] - 1) for i in (1, 2, 3)] == ["A", "B", "C"]

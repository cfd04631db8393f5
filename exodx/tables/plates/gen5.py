"""BioTek (Agilent) Gen5: text and XLSX exports with a Layout and Results drawn as the plate looks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from exodx.errors import InputRefused, Problem
from exodx.tables.plates.grid import Grid
from exodx.tables.plates.matrix import lettered, numbers_at
from exodx.tables.plates.wells import (
    STANDARD,
    UNASSIGNED,
    UNKNOWN,
    UNNAMED_ANALYTE,
    Cells,
    PlateWells,
    Well,
    kind_of_name,
    no_layout,
    without_analyte,
)

_IS_NO_READ = re.compile(r"conc|^blank |^count$|^mean$|^std\.? ?dev|^cv ?\(%\)|^outlier", re.IGNORECASE)
_Drawing = Mapping[str, tuple[str, int]]


def recognise(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the file begins as Gen5 begins it: the software's version, then the procedure's details."""
    words = {cell.rstrip(":") for row in rows for cell in row if cell}
    return "Software Version" in words and ("Procedure Details" in words or "Protocol File Path" in words)


def plates(grids: Sequence[Grid]) -> tuple[PlateWells, ...]:
    """Return every well of every plate.

    Raises
    ------
    InputRefused
        ``NO_LAYOUT``, ``LAYOUT_TORN``, ``READ_UNCLEAR`` where several reads could be the signal, ``CELL_UNREADABLE``.
    """
    made = []
    for grid in grids:
        marks = [row for row in range(len(grid.rows)) if _titled(grid, row, "Plate Number")]
        made += [_plate(grid, start, end) for start, end in zip(marks, [*marks, len(grid.rows)][1:], strict=True)]
    if not made:
        raise no_layout(grids[0], 0)
    return tuple(made)


def _titled(grid: Grid, row: int, title: str) -> bool:
    return next((cell for cell in grid.rows[row] if cell), "").rstrip(":") == title


def _drawings(grid: Grid, start: int, end: int) -> tuple[dict[str, _Drawing], dict[str, _Drawing]]:
    """Return what is drawn in the Layout, and under any later title (Results, or each read's own), by the label behind each row."""
    heads = [row for row in range(start, end) if numbers_at(grid.rows[row])]
    first = next((row for row in heads if any(_titled(grid, above, "Layout") for above in range(max(start, row - 3), row))), None)
    results: dict[str, _Drawing] = {}
    for row in heads:
        results |= lettered(grid, row) if row != first else {}
    return ({} if first is None else dict(lettered(grid, first))), results


def _plate(grid: Grid, start: int, end: int) -> PlateWells:
    cells = Cells(grid)
    name = next((cell for cell in grid.rows[start][1:] if cell and not cell.startswith("Plate Number")), str(start))
    layout, results = _drawings(grid, start, end)
    ids, amounts, names = (layout.get(label, {}) for label in ("Well ID", "Conc/Dil", "Name"))
    if not ids or not results:
        raise no_layout(grid, max(map(len, results.values()), default=0))
    read = _read(grid, start, results)
    _refuse_torn(grid, start, ids, {**amounts, **{at: cell for at, cell in results[read].items() if cell[0]}})
    vendor = next((drawing for label, drawing in results.items() if "conc" in label.casefold()), {})
    drawings = {"amount": amounts, "name": names, "signal": results[read], "vendor": vendor}
    wells = [
        _well(cells, at, text, {role: drawn.get(at, ("", row)) for role, drawn in drawings.items()})
        for at, (text, row) in ids.items()
    ]
    cells.finish()
    fractions = any(
        cell.startswith(("0.", "0,")) for at, (cell, _) in amounts.items() if kind_of_name(_stem(ids[at][0])) == UNKNOWN
    )
    notes = (*grid.notes, f"Gen5 plate {name!r}: {len(wells)} wells, read {read!r}")
    notes = (*notes, "dilutions below 1 are taken as shares: 0.25 is one part in four") if fractions else notes
    return PlateWells(grid.source, name, "ELISA", "", without_analyte(wells), notes=notes)


def _refuse_torn(grid: Grid, row: int, ids: _Drawing, told: _Drawing) -> None:
    """Refuse a layout in which wells are missing that are told of elsewhere: they would be lost."""
    if missing := [at for at in told if at not in ids]:
        found = f"{len(missing)} wells ({', '.join(missing[:4])} …) are not in the Layout"
        raise InputRefused(Problem("LAYOUT_TORN", grid.where(row), found, "Export the Layout and the Results of the same wells."))


def _read(grid: Grid, row: int, results: Mapping[str, _Drawing]) -> str:
    """Choose the signal: the read as measured, since blanks are told from it; of several, the one that was blanked."""
    reads = [label for label in results if not _IS_NO_READ.search(label)]
    blanked = [label for label in reads if f"Blank {label}" in results]
    for choice in (reads, blanked):
        if len(choice) == 1:
            return choice[0]
    found = f"several reads ({', '.join(map(repr, reads))})" if reads else "no read"
    raise InputRefused(Problem("READ_UNCLEAR", grid.where(row), found, "Export the Results with the one read that is to be used."))


def _stem(name: str) -> str:
    """Drop the number of the dilution: ``SPL1:2`` is the second dilution of ``SPL1``."""
    return name.partition(":")[0]


def _well(cells: Cells, at: str, name: str, drawn: _Drawing) -> Well:
    kind = kind_of_name(_stem(name)) if name else UNASSIGNED
    amount, row = drawn["amount"]
    return Well(
        at,
        kind,
        drawn["name"][0] or _stem(name),
        UNNAMED_ANALYTE,
        cells.concentration(amount, row) if kind == STANDARD else None,
        _whole(cells.dilution(amount, row)) if kind == UNKNOWN else 1.0,
        cells.signal(*drawn["signal"]),
        cells.vendor(drawn["vendor"][0]),
    )


def _whole(dilution: float) -> float:
    """Gen5 keeps dilutions as shares or as factors: 0.25 is one part in four, like 4."""
    return 1 / dilution if dilution < 1 else dilution

"""A plain table of wells: well, kind, specimen, analyte, concentration, signal, dilution, plate."""

from __future__ import annotations

from collections.abc import Sequence

from exodx.tables.plates.grid import Grid
from exodx.tables.plates.headed import Headings, Row, rows_under, well_of
from exodx.tables.plates.wells import (
    BLANK,
    CONTROL,
    STANDARD,
    UNNAMED_ANALYTE,
    Cells,
    PlateWells,
    Well,
    is_known,
    kind_of,
    unit_in,
    without_analyte,
)

HEADINGS = Headings(
    {
        "kind": ("kind", "type", "well type", "role", "content", "sample type"),
        "signal": ("signal", "od", "absorbance", "mfi", "fi", "median", "fluorescence", "luminescence", "rlu", "rfu"),
        "well": ("well", "well position", "position", "wells"),
        "specimen": ("specimen id", "specimen", "sample id", "sample", "sample name", "id", "name"),
    },
    {
        "analyte": ("analyte", "assay", "target", "protein"),
        "concentration": ("concentration", "conc", "standard concentration", "expected concentration", "nominal"),
        "dilution": ("dilution", "dilution factor", "dil"),
        "plate": ("plate", "plate id", "plate name"),
        "vendor": ("result", "calculated concentration", "calc conc", "vendor concentration"),
    },
)


def _located(row: Sequence[str]) -> dict[str, int] | None:
    """Find the columns; a concentration's heading may bear its unit (``conc_pg_ml``, ``concentration (pg/mL)``)."""
    columns = HEADINGS.locate(row)
    if columns is None or "concentration" in columns:
        return columns
    bearing = [i for i, cell in enumerate(row) if cell.casefold().startswith("conc") and unit_in(cell)]
    return columns | {"concentration": bearing[0]} if bearing else columns


def recognise(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether a table has a well, its kind, its specimen and a signal, and a kind is one of a plate."""
    for at, row in enumerate(rows):
        columns = _located(row)
        if columns:
            words = [other[columns["kind"]] for other in rows[at + 1 :] if len(other) > columns["kind"]]
            return any(kind_of(word) in (STANDARD, BLANK, CONTROL) for word in words)
    return False


def plates(grids: Sequence[Grid]) -> tuple[PlateWells, ...]:
    """Return every well of every plate.

    Raises
    ------
    InputRefused
        ``CELL_UNREADABLE``.
    """
    found: dict[str, list[Well]] = {}
    unit, strange = "", set()
    for grid in grids:
        header = next((row for row in range(len(grid.rows)) if _located(grid.rows[row])), None)
        if header is None:
            continue
        columns, cells = _located(grid.rows[header]) or {}, Cells(grid)
        unit = unit or (unit_in(grid.cell(header, columns["concentration"])) if "concentration" in columns else "")
        for row in rows_under(grid, header, columns, _located):
            found.setdefault(row["plate"] or "1", []).append(_well(cells, row))
            strange |= set() if is_known(row["kind"]) else {row["kind"]}
        cells.finish()
    said = [f"kinds of wells that are not known ({', '.join(map(repr, sorted(strange)))}): taken for specimens"] if strange else []
    notes = (*grids[0].notes, *said)
    return tuple(
        PlateWells(
            grids[0].source, plate, "ELISA", unit, without_analyte(wells), notes=(*notes, f"plate {plate!r}: {len(wells)} readings")
        )
        for plate, wells in found.items()
    )


def _well(cells: Cells, row: Row) -> Well:
    kind = kind_of(row["kind"])
    return well_of(cells, row, kind, row["specimen"], row["analyte"] or UNNAMED_ANALYTE)

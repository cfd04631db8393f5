"""Meso Scale Discovery's Discovery Workbench: CSV with a row a spot, plates below one another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exodx.tables.plates.grid import Grid
from exodx.tables.plates.headed import Headings, Row, rows_under, well_of
from exodx.tables.plates.wells import Cells, PlateWells, Well, kind_of, kind_of_name, unit_in, without_analyte

HEADINGS = Headings(
    {
        "specimen": ("sample",),
        "analyte": ("assay",),
        "well": ("well",),
        "signal": ("signal",),
        "vendor": ("calc. concentration", "calc concentration"),
    },
    {
        "group": ("sample group",),
        "plate": ("plate name", "plate"),
        "concentration": ("concentration",),
        "dilution": ("dilution", "dilution factor"),
        "range": ("detection range",),
        "unit": ("concentration unit", "concentration units", "units", "unit"),
    },
)

_NUMBERED = re.compile(r"^[SUBC]\d{3}$")
"""The names that Discovery Workbench gives."""


def recognise(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether a table has the columns Sample, Assay, Well, Signal and Calc. Concentration."""
    return any(HEADINGS.locate(row) for row in rows)


def plates(grids: Sequence[Grid]) -> tuple[PlateWells, ...]:
    """Return every spot of every plate, named by its column or by the line above the header.

    Raises
    ------
    InputRefused
        ``CELL_UNREADABLE``.
    """
    found: dict[str, list[Well]] = {}
    units: set[str] = set()
    for grid in grids:
        cells = Cells(grid)
        for header in range(len(grid.rows)):
            columns = HEADINGS.locate(grid.rows[header])
            if columns is None:
                continue
            above = grid.cell(header - 1, 0) if header else ""
            units.add(unit_in(grid.cell(header, columns.get("concentration", columns["vendor"]))))
            for row in rows_under(grid, header, columns, HEADINGS.locate):
                if not row["well"]:
                    continue
                units.add(unit_in(row["unit"]))
                found.setdefault(row["plate"] or above or str(len(found) or 1), []).append(_well(cells, row))
        cells.finish()
    unit = next(iter(sorted(units - {""})), "") if len(units - {""}) < 2 else ""
    made = []
    for plate, wells in found.items():
        size = f"{len({w.well for w in wells})} wells × {len({w.analyte for w in wells})} assays"
        notes = (*grids[0].notes, f"Discovery Workbench plate {plate!r}: {size}")
        made.append(PlateWells(grids[0].source, plate, "MSD", unit, without_analyte(wells), True, notes))
    return tuple(made)


def _well(cells: Cells, row: Row) -> Well:
    """The group says what a well is for, else the sample's name (S001, U001); a range's words stand in for a missing result."""
    name = row["specimen"]
    kind = kind_of(row["group"]) if row["group"] else kind_of(name) if _NUMBERED.match(name) else kind_of_name(name)
    well = well_of(cells, row, kind, row["specimen"], row["analyte"])
    if well.vendor_concentration.casefold() not in ("", "nan"):
        return well
    words = row["range"].casefold()
    beyond = "OOR <" if words.startswith("below") else "OOR >" if words.startswith("above") else ""
    return Well(well.well, kind, well.specimen_id, well.analyte, well.concentration, well.dilution, well.signal, beyond)

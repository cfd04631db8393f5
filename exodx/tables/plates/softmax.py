"""Molecular Devices SoftMax Pro: text exports of blocks, plates drawn as they look and groups of wells with their formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exodx.errors import InputRefused, Problem
from exodx.tables.plates.grid import Grid
from exodx.tables.plates.matrix import ROWS, numbers_at
from exodx.tables.plates.wells import (
    BLANK,
    CONTROL,
    STANDARD,
    UNASSIGNED,
    UNKNOWN,
    UNNAMED_ANALYTE,
    Cells,
    PlateWells,
    Well,
    no_layout,
    unit_in,
    without_analyte,
)

_GROUPS = ((("std", "standard", "calib"), STANDARD), (("blank", "blk", "background"), BLANK), (("control", "ctrl", "qc"), CONTROL))
_SIGNAL = ("values", "value", "od", "rfu", "rlu", "signal", "wellvalues")
_CONCENTRATION = ("standard value", "concentration", "conc", "expected", "standard", "std conc")
_DILUTION = ("dilution factor", "dilution", "dil", "dilutionfactor")
_RESULT = ("backcalcconc", "back calc", "result", "results", "concentration", "conc")


def recognise(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the file begins with a count of blocks."""
    first = next((row for row in rows if any(row)), [""])
    return first[0].startswith("##BLOCKS=")


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's table: where its rows stand, and which column holds what."""

    kind: str
    first: int
    end: int
    column: dict[str, int]
    unit: str


def plates(grids: Sequence[Grid]) -> tuple[PlateWells, ...]:
    """Return every well of every plate.

    Raises
    ------
    InputRefused
        ``NO_LAYOUT`` without groups, ``PLATE_UNCLEAR`` where groups do not say of which plate they are, ``CELL_UNREADABLE``.
    """
    grid = grids[0]
    cells = Cells(grid)
    drawn: dict[str, dict[str, float | None]] = {}
    groups: list[_Group] = []
    for first, end in _blocks(grid):
        head = grid.cell(first, 0)
        if head == "Plate:":
            drawn[grid.cell(first, 1)] = _drawing(grid, cells, first, end)
        elif head.startswith("Group:") and (group := _group(grid, first, end)):
            groups.append(group)
    if not groups:
        raise no_layout(grid, sum(map(len, drawn.values())), " (the export has no group of standards or unknowns)")
    grouped = _grouped(grid, cells, groups, drawn)
    cells.finish()
    unit = next((group.unit for group in groups if group.unit), "")
    made = []
    for plate, wells in grouped.items():
        taken = {well.well for well in wells}
        rest = [
            Well(at, UNASSIGNED, "", UNNAMED_ANALYTE, None, 1.0, y) for at, y in drawn.get(plate, {}).items() if at not in taken
        ]
        notes = (*grid.notes, f"SoftMax Pro plate {plate!r}: {len(wells)} wells in {len(groups)} groups, {len(rest)} in none")
        made.append(PlateWells(grid.source, plate, "ELISA", unit, without_analyte([*wells, *rest]), notes=notes))
    return tuple(made)


def _blocks(grid: Grid) -> Iterator[tuple[int, int]]:
    """Yield the first and the ending row of each block."""
    start = 1
    for row in range(len(grid.rows)):
        if grid.cell(row, 0).startswith("~End"):
            yield next((i for i in range(start, row) if not grid.is_blank(i)), row), row
            start = row + 1


def _drawing(grid: Grid, cells: Cells, first: int, end: int) -> dict[str, float | None]:
    """Read the last plate drawn in the block: the reduced values where there are any, else the first wavelength read."""
    heads = [row for row in range(first + 1, end) if numbers_at(grid.rows[row])]
    if not heads or grid.cell(first, 3) not in ("PlateFormat", ""):
        return {}
    start, n = numbers_at(grid.rows[heads[-1]]) or (0, 0)
    body = range(heads[-1] + 1, min(grid.end_of(heads[-1]), end))
    return {
        f"{letter}{i + 1}": cells.signal(grid.cell(row, start + i), row)
        for letter, row in zip(ROWS, body, strict=False)
        for i in range(n)
    }


def _group(grid: Grid, first: int, end: int) -> _Group | None:
    """Find a group's columns: by the formulas that SoftMax Pro lists under the table, else by name."""
    name = grid.cell(first, 0).removeprefix("Group:").strip() or grid.cell(first, 1)
    header = first + 1
    titles = [cell.casefold() for cell in grid.rows[header]] if header < end else []
    if "wells" not in titles and "well" not in titles:
        return None
    stop = min(grid.end_of(header), end)
    formulas = {
        grid.cell(row, 1).casefold(): grid.cell(row, 2).casefold()
        for row in range(stop, end)
        if grid.cell(row, 0).isdigit() and len(grid.rows[row]) > 2
    }
    kind = next((kind for words, kind in _GROUPS if name.casefold().startswith(words)), UNKNOWN)

    def by(formula: str, names: tuple[str, ...]) -> int | None:
        told = [title for title, text in formulas.items() if text.startswith(formula)]
        return (
            next((i for i, title in enumerate(titles) if any(title.startswith(t) for t in told)), None) if told else _named(names)
        )

    def _named(names: tuple[str, ...]) -> int | None:
        return next(
            (i for n in names for i, title in enumerate(titles) if title == n or title.startswith((f"{n} ", f"{n}("))), None
        )

    described = by("!sampledescriptor", _CONCENTRATION if kind == STANDARD else _DILUTION)
    found = {
        "well": titles.index("wells" if "wells" in titles else "well"),
        "specimen": by("!samplenames", ("sample",)),
        "signal": by("!wellvalues", _SIGNAL),
        "plate": by("!wellplatename", ("wellplatename", "plate")),
        "described": described,
        "vendor": by("interp", tuple(n for n in _RESULT if described is None or titles[described] != n)),
    }
    column = {role: at for role, at in found.items() if at is not None}
    unit = unit_in(grid.cell(header, column["described"])) if kind == STANDARD and "described" in column else ""
    return _Group(kind, header + 1, stop, column, unit)


def _grouped(
    grid: Grid, cells: Cells, groups: Sequence[_Group], drawn: dict[str, dict[str, float | None]]
) -> dict[str, list[Well]]:
    """Return the wells of the groups by plate; a specimen's name stands in the first of its rows only."""
    found: dict[str, list[Well]] = {plate: [] for plate in drawn}
    only = next(iter(drawn)) if len(drawn) == 1 else ""
    for group in groups:
        carried = {"specimen": "", "described": ""}
        for row in range(group.first, group.end):
            text = {role: grid.cell(row, at) for role, at in group.column.items()}
            carried = {role: text.get(role) or ("" if text.get("specimen") else carried[role]) for role in carried}
            plate = text.get("plate") or only
            if not plate:
                fix = "Add the column WellPlateName to the groups (or export one plate a file)."
                found_ = f"{len(drawn)} plates, and the groups do not say of which they are"
                raise InputRefused(Problem("PLATE_UNCLEAR", grid.where(row), found_, fix))
            shown = text.get("signal", "")
            signal = _sharper(shown, cells.signal(shown, row), drawn.get(plate, {}).get(text["well"]))
            amount = carried["described"]
            found.setdefault(plate, []).append(
                Well(
                    text["well"],
                    group.kind,
                    carried["specimen"],
                    UNNAMED_ANALYTE,
                    cells.concentration(amount, row) if group.kind == STANDARD else None,
                    cells.dilution(amount, row) if group.kind == UNKNOWN else 1.0,
                    signal,
                    cells.vendor(text.get("vendor", "")),
                )
            )
    return found


def _sharper(shown: str, rounded: float | None, drawn: float | None) -> float | None:
    """Return the plate's own value where the group shows the same, rounded: 0.004 was 0.00398667."""
    if rounded is None or drawn is None:
        return rounded
    digits = len(shown.replace(",", ".").partition(".")[2])
    return drawn if abs(drawn - rounded) <= 0.5000001 * 10.0**-digits else rounded

"""The one list of families of plates, and how an export of any of them is found in a text file or a workbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from exodx.errors import InputRefused, Problem
from exodx.tables.plates import absorbance, bioplex, gen5, grid, long, msd, softmax, xponent
from exodx.tables.plates.grid import HEAD, Grid
from exodx.tables.plates.wells import PlateWells

_Rows = Sequence[Sequence[str]]
_WIDEST = 400
_SEARCHED = 1 << 18
"""Bytes within which a family shows itself."""


@dataclass(frozen=True, slots=True)
class Family:
    """How one family of plates is recognised and read."""

    title: str
    recognise: Callable[[_Rows], bool]
    plates: Callable[[Sequence[Grid]], tuple[PlateWells, ...]]


FAMILIES = (
    Family("SoftMax Pro", softmax.recognise, softmax.plates),
    Family("Gen5", gen5.recognise, gen5.plates),
    Family("xPONENT", xponent.recognise, xponent.plates),
    Family("Bio-Plex Manager", bioplex.recognise, bioplex.plates),
    Family("Discovery Workbench", msd.recognise, msd.plates),
    Family("table of wells", long.recognise, long.plates),
    Family("signals alone", absorbance.recognise, absorbance.plates),
)


def plates_of_text(source: str, text: str, notes: Sequence[str]) -> tuple[PlateWells, ...] | None:
    """Return every plate of a text export, or None where no family knows it.

    Raises
    ------
    InputRefused
        For an export that is recognised and cannot be used, ``NO_WELL`` where it has none.
    """
    head = text[:_SEARCHED]
    family = None if "\x00" in head or _is_wide(head) else _known(grid.cut_head(head))
    return None if family is None else _plates(family, [grid.of_text(source, text, notes)])


def plates_of_sheets(source: str, sheets: Mapping[str, list[list[str]]], notes: Sequence[str]) -> tuple[PlateWells, ...] | None:
    """Return every plate of the sheets of the first family that knows one, or None; see :func:`plates_of_text`."""
    known = {name: family for name, rows in sheets.items() if (family := _known(_stripped(rows[:HEAD])))}
    if not known:
        return None
    family = min(known.values(), key=FAMILIES.index)
    used = [name for name, other in known.items() if other is family]
    rest = [name for name in sheets if name not in used]
    said = [*notes, f"sheets used: {', '.join(map(repr, used))}"] + ([f"not used: {', '.join(map(repr, rest))}"] if rest else [])
    return _plates(
        family,
        [
            Grid(source, name, _stripped(sheets[name]), list(range(1, len(sheets[name]) + 1)), "row", ".", tuple(said))
            for name in used
        ],
    )


def _plates(family: Family, grids: Sequence[Grid]) -> tuple[PlateWells, ...]:
    found = family.plates(grids)
    if not any(plate.wells for plate in found):
        fix = "Export the wells with their signals."
        raise InputRefused(Problem("NO_WELL", grids[0].source, f"an export of {family.title} without a well", fix))
    return found


def _is_wide(head: str) -> bool:
    """Say that a line is too wide for any plate, without cutting it; what is quoted has to be cut first."""
    signs = [sign for sign in "\t,;" if sign in head]
    return bool(signs) and '"' not in head and any(min(map(line.count, signs)) > _WIDEST for line in head.splitlines()[:HEAD])


def _stripped(rows: _Rows) -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in rows]


def _known(head: _Rows) -> Family | None:
    if any(len(row) > _WIDEST for row in head):
        return None
    return next((family for family in FAMILIES if family.recognise(head)), None)

"""What every family of plates shares: wells with their role, and the words that plate readers write."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from exodx.errors import InputRefused, Problem
from exodx.tables.plates.grid import Grid

STANDARD, BLANK, CONTROL, UNKNOWN, UNASSIGNED = "standard", "blank", "control", "unknown", "unassigned"
UNNAMED_ANALYTE = "concentration"
"""The column of an assay whose file does not name what it measures."""

_SATURATED = frozenset({"ovrflw", "overflow", "over", "#sat", "sat", "saturated", "overrange"})
_UNREAD = frozenset(
    {"", "masked", "#masked", "nan", "n/a", "na", "-", "?????", "---", "***", "*****", "#null", "error", "none", "empty"}
)
_SHORT = re.compile(r"^[a-z]{1,2}[\s_-]*\d+$", re.IGNORECASE)
_MASKED = re.compile(r"^\*.+\*$")
_KIND = (
    (re.compile(r"^(?:std|standards?|calibrators?|cal|e?s)[\s_-]*\d*$"), STANDARD),
    (re.compile(r"^(?:blk|blanks?|background|bkgd|plate blank|b|zero|nsb)[\s_-]*\d*$"), BLANK),
    (re.compile(r"^(?:p|n)?(?:ctr?l|controls?|qcs?|c)[\s_-]*\d*$"), CONTROL),
    (re.compile(r"^(?:unkn?|unknowns?|spl|samples?|specimens?|x|u|test|patient)\w*[\s_-]*\d*$"), UNKNOWN),
    (re.compile(r"^(?:empty|unused|none)?$"), UNASSIGNED),
)
_UNIT = re.compile(r"\b([pnuµμm]?g|[pnuµμ]?mol|[pnuµμ]?M|I?U)\s*(?:/|_|\s+per\s+)\s*([mµμu]?l)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Well:
    """One reading of one analyte in one well.

    Parameters
    ----------
    well : str
        Position, e.g. ``A1``.
    kind : str
        ``standard``, ``blank``, ``control``, ``unknown`` (a specimen) or ``unassigned``.
    specimen_id : str
        As the plate names what is in the well.
    analyte : str
    concentration : float or None
        Of a standard, where the file says it.
    dilution : float
        By what the specimen was diluted: 4 is one part in four.
    signal : float or None
        None where there is no reading; infinite where the detector was saturated.
    vendor_concentration : str
        As the vendor's software wrote it, with a decimal point, or blank.
    """

    well: str
    kind: str
    specimen_id: str
    analyte: str
    concentration: float | None
    dilution: float
    signal: float | None
    vendor_concentration: str = ""


@dataclass(frozen=True, slots=True)
class PlateWells:
    """Every well of one plate.

    Parameters
    ----------
    source : str
        The file's name.
    plate : str
        As the file names it, or its number.
    platform : str
        ``ELISA``, ``Luminex`` or ``MSD``.
    unit : str
        Of the standards' concentrations, where the file says it.
    wells : tuple of Well
        In the order of the file; a well has as many as analytes.
    vendor_diluted : bool
        The vendor's concentrations are already multiplied by the dilution.
    notes : tuple of str
        What was recognised, and what was left out of account.
    """

    source: str
    plate: str
    platform: str
    unit: str
    wells: tuple[Well, ...]
    vendor_diluted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def analytes(self) -> tuple[str, ...]:
        """Names of the analytes, in the order of the file."""
        return tuple(dict.fromkeys(well.analyte for well in self.wells))

    def of(self, analyte: str, *kinds: str) -> tuple[Well, ...]:
        """Return the wells of an analyte that are of these kinds (any, if none is named)."""
        return tuple(well for well in self.wells if well.analyte == analyte and (not kinds or well.kind in kinds))


class Cells:
    """Reads the numbers of one file, and gathers what cannot be read, to be refused together."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.problems: list[Problem] = []

    def signal(self, text: str, row: int, what: str = "signal") -> float | None:
        """Return a reading: None where there is none, infinite where the detector was saturated."""
        word = text.casefold()
        if word in _UNREAD or _MASKED.match(word):
            return None
        if word in _SATURATED or word.startswith(">"):
            return math.inf
        return self._number(text, row, what)

    def concentration(self, text: str, row: int) -> float | None:
        """Return a standard's concentration; None where it is blank."""
        value = None if text.casefold() in _UNREAD else self._number(text, row, "concentration of a standard")
        if value is None or value >= 0:
            return value
        self._refuse(text, row, "a negative concentration of a standard")
        return None

    def dilution(self, text: str, row: int) -> float:
        """Return by what a specimen was diluted: ``4``, ``1:4`` and ``1/4`` are the same; blank is 1."""
        if text.casefold() in _UNREAD:
            return 1.0
        part, _, whole = text.replace("/", ":").partition(":")
        top = self._number(part, row, "dilution")
        bottom = self._number(whole, row, "dilution") if whole else 1.0
        if top is None or bottom is None:
            return 1.0
        if top <= 0 or bottom <= 0:
            self._refuse(text, row, "a dilution that is not above 0")
            return 1.0
        return max(top / bottom, bottom / top) if whole else top

    def vendor(self, text: str) -> str:
        """Return a vendor's concentration as written, but with a decimal point."""
        return text.replace(",", ".") if self.grid.decimal == "," else text

    def _number(self, text: str, row: int, what: str) -> float | None:
        comma = self.grid.decimal == ","
        try:
            value = math.nan if comma and "." in text else float(text.replace(",", ".") if comma else text)
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
        self._refuse(text, row, f"text where a {what} belongs")
        return None

    def _refuse(self, text: str, row: int, why: str) -> None:
        fix = "Mend the cell in the reader's software and export again, or leave it blank if it was not read."
        self.problems.append(Problem("CELL_UNREADABLE", self.grid.where(row), f"{text!r}: {why}", fix))

    def finish(self) -> None:
        """Raise what could not be read, if anything.

        Raises
        ------
        InputRefused
            ``CELL_UNREADABLE``, every one of them.
        """
        if self.problems:
            raise InputRefused(self.problems)


def kind_of(name: str, otherwise: str = UNKNOWN) -> str:
    """Return what a well is for, from the vendor's word for it: ``STD3``, ``Blank``, ``QC1``, ``X12``.

    >>> [kind_of(name) for name in ("STD3", "Blank", "QC1", "X12", "Background0", "P-0042", "")]
    ['standard', 'blank', 'control', 'unknown', 'blank', 'unknown', 'unassigned']
    """
    word = name.strip().casefold()
    return next((kind for pattern, kind in _KIND if pattern.match(word)), otherwise)


def kind_of_name(name: str) -> str:
    """Return what a well is for, from what stands in it: a name as short as ``S1`` or ``B12`` may be anybody's.

    >>> [kind_of_name(name) for name in ("Standard1", "Background0", "BLK", "S1", "B12", "QC1")]
    ['standard', 'blank', 'blank', 'unknown', 'unknown', 'unknown']
    """
    return UNKNOWN if _SHORT.match(name) else kind_of(name)


def is_known(name: str) -> bool:
    """Say whether a vendor's word for a kind is one of those that are known."""
    return any(pattern.match(name.strip().casefold()) for pattern, _ in _KIND)


def unit_in(text: str) -> str:
    """Return the unit of concentration that a heading bears, spelt as exodx does; blank if none.

    >>> [unit_in(text) for text in ("Standard Value ng/mL", "Obs Conc (pg/ml)", "conc_pg_ml", "Conc")]
    ['ng/mL', 'pg/mL', 'pg/mL', '']
    """
    match = _UNIT.search(text.replace("conc_", "").replace("concentration_", ""))
    if match is None:
        return ""
    amount, volume = (part.replace("µ", "u").replace("μ", "u") for part in match.groups())
    amount = amount.upper() if amount.casefold() in ("u", "iu") else amount if amount.endswith("M") else amount.casefold()
    return f"{amount}/{volume[:-1].casefold()}L"


def without_analyte(wells: Iterable[Well]) -> tuple[Well, ...]:
    """Take standards of 0 for what they are: blanks."""
    return tuple(replace(well, kind=BLANK) if well.kind == STANDARD and well.concentration == 0 else well for well in wells)


def fold(cells: Sequence[str]) -> list[str]:
    """Return headings without case, and with blanks and underscores alike."""
    return [" ".join(cell.casefold().replace("_", " ").split()) for cell in cells]


def no_layout(grid: Grid, wells: int, also: str = "") -> InputRefused:
    """Refuse signals of which nobody says what stands in which well."""
    found = f"signals of {wells} wells, and no layout says which hold standards (how concentrated), blanks and specimens{also}"
    fix = (
        "Export with the layout and the standards' concentrations, or give a table well, kind, specimen_id, concentration, signal."
    )
    return InputRefused(Problem("NO_LAYOUT", grid.source, found, fix))

"""From signals to concentrations: a curve a plate and analyte from that plate's own standards, and every specimen read off it.

Nothing is learned from specimens, and no plate takes part in another's curve, so this may run at reading.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from exodx.errors import InputRefused, Problem
from exodx.stats.dose_curve import Model
from exodx.stats.dose_response import CurveFit, fit_curve
from exodx.tables.plates.replicates import Cell, from_curve, from_vendor, shown
from exodx.tables.plates.wells import BLANK, STANDARD, UNKNOWN, PlateWells, Well
from exodx.tables.table import TextTable

_FAILED = "failed QC"


@dataclass(frozen=True, slots=True)
class PlateCurve:
    """The curve of one analyte on one plate.

    Parameters
    ----------
    plate, analyte : str
    fit : CurveFit or None
        None where the file has no concentrations of standards and the vendor's concentrations are used.
    """

    plate: str
    analyte: str
    fit: CurveFit | None

    @property
    def failure(self) -> str:
        """Why nothing can be read off the curve; blank where it can, or where the vendor's concentrations are used."""
        return "" if self.fit is None else self.fit.reason


def quantify(plates: Sequence[PlateWells], model: Model = "4PL") -> TextTable:
    """Read every specimen's concentration off its plate's own curve.

    Parameters
    ----------
    plates : sequence of PlateWells
        The plates of one file.
    model : {"4PL", "5PL"}

    Returns
    -------
    TextTable
        A row a specimen and plate: ``specimen_id``, ``plate`` and a column an analyte. A cell is a number, ``<LLOQ`` or ``>ULOQ``
        as numbers (all multiplied by the dilution), blank where nothing was read, or ``failed QC``. Replicates are averaged as
        concentrations.

    Raises
    ------
    InputRefused
        As :func:`fit_plates`; ``NO_SPECIMEN`` where no well holds one.
    """
    return read_off(plates, fit_plates(plates, model))


def fit_plates(plates: Sequence[PlateWells], model: Model = "4PL") -> tuple[PlateCurve, ...]:
    """Fit a curve for each plate and analyte from its own standards.

    Raises
    ------
    InputRefused
        ``NO_STANDARDS`` and ``STANDARDS_WITHOUT_CONCENTRATION`` where the vendor gives no concentrations either; ``CURVE_REFUSED``
        where no curve of the file can be read; ``UNITS_DIFFER``.
    """
    units = sorted({plate.unit for plate in plates})
    problems = [_missing(plate, analyte) for plate in plates for analyte in plate.analytes]
    found = [problem for problem in problems if problem] + _doubled(plates)
    if len(units) > 1:
        fix = "Give the plates one file at a time."
        found.append(Problem("UNITS_DIFFER", plates[0].source, f"the plates come in {', '.join(map(repr, units))}", fix))
    if found:
        raise InputRefused(found)
    curves = tuple(_curve(plate, analyte, model) for plate in plates for analyte in plate.analytes)
    if all(curve.failure for curve in curves):
        fix = "Check the standards' wells and concentrations, or choose the other curve."
        raise InputRefused(
            Problem("CURVE_REFUSED", f"{plates[0].source}, plate {c.plate!r}, analyte {c.analyte!r}", c.failure, fix)
            for c in curves
        )
    return curves


def _doubled(plates: Sequence[PlateWells]) -> list[Problem]:
    """Say which plates bear one name, and which wells stand twice on a plate."""
    fix = "Export every plate once, under a name of its own."
    names = Counter(plate.plate for plate in plates)
    problems = [
        Problem("PLATE_TWICE", plates[0].source, f"{n} plates are called {name!r}", fix) for name, n in names.items() if n > 1
    ]
    for plate in plates:
        wells = Counter((well.well, well.analyte) for well in plate.wells if well.well)
        twice = [f"{well} ({analyte})" for (well, analyte), n in wells.items() if n > 1]
        if twice:
            found = f"{len(twice)} wells stand there more than once: {', '.join(twice[:4])}" + (" …" if len(twice) > 4 else "")
            problems.append(
                Problem("WELL_TWICE", f"{plate.source}, plate {plate.plate!r}", found, "Leave one row a well and analyte.")
            )
    return problems


def _fitted(plate: PlateWells, analyte: str) -> list[Well]:
    return [well for well in plate.of(analyte, STANDARD) if well.concentration is not None]


def _is_read(well: Well) -> bool:
    return well.signal is not None and math.isfinite(well.signal)


def _has_vendor(plate: PlateWells, analyte: str) -> bool:
    return any(well.vendor_concentration for well in plate.of(analyte, UNKNOWN))


def _missing(plate: PlateWells, analyte: str) -> Problem | None:
    """Say what an analyte lacks to be quantified, if anything."""
    if _fitted(plate, analyte) or _has_vendor(plate, analyte):
        return None
    where = f"{plate.source}, plate {plate.plate!r}, analyte {analyte!r}"
    if plate.of(analyte, STANDARD):
        fix = "Fill in the standards' concentrations in the reader's software, and export again."
        return Problem("STANDARDS_WITHOUT_CONCENTRATION", where, "the standards' concentrations are not in the file", fix)
    blanks = len(plate.of(analyte, BLANK))
    found = f"no well holds a standard ({blanks} blank, {len(plate.of(analyte, UNKNOWN))} specimens)"
    return Problem("NO_STANDARDS", where, found, "Export with the layout that says which wells hold standards.")


def _curve(plate: PlateWells, analyte: str, model: Model) -> PlateCurve:
    standards = [well for well in _fitted(plate, analyte) if _is_read(well)]
    if not _fitted(plate, analyte):
        return PlateCurve(plate.plate, analyte, None)
    blanks = [well.signal or 0.0 for well in plate.of(analyte, BLANK) if _is_read(well)]
    fit = fit_curve([w.concentration or 0.0 for w in standards], [w.signal or 0.0 for w in standards], model, blanks)
    return PlateCurve(plate.plate, analyte, fit)


def read_off(plates: Sequence[PlateWells], curves: Sequence[PlateCurve]) -> TextTable:
    """Return the table of concentrations that the curves give; see :func:`quantify`.

    Raises
    ------
    InputRefused
        ``NO_SPECIMEN`` where no well holds one.
    """
    by = {(curve.plate, curve.analyte): curve for curve in curves}
    rows = [(plate, name) for plate in plates for name in _specimens(plate)]
    if not rows:
        counts = ", ".join(f"{sum(len(p.of(a, k)) for p in plates for a in p.analytes)} {k}" for k in (STANDARD, BLANK))
        fix = "Name the specimens in the reader's software and export again."
        raise InputRefused(Problem("NO_SPECIMEN", plates[0].source, f"no well holds a specimen ({counts})", fix))
    analytes = tuple(dict.fromkeys(analyte for plate in plates for analyte in plate.analytes))
    notes = list(dict.fromkeys(note for plate in plates for note in (*plate.notes, *_kinds(plate))))
    columns = {"specimen_id": [name for _, name in rows], "plate": [plate.plate for plate, _ in rows]}
    for analyte in analytes:
        cells: dict[tuple[str, str], Cell] = {}
        for plate in plates:
            if analyte in plate.analytes:
                mine = _cells(plate, by[plate.plate, analyte])
                cells |= {(plate.plate, name): cell for name, cell in mine.items()}
                notes += _notes(plate, by[plate.plate, analyte], mine)
        columns[analyte] = [cells[plate.plate, name].text if (plate.plate, name) in cells else "" for plate, name in rows]
    notes.append(f"{len(rows)} specimens × {len(analytes)} analytes, replicates averaged as concentrations")
    ids = [name for _, name in rows]
    if len(set(ids)) < len(ids):
        notes.append(f"{len(ids) - len(set(ids))} specimens stand on several plates: a row each")
    first = plates[0]
    return TextTable(first.source, columns, ids, "specimen", ".", tuple(notes), analytes, first.unit, first.platform)


def _kinds(plate: PlateWells) -> list[str]:
    """Count the readings of each kind, and say what a dilution below 1 does."""
    counts = Counter("specimen" if well.kind == UNKNOWN else well.kind for well in plate.wells)
    notes = [f"plate {plate.plate!r}: readings of " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))]
    least = min((well.dilution for well in plate.wells), default=1.0)
    return notes + (
        [f"plate {plate.plate!r}: a dilution below 1 ({shown(least)}) means that a specimen was concentrated"] if least < 1 else []
    )


def _specimens(plate: PlateWells) -> list[str]:
    return list(dict.fromkeys(well.specimen_id for well in plate.wells if well.kind == UNKNOWN and well.specimen_id))


def _cells(plate: PlateWells, curve: PlateCurve) -> dict[str, Cell]:
    wells: dict[str, list[Well]] = {}
    for well in plate.of(curve.analyte, UNKNOWN):
        if well.specimen_id:
            wells.setdefault(well.specimen_id, []).append(well)
    if curve.fit is None:
        return {name: from_vendor(some, plate.vendor_diluted) for name, some in wells.items()}
    if curve.failure:
        return {name: Cell(_FAILED) for name in wells}
    return {name: from_curve(some, curve.fit, plate.vendor_diluted) for name, some in wells.items()}


def _notes(plate: PlateWells, curve: PlateCurve, cells: dict[str, Cell]) -> list[str]:
    """Say how an analyte's concentrations came about, and which of them to doubt."""
    at = f"plate {plate.plate!r}, {curve.analyte}: "
    notes = [at + (_of_vendor(plate) if curve.fit is None else _of_curve(curve.fit, plate.unit))]
    for words, names in (
        ("replicates differ by a CV over 20 %", [f"{n} ({c.cv:.0f} %)" for n, c in cells.items() if c.is_scattered]),
        ("dilutions differ by a CV over 20 %", [f"{n} ({c.dilution_cv:.0f} %)" for n, c in cells.items() if c.is_not_parallel]),
        ("replicates contradict one another, failed", [n for n, c in cells.items() if c.contradicts]),
    ):
        notes += [f"{at}{words}: {', '.join(names)}"] if names else []
    lost = [well for well in plate.of(curve.analyte, STANDARD) if well.concentration is None or not _is_read(well)]
    notes += [f"{at}{len(lost)} wells of standards are not used (no concentration, no signal, or saturated)"] if lost else []
    nameless = sum(not well.specimen_id for well in plate.of(curve.analyte, UNKNOWN))
    notes += [f"{at}{nameless} wells of specimens without a name are left out"] if nameless else []
    worst = max((c for c in cells.values() if c.disagreement is not None), key=lambda c: c.disagreement or 0.0, default=None)
    if worst is not None and worst.disagreement is not None:
        name = next(n for n, c in cells.items() if c is worst)
        notes.append(f"{at}the vendor's concentrations are not used; they differ by {worst.disagreement:.1%} at most ({name})")
    return notes


def _of_vendor(plate: PlateWells) -> str:
    said = "taken as multiplied by the dilution already" if plate.vendor_diluted else "multiplied by the dilution here"
    return f"the standards' concentrations are not in the file: the vendor's concentrations are used, {said}"


def _of_curve(fit: CurveFit, unit: str) -> str:
    if fit.curve is None or fit.lloq is None or fit.uloq is None:
        return f"no concentration can be read ({fit.reason})"
    wrong = [level for level in fit.levels if fit.lloq < level.concentration < fit.uloq and not level.passes(20.0)]
    text = f"{fit.curve.model} of {len(fit.levels)} standards, read from {shown(fit.lloq)} to {shown(fit.uloq)} {unit}".rstrip()
    text += f"; standards inside that read wrongly: {', '.join(shown(w.concentration) for w in wrong)}" if wrong else ""
    text += f"; the standards stop short of an asymptote and do not tell {', '.join(fit.untold)}" if fit.untold else ""
    left = ", ".join(map(shown, fit.left_out))
    return text + (f"; standards left out, since a signal is not above 0: {left}" if left else "")

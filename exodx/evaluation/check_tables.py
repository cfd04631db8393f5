"""The tables of a check: what was measured of every analyte, how steady the references are, how controls and plates are spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exodx.assay.stability import MIN_SPECIMENS, genorm, normfinder
from exodx.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.cohort.plates import levels
from exodx.errors import InputRefused
from exodx.frozen import QualityGate, State
from exodx.frozen.measurements import is_measured
from exodx.panel import Scale
from exodx.panel.markers import read_markers

Floats = NDArray[np.float64]

REFERENCE_NOTE = "For information only: which references are used is decided again inside every training fold."


@dataclass(frozen=True, slots=True)
class AnalyteRow:
    """One analyte as measured.

    Parameters
    ----------
    analyte, label, accession, unit, role : str
        ``label`` is the name with what else it tells of.
    measured, below_lod, undetermined, not_run, failed_qc, above_loq : int
        Specimens by the state of the cell.
    detected, detected_positive, detected_negative : float or None
        Share of the specimens in which it was looked for that have it (Ct within the cut-off, count above 0); None where it was
        looked for in none.
    median, lower, upper : float or None
        Median and quartiles of the measured values, in the unit.
    """

    analyte: str
    label: str
    accession: str | None
    unit: str
    role: str
    measured: int
    below_lod: int
    undetermined: int
    not_run: int
    failed_qc: int
    above_loq: int
    detected: float | None
    detected_positive: float | None
    detected_negative: float | None
    median: float | None
    lower: float | None
    upper: float | None

    @property
    def seen(self) -> float:
        """Share of all specimens in which it was detected."""
        absent = self.not_run + self.failed_qc
        n = absent + self.measured + self.below_lod + self.undetermined + self.above_loq
        return (self.detected or 0.0) * (n - absent) / max(n, 1)


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One reference over the whole cohort: M of geNorm and ρ of NormFinder (lower is steadier), and what else it is known for.

    ``m`` and ``rho`` are None where they cannot be said: fewer than two (three) references, or few specimens with all of them.
    """

    analyte: str
    measured: int
    m: float | None
    rho: float | None
    haemolysis_marker: bool
    disease_marker: bool
    small_nuclear: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """How one quantity lies over the specimens.

    Parameters
    ----------
    name : str
        Rule, or spike-in.
    kind : str
        Kind of rule; ``spike`` for a spike-in's own Ct.
    values : dict of str to list of float
        By class (``positive``, ``negative``), or ``all`` without a reference standard; in the order of the specimens, those that
        have one.
    flag, refuse : tuple of float
        Limits that stand for a warning and for refusal.
    flagged, refused : int
        Specimens beyond.
    source : str
        Where the limits come from.
    """

    name: str
    kind: str
    values: dict[str, list[float]]
    flag: tuple[float, ...]
    refuse: tuple[float, ...]
    flagged: int
    refused: int
    source: str

    @property
    def all(self) -> Floats:
        """Every value, class by class."""
        return np.array([v for part in self.values.values() for v in part], np.float64)


@dataclass(frozen=True, slots=True)
class PlateRow:
    """One plate: specimens, positive ones, and the mean and SD of their level against the whole cohort (log2 or Ct)."""

    plate: str
    n: int
    positive: int | None
    mean: float | None
    sd: float | None


def analyte_rows(cohort: Cohort) -> tuple[AnalyteRow, ...]:
    """Return a row for every analyte of the panel, in its order."""
    m, markers = cohort.measurements, read_markers()
    y = None if cohort.reference_standard is None else cohort.y
    rows = []
    for j, analyte in enumerate(cohort.panel.analytes):
        values, states = m.values[:, j], m.states[:, j]
        measured = is_measured(states)
        looked = (states != State.NOT_RUN) & (states != State.FAILED_QC)
        seen = _detected(values, states, analyte.scale, cohort.panel.ct_cutoff)
        classes = [None, None] if y is None else [_share(seen, looked & (y == label)) for label in (1, 0)]
        quartiles = [float(q) for q in np.percentile(values[measured], (50, 25, 75))] if measured.any() else [None] * 3
        row = AnalyteRow(
            analyte=analyte.name,
            label=markers.label(analyte),
            accession=analyte.accession,
            unit=analyte.unit,
            role=analyte.role,
            **{state.name.lower(): int((states == state).sum()) for state in State},
            detected=_share(seen, looked),
            detected_positive=classes[0],
            detected_negative=classes[1],
            median=quartiles[0],
            lower=quartiles[1],
            upper=quartiles[2],
        )
        rows.append(row)
    return tuple(rows)


def _detected(values: Floats, states: NDArray[np.uint8], scale: Scale, ct_cutoff: float) -> NDArray[np.bool_]:
    above = states == State.ABOVE_LOQ
    if scale is Scale.CT:
        enough = values <= ct_cutoff
    elif scale in (Scale.COUNTS, Scale.CPM):
        enough = values > 0
    else:
        enough = ~np.isnan(values)
    detected: NDArray[np.bool_] = np.logical_or(is_measured(states) & enough, above)
    return detected


def _share(seen: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(seen[among].mean()) if among.any() else None


def reference_rows(cohort: Cohort) -> tuple[ReferenceRow, ...]:
    """Return how steady each reference is over the cohort: for the reader, never for a choice."""
    references = cohort.panel.with_role("reference")
    if not references:
        return ()
    columns = [cohort.panel.names.index(a.name) for a in references]
    values = levels(cohort)[:, columns]
    complete = np.isfinite(values).all(axis=1)
    groups = None if cohort.reference_standard is None else cohort.y[complete]
    m, rho = _stability(values[complete], groups)
    markers = read_markers()
    rows = []
    for k, reference in enumerate(references):
        kinds = {tag.kind for tag in markers.tags(reference)}
        rows.append(
            ReferenceRow(
                reference.name,
                int(np.isfinite(values[:, k]).sum()),
                m[k],
                rho[k],
                "haemolysis" in kinds,
                "disease" in kinds,
                "small_nuclear" in kinds,
            )
        )
    return tuple(rows)


def _stability(values: Floats, groups: NDArray[np.int8] | None) -> tuple[list[float | None], list[float | None]]:
    none: list[float | None] = [None] * values.shape[1]
    if len(values) < MIN_SPECIMENS or values.shape[1] < 2:
        return none, none
    m = [float(x) for x in genorm(values).m_of_all]
    try:
        return [*m], [*normfinder(values, groups).stability]
    except InputRefused:
        return [*m], none


def spreads(cohort: Cohort, gate: QualityGate) -> tuple[Spread, ...]:
    """Return what the rules of measurements see, and the Ct of the spike-ins."""
    found = []
    for check in gate.checks(cohort.measurements):
        flagged, refused = int((check.flagged & ~check.refused).sum()), int(check.refused.sum())
        limits: list[tuple[float, ...]] = [() if limit is None else (float(limit),) for limit in (check.flag, check.refuse)]
        observed, name = check.observed, check.name
        if check.rule.kind == "spike":
            name = check.name.removeprefix(f"{check.rule.name} ")
            middle = gate.spikes[name][0]
            limits = [tuple(middle + sign * x for x in limit for sign in (-1, 1)) for limit in limits]
            values, states = cohort.measurements.column(name)
            observed = np.where(is_measured(states), values, np.nan)
        by_class = _by_class(cohort, observed)
        found.append(Spread(name, check.rule.kind, by_class, limits[0], limits[1], flagged, refused, check.rule.source))
    return tuple(found)


def _by_class(cohort: Cohort, values: Floats) -> dict[str, list[float]]:
    known = np.isfinite(values)
    if cohort.reference_standard is None:
        return {"all": values[known].tolist()}
    return {word: values[known & (cohort.y == label)].tolist() for word, label in (("positive", 1), ("negative", 0))}


def plate_rows(cohort: Cohort) -> tuple[PlateRow, ...]:
    """Return each plate's level: the mean, over its analytes, of how far a specimen lies from the cohort's median."""
    if "plate" not in cohort.specimens:
        return ()
    plates = cohort.specimens["plate"].astype(str).to_numpy()
    own = levels(cohort)[:, [j for j, a in enumerate(cohort.panel.analytes) if a.role in ("target", "reference")]]
    own = own[:, np.isfinite(own).any(axis=0)]
    away = own - np.nanmedian(own, axis=0)
    known = np.isfinite(away)
    level = np.where(known, away, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    rows = []
    for plate in sorted(set(plates) - {UNKNOWN}):
        here = plates == plate
        values = level[here & np.isfinite(level)]
        positive = None if cohort.reference_standard is None else int(cohort.y[here].sum())
        mean = float(values.mean()) if values.size else None
        sd = float(values.std(ddof=1)) if values.size > 1 else None
        rows.append(PlateRow(plate, int(here.sum()), positive, mean, sd))
    return tuple(rows)

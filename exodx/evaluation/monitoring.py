"""Repeated specimens of a subject: what has changed by more than the assay and a steady subject's own ups and downs explain.

No call is made here, and no class is told: a change is a number beside its limits (domain: reference change value).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import expm1, log, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exodx.cohort import Cohort
from exodx.errors import RUO, InputRefused, Problem
from exodx.evaluation.audits import WHEN, days_of
from exodx.evaluation.shown import monitoring_html, monitoring_line
from exodx.frozen import Features, FrozenTransform
from exodx.frozen.encoding import ND
from exodx.frozen.measurements import BLOCKING, is_measured
from exodx.panel import Panel, Scale
from exodx.stats import Estimate, cv_of_log_sd, log_sd, reference_change_value, within_sd

Floats = NDArray[np.float64]
_Spread = tuple[float | None, str]
"""A standard deviation and where it comes from."""

ENOUGH = 10
"""Degrees of freedom below which a spread within subjects is told to be uncertain, and controls alone are too few."""


@dataclass(frozen=True, slots=True)
class ChangeLimit:
    """How far two specimens of a steady subject differ by at most, for one analyte.

    Parameters
    ----------
    analyte : str
        Feature of the transform: an analyte, or a log-ratio.
    scale : str
        ``log2`` (changes are ratios), or ``own`` for values that were normalised before they came here.
    sd_analytical : float or None
        Of repeated measurements of one specimen, on the scale; None where nothing tells.
    sd_within : float or None
        Of a subject's specimens without the analytical part; None where nothing tells.
    cv_analytical, cv_within : float or None
        The same as coefficients of variation, on the log scale.
    limit : float or None
        Of the difference on the scale, either way: √2 · z · √(sd_a² + sd_w²); None where nothing tells.
    fall, rise : float or None
        As relative changes, on the log scale.
    basis : str
        Where the spread comes from.
    """

    analyte: str
    scale: str
    sd_analytical: float | None
    sd_within: float | None
    cv_analytical: float | None
    cv_within: float | None
    limit: float | None
    fall: float | None
    rise: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class Change:
    """One analyte in one later specimen, against the subject's first.

    Parameters
    ----------
    subject, first, specimen : str
    first_date, date : str
        As written.
    analyte : str
    difference : float or None
        Later minus first, on the analyte's scale; None where one of them has no value.
    change : float or None
        Relative change, on the log scale: 0.5 is half as much again.
    finding : str
        ``rise`` or ``fall`` beyond the limits, ``within``, ``no value``, ``no limit``.
    """

    subject: str
    first: str
    first_date: str
    specimen: str
    date: str
    analyte: str
    difference: float | None
    change: float | None
    finding: str


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Limits of change and what changed.

    Parameters
    ----------
    level : float
        Share of steady subjects within the limits, for each analyte by itself.
    subjects, specimens : int
        With a later specimen, and how many later specimens.
    limits : tuple of ChangeLimit
    changes : tuple of Change
        By subject, date and analyte.
    notes : tuple of str
    """

    level: float
    subjects: int
    specimens: int
    limits: tuple[ChangeLimit, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return monitoring_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook; no subject's or specimen's id."""
        return monitoring_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, with the notice of research use."""
        return asdict(self) | {"notice": RUO}


@dataclass(frozen=True, slots=True)
class Spreads:
    """What is known of the spreads from elsewhere: coefficients of variation (0.1 is 10 %), and the level of the limits."""

    cv_analytical: float | None = None
    cv_within: float | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        shares = (("--cv-analytical", self.cv_analytical), ("--cv-within", self.cv_within))
        fix = "Give a share such as 0.1 for 10 %."
        problems = [
            Problem("OPTION_OUT_OF_RANGE", name, f"{cv:g}", fix) for name, cv in shares if cv is not None and not 0 <= cv < np.inf
        ]
        if not 0 < self.level < 1:
            problems.append(
                Problem("OPTION_OUT_OF_RANGE", "--level", f"{self.level:g}", "Give a share between 0 and 1, e.g. 0.95.")
            )
        if problems:
            raise InputRefused(problems)


def monitor(cohort: Cohort, transform: FrozenTransform, spreads: Spreads) -> Monitoring:
    """Compare each subject's later specimens with its first.

    Specimens of one subject on one date are duplicates: the analytical spread comes from them where it is not given, and the
    first of them stands for the date. The spread within subjects is that of single specimens over dates (so it holds the
    analytical part, which is taken out to be shown): of controls where they have enough, else of all.

    Parameters
    ----------
    cohort : Cohort, n specimens
    transform : FrozenTransform
    spreads : Spreads

    Returns
    -------
    Monitoring

    Raises
    ------
    InputRefused
        When subject or date are not stated, a date cannot be read, or no subject has specimens of two dates.

    References
    ----------
    Harris and Yasaka 1983, 10.1093/clinchem/29.1.25; Fokkema 2006, Clin Chem 52:1602.
    """
    cohort = cohort.sorted()
    days = _checked_days(cohort)
    features = transform.apply(cohort.measurements)
    usable = (features.flags & BLOCKING) == 0
    measured = np.column_stack([_measured(cohort, transform, name) for name in features.names])
    features = Features(features.names, np.where(usable[:, None] & measured, features.values, np.nan), features.flags)
    columns = [j for j, name in enumerate(features.names) if not name.endswith(ND)]
    visits = _visits(cohort, days)
    later = [(first, row) for first, *rows in visits.values() for row in rows]
    if not later:
        fix = "Monitoring compares a subject's later specimens with its first: give specimens of two dates of a subject."
        raise InputRefused(
            Problem("NO_REPEATED_SPECIMENS", cohort.source or "cohort", "no subject has specimens of two dates", fix)
        )
    limits = []
    for j in columns:
        name, values = features.names[j], features.values[:, j]
        logged = _is_logged(cohort.panel, transform.analytes_of(name))
        limits.append(_limit(name, logged, _analytical(cohort, values, days), _total(cohort, values, visits), spreads))
    changes = tuple(_change(cohort, features, limit, j, *pair) for pair in later for j, limit in zip(columns, limits, strict=True))
    compared = sum(change.finding in ("rise", "fall", "within") for change in changes)
    notes = tuple(_notes(cohort, tuple(limits), spreads, compared, int((~usable).sum())))
    return Monitoring(spreads.level, len({cohort.subjects[row] for _, row in later}), len(later), tuple(limits), changes, notes)


def _checked_days(cohort: Cohort) -> Floats:
    where, problems = cohort.source or "cohort", []
    if not cohort.subjects_stated:
        fix = "Name the column: --subject COLUMN."
        problems.append(Problem("SUBJECT_MISSING", where, "no column says whose specimens these are", fix))
    if WHEN not in cohort.specimens:
        fix = "Add a column collection_date, or name it in the plan: date = COLUMN."
        raise InputRefused([*problems, Problem("DATE_MISSING", where, "no column says when they were collected", fix)])
    days, cells = days_of(cohort), cohort.specimens[WHEN].astype(str)
    fix = "Write it as YYYY-MM-DD."
    problems += [
        Problem("DATE_UNREADABLE", f"{where}, specimen {name}", repr(cell), fix)
        for name, cell, day in zip(cohort.ids, cells, days, strict=True)
        if not np.isfinite(day)
    ]
    if cells.str.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}").all():
        ways = [pd.to_datetime(cells, format=how, errors="coerce") for how in ("%d/%m/%Y", "%m/%d/%Y")]
        if all(way.notna().all() for way in ways) and not ways[0].equals(ways[1]):
            problems.append(Problem("DATE_AMBIGUOUS", where, f"{cells.iloc[0]!r} may start with the day or the month", fix))
    if problems:
        raise InputRefused(problems)
    return days


def _visits(cohort: Cohort, days: Floats) -> dict[int, list[int]]:
    """Return each subject's specimens in order of date, the first of a date only; subjects of one date are left out."""
    found: dict[int, dict[float, int]] = {}
    for row in np.argsort(days, kind="stable"):
        found.setdefault(int(cohort.subjects[row]), {}).setdefault(float(days[row]), int(row))
    return {subject: list(dates.values()) for subject, dates in found.items() if len(dates) > 1}


def _limit(name: str, logged: bool, repeats: _Spread, over_dates: _Spread, spreads: Spreads) -> ChangeLimit:
    """Return the limits of one feature from the spread of duplicates and that of a subject's specimens over dates."""
    unit = log(2) if logged else None
    (analytical, basis_a), (total, basis) = repeats, over_dates
    if spreads.cv_analytical is not None and unit is not None:
        analytical, basis_a = log_sd(spreads.cv_analytical) / unit, "analytical CV as given"
    if spreads.cv_within is not None and unit is not None:
        within: float | None = log_sd(spreads.cv_within) / unit
        basis = "CV within subjects as given"
    else:
        within = None if total is None else sqrt(max(total**2 - (analytical or 0.0) ** 2, 0.0))
    known = within is not None and (analytical is not None or spreads.cv_within is None)
    change = reference_change_value(analytical or 0.0, within, spreads.level) if known and within is not None else None
    limit = None if change is None else change.log_difference
    return ChangeLimit(
        analyte=name,
        scale="log2" if logged else "own",
        sd_analytical=analytical,
        sd_within=within,
        cv_analytical=None if analytical is None or unit is None else cv_of_log_sd(analytical * unit),
        cv_within=None if within is None or unit is None else cv_of_log_sd(within * unit),
        limit=limit,
        fall=None if limit is None or unit is None else expm1(-limit * unit),
        rise=None if limit is None or unit is None else expm1(limit * unit),
        basis="; ".join(filter(None, (basis_a, basis))),
    )


def _is_logged(panel: Panel, analytes: tuple[str, ...]) -> bool:
    scales = {a.name: a.scale for a in panel.analytes}
    return all(scales[name] is not Scale.NORMALISED for name in analytes)


def _analytical(cohort: Cohort, values: Floats, days: Floats) -> _Spread:
    """Return the SD of specimens of one subject and date, and from how many."""
    same = np.unique(np.column_stack([cohort.subjects, days]), axis=0, return_inverse=True)[1].reshape(-1)
    found = within_sd(values, same)
    return found.value, "" if found.value is None else f"analytical SD of {found.n} duplicates"


def _total(cohort: Cohort, values: Floats, visits: dict[int, list[int]]) -> _Spread:
    """Return the SD of a subject's single specimens over dates, and from whom."""
    rows = np.array([row for of in visits.values() for row in of], np.intp)
    if not len(rows):
        return None, ""
    if cohort.reference_standard is not None:
        controls = rows[cohort.y[rows] == 0]
        found = within_sd(values[controls], cohort.subjects[controls]) if len(controls) else Estimate("within_sd", None, None, None)
        if found.value is not None and _degrees(values, cohort.subjects, controls) >= ENOUGH:
            return found.value, f"SD within subjects of {found.n} specimens of controls"
    found = within_sd(values[rows], cohort.subjects[rows])
    return found.value, "" if found.value is None else f"SD within subjects of {found.n} repeated specimens"


def _degrees(values: Floats, subjects: NDArray[np.intp], rows: NDArray[np.intp]) -> int:
    known = rows[np.isfinite(values[rows])]
    return len(known) - len(np.unique(subjects[known]))


def _measured(cohort: Cohort, transform: FrozenTransform, feature: str) -> NDArray[np.bool_]:
    """Say where a feature rests on measured numbers alone: what stands in for a gap is no measurement, and its change no change."""
    states = [cohort.measurements.column(name)[1] for name in transform.analytes_of(feature)]
    measured: NDArray[np.bool_] = np.logical_and.reduce([is_measured(found) for found in states])
    return measured


def _change(cohort: Cohort, features: Features, limit: ChangeLimit, column: int, first: int, row: int) -> Change:
    difference = float(features.values[row, column] - features.values[first, column])
    known = np.isfinite(difference)
    if not known:
        finding = "no value"
    elif limit.limit is None:
        finding = "no limit"
    else:
        finding = "within" if abs(difference) <= limit.limit else "rise" if difference > 0 else "fall"
    dates = cohort.specimens[WHEN].astype(str)
    return Change(
        subject=str(cohort.specimens["subject"].iloc[row]),
        first=cohort.ids[first],
        first_date=dates.iloc[first],
        specimen=cohort.ids[row],
        date=dates.iloc[row],
        analyte=limit.analyte,
        difference=difference if known else None,
        change=expm1(difference * log(2)) if known and limit.scale == "log2" else None,
        finding=finding,
    )


def _notes(cohort: Cohort, limits: tuple[ChangeLimit, ...], spreads: Spreads, compared: int, blocked: int) -> Iterator[str]:
    share = 1 - spreads.level
    yield (
        f"Each of {compared} comparisons has limits of its own: about {share * compared:.0f} of them ({100 * share:g} %) "
        "lie beyond by chance where nothing has changed."
    )
    if any("repeated specimens" in limit.basis for limit in limits):
        yield (
            "The spread within subjects comes from the very specimens that are compared: where they truly changed it is too wide, "
            "and changes are missed. Give steady controls (--label, --positive) or a CV of the literature (--cv-within)."
        )
    if blocked:
        yield f"{blocked} of {len(cohort)} specimens were refused by quality control: they have no value."
    if any(limit.scale == "own" for limit in limits) and (spreads.cv_analytical is not None or spreads.cv_within is not None):
        yield "A CV says nothing of analytes that were normalised before they came here: their limits come from the specimens."
    if any(limit.limit is None for limit in limits):
        none = ", ".join(limit.analyte for limit in limits if limit.limit is None)
        yield f"No limit for {none}: nothing tells the spread. Give duplicates (same subject and date), or --cv-analytical."

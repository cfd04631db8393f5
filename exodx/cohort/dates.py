"""Dates of specimens, and the splits that learn from the earlier and hold out the later."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exodx.cohort.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.cohort.splits import ONLY_LEARNED
from exodx.errors import InputRefused, Problem

Floats = NDArray[np.float64]
Folds = NDArray[np.intp]

DATE_FORMATS = ("ISO8601", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
LATER_SHARE, FEWEST, BLOCKS = 0.3, 2, 4
SHOWN = 3


def days_of_dates(cohort: Cohort) -> Floats:
    """Return the date of each specimen in days since 1970, NaN where none is stated, shape (n,).

    Raises
    ------
    InputRefused
        ``DATE_MISSING``, ``DATE_MIXED`` or ``DATE_AMBIGUOUS``: a guessed date would put specimens on the wrong side of a cut.

    Examples
    --------
    >>> from exodx.cohort import SimulatedStudy, frame_cohort, simulate, Intake
    >>> from exodx.panel import load_panel
    >>> frame = simulate(load_panel("athero-3"), SimulatedStudy(n=8))
    >>> frame["collection_date"] = ["2024-01-02", "2024-01-03"] * 4
    >>> days_of_dates(frame_cohort(frame, Intake("athero-3")))[:2].tolist()
    [19724.0, 19725.0]
    """
    if "date" not in cohort.specimens or not (stated := _stated(cohort)).any():
        fix = "Name the column of dates (--date COLUMN), or take the temporal design out of the plan."
        raise InputRefused(Problem("DATE_MISSING", cohort.source or "cohort", "no specimen has a date", fix))
    cells = cohort.specimens["date"].astype(str)[stated]
    read = {how: _read(cells, how) for how in DATE_FORMATS}
    whole = {how: days for how, days in read.items() if np.isfinite(days).all()}
    where = f"{cohort.source or 'cohort'}, dates"
    if not whole:
        best = max(read.values(), key=lambda days: int(np.isfinite(days).sum()))
        unread = cells[~np.isfinite(best)].unique()
        shown = ", ".join(map(repr, unread[:SHOWN])) + (" …" if len(unread) > SHOWN else "")
        found = f"no one way of writing reads every date; {int(np.isfinite(best).sum())} of {len(cells)} are read, not {shown}"
        raise InputRefused(Problem("DATE_MIXED", where, found, "Write all of them as YYYY-MM-DD."))
    days = next(iter(whole.values()))
    if any(not np.array_equal(days, other) for other in whole.values()):
        found = f"{cells.iloc[0]!r} can be day/month or month/day, and so can all others"
        raise InputRefused(Problem("DATE_AMBIGUOUS", where, found, "Write them as YYYY-MM-DD."))
    known = np.full(len(cohort), np.nan)
    known[stated] = days
    return known


def temporal_folds(cohort: Cohort) -> tuple[Folds, str]:
    """Return folds that hold out the later subjects, and the first date held out.

    Row 0 is the cut: of all dates at which both classes lie on both sides, the one that holds out most nearly 30 % of the
    subjects, by the first date of each. Rows after it are forward-chaining blocks: subjects in the order of their dates are cut
    into four, and each block after the first is held out from what came before.

    What is learned from is strictly earlier than all that is held out: a specimen that an earlier subject gave later takes no
    part, and neither does one without a date.

    Returns
    -------
    folds : ndarray of int, shape (1 + blocks, n)
        0 held out, :data:`~exodx.cohort.splits.ONLY_LEARNED` learned from, −1 takes no part.
    first : str
        Date (YYYY-MM-DD) from which on subjects are held out.

    Raises
    ------
    InputRefused
        As for :func:`days_of_dates`; ``DATES_ONE_CLASS`` where no date has both classes on both sides.
    """
    days = days_of_dates(cohort)
    first = _first_days(cohort, days)
    starts = np.unique(first[np.isfinite(first)])
    subject_days = np.sort(_a_subject(cohort, first))
    cuts = [cut for cut in starts[1:] if _usable(cohort, _cut(days, first, cut, np.inf))]
    if not cuts:
        found = f"{len(starts)} dates, and at none both classes have {FEWEST} subjects before it and from it on"
        fix = "Classes collected one after the other cannot be told from time: take the temporal design out, and say so."
        raise InputRefused(Problem("DATES_ONE_CLASS", f"{cohort.source or 'cohort'}, dates", found, fix))
    cut = min(cuts, key=lambda c: abs(float((subject_days >= c).mean()) - LATER_SHARE))
    edges = np.unique(np.quantile(subject_days, np.arange(1, BLOCKS) / BLOCKS, method="higher"))
    blocks = [_cut(days, first, start, stop) for start, stop in zip(edges, [*edges[1:], np.inf], strict=True)]
    rows = [_cut(days, first, cut, np.inf), *(block for block in blocks if _usable(cohort, block))]
    return np.stack(rows), str(pd.Timestamp(cut, unit="D").date())


def _stated(cohort: Cohort) -> NDArray[np.bool_]:
    return np.asarray(cohort.specimens["date"].astype(str) != UNKNOWN)


def _read(cells: pd.Series[str], how: str) -> Floats:
    dates = pd.to_datetime(cells, format=how, errors="coerce", utc=True)
    days: Floats = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(np.float64) / 86_400
    return days


def _first_days(cohort: Cohort, days: Floats) -> Floats:
    """Return, for each specimen, the first date of its subject; NaN where one of the subject's dates is not stated."""
    subjects = cohort.subjects
    first = np.full(subjects.max() + 1, np.inf)
    np.minimum.at(first, subjects, np.where(np.isnan(days), -np.inf, days))
    first[np.isinf(first)] = np.nan  # a subject of unknown date may have been seen before
    return first[subjects]


def _a_subject(cohort: Cohort, first: Floats) -> Floats:
    values = first[np.unique(cohort.subjects, return_index=True)[1]]
    return values[np.isfinite(values)]


def _cut(days: Floats, first: Floats, start: float, stop: float) -> Folds:
    folds = np.full(len(days), -1, np.intp)
    folds[(first < start) & (days < start)] = ONLY_LEARNED
    folds[(first >= start) & (first < stop) & (days < stop)] = 0
    return folds


def _usable(cohort: Cohort, folds: Folds) -> bool:
    """Say whether both classes have enough subjects on both sides."""
    return all(
        len(np.unique(cohort.subjects[(folds == side) & (cohort.y == label)])) >= FEWEST
        for side in (ONLY_LEARNED, 0)
        for label in (0, 1)
    )

"""What a model asks of its input, and on what terms it is given: the one place of the rule, for training, evaluation and scoring.

Which analytes, in which unit, read how; of which fluid, fraction, platform and isolation; with numbers where those of training lay.
What differs is refused with what was found, what the model is valid for and what to do. Some differences the user may allow, with a
reason: those specimens are scored with status WARN, and the reason stands beside them. A stated unit or scale that is another
cannot be allowed, and nothing is ever converted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from exodx.errors import Problem
from exodx.frozen.cells import EITHER, GROUPED, State, read_counts
from exodx.frozen.conditions import NOTHING_SAID, Conditions
from exodx.frozen.measurements import Measurements, Reason
from exodx.frozen.ranges import far_rows, suspects
from exodx.frozen.replicates import read_replicates
from exodx.frozen.statements import Breach, Stated, breaches, read_statements, releases_of, texts_of, unit_problems
from exodx.panel import Analyte, ColumnMatch, Panel, Scale, match_columns
from exodx.tables.table import TextTable

MEND_CELL = "Write a number, 'Undetermined', '<LOD', or leave it blank (not run)."
NEGATIVE_SHARE = 0.25
"""So many of an analyte's Ct below zero: they are differences, not misprints."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A table as the contract takes it.

    Parameters
    ----------
    measurements : Measurements
        In the panel's order; an analyte that is missing, and allowed to be, is not run.
    unreadable : dict of (row, header) to str
        What is wrong with each cell that has no meaning.
    problems : tuple of Problem
        Why the table is refused; of cells that cannot be read nothing is said here.
    notes : tuple of str
        How columns were matched, what the table does not say, what was allowed.
    allowed : dict of int to str
        For each row that something was allowed for: what, and why.
    headers : dict of str to list of str
        Analyte → the columns that are it.
    """

    measurements: Measurements
    unreadable: dict[tuple[int, str], str]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    allowed: dict[int, str]
    headers: dict[str, list[str]]

    @property
    def columns(self) -> set[str]:
        """The columns that are analytes."""
        return _flat(self.headers)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of some rows of a table, whoever else is in it.

    Parameters
    ----------
    measurements : Measurements
        In the panel's order.
    unreadable : dict of (row, header) to str
        What is wrong with each cell that has no meaning.
    stated : dict of str to Stated
        What the rows say of their specimens.
    differ : list of Breach
        Statements that are not the panel's.
    problems : list of Problem
        Why they are refused: statements that contradict one another, and units.
    """

    measurements: Measurements
    unreadable: dict[tuple[int, str], str]
    stated: dict[str, Stated]
    differ: list[Breach]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class InputContract:
    """The analytes a panel needs, and how a text table becomes its measurements.

    Parameters
    ----------
    panel : Panel
    reference : mapping
        What the model keeps of its training cohort; empty while there is no model yet.
    """

    panel: Panel
    reference: Mapping[str, Any] = field(default_factory=dict)

    def match(self, headers: Sequence[str], where: str = "table", release: str | None = None) -> ColumnMatch:
        """Return which columns are the panel's analytes; see :func:`~exodx.panel.match_columns`."""
        return match_columns(self.panel, headers, where, release)

    def missing(self, headers: Sequence[str], where: str) -> list[Problem]:
        """Return a problem for every analyte without a column, or with several."""
        match = self.match(headers, where)
        return [*self._twice(match, where), *self._absent(match, where, NOTHING_SAID)[1]]

    def admit(
        self,
        table: TextTable,
        conditions: Conditions = NOTHING_SAID,
        without: Collection[str] = (),
        units: Mapping[str, Collection[str]] | None = None,
    ) -> Admission:
        """Read a wide table on the contract's terms; everything that is wrong with it is found, and nothing raised.

        Parameters
        ----------
        table : TextTable
        conditions : Conditions
            What the user says of the specimens, and allows.
        without : collection of str
            Columns that say nothing about how specimens were taken or measured: the label.
        units : mapping of header to units, optional
            As the rows of a long table stated.
        """
        taken = {*without, *_flat(self.panel.columns(table.header))}
        stated, problems = read_statements(table, conditions, taken)
        releases = releases_of(stated)
        if len(releases) > 1:
            found = f"names of several miRBase releases: {', '.join(releases)}"
            problems.append(Problem("RELEASE_VARIES", table.source, found, "Give one table a release."))
        match = self.match(table.header, table.source, releases[0] if len(releases) == 1 else None)
        rows = self._rows(table, match, stated, units or {})
        missing, absent = self._absent(match, table.source, conditions)
        differ, unreadable = [*rows.differ], rows.unreadable
        differ += suspects(self.panel, self.reference, readable(rows.measurements, unreadable, match), table.source)
        if "SCALE_SUSPECT" not in conditions.allow:
            negative, unreadable = self._negative(match, table, unreadable)
            differ += negative
        problems += [*self._twice(match, table.source), *absent, *rows.problems]
        problems += [p for b in differ if b.code not in conditions.allow for p in b.problems]
        measurements, allowed = self.allow(rows.measurements, differ, missing, conditions)
        return Admission(
            measurements,
            unreadable,
            tuple(problems),
            self.notes(match, stated, [(b, int(b.rows.sum())) for b in allowed], table, conditions),
            reasons_of_allowed(allowed, conditions.because),
            match.columns,
        )

    def admit_rows(self, table: TextTable, match: ColumnMatch, conditions: Conditions) -> Rows:
        """Read some rows of a wide table whose columns are matched already; nothing is asked of all rows together.

        What needs all rows (medians, a release that varies, what is said of the whole table) is left to whoever sees them all.
        """
        stated, problems = read_statements(table, conditions, _flat(self.panel.columns(table.header)))
        rows = self._rows(table, match, stated, {})
        return replace(rows, problems=[*problems, *rows.problems])

    def _rows(self, table: TextTable, match: ColumnMatch, stated: dict[str, Stated], units: Mapping[str, Collection[str]]) -> Rows:
        measurements, unreadable = self.read(table.columns, table.decimal, match)
        measurements = measurements.flagged(Reason.OUT_OF_RANGE, far_rows(self.panel, self.reference, measurements))
        problems = unit_problems(self.panel, match.columns, stated, units, table)
        return Rows(measurements, unreadable, stated, breaches(self.panel, stated, table)[0], problems)

    def allow(
        self, measurements: Measurements, differ: Sequence[Breach], missing: Sequence[Analyte], conditions: Conditions
    ) -> tuple[Measurements, list[Breach]]:
        """Flag what is allowed; return the measurements and every difference that is."""
        allowed, everyone = [b for b in differ if b.code in conditions.allow], np.ones(len(measurements), bool)
        for breach in allowed:
            measurements = measurements.flagged(Reason.CONTRACT_ALLOWED, breach.rows)
        if missing and "ANALYTE_MISSING" in conditions.allow:
            allowed.append(Breach("ANALYTE_MISSING", self.cost(missing), everyone, ()))
            measurements = measurements.flagged(Reason.ANALYTE_NOT_GIVEN, everyone)
        return measurements, allowed

    def notes(
        self,
        match: ColumnMatch,
        stated: Mapping[str, Stated],
        allowed: Sequence[tuple[Breach, int]],
        table: TextTable,
        conditions: Conditions,
    ) -> tuple[str, ...]:
        """Return what is told of a whole table: how columns were matched, what is not stated, what was allowed for how many."""
        said = breaches(self.panel, stated, table)[1]
        return (*match.notes, *said, *texts_of(allowed, conditions.because), *_idle(conditions, [b for b, _ in allowed]))

    def missing_targets(self, match: ColumnMatch, where: str, conditions: Conditions) -> tuple[list[Analyte], list[Problem]]:
        """Return the targets that are not given and may be missing, and why columns are refused: missing, doubtful or twice."""
        missing, absent = self._absent(match, where, conditions)
        return missing, [*self._twice(match, where), *absent]

    def _absent(self, match: ColumnMatch, where: str, conditions: Conditions) -> tuple[list[Analyte], list[Problem]]:
        """Return the targets without a column, and a problem for everything that is missing and may not be."""
        missing = [a for a in self.panel.analytes if a.name not in match.columns]
        targets = [a for a in missing if a.role == "target"]
        may_miss = bool(self.reference) and len(targets) < len(self.panel.with_role("target"))
        allowed = may_miss and "ANALYTE_MISSING" in conditions.allow
        problems = [p for p in match.problems if not (allowed and p.code.startswith("NAME_"))]
        listed = [a for a in targets if a.name not in match.doubted]
        for analyte in missing:
            if (allowed and analyte.role == "target") or analyte.name in match.doubted:
                continue
            others = ", ".join((analyte.name, *analyte.aliases, *filter(None, [analyte.accession])))
            fix = f"Add a column with one of the names: {others}; leave cells blank where it was not run."
            if not self.reference and analyte is missing[-1]:
                fix += " To do without: exodx panel show NAME > panel.toml, take it out there, and --panel panel.toml."
            if analyte.name in match.near:
                fix = f"Is column {match.near[analyte.name]!r} meant? Then correct its name. If not: {fix[0].lower()}{fix[1:]}"
            if may_miss and analyte.role == "target":
                fix += f' Or score without it: --allow ANALYTE_MISSING --because "…" ({self.cost([analyte])}).'
                fix += f" In all, {self.cost(targets)}." if len(targets) > 1 and analyte is listed[-1] else ""
            problems.append(Problem("ANALYTE_MISSING", where, f"no column for analyte {analyte.name!r}", fix))
        return (targets if allowed else []), problems

    def cost(self, missing: Sequence[Analyte]) -> str:
        """Say what it cost at training to lose these targets: out of inner folds, in AUC and in calls."""
        names = ", ".join(a.name for a in missing[:5]) + (f" … ({len(missing)} in all)" if len(missing) > 5 else "")
        said = f"{names} {'was' if len(missing) == 1 else 'were'} not given"
        single, whole = self.reference.get("missing_cost", {}), self.reference.get("missing_kind_cost", {})
        gone = {a.name for a in missing}
        if not gone <= set(single):
            return f"{said}: the model does not say what that costs"
        blocks = {kind: {a.name for a in self.panel.with_role("target") if a.kind == kind} for kind in whole}
        kind = next((kind for kind, block in blocks.items() if block == gone), None)
        if len(missing) == 1:
            (name,) = gone
            return f"{said}: at training this cost {self._lost(single[name], self.reference['missing_calls'][name])}"
        if kind is not None:
            lost = self._lost(whole[kind], self.reference["missing_kind_calls"][kind])
            return f"{said} (every target of kind {kind}): at training this cost {lost}"
        least = max([single[name] for name in gone] + [whole[k] for k, block in blocks.items() if block <= gone])
        return f"{said}: at training this cost jointly at least {max(least, 0.0):.2f} AUC, of {self.reference['auc']:.2f}"

    def _lost(self, cost: float, calls: Sequence[float]) -> str:
        """What was gained by chance is no gain."""
        usual, (sensitivity, specificity) = self.reference["calls"], calls
        return (
            f"{max(cost, 0.0):.2f} AUC, of {self.reference['auc']:.2f}; the calls then had sensitivity {sensitivity:.2f} "
            f"(with all given {usual[0]:.2f}) and specificity {specificity:.2f} ({usual[1]:.2f})"
        )

    def _negative(
        self, match: ColumnMatch, table: TextTable, unreadable: dict[tuple[int, str], str]
    ) -> tuple[list[Breach], dict[tuple[int, str], str]]:
        """Ct columns with many negative numbers are differences of Ct: one problem instead of one a cell."""
        found, gone = [], set()
        for analyte in self.panel.analytes:
            headers = match.columns.get(analyte.name, [])
            if analyte.scale is not Scale.CT or not headers:
                continue
            rows = [
                row
                for row, text in enumerate(table.columns[headers[0]])
                if text.startswith("-") and (row, headers[0]) in unreadable
            ]
            if rows and len(rows) >= NEGATIVE_SHARE * sum(map(bool, table.columns[headers[0]])):
                gone |= {(row, headers[0]) for row in rows}
                text = f"{len(rows)} negative values: these look like differences of Ct"
                problem = Problem("SCALE_SUSPECT", f"{table.source}, column {headers[0]!r}", text, "Give raw Ct, as in training.")
                found.append(Breach("SCALE_SUSPECT", text, np.isin(np.arange(len(table)), rows), (problem,)))
        return found, {place: why for place, why in unreadable.items() if place not in gone}

    def _twice(self, match: ColumnMatch, where: str) -> list[Problem]:
        problems = []
        for name, found in match.columns.items():
            if len(found) > 1:
                both = " and ".join(repr(h) for h in found)
                problems.append(Problem("ANALYTE_TWICE", where, f"{both} both mean {name!r}", "Keep one of them."))
        return problems

    def read(
        self, columns: Mapping[str, Sequence[str]], decimal: str, match: ColumnMatch | None = None
    ) -> tuple[Measurements, dict[tuple[int, str], str]]:
        """Read text columns into measurements in the panel's order.

        Parameters
        ----------
        columns : mapping of header to cells
            A cell may hold the replicate wells of a Ct.
        decimal : str
            Decimal sign of the table.
        match : ColumnMatch, optional
            Which column is which analyte, if that is known already. An analyte without a column is not run.

        Returns
        -------
        measurements : Measurements
            Flagged ``REPLICATES_DISAGREE`` where the wells of an analyte do.
        unreadable : dict of (row, header) to str
            What is wrong with each cell that has no meaning.
        """
        headers = {name: found[0] for name, found in (match or self.match(list(columns))).columns.items()}
        if all(a.scale is Scale.COUNTS and a.name in headers for a in self.panel.analytes) and (
            counts := read_counts([columns[headers[name]] for name in self.panel.names])
        ):
            return Measurements(self.panel.names, *counts), {}
        n = len(next(iter(columns.values()), ()))
        unreadable: dict[tuple[int, str], str] = {}
        values, states = np.empty((len(self.panel.analytes), n)).T, np.empty((len(self.panel.analytes), n), np.uint8).T
        flagged = np.zeros(n, bool)
        for j, analyte in enumerate(self.panel.analytes):
            header = headers.get(analyte.name)
            if header is None:
                values[:, j], states[:, j] = np.nan, State.NOT_RUN
                continue
            cells, disagree = read_replicates(columns[header], analyte.scale, analyte.lod, decimal)
            values[:, j], states[:, j] = cells.values, cells.states
            flagged |= disagree
            unreadable |= {(row, header): why for row, why in cells.unreadable.items()}
        return Measurements(self.panel.names, values, states).flagged(Reason.REPLICATES_DISAGREE, flagged), unreadable


def readable(m: Measurements, unreadable: Collection[tuple[int, str]], match: ColumnMatch) -> Measurements:
    """Return the measurements without the cells that have no meaning."""
    if not unreadable:
        return m
    place = {headers[0]: m.names.index(name) for name, headers in match.columns.items()}
    states = m.states.copy()
    for row, header in unreadable:
        states[row, place[header]] = State.NOT_RUN
    return Measurements(m.names, m.values, states, m.flags)


def _flat(columns: Mapping[str, Sequence[str]]) -> set[str]:
    return {header for found in columns.values() for header in found}


def reasons_of_allowed(allowed: Sequence[Breach], because: str) -> dict[int, str]:
    """Return for each row that something was allowed for: what, and why."""
    rows: dict[int, list[str]] = {}
    for breach in allowed:
        for row in np.flatnonzero(breach.rows):
            rows.setdefault(int(row), []).append(f"{breach.code}: {breach.found}")
    return {row: f"{'; '.join(texts)}; allowed because: {because}" for row, texts in rows.items()}


def _idle(conditions: Conditions, allowed: Sequence[Breach]) -> list[str]:
    idle = [code for code in dict.fromkeys(conditions.allow) if code not in {b.code for b in allowed}]
    return [f"nothing to allow: {', '.join(idle)}"] if idle else []


def mended(why: str, fix: str) -> str:
    """Return what to do about a cell: of one whose digits are grouped, to write the digits alone."""
    return fix.replace("Write a number", "Write the number without separators (1234.5)") if why in (GROUPED, EITHER) else fix


def unread_cells(unreadable: Mapping[tuple[int, str], str], table: TextTable, fix: str = MEND_CELL) -> list[Problem]:
    """Return the problem of every cell that has no meaning."""
    return [
        Problem("CELL_UNREADABLE", table.where(row, header), f"{table.columns[header][row]!r}: {why}", mended(why, fix))
        for (row, header), why in unreadable.items()
    ]

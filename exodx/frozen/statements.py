"""What a table says about its specimens (fluid, fraction, platform, isolation, release, unit), held against what a panel says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from exodx.errors import Problem
from exodx.frozen.cells import is_blank
from exodx.frozen.conditions import Conditions
from exodx.frozen.vocabulary import (
    ISOLATIONS,
    KINDS_OF,
    PLATFORMS,
    UNSAID,
    read_fraction,
    read_methods,
    read_specimen_type,
)
from exodx.panel import Analyte, Panel, Scale, read_unit, unit_problem
from exodx.panel.analyte import Fraction
from exodx.panel.panel import SpecimenType
from exodx.tables.names import find_column
from exodx.tables.table import TextTable

Rows = NDArray[np.bool_]

COLUMNS = MappingProxyType(
    {
        "specimen_type": ("specimen_type", "fluid", "biofluid", "matrix"),
        "fraction": ("fraction", "ev_fraction"),
        "platform": ("platform", "platform_id"),
        "isolation": ("isolation", "isolation_method", "ev_isolation"),
        "mirbase_release": ("mirbase_release", "mirbase_version", "mirbase"),
        "unit": ("unit", "units"),
    }
)
"""What a table may say about its specimens, and how the column is called."""

CODES = MappingProxyType(
    {
        "specimen_type": "FLUID_MISMATCH",
        "fraction": "FRACTION_MISMATCH",
        "platform": "PLATFORM_MISMATCH",
        "isolation": "ISOLATION_MISMATCH",
        "mirbase_release": "RELEASE_MISMATCH",
    }
)

ARBITRARY = frozenset({"intensity", "MFI"})
"""Units of signals that a reader cannot tell apart."""


class Breach(NamedTuple):
    """One way in which specimens are not what a panel or model is valid for.

    Parameters
    ----------
    code : str
    found : str
        In a clause, for the reasons of a specimen for which it is allowed.
    rows : ndarray of bool, shape (n,)
        The specimens concerned.
    problems : tuple of Problem
        What is told where it is not allowed.
    """

    code: str
    found: str
    rows: Rows
    problems: tuple[Problem, ...]


class Stated(NamedTuple):
    """What is stated of each specimen under one key: texts, blank where nothing is; and where it stands."""

    texts: tuple[str, ...]
    column: str | None

    @property
    def values(self) -> tuple[str, ...]:
        """The different texts, blanks left out."""
        return tuple(sorted(set(filter(None, self.texts))))


def statement_columns(table: TextTable, without: Collection[str] = ()) -> dict[str, str]:
    """Return the columns in which a table speaks of its specimens, by what they say."""
    found = {key: find_column(table, names) for key, names in COLUMNS.items()}
    return {key: column for key, column in found.items() if column is not None and column not in without}


def read_statements(table: TextTable, conditions: Conditions, without: Collection[str]) -> tuple[dict[str, Stated], list[Problem]]:
    """Return what is stated: by the table's columns; by the user or the instrument's export where those are blank.

    Parameters
    ----------
    table : TextTable
        Wide.
    conditions : Conditions
    without : collection of str
        Columns that hold something else: analytes, the label.
    """
    columns = statement_columns(table, without)
    said = {
        "specimen_type": conditions.specimen_type,
        "platform": conditions.platform or table.platform or None,
        "isolation": conditions.isolation,
        "mirbase_release": conditions.release,
    }
    stated, problems = {}, []
    for key in COLUMNS:
        default = said.get(key) or ""
        column = columns.get(key)
        if column is None:
            if default:
                stated[key] = Stated((default,) * len(table), None)
            continue
        cells = table.columns[column]
        said_by = {cell: default if is_blank(cell) or cell.casefold() in UNSAID else cell for cell in set(cells)}
        texts = tuple(map(said_by.__getitem__, cells))
        option = getattr(conditions, "release" if key == "mirbase_release" else key, None)
        if option:
            others = sorted({text for text in set(texts) if not _same(key, text, option)})
            problems += [_contradiction(table, key, column, text, option) for text in others]
        if any(texts):
            stated[key] = Stated(texts, column)
    return stated, problems


def _contradiction(table: TextTable, key: str, column: str, text: str, option: str) -> Problem:
    name = "release" if key == "mirbase_release" else key.replace("_", "-")
    found = f"the table says {text!r} and --{name} says {option!r}"
    return Problem("STATED_TWICE", f"{table.source}, column {column!r}", found, "Correct whichever is wrong.")


def _same(key: str, one: str, other: str) -> bool:
    return _meaning(key, one) == _meaning(key, other)


def _meaning(key: str, text: str) -> object:
    if key == "specimen_type":
        return read_specimen_type(text)
    if key == "fraction":
        return read_fraction(text)
    if key in ("platform", "isolation"):
        return read_methods(text, PLATFORMS if key == "platform" else ISOLATIONS)
    return text.strip().casefold().removeprefix("v").removesuffix(".0")


def breaches(panel: Panel, stated: Mapping[str, Stated], table: TextTable) -> tuple[list[Breach], list[str]]:
    """Hold what is stated against what the panel is valid for.

    Returns
    -------
    breaches : list of Breach
        One for each different statement that does not fit.
    notes : list of str
        What could not be held against anything: not stated by the table, or not specified by the panel.
    """
    found, notes = [], []
    for key, (valid, fits) in _valid(panel).items():
        statement = stated.get(key)
        words = key.replace("_", " ")
        if not valid:
            if statement and key != "mirbase_release":
                notes.append(f"{words}: the table says {', '.join(statement.values)}; the panel does not specify it")
            continue
        if statement is None:
            notes += [f"{words}: the table does not say; valid for {valid} only"] if key == "specimen_type" else []
            continue
        for text in statement.values:
            if not fits(text):
                rows = np.array([t == text for t in statement.texts], bool)
                found.append(_breach(CODES[key], f"{words} {text!r}, valid for {valid}", rows, table, statement.column))
    return found, notes


def _valid(panel: Panel) -> dict[str, tuple[str, Callable[[str], bool]]]:
    """Return, for each key, what the panel is valid for in words (empty where it does not specify it), and a test of statements."""
    said = {key: "" if getattr(panel, key) == "unspecified" else str(getattr(panel, key)) for key in ("platform", "isolation")}
    fluid = "" if panel.specimen_type == "unspecified" else str(panel.specimen_type)
    fractions = sorted({a.fraction for a in panel.analytes if a.fraction is not None})
    counted = any(a.scale in (Scale.COUNTS, Scale.CPM) for a in panel.analytes)
    release = panel.mirbase_release if panel.mirbase_release is not None and counted else ""
    platforms, isolations = read_methods(said["platform"], PLATFORMS), read_methods(said["isolation"], ISOLATIONS)
    wide = {KINDS_OF.get(kind, kind) for kind in platforms}
    return {
        "specimen_type": (fluid, lambda text: _fluid_fits(text, fluid)),
        "fraction": (" and ".join(fractions), lambda text: read_fraction(text) in fractions),
        "platform": (
            said["platform"],
            lambda text: all(
                kind in platforms or KINDS_OF.get(kind) in platforms or kind in wide for kind in read_methods(text, PLATFORMS)
            ),
        ),
        "isolation": (said["isolation"], lambda text: read_methods(text, ISOLATIONS) == isolations),
        "mirbase_release": (f"miRBase {release}" if release else "", lambda text: _same("mirbase_release", text, release)),
    }


def _fluid_fits(text: str, valid: str) -> bool:
    found = read_specimen_type(text)
    return found == valid or (valid == "other" and found not in get_args(SpecimenType))


def _breach(code: str, found: str, rows: Rows, table: TextTable, column: str | None) -> Breach:
    fix = f'Score specimens the model is valid for; or, knowing that it may be wrong, --allow {code} --because "…".'
    source = f"{table.source}, column {column!r}" if column is not None else table.source
    if rows.all() or column is None:
        return Breach(code, found, rows, (Problem(code, source, found, fix),))
    return Breach(
        code, found, rows, tuple(Problem(code, table.where(int(row), column), found, fix) for row in np.flatnonzero(rows))
    )


def unit_problems(
    panel: Panel,
    columns: Mapping[str, Sequence[str]],
    stated: Mapping[str, Stated],
    units: Mapping[str, Collection[str]],
    table: TextTable,
) -> list[Problem]:
    """Return a problem for every analyte whose stated unit or scale is not the panel's; none of these can be allowed.

    What the rows of a long table say goes before what the reader knows of the whole table (``table.unit``).

    Parameters
    ----------
    columns : mapping of analyte to headers
    units : mapping of header to units
        As the rows of a long table say.
    """
    problems = []
    allowed = {a.unit for a in panel.analytes}
    if "unit" in stated:
        where = f"{table.source}, column {stated['unit'].column!r}"
        strangers = [text for text in stated["unit"].values if (read_unit(text) or text) not in allowed]
        problems += [p for text in strangers if (p := unit_problem(text, panel.analytes[0], where))]
    for analyte in panel.analytes:
        for header in columns.get(analyte.name, ()):
            where = f"{table.source}, analyte {header!r}"
            problems += [p for text in units.get(header, ()) if (p := unit_problem(text, analyte, where))]
            if header not in units and (not table.analytes or header in table.analytes):
                problems += _told_problems(table.unit, analyte, where)
    return problems


def _told_problems(told: str, analyte: Analyte, where: str) -> list[Problem]:
    """Return what is wrong with the unit that a platform's export or a plate's standards are known to have."""
    unit = read_unit(told)
    if unit is None or (unit in ARBITRARY and analyte.unit in ARBITRARY):
        return []
    if (unit == "Ct") is not (analyte.scale is Scale.CT):
        found = f"the table holds {told} values, and the panel has {analyte.name!r} in {analyte.unit}"
        return [Problem("SCALE_MISMATCH", where, found, "Give the scale that the panel was made for.")]
    problem = unit_problem(told, analyte, where)
    return [] if problem is None else [problem]


def long_units(table: TextTable, wide: TextTable) -> dict[str, set[str]]:
    """Return the units that the rows of a long table state for each analyte, by the header it got in the wide table."""
    unit = find_column(table, COLUMNS["unit"])
    if unit is None or not wide.analytes or wide.place != "specimen":
        return {}
    names = set(wide.analytes)
    holder = next((column for column, cells in table.columns.items() if names <= set(cells)), None)
    units: dict[str, set[str]] = {}
    for name, said in zip(table.columns[holder] if holder is not None else (), table.columns[unit], strict=False):
        if not is_blank(said):
            units.setdefault(name, set()).add(said)
    return units


def declare(panel: Panel, stated: Mapping[str, Stated]) -> tuple[Panel, list[str]]:
    """Write what a training cohort states of all its specimens into a panel that leaves it unspecified.

    Returns
    -------
    panel : Panel
    notes : list of str
        What was written, and what differs between specimens and was not.
    """
    notes, changes = [], {}
    for key in ("specimen_type", "platform", "isolation", "mirbase_release"):
        if getattr(panel, key) in ("unspecified", None) and key in stated:
            texts = {_canonical(key, text) for text in stated[key].texts}
            if len(texts) == 1 and "" not in texts:
                (changes[key],) = texts
            else:
                notes.append(f"{key}: differs between specimens ({', '.join(stated[key].values)}); the panel leaves it unspecified")
    if "fraction" in stated and all(a.fraction is None for a in panel.analytes):
        fractions = {read_fraction(text) for text in stated["fraction"].texts}
        if len(fractions) == 1 and fractions <= set(get_args(Fraction)):
            (fraction,) = fractions
            panel = replace(panel, analytes=tuple(replace(a, fraction=fraction) for a in panel.analytes))  # type: ignore[arg-type]
            notes.append(f"the model will be valid for: fraction {fraction}")
    if changes:
        notes.append(
            "the model will be valid for: " + ", ".join(f"{key.replace('_', ' ')} {text}" for key, text in changes.items())
        )
        panel = replace(panel, **changes)  # type: ignore[arg-type]
    return panel, notes


def _canonical(key: str, text: str) -> str:
    if key != "specimen_type" or not text:
        return text
    known = read_specimen_type(text)
    return known if known in get_args(SpecimenType) else "other"


def texts_of(allowed: Iterable[tuple[Breach, int]], because: str) -> list[str]:
    """Return what is noted where breaches are allowed, each for so many specimens."""
    return [f"allowed: {b.code} for {n} specimens ({b.found}), because: {because}" for b, n in allowed]


def releases_of(stated: Mapping[str, Stated]) -> tuple[str, ...]:
    """Return the miRBase releases that are stated."""
    return stated["mirbase_release"].values if "mirbase_release" in stated else ()

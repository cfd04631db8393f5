"""Which column is which analyte: by the panel's own spelling, then with a unit written behind the name, then by accession.

One function for training and prediction. A later way is tried only for the analytes that the earlier ones did not find: so a table
in the panel's own spelling costs no look-up, and an extra column never takes the place of one that is called like the analyte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

from exodx.errors import Problem
from exodx.panel import names as naming
from exodx.panel.analyte import Analyte, name_key
from exodx.panel.identity import JOINT, identify
from exodx.panel.names.spelling import protein_key, read_mirna, tidy
from exodx.panel.panel import Panel
from exodx.panel.units import read_unit, unit_factor

FRACTIONS = MappingProxyType(
    {
        "ev": "ev",
        "evs": "ev",
        "exosome": "ev",
        "exosomes": "ev",
        "exosomal": "ev",
        "extracellular vesicle": "ev",
        "extracellular vesicles": "ev",
        "vesicular": "ev",
        "soluble": "soluble",
        "free": "soluble",
        "ev-depleted": "soluble",
        "total": "total",
        "whole plasma": "total",
        "whole serum": "total",
    }
)
"""Words for a fraction → the panel's word."""

_BRACKETS = r"(?P<name>.*\S)\s*(?:\[(?P<square>[^\][]+)\]|\((?P<round>[^()]+)\))"
_BEHIND = r"(?P<name>.*\S)\s+(?P<unit>\S+/\S+)"
_DOUBTS = ("NAME_AMBIGUOUS", "NAME_HAIRPIN", "NAME_ISOMIR")
NEAR, MOST_NEAR = 0.75, 8
"""How alike a column must be spelt to be asked about, and for how many analytes without a column one is looked for."""

_ARM = r"(?i:[35][-_ ]?p(?![a-z0-9]))"
_ACCESSION = r"(?i:MIMAT)[0-9]{7}(?:_[0-9]+)?"


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """The columns of a table that are analytes.

    Parameters
    ----------
    columns : dict of str to list of str
        Analyte → headers; an analyte without one is not in it.
    notes : tuple of str
        Every match that is not by the panel's own spelling.
    problems : tuple of Problem
        Columns that may mean an analyte that no other column gives, and why they were not taken.
    doubted : frozenset of str
        Those analytes.
    near : dict of str to str
        Analyte without a column → a column that may be called so by a slip: for the user to look at, never taken.
    """

    columns: dict[str, list[str]]
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    doubted: frozenset[str] = frozenset()
    near: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Search:
    """What was found so far."""

    columns: dict[str, list[str]]
    notes: list[str] = field(default_factory=list)
    doubts: dict[str, list[Problem]] = field(default_factory=dict)

    def take(self, analyte: Analyte, header: str, note: str) -> None:
        self.columns.setdefault(analyte.name, []).append(header)
        self.notes.append(f"column {header!r} read as {analyte.name} ({note})")

    def doubt(self, analyte: Analyte, problem: Problem) -> None:
        self.doubts.setdefault(analyte.name, []).append(problem)


def match_columns(panel: Panel, headers: Iterable[str], where: str, release: str | None = None) -> ColumnMatch:
    """Match the columns of a table to the analytes of a panel.

    Parameters
    ----------
    panel : Panel
    headers : iterable of str
        Column names.
    where : str
        Names the table in problems.
    release : str, optional
        miRBase release that the column names come from; the panel's own unless given.

    Returns
    -------
    ColumnMatch
        A column that may mean an analyte, but is ambiguous, names a hairpin, or says another unit or fraction, is a problem only if
        no other column gives that analyte.
    """
    headers = list(headers)
    said = release if release is not None else panel.mirbase_release
    search = _Search(panel.columns(headers))
    problems = _misnamed(panel, search, release, where) if release is not None else []
    for step in (_spelt_with_unit, _looked_up):
        missing = [a for a in panel.analytes if a.name not in search.columns]
        if missing:
            taken = {header for found in search.columns.values() for header in found}
            step(search, missing, [h for h in headers if h not in taken], said, where)
    doubts = {name: found for name, found in search.doubts.items() if name not in search.columns}
    problems += dict.fromkeys(problem for found in doubts.values() for problem in found)
    taken = {header for found in search.columns.values() for header in found}
    lost = [a for a in panel.analytes if a.name not in search.columns and a.name not in doubts]
    near = _near(lost[:MOST_NEAR], [h for h in headers if h not in taken])
    return ColumnMatch(search.columns, tuple(search.notes), tuple(problems), frozenset(doubts), near)


def _near(lost: Sequence[Analyte], idle: Sequence[str]) -> dict[str, str]:
    """Return, for analytes without a column, the column that is spelt almost so.

    A molecule of its own is never offered: a column whose name is known, or has other numbers (``PD-L2`` for ``PD-L1``), or another
    letter behind the first (``miR-126a``). But a name without an arm is: ``miR-423`` was the -3p, and today is written of either.
    """
    if not lost:
        return {}
    tables = naming.read_tables()
    armless = {name_key(read_header(h)[0]): h for h in idle}
    found: dict[str, str] = {}
    for analyte in lost:
        if (stem := re.sub(rf"-{_ARM}$", "", name_key(analyte.name))) != name_key(analyte.name) and stem in armless:
            found[analyte.name] = armless[stem]
            continue
        alike = {h.strip().casefold(): h for h in idle if _numbered(h) == _numbered(analyte.name)}
        close = get_close_matches(analyte.name.casefold(), list(alike), n=1, cutoff=NEAR)
        if close and isinstance(naming.look_up(alike[close[0]], tables), naming.Refusal):
            found[analyte.name] = alike[close[0]]
    return found


def _numbered(name: str) -> tuple[list[str], str]:
    """Return the numbers in a name, and the letters behind the first."""
    behind = re.search(r"\d+([a-z]*)", name.casefold())
    return re.findall(r"\d+", name), behind[1] if behind else ""


def is_analyte_name(panel: Panel) -> Callable[[str], bool]:
    """Return a test of names, for telling a table's layout: an analyte of the panel, or written like a miRNA."""
    own = {name_key(alias) for a in panel.analytes for alias in (a.name, *a.aliases)}

    def is_analyte(name: str) -> bool:
        if name_key(name) in own or re.fullmatch(_ACCESSION, name):
            return True
        return read_mirna(name) is not None or name_key(read_header(name)[0]) in own

    return is_analyte


def read_header(header: str) -> tuple[str, str, str]:
    """Return the name in a header, and the unit and the fraction written with it; empty where there is none.

    >>> read_header("PD-L1 [pg/mL]"), read_header("soluble PD-L1"), read_header("CD63 (clone 3)")
    (('PD-L1', 'pg/mL', ''), ('PD-L1', '', 'soluble'), ('CD63 (clone 3)', '', ''))
    """
    name, unit, fraction = header.strip(), "", ""
    while match := re.fullmatch(_BRACKETS, name):
        said = match["square"] or match["round"]
        if not unit and (found := read_unit(said)):
            unit = found
        elif not fraction and (known := FRACTIONS.get(said.strip().casefold())):
            fraction = known
        else:
            break
        name = match["name"]
    if not unit and (behind := re.fullmatch(_BEHIND, name)) and (found := read_unit(behind["unit"])):
        name, unit = behind["name"], found
    first, _, rest = name.partition(" ")
    if not fraction and rest and (known := FRACTIONS.get(first.casefold())):
        name, fraction = rest.strip(), known
    return name, unit, fraction


def unit_problem(found: str, analyte: Analyte, where: str) -> Problem | None:
    """Return what is wrong with a unit that the data state for an analyte; nothing is ever converted."""
    unit = read_unit(found) or found
    if unit == analyte.unit:
        return None
    factor = unit_factor(unit, analyte.unit)
    text = f"{analyte.name!r} is given in {found}, and the panel has it in {analyte.unit}"
    fix = f"Give it in {analyte.unit}."
    if factor is not None:
        fix = (
            f"One {unit} is {factor:g} {analyte.unit}: convert the values yourself, and rename the unit. Nothing is converted here."
        )
    return Problem("UNIT_MISMATCH", where, text, fix)


def _fits(search: _Search, analyte: Analyte, header: str, said: tuple[str, str], where: str) -> bool:
    """Say whether unit and fraction in a header are the analyte's; what is not becomes a doubt."""
    unit, fraction = said
    at = f"{where}, column {header!r}"
    problem = unit_problem(unit, analyte, at) if unit else None
    if problem is None and fraction and analyte.fraction not in (None, fraction):
        found = f"{fraction} {analyte.name}, and the panel has the {analyte.fraction} fraction"
        problem = Problem(
            "FRACTION_MISMATCH", at, found, "They are different measurements: give the column of the panel's fraction."
        )
    if problem:
        search.doubt(analyte, problem)
    return problem is None


def _spelt_with_unit(
    search: _Search,
    missing: Sequence[Analyte],
    headers: Sequence[str],
    release: str | None,  # noqa: ARG001
    where: str,
) -> None:
    """Find columns called by the panel's own spelling with a unit or a fraction beside it."""
    keys = {name_key(alias): a for a in missing for alias in (a.name, *a.aliases)}
    for header in headers:
        if not (header.endswith(("]", ")")) or " " in header.strip()):
            continue
        name, unit, fraction = read_header(header)
        analyte = keys.get(name_key(name))
        if analyte and (unit or fraction) and _fits(search, analyte, header, (unit, fraction), where):
            search.take(analyte, header, ", ".join(filter(None, (f"in {unit}" if unit else "", fraction))))


def _looked_up(search: _Search, missing: Sequence[Analyte], headers: Sequence[str], release: str | None, where: str) -> None:
    """Find columns by what their names mean."""
    tables, version = naming.read_tables(), naming.parse_release(release) if release is not None else None
    wanted: dict[frozenset[str], list[Analyte]] = {}
    for analyte in missing:
        if accessions := identify(analyte, tables, version, where).accessions:
            wanted.setdefault(frozenset(accessions), []).append(analyte)
    may_mean = _plausible(wanted, tables)
    for header in headers:
        name, unit, fraction = read_header(header)
        if not may_mean(name):
            continue
        answer = naming.look_up(name, tables, version)
        exact = wanted.get(frozenset(answer.accessions), []) if isinstance(answer, naming.Resolution) else []
        if (problem := _doubtful(name, answer, header, where)) and not (problem.code == "NAME_SET" and exact):
            for analyte in _perhaps(name, answer, wanted, tables):
                search.doubt(analyte, problem)
            continue
        fitting = [a for a in exact if _fits(search, a, header, (unit, fraction), where)]
        if len(fitting) > 1:
            found = f"it may be {' or '.join(repr(a.name) for a in fitting)}: one molecule, several measurements"
            for analyte in fitting:
                fix = "Call the columns as the panel does."
                search.doubt(analyte, Problem("NAME_AMBIGUOUS", f"{where}, column {header!r}", found, fix))
        elif fitting and isinstance(answer, naming.Resolution):
            search.take(fitting[0], header, _why(name, answer))


def _why(name: str, answer: naming.Resolution) -> str:
    spelling, current = read_mirna(name), read_mirna(answer.names[0])
    older = answer.kind == "mirna" and not answer.removed and spelling and current and spelling.key != current.key
    removed = "; removed from miRBase" if answer.removed else ""
    return f"{JOINT.join(answer.accessions)}{'; older name' if older else ''}{removed}"


def _doubtful(name: str, answer: naming.Resolution | naming.Refusal, header: str, where: str) -> Problem | None:
    """Return why a name that may mean an analyte cannot be taken for it."""
    at, spelling = f"{where}, column {header!r}", read_mirna(name)
    if isinstance(answer, naming.Refusal):
        return (
            Problem(answer.problem.code, at, answer.problem.found, answer.problem.fix) if answer.problem.code in _DOUBTS else None
        )
    if spelling and spelling.hairpin:
        fix = "If the mature miRNA was measured, call the column by its mature name or accession."
        return Problem("NAME_HAIRPIN", at, "written like a hairpin or gene, which holds both arms", fix)
    if answer.kind == "mirna_set":
        fix = f"If that is what the panel measures, give the analyte accession = '{JOINT.join(answer.accessions)}'."
        return Problem("NAME_SET", at, f"a set of {len(answer.accessions)} miRNAs measured as one", fix)
    return None


def _perhaps(
    name: str, answer: naming.Resolution | naming.Refusal, wanted: Mapping[frozenset[str], list[Analyte]], tables: naming.NameTables
) -> list[Analyte]:
    """Return the analytes that a doubtful column may mean."""
    meant = set(answer.accessions if isinstance(answer, naming.Resolution) else answer.candidates)
    spelling = read_mirna(name)
    if spelling and spelling.hairpin:
        arms = (f"{spelling.key}{arm}" for arm in ("-3p", "-5p", "*"))
        meant |= {mature.accession for key in arms for mature, _ in tables.mirna_index.get(key, ())}
    return [analyte for key, analytes in wanted.items() if key & meant for analyte in analytes]


def _plausible(wanted: Mapping[frozenset[str], list[Analyte]], tables: naming.NameTables) -> Callable[[str], bool]:
    """Return a cheap test that lets through every name that may mean one of the analytes: same number, accession or protein."""
    accessions = {accession for key in wanted for accession in key}
    names = [a.name for analytes in wanted.values() for a in analytes]
    names += [span.name for a in accessions if a in tables.matures for span in tables.matures[a].spans]
    numbers = {number for name in names if read_mirna(name) for number in _numbers(name)}
    proteins = {a.split("-")[0] for a in accessions}
    keys = {
        protein_key(n)
        for a in proteins
        if a in tables.proteins
        for n in (a, tables.proteins[a].symbol, *tables.proteins[a].aliases)
    }
    keys |= {protein_key(a) for a in proteins}

    def may_mean(name: str) -> bool:
        if not any(character.isdigit() for character in name) or len(name) > 200:
            return protein_key(name) in keys
        text = tidy(name).upper()
        if text.split("_")[0] in accessions or text.split("-")[0] in proteins or protein_key(name) in keys:
            return True
        is_mirna = ("MIR" in text or "LET" in text) and not numbers.isdisjoint(_numbers(text))
        return is_mirna or ("MIMAT" in text and any(a in text for a in accessions))

    return may_mean


def _numbers(name: str) -> list[str]:
    """The numbers in a miRNA's name, but for its arm's."""
    return re.findall(r"\d+", re.sub(_ARM, "", name))


def _misnamed(panel: Panel, search: _Search, release: str, where: str) -> list[Problem]:
    """Return the columns that bear an analyte's name, and meant another molecule in the release that their names come from."""
    tables, version, problems = naming.read_tables(), naming.parse_release(release), []
    for analyte in panel.analytes:
        known = {part.upper() for part in (analyte.accession or "").split(JOINT) if part}
        for header in search.columns.get(analyte.name, []):
            answer = naming.look_up(header, tables, version) if known and read_mirna(header) else None
            if isinstance(answer, naming.Resolution) and not known & set(answer.accessions):
                found = (
                    f"in that release it meant {JOINT.join(answer.accessions)} ({', '.join(answer.names)}), not {analyte.accession}"
                )
                fix = "Call the column by the accession of what was measured, or correct the release."
                problems.append(Problem("NAME_RELEASE", f"{where}, column {header!r}", found, fix))
    return problems

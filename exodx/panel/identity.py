"""What molecule each analyte of a panel is: its accession checked against its name, and filled in where the name says it.

Done once, where a panel is read from a user (:func:`exodx.panel.load_panel`) or inferred: the accession is part of the panel's
fingerprint. The panel inside a bundle is taken as it stands: what a model asks for does not change with the tables of another day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from exodx.errors import InputRefused, Problem
from exodx.panel import names as naming
from exodx.panel.analyte import Analyte
from exodx.panel.names.spelling import read_mirna
from exodx.panel.panel import Panel

JOINT = "/"
"""Between the accessions of a set that is measured as one."""

_MIMAT = r"MIMAT[0-9]{7}"
_UNIPROT = r"(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(?:-\d{1,2})?"


class Identity(NamedTuple):
    """What an analyte is.

    Parameters
    ----------
    accessions : tuple of str
        Several for a set; none where they are not known.
    warnings : tuple of str
    problem : Problem, optional
        Why the analyte is refused.
    """

    accessions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None


def identify(analyte: Analyte, tables: naming.NameTables, release: naming.Release | None, where: str) -> Identity:
    """Say what an analyte is, by its accession and its name; only miRNAs and proteins are looked up.

    A name that is in no table is a warning: the curated tables do not hold everything. A name that means several miRNAs is a
    problem until a release or an accession decides; so is an accession that is not the name's.
    """
    at = f"{where}, analyte {analyte.name!r}"
    given = tuple(part.strip().upper() for part in (analyte.accession or "").split(JOINT) if part.strip())
    form = {"mirna": _MIMAT, "protein": _UNIPROT}.get(analyte.kind)
    if form is None:
        return Identity(given)
    if malformed := [part for part in given if not re.fullmatch(form, part)]:
        fix = "Write MIMAT and seven digits, of the mature miRNA; a set's are joined by '/'."
        fix = fix if analyte.kind == "mirna" else "Write the UniProt accession, e.g. Q9NZQ7."
        return Identity(problem=Problem("ACCESSION_INVALID", at, f"accession {malformed[0]!r}", fix))
    return (_mirna if analyte.kind == "mirna" else _protein)(analyte, given, tables, release, at)


def _mirna(
    analyte: Analyte, given: tuple[str, ...], tables: naming.NameTables, release: naming.Release | None, at: str
) -> Identity:
    answer = naming.look_up(analyte.name, tables, release) if naming.is_listed(analyte.name, tables) else None
    spelling, is_spike = read_mirna(analyte.name), analyte.role == "spike_in"
    warnings: list[str] = []
    if isinstance(answer, naming.Resolution) and answer.kind != "protein" and not (spelling and spelling.hairpin):
        if given and set(given) != set(answer.accessions):
            return Identity(problem=_mismatch(at, given, answer.accessions, answer.names))
        known = answer.accessions
        return Identity(known, () if is_spike else answer.warnings)
    if isinstance(answer, naming.Refusal) and answer.problem.code == "NAME_AMBIGUOUS" and not (spelling and spelling.hairpin):
        if not given:
            fix = 'Say the miRBase release that the panel\'s names come from (mirbase_release = "N"), or give its accession.'
            return Identity(problem=Problem("NAME_AMBIGUOUS", at, answer.problem.found, fix))
        if not set(given) <= set(answer.candidates):
            return Identity(problem=_mismatch(at, given, answer.candidates, ()))
    elif spelling and spelling.hairpin:
        warnings += [] if given else ["the name of a hairpin, which holds both arms: it is matched by its spelling alone"]
    elif isinstance(answer, naming.Refusal):
        warnings += [] if given or is_spike else [f"{answer.problem.found}. {answer.problem.fix}"]
    elif not given and not is_spike:
        warnings.append(
            "the name is in no table: it is matched by its spelling alone (exodx name import reads miRBase's own names)"
        )
    if unknown := [part for part in given if part not in tables.matures]:
        warnings += [] if is_spike else [f"accession {JOINT.join(unknown)} is not in the table and was not checked"]
    return Identity(given, tuple(warnings))


def _protein(
    analyte: Analyte, given: tuple[str, ...], tables: naming.NameTables, release: naming.Release | None, at: str
) -> Identity:
    answer = naming.look_up(analyte.name, tables, release) if naming.is_listed(analyte.name, tables) else None
    bases = {part.split("-")[0] for part in given}
    if isinstance(answer, naming.Resolution) and answer.kind == "protein":
        if given and bases != set(answer.accessions):
            return Identity(problem=_mismatch(at, given, answer.accessions, answer.names))
        return Identity(given or answer.accessions)
    if given:
        return Identity(given, () if bases <= set(tables.proteins) else (f"accession {JOINT.join(given)} was not checked",))
    if isinstance(answer, naming.Refusal):
        return Identity(warnings=(f"{answer.problem.found}. {answer.problem.fix}",))
    return Identity(warnings=("the name is in no table: it is matched by its spelling alone",))


def _mismatch(at: str, given: Iterable[str], known: Iterable[str], names: Iterable[str]) -> Problem:
    called = f" ({', '.join(names)})" if names else ""
    found = f"accession {JOINT.join(given)}, but the name means {' or '.join(known)}{called}"
    return Problem("ACCESSION_MISMATCH", at, found, "Correct whichever is wrong: an arm is another molecule.")


def resolve_name(name: str, release: str | None = None) -> naming.Resolution:
    """Return what a name means, by the tables that come with exodx and what the user imported.

    Parameters
    ----------
    name : str
    release : str, optional
        miRBase release the name was taken from.

    Raises
    ------
    InputRefused
        When the name is unknown, means several molecules, or means none that has an accession.

    Examples
    --------
    >>> resolve_name("miR-126*").accessions
    ('MIMAT0000444',)
    """
    return naming.resolve(name, release, naming.read_tables())


def resolve_names(panel: Panel, tables: naming.NameTables | None = None) -> Panel:
    """Return the panel with every accession that its names say filled in.

    Raises
    ------
    InputRefused
        ``ACCESSION_INVALID``, ``ACCESSION_MISMATCH``, ``NAME_AMBIGUOUS``, ``NAME_TWICE`` (one miRNA under two names).
    """
    found = _identities(panel, tables or naming.read_tables())
    problems = [identity.problem for identity in found if identity.problem]
    bearers: dict[frozenset[str], str] = {}
    for analyte, identity in zip(panel.analytes, found, strict=True):
        if analyte.kind == "mirna" and identity.accessions:
            other = bearers.setdefault(frozenset(identity.accessions), analyte.name)
            if other != analyte.name:
                text = f"the same molecule as {other!r} ({JOINT.join(identity.accessions)})"
                problems.append(
                    Problem("NAME_TWICE", f"panel {panel.name}, analyte {analyte.name!r}", text, "Name every analyte once.")
                )
    if problems:
        raise InputRefused(problems)
    return replace(panel, analytes=tuple(_with(a, i.accessions) for a, i in zip(panel.analytes, found, strict=True)))


def name_warnings(panel: Panel, tables: naming.NameTables | None = None) -> tuple[str, ...]:
    """Return what to mind about the names of a panel: older names, names in no table, miRNAs removed from miRBase."""
    found = _identities(panel, tables or naming.read_tables())
    return tuple(f"{a.name}: {warning}" for a, i in zip(panel.analytes, found, strict=True) for warning in i.warnings)


def infer_accessions(panel: Panel, tables: naming.NameTables | None = None) -> tuple[Panel, tuple[str, ...]]:
    """Fill in the accessions of a panel inferred from columns; what is not sure stays as it is and is said, never refused.

    Returns
    -------
    panel : Panel
    notes : tuple of str
        Names that mean several molecules, columns that mean the same one, hairpins, names in no table.
    """
    found = _identities(panel, tables or naming.read_tables())
    bearers: dict[tuple[str, ...], list[str]] = {}
    for analyte, identity in zip(panel.analytes, found, strict=True):
        if identity.accessions and analyte.accession is None:
            bearers.setdefault(tuple(sorted(identity.accessions)), []).append(analyte.name)
    doubled = {name for names in bearers.values() if len(names) > 1 for name in names}
    if any((spelling := read_mirna(a.name)) and spelling.hairpin for a in panel.analytes):
        doubled |= {a.name for a in panel.analytes if _is_bare_let(a.name)}  # beside hsa-mir-21, hsa-let-7b is a hairpin too
    filled = tuple(a if a.name in doubled else _with(a, i.accessions) for a, i in zip(panel.analytes, found, strict=True))
    notes = [f"{i.problem.where}: {i.problem.found}" for i in found if i.problem]
    notes += [f"columns {', '.join(names)} all mean {JOINT.join(key)}" for key, names in bearers.items() if len(names) > 1]
    unknown = [a.name for a in filled if a.kind == "mirna" and a.accession is None and a.role != "spike_in"]
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" … ({len(unknown)} in all)" if len(unknown) > 5 else "")
        notes.append(f"without an accession, matched by spelling alone (ambiguous, hairpins, or in no table): {shown}")
    return replace(panel, analytes=filled), tuple(notes)


def _is_bare_let(name: str) -> bool:
    spelling = read_mirna(name)
    return spelling is not None and spelling.key.startswith("let-") and not re.search(r"-[35]p|\*", spelling.key)


def _identities(panel: Panel, tables: naming.NameTables) -> list[Identity]:
    where = f"panel {panel.name}"
    release = naming.parse_release(panel.mirbase_release, f"{where}.mirbase_release") if panel.mirbase_release is not None else None
    return [identify(analyte, tables, release, where) for analyte in panel.analytes]


def _with(analyte: Analyte, accessions: tuple[str, ...]) -> Analyte:
    return replace(analyte, accession=JOINT.join(accessions)) if accessions and analyte.accession is None else analyte

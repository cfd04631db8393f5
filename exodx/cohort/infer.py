"""A panel inferred from a table, for exploratory work; everything that was inferred is said."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exodx.cohort.columns import find_specimen_columns
from exodx.errors import InputRefused, Problem
from exodx.frozen import WELLS, State, read_cells
from exodx.frozen.statements import statement_columns
from exodx.panel import MAX_CT, UNITS, Analyte, Panel, Scale, infer_accessions
from exodx.panel.analyte import name_key
from exodx.panel.manifest import manifest_columns
from exodx.panel.names import Resolution, is_listed, look_up, read_tables
from exodx.tables.layout import specimen_ids, to_wide
from exodx.tables.reader import read_table
from exodx.tables.table import TextTable

_MIRNA = re.compile(r"^(?:[a-z]{3}-)?(?:mir|let)-?\d+[a-z]*(?:[-_./*].*|\*)?$")
_SPIKE = re.compile(r"^(?:cel-mir-39.*|cel-mir-54.*|cel-mir-238.*|ath-mir-159.*|unisp\d)$")
REFERENCES = (
    ("mir-103a-3p", "mir-423-5p", "mir-93-5p"),
    ("mir-191-5p", "mir-425-5p", "mir-16-5p"),
    ("u6", "rnu6", "rnu6-1", "rnu6b", "rnu48", "rnu44", "gapdh", "actb", "b2m", "18s"),
)
"""Analytes taken as Ct references when no panel says otherwise: the first group of which any is present."""

LAST_CYCLES, MIN_PILE = (40.0, 45.0, 50.0), 3
"""Numbers of cycles that runs end with, and how many wells must be written as one for it to be the end."""

BEFORE_LAST = 0.01


def is_mirna_name(name: str) -> bool:
    """Say whether a column is called like a miRNA.

    >>> [is_mirna_name(n) for n in ("hsa-miR-126-3p", "let-7a", "miR-126*", "age", "PD-L1")]
    [True, True, True, False, False]
    """
    return bool(_MIRNA.match(name.strip().casefold()))


@dataclass(frozen=True, slots=True, eq=False)
class _Numeric:
    """A numeric column as read without knowing its unit."""

    name: str
    values: NDArray[np.float64]
    undetermined: bool


def infer_panel(
    table: TextTable,
    reserved: Collection[str],
    joined: Collection[str] = (),
    units: Mapping[str, Collection[str]] | None = None,
) -> tuple[Panel, tuple[str, ...]]:
    """Infer a panel from the columns of a wide table.

    Parameters
    ----------
    table : TextTable
    reserved : collection of str
        Columns that are not analytes: id, label, subject, site …
    joined : collection of str
        Columns that came from a further table. Beside miRNA columns, those that are numeric and called like a protein of the tables
        are analytes too, in a unit of their own; their kind is ``other``, because a column does not say the fraction.
    units : mapping of header to units, optional
        What the tables say of their columns.

    Returns
    -------
    panel : Panel
        The analytes of a long table; else miRNA columns if there are any, otherwise every numeric column whose name does not
        start with ``_`` (so exports mark what is about the specimen: diagnoses, clinical assays). In the order of their names.
    notes : tuple of str
        What was inferred and what was left out.

    Raises
    ------
    InputRefused
        When no column can be an analyte.
    """
    bearers = Counter(map(name_key, table.header))
    doubled = [name for name in table.header if name not in reserved and bearers[name_key(name)] > 1]
    about = [name for name in table.header if name.startswith("_")]
    unused = {*reserved, *doubled, *about}
    beside = [name for name in joined if name not in table.analytes]
    candidates = [name for name in ([*table.analytes, *beside] if table.analytes else table.header) if name not in unused]
    numeric = [c for name in candidates if (c := _numeric(table, name))]
    mirnas = [c for c in numeric if is_mirna_name(c.name) or _SPIKE.match(name_key(c.name))]
    told = _told_apart(table, numeric, joined, units or {})
    measured = [c for c in numeric if c.name in table.analytes and c not in told] if table.analytes else mirnas or numeric
    chosen = sorted(measured, key=lambda c: c.name)
    if not chosen:
        fix = "Give a panel file that names the analytes: --panel FILE.toml."
        raise InputRefused(Problem("NO_ANALYTE", table.source, "no column looks like a measured analyte", fix))
    unit = _unit(chosen, bool(mirnas), table.unit)
    roles = _roles([c.name for c in chosen], unit)
    proteins = _proteins([c for c in numeric if c.name in joined and c.name not in roles and c not in told])
    named_so = {c.name for c in mirnas}
    kinds = {c.name: "mirna" if c.name in named_so else "other" for c in chosen}
    analytes = tuple(Analyte(name=c, kind=kinds[c], unit=unit, role=roles[c]) for c in kinds)  # type: ignore[arg-type]
    if proteins:
        own = _unit(list(proteins), mirna=False, told="")
        analytes += tuple(Analyte(name=c.name, kind="other", unit=own, accession=a) for c, a in proteins.items())
    for unit_told in sorted(set(told.values())):
        block = [c for c in told if told[c] == unit_told]
        own = _unit(block, mirna=False, told=unit_told)
        analytes += tuple(Analyte(name=c.name, kind="mirna" if c.name in named_so else "other", unit=own) for c in block)
    references = [name for name, role in roles.items() if role == "reference"]
    last, cut_note = _last_cycle(chosen) if unit == "Ct" else (None, "")
    panel = Panel(
        name=f"auto-{_digest(a.name for a in analytes)}",
        version="1",
        title=f"Inferred from {len(analytes)} columns",
        analytes=analytes,
        normalisation="references" if references else "none",
        ct_cutoff=40.0 if last is None else last - BEFORE_LAST,
    )
    taken = {*reserved, *doubled, *panel.names}
    left_out = [name for name in table.header if name not in taken]
    notes = _notes([name for name in roles if roles[name] == "target"], unit, references, left_out)
    notes += [cut_note] if cut_note else []
    if proteins:
        shown = ", ".join(c.name for c in list(proteins)[:8]) + (f" … ({len(proteins)} in all)" if len(proteins) > 8 else "")
        notes.append(f"panel inferred: proteins of the joined table, in unit {own!r}: {shown}")
    return panel, (*notes, f"columns not used, since two bear the same name: {', '.join(doubled)}") if doubled else tuple(notes)


def _last_cycle(columns: Sequence[_Numeric]) -> tuple[float | None, str]:
    """Return the last cycle where several wells are written as it: nothing amplified there, and the number is no measurement."""
    values = np.concatenate([c.values for c in columns])
    top = float(values.max())
    wells = int((values == top).sum())
    if top not in LAST_CYCLES or wells < MIN_PILE:
        return None, ""
    return top, f"panel inferred: {wells} Ct of exactly {top:g} are the instrument's last cycle: read as not detected"


def _told_apart(
    table: TextTable, numeric: Sequence[_Numeric], joined: Collection[str], units: Mapping[str, Collection[str]]
) -> dict[_Numeric, str]:
    """Return the measurements of a joined table that are told to be in another unit than the cohort's, with that unit."""
    apart = {}
    for c in numeric:
        (own, *more) = units.get(c.name, ("",)) or ("",)
        if c.name in joined and c.name in table.analytes and not more and own != table.unit:
            apart[c] = own
    return apart


def _proteins(columns: Sequence[_Numeric]) -> dict[_Numeric, str]:
    """Return the columns that are called like one protein of the tables, with its accession."""
    if not columns:
        return {}
    tables = read_tables()
    answers = {c: look_up(c.name, tables) for c in columns if is_listed(c.name, tables)}
    return {c: a.accessions[0] for c, a in answers.items() if isinstance(a, Resolution) and a.kind == "protein"}


def infer_from_file(path: Path, without: Collection[str]) -> tuple[Panel, tuple[str, ...]]:
    """Infer a panel from a table file, leaving out its specimen columns and the columns ``without``."""
    table = to_wide(read_table(path), is_mirna_name, wells=WELLS)
    _, id_column, problems = specimen_ids(table)
    attributes, _ = find_specimen_columns(table, {})
    if problems:
        raise InputRefused(problems)
    ids = [] if id_column is None else [id_column]
    about = {*without, *ids, *attributes.values()}
    about |= {*manifest_columns(table.header, about).values(), *statement_columns(table, about).values()}
    panel, notes = infer_panel(table, about)
    panel, accession_notes = infer_accessions(panel)
    return panel, (*table.notes, *notes, *accession_notes)


def _digest(names: Iterable[str]) -> str:
    """Return a short name for a set of columns, so that models of different tables are not versions of one another."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]


def _numeric(table: TextTable, name: str) -> _Numeric | None:
    texts = [well for cell in table.columns[name] for well in cell.split(WELLS)]
    cells = read_cells(texts, Scale.NORMALISED, decimal=table.decimal)
    written = [row for row, text in enumerate(texts) if text]
    if not written or len(cells.unreadable) > len(written) / 2 or not np.isfinite(cells.values).any():
        return None
    return _Numeric(name, cells.values[np.isfinite(cells.values)], bool((cells.states == State.UNDETERMINED).any()))


def _unit(columns: Sequence[_Numeric], mirna: bool, told: str) -> str:
    """Guess the one unit of a block of columns from its numbers, if the table does not tell."""
    values = np.concatenate([c.values for c in columns])
    whole = bool((values == np.floor(values)).all())
    possible = {
        "Ct": values.min() > 0 and values.max() <= MAX_CT,
        "NPX": True,
        "count": whole and values.min() >= 0,
    }
    amount = UNITS.get(told) is Scale.LINEAR and values.min() >= 0
    if possible.get(told, amount):
        return told
    if values.min() < 0:
        return "normalised"
    looks_ct = values.min() > 0 and values.max() <= 50 and 15 <= np.median(values) <= 42 and not whole
    if looks_ct and (mirna or any(c.undetermined for c in columns)):
        return "Ct"
    if mirna and values.max() > 50:
        return "count" if whole else "CPM"
    return "intensity" if values.max() > 100 else "normalised"


def _roles(names: Sequence[str], unit: str) -> dict[str, str]:
    roles = {name: "spike_in" if _SPIKE.match(name_key(name)) else "target" for name in names}
    if unit == "Ct":
        keys = {name_key(name): name for name in names}
        tier = next((t for t in REFERENCES if any(key in keys for key in t)), ())
        found = [keys[key] for key in tier if key in keys]
        if len(found) < len(names):
            roles |= dict.fromkeys(found, "reference")
    return roles


def _notes(targets: Sequence[str], unit: str, references: Sequence[str], left_out: Sequence[str]) -> list[str]:
    shown = ", ".join(targets[:8]) + (f" … ({len(targets)} in all)" if len(targets) > 8 else "")
    notes = [f"panel inferred: {len(targets)} target analytes in unit {unit!r}: {shown}"]
    if unit == "Ct":
        said = (
            f"references {', '.join(references)}"
            if references
            else "NO reference analyte: the amount of input is not corrected for"
        )
        notes.append(f"panel inferred: {said}")
    if left_out:
        names = ", ".join(name or "(no name)" for name in left_out[:8]) + (
            f" … ({len(left_out)} in all)" if len(left_out) > 8 else ""
        )
        notes.append(f"columns not used: {names}")
    return notes

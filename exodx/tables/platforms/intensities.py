"""What every mass-spectrometry table shares: names of protein groups, and cells in which nothing was measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exodx.errors import InputRefused, Problem
from exodx.tables.runs import run_names
from exodx.tables.table import TextTable

_ACCESSION = r"(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(?:-\d+)?"
_GROUP = re.compile(rf"^{_ACCESSION}(?:;{_ACCESSION})*$")
_NOTHING = frozenset({"", "nan", "na", "n/a", "#n/a", "filtered", "null", "none", "not found"})
LOG_AT_MOST = 100.0
"""Intensities of a mass spectrometer are thousands and more; a table of smaller numbers holds logarithms or ratios."""


@dataclass(frozen=True, slots=True)
class Proteins:
    """A matrix with protein groups in rows, as one program writes it.

    Parameters
    ----------
    title : str
        The program, for the note and the platform.
    measure : str
        Which of its intensities is taken.
    runs : mapping of str to str
        Specimen to its column.
    group : str
        The column of accessions; ``gene``, if any, that of genes.
    gene : str
    out : mapping of str to str
        Columns in which ``+`` leaves the protein out, to what it says.
    """

    title: str
    measure: str
    runs: Mapping[str, str]
    group: str
    gene: str = ""
    out: Mapping[str, str] | None = None


def is_group(text: str) -> bool:
    """Say whether a text is UniProt accessions joined by semicolons.

    >>> [is_group(t) for t in ("P35237;A0A087X1N8", "Q14457-2", "miR-21", "P1;P2")]
    [True, True, False, False]
    """
    return bool(_GROUP.match(text))


def without_blanks(cells: Mapping[str, Sequence[str]], decimal: str) -> tuple[dict[str, list[str]], str, list[str]]:
    """Blank the cells in which nothing was measured: words for it and, among linear intensities, zero.

    Returns
    -------
    cells : dict of str to list of str
    unit : str
        ``intensity``; empty where the numbers are too small for linear intensities, so that their zeros are numbers.
    notes : list of str
        How many cells are blank, of how many.
    """
    words = set().union(*map(set, cells.values())) if cells else set()
    numbers = {word: number for word in words if (number := _number(word, decimal)) is not None}
    linear = max(numbers.values(), default=0.0) > LOG_AT_MOST and min(numbers.values()) >= 0
    blank = {word for word in words if word.casefold() in _NOTHING or (linear and numbers.get(word) == 0)}
    cleaned = {name: ["" if cell in blank else cell for cell in column] for name, column in cells.items()}
    total = sum(map(len, cleaned.values()))
    empty = sum(column.count("") for column in cleaned.values())
    zeros = "zero or blank" if linear else "blank"
    notes = [f"{empty} of {total} intensities ({empty / max(total, 1):.0%}) are {zeros}: not measured"] if empty else []
    notes += (
        [] if linear else ["the numbers are too small for linear intensities: they look like logarithms, and the unit is not told"]
    )
    return cleaned, "intensity" if linear else "", notes


def _number(text: str, decimal: str) -> float | None:
    try:
        value = float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def protein_table(table: TextTable, found: Proteins) -> TextTable:
    """Bring a matrix of protein groups to a row a specimen; genes name the columns where they are one group's alone.

    Raises
    ------
    InputRefused
        ``NO_SPECIMEN`` without a column of intensities, ``ANALYTE_TWICE`` where a group stands in several rows, ``NO_ANALYTE``
        where every row is left out.
    """
    if not found.runs:
        fix = "Export the table with one column of intensities a specimen."
        raise InputRefused(Problem("NO_SPECIMEN", table.source, f"{found.title} without a column of a specimen", fix))
    kept, left_out = _without_contaminants(table, found)
    names, accessions, said = _names(kept, found)
    named = dict(zip(found.runs, run_names(list(found.runs)), strict=True))
    notes = [f"{found.title}: {len(names)} protein groups × {len(named)} specimens; {found.measure} is read", *left_out, *said]
    rows = zip(*(kept.columns[column] for column in found.runs.values()), strict=True)
    cells, unit, blanks = without_blanks({name: list(row) for name, row in zip(names, rows, strict=True)}, table.decimal)
    ids = list(named.values())
    return replace(
        table,
        columns={"specimen_id": ids} | cells,
        lines=ids,
        place="specimen",
        notes=(*table.notes, *notes, *blanks),
        analytes=tuple(names),
        unit=unit,
        platform=found.title,
        accessions=accessions,
    )


def _without_contaminants(table: TextTable, found: Proteins) -> tuple[TextTable, list[str]]:
    """Leave out decoys, contaminants and lines of remarks, and count them."""
    why = ["remark" if cell.startswith("#!") else "" for cell in table.columns[table.header[0]]]
    for column, kind in (found.out or {}).items():
        why = [reason or (kind if cell == "+" else "") for reason, cell in zip(why, table.columns[column], strict=True)]
    group = table.columns[found.group]
    why = [reason or ("" if name else "without accession") for reason, name in zip(why, group, strict=True)]
    left_out = Counter(filter(None, why))
    if left_out.total() == len(table):
        raise InputRefused(Problem("NO_ANALYTE", table.source, "no protein group is left", "Give the unfiltered table."))
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(left_out.items()))
    kept = table.take([row for row, reason in enumerate(why) if not reason]) if left_out else table
    return kept, [f"protein groups left out: {counts}"] if counts else []


def _names(table: TextTable, found: Proteins) -> tuple[list[str], dict[str, str], list[str]]:
    groups = table.columns[found.group]
    if problems := twice(table, groups):
        raise InputRefused(problems)
    genes = table.columns[found.gene] if found.gene else [""] * len(groups)
    bearers = Counter(genes)
    taken = {"specimen_id", *groups}
    names = [
        gene if gene and bearers[gene] == 1 and gene not in taken else group for gene, group in zip(genes, groups, strict=True)
    ]
    by_group = sum(name == group for name, group in zip(names, groups, strict=True))
    notes = [f"{by_group} groups without a gene of their own are named by their accessions"] if found.gene and by_group else []
    return names, dict(zip(names, groups, strict=True)), notes


def twice(table: TextTable, names: Sequence[str]) -> list[Problem]:
    """Return a problem for every name that stands in several rows."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    return [
        Problem(
            "ANALYTE_TWICE",
            f"{table.source}, {table.place}s {', '.join(str(table.lines[row]) for row in found)}",
            f"{name!r} stands in several rows",
            "Keep one of them.",
        )
        for name, found in rows.items()
        if len(found) > 1
    ]

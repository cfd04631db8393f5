"""Protein tables of MaxQuant, DIA-NN, Spectronaut, FragPipe and Skyline, recognised by their columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from exodx.errors import InputRefused, Problem
from exodx.tables.long import gather
from exodx.tables.platforms.formats import TableFormat
from exodx.tables.platforms.intensities import Proteins, protein_table, without_blanks
from exodx.tables.runs import run_names
from exodx.tables.table import TextTable

_MAXQUANT_OUT = {
    "Reverse": "decoy",
    "Potential contaminant": "contaminant",
    "Contaminant": "contaminant",
    "Only identified by site": "only identified by site",
}
_MAXQUANT_MEASURES = ("LFQ intensity", "iBAQ", "Intensity")
_DIANN_ABOUT = frozenset({"Protein.Group", "Protein.Ids", "Protein.Names", "Genes", "First.Protein.Description"})
_SPECTRONAUT = re.compile(r"^\[\d+\] (.+)\.PG\.Quantity$")
_FRAGPIPE_MEASURES = (" MaxLFQ Intensity", " Intensity")
_SKYLINE_VALUES = ("protein abundance", "normalized area", "total area", "total area fragment", "total area ms1", "area")


def recognises(table: TextTable) -> bool:
    """Say whether the columns are those of one of the programs."""
    header = set(table.header)
    return any(known(header) for known, _ in _PROGRAMS) or bool(_skyline_columns(table)) or _is_precursors(header)


def read(table: TextTable) -> TextTable:
    """Bring a program's table to a row a specimen and a column a protein; what was not measured is blank.

    Raises
    ------
    InputRefused
        ``NOT_PROTEINS`` for precursors or peptides, ``NOT_LABEL_FREE`` for SILAC and reporter ions, ``VALUE_TWICE`` where a long
        table has several values of a protein in a run, and what :func:`protein_table` refuses.
    """
    header = set(table.header)
    if _is_precursors(header):
        fix = "Give the matrix of protein groups (report.pg_matrix.tsv), or a report of one value a protein and run."
        raise InputRefused(Problem("NOT_PROTEINS", table.source, "a table of precursors, several a protein", fix))
    for known, reader in _PROGRAMS:
        if known(header):
            return reader(table)
    return _skyline(table)


def _is_precursors(header: set[str]) -> bool:
    return "Precursor.Id" in header or ("Protein.Group" in header and "Run" in header)


def _maxquant(table: TextTable) -> TextTable:
    header = table.header
    labelled = [name for name in header if name.startswith(("Ratio H/L", "Reporter intensity"))]
    if labelled:
        fix = "Only label-free intensities are read: give a plain table of normalised values instead."
        raise InputRefused(Problem("NOT_LABEL_FREE", table.source, f"MaxQuant with labels (column {labelled[0]!r})", fix))
    runs: dict[str, str] = {}
    for measure in _MAXQUANT_MEASURES:
        runs = {n.removeprefix(f"{measure} "): n for n in header if n.startswith(f"{measure} ") and n != "iBAQ peptides"}
        if runs:
            break
    group = "Majority protein IDs" if "Majority protein IDs" in header else "Protein IDs"
    gene = "Gene names" if "Gene names" in header else ""
    out = {name: kind for name, kind in _MAXQUANT_OUT.items() if name in header}
    return protein_table(table, Proteins("MaxQuant", measure, runs, group, gene, out))


def _diann(table: TextTable) -> TextTable:
    runs = {name: name for name in table.header if name not in _DIANN_ABOUT and not name.startswith("N.")}
    gene = "Genes" if "Genes" in table.header else ""
    return protein_table(table, Proteins("DIA-NN", "the quantity of the protein group (MaxLFQ)", runs, "Protein.Group", gene))


def _spectronaut(table: TextTable) -> TextTable:
    runs = {match.group(1): name for name in table.header if (match := _SPECTRONAUT.match(name))}
    group = _first(table.header, "PG.ProteinGroups", "PG.ProteinAccessions")
    gene = "PG.Genes" if "PG.Genes" in table.header else ""
    if runs:
        return protein_table(table, Proteins("Spectronaut", "PG.Quantity", runs, group, gene))
    return _from_long(table, "Spectronaut", ("R.FileName", group, "PG.Quantity"))


def _fragpipe(table: TextTable) -> TextTable:
    runs: dict[str, str] = {}
    for measure in _FRAGPIPE_MEASURES:
        others = " MaxLFQ Intensity" if measure == " Intensity" else "\0"
        names = [n for n in table.header if n.endswith(measure) and not n.endswith((others, "Total Intensity", "Unique Intensity"))]
        runs = {name.removesuffix(measure): name for name in names}
        if runs:
            break
    return protein_table(table, Proteins("FragPipe", measure.strip(), runs, "Protein ID", "Gene"))


def _first(header: Sequence[str], *names: str) -> str:
    return next(name for name in names if name in header)


def _skyline_columns(table: TextTable) -> tuple[str, str, str] | None:
    """Return the columns of replicate, protein and value of a Skyline report, whichever way it spells them."""
    if not any(name.casefold().startswith("replicate") for name in table.header):
        return None
    folded = {" ".join(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", n).replace("_", " ").split()).casefold(): n for n in table.header}
    protein = next((folded[n] for n in ("protein", "protein name") if n in folded), "")
    replicate = next((folded[n] for n in ("replicate", "replicate name") if n in folded), "")
    value = next((folded[n] for n in _SKYLINE_VALUES if n in folded), "")
    return (replicate, protein, value) if protein and replicate and value else None


def _skyline(table: TextTable) -> TextTable:
    columns = _skyline_columns(table)
    kind = next((n for n in table.header if n.casefold().replace(" ", "") == "sampletype"), "")
    notes: list[str] = []
    if kind:
        words = table.columns[kind]
        left_out = Counter(word for word in words if word.casefold() not in ("unknown", ""))
        if left_out.total() == len(table):
            raise InputRefused(Problem("NO_SPECIMEN", table.source, "no row is of an unknown (a specimen)", "Export the unknowns."))
        counts = ", ".join(f"{n} {word}" for word, n in sorted(left_out.items()))
        table = table.take([row for row, word in enumerate(words) if word not in left_out])
        notes = [f"rows left out: {counts}"] if counts else []
    return _from_long(replace(table, notes=(*table.notes, *notes)), "Skyline", columns or ("", "", ""))


def _from_long(table: TextTable, title: str, columns: tuple[str, str, str]) -> TextTable:
    """Gather a long table; a value that several rows of a protein and run repeat is one value."""
    run, protein, value = columns
    runs = dict(zip(dict.fromkeys(table.columns[run]), run_names(list(dict.fromkeys(table.columns[run]))), strict=True))
    seen: dict[tuple[str, str, str], int] = {}
    for row, key in enumerate(zip(table.columns[run], table.columns[protein], table.columns[value], strict=True)):
        if key[0] and key[1]:
            seen.setdefault(key, row)
    kept = table.take(list(seen.values()))
    cells = {
        "specimen_id": [runs[name] for name in kept.columns[run]],
        protein: kept.columns[protein],
        value: kept.columns[value],
    }
    wide = gather(replace(kept, columns=cells), protein, value, "specimen_id")
    measured, unit, blanks = without_blanks({name: wide.columns[name] for name in wide.analytes}, table.decimal)
    notes = (*wide.notes, f"{title}: {value} is read", *blanks)
    accessions = {name: name for name in wide.analytes}
    return replace(wide, columns={**wide.columns, **measured}, notes=notes, unit=unit, platform=title, accessions=accessions)


_PROGRAMS: tuple[tuple[Callable[[set[str]], bool], Callable[[TextTable], TextTable]], ...] = (
    (
        lambda h: "Protein IDs" in h and bool(h & {"Majority protein IDs", "Reverse", "Only identified by site", "Peptides"}),
        _maxquant,
    ),
    (lambda h: "Protein.Group" in h and bool(h & (_DIANN_ABOUT - {"Protein.Group"})), _diann),
    (lambda h: bool(h & {"PG.ProteinGroups", "PG.ProteinAccessions"}) and _has_quantity(h), _spectronaut),
    (lambda h: {"Protein", "Protein ID", "Gene"} <= h and any(n.endswith(" Intensity") for n in h), _fragpipe),
)


def _has_quantity(header: set[str]) -> bool:
    return {"R.FileName", "PG.Quantity"} <= header or any(map(_SPECTRONAUT.match, header))


FORMAT = TableFormat("protein tables of MaxQuant, DIA-NN, Spectronaut, FragPipe, Skyline", recognises, read)

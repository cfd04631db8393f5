"""Rows of analytes as counting programs write them: with columns of annotation, rows that sum up, and names that repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from exodx.errors import InputRefused, Problem
from exodx.tables.runs import run_names
from exodx.tables.table import TextTable

ANNOTATION = frozenset(
    [
        "geneid",
        "gene id",
        "gene name",
        "gene symbol",
        "symbol",
        "gene type",
        "gene biotype",
        "biotype",
        "description",
        "chr",
        "chrom",
        "chromosome",
        "start",
        "end",
        "strand",
        "length",
        "precursor",
        "total",
        "hairpin",
        "accession",
        "mirbase accession",
        "mature accession",
        "code class",
        "class name",
        "probe name",
        "annotation",
        "sequence",
        "mature sequence",
        "entrezid",
        "entrez id",
        "ensembl id",
        "reads per million mirna mapped",
        "cross mapped",
    ]
)
"""Columns that say something about an analyte: of featureCounts, miRDeep2, nSolver, TCGA and edited tables."""

_SUMMARY = re.compile(
    r"^(?:__(?:no_feature|ambiguous|too_low_aqual|not_aligned|alignment_not_unique)"
    r"|N_(?:unmapped|multimapping|nofeature|ambiguous)|unassigned_\w+|total(?: reads| counts)?|sum|library size)$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^[+-]?[\d.,]+(?:[eE][+-]?\d+)?$")
_FRACTION = re.compile(r"\d*[.,]0*[1-9]\d*")
_FEATURE_COUNTS = frozenset({"chr", "start", "end", "strand", "length"})


def analyte_rows(table: TextTable, column: str) -> TextTable:
    """Return the table with analytes in rows and nothing but specimens in its other columns, each analyte once.

    Rows that bear one name and hold the same values are one row (a miRNA that several precursors give); with other values they
    are refused: programs count a read in every precursor it fits, so neither their sum nor the largest is right by itself.

    Raises
    ------
    InputRefused
        ``ANALYTE_TWICE`` with every repeated name and its lines; ``NO_SPECIMEN`` where no column is left.
    """
    folded = {name: _folded(name) for name in table.header}
    words = set(folded.values())
    precursors = "precursor" in words
    dropped = [n for n in table.header if n != column and (folded[n] in ANNOTATION or (precursors and folded[n] == "read count"))]
    norm = [n for n in table.header if n.endswith("(norm)") and n.removesuffix("(norm)") in table.columns]
    dropped += [n for n in table.header if n not in (column, *dropped, *norm) and _is_text(table.columns[n])]
    specimens = [n for n in table.header if n not in {column, *dropped, *norm}]
    if not specimens:
        fix = "Give a table with a column of numbers for each specimen."
        raise InputRefused(Problem("NO_SPECIMEN", table.source, "beside the analytes there are only remarks on them", fix))
    notes = [f"columns that describe the analytes are not read: {_list(dropped)}"] if dropped else []
    notes += [f"normalised columns are not read beside the counts they come from: {_list(norm)}"] if norm else []
    platform = "featureCounts" if words >= _FEATURE_COUNTS else "miRDeep2" if precursors and norm else table.platform
    named = run_names(specimens)
    notes += ["specimens are named by their file, without folder and ending"] if named != specimens else []
    columns = {column: table.columns[column]} | {name: table.columns[n] for name, n in zip(named, specimens, strict=True)}
    counted = platform in ("featureCounts", "miRDeep2") and not _has_fractions([table.columns[n] for n in specimens])
    unit = "count" if counted else table.unit
    cleaned = replace(table, columns=columns, notes=(*table.notes, *notes), platform=platform, unit=unit)
    return _each_once(_without_summaries(cleaned, column), column)


def _folded(name: str) -> str:
    return " ".join(re.sub(r"[_.-]", " ", name.casefold()).split())


def _has_fractions(columns: Sequence[Sequence[str]]) -> bool:
    """Say whether a number is not whole: reads that fit several places were divided among them, which are no counts any more."""
    return any(_FRACTION.fullmatch(word) for word in set().union(*map(set, columns)))


def _is_text(cells: Sequence[str]) -> bool:
    """Say whether a column is free text: filled, hardly a cell repeats (as words for a state would), and none is a number."""
    if not cells or not cells[0] or cells[0][0] in "<>*" or _NUMBER.match(cells[0]) or not all(cells):
        return False
    return len(set(cells)) > max(5, len(cells) / 2) and not any(cell[0] in "<>*" or _NUMBER.match(cell) for cell in cells)


def _without_summaries(table: TextTable, column: str) -> TextTable:
    names = table.columns[column]
    summaries = [row for row, name in enumerate(names) if _SUMMARY.match(name)]
    if not summaries:
        return table
    left_out = {names[row] for row in summaries}
    kept = table.take([row for row, name in enumerate(names) if name not in left_out])
    return replace(kept, notes=(*kept.notes, f"rows that sum up are left out: {_list(sorted(left_out))}"))


def _each_once(table: TextTable, column: str) -> TextTable:
    names = table.columns[column]
    if len(set(names)) == len(names):
        return table
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    others = [cells for name, cells in table.columns.items() if name != column]
    problems = [
        Problem(
            "ANALYTE_TWICE",
            f"{table.source}, {table.place}s {', '.join(str(table.lines[row]) for row in found)}",
            f"{name!r} stands in several rows with different values",
            "Sum them or choose one, whichever the counting program calls for: reads may be counted in each of the rows.",
        )
        for name, found in rows.items()
        if len(found) > 1 and any(cells[row] != cells[found[0]] for cells in others for row in found)
    ]
    if problems:
        raise InputRefused(problems)
    repeated = sum(len(found) > 1 for found in rows.values())
    note = f"{repeated} analytes stand in several rows with the same values: each is read once"
    kept = table.take([found[0] for found in rows.values()])
    return replace(kept, notes=(*kept.notes, note))


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" … ({len(names)} in all)" if len(names) > 8 else "")

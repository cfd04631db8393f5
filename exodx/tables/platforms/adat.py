"""SomaLogic (Standard BioTools) ADAT: what is known of SOMAmers above, of specimens to the left, RFU where they meet.

The format is described at github.com/SomaLogic/SomaLogic-Data. Below ``^TABLE_BEGIN`` the first lines begin with tabs and name a
property of the SOMAmers each (``SeqId``, ``UniProt``, ``Type`` …); then come the names of the specimens' properties, and a line a
specimen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from exodx.errors import InputRefused, Problem
from exodx.tables.platforms.formats import TextFormat
from exodx.tables.table import TextTable

PLATFORM = "SomaScan"
_TABLE = "^TABLE_BEGIN"
_SEARCHED = 1 << 18
"""Bytes within which the table begins."""

_AGAIN = "Export or copy the ADAT file again."
_UNIPROT = re.compile(r"^(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})$")
_RENAMED = {"SampleId": "specimen_id", "PlateId": "plate"}


def is_adat(text: str) -> bool:
    r"""Say whether a text begins as ADAT files do.

    >>> is_adat("!Checksum\tabc\n^HEADER\n!Version\t1.2\n^TABLE_BEGIN\n"), is_adat("sample,miR-21")
    (True, False)
    """
    start = text[:_SEARCHED].lstrip("\ufeff \t\r\n")
    return start.startswith(("^HEADER", "!Checksum")) and re.search(r"[\r\n]\^TABLE_BEGIN", start) is not None


@dataclass(frozen=True, slots=True)
class _Adat:
    """A file: its header, the properties of SOMAmers and of specimens by name, RFU by specimen, and the lines of specimens."""

    header: Mapping[str, str]
    somamers: Mapping[str, Sequence[str]]
    specimens: Mapping[str, Sequence[str]]
    rfu: Sequence[Sequence[str]]
    lines: Sequence[int]


def read_adat(source: str, text: str, notes: list[str]) -> TextTable:
    """Read an ADAT file: a row a specimen, the properties of specimens that hold anything, and a column a human protein's SOMAmer.

    Calibrators, pools and buffers, and SOMAmers that measure no human protein, are left out and counted. A SOMAmer is called by its
    gene where that is its own, else by gene and ``SeqId``: two SOMAmers of a protein are two measurements.

    Raises
    ------
    InputRefused
        ``ADAT_DAMAGED`` where the table is missing or does not fit its header, ``ANALYTE_TWICE``, ``NO_ANALYTE``, ``NO_SPECIMEN``.
    """
    found = _parts(source, text)
    types = found.specimens.get("SampleType", [""] * len(found.rfu))
    kept = [row for row, word in enumerate(types) if word.casefold() in ("sample", "")]
    others = Counter(word for word in types if word.casefold() not in ("sample", ""))
    if not kept or "SampleId" not in found.specimens:
        fault = f"no line holds a specimen ({_counted(others)})" if "SampleId" in found.specimens else "there is no SampleId"
        raise InputRefused(Problem("NO_SPECIMEN", source, fault, "Export the lines of SampleType 'Sample', with SampleId."))
    measured, why = _human(found.somamers)
    names, accessions = _names(source, found.somamers, measured)
    columns = {
        _RENAMED.get(name, name): [cells[row] for row in kept]
        for name, cells in found.specimens.items()
        if name and name not in names and any(cells[row] for row in kept)
    }
    columns |= {name: [found.rfu[row][at] for row in kept] for name, at in zip(names, measured, strict=True)}
    said = [f"{PLATFORM} ADAT: {len(kept)} specimens × {len(names)} SOMAmers, RFU as written"]
    said += [f"lines left out: {_counted(others)}"] if others else []
    said += [f"SOMAmers left out: {_counted(why)}"] if why else []
    return TextTable(
        source,
        columns,
        [found.lines[row] for row in kept],
        notes=(*notes, *said, *_quality(found, kept, measured)),
        analytes=tuple(names),
        unit="intensity",
        platform=PLATFORM,
        accessions=accessions,
    )


def _parts(source: str, text: str) -> _Adat:
    lines = re.split(r"\r\n|\r|\n", text)
    begin = next(i for i, line in enumerate(lines) if line.lstrip("\ufeff").startswith(_TABLE))
    header = dict(_pair(line) for line in lines[:begin] if line and not line.startswith("^"))
    rows = [(number, _cells(line)) for number, line in enumerate(lines[begin + 1 :], begin + 2) if line.strip()]
    above = list(takewhile(lambda row: not row[1][0], rows))
    at = next((i for i, cell in enumerate(above[0][1]) if cell), 0) if above else 0
    below = rows[len(above) :]
    width = max((len(cells) for _, cells in above), default=0)
    somamers = {cells[at]: [*cells[at + 1 :], *[""] * (width - len(cells))] for _, cells in above if len(cells) > at}
    if not below or "SeqId" not in somamers or width <= at + 1:
        found = (
            f"below {_TABLE} there is no line of SeqId" if "SeqId" not in somamers else "there is no specimen below the SOMAmers"
        )
        raise InputRefused(Problem("ADAT_DAMAGED", source, found, _AGAIN))
    problems = [
        Problem("ADAT_DAMAGED", f"{source}, line {number}", f"{len(cells)} cells where the SOMAmers end at {width}", _AGAIN)
        for number, cells in below[1:]
        if len(cells) > width or len(cells) <= at
    ]
    names = below[0][1][:at]
    if twice := [name for name, times in Counter(filter(None, names)).items() if times > 1]:
        problems.append(Problem("HEADER_TWICE", f"{source}, line {below[0][0]}", ", ".join(twice), "Name each column once."))
    if problems:
        raise InputRefused(problems)
    full = [[*cells, *[""] * (width - len(cells))] for _, cells in below[1:]]
    specimens = {name: [cells[i] for cells in full] for i, name in enumerate(names)}
    return _Adat(header, somamers, specimens, [cells[at + 1 :] for cells in full], [number for number, _ in below[1:]])


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition("\t")
    return key.lstrip("!").strip(), value.strip()


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split("\t")]


def _human(somamers: Mapping[str, Sequence[str]]) -> tuple[list[int], Counter[str]]:
    """Return the positions of the SOMAmers that measure a human protein, and why others do not."""
    ids = somamers["SeqId"]
    kinds, organisms = (somamers.get(key, [""] * len(ids)) for key in ("Type", "Organism"))
    why = [
        "without a SeqId"
        if not name
        else kind
        if kind not in ("", "Protein")
        else f"of {life}"
        if life not in ("", "Human")
        else ""
        for name, kind, life in zip(ids, kinds, organisms, strict=True)
    ]
    return [i for i, reason in enumerate(why) if not reason], Counter(filter(None, why))


def _names(source: str, somamers: Mapping[str, Sequence[str]], measured: Sequence[int]) -> tuple[list[str], dict[str, str]]:
    ids = [somamers["SeqId"][i] for i in measured]
    if not ids:
        raise InputRefused(Problem("NO_ANALYTE", source, "no SOMAmer measures a human protein", "Give the unfiltered file."))
    if twice := [name for name, times in Counter(ids).items() if times > 1]:
        raise InputRefused([Problem("ANALYTE_TWICE", source, f"SeqId {name!r} stands there twice", "Keep one.") for name in twice])
    blank = [""] * len(somamers["SeqId"])
    genes, proteins = ([somamers.get(key, blank)[i] for i in measured] for key in ("EntrezGeneSymbol", "UniProt"))
    bearers = Counter(genes)
    names = [
        gene if gene and bearers[gene] == 1 else f"{gene} ({seq})" if gene else seq for gene, seq in zip(genes, ids, strict=True)
    ]
    return names, {name: uniprot for name, uniprot in zip(names, proteins, strict=True) if _UNIPROT.match(uniprot)}


def _quality(found: _Adat, kept: Sequence[int], measured: Sequence[int]) -> list[str]:
    steps = found.header.get("ProcessSteps", "")
    notes = [f"process steps: {steps}" if steps else "the file does not say how RFU were normalised (ProcessSteps)"]
    if "anmlsmp" in steps.casefold() or "mednormsmp" in steps.casefold():
        notes.append("each specimen was scaled to a reference by its own median: what a disease does to most proteins is taken out")
    rows, columns = found.specimens.get("RowCheck"), found.somamers.get("ColCheck")
    flagged = sum(rows[row] == "FLAG" for row in kept) if rows else 0
    notes += [f"{flagged} specimens are flagged by the platform's own check (RowCheck): they are used"] if flagged else []
    flagged = sum(columns[i] == "FLAG" for i in measured) if columns else 0
    notes += [f"{flagged} SOMAmers are flagged by the platform's own check (ColCheck): they are used"] if flagged else []
    return notes


def _counted(words: Counter[str]) -> str:
    return ", ".join(f"{n} {word}" for word, n in sorted(words.items())) or "none of another kind"


FORMAT = TextFormat("SomaLogic ADAT", is_adat, read_adat)

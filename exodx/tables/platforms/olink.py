"""Olink NPX in the long layout: a row a specimen and assay (Explore, HT, Reveal, Target, Flex; CSV, workbook or Parquet)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exodx.errors import InputRefused, Problem
from exodx.tables.long import gather
from exodx.tables.platforms.formats import TableFormat
from exodx.tables.table import TextTable

PLATFORM = "Olink NPX"
FAILED = "failed qc"
"""What a cell becomes whose specimen or assay failed the laboratory's quality control."""

_ROLES = {
    "specimen": ("sampleid",),
    "olink": ("olinkid",),
    "uniprot": ("uniprot", "uniprotid"),
    "assay": ("assay",),
    "panel": ("panel",),
    "plate": ("plateid",),
    "npx": ("npx", "pcnormalizednpx"),
    "lod": ("lod", "lodnpx", "maxlod", "platelod"),
    "below": ("belowlod",),
    "specimen_qc": ("sampleqc", "qcwarning"),
    "assay_qc": ("assayqc", "assaywarning"),
    "plate_qc": ("plateqc",),
    "type": ("sampletype",),
    "assay_type": ("assaytype",),
    "normalisation": ("normalization", "normalisation"),
}
_OF_THE_EXPORT = frozenset(
    [
        "index",
        "wellid",
        "block",
        "count",
        "extnpx",
        "npx",
        "pcnormalizednpx",
        "ipcnormalizednpx",
        "pcnormalizedlod",
        "lodnpx",
        "lod",
        "maxlod",
        "platelod",
        "missingfreq",
        "panelversion",
        "panellotnr",
        "paneldataarchiveversion",
        "preprocessingversion",
        "preprocessingsoftware",
        "instrumenttype",
        "exploreversion",
        "softwareversion",
        "softwarename",
        "dataanalysisrefid",
        "product",
        "ct",
        "intracv",
        "intercv",
        "processingstartdate",
        "processingenddate",
        "analyzerid",
        "incwarning",
        "ampwarning",
        "countwarning",
        "sampleblockqcwarn",
        "sampleblockqcfail",
        "blockqcfail",
        "assayqcwarn",
        "qcdeviationincctrl",
        "qcdeviationdetctrl",
        "olinknpxsignatureversion",
        "belowlod",
        "lodmethod",
        "lodcount",
    ]
)
_CONTROL_ID = re.compile(
    r"^#|^(?:neg(?:ative)?|plate|sample|inter-?plate)[ _-]?(?:ctrl|control)|^control[ _-]?sample"
    r"|^ipc[ _-]?\d*$|^(?:neg|nc|pc|sc)$",
    re.IGNORECASE,
)
"""Ids that mark a well without specimen, where the export has no column for it."""

_CONTROL_ASSAY = re.compile(
    r"^(?:incubation|extension|amplification|detection|inc|ext|amp|det)[ _.-]?(?:ctrl|control)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that hold specimens and assays, as columns by role."""

    cells: Mapping[str, Sequence[str]]
    decimal: str

    def get(self, role: str) -> Sequence[str]:
        return self.cells.get(role) or [""] * len(self.cells["specimen"])


def is_control(name: str) -> bool:
    """Say whether an id marks one of Olink's external controls.

    >>> [is_control(n) for n in ("NEG_CTRL_1", "CONTROL_SAMPLE_AS 2", "Plate Control", "IPC 1", "SC-001", "NC07")]
    [True, True, True, True, False, False]
    """
    return bool(_CONTROL_ID.match(name.strip()))


def qc_state(word: str) -> str:
    """Return ``fail``, ``warn`` or nothing for a word of a quality column, whichever way a version of the export spells it."""
    word = word.casefold()
    if word.startswith(("fail", "exclu")):
        return "fail"
    return "warn" if "warn" in word else ""


def normalisation(words: Sequence[str]) -> set[str]:
    """Return the ways of normalisation among the words of an export: by ``plate control``, by ``intensity``, or as written."""
    found = {word.casefold() for word in words} - {"", "na", "nan", "excluded", "none"}
    return {"plate control" if w.startswith("plate") else "intensity" if w.startswith("intensity") else w for w in found}


def normalisation_note(source: str, words: Sequence[str]) -> list[str]:
    """Say how the values are normalised.

    Raises
    ------
    InputRefused
        ``NORMALISATION_MIXED`` where some are normalised in one way and some in another.
    """
    ways = sorted(normalisation(words))
    if len(ways) > 1:
        fix = "Export all panels and plates with one normalisation (or give each its own file)."
        raise InputRefused(Problem("NORMALISATION_MIXED", source, f"NPX normalised by {' and by '.join(ways)}", fix))
    return [f"NPX normalised by {ways[0]}"] if ways else ["the export does not say how the NPX are normalised"]


def distinct_names(assays: Sequence[tuple[str, str, str]]) -> tuple[list[str], list[str]]:
    """Name the columns of assays given as (assay, panel, id): a name that several bear gets its panel behind it, or its id.

    >>> distinct_names([("IL6", "Cardio", "OID1"), ("IL6", "Neuro", "OID2"), ("TNF", "Neuro", "OID3")])[0]
    ['IL6 (Cardio)', 'IL6 (Neuro)', 'TNF']
    """
    bearers, pairs = Counter(a for a, _, _ in assays), Counter((a, p) for a, p, _ in assays)
    names = [
        assay if bearers[assay] == 1 else f"{assay} ({panel if panel and pairs[assay, panel] == 1 else olink})"
        for assay, panel, olink in assays
    ]
    several = [assay for assay, n in bearers.items() if n > 1]
    shown = ", ".join(several[:6]) + (" …" if len(several) > 6 else "")
    return names, [f"{len(several)} assays are measured more than once ({shown}): their columns name the panel"] if several else []


def recognises(table: TextTable) -> bool:
    """Say whether a table has the columns that every long export of Olink has."""
    folded = set(map(_fold, table.header))
    return {"sampleid", "assay"} <= folded and ("olinkid" in folded or {"panel", "uniprot", "npx"} <= folded)


def read(table: TextTable) -> TextTable:
    """Gather an export to a row a specimen; controls are left out and counted, NPX below LOD keep their number.

    Raises
    ------
    InputRefused
        ``OLINK_NO_NPX``, ``NORMALISATION_MIXED``, ``NO_SPECIMEN``, or ``VALUE_TWICE`` where a specimen has two values of an assay.
    """
    at = _columns(table)
    kept, left_out = _specimen_rows(table, at)
    rows = _Rows({role: kept.columns[name] for role, name in at.items()}, table.decimal)
    keys = list(zip(rows.get("assay"), rows.get("panel"), rows.get("olink"), strict=True))
    assays = list(dict.fromkeys(keys))
    names, said = distinct_names(assays)
    name_of = dict(zip(assays, names, strict=True))
    uniprot = dict(zip(keys, rows.get("uniprot"), strict=True))
    values, quality = _values(rows)
    notes = [f"{PLATFORM}: {len(table)} rows, column {at['npx']!r}", *left_out, *_ways(table.source, at, rows), *quality, *said]
    notes += _below_lod(rows)
    used = {name for role, name in at.items() if role != "specimen"}
    extra = {name: cells for name, cells in kept.columns.items() if name not in used and _fold(name) not in _OF_THE_EXPORT}
    plates = {"plate": _plates(rows)} if "plate" in at else {}
    columns = {**extra, **plates, " assay": [name_of[key] for key in keys], " npx": values}
    long = replace(kept, columns=columns, notes=(*table.notes, *notes), unit="NPX", platform=PLATFORM)
    wide = gather(long, " assay", " npx", at["specimen"])
    return replace(wide, accessions={name_of[key]: accession for key, accession in uniprot.items() if accession})


def _fold(name: str) -> str:
    return re.sub(r"[\s_.-]", "", name).casefold()


def _columns(table: TextTable) -> dict[str, str]:
    folded = {_fold(name): name for name in reversed(table.header)}
    at = {role: next(folded[n] for n in names if n in folded) for role, names in _ROLES.items() if any(n in folded for n in names)}
    if "npx" not in at:
        quantified = "quantifiedvalue" in folded
        found = "Olink's absolute quantification (Quantified_value) without NPX" if quantified else "an Olink export without NPX"
        raise InputRefused(Problem("OLINK_NO_NPX", table.source, found, "Export NPX (or PCNormalizedNPX) values."))
    return at


def _specimen_rows(table: TextTable, at: Mapping[str, str]) -> tuple[TextTable, list[str]]:
    """Keep the rows of specimens and of true assays; the notes count the others by what they are."""
    types = table.columns[at["type"]] if "type" in at else []
    kinds = table.columns[at["assay_type"]] if "assay_type" in at else []
    ids, assays = table.columns[at["specimen"]], table.columns[at["assay"]]
    if types:
        control = {word: "" if word.casefold() in ("sample", "") else word.casefold().replace("_", " ") for word in set(types)}
        why = [control[word] for word in types]
    else:
        control = {name: "control, by its id" if is_control(name) else "" for name in set(ids)}
        why = [control[name] for name in ids]
    internal = {name: "internal control" if _CONTROL_ASSAY.match(name) else "" for name in set(assays)}
    why = [reason or internal[assay] for reason, assay in zip(why, assays, strict=True)]
    if kinds:
        why = [r or ("" if k.casefold() in ("assay", "") else "internal control") for r, k in zip(why, kinds, strict=True)]
    why = [reason or ("" if name and assay else "without a name") for reason, name, assay in zip(why, ids, assays, strict=True)]
    left_out = Counter(filter(None, why))
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(left_out.items()))
    if left_out.total() == len(table):
        fix = "Export the results of specimens (SampleType SAMPLE)."
        raise InputRefused(Problem("NO_SPECIMEN", table.source, f"no row holds a specimen ({counts})", fix))
    if not left_out:
        return table, []
    return table.take([row for row, reason in enumerate(why) if not reason]), [f"rows left out: {counts}"]


def _values(rows: _Rows) -> tuple[list[str], list[str]]:
    """Return the NPX as written, but ``failed qc`` where the specimen, assay or plate failed; the notes count the warnings."""
    values, notes = list(rows.get("npx")), []
    roles = {"specimen_qc": "specimen", "assay_qc": "assay", "plate_qc": "plate"}
    for role, what in roles.items():
        words = rows.get(role)
        state = {word: qc_state(word) for word in set(words)}
        failed = [i for i, word in enumerate(words) if state[word] == "fail"]
        for i in failed:
            values[i] = FAILED
        warned = sum(state[word] == "warn" for word in words)
        notes += [f"{len(failed)} values failed the {what}'s quality control: they are not used"] if failed else []
        notes += [f"{warned} values carry a warning of the {what}'s quality control: they are used"] if warned else []
    return values, notes


def _ways(source: str, at: Mapping[str, str], rows: _Rows) -> list[str]:
    """Say how the values are normalised; a PCNormalizedNPX is normalised by plate controls, whatever the other column holds."""
    if _fold(at["npx"]) == "pcnormalizednpx":
        return ["NPX normalised by plate control"]
    return normalisation_note(source, rows.get("normalisation"))


def _below_lod(rows: _Rows) -> list[str]:
    values = [_number(text, rows.decimal) for text in rows.get("npx")]
    measured = sum(value is not None for value in values)
    if "lod" in rows.cells:
        limits = [_number(text, rows.decimal) for text in rows.get("lod")]
        below = sum(v is not None and limit is not None and v < limit for v, limit in zip(values, limits, strict=True))
    elif "below" in rows.cells:
        below = sum(word.casefold() in ("true", "1", "yes") for word in rows.get("below"))
    else:
        return ["the export gives no LOD"]
    return [f"{below} of {measured} NPX ({below / max(measured, 1):.0%}) are below their LOD: they keep their number"]


def _number(text: str, decimal: str) -> float | None:
    try:
        value = float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        return None
    return value if value == value else None


def _plates(rows: _Rows) -> list[str]:
    """Return each specimen's plate; where its panels ran on several, their names together."""
    plates: dict[str, dict[str, None]] = {}
    for name, plate in zip(rows.get("specimen"), rows.get("plate"), strict=True):
        plates.setdefault(name, {})[plate] = None
    joined = {name: " + ".join(filter(None, found)) for name, found in plates.items()}
    return [joined[name] for name in rows.get("specimen")]


FORMAT = TableFormat("Olink NPX, long", recognises, read)

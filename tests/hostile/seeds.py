"""Valid files of every family that exodx reads, small and invented: what the mutators damage."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.hostile.old_excel import xls
from tests.tables import plate_texts
from tests.tables.test_instruments_families import FAMILIES
from tests.tables.test_platforms_adat import adat
from tests.tables.test_platforms_geo import HEAD, TABLE
from tests.tables.test_platforms_olink import manager
from tests.tables.test_platforms_olink import parquet as olink_parquet
from tests.tables.test_platforms_olink import rows as olink_rows
from tests.tables.test_platforms_olink import text as olink_text
from tests.tables.test_platforms_proteins import DIANN, FRAGPIPE, GROUPS, MAXQUANT, PIVOT, SKYLINE, SPECTRONAUT
from tests.tables.test_platforms_rcc import archive, rcc
from tests.tables.test_tables_counts import FEATURE_COUNTS, HTSEQ, MIRDEEP2, PLAIN

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "tests" / "data" / "bundles" / "format-3" / "bundle"

HEADER = [
    "specimen_id",
    "subject_id",
    "group",
    "age",
    "miR-126-3p",
    "miR-145-5p",
    "miR-103a-3p",
    "miR-423-5p",
    "miR-23a-3p",
    "miR-451a",
    "PD-L1",
]
ROWS = [
    ["S-001", "P-001", "case", "61", "27.25", "29.5", "24.125", "25.75", "24.5", "22.5", "83.5"],
    ["S-002", "P-001", "case", "61", "27.5", "Undetermined", "24", "25.5", "24.75", "22.25", "120.25"],
    ["S-003", "P-002", "control", "55", "26.875", "30.25", "23.75", "", "24", "22", "64"],
    ["S-004", "P-003", "control", "48", "28.125", "31", "24.5", "26", "25.125", "23.5", "<12.5"],
    ["S-005", "P-004", "case", "70", "26.5", "29.875", "24.25", "25.25", "24.25", "22.875", "1e3"],
]
"""An invented cohort of the panel athero-3; every number is exact in binary."""

LONG = "specimen_id,analyte,value,well\n" + "".join(
    f"{row[0]},{name},{cell},{'ABCDE'[i]}{j}\n"
    for i, row in enumerate(ROWS)
    for j, (name, cell) in enumerate(zip(HEADER[4:], row[4:], strict=True), 1)
)


def delimited(sign: str = ",", decimal: str = ".", end: str = "\n") -> bytes:
    rows = [[cell.replace(".", decimal) if i > 3 else cell for i, cell in enumerate(row)] for row in ROWS]
    return "".join(sign.join(row) + end for row in [HEADER, *rows]).encode()


def typed(cell: str) -> str | float:
    """Return a cell as a spreadsheet keeps it."""
    try:
        return float(cell)
    except ValueError:
        return cell


def xlsx() -> bytes:
    book = openpyxl.Workbook()
    for row in [HEADER, *ROWS]:
        book.active.append([typed(cell) if cell else None for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet() -> bytes:
    columns: dict[str, list[object]] = {name: [row[i] for row in ROWS] for i, name in enumerate(HEADER)}
    for name in ("age", "miR-126-3p", "miR-103a-3p"):
        columns[name] = [float(str(cell)) for cell in columns[name]]
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return out.getvalue()


PANEL = b"""[panel]
name = "own"
specimen_type = "plasma"
platform = "RT-qPCR"
normalisation = "references"

[[analyte]]
name = "miR-126-3p"
kind = "mirna"
unit = "Ct"
role = "target"
direction = "up"
efficiency = 1.95

[[analyte]]
name = "miR-103a-3p"
kind = "mirna"
unit = "Ct"
role = "reference"

[[analyte]]
name = "PD-L1"
kind = "protein"
unit = "pg/mL"
fraction = "ev"
lod = 4.5
role = "target"

[[qc]]
name = "own-tube"
column = "tube"
allowed = ["EDTA"]
action = "warn"
"""
PLAN = b"""panel = "athero-3"
label = "group"
positive = "case"
subject = "subject_id"
outer_folds = 3
repeats = 1
budget = "minimal"
target = "sensitivity"
target_value = 0.9
grey_zone = true
prevalence = 0.1
seed = 7
"""
ANSWERS = b"""[stard]
"1" = "A study of diagnostic accuracy."
[model_card]
licence = "Apache-2.0"
contact = "nobody@example.org"
"""
RULES = b"""[subjects]
at_least = 40
[auc]
at_least = 0.6
off = true
"""
MATURE = b""">hsa-miR-126-3p MIMAT0000445 Homo sapiens miR-126-3p
UCGUACCGUGAGUAAUAAUGCG
>cel-let-7-5p MIMAT0000001 Caenorhabditis elegans let-7-5p
UGAGGUAGUAGGUUGUAUAGUU
"""
ALIASES = b"MIMAT0000445\thsa-miR-126;hsa-miR-126-3p;\nMI0000471\thsa-mir-126;\n"
NAMES = json.dumps(
    {
        "format": 1,
        "release": "22",
        "names": {"MIMAT0000445": "hsa-miR-126-3p"},
        "aliases": {"MIMAT0000445": ["hsa-miR-126"]},
        "twins": [],
    }
).encode()


@cache
def seeds() -> Mapping[str, tuple[bytes, ...]]:
    """Return valid files by family."""
    plain = [
        delimited(),
        delimited("\t"),
        delimited(";"),
        delimited(";", ","),
        delimited("\t", ","),
        delimited(end="\r\n"),
        LONG.encode(),
    ]
    plates = [
        plate_texts.long(),
        plate_texts.xponent(),
        plate_texts.bioplex(),
        plate_texts.msd(),
        plate_texts.gen5(),
        plate_texts.softmax(),
    ]
    proteins = [MAXQUANT, DIANN, PIVOT, FRAGPIPE, SKYLINE, SPECTRONAUT, GROUPS]
    return {
        "delimited": tuple(plain),
        "packed": (gzip.compress(delimited(), mtime=0), zstd(delimited()), zipped(**{"t.csv": delimited()})),
        "xlsx": (xlsx(), manager()),
        "xls": (xls([HEADER, *[[typed(cell) for cell in row] for row in ROWS]]), xls([["id", "miR-1-3p"], ["P1", b"\x07"]])),
        "parquet": (parquet(), olink_parquet(olink_rows())),
        "instruments": tuple(text.encode() for text in FAMILIES.values()),
        "plates": tuple(text.encode() for text in plates),
        "olink": (olink_text(olink_rows()).encode(), olink_text(olink_rows(), ";").encode()),
        "rcc": (rcc(), rcc(end="\r\n"), archive({"a.RCC": rcc(), "b.RCC": rcc("P2")})),
        "adat": (adat().encode(), adat(end="\r\n", checksum=False, steps="").encode("utf-16")),
        "geo": ((HEAD + TABLE).encode(), (HEAD + TABLE).encode("utf-16")),
        "proteins": tuple(text.encode() for text in proteins),
        "counts": tuple(text.encode() for text in (FEATURE_COUNTS, MIRDEEP2, HTSEQ, PLAIN)),
        "panel": (PANEL, *(_catalog())),
        "plan": (PLAN,),
        "answers": (ANSWERS,),
        "rules": (RULES,),
        "names": (NAMES, MATURE, ALIASES),
        "manifest": ((BUNDLE / "manifest.json").read_bytes(),),
        "members": tuple((BUNDLE / name).read_bytes() for name in ("transform.json", "decision.json", "panel.toml", "linear.json")),
        "ubjson": (_small_forest(),),
        "predict": (*plain[:4], parquet(), xlsx(), gzip.compress(delimited(), mtime=0)),
    }


def _catalog() -> list[bytes]:
    return [(resources.files("exodx.panel.catalog") / "athero-3.toml").read_bytes()]


def _small_forest() -> bytes:
    """Return an invented object with every kind of value that UBJSON has."""

    def text(word: str) -> bytes:
        return b"L" + len(word).to_bytes(8, "big") + word.encode()

    array = b"[$d#L" + (3).to_bytes(8, "big") + bytes.fromhex("3f8000004000000040400000")
    inner = b"{" + text("T") + b"T" + text("Z") + b"Z" + text("i") + b"i\x07" + text("l") + b"l\x00\x00\x00\x09" + b"}"
    return (
        b"{"
        + text("learner")
        + inner
        + text("trees")
        + array
        + text("list")
        + b"[S"
        + text("ok")
        + b"U\x05]"
        + text("D")
        + b"D"
        + bytes(8)
        + b"}"
    )

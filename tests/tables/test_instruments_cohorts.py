"""Real qPCR exports: wells, specimens, targets and undetermined cells, counted from the raw bytes by other means."""

import re
from collections import Counter

import openpyxl
import pytest

from exodx.errors import InputRefused
from exodx.tables.reader import read_table
from exodx.tables.wells import read_wells

pytestmark = [pytest.mark.cohorts, pytest.mark.filterwarnings("ignore:Workbook contains no default style")]


@pytest.fixture
def exports(cohorts_folder):
    folder = cohorts_folder / "instrument-exports"
    if not folder.is_dir():
        pytest.skip(f"the real exports are not here: {folder}")
    return folder


def grid(path, sign):
    """Cut a text file into cells by plain splitting (none of these files has a quoted sign in a well's line)."""
    return [line.split(sign) for line in re.split(r"\r\n|\r|\n", path.read_bytes().decode())]


def block(rows, header):
    """Return the rows under the header that starts with these cells, up to a blank line, as dicts."""
    at = next(i for i, row in enumerate(rows) if row[: len(header)] == header)
    below = range(at + 1, len(rows))
    end = next((i for i in below if "".join(rows[i][:1]).startswith("[") or not any(cell.strip() for cell in rows[i])), len(rows))
    return [dict(zip(rows[at], row, strict=False)) for row in rows[at + 1 : end]]


def counts(table):
    undetermined = sum(value.casefold() == "undetermined" for value in table.columns["value"])
    return len(table), set(table.columns["specimen_id"]), set(table.columns["analyte"]), undetermined


def expected(wells, specimen, target, ct, words):
    return (
        len(wells),
        {w[specimen] for w in wells},
        {w[target] for w in wells},
        sum(w[ct].casefold() in words for w in wells),
    )


@pytest.mark.parametrize(("number", "total", "kept"), [(1, 16, 16), (2, 96, 88), (4, 95, 71), (5, 16, 10)])
def test_quantstudio_text(number, total, kept, exports):
    path = exports / "quantstudio" / f"appbio_quantstudio_example0{number}.txt"
    rows = grid(path, "\t")
    start = rows.index(["[Results]"])
    every = block(rows[start:], ["Well", "Well Position", "Omit"])
    table, wells = read_table(path), read_wells(path)
    assert (len(wells), len(table)) == (len(every), len(table)) == (total, kept)
    control = {"NTC", "BlockedIPC", "STANDARD"}
    assert counts(table) == expected(
        [w for w in every if w["Task"] not in control], "Sample Name", "Target Name", "CT", {"undetermined"}
    )
    lines = path.read_text().splitlines()
    for row, line in enumerate(table.lines):
        assert {table.columns[c][row] for c in ("specimen_id", "analyte", "well", "ct")} <= set(lines[line - 1].split("\t"))


def test_a_genotyping_export_is_refused(exports):
    with pytest.raises(InputRefused, match="NOT_QUANTIFICATION"):
        read_table(exports / "quantstudio" / "appbio_quantstudio_example03.txt")


@pytest.mark.parametrize(
    ("name", "specimen", "target", "ct", "total", "kept"),
    [
        ("appbio_quantstudio_example08", "Sample Name", "Target Name", "CRT", 36, 36),
        ("appbio_quantstudio_designandanalysis_QS7Pro_Relative_Quantification_example11", "Sample", "Target", "Cq", 72, 66),
    ],
)
def test_quantstudio_workbooks(name, specimen, target, ct, total, kept, exports):
    path = exports / "quantstudio" / f"{name}.xlsx"
    sheet = openpyxl.load_workbook(path, read_only=True)["Results"]
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    every = block(rows, ["Well", "Well Position", "Omit"])
    assert (len(read_wells(path)), len(read_table(path))) == (len(every), kept) == (total, kept)
    named = [w for w in every if w["Task"] != "NTC" and w[specimen]]
    assert counts(read_table(path)) == expected(named, specimen, target, ct, {"undetermined"})


def test_sds_with_old_mac_line_ends(exports):
    path = exports / "htqpcr_exData" / "SDS_sample.txt"
    every = block(grid(path, "\t"), ["# ", "Plate", "Pos"])
    table = read_table(path)
    assert counts(table) == expected(every, "Sample", "Detector", "Ct", {"undetermined"}) == counts(read_wells(path))
    assert len(table) == 384
    assert Counter(table.columns["task"]) == Counter("reference" if w["Task"] == "Endogenous Control" else "unknown" for w in every)


def test_lightcycler_with_old_mac_line_ends(exports):
    path = exports / "htqpcr_exData" / "LightCycler_sample.txt"
    every = block(grid(path, "\t"), ["Include", "Color", "Pos"])
    assert len(read_wells(path)) == len(every) == 384
    kept = [w | {"target": "SYBR Green (483-533)"} for w in every if w["Standard"] == "0" and not w["Name"].startswith("no temp")]
    assert counts(read_table(path)) == expected(kept, "Name", "target", "Cp", {""})
    assert len(kept) == 341


def test_bio_rad_cfx(exports):
    path = exports / "htqpcr_exData" / "CFX_sample.txt"
    every = block(grid(path, ","), ["", "Well", "Fluor"])
    table = read_table(path)
    kept = [w for w in every if not w["Content"].startswith(("Std", "Neg"))]
    assert counts(table) == expected(kept, "Sample", "Target", "Cq", {"n/a"})
    assert (len(read_wells(path)), len(table)) == (len(every), 282) == (330, 282)
    path = exports / "biorad_cfx" / "example01.csv"
    every = block(grid(path, ","), ["", "Well", "Fluor"])
    assert counts(read_table(path)) == expected(every, "Sample", "Fluor", "Cq", {"nan", "n/a", ""})
    assert len(every) == 48


def test_every_other_export_is_no_qpcr_and_does_not_crash(exports):
    others = [p for folder in ("elisa_plate_readers", "olink") for p in (exports / folder).iterdir()]
    assert len(others) == 7
    for path in others:
        with pytest.raises(InputRefused, match="NOT_AN_EXPORT"):
            read_wells(path)


def test_headerless_triplicates(cohorts_folder):
    files = sorted((cohorts_folder / "lung-ffpe-mirna-ct-triplicates").glob("*.dat"))
    if not files:
        pytest.skip("the lung cohort is not here")
    for path in files:
        raw = [line.split() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        table = read_table(path)
        columns = [table.columns[name] for name in ("analyte", "specimen_id", "value", "class")]
        assert [list(row) for row in zip(*columns, strict=True)] == raw

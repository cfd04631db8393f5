"""Each family's export is recognised by its content, in any encoding and line end; every well is read or counted as left out."""

import gzip
import io
import subprocess
import sys
from contextlib import suppress

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.tables.reader import read_table
from exodx.tables.table import TextTable
from exodx.tables.wells import read_wells

QUANTSTUDIO = """* Block Type = 96-Well Block
* Experiment Barcode = NA
* Experiment Name = run µ7
* Instrument Type = QuantStudio

[Sample Setup]
Well\tWell Position\tSample Name\tTarget Name\tTask
1\tA1\tP1\tmiR-1-3p\tUNKNOWN

[Results]
Well\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tCт\tQuantity
1\tA1\tfalse\tP1\tmiR-1-3p\tUNKNOWN\tFAM\t24.5\t5,720.562
2\tA2\tfalse\tP1\tmiR-2-3p\tUNKNOWN\tFAM\tUndetermined\t
3\tA3\ttrue\tP2\tmiR-1-3p\tUNKNOWN\tFAM\t25.5\t
4\tA4\tfalse\tP2\tmiR-2-3p\tUNKNOWN\tFAM\t\t
5\tA5\tfalse\tNTC\tmiR-1-3p\tNTC\tFAM\t38.9\t
6\tA6\tfalse\tS1\tmiR-1-3p\tSTANDARD\tFAM\t20\t
7\tA7\tfalse\t\tmiR-1-3p\tUNKNOWN\tFAM\t30\t

[Melt Curve Raw Data]
Well\tWell Position\tReading\tTemperature
1\tA1\t1\t60
"""
SDS = """SDS 2.4\tAQ Results\t1.2
Filename\tx.sdm

Well\tSample Name\tDetector Name\tTask\tCt\tStdDev Ct
1\tP1\tmiR-1-3p\tTarget\t24.5\t
2\tP1\tU6\tEndogenous Control\t20.1\t
3\tP2\tmiR-1-3p\tTarget\tUndetermined\t
4\tNTC\tmiR-1-3p\tNTC\tUndetermined\t

Slope\t-3.3
"""
LIGHTCYCLER = """Experiment: E1  Selected Filter: FAM (465-510)\t\t\t\t\t\t
Include\tColor\tPos\tName\tCp\tConcentration\tStandard\tStatus
True\t255\tA1\tP1\t24,5\t\t0\t
True\t255\tA2\tP2\t\t\t0\t
False\t255\tA3\tP2\t31,2\t\t0\t
True\t255\tA4\tStandard 1\t20,1\t\t1000\t
True\t255\tA5\tno template control\t\t\t0
"""
LIGHTCYCLER_96 = """Color\tPosition\tSample Name\tGene Name\tCq\tExcluded\tSample Type\tStandard
1\tA1\tP1\tmiR-1-3p\t24.5\tfalse\tUnknown\t
1\tA2\tP2\tmiR-1-3p\t-\tfalse\tUnknown\t
1\tA3\tWater\tmiR-1-3p\t-\tfalse\tNegative control\t
"""
CFX = """,Well,Fluor,Target,Content,Sample,Biological Set Name,Cq,Cq Mean
,A01,FAM,miR-1-3p,Unkn-01,P1,,24.5,24.5
,A02,FAM,miR-1-3p,Unkn-02,P2,,NaN,
,A03,FAM,miR-1-3p,NTC-1,,,N/A,
,A04,FAM,miR-1-3p,Std-1,,,20.1,
,A05,FAM,miR-1-3p,Pos Ctrl,,,20.1,
"""
BIOMARK = """Chip Run Filename,x.bml
Application Version,3.0

Experiment Information,Experiment Information,Experiment Information,Experiment Information,FAM-MGB,FAM-MGB,FAM-MGB,FAM-MGB,FAM-MGB
Chamber,Sample,Sample,Sample,FAM-MGB,FAM-MGB,Ct,Ct,Ct
ID,Name,Type,rConc,Name,Type,Value,Quality,Call
S01-A01,P1,Unknown,1,miR-1-3p,Test,24.5,0.9,Pass
S01-A02,P1,Unknown,1,miR-2-3p,Test,999,0,Fail
S02-A01,P2,Unknown,1,miR-1-3p,Test,31.2,0.2,Fail
S03-A01,NTC,NTC,1,miR-1-3p,Test,999,0,Fail
"""
OPENARRAY = """OpenArrayPlate.SerialNumber,Assay.Assay Name,Assay.Assay Type,ThroughHole.Ct,ThroughHole.Outlier,\
ThroughHole.Address,SampleInfo.SampleID
X1,miR-1-3p,TARG,24.5,FALSE,A1a1,P1
X1,snoRNA1,ENDO,20.5,FALSE,A1a2,P1
X1,miR-1-3p,TARG,40,FALSE,A2a1,P2
X1,snoRNA1,ENDO,19.5,TRUE,A2a2,P2
"""
MIRNAQCD = "# a comment\n\nmiR21\tP1\t24.5\tA\nmiR21\tP1\t24.7\tA\nmiR21\tP2\t25.1\tB\nU6\tP1\t20.1\tA\nU6\tP2\t20.2\tB\n"
FAMILIES = {
    "QuantStudio": QUANTSTUDIO,
    "SDS": SDS,
    "LightCycler 480": LIGHTCYCLER,
    "LightCycler 96": LIGHTCYCLER_96,
    "CFX": CFX,
    "BioMark": BIOMARK,
    "OpenArray": OPENARRAY,
    "MiRNAQCD": MIRNAQCD,
}
KEPT = {  # specimen, analyte, Ct as written, value as exodx reads it, line
    "QuantStudio": [
        ("P1", "miR-1-3p", "24.5", "24.5", 12),
        ("P1", "miR-2-3p", "Undetermined", "Undetermined", 13),
        ("P2", "miR-2-3p", "", "", 15),
    ],
    "SDS": [
        ("P1", "miR-1-3p", "24.5", "24.5", 5),
        ("P1", "U6", "20.1", "20.1", 6),
        ("P2", "miR-1-3p", "Undetermined", "Undetermined", 7),
    ],
    "LightCycler 480": [("P1", "FAM (465-510)", "24,5", "24,5", 3), ("P2", "FAM (465-510)", "", "Undetermined", 4)],
    "LightCycler 96": [("P1", "miR-1-3p", "24.5", "24.5", 2), ("P2", "miR-1-3p", "-", "Undetermined", 3)],
    "CFX": [("P1", "miR-1-3p", "24.5", "24.5", 2), ("P2", "miR-1-3p", "NaN", "Undetermined", 3)],
    "BioMark": [
        ("P1", "miR-1-3p", "24.5", "24.5", 7),
        ("P1", "miR-2-3p", "999", "Undetermined", 8),
        ("P2", "miR-1-3p", "31.2", "failed QC", 9),
    ],
    "OpenArray": [
        ("P1", "miR-1-3p", "24.5", "24.5", 2),
        ("P1", "snoRNA1", "20.5", "20.5", 3),
        ("P2", "miR-1-3p", "40", ">40", 4),
    ],
    "MiRNAQCD": [
        ("P1", "miR21", "24.5", "24.5", 3),
        ("P1", "miR21", "24.7", "24.7", 4),
        ("P2", "miR21", "25.1", "25.1", 5),
        ("P1", "U6", "20.1", "20.1", 6),
        ("P2", "U6", "20.2", "20.2", 7),
    ],
}
TASKS = {
    "QuantStudio": ["unknown", "unknown", "omitted", "unknown", "ntc", "standard", "unknown"],
    "SDS": ["unknown", "reference", "unknown", "ntc"],
    "LightCycler 480": ["unknown", "unknown", "omitted", "standard", "ntc"],
    "LightCycler 96": ["unknown", "unknown", "negative control"],
    "CFX": ["unknown", "unknown", "ntc", "standard", "positive control"],
    "BioMark": ["unknown", "unknown", "unknown", "ntc"],
    "OpenArray": ["unknown", "reference", "unknown", "omitted"],
    "MiRNAQCD": ["unknown"] * 5,
}
LEFT_OUT = {
    "QuantStudio": "wells left out: 1 ntc, 1 omitted, 1 standard, 1 without a specimen's name",
    "SDS": "wells left out: 1 ntc",
    "LightCycler 480": "wells left out: 1 ntc, 1 omitted, 1 standard",
    "LightCycler 96": "wells left out: 1 negative control",
    "CFX": "wells left out: 1 ntc, 1 positive control, 1 standard",
    "BioMark": "wells left out: 1 ntc",
    "OpenArray": "wells left out: 1 omitted",
}


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("instruments") / "file.bin"

    def write(content):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def cells(table):
    columns = (table.columns[name] for name in ("specimen_id", "analyte", "ct", "value"))
    return [*zip(*columns, table.lines, strict=True)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_recognised_and_its_specimen_wells_are_kept(family, file):
    table = read_table(file(FAMILIES[family]))
    assert cells(table) == KEPT[family]
    assert any(family in note for note in table.notes)
    assert table.unit == "Ct"
    assert LEFT_OUT.get(family) == next((n for n in table.notes if n.startswith("wells left out")), None)
    assert table.decimal == ("," if family == "LightCycler 480" else ".")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_well_is_there_with_its_task(family, file):
    wells = read_wells(file(FAMILIES[family]))
    assert wells.columns["task"] == TASKS[family]
    assert len(read_table(file(FAMILIES[family]))) <= len(wells)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "dos", "mac"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gzip"])
def test_encoding_and_line_ends_do_not_matter(family, end, encoding, file):
    text = FAMILIES[family].replace("\n", end)
    content = gzip.compress(text.encode()) if encoding == "gzip" else text.encode(encoding)
    assert cells(read_table(file(content))) == KEPT[family]


def test_latin_1_is_decoded_in_an_export_and_said_and_refused_in_a_plain_table(file):
    text = QUANTSTUDIO.replace("Cт", "CT").replace("P1", "Pé")
    table = read_table(file(text.encode("latin-1")))
    assert set(table.columns["specimen_id"]) == {"Pé", "P2"}
    assert "not UTF-8: decoded as Windows-1252" in table.notes
    with pytest.raises(InputRefused, match="ENCODING"):
        read_table(file("id,miR-1-3p\nPé,24.5\n".encode("latin-1")))


@pytest.mark.parametrize("preamble", [0, 23])
def test_a_workbook_is_searched_through_all_its_sheets(preamble, file):
    book = openpyxl.Workbook()
    book.active.title = "Sample Setup"
    book.active.append(["Well", "Well Position", "Sample Name", "Target Name", "Task"])
    book.active.append([1, "A1", "P1", "miR-1-3p", "UNKNOWN"])
    sheet = book.create_sheet("Results")
    for i in range(preamble):
        sheet.append(["Barcode", "B7"] if i == 3 else [f"Key {i}", "v"])
    sheet.append(["Well", "Well Position", "Omit", "Sample", "Target", "Task", "Reporter", "Cq", "Cq Mean"])
    sheet.append([1, "A1", False, 6400, "miR-1-3p", "UNKNOWN", "FAM", 24.5, 24.5])
    sheet.append([2, "A2", False, 6400, "miR-2-3p", "UNKNOWN", "FAM", "UNDETERMINED", None])
    sheet.append([3, "A3", True, 6400, "miR-2-3p", "UNKNOWN", "FAM", 30, None])
    book.create_sheet("Replicate Group Result").append(["Sample", "Target", "Cq Mean"])
    out = io.BytesIO()
    book.save(out)
    table = read_table(file(out.getvalue()))
    assert cells(table) == [
        ("6400", "miR-1-3p", "24.5", "24.5", preamble + 2),
        ("6400", "miR-2-3p", "UNDETERMINED", "UNDETERMINED", preamble + 3),
    ]
    assert table.where(0) == f"file.bin, row {preamble + 2}"
    assert {"sheet 'Results'", "wells left out: 1 omitted"} <= set(table.notes)
    assert table.columns.get("plate") == (["B7", "B7"] if preamble else None)


def test_the_plate_is_the_run_and_empty_columns_are_left_out(file):
    assert set(read_table(file(QUANTSTUDIO)).columns["plate"]) == {"run µ7"}
    assert set(read_table(file(OPENARRAY)).columns["plate"]) == {"X1"}
    assert "plate" not in read_table(file(CFX)).columns


def test_the_biological_group_is_kept_where_the_export_names_one(file):
    assert "group" not in read_table(file(CFX)).columns
    assert read_table(file(CFX.replace(",P1,,", ",P1,case,"))).columns["group"] == ["case", ""]


def test_dyes_stand_in_for_targets_only_where_no_well_names_one(file):
    table = read_table(file(CFX.replace("miR-1-3p", "")))
    assert set(table.columns["analyte"]) == {"FAM"}
    assert "no well names its target: the dye stands in (FAM)" in table.notes
    table = read_table(file(CFX.replace("miR-1-3p,Unkn-01", ",Unkn-01")))
    assert cells(table) == [("P2", "miR-1-3p", "NaN", "Undetermined", 3)]
    assert any("1 without a target's name" in note for note in table.notes)


def test_words_that_no_family_knows_are_said(file):
    notes = read_table(file(CFX.replace("Unkn-01", "miR-7"))).notes
    assert "1 wells have a task that exodx does not know ('miR-7'): taken for specimens" in notes


VIC = LIGHTCYCLER.replace("FAM (465-510)", "VIC (533-580)").replace("24,5", "20,1")


@pytest.mark.parametrize("gap", ["", "\n", "\t\t\n\n"])
def test_a_light_cycler_file_of_several_filters_is_read_filter_by_filter(gap, file):
    table = read_table(file(LIGHTCYCLER + gap + VIC))
    assert list(zip(*(table.columns[c] for c in ("specimen_id", "analyte", "value")), strict=True)) == [
        ("P1", "FAM (465-510)", "24,5"),
        ("P2", "FAM (465-510)", "Undetermined"),
        ("P1", "VIC (533-580)", "20,1"),
        ("P2", "VIC (533-580)", "Undetermined"),
    ]
    shift = gap.count("\n")
    assert table.lines == [3, 4, 10 + shift, 11 + shift]
    assert "no well names its target: the dye stands in (FAM (465-510), VIC (533-580))" in table.notes
    assert len(read_wells(file(LIGHTCYCLER + gap + VIC))) == 10


def test_a_target_column_tells_the_wells_of_two_filters_apart(file):
    def with_target(text, name):
        lines = text.splitlines()
        return "\n".join([lines[0], lines[1] + "\tTarget Name", *[f"{line}\t{name}" for line in lines[2:]]]) + "\n"

    text = LIGHTCYCLER.replace("\t\t\t0\n", "\t\t\t0\t\n")
    table = read_table(
        file(with_target(text, "miR-1-3p") + with_target(text.replace("FAM (465-510)", "VIC (533-580)"), "miR-2-3p"))
    )
    assert table.columns["analyte"] == ["miR-1-3p", "miR-1-3p", "miR-2-3p", "miR-2-3p"]


def test_one_filter_twice_is_refused(file):
    with pytest.raises(InputRefused, match="WELLS_TWICE"):
        read_table(file(LIGHTCYCLER + LIGHTCYCLER))


def test_doubts_of_the_instrument_are_counted_and_take_no_ct(file):
    header, rows = QUANTSTUDIO.split("Reporter\tCт")
    text = header + "Reporter\tAmp Status\tCт" + rows.replace("FAM\t24.5", "FAM\tNo Amp\t24.5").replace("FAM\tU", "FAM\tNo Amp\tU")
    text = (
        text.replace("FAM\t25.5", "FAM\tNo Amp\t25.5")
        .replace("FAM\t30", "FAM\tInconclusive\t30")
        .replace("FAM\t38.9", "FAM\tAmp\t38.9")
    )
    table = read_table(file(text))
    assert table.columns["value"][:2] == ["24.5", "Undetermined"]
    assert "1 wells have a Ct and are marked 'No Amp': their Ct is kept" in table.notes
    assert "1 wells have a Ct and are marked 'Inconclusive': their Ct is kept" in table.notes


def test_sds_flags_are_counted_and_omitted_wells_left_out(file):
    text = SDS.replace("StdDev Ct", "Flagged\tOmit").replace("24.5\t", "24.5\tFlagged\tfalse").replace("20.1\t", "20.1\tPassed\t1")
    table = read_table(file(text))
    assert table.columns["value"] == ["24.5", "Undetermined"]
    assert {"1 wells have a Ct and are marked 'Flagged': their Ct is kept", "wells left out: 1 ntc, 1 omitted"} <= set(table.notes)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_platform_is_told(family, file):
    assert family in read_table(file(FAMILIES[family])).platform


GENOTYPING = "[Results]\nWell\tSample Name\tSNP Assay Name\tTask\tAllele1 Ct\tAllele2 Ct\nA1\tP1\tX\tUNKNOWN\t20\t21\n"
REFUSED = {
    "NOT_QUANTIFICATION": GENOTYPING,
    "NO_SPECIMEN": SDS.replace("\tTarget\t", "\tNTC\t").replace("\tEndogenous Control\t", "\tNTC\t"),
    "WELLS_TWICE": SDS.replace("3\tP2", "\n3\tP2"),
    "ROW_RAGGED": CFX.replace("24.5,24.5", "24,5,24,5"),
    "QUOTE": CFX.replace("P1", '"P1'),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_would_be_lost_or_misread_is_refused(code, file):
    with pytest.raises(InputRefused) as caught:
        read_table(file(REFUSED[code]))
    assert {p.code for p in caught.value.problems} == {code}


def test_a_plain_table_is_no_export(file):
    plain = "specimen_id,analyte,value\nP1,miR-1-3p,24.5\nP2,miR-1-3p,25\n"
    assert read_table(file(plain)).header == ["specimen_id", "analyte", "value"]
    with pytest.raises(InputRefused, match="NOT_AN_EXPORT"):
        read_wells(file(plain))


@pytest.mark.parametrize(
    "text",
    [
        MIRNAQCD.replace("U6\tP2\t20.2\tB", "U6\tP2\t20.2\tA"),  # a subject of two classes
        MIRNAQCD.replace("24.7", "case"),  # no Ct
        "name\tP\t1\tA\n" + MIRNAQCD.replace("\t24.5", "\t245"),  # no Ct
        "miR21\tP1\t24.5\tA\nU6\tP2\t20.2\tB\n",  # too short to be sure
    ],
)
def test_four_columns_without_a_header_are_not_guessed_at(text, file):
    with pytest.raises(InputRefused, match="NOT_AN_EXPORT"):
        read_wells(file(text))


def test_reading_an_export_does_not_import_pandas(file):
    path = str(file(QUANTSTUDIO))
    code = f"import sys; from exodx.tables.reader import read_table; read_table({path!r}); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lines_of_the_wrong_width_and_quoted_cells_are_cut_all_the_same(file):
    short = SDS.replace("\tUndetermined\t\n4", "\tUndetermined\n4")
    quoted = SDS.replace("\tmiR-1-3p\t", '\t"miR-1-3p"\t')
    assert short != SDS != quoted
    assert cells(read_table(file(short))) == cells(read_table(file(quoted))) == KEPT["SDS"]


@given(st.binary(max_size=200) | st.sampled_from(sorted(FAMILIES)).flatmap(lambda f: mangled(FAMILIES[f].encode())))
def test_any_bytes_give_a_table_or_a_refusal(file, content):
    for reader in (read_table, read_wells):
        with suppress(InputRefused):
            table = reader(file(content))
            assert isinstance(table, TextTable)
            assert {len(column) for column in table.columns.values()} == {len(table)}


def mangled(content):
    cut = st.integers(0, len(content))
    return st.tuples(cut, cut, st.binary(max_size=6)).map(lambda t: content[: min(t[:2])] + t[2] + content[max(t[:2]) :])

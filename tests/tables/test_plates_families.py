"""Hand-written exports of every family: the wells are those that were written, and the concentrations those that were put in."""

import re
from collections import Counter

import openpyxl
import pytest

from exodx.errors import InputRefused
from exodx.tables.reader import read_table
from exodx.tables.wells import read_plates
from tests.tables import plate_texts as texts

WELLS = {"standard": 14, "blank": 2, "control": 2, "unknown": 8}
FAMILIES = {
    "long": (texts.long(), ["PD-L1"], "pg/mL", "ELISA"),
    "long-comma": (texts.long(";", ","), ["PD-L1"], "pg/mL", "ELISA"),
    "long-tab-two": (texts.long("\t", curves=texts.ANALYTES), ["PD-L1", "CD9"], "pg/mL", "ELISA"),
    "xponent": (texts.xponent(), ["PD-L1", "CD9"], "pg/mL", "Luminex"),
    "bioplex": (texts.bioplex(), ["PD-L1", "CD9"], "pg/mL", "Luminex"),
    "msd": (texts.msd(groups=True), ["PD-L1", "CD9"], "", "MSD"),
    "gen5": (texts.gen5(), ["concentration"], "", "ELISA"),
    "gen5-apart": (texts.gen5(apart=True), ["concentration"], "", "ELISA"),
    "softmax": (texts.softmax(), ["concentration"], "pg/mL", "ELISA"),
}


def check(table, analytes, names=tuple(texts.SPECIMENS)):
    assert table.columns["specimen_id"] == list(names)
    assert list(table.analytes) == analytes
    for analyte in analytes:
        for cell, truth in zip(table.columns[analyte], texts.TRUTH.values(), strict=True):
            if isinstance(truth, str):
                assert cell == truth
            else:
                assert float(cell) == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_concentrations_are_those_that_were_put_in(family, tmp_path):
    text, analytes, unit, platform = FAMILIES[family]
    path = tmp_path / "export.dat"
    path.write_text(text, newline="")
    check(read_table(path), analytes)
    assert (read_table(path).unit, read_table(path).platform) == (unit, platform)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_well_is_kept_with_its_kind(family, tmp_path):
    text, analytes, *_ = FAMILIES[family]
    path = tmp_path / "export.dat"
    path.write_text(text, newline="")
    (plate,) = read_plates(path)
    assert list(plate.analytes) == analytes
    for analyte in analytes:
        kinds = Counter(well.kind for well in plate.of(analyte))
        kinds.pop("unassigned", None)
        assert kinds == WELLS
        put = {p.well: p for p in texts.content()}
        curve = (texts.OD if len(analytes) == 1 else texts.ANALYTES).get(analyte, texts.OD["PD-L1"])
        for well in plate.of(analyte, *WELLS):
            assert well.signal == pytest.approx(texts.reading(curve, put[well.well]), rel=1e-9)
            assert well.kind == put[well.well].kind
            if well.kind == "standard":
                assert well.concentration == put[well.well].amount
            if well.kind == "unknown":
                assert (well.specimen_id, well.dilution) == (put[well.well].name, put[well.well].dilution)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_encodings_and_line_ends_do_not_matter(encoding, ends, tmp_path):
    path = tmp_path / "export.txt"
    path.write_bytes(texts.softmax().replace("Temperature", "Temperature(°C)").replace("\r\n", ends).encode(encoding))
    check(read_table(path), ["concentration"])


def workbook(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([float(c) if c.replace(".", "", 1).isdigit() else c or None for c in row])
    book.save(path)


def test_gen5_workbook_whose_cells_begin_a_column_later(tmp_path):
    workbook(tmp_path / "x.xlsx", {"Plate 1": [["", *row] for row in texts.gen5_rows()], "Notes": [["nothing", "here"]]})
    table = read_table(tmp_path / "x.xlsx")
    check(table, ["concentration"])
    assert any("not used: 'Notes'" in note for note in table.notes)


def test_bioplex_workbook_with_a_sheet_an_analyte(tmp_path):
    sheets = {
        a: [[c for i, c in enumerate(row) if i != 0 or len(row) < 5] for row in texts.bioplex_rows(a)] for a in texts.ANALYTES
    }
    workbook(tmp_path / "x.xlsx", sheets)
    check(read_table(tmp_path / "x.xlsx"), ["PD-L1", "CD9"])
    assert read_plates(tmp_path / "x.xlsx")[0].plate == "EV-7"


def test_plain_table_in_a_workbook(tmp_path):
    workbook(tmp_path / "x.xlsx", {"wells": [line.split(",") for line in texts.long().splitlines()]})
    check(read_table(tmp_path / "x.xlsx"), ["PD-L1"])


def test_specimens_without_a_name_go_by_the_vendors_number(tmp_path):
    (tmp_path / "gen5.txt").write_text(texts.gen5(name=False))
    check(read_table(tmp_path / "gen5.txt"), ["concentration"], ("SPL1", "SPL2", "SPL3", "SPL4"))
    (tmp_path / "msd.csv").write_text(texts.msd())
    check(read_table(tmp_path / "msd.csv"), ["PD-L1", "CD9"], ("U001", "U002", "U003", "U004"))


@pytest.mark.parametrize(
    "text",
    [
        texts.msd(("Plate_1", "Plate_2"), groups=True),
        texts.gen5(plate="Plate 1") + "\n" + texts.gen5(plate="Plate 2"),
        texts.softmax(("P1", "P2")),
        texts.long(plate="1") + "\n".join(texts.long(plate="2").splitlines()[1:]) + "\n",
    ],
    ids=["msd", "gen5", "softmax", "long"],
)
def test_two_plates_in_a_file_have_curves_of_their_own(text, tmp_path):
    path = tmp_path / "two.txt"
    path.write_text(text, newline="")
    plates, table = read_plates(path), read_table(path)
    assert len(plates) == 2
    assert table.columns["specimen_id"] == [*texts.SPECIMENS, *texts.SPECIMENS]
    assert table.columns["plate"] == [plates[0].plate] * 4 + [plates[1].plate] * 4
    assert any("4 specimens stand on several plates" in note for note in table.notes)
    analyte = table.analytes[0]
    assert table.columns[analyte][:4] == table.columns[analyte][4:]


def test_vendor_concentrations_are_compared_where_both_exist(tmp_path):
    (tmp_path / "x.csv").write_text(texts.xponent())
    notes = [note for note in read_table(tmp_path / "x.csv").notes if "differ by" in note]
    assert len(notes) == 2
    assert "9.1% at most" in notes[0]  # the export says 1.1 times what was put in


def test_outliers_marked_by_the_operator_are_not_used(tmp_path):
    rows = texts.bioplex_rows("CD9")
    for row in rows:
        if len(row) > 5 and row[2] == "B3":
            row[3], row[5] = "1", "9999"
    path = tmp_path / "x.txt"
    path.write_text("\n".join("\t".join(row) for row in rows))
    table = read_table(path)
    check(table, ["CD9"])
    assert any("1 readings are marked as outliers" in note for note in table.notes)


def test_decimal_commas_beside_a_version_with_a_point(tmp_path):
    text = texts.softmax()
    lines = [line if line.startswith(("Plate:", "Orig", "##")) else line.replace(".", ",") for line in text.split("\r\n")]
    (tmp_path / "x.txt").write_text("\r\n".join(lines), newline="")
    assert "\t1.3\t" in (tmp_path / "x.txt").read_text()
    check(read_table(tmp_path / "x.txt"), ["concentration"])


def test_specimens_with_short_names_stay_specimens(tmp_path):
    """``B12`` is a blank for Bio-Plex's Type, never where a name stands."""
    path = tmp_path / "x.csv"
    for text in (texts.xponent(), texts.msd(), texts.gen5(name=False)):
        for old, new in (("P-01", "B12"), ("U001", "B12"), ("SPL1", "B12")):
            text = text.replace(old, new)
        path.write_text(text)
        assert read_table(path).columns["specimen_id"][0] == "B12"


def test_unknown_kinds_are_taken_for_specimens_and_said(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(texts.long().replace(",unknown,", ",serum,"))
    table = read_table(path)
    check(table, ["PD-L1"])
    assert any("not known ('serum'): taken for specimens" in note for note in table.notes)
    assert any(note == "plate '1': readings of 2 blank, 2 control, 8 specimen, 14 standard" for note in table.notes)


@pytest.mark.parametrize(("written", "factor"), [("4", 4), ("1:4", 4), ("1/4", 4), ("", 1), ("0.5", 0.5)])
def test_dilutions_are_read_as_they_are_written(written, factor, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(texts.long().replace(",2\n", f",{written}\n"))
    table = read_table(path)
    assert float(table.columns["PD-L1"][0]) == pytest.approx(50 * factor, rel=1e-4)
    assert any("a dilution below 1 (0.5)" in note for note in table.notes) is (factor < 1)


def test_a_masked_well_and_a_standard_of_nothing(tmp_path):
    """Gen5 masks ``*0.356*``; a standard of 0 is a blank."""
    text = texts.gen5(apart=True)
    b3 = repr(texts.reading(texts.OD["PD-L1"], next(p for p in texts.content() if p.well == "B3")))
    path = tmp_path / "x.txt"
    path.write_text(text.replace(b3, "*9.9*", 1).replace("BLK", "STD8").replace("3\t3\t", "3\t3\t"))
    (plate,) = read_plates(path)
    assert [w.signal for w in plate.wells if w.well == "B3"] == [None]
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("H\tSTD8"))
    lines[at + 1] = "\t0\t0" + lines[at + 1][2:]
    path.write_text("\n".join(lines))
    assert [w.kind for w in read_plates(path)[0].wells if w.specimen_id == "STD8"] == ["blank", "blank"]
    check(read_table(path), ["concentration"])


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (texts.softmax(groups=False), "NO_LAYOUT", "no layout says"),
        (texts.softmax(("P1", "P2"), platename=False), "PLATE_UNCLEAR", "2 plates"),
        (texts.gen5().replace("Blank 450", "630"), "READ_UNCLEAR", "'450', '630'"),
        (texts.gen5().split("Results")[0], "NO_LAYOUT", "0 wells"),
        (re.sub(r"\nD\t.*\tWell ID", "\nD\t", texts.gen5()), "LAYOUT_TORN", "12 wells (D1"),
        (texts.gen5().replace("Layout", "Something"), "NO_LAYOUT", "96 wells"),
        (texts.long().replace(",standard,", ",unknown,"), "NO_STANDARDS", "2 blank, 22 specimens"),
        (texts.long().replace(",standard,", ",blank,").replace(",unknown,", ",blank,"), "NO_STANDARDS", "24 blank, 0 specimens"),
        (re.sub(r"(standard,S\d,PD-L1),[^,]+", r"\1,", texts.long()), "STANDARDS_WITHOUT_CONCENTRATION", "not in the file"),
        (
            re.sub(r"(standard,S(\d),PD-L1,[^,]+),[^,]+", r"\1,1.\2", texts.long()).replace("1.3,1", "9,1"),
            "CURVE_REFUSED",
            "two standards",
        ),
        (texts.long() + texts.long().splitlines()[1] + "\n", "WELL_TWICE", "A1 (PD-L1)"),
        (texts.xponent().replace('"Median"', '"Mean"'), "BLOCK_MISSING", "Median"),
        (texts.xponent().replace("3(1,B1)", "third"), "LOCATION_UNREADABLE", "third"),
        (texts.xponent().replace('"pg/ml","pg/ml"', '"pg/ml","ng/ml"'), "UNITS_DIFFER", "ng/mL, pg/mL"),
        (texts.xponent().replace('"Standard1","1000.0"', '"Standard1","much"'), "CELL_UNREADABLE", "much"),
        (texts.long().replace("standard,S1,PD-L1,1000", "standard,S1,PD-L1,-1000"), "CELL_UNREADABLE", "negative"),
        (texts.long().replace("P-01,PD-L1,,", "P-01,PD-L1,,x"), "CELL_UNREADABLE", "where a signal belongs"),
        (texts.long().replace(",10\n", ",0\n"), "CELL_UNREADABLE", "not above 0"),
        (
            "well;kind;specimen_id;concentration;signal\nA1;standard;S1;1;12,345\nB1;unknown;P;;14,001\n",
            "DECIMAL_AMBIGUOUS",
            "12,345",
        ),
    ],
)
def test_broken_exports_are_refused_with_their_reason(text, code, words, tmp_path):
    path = tmp_path / "x.txt"
    path.write_text(text, newline="")
    with pytest.raises(InputRefused) as refusal:
        read_table(path)
    assert {p.code for p in refusal.value.problems} == {code}
    assert words in str(refusal.value)


def test_all_unreadable_cells_are_told_at_once(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(texts.long().replace(",2\n", ",two\n").replace("standard,S7,PD-L1,1,", "standard,S7,PD-L1,one,"))
    with pytest.raises(InputRefused) as refusal:
        read_table(path)
    assert len(refusal.value.problems) == 4
    assert "line 14" in refusal.value.problems[0].where


@pytest.mark.parametrize(
    "text",
    [
        "specimen_id,PD-L1,CD9\nA,1,2\nB,3,4\n",
        "specimen_id,type,well,signal,concentration\nA,serum,A1,1,2\nB,plasma,A2,3,4\n",
        "1,2,3,4\nx,1,2,3\ny,1,2,3\nz,1,2,3\n",
        "gene\tS1\tS2\nA\t1\t2\n",
    ],
)
def test_other_tables_are_no_plates(text, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(InputRefused, match="NOT_A_PLATE"):
        read_plates(path)
    assert read_table(path).platform == ""


@pytest.mark.parametrize(
    "text",
    [
        "Well positions,Raw data\nA1,0.1\nA2,0.2\nMeasurement mode: Absorbance,\n",
        "Plate 7\n\t1\t2\t3\t4\nA\t0.1\t0.2\t0.3\t0.4\nB\t0.1\t0.2\t0.3\t0.4\nC\t0.1\t0.2\t0.3\t0.4\n",
    ],
)
def test_signals_alone_are_refused_for_want_of_a_layout(text, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(InputRefused, match="NO_LAYOUT") as refusal:
        read_table(path)
    assert "no layout says which hold standards" in str(refusal.value)

"""Olink NPX: long exports of every version and NPX Manager workbooks become a row a specimen; controls, QC and LOD are told."""

import csv
import io

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exodx.cohort import Intake, build_cohort
from exodx.errors import InputRefused
from exodx.frozen import State
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table

HEADER = ["SampleID", "Index", "OlinkID", "UniProt", "Assay", "MissingFreq", "Panel", "PlateID", "QC_Warning", "LOD", "NPX"]
ASSAYS = [("OID1", "P05231", "IL6", "Cardio"), ("OID2", "P01375", "TNF", "Cardio"), ("OID3", "P05231", "IL6", "Neuro")]
NPX = {"P1": ("1.5", "-0.5", "1.75"), "P2": ("2.5", "3", "2.25"), "P3": ("0.25", "", "0.5")}


def rows(normalisation="Plate control", **extra):
    """Make one row a specimen and assay, as dicts."""
    made = []
    for i, (specimen, values) in enumerate(NPX.items()):
        for (olink, uniprot, assay, panel), value in zip(ASSAYS, values, strict=True):
            cells = (specimen, i, olink, uniprot, assay, "0.1", panel, f"plate {i // 2}", "Pass", "0.3", value)
            made.append(
                {**dict(zip(HEADER, cells, strict=True)), "Normalization": normalisation, "Subject": specimen.lower(), **extra}
            )
    return made


def text(made, delimiter=","):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(made[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(made)
    return out.getvalue()


def parquet(made):
    out = io.BytesIO()
    columns = {k: [float(r[k]) if k in ("NPX", "LOD") and r[k] else r[k] or None for r in made] for k in made[0]}
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def workbook(grid):
    book = openpyxl.Workbook()
    for row in grid:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def read(tmp_path):
    def written(content):
        path = tmp_path / "no.name"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path)

    return written


def refused(read, content):
    with pytest.raises(InputRefused) as caught:
        read(content)
    return {p.code for p in caught.value.problems}


FORMS = {
    "csv": lambda: text(rows()),
    "semicolon": lambda: text(rows(), ";"),
    "decimal comma": lambda: text(
        [{**r, "NPX": r["NPX"].replace(".", ","), "LOD": "0,3", "MissingFreq": "0,1"} for r in rows()], ";"
    ),
    "parquet": lambda: parquet(rows()),
    "workbook": lambda: workbook([list(rows()[0]), *[[float(v) if k == "NPX" and v else v for k, v in r.items()] for r in rows()]]),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_long_export_becomes_a_row_a_specimen_in_every_form(form, read):
    table = read(FORMS[form]())
    assert table.columns["SampleID"] == ["P1", "P2", "P3"]
    assert table.columns["plate"] == ["plate 0", "plate 0", "plate 1"]
    assert table.columns["Subject"] == ["p1", "p2", "p3"]
    assert table.analytes == ("IL6 (Cardio)", "TNF", "IL6 (Neuro)")
    assert [v.replace(",", ".") for v in table.columns["TNF"]] == ["-0.5", "3", ""]
    assert (table.unit, table.platform) == ("NPX", "Olink NPX")
    assert table.accessions == {"IL6 (Cardio)": "P05231", "TNF": "P01375", "IL6 (Neuro)": "P05231"}
    assert {"NPX normalised by plate control", "1 assays are measured more than once (IL6): their columns name the panel"} <= set(
        table.notes
    )
    assert "2 of 8 NPX (25%) are below their LOD: they keep their number" in table.notes
    assert to_wide(table, lambda name: name == "nothing") == table


def test_a_cohort_of_npx_keeps_its_unit_and_negative_values(read):
    cohort = build_cohort(read(text(rows())), Intake())
    assert {a.unit for a in cohort.panel.analytes} == {"NPX"}
    values, states = cohort.measurements.column("TNF")
    assert values[:2].tolist() == [-0.5, 3.0]
    assert [State(s).name for s in states] == ["MEASURED", "MEASURED", "NOT_RUN"]
    assert cohort.specimens["plate"].tolist() == ["plate 0", "plate 0", "plate 1"]


def test_the_order_of_rows_does_not_matter_to_any_value(read):
    table, turned = read(text(rows())), read(text(rows()[::-1]))
    for name in table.analytes:
        by_id = dict(zip(turned.columns["SampleID"], turned.columns[name], strict=True))
        assert table.columns[name] == [by_id[i] for i in table.columns["SampleID"]]


HT = ("SampleType", "WellID", "AssayType", "Block", "Count", "ExtNPX", "PCNormalizedNPX", "AssayQC", "SampleQC")


def explore_ht(**changes):
    made = [{k: v for k, v in r.items() if k not in ("Index", "MissingFreq", "QC_Warning", "LOD")} for r in rows()]
    values = ("SAMPLE", "A1", "assay", "1", "150", "-3.1", "9.9", "PASS", "PASS")
    return [{**r, **dict(zip(HT, values, strict=True)), **changes} for r in made]


def test_explore_ht_and_reveal_spellings(read):
    made = explore_ht()
    made += [
        {**r, "SampleID": f"C{i}", "SampleType": kind}
        for i, kind in enumerate(("PLATE_CONTROL", "NEGATIVE_CONTROL"))
        for r in made[:3]
    ]
    made += [{**made[0], "OlinkID": "OID9", "Assay": "Incubation control 1", "AssayType": "inc_ctrl"}]
    table = read(text(made))
    assert table.columns["SampleID"] == ["P1", "P2", "P3"]
    assert table.columns["TNF"] == ["-0.5", "3", ""]  # NPX, not PCNormalizedNPX, ExtNPX or Count
    assert "rows left out: 1 internal control, 3 negative control, 3 plate control" in table.notes
    assert "the export gives no LOD" in table.notes
    assert set(table.header) == {"SampleID", "plate", "Subject", *table.analytes}


def test_plate_control_values_stand_in_where_there_is_no_npx(read):
    made = [{k: v for k, v in r.items() if k != "NPX"} for r in explore_ht(Normalization="Intensity")]
    table = read(text(made))
    assert table.columns["TNF"] == ["9.9"] * 3
    assert "NPX normalised by plate control" in table.notes


def test_failed_quality_control_takes_the_number_and_a_warning_does_not(read):
    made = rows(AssayQC="PASS")
    made[0]["QC_Warning"], made[3]["QC_Warning"], made[4]["AssayQC"], made[8]["QC_Warning"] = "FAIL", "Warning", "WARN", "EXCLUDED"
    table = read(text(made))
    assert table.columns["IL6 (Cardio)"] == ["failed qc", "2.5", "0.25"]
    assert table.columns["IL6 (Neuro)"] == ["1.75", "2.25", "failed qc"]
    assert "2 values failed the specimen's quality control: they are not used" in table.notes
    assert "1 values carry a warning of the specimen's quality control: they are used" in table.notes
    assert "1 values carry a warning of the assay's quality control: they are used" in table.notes
    cohort = build_cohort(table, Intake())
    assert State(cohort.measurements.column("IL6 (Cardio)")[1][0]) is State.FAILED_QC


@pytest.mark.parametrize("control", ["NEG_CTRL_1", "CONTROL_SAMPLE_AS 2", "Plate Control", "IPC 1", "NC", "Neg Ctrl"])
def test_controls_are_known_by_their_id_only_without_a_column_for_it(control, read):
    made = rows() + [{**r, "SampleID": control} for r in rows()[:3]]
    table = read(text(made))
    assert table.columns["SampleID"] == ["P1", "P2", "P3"]
    assert "rows left out: 3 control, by its id" in table.notes
    typed = [{**r, "SampleType": "SAMPLE"} for r in made]
    assert read(text(typed)).columns["SampleID"] == ["P1", "P2", "P3", control]


@pytest.mark.parametrize("name", ["NC07", "SC-001", "PC12", "Negri", "Control 7"])
def test_a_specimen_that_only_sounds_like_a_control_stays(name, read):
    table = read(text(rows() + [{**r, "SampleID": name} for r in rows()[:3]]))
    assert table.columns["SampleID"][-1] == name


def test_panels_on_plates_of_their_own(read):
    made = [{**r, "PlateID": f"{r['Panel']} 1"} for r in rows()]
    assert set(read(text(made)).columns["plate"]) == {"Cardio 1 + Neuro 1"}


def test_one_assay_twice_in_a_panel_is_told_apart_by_its_id(read):
    assert read(text([{**r, "Panel": "Explore HT"} for r in rows()])).analytes == ("IL6 (OID1)", "TNF", "IL6 (OID3)")


def test_what_cannot_be_one_table_is_refused(read):
    mixed = rows()
    mixed[0]["Normalization"] = "Intensity"
    assert refused(read, text(mixed)) == {"NORMALISATION_MIXED"}
    assert refused(read, text(rows() + rows()[:1])) == {"VALUE_TWICE"}
    assert refused(read, text(rows(SampleType="PLATE_CONTROL"))) == {"NO_SPECIMEN"}
    without = [{k: v for k, v in r.items() if k != "NPX"} for r in rows()]
    assert refused(read, text(without)) == {"OLINK_NO_NPX"}
    with pytest.raises(InputRefused, match="absolute quantification"):
        read(text([{**r, "Quantified_value": "3.1", "Unit": "pg/mL"} for r in without]))


def test_excluded_assays_do_not_count_as_another_normalisation(read):
    made = rows("Intensity")
    made[1]["Normalization"] = "EXCLUDED"
    assert "NPX normalised by intensity" in read(text(made)).notes


def manager(foot=(), title="NPX data", values=NPX, warning="Pass"):
    """Make an NPX Manager export: two panels side by side, header rows above and rows on the assays below."""
    grid = [
        ["Project", "x"],
        [title],
        ["Panel", "Olink CVD", "Olink CVD", "Olink NEU", "Olink CVD", "Olink NEU", "Olink CVD", "Olink NEU", "Olink CVD"],
        ["Assay", "IL6", "TNF", "IL6", "Plate ID", "Plate ID", "QC Warning", "QC Warning", "QC Deviation from median"],
        ["Uniprot ID", "P05231", "P01375", "P05231", None, None, None, None, "Inc Ctrl 2"],
        ["OlinkID", "OID1", "OID2", "OID3"],
        [],
    ]
    for name, npx in values.items():
        grid.append(
            [name, *[float(v) if v else None for v in npx], "pl 1", "pl 2", "Pass", warning if name == "P2" else "Pass", 0.1]
        )
    grid += [[], ["LOD", 0.3, 0.3, 0.3], ["Missing Data freq.", 0.1, 0.1, 0.2], ["Normalization", *["Plate control"] * 3], *foot]
    return workbook(grid)


def test_an_npx_manager_workbook(read):
    table = read(manager(warning="Warning", values={**NPX, "IPC": NPX["P1"]}))
    assert table.columns["specimen_id"] == ["P1", "P2", "P3"]
    assert table.lines == [8, 9, 10]
    assert table.columns["plate"] == ["pl 1 + pl 2"] * 3
    assert table.columns["TNF"] == ["-0.5", "3", ""]
    assert table.analytes == ("IL6 (Olink CVD)", "TNF", "IL6 (Olink NEU)")
    assert table.accessions["IL6 (Olink NEU)"] == "P05231"
    assert (table.unit, table.platform) == ("NPX", "Olink NPX")
    assert "1 values carry a warning of the specimen's quality control: they are used" in table.notes
    assert "2 of 8 NPX (25%) are below their LOD: they keep their number" in table.notes
    assert "rows left out: 1 controls or rows without an id" in table.notes
    assert not {"LOD", "Normalization"} & set(table.columns["specimen_id"])


def test_a_failed_panel_takes_only_its_own_values(read):
    table = read(manager(warning="Fail"))
    assert table.columns["IL6 (Olink NEU)"][1] == "failed qc"
    assert table.columns["IL6 (Olink CVD)"][1] == "2.5"


def test_npx_manager_workbooks_that_cannot_be_used_are_refused(read):
    assert refused(read, manager(title="Quantified data")) == {"OLINK_NO_NPX"}
    assert refused(read, manager(foot=[["Normalization", "Intensity", "Plate control"]])) == {"NORMALISATION_MIXED"}
    assert refused(read, manager(values={"IPC 1": NPX["P1"]})) == {"NO_SPECIMEN"}
    without_ids = workbook([["NPX data"], ["Assay", "IL6"], ["OlinkID", "P05231"], ["P1", 3.5]])
    assert refused(read, without_ids) == {"OLINK_HEADER"}


@pytest.mark.cohorts
@pytest.mark.filterwarnings("ignore:Workbook contains no default style")
def test_real_exports(cohorts_folder):
    folder = cohorts_folder / "instrument-exports" / "olink"
    if not folder.is_dir():
        pytest.skip(f"the real exports are not here: {folder}")
    table = read_table(folder / "pyprideap_olink_sample.npx.csv")
    lines = (folder / "pyprideap_olink_sample.npx.csv").read_text().splitlines()
    raw = [r for r in csv.DictReader(lines) if r["SampleType"] == "SAMPLE"]
    for r in raw:
        value = table.columns[r["Assay"]][table.columns["SampleID"].index(r["SampleID"])]
        assert value == ("failed qc" if r["SampleQC"] == "FAIL" else r["NPX"])
    assert len(table) * len(table.analytes) == len(raw) == 9
    table = read_table(folder / "pyprideap_olink_sample.parquet")
    assert (len(table), table.analytes, table.unit) == (2, ("IL-6", "TNF"), "NPX")
    book = openpyxl.load_workbook(folder / "olinkform_v1.xlsx")
    grid = [row for row in book.active.iter_rows(values_only=True) if row[0] and not str(row[0]).startswith("#")]
    table = read_table(folder / "olinkform_v1.xlsx")
    assert table.columns["specimen_id"] == [str(row[0]) for row in grid[1:]]
    assert [float(v) for v in table.columns["IL-8"]] == [row[1] for row in grid[1:]]
    assert (len(table), len(table.analytes), table.unit) == (127, 92, "intensity")

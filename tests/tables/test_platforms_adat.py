"""SomaLogic ADAT: a file written by hand from the described format, what is left out of it, and what is refused."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exodx.cohort import Intake, build_cohort
from exodx.errors import InputRefused
from exodx.panel import Analyte, Panel
from exodx.tables.platforms import formats, registry
from exodx.tables.platforms.adat import is_adat, read_adat
from exodx.tables.reader import read_table

ABOUT = ("PlateId", "SampleId", "SampleType", "Barcode", "Sex", "RowCheck")
SOMAMERS = {
    "SeqId": ("8468-19", "2575-5", "2578-67", "3600-2", "2000-1", "9000-9"),
    "Target": ("PSA", "Leptin", "Leptin b", "CHIT1", "Fc", "Spuriomer 1"),
    "UniProt": ("P07288", "P41159", "P41159", "Q13231 Q9BZP6", "P01863", ""),
    "EntrezGeneSymbol": ("KLK3", "LEP", "LEP", "", "Ighg", ""),
    "Organism": ("Human", "Human", "Human", "Human", "Mouse", ""),
    "Type": ("Protein", "Protein", "Protein", "Protein", "Protein", "Spuriomer"),
    "ColCheck": ("PASS", "FLAG", "PASS", "PASS", "PASS", "PASS"),
}
ROWS = [
    ("set 1", "S1", "Sample", "", "F", "PASS", (476.5, 310.1, 100.3, 602.8, 1.0, 2.0)),
    ("set 1", "170261", "Calibrator", "", "", "PASS", (400.0, 300.0, 99.0, 500.0, 1.0, 2.0)),
    ("set 2", "S2", "Sample", "", "M", "FLAG", (9415.6, 99.6, 30.1, 563.9, 1.0, 2.0)),
    ("set 2", "B1", "Buffer", "", "", "PASS", (10.0, 9.0, 8.0, 7.0, 1.0, 2.0)),
]
STEPS = "Raw RFU, Hyb Normalization, medNormInt (SampleId), plateScale, Calibration, anmlQC, qcCheck, anmlSMP"


def adat(rows=ROWS, somamers=SOMAMERS, about=ABOUT, steps=STEPS, end="\n", checksum=True):
    lines = ["!Checksum\tabc"] if checksum else []
    lines += ["^HEADER", "!AdatId\tGID-1", "!Version\t1.2", *([f"!ProcessSteps\t{steps}"] if steps else [])]
    lines += ["^COL_DATA", "!Name\t" + "\t".join(somamers), "^ROW_DATA", "!Name\t" + "\t".join(about), "^TABLE_BEGIN"]
    lines += ["\t" * len(about) + "\t".join([name, *cells]) for name, cells in somamers.items()]
    lines += ["\t".join(about)]
    lines += ["\t".join([*row[:-1], "", *map(str, row[-1])]) for row in rows]
    return end.join(lines) + end


def read(text):
    return read_adat("a.adat", text, [])


def refused(text):
    with pytest.raises(InputRefused) as caught:
        read(text)
    return [(p.code, p.where) for p in caught.value.problems]


def test_specimens_and_somamers_of_human_proteins_are_read_and_the_others_counted():
    table = read(adat())
    assert table.columns["specimen_id"] == ["S1", "S2"]
    assert table.columns["plate"] == ["set 1", "set 2"]
    assert table.analytes == ("KLK3", "LEP (2575-5)", "LEP (2578-67)", "3600-2")
    assert [table.columns[name] for name in table.analytes] == [
        ["476.5", "9415.6"],
        ["310.1", "99.6"],
        ["100.3", "30.1"],
        ["602.8", "563.9"],
    ]
    assert "Barcode" not in table.columns  # blank throughout
    assert (table.unit, table.platform, table.lines) == ("intensity", "SomaScan", [19, 21])
    assert table.accessions == {
        "KLK3": "P07288",
        "LEP (2575-5)": "P41159",
        "LEP (2578-67)": "P41159",
    }  # two proteins have no one accession
    said = " | ".join(table.notes)
    assert "lines left out: 1 Buffer, 1 Calibrator" in said
    assert "SOMAmers left out: 1 Spuriomer, 1 of Mouse" in said
    assert "1 specimens are flagged by the platform's own check (RowCheck): they are used" in said
    assert "1 SOMAmers are flagged by the platform's own check (ColCheck): they are used" in said
    assert "scaled to a reference by its own median" in said


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_known_by_its_content_whatever_it_is_called(tmp_path, end, packed):
    content = adat(end=end, checksum=packed).encode()
    (tmp_path / "x.csv").write_bytes(gzip.compress(content) if packed else content)
    assert read_table(tmp_path / "x.csv").columns["specimen_id"] == ["S1", "S2"]


def test_a_panel_takes_its_columns_and_the_label_beside_them():
    rows = [(*row[:1], f"S{i}", "Sample", "", "FM"[i % 2], "PASS", row[-1]) for i, row in enumerate(ROWS * 5)]
    cohort = build_cohort(read(adat(rows)), Intake("auto", "Sex", "M"))
    assert (len(cohort), int(cohort.y.sum())) == (20, 10)
    assert {a.name: a.unit for a in cohort.panel.analytes} == dict.fromkeys(
        ("KLK3", "LEP (2575-5)", "LEP (2578-67)", "3600-2"), "intensity"
    )
    assert cohort.panel.platform == "SomaScan"
    psa = Analyte("prostate antigen", "protein", "intensity", fraction="total", accession="P07288")  # found by its accession alone
    panel = Panel("psa", "1", "PSA", (psa,), normalisation="none")
    found = build_cohort(read(adat(rows)), Intake(panel, "Sex", "M"))
    assert found.measurements.column("prostate antigen")[0].tolist() == [476.5, 400.0, 9415.6, 10.0] * 5


def test_without_process_steps_that_is_said():
    assert any("does not say how RFU were normalised" in note for note in read(adat(steps="")).notes)
    assert not any("own median" in note for note in read(adat(steps="Raw RFU, Hyb Normalization")).notes)


def test_what_is_damaged_is_refused_with_its_line():
    whole = adat()
    assert refused(whole.replace("\tSeqId\t8468-19", "\tSeqIdent\t8468-19")) == [("ADAT_DAMAGED", "a.adat")]
    assert refused(whole[: whole.index("\nPlateId\t")] + "\n") == [("ADAT_DAMAGED", "a.adat")]
    assert refused(whole.replace("602.8\t1.0\t2.0", "602.8\t1.0\t2.0\t3.0")) == [("ADAT_DAMAGED", "a.adat, line 19")]
    assert refused(adat(about=("PlateId", "SampleId", "SampleType", "Sex", "Sex", "RowCheck"))) == [
        ("HEADER_TWICE", "a.adat, line 18")
    ]
    assert refused(whole.replace("2578-67", "2575-5")) == [("ANALYTE_TWICE", "a.adat")]
    assert refused(whole.replace("\tSample\t", "\tQC\t")) == [("NO_SPECIMEN", "a.adat")]
    assert refused(whole.replace("SampleId", "SampleName")) == [("NO_SPECIMEN", "a.adat")]
    assert refused(whole.replace("Human", "Mouse")) == [("NO_ANALYTE", "a.adat")]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(adat()) - 1), junk=st.text("\t\n^!aS1", max_size=6))
def test_a_file_that_is_cut_or_scribbled_in_is_refused_or_read_never_a_traceback(cut, junk):
    text = adat()[:cut] + junk
    if is_adat(text):
        try:
            table = read(text)
        except InputRefused:
            return
        assert all(len(cells) == len(table) for cells in table.columns.values())


def test_every_reader_of_this_folder_is_in_the_registry_and_no_text_is_known_by_two():
    """The second line that a new reader needs: without it this fails."""
    from importlib import import_module
    from pkgutil import iter_modules

    from exodx.tables import platforms

    there = [import_module(f"exodx.tables.platforms.{each.name}") for each in iter_modules(platforms.__path__)]
    having = [module.FORMAT for module in there if hasattr(module, "FORMAT")]
    assert sorted(each.title for each in having) == sorted(each.title for each in (*registry.TEXTS, *registry.TABLES))
    assert {type(each) for each in having} == {formats.TextFormat, formats.TableFormat}
    for text in (adat(), "<Header>\nFileVersion,1.7\n", "!Series_title\tx\n", "^SERIES = GSE1\n", "specimen_id,miR-21-5p\nS1,22\n"):
        assert sum(each.recognises(text) for each in registry.TEXTS) <= 1

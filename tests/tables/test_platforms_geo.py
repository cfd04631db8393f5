"""GEO series matrices: measurements by probe, and the specimens' characteristics unpacked by their keys."""

import gzip

import pytest

from exodx.cohort import Intake, build_cohort
from exodx.errors import InputRefused
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table

HEAD = (
    '!Series_title\t"plasma exosomes"\n!Series_geo_accession\t"GSE1"\n!Series_platform_id\t"GPL18402"\n\n'
    '!Sample_title\t"case 1"\t"case 2"\t"control 1"\n'
    '!Sample_geo_accession\t"GSM1"\t"GSM2"\t"GSM3"\n'
    '!Sample_source_name_ch1\t"plasma"\t"plasma"\t"plasma"\n'
    '!Sample_characteristics_ch1\t"disease: CAD"\t"disease: CAD"\t"disease: healthy"\n'
    '!Sample_characteristics_ch1\t"age: 61"\t"gender: M"\t"age: 55"\n'
    '!Sample_characteristics_ch1\t"gender: F"\t"age: 70"\t"time: 9:30: late"\n'
    '!Sample_platform_id\t"GPL18402"\t"GPL18402"\t"GPL18402"\n'
)
TABLE = (
    '!series_matrix_table_begin\n"ID_REF"\t"GSM1"\t"GSM2"\t"GSM3"\n'
    '"hsa-miR-21-5p"\t7.25\t6.5\t5\n"hsa-miR-126-3p"\t3.5\tnull\t\n"DarkCorner"\t1\t2\t3\n!series_matrix_table_end\n'
)


@pytest.fixture
def read(tmp_path):
    def written(text, encode=str.encode):
        path = tmp_path / "matrix.xls"
        path.write_bytes(encode(text))
        return read_table(path)

    return written


def refused(read, text):
    with pytest.raises(InputRefused) as caught:
        read(text)
    return {p.code for p in caught.value.problems}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "dos", "mac"])
@pytest.mark.parametrize(
    "form", [str.encode, lambda t: gzip.compress(t.encode()), lambda t: t.encode("utf-16")], ids=["text", "gz", "utf16"]
)
def test_a_matrix_becomes_specimens_with_their_characteristics(end, form, read):
    table = read((HEAD + TABLE).replace("\n", end), form)
    assert table.columns["specimen_id"] == ["GSM1", "GSM2", "GSM3"]
    assert table.columns["title"] == ["case 1", "case 2", "control 1"]
    assert table.columns["source"] == ["plasma"] * 3
    assert table.columns["disease"] == ["CAD", "CAD", "healthy"]
    assert table.columns["age"] == ["61", "70", "55"]  # keys that change places from specimen to specimen
    assert table.columns["gender"] == ["F", "M", ""]
    assert table.columns["time"] == ["", "", "9:30: late"]
    assert table.columns["hsa-miR-126-3p"] == ["3.5", "", ""]
    assert table.analytes == ("hsa-miR-21-5p", "hsa-miR-126-3p", "DarkCorner")
    assert (table.platform, table.unit) == ("GPL18402", "")
    assert not any("called like" in note for note in table.notes)
    assert to_wide(table, lambda name: False) is table


def test_a_cohort_with_its_label_among_the_characteristics(read):
    cohort = build_cohort(read(HEAD + TABLE), Intake(label="disease", positive="CAD"))
    assert cohort.reference_standard.tolist() == [1, 1, 0]
    assert cohort.specimens["age"].tolist() == [61, 70, 55]
    assert set(cohort.panel.names) == {"hsa-miR-21-5p", "hsa-miR-126-3p", "DarkCorner"}


def test_specimens_are_matched_by_accession_whatever_their_order_in_the_table(read):
    turned = TABLE.replace('"GSM1"\t"GSM2"\t"GSM3"', '"GSM3"\t"GSM1"\t"GSM2"')
    assert read(HEAD + turned).columns["hsa-miR-21-5p"] == ["6.5", "5", "7.25"]


@pytest.mark.parametrize(
    "names", [("A_25_P00010019", "A_25_P00010020"), ("ILMN_1", "ILMN_2"), ("1007_s_at", "117_at"), ("20500113", "7")]
)
def test_probes_that_are_no_names_are_kept_and_said(names, read):
    text = HEAD + TABLE.replace("hsa-miR-21-5p", names[0]).replace("hsa-miR-126-3p", names[1]).replace(
        '"DarkCorner"\t1\t2\t3\n', ""
    )
    table = read(text)
    assert table.analytes == names
    assert any("none of the probes is called like a miRNA or a gene" in note for note in table.notes)


@pytest.mark.parametrize("name", ["MIMAT0000062", "PDCD1", "hsa-let-7a", "CD274", "miR-21"])
def test_one_name_is_enough(name, read):
    assert not any("called like" in note for note in read(HEAD + TABLE.replace("hsa-miR-21-5p", name)).notes)


def test_a_sequencing_series_gives_its_specimen_columns_alone(read, tmp_path):
    empty = HEAD + '!series_matrix_table_begin\n"ID_REF"\t"GSM1"\t"GSM2"\t"GSM3"\n!series_matrix_table_end\n'
    table = read(empty)
    assert table.analytes == ()
    assert any("supplementary" in note for note in table.notes)
    with pytest.raises(InputRefused, match="NO_ANALYTE"):
        build_cohort(read(empty), Intake(label="disease", positive="CAD", columns={"subject": "title"}))
    counts = tmp_path / "counts.csv"
    counts.write_text("miRNA,GSM1,GSM2,GSM3\nhsa-miR-21-5p,70,5,900\nhsa-miR-126-3p,1,2,300\n")
    cohort = build_cohort(read_table(counts), Intake(label="disease", positive="CAD", specimens=tmp_path / "matrix.xls"))
    assert cohort.reference_standard.tolist() == [1, 1, 0]


def test_keys_that_would_hide_a_column_get_a_name_of_their_own(read):
    table = read(HEAD.replace("disease: ", "title: ") + TABLE)
    assert table.columns["title"] == ["case 1", "case 2", "control 1"]
    assert table.columns["title (characteristic)"] == ["CAD", "CAD", "healthy"]


def test_characteristics_without_a_key_and_repeated_keys_are_kept(read):
    table = read(HEAD.replace('"age: 61"', '"smoker"').replace('"gender: F"', '"disease: COPD"') + TABLE)
    assert table.columns["characteristics"] == ["smoker", "", ""]
    assert table.columns["disease"][0] == "CAD; COPD"


REFUSED = {
    "cut off": (HEAD + TABLE.replace("!series_matrix_table_end\n", ""), "GEO_DAMAGED"),
    "other specimens": (HEAD + TABLE.replace('"GSM3"', '"GSM9"'), "GEO_DAMAGED"),
    "a specimen twice": (HEAD.replace("GSM3", "GSM2") + TABLE.replace("GSM3", "GSM2"), "GEO_DAMAGED"),
    "no specimens": ('!Series_title\t"x"\n', "GEO_DAMAGED"),
    "a probe twice": (HEAD + TABLE.replace("hsa-miR-126-3p", "hsa-miR-21-5p"), "ANALYTE_TWICE"),
    "a probe called like a column": (HEAD + TABLE.replace("DarkCorner", "age"), "ANALYTE_TWICE"),
    "a short row": (HEAD + TABLE.replace("\t7.25\t6.5\t5", "\t7.25\t6.5"), "ROW_RAGGED"),
    "a SOFT family": ("^DATABASE = GeoMiame\n!Database_name = x\n^SAMPLE = GSM1\n", "GEO_SOFT"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_would_be_misread_is_refused(why, read):
    text, code = REFUSED[why]
    assert refused(read, text) == {code}


@pytest.mark.parametrize(
    "text",
    ["<html><body><table><tr><td>Ct</td></tr></table></body></html>", '<?xml version="1.0"?>\n<Workbook></Workbook>', "<table>"],
)
def test_a_web_page_called_xls_is_refused_with_what_to_do(text, read):
    assert refused(read, text) == {"MARKUP"}

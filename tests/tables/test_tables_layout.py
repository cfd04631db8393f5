"""Three layouts of one table give the same measurements; ids are found, and refused where they are blank or repeated."""

import pytest

from exodx.errors import InputRefused
from exodx.tables.layout import specimen_ids, to_wide
from exodx.tables.reader import read_table
from exodx.tables.table import TextTable

WIDE = "specimen_id,site,miR-1-3p,miR-2-3p,PD-L1\nS1,A,27.1,30,5\nS2,B,Undetermined,,<2\nS3,A,25,31,7\n"
LONG = (
    "specimen_id,site,analyte,value\nS1,A,miR-1-3p,27.1\nS2,B,miR-1-3p,Undetermined\nS3,A,miR-1-3p,25\n"
    "S1,A,miR-2-3p,30\nS3,A,miR-2-3p,31\nS1,A,PD-L1,5\nS2,B,PD-L1,<2\nS3,A,PD-L1,7\n"
)
TURNED = "analyte,S1,S2,S3\nmiR-1-3p,27.1,Undetermined,25\nmiR-2-3p,30,,31\nPD-L1,5,<2,7\n"
ANALYTES = ("miR-1-3p", "miR-2-3p", "PD-L1")


def wide(text, tmp_path, specimen=None):
    (tmp_path / "t.csv").write_text(text)
    return to_wide(read_table(tmp_path / "t.csv"), ANALYTES.__contains__, specimen)


@pytest.mark.parametrize("text", [WIDE, LONG, TURNED, TURNED.replace("analyte", ""), LONG.replace("analyte", "Detector")])
def test_wide_long_and_turned_tables_give_the_same_columns(text, tmp_path):
    table = wide(text, tmp_path)
    ids, column, problems = specimen_ids(table)
    assert (ids, column, problems) == (["S1", "S2", "S3"], "specimen_id", [])
    assert {a: table.columns[a] for a in ANALYTES} == {
        "miR-1-3p": ["27.1", "Undetermined", "25"],
        "miR-2-3p": ["30", "", "31"],
        "PD-L1": ["5", "<2", "7"],
    }
    assert "site" not in text or table.columns["site"] == ["A", "B", "A"]
    assert table.where(1) == ("t.csv, line 3" if text is WIDE else "t.csv, specimen S2")


def test_a_long_table_keeps_only_what_is_constant_within_specimens(tmp_path):
    text = "sample,well,target,cq\nS1,A1,miR-1-3p,27\nS1,A2,PD-L1,28\nS2,A3,miR-1-3p,29\nS2,A4,PD-L1,30\n"
    assert wide(text, tmp_path).header == ["sample", "miR-1-3p", "PD-L1"]


def test_repeated_values_are_refused_with_all_their_lines(tmp_path):
    with pytest.raises(InputRefused) as caught:
        wide(LONG + "S1,A,PD-L1,6\nS3,A,miR-1-3p,9\n", tmp_path)
    assert [(p.code, p.where) for p in caught.value.problems] == [
        ("VALUE_TWICE", "t.csv, lines 4, 11"),
        ("VALUE_TWICE", "t.csv, lines 7, 10"),
    ]
    with pytest.raises(InputRefused, match="ANALYTE_TWICE"):
        wide(TURNED + "PD-L1,1,2,3\n", tmp_path)


def test_a_long_table_needs_its_specimen_column(tmp_path):
    text = LONG.replace("specimen_id", "who")
    with pytest.raises(InputRefused, match="--specimen"):
        wide(text, tmp_path)
    assert wide(text, tmp_path, "who").columns["who"] == ["S1", "S2", "S3"]


def test_specimen_ids_are_found_numbered_or_refused():
    def table(**columns):
        return TextTable("t", columns, list(range(2, 2 + len(next(iter(columns.values()))))))

    assert specimen_ids(table(Sample_ID=["a", "b"], id=["1", "2"]))[:2] == (["a", "b"], "Sample_ID")
    assert specimen_ids(table(x=["a", "b"]))[:2] == (["row-1", "row-2"], None)
    assert specimen_ids(table(x=["a", "b"]), "x")[:2] == (["a", "b"], "x")
    assert "Did you mean 'sample'?" in specimen_ids(table(sample=["a"]), "sampl")[2][0].fix
    problems = specimen_ids(table(id=["a", "", "a", "b", ""]))[2]
    assert [(p.code, p.where) for p in problems] == [
        ("ID_BLANK", "t, line 3, column 'id'"),
        ("ID_BLANK", "t, line 6, column 'id'"),
        ("ID_TWICE", "t, lines 2, 4"),
    ]


def gathered(text, tmp_path, wells=" | "):
    (tmp_path / "t.csv").write_text(text)
    return to_wide(read_table(tmp_path / "t.csv"), ANALYTES.__contains__, wells=wells)


def test_replicate_wells_are_handed_on_together_when_asked_for(tmp_path):
    table = gathered(LONG + "S1,A,PD-L1,6\nS3,A,miR-1-3p,Undetermined\nS1,A,PD-L1,\n", tmp_path)
    assert table.columns["PD-L1"] == ["5 | 6 | ", "<2", "7"]
    assert table.columns["miR-1-3p"] == ["27.1", "Undetermined", "25 | Undetermined"]
    assert table.notes[-1] == "replicate wells: 2 of 8 values have several (up to 3)"
    assert table.analytes == ANALYTES


def test_one_well_cannot_give_two_values(tmp_path):
    text = "sample,plate,well,target,cq\nS1,1,A1,miR-1-3p,27\nS1,2,A1,miR-1-3p,27.5\nS2,1,A2,miR-1-3p,30\n"
    assert gathered(text, tmp_path).columns["miR-1-3p"] == ["27 | 27.5", "30"]
    with pytest.raises(InputRefused) as caught:
        gathered(text + "S2,1,A2,miR-1-3p,30\n", tmp_path)
    assert [(p.code, p.where) for p in caught.value.problems] == [("VALUE_TWICE", "t.csv, lines 4, 5")]


def test_one_specimen_with_one_well_an_analyte_is_still_a_long_table(tmp_path):
    table = gathered("specimen_id,analyte,well,ct\nS1,miR-1-3p,1,27\nS1,miR-2-3p,2,28\n", tmp_path)
    assert table.columns == {"specimen_id": ["S1"], "miR-1-3p": ["27"], "miR-2-3p": ["28"]}
    assert table.unit == "Ct"


def test_what_is_said_of_a_well_is_no_column_of_the_specimen(tmp_path):
    table = gathered("sample,site,well,task,target,cq\nS1,A,7,UNKNOWN,miR-1-3p,27\nS2,B,8,UNKNOWN,miR-1-3p,28\n", tmp_path)
    assert table.header == ["sample", "site", "miR-1-3p"]


def test_a_column_called_name_does_not_make_a_table_long(tmp_path):
    text = "id,name,PSA,result\nS1,Anna,5,7\nS2,Bo,6,8\n"
    (tmp_path / "t.csv").write_text(text)
    assert to_wide(read_table(tmp_path / "t.csv"), ANALYTES.__contains__, wells=" | ").header == ["id", "name", "PSA", "result"]


def test_a_flag_that_contradicts_its_value_is_remarked_once_for_each_column():
    columns = {
        "sample": ["s1", "s1", "s2", "s2"],
        "target": ["miR-1-3p", "miR-21-5p"] * 2,
        "ct": ["31.5", "Undetermined", "30,25", "28"],
        "FLAG": ["Undetermined", "Undetermined", "No Amp", "OK"],
        "QC status": ["OK", "fail", "OK", "OK"],
        "remark": ["fail"] * 4,
    }
    wide = to_wide(TextTable("t", columns, [2, 3, 4, 5]), lambda name: name.startswith("miR"))
    (remark,) = wide.remarks
    assert remark.code == "flag_contradicts"
    assert "'FLAG' says 'Undetermined' (1), 'No Amp' (1) where ct is a number, in 2 of 4 wells" in remark.message

"""A folder of files of one kind is one table: the plates of a study, each exported by itself."""

import pytest

from exodx.errors import InputRefused
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table

HEADER = "Well\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tQuencher\tCT"


def export(folder, name, *wells, plate=""):
    lines = [f"* Experiment Name = {plate}", "", "[Results]", HEADER]
    for i, (specimen, target, ct) in enumerate(wells, start=1):
        lines.append(f"{i}\tA{i}\tfalse\t{specimen}\t{target}\tUNKNOWN\tFAM\tNFQ-MGB\t{ct}")
    (folder / name).write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "plates"
    made.mkdir()
    return made


def test_the_plates_of_a_study_are_one_cohort(folder):
    export(folder, "p1.txt", ("S1", "miR-21", "25.1"), ("S1", "miR-16", "22.0"), ("S2", "miR-21", "Undetermined"))
    export(folder, "p2.txt", ("S3", "miR-21", "27.5"), ("S3", "miR-16", "21.0"), ("S2", "miR-16", "21.5"))
    wide = to_wide(read_table(folder), lambda name: name.startswith("miR"), None, " | ")
    assert wide.columns["specimen_id"] == ["S1", "S2", "S3"]
    assert list(wide.columns["miR-21"]) == ["25.1", "Undetermined", "27.5"]
    assert list(wide.columns["miR-16"]) == ["22.0", "21.5", "21.0"]
    assert wide.unit == "Ct"
    assert any(note.startswith("p2.txt: ") for note in wide.notes)
    assert "2 files of one kind" in wide.notes


def test_a_plate_without_a_name_is_called_like_its_file_and_its_wells_are_not_taken_for_another_plates(folder):
    export(folder, "p1.txt", ("S1", "a", "25.1"))
    export(folder, "p2.txt", ("S1", "a", "25.3"))
    table = read_table(folder)
    assert list(table.columns["plate"]) == ["p1.txt", "p2.txt"]
    assert list(to_wide(table, lambda name: name == "a", None, " | ").columns["a"]) == ["25.1 | 25.3"]
    assert table.where(1) == "plates, line 5 of p2.txt"


def test_wide_tables_with_the_same_columns_are_put_below_one_another(folder):
    (folder / "one.csv").write_text("id,a,b\nS1,1,2\n")
    (folder / "two.csv").write_text("id,b,a\nS2,4,3\n")
    table = read_table(folder)
    assert {name: list(cells) for name, cells in table.columns.items()} == {"id": ["S1", "S2"], "a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize(
    ("second", "found"),
    [("id,a\nS2,3\n", "no column 'b'"), ("id;a;b\nS2;3,5;4\n", "decimal ','"), ("", "the file is empty")],
)
def test_files_of_another_kind_are_refused_by_name(folder, second, found):
    (folder / "one.csv").write_text("id,a,b\nS1,1,2\n")
    (folder / "two.csv").write_text(second)
    with pytest.raises(InputRefused) as refused:
        read_table(folder)
    assert "two.csv" in str(refused.value)
    assert found in str(refused.value)

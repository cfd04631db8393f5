"""Tables of whole numbers are read at once, and give what reading them cell by cell gives: texts, values, states and complaints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import InputContract, State, read_cells
from exodx.frozen.cells import read_counts
from exodx.frozen.replicates import read_replicates
from exodx.panel import Analyte, Panel, Scale
from exodx.tables import delimited, well_formed
from exodx.tables.coded import transposed
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table
from exodx.tables.whole import Whole, whole_columns

COUNT = st.one_of(st.just(""), st.integers(0, 12), st.integers(0, 999_999_999)).map(str)
ODD = ["007", "+5", "-1", " 5", "5 ", "1.0", "1e3", "NA", "1234567890", "99999999999999999999", "٣", "é", "5;", "<LOD", "00", "a b"]
NAMES = st.sampled_from(["S1", "é", "a b", " lead", "7", "x\x0by", "x\u2028y"])
ENDS = st.sampled_from(["\n", "\r\n"])


def text_of(rows, sign, end, last):
    header = ["specimen_id", *(f"c{j}" for j in range(1, len(rows[0])))]
    return end.join(sign.join(row) for row in [header, *rows]) + (end if last else "")


@st.composite
def tables(draw, cells=COUNT):
    width, height = draw(st.integers(2, 7)), draw(st.integers(1, 6))
    body = draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=height, max_size=height))
    return [[draw(NAMES), *row] for row in body]


def carefully(text, sign):
    """Read a text by the way that takes anything."""
    records = delimited._records("t.csv", text, sign, 0)
    return delimited.build_table("t.csv", records, "line", ".", ()).columns


@given(tables(), st.sampled_from(",\t;"), ENDS, st.booleans())
def test_counts_are_the_texts_of_the_file(rows, sign, end, last):
    text = text_of(rows, sign, end, last)
    found = whole_columns(text, sign, len(rows[0]))
    assert found is not None
    assert [list(column) for column in found] == [list(c) for c in carefully(text, sign).values()]
    assert all(isinstance(column, Whole) for column in found[1:])


@given(tables(COUNT | st.sampled_from(ODD)), st.sampled_from(",\t;"), ENDS, st.booleans())
def test_what_is_not_whole_in_plain_digits_is_left_alone_or_kept_as_text(rows, sign, end, last):
    text = text_of(rows, sign, end, last)
    found = whole_columns(text, sign, len(rows[0]))
    if found is not None:
        assert [list(column) for column in found] == [list(c) for c in carefully(text, sign).values()]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("at", [1, 3, 5])
def test_one_odd_cell_below_the_first_row_sends_the_table_another_way(odd, at):
    rows = [["S1", *"12345"], ["S2", *"67890"], ["S3", *"12345"]]
    rows[1][at] = odd
    assert whole_columns(text_of(rows, ",", "\n", True), ",", 6) is None


@pytest.mark.parametrize(
    "text",
    [
        "s,a,b\nx,1,2\ny,1\n",
        "s,a,b\nx,1,2\ny,1,2,3\n",
        "s,a,b\nx,1,2,3\ny,1\n",
        "s,a,b\nx,1,2\n\ny,1,2\n",
        "s,a,b\nx,1,2\n\n",
        "s,a,b\r\nx,1,2\ny,1,2\r\n",
        "s,a,b\nx,1,2\r\ny\nz,1,2\r\n",
        "s,a,b\r\nx\ry,1,2\r\n",
        "s,a,b\n",
        "s,a,b",
        "s,a,b\nx,u,v\n",
        "s,a,b\nx,1 2\ny,1,2\n",
    ],
)
def test_lines_of_other_widths_and_blank_lines_go_another_way(text):
    assert whole_columns(text, ",", 3) is None


def test_columns_of_other_things_may_stand_before_the_numbers():
    text = "id,sex,age\tx,c1,c2,c3,c4\nA, f,61.5,1,2,,4\nB,m,NA,0,20,3,41\n"
    columns = whole_columns(text, ",", 7)
    assert [list(c) for c in columns[:3]] == [["A", "B"], ["f", "m"], ["61.5", "NA"]]
    assert [list(c) for c in columns[3:]] == [["1", "0"], ["2", "20"], ["", "3"], ["4", "41"]]


def test_many_steps_give_one_block(monkeypatch):
    rng = np.random.default_rng(5)
    rows = [[f"S{i}", *map(str, rng.integers(0, 10 ** rng.integers(1, 9), 40))] for i in range(60)]
    text = text_of(rows, ",", "\n", True)
    monkeypatch.setattr("exodx.tables.whole._STEP", 700)
    assert [list(column) for column in whole_columns(text, ",", 41)] == [list(column) for column in zip(*rows, strict=True)]


def test_a_column_reads_like_the_list_of_its_texts():
    column = Whole(np.array([[1, 7], [2, -1], [3, 7], [4, 120]], np.int32), 1)
    texts = ["7", "", "7", "120"]
    assert list(column) == texts
    assert column == texts
    assert texts == column
    assert column != ["7", "", "7", "12"]
    assert column != "7"
    assert (column[-1], column[1], list(column[1:3]), len(column), repr(column)) == ("120", "", ["", "7"], 4, repr(texts))
    assert column.counted() == {"7": 2, "": 1, "120": 1}
    assert "120" in column
    assert "-1" not in column


@given(tables())
def test_transposed_numbers_are_the_rows(rows):
    columns = whole_columns(text_of(rows, ",", "\n", True), ",", len(rows[0]))[1:]
    for chosen in (columns, columns[::-1], columns[:1]):
        turned = transposed(chosen)
        assert all(isinstance(row, Whole) for row in turned)
        assert [list(row) for row in turned] == [list(row) for row in zip(*chosen, strict=True)]


@given(st.lists(COUNT, min_size=1, max_size=12), st.sampled_from(Scale), st.sampled_from([None, 3.0]), st.sampled_from(".,"))
def test_numbers_are_read_like_their_texts(texts, scale, lod, decimal):
    column = Whole(np.array([[int(text or -1)] for text in texts], np.int32), 0)
    (a, flagged), (b, expected) = (read_replicates(cells, scale, lod, decimal) for cells in (column, texts))
    for cells in (a, read_cells(column, scale, lod, decimal)):
        np.testing.assert_array_equal(cells.values, b.values)
        np.testing.assert_array_equal(cells.states, b.states)
        assert (cells.values.dtype, cells.states.dtype) == (b.values.dtype, b.states.dtype)
        assert cells.unreadable == b.unreadable
    np.testing.assert_array_equal(flagged, expected)


@given(tables())
def test_a_block_of_counts_is_read_like_its_columns(rows):
    columns = whole_columns(text_of(rows, ",", "\n", True), ",", len(rows[0]))[:0:-1]
    values, states = read_counts(columns)
    for j, column in enumerate(columns):
        cells = read_cells(list(column), Scale.COUNTS)
        np.testing.assert_array_equal(values[:, j], cells.values)
        np.testing.assert_array_equal(states[:, j], cells.states)
    assert values.flags.c_contiguous
    assert states.flags.c_contiguous
    assert states.dtype == np.uint8


def test_columns_of_other_tables_are_no_block():
    one, other = np.ones((2, 2), np.int32), np.ones((2, 2), np.int32)
    assert read_counts([Whole(one, 0), Whole(other, 1)]) is None
    assert read_counts([Whole(one, 0), ["1", "1"]]) is None
    assert read_counts([]) is None


def panel_of(names, unit):
    analytes = tuple(Analyte(name=name, kind="mirna", unit=unit) for name in names)
    return Panel(name="p", version="1", title="p", normalisation="none", analytes=analytes)


def files(folder, odd=None):
    """Write counts with specimens in rows, and with analytes in rows."""
    rng = np.random.default_rng(3)
    names, ids = [f"hsa-miR-{i}-3p" for i in range(1, 201)], [f"S{i}" for i in range(120)]
    cells = [[str(v) if v != 13 else "" for v in row] for row in rng.negative_binomial(0.3, 0.002, (120, 200)).tolist()]
    if odd is not None:
        cells[77][101] = odd
    wide, turned = folder / "wide.csv", folder / "turned.csv"
    wide.write_text(
        "\n".join(",".join(row) for row in [["specimen_id", *names], *([i, *r] for i, r in zip(ids, cells, strict=True))])
    )
    rows = zip(names, zip(*cells, strict=True), strict=True)
    turned.write_text("\n".join(",".join(row) for row in [["miRNA", *ids], *([n, *r] for n, r in rows)]))
    return wide, turned, panel_of(names, "count")


@pytest.mark.parametrize("odd", [None, "007", "<LOD", "-3", "1.5", "abc", '"7"', "1234567890123"])
def test_a_file_gives_the_same_measurements_and_complaints_the_careful_way(tmp_path, monkeypatch, odd):
    wide, turned, panel = files(tmp_path, odd)
    for path in (wide, turned):
        found = []
        for worth_it in (1, 1 << 40):
            monkeypatch.setattr(well_formed, "WORTH_IT", worth_it)
            table = to_wide(read_table(path), panel.names.__contains__)
            measured, unreadable = InputContract(panel).read(table.columns, table.decimal)
            texts = {name: list(cells) for name, cells in table.columns.items()}
            found.append((texts, table.lines, table.place, table.notes, table.decimal, measured, unreadable))
        quick, careful = found
        assert quick[:5] == careful[:5]
        assert quick[6] == careful[6]
        np.testing.assert_array_equal(quick[5].values, careful[5].values)
        np.testing.assert_array_equal(quick[5].states, careful[5].states)
        np.testing.assert_array_equal(quick[5].flags, careful[5].flags)
        assert (np.asarray(quick[5].states) == State.NOT_RUN).any()


def test_counts_on_a_scale_of_ct_are_refused_one_by_one(tmp_path):
    wide, _, panel = files(tmp_path)
    as_ct = panel_of(panel.names, "Ct")
    _, unreadable = InputContract(as_ct).read(read_table(wide).columns, ".")
    assert set(unreadable.values()) == {"a Ct outside 0 to 50"}

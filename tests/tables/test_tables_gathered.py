"""Wells that are kept apart give what their joined texts give, and an export cut by distinct words what it gives well by well."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import WELLS, InputContract
from exodx.frozen.replicates import read_replicates
from exodx.panel import Analyte, Panel, Scale
from exodx.tables.arrow import coded_column
from exodx.tables.coded import Coded, Words, counted, holds_any
from exodx.tables.gathered import Gathered
from exodx.tables.instruments import registry
from exodx.tables.instruments.lines import Lines
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table
from exodx.tables.table import TextTable
from exodx.tables.wells import read_wells

WELL = st.sampled_from(["27.1", "27.3", "30", "31.9", "", "Undetermined", ">40", "*28", "abc", "-3", "<LOD", "55", "0", "27,5"])
CUTS = st.sampled_from(["27.1 | 30", "|", "27 |", "| 3", " 27.1", "30 "])
TEXTS = st.lists(st.sampled_from(["", "a", "b", "c d", "é"]), max_size=12)


def gathered(specimens, between=WELLS):
    flat = [well for wells in specimens for well in wells]
    words = sorted({*flat, "never used"})
    wells = Coded(Words(words, differ=True), np.array([words.index(w) for w in flat], np.int32))
    return Gathered(wells, np.array([len(wells) for wells in specimens], np.int64), between)


@given(
    st.lists(st.lists(WELL, max_size=4), max_size=6) | st.lists(st.lists(WELL | CUTS, max_size=3), max_size=5),
    st.sampled_from(Scale),
    st.sampled_from([None, 3.0]),
    st.sampled_from(".,"),
)
def test_wells_apart_are_read_like_their_joined_texts(specimens, scale, lod, decimal):
    column, texts = gathered(specimens), [WELLS.join(wells) for wells in specimens]
    assert list(column) == texts
    for _ in range(2):  # the second time the meanings are known
        (a, flagged), (b, expected) = read_replicates(column, scale, lod, decimal), read_replicates(texts, scale, lod, decimal)
        np.testing.assert_array_equal(a.values, b.values)
        np.testing.assert_array_equal(a.states, b.states)
        np.testing.assert_array_equal(flagged, expected)
        assert a.unreadable == b.unreadable


@given(st.lists(st.lists(WELL, max_size=1), max_size=6), st.sampled_from(Scale))
def test_single_wells_are_read_whatever_stands_between(specimens, scale):
    column, texts = gathered(specimens, ""), ["".join(wells) for wells in specimens]
    (a, _), (b, _) = read_replicates(column, scale), read_replicates(texts, scale)
    np.testing.assert_array_equal(a.values, b.values)
    np.testing.assert_array_equal(a.states, b.states)
    assert a.unreadable == b.unreadable


def test_a_gathered_column_reads_like_a_list():
    column, texts = gathered([["1", "2"], [], ["3"]]), ["1 | 2", "", "3"]
    assert column == texts
    assert column != texts[:2]
    assert (column[0], column[-2], column[-1], column[:2], len(column), repr(column)) == (
        "1 | 2",
        "",
        "3",
        texts[:2],
        3,
        repr(texts),
    )


@given(TEXTS)
def test_what_is_counted_and_numbered_is_what_lists_tell(texts):
    words = ["c d", "", "b", "a", "é", "b", "unused"]  # a word may stand there twice
    column = Coded(Words(words), np.array([words.index(t) for t in texts], np.int32))
    if len(texts) > 1 and texts[1] == "b":
        column.codes[1] = 5
    distinct, numbers = column.numbered()
    assert distinct == list(dict.fromkeys(texts))
    assert [distinct[i] for i in numbers] == texts
    assert column.counted() == counted(texts)
    assert counted(column) == counted(texts)
    assert holds_any(column) == holds_any(texts) == any(texts)
    assert list(Coded.of(texts)) == texts
    assert list(column.where(str.isalpha)) == list(map(str.isalpha, texts))
    assert list(column.mapped(str.upper)) == [t.upper() for t in texts]


@given(st.text(alphabet="a[E \té\n|", max_size=30))
def test_lines_are_those_that_split_gives(text):
    lines, expected = Lines(text), text.split("\n")
    assert list(lines) == expected
    assert len(lines) == len(expected)
    assert lines[-1] == expected[-1]
    assert lines[1:3] == expected[1:3]
    assert lines.joined(0, len(lines)).decode() == text + "\n"
    first = [i for i, line in enumerate(expected) if line[:1] in ("", "[", " ", "\t", "E")]
    assert list(lines.beginning("\n[ \tE", 0, len(lines))) == first
    assert list(lines.beginning("[", 1, 3)) == [i for i in range(1, min(3, len(lines))) if expected[i].startswith("[")]
    with pytest.raises(IndexError):
        lines[len(lines)]


ROW = st.tuples(
    st.sampled_from(["false", "true", ""]),
    st.sampled_from(["P1", "P2", " P3", "", "NTC", "water"]),
    st.sampled_from(["miR-1", "miR-2", "", "miR-3 "]),
    st.sampled_from(["UNKNOWN", "NTC", "STANDARD", "Endogenous Control", "", "odd", "Unknown-01"]),
    st.sampled_from(["27.125", "Undetermined", "", "31,5", "31.5", "abc", "NaN"]),
    st.sampled_from(["Amp", "No Amp", "Inconclusive", ""]),
)
HEAD = ["* Barcode = p7", "", "[Results]", "Well\tOmit\tSample Name\tTarget Name\tTask\tCT\tAmp Status"]


def told(path):
    table = read_table(path)
    wide = to_wide(table, lambda name: name.startswith("miR"), None, WELLS)
    names = [n for n in wide.header if n.startswith("miR")]
    analytes = tuple(Analyte(name=n, kind="mirna", unit="Ct") for n in names)
    panel = Panel(name="p", version="1", title="p", normalisation="none", analytes=analytes)
    measured, unreadable = InputContract(panel).read(wide.columns, wide.decimal)
    texts = [{name: list(cells) for name, cells in t.columns.items()} for t in (read_wells(path), table, wide)]
    return texts, table.notes, wide.notes, wide.lines, measured.values.tolist(), measured.states.tolist(), unreadable


@given(st.lists(ROW, min_size=1, max_size=12))
def test_an_export_tells_the_same_whether_arrow_cuts_it_or_not(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("wells") / "export.txt"
    lines = [f"{i}\t{omit}\t{who}\t{name}\t{task}\t{ct}\t{amp}" for i, (omit, who, name, task, ct, amp) in enumerate(rows, 1)]
    path.write_text("\n".join([*HEAD, *lines]) + "\n", encoding="utf-8")

    def no_arrow(*_):
        return None

    found = []
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(2):
            try:
                found.append(repr(told(path)))
            except registry.InputRefused as refused:
                found.append(str(refused))
            patch.setattr(registry.doors, "cut_wells", no_arrow)
    assert found[0] == found[1]


@given(st.lists(st.sampled_from(["A1", "A2", " A1", "B 1", "é", "\u3000x", "A2\x1f", ""]), min_size=1, max_size=8))
def test_words_of_arrow_are_stripped_and_made_when_they_are_looked_at(texts):
    column, expected = coded_column(pa.array(texts).dictionary_encode()), [text.strip() for text in texts]
    assert [column[i] for i in range(len(column))] == expected
    assert column[-1] == expected[-1]
    assert list(column) == expected
    assert column.words[:1] == [column.words[0]]
    assert not column.all_differ() or len(set(expected)) == len(expected)
    assert column.numbered()[0] == list(dict.fromkeys(expected))
    assert column.counted() == counted(expected)


def test_wells_that_all_differ_are_known_without_their_texts():
    assert coded_column(pa.array(["A1", "A2"]).dictionary_encode()).all_differ()
    assert not coded_column(pa.array(["A1", "A1"]).dictionary_encode()).all_differ()
    assert not coded_column(pa.array(["A1", "A1 "]).dictionary_encode()).all_differ()


def test_taken_rows_of_a_table_keep_their_texts():
    coded = Coded.of(["a", "b", "a", "c"])
    table = TextTable("t", {"x": coded, "y": list("1234")}, [2, 3, 4, 5]).take([3, 0])
    assert (list(table.columns["x"]), table.columns["y"], table.lines) == (["c", "a"], ["4", "1"], [5, 2])

"""The quick ways of reading a column give what reading its cells one by one gives: values, states and every complaint."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import WELLS, State, read_cells
from exodx.frozen.replicates import read_replicates
from exodx.panel import Scale
from exodx.tables.coded import Coded, Words

NUMBERS = st.one_of(
    st.integers(-5, 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-100, 100, places=2).map(str),
)
_WORDS = "NA nan NaN inf -inf Infinity 1_000 1e999 -1e999 1e39 ٣ １２ 1,5 1,234,5 0x1A 1e e5 . + - +.5 5. 1.e5 --1 1.2.3"
_STATES = "*31.2 * **3 *abc <LOD <1.5 <=1 >40 >ULOQ Undetermined 1E5 true K"
_BLANKS = ["", " 1", "1 ", "* 31.2", "failed QC", "No Amp", "27.1\n", "\x00"]
ODD = st.sampled_from([*_WORDS.split(), *_STATES.split(), *_BLANKS])
COLUMNS = st.one_of(
    st.lists(NUMBERS, max_size=12), st.lists(NUMBERS | ODD, max_size=12), st.lists(ODD | st.text(max_size=4), max_size=12)
)


def one_by_one(texts, scale, lod, decimal):
    """Read every cell as a column of its own, between two that keep the quick ways away; then put the column together."""
    values, states, unreadable = [], [], {}
    for row, text in enumerate(texts):
        cells = read_cells([text, "never a number"], scale, lod, decimal)
        values.append(cells.values[0])
        states.append(cells.states[0])
        if 0 in cells.unreadable:
            unreadable[row] = cells.unreadable[0]
    return np.array(values), np.array(states, np.uint8), unreadable


def same(cells, expected):
    values, states, unreadable = expected
    np.testing.assert_array_equal(cells.values, values)
    np.testing.assert_array_equal(cells.states, states)
    assert cells.unreadable == unreadable


@given(COLUMNS, st.sampled_from(Scale), st.sampled_from([None, 3.0]), st.sampled_from(".,"))
def test_a_column_is_read_like_its_cells_one_by_one(texts, scale, lod, decimal):
    same(read_cells(texts, scale, lod, decimal), one_by_one(texts, scale, lod, decimal))


@given(COLUMNS)
def test_a_number_is_what_the_rule_says_and_nothing_that_float_takes_besides(texts):
    rule = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")
    cells = read_cells(texts, Scale.NORMALISED)
    for row, text in enumerate(texts):
        number = bool(rule.match(text)) and math.isfinite(float(text))
        assert (cells.states[row] == State.MEASURED) == number
        assert not number or cells.values[row] == float(text)


@given(COLUMNS, st.sampled_from(Scale), st.sampled_from([None, 3.0]), st.sampled_from(".,"), st.randoms(use_true_random=False))
def test_a_coded_column_is_read_like_the_list_of_its_texts(texts, scale, lod, decimal, random):
    words = sorted({*texts, "17", "abc"})
    random.shuffle(words)
    coded = Coded(Words(words), np.array([words.index(t) for t in texts], np.int32))
    for _ in range(2):  # the second time the meanings are known
        a, b = read_cells(coded, scale, lod, decimal), read_cells(texts, scale, lod, decimal)
        np.testing.assert_array_equal(a.values, b.values)
        np.testing.assert_array_equal(a.states, b.states)
        assert a.unreadable == b.unreadable
        assert list(a.unreadable) == list(b.unreadable)


def test_coded_columns_that_share_words_do_not_share_results():
    words = Words(["30", "55", "*31.2", "x"])
    left, right = (read_cells(Coded(words, np.array(codes, np.int32)), Scale.CT) for codes in ([0, 2], [1, 3]))
    assert left.unreadable == {}
    assert [State(s) for s in left.states] == [State.MEASURED, State.FAILED_QC]
    assert right.unreadable == {0: "a Ct outside 0 to 50", 1: "text where a number belongs"}
    left.values[0] = 99.0
    assert read_cells(Coded(words, np.array([0], np.int32)), Scale.CT).values[0] == 30.0


def test_the_same_words_mean_other_things_on_other_scales_and_with_other_decimals():
    column = Coded(Words(["-", "0", "1,5"]), np.array([0, 1, 2], np.int32))
    assert State(read_cells(column, Scale.CT).states[0]) is State.UNDETERMINED
    assert State(read_cells(column, Scale.LINEAR).states[0]) is State.NOT_RUN
    assert read_cells(column, Scale.LINEAR).unreadable == {2: "a decimal comma in a table of decimal points"}
    assert read_cells(column, Scale.LINEAR, decimal=",").values[2] == 1.5
    assert State(read_cells(column, Scale.LINEAR, lod=2.0, decimal=",").states[2]) is State.BELOW_LOD
    assert State(read_cells(column, Scale.LINEAR, decimal=",").states[2]) is State.MEASURED


@given(st.lists(st.lists(st.sampled_from(["27.1", "30", "", "Undetermined", ">40", "*28"]), min_size=1, max_size=4), max_size=6))
def test_replicates_in_coded_columns(specimens):
    texts = [WELLS.join(wells) for wells in specimens]
    words = sorted({*texts, "1"})
    coded = Coded(Words(words), np.array([words.index(t) for t in texts], np.int32))
    (a, flagged), (b, expected) = read_replicates(coded, Scale.CT), read_replicates(texts, Scale.CT)
    np.testing.assert_array_equal(a.values, b.values)
    np.testing.assert_array_equal(a.states, b.states)
    np.testing.assert_array_equal(flagged, expected)


@pytest.mark.parametrize("scale", Scale)
def test_a_starred_number_is_failed_qc_without_a_number_and_no_other_star_is_read(scale):
    cells = read_cells(["*31.2", "* 31", "31.2", "*", "*abc", "31.2*"], scale)
    assert [State(s).name for s in cells.states[:2]] == ["FAILED_QC"] * 2
    assert np.isnan(cells.values[:2]).all()
    assert {3, 4, 5} <= set(cells.unreadable)


def test_a_starred_well_takes_no_part_among_its_replicates():
    cells, _ = read_replicates(["*31.2 | 27.0 | 27.2", "*31.2 | *30"], Scale.CT)
    assert cells.values[0] == pytest.approx(27.1)
    assert State(cells.states[1]) is State.FAILED_QC

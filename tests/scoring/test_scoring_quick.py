"""Plain lines read by loops: every number is the one that Python reads, to the bit, and what is not simple is left alone."""

from __future__ import annotations

import csv
import io
import math
import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exodx.frozen import State, read_cells
from exodx.frozen.native import native_loops
from exodx.panel import Scale
from exodx.scoring import loops
from exodx.scoring.blocks import rows_in
from exodx.scoring.quick import Text
from exodx.scoring.quick import quickly as quickly_in


def quickly(made, content, *rest):
    return quickly_in(made, content, rows_in(content), *rest)


def interpreted(loop):
    """The loop as Python runs it: arrays are flat, and bytes are whole numbers."""

    def call(*given):
        loop(*(v if isinstance(v, int) else v.reshape(-1) if v.flags.writeable else v.tobytes() for v in given))

    return call


WAYS = [pytest.param({loop: interpreted(loop) for loop in loops.LOOPS}, id="interpreter")]
if native_loops(loops):
    WAYS.append(pytest.param(native_loops(loops), id="machine code"))
each_way = pytest.mark.parametrize("made", WAYS)


def column_of(made, texts, scale=Scale.NORMALISED):
    """Read a column of cells that stands beside ids."""
    content = "".join(f"s{i},{text}\n" for i, text in enumerate(texts)).encode()
    return quickly(made, content, ",", ["id", "x"], {"id": Text.DISTINCT, "x": scale})


def is_halfway(text):
    """Whether a number lies exactly between two doubles."""
    near = float(text)
    return any(2 * Fraction(text) == Fraction(near) + Fraction(math.nextafter(near, to)) for to in (math.inf, -math.inf))


def bits(values):
    return [struct.pack("<d", value) for value in values]


plain = st.builds(
    lambda sign, whole, rest: sign + whole + ("." + rest if rest is not None else ""),
    st.sampled_from(["", "-"]),
    st.text("0123456789", min_size=1, max_size=20),
    st.none() | st.text("0123456789", max_size=24),
)
as_written = st.floats(-3e38, 3e38).map(repr) | st.floats(-1e6, 1e6).map(repr)
halfway = st.builds(lambda m, k: repr((2 * m + 1) * 2.0**-k)[:18], st.integers(2**52, 2**53 - 1), st.integers(1, 40))


@each_way
@given(texts=st.lists(plain | as_written | halfway, min_size=1, max_size=30))
@example(
    texts=[
        "9007199254740993",
        "9007199254740991.0",
        "-0.0",
        "0",
        "-0",
        "0.1",
        "123456789012345678",
        "0.000000000000000000000000001",
    ]
)
@example(texts=["9007199254740992.5", "1.", "00012.50", "1e5", "1.5E-7", "0.30000000000000004"])
def test_a_number_is_the_double_that_python_reads(made, texts):
    read = column_of(made, texts)
    if read is None:
        assert any(map(is_halfway, texts))
        return
    values, states = read.numbers["x"]
    assert bits(values) == bits(map(float, texts))
    assert (states == State.MEASURED).all()


@each_way
def test_where_there_is_no_line_nothing_is_read_and_nothing_is_written(made):
    assert column_of(made, []) is None


@each_way
def test_a_number_halfway_between_two_doubles_is_left_to_others(made):
    assert column_of(made, ["1.5", "4503599627370497.5"]) is None


@each_way
def test_seventeen_digits_are_read_without_a_look_at_each_text(made, monkeypatch):
    rng = np.random.default_rng(5)
    texts = [repr(value) for value in np.exp(rng.normal(0, 8, 3000)).tolist()]
    told = []
    monkeypatch.setattr("exodx.scoring.quick.read_cells", lambda words, scale: told.extend(words) or read_cells(words, scale))
    values, _ = column_of(made, texts).numbers["x"]
    assert bits(values) == bits(map(float, texts))
    assert len(told) < 0.2 * len(texts)  # those below 1e-5 or so, whose power of ten is beyond 22


words = st.sampled_from(
    [
        "",
        "NA",
        "nan",
        "Undetermined",
        ">40",
        "<12.5",
        "not run",
        " 27.1",
        "+3",
        ".5",
        "inf",
        "1_0",
        "0x1",
        "1e400",
        "27,1",
        "abc",
        "-",
        "*31.2",
    ]
)


@each_way
@pytest.mark.parametrize("scale", Scale)
@given(texts=st.lists(words.filter(lambda t: "," not in t) | plain, min_size=1, max_size=20))
def test_words_mean_what_they_mean_to_the_reader_of_cells(made, scale, texts):
    read, cells = column_of(made, texts, scale), read_cells([t.strip() for t in texts], scale)
    if read is None:
        assert cells.unreadable or any(is_halfway(t) for t in texts if t.lstrip("-").replace(".", "").isdigit())
        return
    again = read_cells(_Held(*read.numbers["x"]), scale)
    np.testing.assert_array_equal(again.states, cells.states)
    assert bits(again.values[~np.isnan(cells.values)]) == bits(cells.values[~np.isnan(cells.values)])
    assert again.unreadable == cells.unreadable


class _Held(list):
    """A column that was read, as the reader of cells takes it."""

    def __init__(self, values, states):
        super().__init__([""] * len(values))
        self.cells = type("Cells", (), {"values": values, "states": states, "unreadable": {}})


@each_way
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL])
@given(
    rows=st.lists(
        st.tuples(
            st.text("ab c;1", min_size=1, max_size=5).filter(lambda name: name[0] != " "),
            st.floats(0.001, 1000),
            st.text("xy,; ", max_size=4),
            st.floats(-5, 5) | st.just(math.nan),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_columns_are_those_of_pythons_csv(made, quoting, end, rows):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=quoting)
    for name, a, word, b in rows:
        writer.writerow([name, round(a, 6), word, "" if math.isnan(b) else b])
    header = ["id", "a", "word", "b"]
    read = quickly(
        made,
        text.getvalue().encode(),
        ",",
        header,
        {"b": Scale.NORMALISED, "a": Scale.LINEAR, "word": Text.REPEATING, "id": Text.DISTINCT},
    )
    assert read is not None
    assert list(read.numbers) == ["a", "b"]
    assert read.texts["id"].to_pylist() == [row[0] for row in rows]
    assert list(read.words["word"]) == [row[2].strip() for row in rows]
    assert list(read.words["word"].words) == [
        w.strip() for w in dict.fromkeys(row[2] for row in rows)
    ]  # each once, in the order they come
    assert bits(read.numbers["a"][0]) == bits(round(row[1], 6) for row in rows)
    np.testing.assert_array_equal(read.numbers["b"][0], [row[3] for row in rows])


@each_way
@pytest.mark.parametrize(
    "text",
    [
        "a,1,2\nb,1\n",
        "a,1,2\nb,1,2,3\n",
        "a,1,2\n\nb,1,2\n",
        ",1,2\n",
        " ,1,2\n",
        '"\t",1,2\n',
        '"",1,2\n',
        'a"b,1,2\n',
        '"a""b",1,2\n',
        '"a"b,1,2\n',
        '"a,1,2\n',
        '"a\nb",1,2\n',
        "a,1,2\r3\n",
        'a,1"2,2\n',
        'a,"1"2,2\n',
    ],
)
def test_lines_that_are_not_simple_are_left_alone(made, text):
    assert quickly(made, text.encode(), ",", ["id", "x", "other"], {"x": Scale.NORMALISED, "id": Text.DISTINCT}) is None


@each_way
def test_a_last_line_without_an_end_is_a_line(made):
    read = quickly(made, b"a\t1.5\nb\t2", "\t", ["id", "x"], {"x": Scale.NORMALISED, "id": Text.DISTINCT})
    assert read.numbers["x"][0].tolist() == [1.5, 2.0]
    assert read.texts["id"].to_pylist() == ["a", "b"]


def test_blank_lines_of_a_wide_table_take_no_room_for_cells():
    header = ["id", *(f"x{i}" for i in range(20_000))]
    never = dict.fromkeys(loops.LOOPS)
    assert quickly(never, b"\n" * (1 << 26), ",", header, {**dict.fromkeys(header[1:], Scale.CT), "id": Text.DISTINCT}) is None

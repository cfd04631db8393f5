"""What holds of any content: bytes, grids, names; hypothesis looks for the one that breaks it."""

from __future__ import annotations

import gzip
import io
import zipfile
from random import Random

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.tables.packed import gunzip, parts_of, room
from exodx.tables.reader import read_table
from exodx.tables.visible import INVISIBLE, unlike, unseen
from tests.hostile import differential, mutators
from tests.hostile.meaning import study as made_study
from tests.hostile.meaning import text_form
from tests.hostile.old_excel import xls
from tests.hostile.readers import READERS, model, outcome
from tests.hostile.seeds import HEADER, ROWS, seeds

MARKS = (
    b"",
    b"PK\x03\x04",
    b"\x1f\x8b\x08\x00",
    b"PAR1",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"\x28\xb5\x2f\xfd",
    b"\xff\xfe",
    b"<Header>\n",
    b"[Results]\n",
    b"{L",
)


@pytest.fixture(scope="session")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "input.bin"


@settings(max_examples=60)
@given(st.sampled_from(sorted(set(READERS) - {"predict"})), st.sampled_from(MARKS), st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(path, reader, mark, content):
    path.write_bytes(mark + content)
    outcome(READERS[reader], path)


@settings(max_examples=60)
@given(st.sampled_from(["delimited", "plan", "panel", "names"]), st.text(max_size=300))
def test_any_text_is_read_or_refused(path, reader, text):
    path.write_text(text, encoding="utf-8")
    outcome(READERS[reader], path)


@settings(max_examples=40)
@given(st.sampled_from(sorted(READERS)), st.integers(0, 2**32), st.data())
def test_two_files_grown_together_are_read_or_refused(path, reader, seed, data):
    other = data.draw(st.sampled_from(sorted(seeds())))
    rng = Random(seed)
    path.write_bytes(mutators.splice(rng, rng.choice(seeds()[reader]), rng.choice(seeds()[other])))
    outcome(READERS[reader], path)


@given(st.lists(st.binary(max_size=400), min_size=1, max_size=4), st.integers(0, 20))
def test_gunzip_gives_what_the_library_gives(members, padding):
    content = b"".join(gzip.compress(member, mtime=0) for member in members) + bytes(padding)
    assert gunzip("t", content) == gzip.decompress(content) == b"".join(members)


@given(
    st.dictionaries(
        st.text("abc/._", min_size=1, max_size=8).filter(lambda n: not n.endswith("/")), st.binary(max_size=300), max_size=4
    )
)
def test_an_archive_gives_its_files_and_any_flipped_bit_of_them_is_found(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    whole = out.getvalue()
    assert parts_of("t", whole) == files
    for content in filter(None, files.values()):
        at = whole.find(content)
        with pytest.raises(ValueError, match=r"CRC|overlap|differ"):
            parts_of("t", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        break


@given(st.integers(0, 1 << 40))
def test_room_grows_with_the_file_between_its_bounds(size):
    assert 1 << 26 <= room(size) <= min(1 << 31, max(1 << 26, 250 * size))
    assert room(size) <= room(size + 1)


@given(st.lists(st.text(st.characters(max_codepoint=126, min_codepoint=32)), max_size=5))
def test_plain_names_are_what_they_look_like(names):
    assert unlike("t", names) == []
    assert unseen(names) == []


@given(st.text(max_size=10), st.text(max_size=10), st.sampled_from("\u200b\u200d\u00ad\ufeff\u202e\x00\x1f\x7f\u2060"))
def test_a_character_that_is_not_seen_is_found_wherever_it_stands(before, after, letter):
    name = before + letter + after
    assert INVISIBLE.search(name)
    assert [problem.code for problem in unlike("t", ["plain", name])] == ["NAME_INVISIBLE"]
    assert unseen(["plain", name, "also"]) == [1]


NUMBERS = st.floats(-1e12, 1e12, allow_nan=False).map(lambda x: float(f"{x:.15g}") + 0.0)
"""openpyxl writes sixteen digits."""


@settings(max_examples=30)
@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=5), st.booleans())
def test_a_workbook_gives_back_the_numbers_put_into_it(path, rows, old):
    grid = [["id", "a", "b", "c"], *[[f"S{i}", *row] for i, row in enumerate(rows)]]
    if old:
        path.write_bytes(xls(grid))
    else:
        book = openpyxl.Workbook()
        for row in grid:
            book.active.append(row)
        book.save(path)
    table = read_table(path)
    found = np.array([[float(table.columns[name][i]) for name in "abc"] for i in range(len(rows))])
    assert np.array_equal(found, np.array(rows))


CELLS = st.sampled_from(
    [*mutators.HAZARDS, "27.5", "", "NA", "Undetermined", "<LOD", ">40", "*31", "26.1 | 26.3", " 27 ", "１", "\u00a027"]
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(4, len(HEADER) - 1), CELLS), max_size=4),
    st.sampled_from(",;\t"),
    st.booleans(),
)
def test_predict_scores_alike_as_a_whole_in_pieces_and_one_by_one(path, changes, sign, quoted):
    rows = [list(row) for row in [HEADER, *ROWS]]
    for row, column, cell in changes:
        rows[row + 1][column] = cell
    wrap = '"{}"' if quoted else "{}"
    path.write_text("".join(sign.join(wrap.format(c.replace('"', '""')) for c in row) + "\n" for row in rows), encoding="utf-8")
    outcome(lambda file: differential.same(file, *model()), path)


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_a_study_cut_off_anywhere_loses_no_number_in_silence(path, seed):
    """Of a text without packing, the rows that are there are whole; the last cell may be short, as no reader can tell."""
    rng = Random(seed)
    content = text_form(rng, made_study(rng))
    cut = content[: rng.randrange(len(content))]
    path.write_bytes(cut)
    try:
        table = read_table(path)
    except InputRefused:
        return
    assert not content.startswith((b"PK", b"\x28\xb5")), "what bears its length is refused when cut"
    assert not content.startswith(b"\x1f\x8b") or gzip.decompress(cut), "a gzip file may be cut only between its members"
    assert {len(cells) for cells in table.columns.values()} == {len(table)}

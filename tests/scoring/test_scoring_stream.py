"""A cohort scored in pieces is scored to the byte as the same cohort read as a whole, and refused for the same reasons."""

from __future__ import annotations

import csv
import gzip
import io
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exodx.cohort import SimulatedStudy, simulate
from exodx.errors import InputRefused, UsageError
from exodx.frozen import Conditions
from exodx.scoring import Explain, Job, Shard, blocks, cut, plan, run, score_cohort, score_file, stream, troubles, write_scores
from exodx.scoring.job import NotInPieces

BLOCK = 3000


@pytest.fixture(autouse=True, params=["arrow", "machine code"])
def small_blocks(request, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", BLOCK)
    monkeypatch.setattr(blocks, "CELLS", 1 << 8)
    monkeypatch.setattr(plan, "HEAD", BLOCK)
    monkeypatch.setattr(run, "LARGE", 0)
    monkeypatch.setattr(plan, "COMPILED_BYTES", 0 if request.param == "machine code" else 1 << 60)
    monkeypatch.setattr(plan, "NATIVE_BYTES", 1 << 60)


@pytest.fixture(scope="module")
def clean(athero) -> list[list[str]]:
    frame = simulate(athero, SimulatedStudy(n=240, seed=21))
    return list(csv.reader(io.StringIO(frame.drop(columns="group").to_csv(index=False))))


def text_of(rows, sign=",", end="\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=sign, lineterminator=end).writerows(rows)
    return text.getvalue()


def changed(rows, *changes) -> list[list[str]]:
    rows = [list(row) for row in rows]
    for row, column, cell in changes:
        rows[row][rows[0].index(column)] = cell
    return rows


def with_column(rows, name, cells) -> list[list[str]]:
    return [[*row, cell] for row, cell in zip(rows, [name, *cells], strict=True)]


def both(path, model, tmp_path, kind="csv", **options):
    """Score a cohort as a whole and in pieces; return (content, notes, calls) of each."""
    whole, pieces = tmp_path / f"whole.{kind}", tmp_path / f"pieces.{kind}"
    explain = options.pop("explain", Explain.ALL)
    specimen = options.pop("specimen", None)
    scores = score_file(path, model, "f" * 64, explain, specimen, **options)
    write_scores(scores, explain, whole)
    job = Job(path, model, "f" * 64, explain, pieces, specimen, threads=2, **options)
    outcome = stream.stream(job)
    assert outcome is not None, "not scored in pieces"
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".partial")]
    calls = {call: n for call, n in outcome.calls.items() if n}
    expected = {call: scores.prediction.call.count(call) for call in set(scores.prediction.call)}
    return (whole, scores.notes, expected), (pieces, outcome.notes, calls)


def assert_same(path, model, tmp_path, kind="csv", **options) -> str:
    (whole, *told), (pieces, *told_too) = both(path, model, tmp_path, kind, **options)
    assert told == told_too
    if kind == "csv":
        assert pieces.read_bytes() == whole.read_bytes()
        return pieces.read_text()
    read = pq.read_table if kind == "parquet" else lambda p: pa.ipc.open_file(p).read_all()
    assert read(pieces).equals(read(whole), check_metadata=True)
    return ""


TROUBLED = (
    (5, "miR-126-3p", "Undetermined"),
    (30, "miR-126-3p", "undetermined"),
    (31, "miR-145-5p", ">40"),
    (40, "miR-145-5p", ""),
    (41, "miR-145-5p", "NA"),
    (42, "miR-145-5p", "N.D."),
    (43, "miR-145-5p", "inf"),
    (60, "PD-L1", "<LOD"),
    (61, "PD-L1", "0"),
    (62, "PD-L1", "<0.5"),
    (63, "PD-L1", ">LOQ"),
    (64, "PD-L1", "nan"),
    (65, "PD-L1", "fail"),
    (90, "miR-103a-3p", "26.1 | 26.3 | Undetermined"),
    (91, "miR-103a-3p", " 26.25 "),
    (92, "miR-103a-3p", "*26.1"),
    (93, "miR-103a-3p", "2.61e1"),
    (94, "miR-103a-3p", "+26"),
    (95, "miR-103a-3p", "Undetermined"),
    (95, "miR-423-5p", "Undetermined"),
    (120, "miR-451a", "12.0"),
    (121, "miR-126-3p", "1e-300"),
    (150, "miR-126-3p", "60"),
)
READABLE = TROUBLED[:-1]


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("explain", list(Explain))
def test_cells_of_every_kind_give_the_same_output_in_every_format(kind, explain, clean, model, tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(text_of(changed(clean, *READABLE)))
    text = assert_same(path, model, tmp_path, kind, explain=explain)
    assert kind != "csv" or "QC_FAIL" in text


def test_what_cannot_be_read_keeps_its_row_and_says_why(clean, model, tmp_path):
    rows = changed(clean, *TROUBLED, (200, "miR-145-5p", "high"), (201, "miR-145-5p", "-3"), (201, "miR-126-3p", "x"))
    path = tmp_path / "c.csv"
    path.write_text(text_of(rows))
    text = assert_same(path, model, tmp_path, keep_going=True)
    assert "'high': text where a number belongs" in text
    assert [row["status"] for row in csv.DictReader(io.StringIO(text))].count("INVALID") == 3


def test_a_number_too_large_hides_no_other_impossible_number_of_its_column(clean, model, tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(
        text_of(changed(clean, (30, "miR-126-3p", "1e39"), (31, "miR-126-3p", "60"), (32, "PD-L1", "1e39"), (33, "PD-L1", "-4")))
    )
    rows = list(csv.DictReader(io.StringIO(assert_same(path, model, tmp_path, keep_going=True))))
    assert [row["specimen_id"] for row in rows if row["status"] == "INVALID"] == [clean[row][0] for row in (30, 31, 32, 33)]


def quoted(rows, which) -> bytes:
    """Write a table with quotes about some cells, none in them."""
    return "".join(",".join(f'"{cell}"' if which(cell) else cell for cell in row) + "\n" for row in rows).encode()


FORMS = {
    "CRLF": lambda rows: text_of(rows, end="\r\n").encode(),
    "tabs": lambda rows: text_of(rows, "\t").encode(),
    "semicolons": lambda rows: text_of(rows, ";").encode(),
    "a mark of the encoding": lambda rows: b"\xef\xbb\xbf" + text_of(rows).encode(),
    "no end of the last line": lambda rows: text_of(rows).encode().rstrip(),
    "quotes": lambda rows: text_of(changed(rows, (70, "site", 'a "b", c'), (71, "specimen_id", "x,y"))).encode(),
    "quoted as R does": lambda rows: quoted(rows, lambda cell: not cell[:1].isdigit()),
    "every cell quoted": lambda rows: quoted(rows, lambda _: True),
    "quoted cells with the delimiter": lambda rows: quoted(changed(rows, (70, "site", "a, b"), (71, "specimen_id", " x,y ")), bool),
    "a line break within quotes": lambda rows: quoted(changed(rows, (70, "site", "a\nb")), lambda cell: "\n" in cell),
    "a quote in the middle of a cell": lambda rows: quoted(rows, lambda cell: cell == "A").replace(b"S6", b'S"6', 1),
    "blank lines": lambda rows: text_of(rows).replace("\n", "\n\n", 150).encode(),
    "cells beyond the header": lambda rows: text_of([*rows[:100], [*rows[100], ""], *rows[101:]]).encode(),
    "a row of blanks": lambda rows: text_of([*rows[:100], [" ", *[""] * (len(rows[0]) - 1)], *rows[100:]]).encode(),
    "names that are not ASCII": lambda rows: text_of(changed(rows, (100, "specimen_id", "Ü-1"))).encode(),
    "blanks around names": lambda rows: text_of(changed(rows, (100, "specimen_id", " S 1 "))).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_text(form, clean, model, tmp_path):
    path = tmp_path / "c.txt"
    path.write_bytes(FORMS[form](clean))
    assert_same(path, model, tmp_path)


def test_a_table_that_is_simply_quoted_is_read_as_quickly(clean, model, tmp_path, monkeypatch):
    """R's ``write.csv`` and pyarrow quote every text: such tables need not be read cell by cell."""
    path = tmp_path / "c.csv"
    path.write_bytes(quoted(clean, lambda cell: not cell[:1].isdigit()))
    monkeypatch.setattr(cut, "_carefully", lambda *_: pytest.fail("read cell by cell"))
    assert_same(path, model, tmp_path)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.text('ab", \n', max_size=4), min_size=3, max_size=3), min_size=1, max_size=4), st.booleans())
def test_what_counts_as_simply_quoted_is_read_by_arrow_as_by_the_careful_reader(rows, end):
    content = ("\n".join(",".join(row) for row in rows) + ("\n" if end else "")).encode()
    if b'"' not in content or not cut._simply_quoted(content, ","):
        return
    try:
        expected = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    except csv.Error:
        pytest.fail("the careful reader refuses it")
    options = pcsv.ParseOptions(quote_char='"', ignore_empty_lines=False)
    names = [str(i) for i in range(max(map(len, expected)))]
    try:
        types = pcsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
        table = pcsv.read_csv(io.BytesIO(content), pcsv.ReadOptions(column_names=names), options, types)
    except pa.ArrowInvalid:
        return  # lines of other widths: the careful reader is asked
    kept = [row for row in expected if len(row) == len(names)]
    assert [list(row.values()) for row in table.to_pylist() if any(row.values())] == [row for row in kept if any(row)]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_packed_files(codec, clean, model, tmp_path):
    path = tmp_path / "c.csv.packed"
    with pa.output_stream(str(path), compression=codec) as file:
        file.write(text_of(clean).encode())
    assert_same(path, model, tmp_path)


def test_specimens_without_a_name_are_numbered(clean, model, tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(text_of([["Barcode", *clean[0][1:]], *clean[1:]]))
    assert "row-240," in assert_same(path, model, tmp_path)
    assert_same(path, model, tmp_path, specimen="Barcode")


def typed(rows, **types) -> pa.Table:
    columns = {}
    for name, *cells in zip(*rows, strict=True):
        try:
            numbers = [None if cell == "" else float(cell) for cell in cells]
            columns[name] = pa.array(numbers, types.get(name, pa.float64()))
        except ValueError:
            columns[name] = pa.array(cells).dictionary_encode() if name == "site" else pa.array(cells)
    return pa.table(columns)


def test_parquet_with_row_groups_nulls_and_other_types(clean, model, tmp_path):
    rows = changed(clean, (7, "PD-L1", ""), (8, "miR-126-3p", "nan"), (9, "miR-145-5p", "Undetermined"))
    path = tmp_path / "c.parquet"
    table = typed(rows, **{"miR-103a-3p": pa.float32(), "age": pa.float64()})
    pq.write_table(table, path, row_group_size=77)
    assert_same(path, model, tmp_path, "parquet")
    pq.write_table(table.slice(0, 50), path)
    assert_same(path, model, tmp_path)


def test_a_moment_of_no_calendar_in_parquet_is_refused_and_leaves_nothing(clean, model, tmp_path):
    """Beyond the rows that the head is read from."""
    days, table = [*range(239), 2**31 - 2], typed(clean)
    path, out = tmp_path / "c.parquet", tmp_path / "out.csv"
    pq.write_table(table.set_column(0, "specimen_id", pa.array(days, pa.int32()).cast(pa.date32())), path, row_group_size=77)
    with pytest.raises(InputRefused, match=r"\[CELL_UNREADABLE\] c.parquet, column 'specimen_id'"):
        score_cohort(Job(path, model, "f" * 64, Explain.ALL, out, threads=2))
    assert [p.name for p in tmp_path.iterdir()] == ["c.parquet"]


def test_a_folder_and_a_pattern_of_files_are_one_cohort(clean, model, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    for i in range(3):
        order = [0, *random.Random(i).sample(range(1, len(clean[0])), len(clean[0]) - 1)]
        body = [[row[j] for j in order] for row in (clean[0], *clean[1 + 80 * i : 81 + 80 * i])]
        content = text_of(body).encode()
        (folder / f"part-{i}.csv").write_bytes(gzip.compress(content) if i == 1 else content)
    by_folder = assert_same(folder, model, tmp_path)
    assert assert_same(folder / "part-*.csv", model, tmp_path) == by_folder
    (tmp_path / "one.csv").write_text(text_of(clean))
    assert assert_same(tmp_path / "one.csv", model, tmp_path) == by_folder


def test_rules_on_columns_and_what_is_allowed_stand_beside_each_specimen(clean, model, tmp_path):
    rows = with_column(clean, "anticoagulant", ["Li-heparin" if i % 50 == 9 else "EDTA" for i in range(240)])
    rows = with_column(rows, "specimen_type", ["serum" if i > 200 else "" if i % 3 else "plasma" for i in range(240)])
    path = tmp_path / "c.csv"
    path.write_text(text_of(rows))
    allowed = Conditions(allow=("FLUID_MISMATCH", "PLATFORM_MISMATCH"), because="a test, no more")
    text = assert_same(path, model, tmp_path, conditions=allowed)
    assert "refused: heparin" in text
    assert "FLUID_MISMATCH: specimen type 'serum', valid for plasma; allowed because: a test, no more" in text
    assert_same(path, model, tmp_path, conditions=replace(allowed, allow=("FLUID_MISMATCH", "ISOLATION_MISMATCH")))


def test_a_missing_target_may_be_allowed(clean, model, tmp_path):
    path, j = tmp_path / "c.csv", clean[0].index("miR-145-5p")
    path.write_text(text_of([row[:j] + row[j + 1 :] for row in clean]))
    assert_same(path, model, tmp_path, conditions=Conditions(allow=("ANALYTE_MISSING",), because="none left"))


def off(rows, name, factor):
    j = rows[0].index(name)
    cells = [str(float(row[j]) * factor) if row[j][:1].isdigit() else row[j] for row in rows[1:]]
    return [rows[0], *([*row[:j], cell, *row[j + 1 :]] for row, cell in zip(rows[1:], cells, strict=True))]


REFUSED = {
    "a cell that cannot be read": lambda rows: changed(rows, (200, "miR-145-5p", "high")),
    "an id that stands twice, far apart": lambda rows: changed(rows, (230, "specimen_id", rows[3][0])),
    "a blank id": lambda rows: changed(rows, (150, "specimen_id", "")),
    "a line that is too short": lambda rows: [*rows[:150], rows[150][:-2], *rows[151:]],
    "another unit": lambda rows: off(rows, "PD-L1", 1000),
    "negative Ct": lambda rows: off(rows, "miR-126-3p", -1),
    "another fluid": lambda rows: with_column(rows, "fluid", ["plasma"] * 180 + ["serum"] * 60),
    "another unit, stated": lambda rows: with_column(rows, "unit", ["Ct"] * 230 + ["ng/mL"] * 10),
    "a missing analyte": lambda rows: [row[:-1] for row in rows],
    "an odd cell for a rule": lambda rows: with_column(rows, "freeze_thaw_cycles", ["1"] * 239 + ["many"]),
    "everything at once": lambda rows: changed(
        with_column(rows, "fluid", ["plasma"] * 200 + ["serum"] * 40), (180, "PD-L1", "x"), (181, "specimen_id", rows[3][0])
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_refused_as_a_whole_is_refused_in_pieces_and_nothing_is_written(reason, clean, model, tmp_path):
    path, out = tmp_path / "c.csv", tmp_path / "out.csv"
    path.write_text(text_of(REFUSED[reason](clean)))
    with pytest.raises(InputRefused) as whole:
        score_file(path, model, "f" * 64, Explain.ALL)
    job = Job(path, model, "f" * 64, Explain.ALL, out, threads=2)
    assert stream.stream(job) is None
    with pytest.raises(InputRefused) as pieces:
        score_cohort(job)
    assert str(pieces.value) == str(whole.value)
    assert [p.name for p in tmp_path.iterdir()] == ["c.csv"]


@pytest.mark.parametrize("reason", ["another unit", "negative Ct"])
def test_what_only_the_whole_can_judge_may_be_allowed_and_is_then_scored_as_a_whole(reason, clean, model, tmp_path):
    path, out, whole = tmp_path / "c.csv", tmp_path / "out.csv", tmp_path / "whole.csv"
    path.write_text(text_of(REFUSED[reason](clean)))
    options = {
        "conditions": Conditions(allow=("UNIT_SUSPECT", "SCALE_SUSPECT"), because="known"),
        "keep_going": True,
    }
    write_scores(score_file(path, model, "f" * 64, Explain.ALL, **options), Explain.ALL, whole)
    score_cohort(Job(path, model, "f" * 64, Explain.ALL, out, **options))
    assert out.read_bytes() == whole.read_bytes()
    assert ("allowed because: known" in out.read_text()) is (reason == "another unit")


def test_long_tables_and_latin_1_are_left_to_the_careful_reader(clean, model, tmp_path):
    long = [["specimen_id", "analyte", "value"]]
    long += [[row[0], name, cell] for row in clean[1:9] for name, cell in zip(clean[0][-7:], row[-7:], strict=True)]
    for content in (text_of(long).encode(), text_of(changed(clean, (100, "site", "Zürich"))).encode("latin-1")):
        (tmp_path / "c.csv").write_bytes(content)
        job = Job(tmp_path / "c.csv", model, "f" * 64, Explain.ALL, tmp_path / "out.csv")
        assert stream.stream(job) is None
        assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_packed_file_that_breaks_off_is_refused(codec, clean, model, tmp_path):
    path, out = tmp_path / "c.csv.packed", tmp_path / "out.csv"
    with pa.output_stream(str(path), compression=codec) as file:
        file.write(text_of(clean).encode())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputRefused, match="_DAMAGED"):
        score_cohort(Job(path, model, "f" * 64, Explain.ALL, out))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_whole_numbers_too_large_for_a_float_are_read_as_from_text(clean, model, tmp_path):
    path = tmp_path / "c.parquet"
    cells = [2**60 + 1 if i == 100 else 40 + i % 30 for i in range(240)]
    table = typed(clean)
    pq.write_table(table.set_column(table.column_names.index("PD-L1"), "PD-L1", pa.array(cells)), path)
    assert_same(path, model, tmp_path)


@pytest.mark.parametrize("of", [2, 3, 7])
def test_shards_in_order_are_the_whole(of, clean, model, tmp_path):
    path, whole = tmp_path / "c.csv", tmp_path / "whole.csv"
    path.write_text(text_of(changed(clean, *READABLE)))
    job = Job(path, model, "f" * 64, Explain.ALL, whole)
    score_cohort(job)
    pieces = []
    for number in range(1, of + 1):
        score_cohort(replace(job, out=tmp_path / "piece.csv", shard=Shard(number, of)))
        header, *lines = (tmp_path / "piece.csv").read_text().splitlines(keepends=True)
        pieces += lines
    assert [header, *pieces] == whole.read_text().splitlines(keepends=True)


@given(
    st.lists(st.sampled_from(["", "a", "bc", "\r", "d" * 9, "e" * 30]), min_size=1, max_size=30),
    st.booleans(),
    st.integers(1, 12),
)
def test_a_line_longer_than_blocks_stays_whole_in_the_block_it_begins_in(lines, is_ended, size):
    text = ("\n".join(lines) + "\n" * is_ended).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.csv"
        path.write_bytes(text)
        file = blocks.Text(path, "", size)
        found, n_blocks = list(file.blocks()), file.n_blocks()
    header = text.find(b"\n") + 1 or len(text)
    begins = [header + i for i in range(len(text) - header) if text[header + i - 1 : header + i] == b"\n"]
    expected = [b""] * n_blocks
    for begin in begins:
        expected[begin // size] += text[begin : text.find(b"\n", begin) + 1 or len(text)]
    assert found == expected or (not text and found == [])


def test_shards_of_lines_longer_than_a_block_are_the_whole_without_the_header(clean, model, tmp_path, monkeypatch):
    path, whole = tmp_path / "c.csv", tmp_path / "whole.csv"
    path.write_text(text_of(with_column(clean, "n" * 900, ["r" * 9000] * (len(clean) - 1))))
    monkeypatch.setattr(plan, "HEAD", 1 << 16)
    job = Job(path, model, "f" * 64, Explain.ALL, whole, keep_going=True)
    write_scores(score_file(path, model, "f" * 64, Explain.ALL), Explain.ALL, whole)
    pieces = []
    for number in range(1, 5):
        score_cohort(replace(job, out=tmp_path / "piece.csv", shard=Shard(number, 4)))
        header, *lines = (tmp_path / "piece.csv").read_text().splitlines(keepends=True)
        pieces += lines
    assert [header, *pieces] == whole.read_text().splitlines(keepends=True)


def test_a_header_with_line_breaks_is_no_specimen(clean, model, tmp_path):
    path, out = tmp_path / "c.csv", tmp_path / "o.csv"
    path.write_text(text_of([["specimen\nid", *clean[0][1:]], *clean[1:]]))
    score_cohort(Job(path, model, "f" * 64, Explain.ALL, out, "specimen\nid", keep_going=True))
    with out.open(newline="") as file:
        assert [row["specimen_id"] for row in csv.DictReader(file)] == [row[0] for row in clean[1:]]


def test_a_row_of_blanks_alone_is_no_specimen_without_a_name(clean, model, tmp_path):
    rows = [["x", *row[1:]] for row in clean]
    rows[0][0] = "note"
    rows[50] = ["  ", *[""] * (len(rows[0]) - 1)]
    path = tmp_path / "c.csv"
    path.write_text(text_of(rows))
    with pytest.raises(NotInPieces):
        stream.written(plan.plan_of(Job(path, model, "f" * 64, Explain.ALL, tmp_path / "o.csv")), stream._fill)


@given(st.integers(1, 40), st.integers(0, 200))
def test_every_block_belongs_to_one_shard_and_shards_are_equal(of, n_blocks):
    held = [[b for b in range(n_blocks) if Shard(i, of).holds(b, n_blocks)] for i in range(1, of + 1)]
    assert [block for blocks_ in held for block in blocks_] == list(range(n_blocks))
    assert max(map(len, held)) - min(map(len, held)) <= 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_shards_hold_fair_shares_of_the_rows(kind, tmp_path):
    """Four shards of a table smaller than a block, and eight of one of a few blocks."""
    table = pa.table({"specimen_id": [f"S{i:06d}" for i in range(60_000)], "a": [i % 977 / 8 for i in range(60_000)]})
    path = tmp_path / f"c.{kind}"
    if kind == "csv":
        pa.csv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    for of in (4, 8):
        (file,) = blocks.dealt([blocks.file_of(path)], of)
        n_blocks = file.n_blocks()
        rows = [0] * of
        for block in blocks.cohort_blocks([file], [["specimen_id", "a"]]):
            assert block.rows == blocks.rows_in(block.content)
            rows[next(i for i in range(of) if Shard(i + 1, of).holds(block.number, n_blocks))] += block.rows
        assert sum(rows) == 60_000
        assert max(rows) - min(rows) <= 0.1 * 60_000 / of


def test_a_shard_that_is_none_is_wrong_usage():
    for number, of in ((0, 2), (3, 2)):
        with pytest.raises(UsageError, match="SHARD_INVALID"):
            Shard(number, of)


def test_threads_and_the_size_of_blocks_change_nothing(clean, model, tmp_path, monkeypatch):
    path, found = tmp_path / "c.csv", set()
    path.write_text(text_of(changed(clean, *READABLE)))
    for block, threads in ((2000, 1), (5000, 3), (1 << 20, 2)):
        monkeypatch.setattr(blocks, "BLOCK", block)
        assert stream.stream(Job(path, model, "f" * 64, Explain.ALL, tmp_path / "o.csv", threads=threads)) is not None
        found.add((tmp_path / "o.csv").read_bytes())
    assert len(found) == 1


OF_ROWS = {
    "cells": lambda rows: changed(rows, (3, "miR-126-3p", "abc"), (200, "PD-L1", "x"), (201, "miR-145-5p", "99")),
    "names": lambda rows: changed(rows, (90, "specimen_id", "")),
    "twice": lambda rows: changed(rows, (120, "specimen_id", rows[7][0]), (220, "specimen_id", rows[7][0])),
    "ragged": lambda rows: [*rows[:100], rows[100][:-1], *rows[101:]],
    "statements": lambda rows: with_column(rows, "fluid", ["plasma", "serum"] * 120),
    "rules": lambda rows: with_column(rows, "freeze_thaw_cycles", ["1"] * 239 + ["many"]),
    "a missing analyte": lambda rows: [row[:-1] for row in rows],
}


def written_as(kind, rows, tmp_path):
    """A file, or a folder of two."""
    path = tmp_path / ("c" if kind == "folder" else f"c.{kind}")
    if kind == "folder":
        path.mkdir()
        (path / "a.csv").write_text(text_of(rows[:151]))
        (path / "b.csv").write_text(text_of([rows[0], *rows[151:]]))
    elif kind == "csv":
        path.write_text(text_of(rows))
    else:
        columns = [pa.array(list(column)) for column in zip(*rows[1:], strict=True)]
        pq.write_table(pa.table(dict(zip(rows[0], columns, strict=True))), path)
    return path


@pytest.mark.parametrize(
    ("reason", "kind"), [(r, k) for r in OF_ROWS for k in ("csv", "parquet", "folder") if (r, k) != ("ragged", "parquet")]
)
def test_rows_of_a_large_cohort_are_refused_in_the_same_words_without_a_look_at_the_whole(
    reason, kind, clean, model, tmp_path, monkeypatch
):
    path, out = written_as(kind, OF_ROWS[reason](clean), tmp_path), tmp_path / "out.csv"
    with pytest.raises(InputRefused) as whole:
        score_file(path, model, "f" * 64, Explain.ALL)
    monkeypatch.setattr(stream, "SMALL", 0)
    monkeypatch.setattr(plan, "SMALL", 0)
    monkeypatch.setattr(run, "as_a_whole", lambda _: pytest.fail("read as a whole"))
    with pytest.raises(InputRefused) as pieces:
        score_cohort(Job(path, model, "f" * 64, Explain.ALL, out, threads=2))
    assert sorted(map(str, pieces.value.problems)) == sorted(map(str, whole.value.problems))
    assert not out.exists()


def test_what_only_the_whole_can_judge_is_refused_where_the_whole_is_too_large(clean, model, tmp_path, monkeypatch):
    path = tmp_path / "c.csv"
    path.write_text(text_of(REFUSED["another unit"](clean)))
    job = Job(path, model, "f" * 64, Explain.ALL, tmp_path / "out.csv")
    monkeypatch.setattr(stream, "SMALL", 0)
    monkeypatch.setattr(plan, "SMALL", 0)
    with pytest.raises(InputRefused, match="UNIT_SUSPECT"):
        score_cohort(job)
    monkeypatch.setattr(stream, "LARGEST", 0)
    with pytest.raises(InputRefused, match=r"COHORT_TOO_LARGE.*medians.*cut it into files"):
        score_cohort(job)


def test_of_very_many_problems_the_first_are_told(clean, model, tmp_path, monkeypatch):
    path = tmp_path / "c.csv"
    path.write_text(text_of(changed(clean, *((row, "PD-L1", "x") for row in range(1, 200)))))
    monkeypatch.setattr(stream, "SMALL", 0)
    monkeypatch.setattr(plan, "SMALL", 0)
    monkeypatch.setattr(troubles, "MOST", 50)
    with pytest.raises(InputRefused) as refused:
        score_cohort(Job(path, model, "f" * 64, Explain.ALL, tmp_path / "out.csv"))
    assert len(refused.value.problems) == 51
    assert refused.value.problems[-1].code == "MORE_PROBLEMS"


def test_a_text_whose_first_column_is_the_protein_par1_is_no_parquet_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("PAR1,specimen_id\n2.5,S1\n")
    assert isinstance(blocks.file_of(path), blocks.Text)
    pq.write_table(pa.table({"PAR1": [2.5]}), path)
    assert isinstance(blocks.file_of(path), blocks.Rows)

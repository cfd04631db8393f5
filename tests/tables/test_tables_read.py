"""Files become the same text cells whatever their form; everything that is not a table is refused with its place."""

import bz2
import datetime as dt
import gzip
import io
import lzma
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.frozen import read_cells
from exodx.panel import Scale
from exodx.tables.reader import read_table
from exodx.tables.table import TextTable

HEADER = ["id", "miR-126-3p", "PD-L1"]
ROWS = [["007", "27.25", "83.5"], ["S2", "Undetermined", "1e5"], ["NA", "", "None"]]
CELLS = {name: [row[i] for row in ROWS] for i, name in enumerate(HEADER)}


def text(delimiter=",", end="\n", rows=ROWS):
    return "".join(delimiter.join(row) + end for row in [HEADER, *rows])


def xlsx(rows, before=0, sheets=()):
    book = openpyxl.Workbook()
    for name in sheets:
        book.create_sheet(name).append(["other"])
    for _ in range(before):
        book.active.append([])
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet(columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


@pytest.fixture(scope="session")
def read(tmp_path_factory):
    file = tmp_path_factory.mktemp("tables") / "table"

    def read_bytes(content):
        file.write_bytes(content)
        return read_table(file)

    return read_bytes


@pytest.fixture(scope="session")
def refused(read):
    def problems(content):
        with pytest.raises(InputRefused) as caught:
            read(content)
        return caught.value.problems

    return problems


COMMA_ROWS = [[c.replace(".", ",") for c in row] for row in ROWS]
FORMS = {
    "csv": text().encode(),
    "tsv": text("\t").encode(),
    "semicolon": text(";").encode(),
    "crlf": text(end="\r\n").encode(),
    "old-mac": text(end="\r").encode(),
    "no-last-line-end": text().rstrip("\n").encode(),
    "utf8-bom": text().encode("utf-8-sig"),
    "utf16": text("\t").encode("utf-16"),
    "utf16-be": b"\xfe\xff" + text("\t").encode("utf-16-be"),
    "gzip": gzip.compress(text().encode()),
    "quoted": b'"id","miR-126-3p","PD-L1"\n"007","27.25"," 83.5 "\nS2,Undetermined,1e5\n"NA","","None"\n',
    "blank-lines": text().replace("\n", "\n\n,,\n").encode(),
    "preamble": b"# exported\n# by somebody, on a day, in a place\n" + text("\t").encode(),
    "marked-header": b"#SampleID\n#" + text("\t").encode(),
    "trailing-delimiters": text(end=",\n").encode(),
    "xlsx": xlsx([HEADER, ["007", 27.25, 83.5], ["S2", "Undetermined", "1e5"], ["NA", None, "None"]]),
    "parquet": parquet(CELLS),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_text_cells(read, form):
    table = read(FORMS[form])
    assert table.columns == CELLS
    assert (len(table), table.decimal) == (3, ".")


def test_a_decimal_comma_is_recognised_and_noted(read):
    table = read(text(";", rows=COMMA_ROWS).encode())
    assert table.columns["miR-126-3p"] == ["27,25", "Undetermined", ""]
    assert table.decimal == ","
    assert table.notes == ("semicolon-separated", "decimal comma")
    mixed = read(text(";", rows=[*COMMA_ROWS, ["S4", "27.5", "1"]]).encode())
    assert mixed.decimal == "."  # then every comma number is refused as a cell, never read as another number


def test_lines_are_those_of_the_file(read):
    table = read(b'# a\n# b\nid,x\nS1,"1\n"\n\nS2,2\n')
    assert table.lines == [4, 7]
    assert table.where(1, "x") == "table, line 7, column 'x'"
    assert read(FORMS["xlsx"]).lines == [2, 3, 4]
    assert read(xlsx([HEADER, *ROWS], before=2)).lines == [4, 5, 6]
    assert read(FORMS["parquet"]).where(0) == "table, row 1"
    assert table.take([1]).columns == {"id": ["S2"], "x": ["2"]}


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "FILE_EMPTY", "the file is empty"),
        (b" \r\n\n", "FILE_EMPTY", "the file is empty"),
        (b"\x1f\x8b" + gzip.compress(b"")[2:], "FILE_EMPTY", "the file is empty"),
        (b"id,x\n", "FILE_EMPTY", "a header but no row"),
        (xlsx([]), "FILE_EMPTY", "empty"),
        (parquet({"a": pa.array([], pa.string())}), "FILE_EMPTY", "no row"),
        (b"id|x\nS1|2\n", "DELIMITER", "'|'"),
        (b"id x\nS1 2\n", "DELIMITER", "blanks"),
        (b"id\nS1\n", "DELIMITER", "only one column"),
        ("id,é\nS1,1\nS2,ß\n".encode("latin-1"), "ENCODING", "0xe9"),
        (b"id,x,x\nS1,1,2\n", "HEADER_TWICE", "columns 2, 3"),
        (b"id,,\nS1,1,2\n", "HEADER_MISSING", "columns 2, 3"),
        (b'id,x\nS1,"2\nS2,3\n', "QUOTE", "unexpected end"),
        (b'id,x\nS1,"2"3\n', "QUOTE", "expected"),
        (b"id,x\nS1,\x00\n", "NOT_A_TABLE", "binary"),
        (b"id,x\n" + 50 * b"S1,2\n" + b"S2,\x003\n", "NOT_A_TABLE", "a NUL character (of 1)"),
        (gzip.compress(FORMS["gzip"]), "NOT_A_TABLE", "packed twice"),
        (bz2.compress(b"id,x\nS1,2\n"), "NOT_A_TABLE", "bzip2"),
        (lzma.compress(b"id,x\nS1,2\n"), "NOT_A_TABLE", "xz"),
        (b"%PDF-1.4\n", "NOT_A_TABLE", "a PDF"),
        (b"id" + 40 * b",x" + b"\nS1" + 40 * b",1", "HEADER_TWICE", "columns 2, 3, 4, 5, 6, 7, 8, 9 and 32 more"),
        (b"id,x\nS1,2\nS2," + b"3" * 20_000, "CELL_LONG", "20000 letters"),
        (b"x" * 20_000 + b"\n", "CELL_LONG", "20000 letters"),
        (bytes(range(128)), "NOT_A_TABLE", "a NUL character (of 1)"),
        (FORMS["gzip"][:-9], "GZIP_DAMAGED", "end"),
        (FORMS["gzip"][:20] + b"xxxx" + FORMS["gzip"][24:], "GZIP_DAMAGED", ""),
        (FORMS["xlsx"][: len(FORMS["xlsx"]) // 2], "NOT_A_TABLE", "workbook"),
        (FORMS["parquet"][:-20], "NOT_A_TABLE", "Parquet"),
    ],
)
def test_what_is_not_a_table_is_refused(refused, content, code, words):
    (problem,) = refused(content)
    assert problem.code == code
    assert words in problem.found


def test_a_refusal_says_the_line_of_what_is_too_long_and_of_a_nul(refused):
    assert refused(b"id,x\nS1,2\nS2," + b"3" * 20_000)[0].where == "table, line 3"
    assert refused(b"id,x\r\nS1,2\r\n" + b"3" * 20_000 + b"\r\n")[0].where == "table, line 3"
    assert refused(b"x" * 20_000)[0].where == "table, line 1"
    assert refused(b"id,x\n" + 50 * b"S1,2\n" + b"S2,\x003\n")[0].where == "table, line 52"


def test_a_cell_that_is_too_long_is_named_in_every_form(refused):
    long = "3" * 20_000
    assert refused(xlsx([("id", "x"), ("S1", "2"), ("S2", long)]))[0].where == "table, sheet 'Sheet', row 3, column 2"
    assert refused(parquet({"id": ["S1", "S2"], "x": ["2", long]}))[0].where == "table, row 2, column 2"
    quoted = f'id,x\nS1,"{long[:10_000]}\n{long[:10_000]}"\n'
    assert refused(quoted.encode())[0].where == "table, line 2, column 2"


def test_a_text_may_begin_nearly_as_another_format_does(read):
    for name in ("%PDF-positive", "SQLite format 3 id", "ARROW1", "PK", "PAR1 id"):
        assert read(f"{name},x\nS1,2\n".encode()).columns == {name: ["S1"], "x": ["2"]}


def test_a_header_below_many_blank_lines_is_found(read):
    assert read(b"\n" * 1000 + b"id,x\nS1,2\n").columns == {"id": ["S1"], "x": ["2"]}
    assert read(b"\r\n" * 1000 + b"\tx\nS1\t2\n").columns == {"": ["S1"], "x": ["2"]}


ODD = {
    "a list": (pa.array([[27.5], [28.0]]), "COLUMN_TYPE"),
    "a struct": (pa.array([{"a": 1}, {"a": 2}]), "COLUMN_TYPE"),
    "bytes": (pa.array([b"27.5", b"28"]), "COLUMN_TYPE"),
    "bytes of one size": (pa.array([b"27", b"28"], pa.binary(2)), "COLUMN_TYPE"),
    "a day of no calendar": (pa.array([2**31 - 1, 0], pa.date32()), "CELL_UNREADABLE"),
    "a second of no calendar": (pa.array([10**12, 0], pa.timestamp("s")), "CELL_UNREADABLE"),
    "a time that is none": (pa.array([-(2**63) + 1, 0], pa.int64()).cast(pa.timestamp("us")), "CELL_UNREADABLE"),
    "a zone that is none": (pa.array([1, 0], pa.timestamp("us", "No/Where")), "CELL_UNREADABLE"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_parquet_column_of_no_text_and_no_number_is_refused_by_its_name(refused, name):
    column, code = ODD[name]
    found = refused(parquet({"id": ["S1", "S2"], "x": column, "y": column}))
    assert [(p.code, p.where) for p in found] == [(code, "table, column 'x'"), (code, "table, column 'y'")]


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (pa.array([Decimal("27.50"), None], pa.decimal128(38, 9)), ["27.500000000", ""]),
        (pa.array([27.1, float("nan")], pa.float32()), ["27.100000381469727", ""]),
        (pa.array([27.5, 28.25]).dictionary_encode(), ["27.5", "28.25"]),
        (pa.array(["27.5", "Undetermined"], pa.large_string()), ["27.5", "Undetermined"]),
        (pa.array([2**64 - 1, 0], pa.uint64()), ["18446744073709551615", "0"]),
        (pa.array([-0.0, 1e308]), ["0", "1e+308"]),
        (pa.array([dt.date(2024, 3, 1), None]), ["2024-03-01", ""]),
    ],
)
def test_a_parquet_column_of_numbers_is_read_to_the_last_digit(read, column, cells):
    assert read(parquet({"id": ["S1", "S2"], "x": column})).columns["x"] == cells


def test_two_parquet_columns_of_one_name_are_refused_as_such(refused):
    out = io.BytesIO()
    pq.write_table(pa.table([pa.array(["S1"]), pa.array([1.5]), pa.array([2.5])], names=["id", "x", "x"]), out)
    (problem,) = refused(out.getvalue())
    assert problem.code == "HEADER_TWICE"
    assert "'x' stands over columns 2, 3" in problem.found


def test_latin_1_is_refused_with_its_line(refused):
    content = "id,x\r\nS1,1\rS2,2\nMüller,3\n".encode("latin-1")
    assert refused(content)[0].where == "table, line 4, column 'id'"


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path, code in ((tmp_path / "none.csv", "FILE_UNREADABLE"), (tmp_path, "FILE_EMPTY")):
        with pytest.raises(InputRefused, match=code):
            read_table(path)


def test_every_ragged_row_is_reported_with_its_line_also_after_a_quoted_newline(refused):
    problems = refused(b'# note\nid,x,y\nS1,"1\n2",3\nS2,1\nS3,1,2,3\nS4,1,2,,\nS5\n')
    assert [(p.code, p.where, p.found[:7]) for p in problems] == [
        ("ROW_RAGGED", "table, line 5", "2 cells"),
        ("ROW_RAGGED", "table, line 6", "4 cells"),
        ("ROW_RAGGED", "table, line 8", "1 cells"),
    ]


def test_header_problems_and_ragged_rows_are_reported_together(refused):
    assert [p.code for p in refused(b"x,x,,\n1,2,3,4\n1\n")] == ["HEADER_TWICE", "HEADER_MISSING", "ROW_RAGGED"]


def test_one_blank_header_names_the_rows_and_an_empty_column_vanishes(read):
    assert read(b",a\nS1,1\n").columns == {"": ["S1"], "a": ["1"]}
    assert read(b"a,b,\n1,2,\n").columns == {"a": ["1"], "b": ["2"]}


def test_a_workbook_gives_its_first_filled_sheet_and_says_so(read):
    assert "the other sheets are not read" in read(xlsx([HEADER, *ROWS], sheets=["second"])).notes[0]


def test_typed_cells_become_text(read):
    day = dt.datetime(2024, 3, 1)
    rows = [["whole", "date", "time", "error", "flag"], [7.0, day, day.replace(hour=9), "=1/0", True]]
    table = read(xlsx(rows))
    assert table.columns["whole"] == ["7"]
    assert table.columns["date"] == ["2024-03-01"]
    assert table.columns["time"] == ["2024-03-01T09:00:00"]
    assert table.columns["flag"] == ["True"]
    typed = read(parquet({"id": [7, 8], "x": [1.5, None], "d": [day.date(), None], "n": [float("nan"), 2.0]}))
    assert typed.columns == {"id": ["7", "8"], "x": ["1.5", ""], "d": ["2024-03-01", ""], "n": ["", "2"]}


def test_an_excel_error_cell_keeps_its_text_and_never_reads_as_blank(read):
    book = openpyxl.Workbook()
    book.create_sheet("empty", 0)
    book["Sheet"].append(["id", "x", "y"])
    book["Sheet"].append(["S1", "#DIV/0!", 2])
    book["Sheet"].append(["S2", 3.5, "#N/A"])
    book["Sheet"]["B2"].data_type = book["Sheet"]["C3"].data_type = "e"
    out = io.BytesIO()
    book.save(out)
    table = read(out.getvalue())
    assert (table.columns["x"], table.columns["y"]) == (["#DIV/0!", "3.5"], ["2", "#N/A"])
    cells = read_cells(table.columns["x"], Scale.LINEAR)
    assert cells.unreadable == {0: "text where a number belongs"}
    assert not read_cells(table.columns["y"], Scale.LINEAR).unreadable  # Excel's own word for not available


def table_or_refusal(read, content):
    with suppress(InputRefused):
        table = read(content)
        assert isinstance(table, TextTable)
        assert {len(cells) for cells in table.columns.values()} == {len(table)}


@given(st.one_of(st.binary(max_size=200), st.text("ab1,;\t\n\r\"'#.\x00é", max_size=80).map(str.encode)))
def test_no_byte_string_ends_in_a_traceback(read, content):
    table_or_refusal(read, content)


@given(st.sampled_from(["xlsx", "parquet", "gzip", "utf16"]), st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_no_damaged_file_ends_in_a_traceback(read, form, place, junk):
    content = bytearray(FORMS[form])
    place %= len(content)
    content[place : place + len(junk)] = junk
    table_or_refusal(read, bytes(content))


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted where the kernel tells them")
def test_reading_leaves_no_pool_of_threads(tmp_path):
    """Arrow's pool, torn down while it starts, ends the process with SIGABRT (apache/arrow#34314): one thread reads, none parse."""
    path = tmp_path / "cohort.csv"
    path.write_text("specimen_id,miR-21-5p,miR-16-5p\n" + "".join(f"S{i},2{i % 7}.5,21.{i % 9}\n" for i in range(30_000)))
    code = """
import os, sys
from exodx.tables import arrow, reader
before = len(os.listdir("/proc/self/task"))
reader.read_table(sys.argv[1])
print(len(os.listdir("/proc/self/task")) - before)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 1

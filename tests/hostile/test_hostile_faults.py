"""The faults that hostile files found, one by one: what gave a traceback, a hang, a full memory or another value is refused."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest

from exodx.cli import main
from exodx.cohort import Intake, build_cohort
from exodx.errors import InputRefused, ModelRefused, Problem
from exodx.panel import read_toml
from exodx.tables import hidden, packed
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table
from tests.cli.calls import run
from tests.hostile.old_excel import grid, ole, sheet, stream, xls
from tests.hostile.readers import bundle
from tests.hostile.seeds import BUNDLE, delimited, parquet, zipped, zstd
from tests.tables.plate_texts import long
from tests.tables.test_platforms_rcc import rcc

SHEET = "xl/worksheets/sheet1.xml"
LAST = b'<c r="B3" t="n"><v>28.5</v></c>'
ROWS = (("id", "miR-1-3p"), ("P1", 27.25), ("P2", 28.5))


def xlsx(old: bytes = b"", new: bytes = b"", part: str = SHEET, rows=ROWS) -> bytes:
    """Return a workbook, with something in one of its parts replaced."""
    book, whole, out = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(whole)
    with zipfile.ZipFile(whole) as packed_book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as changed:
        for name in packed_book.namelist():
            data = packed_book.read(name)
            assert name != part or old in data
            changed.writestr(name, data.replace(old, new, 1) if name == part and old else data)
    return out.getvalue()


@pytest.fixture
def read(tmp_path):
    def read_bytes(content: bytes):
        path = tmp_path / "input.bin"
        path.write_bytes(content)
        return read_table(path)

    return read_bytes


def codes(read, content: bytes) -> list[str]:
    with pytest.raises(InputRefused) as caught:
        read(content)
    assert str(caught.value)
    return [problem.code for problem in caught.value.problems]


SCATTERED = "specimen_id,analyte,value\n" + "".join(f"S{i},miR-{i}-3p,27.5\n" for i in range(4000))
FAR = {
    "a cell in the last row and column of XLSX": xlsx(b'r="B3"', b'r="XFD1048576"'),
    "a cell beyond the last column of XLSX": xlsx(b'r="B3"', b'r="ZZZZZZZ1048576"'),
    "a row far below, its cells without a place": xlsx(b'<row r="3"><c r="A3"', b'<row r="1048576"><c'),
    "a row far below, of one column": xlsx(
        rows=(("id",), ("P1",)), old=b'<row r="2"><c r="A2"', new=b'<row r="900000"><c r="A900000"'
    ),
    "a cell in the last row and column of XLS": ole(stream({"S": sheet({**grid(ROWS), (65535, 65535): 1.0})})),
    "a size of XLS that no sheet has": ole(
        stream({"S": sheet(grid(ROWS), struct.pack("<HHIIHHH", 0x0200, 14, 0, 0xFFFFFFFF, 0, 0xFFFF, 0))})
    ),
}
UNSOUND = {
    "an entity": xlsx(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "27">]><worksheet'),
    "an undefined entity": xlsx(LAST, b'<c r="B3" t="n"><v>&a;</v></c>'),
    "a remark in a number": xlsx(LAST, b'<c r="B3" t="n"><v>2<!-- -->8.5</v></c>'),
    "unparsed text": xlsx(LAST, b'<c r="B3" t="n"><v><![CDATA[28.5]]></v></c>'),
    "another encoding": xlsx(b"<worksheet", b'<?xml version="1.0" encoding="latin-1"?><worksheet'),
    "a cell twice": xlsx(LAST, LAST + LAST.replace(b"28.5", b"30")),
    "a cell in another row": xlsx(
        b'<row r="3"><c r="A3" t="inlineStr"><is><t>P2</t></is></c><c r="B3"', b'<row r="9"><c r="A3" t="n"><v>1</v></c><c'
    ),
    "a prefix that nothing declares": xlsx(b"<sheets", b'<sheets v:x="1"', "xl/workbook.xml"),
    "a sheet that is not there": xlsx(b"/xl/worksheets/sheet1.xml", b"/xl/worksheets/sheet9.xml", "xl/_rels/workbook.xml.rels"),
    "XLSB": zipped(**{"xl/workbook.bin": b"\x83\x01\x00"}),
    "ODS": zipped(**{"content.xml": b"<office/>"}),
    "XLS cut off": xls(ROWS)[:3000],
    "XLS of sectors in a circle": xls(ROWS).replace(struct.pack("<II", 1, 2), struct.pack("<II", 1, 1)),
}


@pytest.mark.parametrize("content", [*FAR.values(), *UNSOUND.values()], ids=[*FAR, *UNSOUND])
def test_a_workbook_that_is_not_sound_or_has_no_bounds_is_refused(content, read):
    assert codes(read, content) == ["NOT_A_TABLE"]


@pytest.mark.parametrize("mark", [b"t='e'", b't = "e"', b't="e" x=">"'])
def test_an_error_cell_is_its_text_however_its_xml_is_written(mark, read):
    table = read(xlsx(LAST, LAST.replace(b't="n"', mark).replace(b"28.5", b"#DIV/0!")))
    assert list(table.columns["miR-1-3p"]) == ["27.25", "#DIV/0!"]


def test_an_error_cell_of_xls_is_its_text(read):
    table = read(xls([("id", "miR-1-3p", "miR-2-3p"), ("P1", 27.25, b"\x07"), ("P2", b"\x2a", 28.5)]))
    assert [list(table.columns[name]) for name in ("miR-1-3p", "miR-2-3p")] == [["27.25", "#N/A"], ["#DIV/0!", "28.5"]]


def test_a_formula_that_was_never_calculated_is_no_blank(read):
    """What openpyxl writes keeps no result; as a blank it would read as *not run*."""
    table = read(xlsx(rows=(("id", "miR-1-3p"), ("P1", 27.25), ("P2", "=B2*2"))))
    assert list(table.columns["miR-1-3p"]) == ["27.25", "=B2*2"]
    with pytest.raises(InputRefused, match="'=B2\\*2': text where a number belongs"):
        build_cohort(table, Intake())


def test_a_formula_with_its_result_is_the_result(read):
    table = read(xlsx(LAST, b'<c r="B3" t="n"><f>B2*2</f><v>28.5</v></c>'))
    assert list(table.columns["miR-1-3p"]) == ["27.25", "28.5"]


def test_a_stray_cell_far_below_is_no_bomb(read):
    rows = [*ROWS, *[(None, None)] * 5000, ("P3", 29.5)]
    assert list(read(xlsx(rows=rows)).columns["id"]) == ["P1", "P2", "P3"]
    assert hidden.ANY_SPREAD > (2 + hidden.ROW) * 5003


BOMBS = {
    "gzip": gzip.compress(b"id,miR-1-3p\nP1,27\n" + b"0" * (packed.ALWAYS + 9), 9, mtime=0),
    "gzip of many members": gzip.compress(b"P1,27\n" * 150_000, 9, mtime=0) * 90,
    "zstd": zstd(b"id,miR-1-3p\nP1,27\n" + b"0" * (packed.ALWAYS + 9)),
    "ZIP": zipped(**{"t.csv": b"0" * (packed.ALWAYS + 9)}),
    "ZIP of gzip": zipped(
        **{
            "t.csv": gzip.compress(gzip.compress(b"0" * (packed.ALWAYS + 9), 9), 9),
            "u.csv.gz": gzip.compress(b"0" * (packed.ALWAYS + 9), 9),
        }
    ),
    "XLSX": xlsx(b"</sheetData>", b"</sheetData>" + b" " * packed.ALWAYS),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_what_unpacks_without_end_is_refused_before_it_grows(bomb, read):
    assert len(bomb) < 300_000
    assert codes(read, bomb) == ["TOO_LARGE"]


def test_a_bomb_of_a_hundred_kilobytes_takes_no_memory(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0" * (1 << 27), 9, mtime=0))
    code = (
        "import resource, sys; from exodx.tables.reader import read_table; from exodx.errors import InputRefused\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_table(sys.argv[1])\n"
        "except InputRefused: sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert int(done.stdout) * 1024 < 2.5 * packed.ALWAYS


def test_what_packs_well_and_is_small_is_read(read):
    rows = "".join(f"P{i},0\n" for i in range(100_000))
    content = gzip.compress(f"id,miR-1-3p\n{rows}".encode(), 9)
    assert len(read(content)) == 100_000
    assert len(read(content + b"\x00" * 512)) == 100_000, "tapes pad what they keep"


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lambda c: zipped(**{"t.csv": c})])
def test_what_is_packed_is_read_or_refused_when_cut_anywhere(pack, read):
    whole = pack(delimited())
    for size in range(1, len(whole), 7):
        assert len(codes(read, whole[:size])) == 1


def test_two_files_of_one_name_in_an_archive_are_refused(read):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("t.csv", "id,miR-1-3p\nP1,27\n")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("t.csv", "id,miR-1-3p\nP1,28\n")
    assert codes(read, out.getvalue()) == ["ARCHIVE"]


TEXTS = {
    "a quotation mark never closed in a plate": (long().replace("A2,", '"A2,', 1), "QUOTE"),
    "a cell longer than any": ("id,miR-1-3p\n" + f'"{"A" * 200_000}",27\nP2,28\n', "CELL_LONG"),
    "a cell of commas longer than any": ("id;miR-1-3p\n" + f'"{"A," * 100_000}";27\nP2;28\n', "QUOTE"),
    "a number of very many digits": ("id,miR-1-3p\nP1," + "9" * 130_000 + "x\nP2,28\n", "CELL_LONG"),
    "a plate without a well": ("Software Version,3.1\nProcedure Details\nPlate Number,Plate 1\n", "NO_LAYOUT"),
    "Gen5 without a plate": ("Software Version,3.1\nProcedure Details\n", "NO_LAYOUT"),
    "a Luminex plate without wells": ("Type,Well,FI,Obs Conc\n", "NO_WELL"),
    "a code summary with a column twice": (
        rcc().decode().replace("CodeClass,Name,Accession,Count", "CodeClass,Name,Count,Count"),
        "RCC_DAMAGED",
    ),
    "measurements scattered over specimens": (SCATTERED, "LONG_SCATTERED"),
}


@pytest.mark.parametrize(("text", "code"), TEXTS.values(), ids=list(TEXTS))
def test_a_text_that_broke_its_reader_is_refused(text, code, read):
    with pytest.raises(InputRefused) as caught:
        to_wide(read(text.encode()), lambda name: name.startswith("miR"))
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_hundred_thousand_columns_are_read(read):
    n = 100_000
    header, cells = ",".join(f'"g{i}"' for i in range(n)), ",".join(["27.5"] * n)
    table = read(f"id,{header}\nP1,{cells}\n".encode())
    assert (len(table.columns), table.columns["g99999"][0]) == (n + 1, "27.5")
    assert codes(read, f"id,{header},g7,g7\nP1,{cells},1,1\n".encode()) == ["HEADER_TWICE"]
    assert codes(read, (",".join(["g"] * n) + f"\n{cells}\n").encode()) == ["HEADER_TWICE"]


def test_a_message_shows_no_more_than_a_person_reads(read):
    with pytest.raises(InputRefused) as caught:
        read((",".join(["g"] * 50_000) + "\n" + ",".join(["1"] * 50_000) + "\n").encode())
    assert len(str(caught.value)) < 1500
    assert "49992 more" in str(caught.value)
    assert "more letters" in str(InputRefused(Problem("CODE", "t.csv", "x" * 50_000, "Mend it.")))


def test_a_message_can_be_written_whatever_a_file_is_called(tmp_path, monkeypatch, capsys):
    """A name that is no UTF-8 comes from the system with halves of letters, which no terminal takes."""
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_bytes(b"id,miR-1-3p\nP1,0x10\nP2,28\n")
    told("caf\\udce9.csv", called(monkeypatch, capsys, "check", path))


NAMES = {
    "a joiner of no width": ("miR-126\u200d-3p", "NAME_INVISIBLE"),
    "a mark of an encoding in the middle": ("\ufeffmiR-126-3p", "NAME_INVISIBLE"),
    "a hyphen that is not seen": ("miR-126\u00ad-3p", "NAME_INVISIBLE"),
    "a bell": ("miR-126-3p\x07", "NAME_INVISIBLE"),
    "writing from right to left": ("miR-\u202e621-3p", "NAME_INVISIBLE"),
    "a name of a thousand and one letters": ("miR-" + "1" * 997, "NAME_LONG"),
    "a Cyrillic letter in a miRNA": ("mіR-126-3p", "NAME_LOOK_ALIKE"),
    "a Cyrillic letter in a species": ("hsа-miR-126-3p", "NAME_LOOK_ALIKE"),
    "a Greek letter in a protein": ("PD-L1Α", "NAME_LOOK_ALIKE"),
}


@pytest.mark.parametrize(("name", "code"), NAMES.values(), ids=list(NAMES))
def test_a_name_that_is_not_what_it_looks_like_is_refused(name, code, read):
    """Two marks at the start of a file are one mark too many: the second belongs to the first name."""
    assert codes(read, f"id,x,{name}\nP1,1,27\nP2,2,28\n".encode()) == [code]
    with pytest.raises(InputRefused) as caught:
        to_wide(read(f"id,analyte,value\nP1,miR-1-3p,27\nP1,miR-2-3p,27\nP1,{name},28\n".encode()), lambda n: n.startswith("miR"))
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize("name", ["miR‑126‑3p", "ｍｉＲ－１２６", "Проба А1", "Рост", "β2M", "Größe", "Ct\n(mean)", "µ1", "C3α"])
def test_a_name_of_another_language_or_hyphen_is_left_alone(name, read):
    text = f'id,"{name}"\nP1,27\nP2,28\n'
    assert list(read(text.encode()).columns) == ["id", name]


def test_an_id_with_a_character_that_is_not_seen_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,miR-1-3p\nP1,27\nP1\u200b,28\n", encoding="utf-8")
    with pytest.raises(InputRefused) as caught:
        build_cohort(read_table(path), Intake())
    assert [(p.code, p.where) for p in caught.value.problems] == [("NAME_INVISIBLE", "t.csv, line 3, column 'id'")]


DEEP = {
    "lists": "a = " + "[" * 5000,
    "lists that the parser can read": "a = " + "[" * 200 + "]" * 200,
    "tables in a line": "a = " + "{a=" * 3000,
    "a key of many parts": "a." * 20_000 + "a = 1",
    "a key of many quoted parts": '"a".' * 20_000 + "a = 1",
    "a number of many digits": "a = " + "9" * 5000,
    "a file of many megabytes": "a = 1\n" + "#" * (1 << 22),
    "no UTF-8": "a = 'µ'".encode("latin-1"),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=list(DEEP))
def test_toml_without_bounds_is_refused(text, tmp_path):
    path = tmp_path / "plan.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputRefused) as caught:
        read_toml(path)
    assert [problem.code for problem in caught.value.problems] == ["TOML_INVALID"]


def test_a_device_without_end_is_read_to_the_bound_and_no_further(monkeypatch):
    monkeypatch.setattr("exodx.tables.archive.MOST", 1 << 20)
    with pytest.raises(InputRefused) as caught:
        read_table("/dev/zero")
    assert caught.value.problems[0].code == "TOO_LARGE"


CLASSES = {
    "bomb.csv.gz": BOMBS["gzip"],
    "far.xlsx": FAR["a cell in the last row and column of XLSX"],
    "far.xls": FAR["a cell in the last row and column of XLS"],
    "formula.xlsx": xlsx(rows=(("id", "miR-1-3p"), ("P1", 27.25), ("P2", "=B2*2"))),
    "nul.csv": delimited().replace(b"27.5", b"27\x00.5"),
    "quote.csv": delimited().replace(b"S-003", b'"S-003'),
    "twice.csv": delimited().replace(b"miR-145-5p", b"miR-126-3p"),
    "ragged.csv": delimited().replace(b"29.5,", b"29.5,,,"),
    "half.parquet": b"PAR1\x15" + delimited(),
    "invisible.csv": delimited().replace(b"miR-145", "miR\u200b-145".encode()),
    "hex.csv": delimited().replace(b"27.5", b"0x10"),
    "latin.csv": delimited().replace(b"S-001", "Ä-001".encode("latin-1")),
}


AS_A_PROCESS = ("bomb.csv.gz", "far.xls", "half.parquet")


def told(name: str, done: tuple[int, str, str]) -> None:
    code, out, err = done
    assert (code, "Traceback" in err, out) == (3, False, ""), err
    assert err.startswith("exodx: refused\n[")
    assert name in err


def called(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    """Call the command line in this process, from its very door."""
    monkeypatch.setattr(sys, "argv", ["exodx", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


@pytest.mark.parametrize("name", CLASSES)
def test_the_command_line_refuses_with_exit_code_3_and_a_message(name, tmp_path, monkeypatch, capsys):
    path = tmp_path / name
    path.write_bytes(CLASSES[name])
    told(name, called(monkeypatch, capsys, "check", path))
    if name in AS_A_PROCESS:
        done = run("check", path)
        told(name, (done.code, done.out, done.err))


@pytest.mark.parametrize("name", CLASSES)
def test_predict_refuses_with_exit_code_3_and_writes_nothing(name, tmp_path, monkeypatch, capsys):
    path, out = tmp_path / name, tmp_path / "out.csv"
    path.write_bytes(CLASSES[name])
    told(name, called(monkeypatch, capsys, "predict", path, "--model", BUNDLE, "-o", out))
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


def test_predict_refuses_a_large_parquet_file_whose_columns_are_not_called_in_utf8(tmp_path, monkeypatch, capsys):
    """A large cohort is looked at in pieces first, by a way of its own to the columns' names."""
    path = tmp_path / "t.parquet"
    path.write_bytes(parquet().replace(b"miR-145-5p", b"\xediR-145-5p"))
    monkeypatch.setattr("exodx.scoring.run.LARGE", 0)
    told("t.parquet", called(monkeypatch, capsys, "predict", path, "--model", BUNDLE, "-o", tmp_path / "out.csv"))


@pytest.mark.parametrize("name", ["lists", "a number of many digits"])
@pytest.mark.parametrize("option", ["--plan", "--panel"])
def test_the_command_line_refuses_a_plan_or_panel_with_exit_code_3(name, option, tmp_path, monkeypatch, capsys):
    path, table = tmp_path / "own.toml", tmp_path / "t.csv"
    path.write_text(DEEP[name])
    table.write_bytes(delimited())
    told("own.toml", called(monkeypatch, capsys, "check", table, option, path))


@pytest.mark.parametrize(
    "header",
    ["Protein,Replicate,Normalized Area", "R.FileName,PG.ProteinGroups,PG.Quantity"],
)
def test_a_long_table_whose_rows_name_nothing_is_refused(header, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(header + "\n" + ",,27.5\n" * 5)
    with pytest.raises(InputRefused) as caught:
        build_cohort(read_table(path), Intake())
    assert [problem.code for problem in caught.value.problems] == ["NO_SPECIMEN"]


def test_a_million_empty_lines_and_an_apostrophe_are_gone_through_once(tmp_path):
    """Each line was gone through from every one before it: 40,000 tabs took five seconds, these would take hours."""
    path = tmp_path / "t.csv"
    path.write_text("id,tube,miR-1-3p\n" + "P1,5'-end,27\n" + "\n" * 400_000 + "\t\r\n" * 100_000 + "P2,x,28\n")
    begun = time.process_time()
    assert read_table(path).columns["miR-1-3p"] == ["27", "28"]
    assert time.process_time() - begun < 20


def test_a_bundle_whose_panel_has_a_key_of_many_parts_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    """The parser needs the square of the parts in time and memory: 100 kB of them are 20 GB."""
    monkeypatch.setattr("exodx.panel.declaration.tomllib.loads", lambda text: pytest.fail("it is parsed"))
    path = tmp_path / "panel.toml"
    path.write_bytes((BUNDLE / "panel.toml").read_bytes() + b"\n[" + b"a." * 50_000 + b"a]\n")
    with pytest.raises(ModelRefused) as caught:
        bundle(path, "panel.toml")
    assert "a key of more than 32 parts" in str(caught.value)


@pytest.mark.parametrize("rest", ["\r", "\n"])
def test_no_specimen_is_lost_where_the_header_ends_as_on_old_macs(rest, tmp_path, monkeypatch, capsys):
    """Pieces begin below the first line feed: the rows before it were taken for the header, and not scored."""
    header, *rows = delimited().decode().splitlines()
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.csv").write_bytes((header + "\n" + rows[0] + "\n").encode())
    (tmp_path / "parts" / "b.csv").write_bytes((header + "\r" + rest.join(rows[1:]) + rest).encode())
    monkeypatch.setattr("exodx.scoring.run.LARGE", 0)
    for path in (tmp_path / "parts", tmp_path / "parts" / "b.csv"):
        out = tmp_path / "out.csv"
        code, _, said = called(monkeypatch, capsys, "predict", path, "--model", BUNDLE, "-o", out)
        assert code == 0, said
        ids = [line.split(",")[0] for line in out.read_text().splitlines()[1:]]
        assert ids == ["S-001", "S-002", "S-003", "S-004", "S-005"][path.is_file() :]
        out.unlink()

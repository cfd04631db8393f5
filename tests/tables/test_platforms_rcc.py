"""NanoString RCC files, written by hand from the documented format: alone, in a folder, in an archive, of any version."""

import gzip
import io
import zipfile

import pytest

from exodx.cohort import Intake, build_cohort
from exodx.errors import InputRefused
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table

CODES = [
    ("Positive", "POS_A(128)", "ERCC_00117.1", 9000),
    ("Negative", "NEG_A(0)", "ERCC_00096.1", 7),
    ("Ligation", "LIG_POS_A", "ERCC_00300.1", 4000),
    ("SpikeIn", "osa-miR414", "MIMAT0001330", 33),
    ("Endogenous1", "hsa-miR-222-3p|0.009", "MIMAT0000279", 120),
    ("Endogenous1", "hsa-miR-126-3p|0", "MIMAT0000445", 77),
    ("Housekeeping", "ACTB|0", "NM_001101.2", 1500),
]
LANES = {"a.RCC": ("P1", 1, 555, 550, 0.22), "b.RCC": ("P2", 2, 555, 300, 2.9)}


def rcc(name="P1", lane=1, seen=555, counted=550, density=0.22, codes=CODES, version="1.7", end="\n"):
    header = ["<Header>", f"FileVersion,{version}", "SoftwareVersion,4.0.0.3", "</Header>", ""]
    header += ["<Sample_Attributes>", f"ID,{name}", "Owner,mjg", "Comments,", "Date,20150101", "GeneRLF,NS_H_miR_v3b"]
    header += ["SystemAPF,n6_vDV1", "</Sample_Attributes>", "", "<Lane_Attributes>", f"ID,{lane}", f"FovCount,{seen}"]
    header += [f"FovCounted,{counted}", "ScannerID,1207C0049", "StagePosition,4"]
    header += [f"BindingDensity,{density}"] if version >= "1.5" else []
    header += ["CartridgeID,cart-7", "</Lane_Attributes>", "", "<Code_Summary>", "CodeClass,Name,Accession,Count"]
    lines = [*header, *[",".join(map(str, code)) for code in codes], "</Code_Summary>", "", "<Messages>", "</Messages>", ""]
    return end.join(lines).encode()


def archive(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def read(tmp_path):
    def written(content):
        path = tmp_path / "lane.csv"
        path.write_bytes(content)
        return read_table(path)

    return written


def refused(read, content):
    with pytest.raises(InputRefused) as caught:
        read(content)
    return [(p.code, p.where) for p in caught.value.problems]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "dos", "mac"])
@pytest.mark.parametrize("version", ["1.3", "1.5", "1.7", "2.0"])
def test_one_file_is_one_specimen(end, version, read):
    table = read(rcc(version=version, end=end))
    assert table.columns["specimen_id"] == ["P1"]
    assert table.analytes == ("hsa-miR-222-3p", "hsa-miR-126-3p", "ACTB")
    assert table.columns["hsa-miR-222-3p"] == ["120"]
    assert table.columns["POS_A(128)"] == ["9000"]
    assert table.columns["plate"] == ["cart-7"]
    assert table.columns.get("BindingDensity") == (None if version == "1.3" else ["0.22"])
    assert (table.unit, table.platform) == ("count", "NanoString nCounter")
    assert table.accessions == {"hsa-miR-222-3p": "MIMAT0000279", "hsa-miR-126-3p": "MIMAT0000445", "ACTB": "NM_001101.2"}
    assert any("NOT applied" in note for note in table.notes)
    assert to_wide(table, lambda name: False) is table


@pytest.mark.parametrize("form", ["utf-8-sig", "utf-16", "gzip"])
def test_encodings(form, read):
    content = rcc()
    table = read(gzip.compress(content) if form == "gzip" else content.decode().encode(form))
    assert table.columns["hsa-miR-126-3p"] == ["77"]


@pytest.mark.parametrize("form", ["folder", "zip", "zip of gzip"])
def test_lanes_of_one_code_set_are_one_table(form, tmp_path, read):
    files = {name: rcc(*lane, codes=CODES[::-1] if name == "b.RCC" else CODES) for name, lane in LANES.items()}
    extra = {"readme.txt": b"two lanes", "__MACOSX/._a.RCC": b"\x00\x05", ".DS_Store": b"\x00"}
    if form == "folder":
        for name, content in {**files, "readme.txt": b"two lanes"}.items():
            (tmp_path / name).write_bytes(content)
        table = read_table(tmp_path)
    else:
        packed = {name: gzip.compress(content) if "gzip" in form else content for name, content in files.items()}
        table = read(archive({**packed, **extra}))
    assert table.columns["specimen_id"] == ["P1", "P2"]
    assert table.columns["hsa-miR-222-3p"] == ["120", "120"]
    assert table.lines == ["a.RCC", "b.RCC"]
    assert {"1 other files are not read", "1 lanes counted fewer than 75% of their fields of view: b.RCC"} <= set(table.notes)
    assert "1 lanes have a binding density outside 0.1 to 2.25: b.RCC" in table.notes


def test_controls_are_columns_but_no_analytes_of_an_inferred_panel(read):
    cohort = build_cohort(read(archive({name: rcc(*lane) for name, lane in LANES.items()})), Intake())
    assert set(cohort.panel.names) == {"hsa-miR-222-3p", "hsa-miR-126-3p", "ACTB"}
    assert {a.unit for a in cohort.panel.analytes} == {"count"}


def test_a_specimen_on_two_lanes_is_refused_with_both_files(read):
    table = read(archive({"a.RCC": rcc(), "b.RCC": rcc(lane=2)}))
    with pytest.raises(InputRefused, match=r"ID_TWICE.*lanes a\.RCC, b\.RCC"):
        build_cohort(table, Intake())


def test_what_is_no_whole_rcc_is_refused(read):
    whole = rcc().decode()
    cut = whole[: whole.index("ACTB")]
    without = whole[: whole.index("<Code_Summary>")]
    for text in (cut, without, whole.replace("CodeClass,Name,Accession,Count", "Class,Probe,Count")):
        assert [code for code, _ in refused(read, text.encode())] == ["RCC_DAMAGED"]
    assert refused(read, whole.replace("hsa-miR-126-3p|0,", "hsa-miR-222-3p|0.1,").encode())[0][0] == "ANALYTE_TWICE"
    assert refused(read, whole.replace(",MIMAT0000445,77", ",77").encode()) == [("RCC_DAMAGED", "lane.csv, line 32")]
    geomx = "<Header>\nFileVersion,0.02\n</Header>\n"
    geomx += "<Scan_Attributes>\nID,x\n</Scan_Attributes>\n<Code_Summary>\nRTS1,5\n</Code_Summary>\n"
    assert [code for code, _ in refused(read, geomx.encode())] == ["NOT_AN_RCC"]


def test_lanes_that_do_not_belong_together_are_all_named(read):
    files = {"a.RCC": rcc(), "b.RCC": rcc("P2", codes=CODES[:-1]), "c.RCC": rcc("P3", codes=CODES[1:])}
    assert refused(read, archive(files)) == [("CODESETS_DIFFER", "b.RCC"), ("CODESETS_DIFFER", "c.RCC")]
    files = {"a.RCC": rcc(), "b.RCC": rcc()[:500], "c.RCC": rcc()[:600]}
    assert [where for _, where in refused(read, archive(files))] == ["b.RCC", "c.RCC"]


def test_archives_and_folders_without_rcc(read, tmp_path):
    table = read(archive({"data/NPX.csv": b"id,miR-1-3p\nS1,30\n", "checksum.txt": b"0123abcd"}))
    assert table.columns == {"id": ["S1"], "miR-1-3p": ["30"]}
    assert {"ZIP", "file 'data/NPX.csv' of the archive"} <= set(table.notes)
    two = {"a.csv": b"id,x\n1,2\n", "b.csv": b"id,x\n1,2\n"}
    assert refused(read, archive(two)) == [("ARCHIVE", "lane.csv")]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputRefused, match="FILE_EMPTY"):
        read_table(empty)


def test_an_encrypted_or_damaged_archive_is_refused(read):
    content = bytearray(archive({"a.RCC": rcc(), "b.RCC": rcc("P2")}))
    content[40:60] = b"x" * 20
    with pytest.raises(InputRefused):
        read(bytes(content))


@pytest.mark.parametrize("count", ["", "12.5", "many"])
def test_a_count_that_is_none_is_left_to_the_reader_of_cells(count, read):
    table = read(rcc(codes=[*CODES[:-1], ("Housekeeping", "ACTB|0", "NM_001101.2", count)]))
    assert table.columns["ACTB"] == [count]

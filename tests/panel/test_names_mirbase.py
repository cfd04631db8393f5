"""miRBase's own files, written small by hand: what they add, how releases lie over each other, and what is refused."""

from __future__ import annotations

import gzip
import json
import stat

import pytest

from exodx.errors import InputRefused
from exodx.panel.names import Refusal, builtin_tables, import_mirbase, look_up, parse_release, read_tables, resolve
from exodx.panel.names.mirbase import names_folder

ALIASES = """\
MI0000471\thsa-mir-126;
MIMAT0000445\thsa-miR-126;hsa-miR-126-3p;
MIMAT0000446\thsa-miR-127;hsa-miR-127-3p;
MIMAT0004604\thsa-miR-127-5p;
MIMAT0000138\tmmu-miR-126;mmu-miR-126-3p;
MIMAT0000002\t;
MIMAT9000001\thsa-miR-9001;hsa-miR-9001-3p;
MIMAT9000002\thsa-miR-9001;hsa-miR-9001-5p;
"""
MATURE = """\
>cel-let-7-5p MIMAT0000001 Caenorhabditis elegans let-7-5p
UGAGGUAGUAGGUUGUAUAGUU
>hsa-miR-126-3p MIMAT0000445 Homo sapiens miR-126-3p
UCGUACCGUGAGUAAUAAUGCG
>hsa-miR-127-3p MIMAT0000446 Homo sapiens miR-127-3p
UCGGAUCCGUCUGAGCUUGGCU
>hsa-miR-127-5p MIMAT0004604 Homo sapiens miR-127-5p
CUGAAGCUCAGAGGGCUCUGAU
>hsa-miR-9001-3p MIMAT9000001 Homo sapiens miR-9001-3p
ACGUACGUACGUACGU
>hsa-miR-9001-5p MIMAT9000002 Homo sapiens miR-9001-5p
ACGUACGUACGUACGU
"""
OLD_MATURE = """\
>hsa-miR-127-3p MIMAT0000446 Homo sapiens miR-127-3p
UCGGAUCCGUCUGAGCUUGGCU
>hsa-miR-9001 MIMAT9000001 Homo sapiens miR-9001
ACGUACGUACGUACGU
>hsa-miR-9009 MIMAT9000009 Homo sapiens miR-9009
UUUUUUUUUUUUUUUUU
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))

    def write(aliases=ALIASES, mature=MATURE):
        (tmp_path / "aliases.txt").write_text(aliases)
        (tmp_path / "mature.fa").write_text(mature)
        return tmp_path / "aliases.txt", tmp_path / "mature.fa"

    return write


def codes(*paths, release=None):
    with pytest.raises(InputRefused) as caught:
        import_mirbase(*paths, release)
    return [problem.code for problem in caught.value.problems]


def test_an_import_adds_names_and_keeps_what_was_known(files):
    assert isinstance(look_up("miR-127", builtin_tables()), Refusal)
    path, imported = import_mirbase(*files())
    assert len(imported.names) == 5
    tables = read_tables()
    assert look_up("miR-127", tables).names == ("hsa-miR-127-3p",)
    assert "release not recorded" in look_up("miR-127", tables).warnings[0]
    assert look_up("MIMAT0004604", tables).names == ("hsa-miR-127-5p",)
    assert look_up("miR-126*", tables).accessions == ("MIMAT0000444",)
    assert look_up("miR-126", tables, (16,)).warnings == ()
    assert look_up("PD-L1", tables).accessions == ("Q9NZQ7",)
    assert isinstance(look_up("mmu-miR-126-3p", tables), Refusal)
    assert isinstance(look_up("miR-127", builtin_tables()), Refusal)  # the shipped tables stay as they are
    assert path.name == "mirbase-22.json"


def test_the_table_is_readable_by_its_owner_alone(files):
    path, _ = import_mirbase(*files())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.parent == names_folder()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_names_without_a_release_that_meant_two_are_refused_until_an_older_release_says_which(files):
    import_mirbase(*files())
    assert look_up("miR-9001", read_tables()).problem.code == "NAME_AMBIGUOUS"
    assert look_up("miR-9001", read_tables(), (16,)).problem.code == "NAME_AMBIGUOUS"
    import_mirbase(*files(mature=OLD_MATURE), "16")
    tables = read_tables()
    assert look_up("miR-9001", tables).problem.code == "NAME_AMBIGUOUS"
    assert look_up("miR-9001", tables, (16,)).names == ("hsa-miR-9001-3p",)


def test_the_order_of_imports_does_not_matter(files):
    import_mirbase(*files(mature=OLD_MATURE), "16")
    import_mirbase(*files())
    one_way = read_tables()
    for path in names_folder().iterdir():
        path.unlink()
    import_mirbase(*files())
    import_mirbase(*files(mature=OLD_MATURE), "16")
    assert read_tables().matures == one_way.matures


def test_what_the_newest_release_lacks_is_removed(files):
    import_mirbase(*files(mature=OLD_MATURE), "16")
    assert not look_up("miR-9009", read_tables()).removed
    import_mirbase(*files())
    answer = look_up("miR-9009", read_tables())
    assert answer.removed
    assert "removed from miRBase after release 16" in answer.warnings[0]


def test_older_releases_do_not_change_current_names(files):
    import_mirbase(*files(mature=OLD_MATURE.replace("hsa-miR-9001 MIMAT9000001", "hsa-miR-126 MIMAT0000445")), "12")
    answer = look_up("MIMAT0000445", read_tables())
    assert answer.names == ("hsa-miR-126-3p",)
    assert not answer.removed


def test_identical_sequences_are_twins(files):
    import_mirbase(*files())
    tables = read_tables()
    assert "no assay tells them apart" in look_up("miR-9001-3p", tables).warnings[-1]
    answer = look_up("miR-9001-3p/miR-9001-5p", tables)
    assert answer.warnings == ("one mature sequence: no assay tells the members apart",)


def test_compressed_files_and_foreign_line_ends(files, tmp_path):
    aliases, mature = files()
    plain = import_mirbase(aliases, mature)[1]
    (tmp_path / "aliases.txt.gz").write_bytes(gzip.compress(ALIASES.replace("\n", "\r\n").encode()))
    (tmp_path / "mature.fa.gz").write_bytes(gzip.compress(MATURE.encode()))
    assert import_mirbase(tmp_path / "aliases.txt.gz", tmp_path / "mature.fa.gz")[1] == plain


def test_every_bad_line_is_reported_and_nothing_is_written(files):
    aliases, mature = files(ALIASES + "nonsense\nMIMAT0000001\n", MATURE + ">hsa-miR-1\nACGU\n>hsa-miR-2 MIMAT0000445 x\nA\n")
    assert codes(aliases, mature) == ["MATURE_INVALID", "ACCESSION_TWICE", "ALIASES_INVALID", "ALIASES_INVALID"]
    assert not names_folder().exists()


@pytest.mark.parametrize(
    ("aliases", "mature", "expected"),
    [
        (MATURE, ALIASES, ["NO_HUMAN_MIRNA", "ALIASES_INVALID"]),
        ("MIMAT0000138\tmmu-miR-126;\n", ">mmu-miR-126-3p MIMAT0000138 x\nA\n", ["NO_HUMAN_MIRNA", "NO_HUMAN_MIRNA"]),
        (ALIASES, "", ["FILE_UNREADABLE"]),
    ],
)
def test_wrong_files_are_refused(files, aliases, mature, expected):
    assert list(dict.fromkeys(codes(*files(aliases, mature)))) == list(dict.fromkeys(expected))


def test_unreadable_files_are_refused(files, tmp_path):
    aliases, mature = files()
    assert codes(aliases, tmp_path / "none.fa") == ["FILE_UNREADABLE"]
    assert codes(aliases, tmp_path) == ["FILE_UNREADABLE"]
    (tmp_path / "torn.gz").write_bytes(gzip.compress(MATURE.encode())[:40])
    assert codes(aliases, tmp_path / "torn.gz") == ["FILE_UNREADABLE"]
    (tmp_path / "bytes.fa").write_bytes(b"\xff\xfe\xff")
    assert codes(aliases, tmp_path / "bytes.fa") == ["FILE_UNREADABLE"]
    assert codes(aliases, mature, release="99") == ["RELEASE_UNKNOWN"]


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "release": "22", "names": [], "aliases": {}, "twins": []}']
)
def test_a_damaged_table_is_refused_with_its_path(files, content):
    path, _ = import_mirbase(*files())
    path.write_text(content)
    with pytest.raises(InputRefused, match=r"mirbase-22\.json.*Delete it"):
        read_tables()


def test_the_table_is_plain_json(files):
    path, _ = import_mirbase(*files())
    assert set(json.loads(path.read_text())) == {"format", "release", "names", "aliases", "twins"}


def test_without_an_import_the_shipped_tables_stand(files, tmp_path):
    files()
    assert read_tables().matures == builtin_tables().matures
    assert resolve("miR-126", "16").accessions == look_up("miR-126", read_tables(), parse_release("16")).accessions
    assert not (tmp_path / "home").exists()

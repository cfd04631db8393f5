"""How far the resolver agrees with the checking tables of the project, which are beside the repository and never part of it."""

from __future__ import annotations

import csv
import runpy
from collections import Counter
from pathlib import Path

import pytest

from exodx.panel.names import Refusal, builtin_tables, import_mirbase, look_up, parse_release, read_tables

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "reference"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the checking tables are not here: {SHARED}")


def rows(file):
    with (SHARED / file).open() as text:
        return list(csv.DictReader(text))


@pytest.fixture(scope="module")
def name_map():
    return rows("hsa_mirna_name_map.csv")


def compare(row, tables, release=None):
    """Return the class of agreement of one row of the map."""
    answer = look_up(row["name"], tables, parse_release(release) if release else None)
    if isinstance(answer, Refusal):
        return answer.problem.code
    name = row["name_v22"] if row["name_v22"] != "(removed)" else None
    same = answer.accessions == (row["mimat"],) and (answer.removed if name is None else answer.names == (name,))
    return "agrees" if same else "DISAGREES"


def test_agreement_of_the_table_that_comes_with_exodx(name_map):
    """Of 3,486 rows 564 agree; 36 are refused, as they must be (18 ambiguous names); 2,886 are not in the selection, and refused.

    No name is given another accession, and inside the selection (600 rows, 326 accessions) only the ambiguous are refused.
    """
    tables = builtin_tables()
    assert Counter(compare(row, tables) for row in name_map) == {"agrees": 564, "NAME_AMBIGUOUS": 36, "NAME_UNKNOWN": 2886}
    covered = [row for row in name_map if row["mimat"] in tables.matures]
    assert Counter(compare(row, tables) for row in covered) == {"agrees": 564, "NAME_AMBIGUOUS": 36}


def test_with_their_first_and_last_release_all_covered_rows_agree_but_one_release(name_map):
    tables = builtin_tables()
    for row in name_map:
        if row["mimat"] in tables.matures:
            for end in ("first_release", "last_release"):
                expected = "NAME_AMBIGUOUS" if row["name"] == "hsa-miR-516a-5p" and row[end] == "v10" else "agrees"
                assert compare(row, tables, row[end]) == expected, row


def test_every_panel_mirna_is_covered():
    tables = builtin_tables()
    panel = rows("mirna_panel_accessions.csv")
    assert len(panel) == 136  # domain.md says 135
    for row in panel:
        assert tables.matures[row["mimat"]].name == row["name_v22"]


def test_the_table_is_what_its_script_writes():
    script = runpy.run_path(str(ROOT / "tests" / "reference" / "mirna_names.py"))
    assert script["table"](SHARED) == (ROOT / "exodx" / "panel" / "names" / "mirna.tsv").read_text()


def test_agreement_after_an_import_of_all_of_release_22(name_map, tmp_path, monkeypatch):
    """Of 3,486 rows 3,395 agree; 36 are refused as ambiguous; 55 are names of removed accessions outside the selection.

    The user's files are written here from the map, in miRBase's layout: removed accessions are in neither of them.
    """
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))
    current = [row for row in name_map if row["name_v22"] != "(removed)"]
    names, latest = {}, {}
    for row in sorted(current, key=lambda row: [int(n) for n in row["first_release"][1:].split("_")]):
        names.setdefault(row["mimat"], []).append(row["name"])
        latest[row["mimat"]] = row["name_v22"]
    (tmp_path / "aliases.txt").write_text("".join(f"{a}\t{';'.join(n)};\n" for a, n in names.items()))
    (tmp_path / "mature.fa").write_text("".join(f">{n} {a} Homo sapiens {n[4:]}\nACGU{a}\n" for a, n in latest.items()))
    import_mirbase(tmp_path / "aliases.txt", tmp_path / "mature.fa")
    tables = read_tables()
    counts = Counter(compare(row, tables) for row in name_map)
    assert counts == {"agrees": 3395, "NAME_AMBIGUOUS": 36, "NAME_UNKNOWN": 55}
    unknown = {row["name_v22"] for row in name_map if compare(row, tables) == "NAME_UNKNOWN"}
    assert unknown == {"(removed)"}

"""``exodx name``: accession and current name a line each, talk on stderr, refusals together."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.panel.test_names import AMBIGUOUS
from tests.panel.test_names_mirbase import ALIASES, MATURE, OLD_MATURE


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))


def test_a_line_each_in_the_order_asked(cli):
    done = cli("name", "resolve", "miR-126*", "PD-L1", "miR-199a/b-3p", "MIMAT0000445")
    assert done.code == 0
    assert done.out.splitlines() == [
        "MIMAT0000444\thsa-miR-126-5p",
        "Q9NZQ7\tCD274",
        "MIMAT0000232/MIMAT0004563\thsa-miR-199a-3p/hsa-miR-199b-3p",
        "MIMAT0000445\thsa-miR-126-3p",
    ]
    assert "miR-126*: an older name (releases 6 to 17) of hsa-miR-126-5p" in done.err


def test_all_are_answered_and_the_refused_reported_together(cli):
    done = cli("name", "resolve", "miR-378", "miR-145-5p", "HSP70", "miR-126", "nonsense")
    assert done.code == 3
    assert done.out.splitlines() == ["MIMAT0000437\thsa-miR-145-5p", "MIMAT0000445\thsa-miR-126-3p"]
    for word in ("'miR-378'", "MIMAT0000731", "MIMAT0000732", "--release", "'HSP70'", "'nonsense'"):
        assert word in done.err


def test_every_refused_name_is_told_however_many(cli):
    done = cli("name", "resolve", *AMBIGUOUS)
    assert (done.code, done.out) == (3, "")
    assert all(f"'{name}'" in done.err for name in AMBIGUOUS)


def test_a_release_decides(cli):
    assert cli("name", "resolve", "miR-378", "--release", "9.2").out == "MIMAT0000731\thsa-miR-378a-5p\n"
    assert cli("name", "resolve", "miR-378", "--release", "v16").out == "MIMAT0000732\thsa-miR-378a-3p\n"
    assert cli("name", "resolve", "miR-378", "--release", "22").code == 3
    assert cli("name", "resolve", "miR-126", "--release", "99").code == 3


def test_removed_names_are_marked(cli):
    done = cli("name", "resolve", "miR-720")
    assert (done.code, done.out) == (0, "MIMAT0005954\thsa-miR-720 (removed)\n")
    assert "removed from miRBase after release 18" in done.err


def test_json_answers_every_name(cli):
    done = cli("name", "resolve", "--json", "hsa-mir-126", "miR-378")
    first, second = json.loads(done.out)["answers"]
    assert done.code == 3
    assert (first["kind"], first["accessions"], first["names"], first["removed"]) == (
        "mirna",
        ["MIMAT0000445"],
        ["hsa-miR-126-3p"],
        False,
    )
    assert "hairpin" in first["warnings"][0]
    assert second["refused"]["code"] == "NAME_AMBIGUOUS"
    assert second["candidates"] == ["MIMAT0000731", "MIMAT0000732"]


def test_import_then_resolve(cli, tmp_path):
    (tmp_path / "aliases.txt").write_text(ALIASES)
    (tmp_path / "mature.fa").write_text(MATURE)
    (tmp_path / "old.fa").write_text(OLD_MATURE)
    assert cli("name", "resolve", "miR-127").code == 3
    done = cli("name", "import", "--aliases", tmp_path / "aliases.txt", "--mature", tmp_path / "mature.fa")
    assert done.code == 0
    assert done.out == f"{tmp_path}/home/names/mirbase-22.json\n"
    assert "5 human miRNAs of release 22" in done.err
    assert cli("name", "resolve", "miR-127").out == "MIMAT0000446\thsa-miR-127-3p\n"
    done = cli("name", "import", "--aliases", tmp_path / "aliases.txt", "--mature", tmp_path / "old.fa", "--release", 16)
    assert "import that release too" in done.err
    assert cli("name", "import", "--aliases", tmp_path / "none", "--mature", tmp_path / "old.fa").code == 3


def test_wrong_usage(cli):
    assert cli("name", "resolve").code == 2
    assert cli("name", "import").code == 2


def test_resolving_imports_nothing_heavy():
    code = (
        "import sys; from exodx.cli import app; app(['name', 'resolve', 'miR-126-3p'], standalone_mode=False);"
        "print(chr(10), sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.strip("' []").split(".")[0] for name in done.stderr.split(",")}
    assert "exodx" in loaded
    assert not loaded & {"numpy", "pandas", "sklearn", "xgboost", "mlflow", "pyarrow", "scipy", "matplotlib", "shap"}

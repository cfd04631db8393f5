"""What leaves the machine: pseudonyms where they are asked for, cells that no spreadsheet runs, findings that repeat nothing."""

import csv
import json
import os
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from exodx.privacy.pseudonyms import pseudonym
from exodx.scoring import run as scoring_run
from tests.cli.calls import DATA, files_of

ARCHIVE = Path(__file__).parents[1] / "data" / "bundles" / "format-3" / "bundle"
KEY = b"the laboratory's own secret, 2026"
EVIL = ["=cmd|' /C calc'!A0", "-80C box 4", "@SUM(A1)", "+49 30 1", '=HYPERLINK("http://x.example","y")', "-7", "plain"]


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(KEY + b"\n")
    return path


@pytest.fixture
def evil(tmp_path):
    """The example's new specimens under ids that spreadsheets would run."""
    with (DATA / "new.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, name in zip(rows, EVIL, strict=False):
        row["specimen_id"] = name
    path = tmp_path / "evil.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def column(path, name):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [row[name] for row in csv.DictReader(file)]


@pytest.fixture(params=["whole", "pieces"])
def way(request, monkeypatch):
    if request.param == "pieces":
        monkeypatch.setattr(scoring_run, "LARGE", 1)
    return request.param


def test_ids_that_are_formulas_are_written_as_text_and_read_back(cli, evil, tmp_path, way):
    out = tmp_path / "scores.csv"
    done = cli("predict", evil, "--model", ARCHIVE, "-o", out)
    assert done.code in (0, 5), done.err
    written = column(out, "specimen_id")
    assert written[: len(EVIL)] == [name if name in ("-7", "plain") else f"'{name}" for name in EVIL]
    with out.open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    for cell in cells:
        assert cell[:1] not in ("=", "@", "\t"), cell
        assert cell[:1] not in ("+", "-") or float(cell) < 0
    assert min(float(m) for m in column(out, "margin") if m) < 0  # numbers stay numbers
    joined = tmp_path / "joined.csv"
    joined.write_text(
        "\n".join(["specimen_id,batch_note", *(f'"{name.replace(chr(34), chr(34) * 2)}",x' for name in written)]) + "\n"
    )
    again = cli("predict", evil, "--model", ARCHIVE, "--specimens", joined, "-o", tmp_path / "again.csv")
    assert again.code == done.code, again.err
    assert column(tmp_path / "again.csv", "specimen_id") == written
    cli("predict", evil, "--model", ARCHIVE, "-o", tmp_path / "scores.parquet")
    assert pq.read_table(tmp_path / "scores.parquet")["specimen_id"].to_pylist()[: len(EVIL)] == EVIL


def test_a_scored_file_is_a_table_of_the_same_specimens(cli, evil, tmp_path):
    out = tmp_path / "scores.csv"
    cli("predict", evil, "--model", ARCHIVE, "-o", out)
    from exodx.tables.reader import read_table

    assert list(read_table(out).columns["specimen_id"])[: len(EVIL)] == EVIL


def test_pseudonyms_stand_for_ids_and_everything_else_stays(cli, key_file, tmp_path, way):
    plain, hidden = tmp_path / "plain.csv", tmp_path / "hidden.csv"
    codes = {
        cli("predict", DATA / "new.csv", "--model", ARCHIVE, "-o", plain).code,
        cli("predict", DATA / "new.csv", "--model", ARCHIVE, "-o", hidden, "--pseudonyms", key_file).code,
    }
    assert len(codes) == 1
    ids = column(plain, "specimen_id")
    assert column(hidden, "specimen_id") == [pseudonym(name, KEY) for name in ids]
    for name in ("status", "margin", "reasons", "shap:base", "model_hash"):
        assert column(plain, name) == column(hidden, name)
    assert not [name for name in ids if name in hidden.read_text()]
    cli("predict", DATA / "new.csv", "--model", ARCHIVE, "-o", tmp_path / "hidden.parquet", "--pseudonyms", key_file)
    assert pq.read_table(tmp_path / "hidden.parquet")["specimen_id"].to_pylist() == column(hidden, "specimen_id")


def test_the_card_of_a_specimen_bears_the_same_pseudonym(cli, key_file, tmp_path):
    cli("predict", DATA / "new.csv", "--model", ARCHIVE, "-o", tmp_path / "hidden.csv", "--pseudonyms", key_file)
    name = column(DATA / "new.csv", "specimen_id")[0]
    card = cli("card", DATA / "new.csv", "--panel", "athero-3", "--specimen", name, "--key-file", key_file)
    assert json.loads(card.out)["opaque_id"] == column(tmp_path / "hidden.csv", "specimen_id")[0]


def test_pages_and_tables_of_specimens_take_pseudonyms_too(cli, key_file, tmp_path):
    ids = column(DATA / "train.csv", "specimen_id")
    page, check = tmp_path / "page.html", tmp_path / "check.html"
    shown = cli("explain", DATA / "train.csv", "--model", ARCHIVE, "--specimen", ids[3], "--pseudonyms", key_file, "-o", page)
    assert shown.code == 0
    assert pseudonym(ids[3], KEY) in page.read_text()
    about = ("--panel", "athero-3", "--label", "group", "--positive", "case", "--pseudonyms", key_file)
    checked = cli("check", DATA / "train.csv", *about, "--html", check, "--json")
    changes = tmp_path / "changes.csv"
    watched = cli("monitor", DATA / "train.csv", "--panel", "athero-3", "--pseudonyms", key_file, "-o", changes)
    assert (checked.code, watched.code) == (0, 0)
    subjects = column(DATA / "train.csv", "subject_id")
    assert {*column(changes, "subject")} <= {pseudonym(name, KEY) for name in subjects}
    for text in (page.read_text(), check.read_text(), checked.out, changes.read_text(), watched.out):
        assert not [name for name in {*ids, *subjects} if name in text]


def test_keys_are_refused_before_anything_is_written(cli, tmp_path, key_file):
    short = tmp_path / "short"
    short.write_text("abc")
    out = tmp_path / "scores.csv"
    refused = cli("predict", DATA / "new.csv", "--model", ARCHIVE, "-o", out, "--pseudonyms", short)
    assert (refused.code, "KEY_SHORT" in refused.err, out.exists()) == (3, True, False)
    assert cli("predict", DATA / "new.csv", "--model", ARCHIVE, "-o", out, "--pseudonyms", tmp_path / "none").code == 2
    dask = cli("predict", DATA / "new.csv", "--model", ARCHIVE, "-o", out, "--pseudonyms", key_file, "--engine", "dask")
    assert (dask.code, "ENGINE_LOCAL_ALONE" in dask.err, out.exists()) == (2, True, False)


def test_an_interrupted_run_is_not_gone_on_with_under_another_key(cli, key_file, tmp_path, monkeypatch):
    """The journal holds a fingerprint of the key, not the key."""
    from exodx.scoring import stream

    monkeypatch.setattr(scoring_run, "LARGE", 1)
    seen = []
    original = stream._identity
    monkeypatch.setattr(stream, "_identity", lambda *given: seen.append(original(*given)) or seen[-1])
    for key in (KEY, KEY + b"2", None):
        key_file.write_bytes(key or b"")
        more = [] if key is None else ["--pseudonyms", key_file]
        cli("predict", DATA / "new.csv", "--model", ARCHIVE, "-o", tmp_path / "scores.csv", *more)
    assert len({json.dumps(each, sort_keys=True, default=str) for each in seen}) == 3
    assert KEY.decode() not in json.dumps(seen, default=str)


def test_a_study_keeps_no_id_where_it_writes(trained, tmp_path):
    """Run, bundle, report and store: no id of a specimen or subject is in any of their bytes."""
    words = {*column(DATA / "train.csv", "specimen_id"), *column(DATA / "train.csv", "subject_id")}
    files = files_of(trained.bundle, Path(os.environ["EXODX_HOME"]), to=tmp_path / "copied")
    assert len(files) > 20
    any_id = re.compile("|".join(map(re.escape, sorted(words))).encode())
    assert [(str(path), found[0]) for path in files if (found := any_id.search(path.read_bytes()))] == []


def test_columns_that_name_persons_are_warned_of_without_their_cells(cli, tmp_path):
    with (DATA / "train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["surname"] = f"Zzyzx{'abcdefghij'[i % 10]}"
    path = tmp_path / "named.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    page = tmp_path / "page.html"
    done = cli("check", path, "--panel", "athero-3", "--label", "group", "--positive", "case", "--html", page, "--json")
    (finding,) = [f for f in json.loads(done.out)["findings"] if f["code"] == "direct_identifier"]
    assert "'surname' holds names of persons (in 10 different cells)" in finding["message"]
    assert "Zzyzx" not in done.out + done.err + page.read_text()

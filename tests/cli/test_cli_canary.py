"""Nothing of a specimen leaves its table: planted ids, subjects and free text are looked for in everything that exodx writes.

``exodx check`` is left out: it names the specimens that a rule refuses, to whoever holds the table.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import zipfile

import pytest

from tests.cli.calls import DATA

SPECIMEN, SUBJECT, TEXT = "QXSPECIMENQX", "QXSUBJECTQX", "QXTEXTQX"
PLANTED = (SPECIMEN, SUBJECT, TEXT)
PLAN = """\
panel = "athero-3"
label = "group"
positive = "case"
date = "collection_date"
outer_folds = 3
inner_folds = 2
repeats = 1
budget = "minimal"
panel_curve = true
temporal = true
permutations = 2
prevalence = 0.2
answers = "answers.toml"
"""
ANSWERS = '[tripod_ai]\n17 = "Approved."\n[model_card]\nlicence = "CC BY 4.0"\n'


def plant(name, to):
    """Copy a shipped cohort with ids of its own and a column of free text."""
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for k, row in enumerate(rows):
        row |= {"specimen_id": f"{SPECIMEN}{k}", "subject_id": SUBJECT + row["subject_id"], "remark": f"{TEXT} {k}"}
    with to.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A home, a folder, and all that was said, after everything was done once."""
    folder = tmp_path_factory.mktemp("desk")
    plant("train.csv", folder / "train.csv")
    plant("new.csv", folder / "new.csv")
    (folder / "plan.toml").write_text(PLAN)
    (folder / "answers.toml").write_text(ANSWERS)
    (folder / "off.toml").write_text("".join(f"[{rule}]\noff = true\n" for rule in ("headline_width", "events", "sheets")))
    environment = {**os.environ, "EXODX_HOME": str(folder / "home")}
    environment.pop("MLFLOW_TRACKING_URI", None)
    said = {}
    model, labels = "models:/athero-3/1", ("--label", "group", "--positive", "case")
    decide = ("--by", "E. Nagy", "--reason", "it holds", "--rules", "off.toml")
    for what, words in {
        "train": ("train", "train.csv", "--plan", "plan.toml", "-o", "bundle", "--json"),
        "evaluate": ("evaluate", "new.csv", "--model", model, *labels, "--track", "--html", "evaluated.html", "--json"),
        "recalibrate": ("evaluate", "new.csv", "--model", model, *labels, "--recalibrate", "bundle-2", "--at-prevalence", "0.03"),
        "review check": ("review", "check", model, "--by", "E. Nagy", "--rules", "off.toml"),
        "review promote": ("review", "promote", model, *decide),
        "review compare": (
            "review",
            "compare",
            model,
            "models:/athero-3/2",
            "--cohort",
            "new.csv",
            *labels,
            "--html",
            "compare.html",
        ),
        "review log": ("review", "log", "athero-3"),
        "explain": ("explain", "new.csv", "--model", model, "--specimen", f"{SPECIMEN}3", "-o", "explained.html"),
    }.items():
        done = subprocess.run(
            [sys.executable, "-m", "exodx", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in ((0, 4) if what.startswith("review") else (0,)), (what, done.stderr)
        said[what] = done.stdout + done.stderr
    return folder, said


def contents(path):
    """Give a file's bytes, and those of its members where it is a zip."""
    data = path.read_bytes()
    yield data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def holds(path, word):
    return any(word.encode() in data or word.encode("utf-16-le") in data for data in contents(path))


ASKED_FOR = ("train.csv", "new.csv", "explained.html")


@pytest.mark.parametrize("word", PLANTED)
def test_no_file_of_store_database_bundle_report_or_page_holds_it(desk, word):
    folder, _ = desk
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ASKED_FOR]
    names = {path.name for path in files}
    assert {"mlflow.db", "report.html", "manifest.json", "evaluated.html", "compare.html", "model_card.json"} <= names
    assert len([path for path in files if path.suffix == ".svg"]) >= 4
    assert [str(path.relative_to(folder)) for path in files if holds(path, word)] == []
    assert [str(path) for path in folder.rglob("*") if word in path.name] == []


@pytest.mark.parametrize("word", PLANTED)
def test_no_word_on_the_terminal_holds_it(desk, word):
    _, said = desk
    assert [what for what, text in said.items() if word in text and not (what == "explain" and word == SPECIMEN)] == []


def test_the_page_of_one_specimen_names_that_specimen_alone(desk):
    folder, _ = desk
    page = (folder / "explained.html").read_text(encoding="utf-8")
    assert f"{SPECIMEN}3" in page
    assert page.replace(f"{SPECIMEN}3", "").count(SPECIMEN) == 0
    assert TEXT not in page
    assert SUBJECT not in page


def test_the_search_finds_what_is_there(desk):
    folder, _ = desk
    for word in PLANTED:
        assert holds(folder / "train.csv", word)
    zipped = folder / "home" / "found.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", SPECIMEN)
    assert holds(zipped, SPECIMEN)
    zipped.unlink()

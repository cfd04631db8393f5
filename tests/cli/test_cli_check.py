"""``exodx check``: the page in three forms, against the cohort itself or a model, and what it refuses."""

import csv
import json
import os
from pathlib import Path

import pytest

from exodx.errors import RUO
from tests.cli.calls import DATA, run
from tests.tables.plate_texts import long

LABEL = ("--panel", "athero-3", "--label", "group", "--positive", "case")


def test_the_verdict_is_the_first_line_and_talk_goes_to_stderr(cli):
    done = cli("check", DATA / "train.csv", *LABEL)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("Ready to train")
    assert lines[-1] == RUO
    assert max(map(len, lines)) <= 100
    assert "reference standard 'group'" in done.err
    assert "reference standard 'group'" not in done.out


def test_json_alone_stands_on_stdout(cli):
    done = cli("check", DATA / "train.csv", *LABEL, "--json")
    answer = json.loads(done.out)
    assert answer["ready"] is True
    assert {f["severity"] for f in answer["findings"]} <= {"blocking", "warning", "note"}
    assert answer["positive"] + answer["negative"] == answer["specimens"] == 160
    assert [a["analyte"] for a in answer["analytes"]][:3] == ["miR-126-3p", "miR-145-5p", "PD-L1"]


def test_a_blocking_finding_is_still_readable_and_exits_with_zero(cli, tmp_path):
    rows = list(csv.DictReader((DATA / "train.csv").read_text().splitlines()))
    for row in rows:
        row["miR-145-5p"] = "" if row["group"] == "case" else row["miR-145-5p"]
    with (tmp_path / "gap.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    done = cli("check", tmp_path / "gap.csv", *LABEL)
    assert done.code == 0
    assert done.out.startswith("Do not train yet: missingness_confounded")


def test_a_flag_that_contradicts_its_value_is_told_of_a_long_table(cli, tmp_path):
    lines = ["Sample\tTarget\tCt\tFLAG\tGroup"]
    for i in range(24):
        group = "ill" if i % 2 else "well"
        for k, target in enumerate(("miR-21-5p", "miR-126-3p", "U6")):
            ct = "Undetermined" if (i, k) == (3, 0) else f"{24 + k + 0.37 * ((i * 7 + k * 3) % 5):.2f}"
            flag = "Undetermined" if i < 5 and k == 0 else "OK"
            lines.append(f"s{i}\t{target}\t{ct}\t{flag}\t{group}")
    (tmp_path / "long.txt").write_text("\n".join(lines))
    done = cli("check", tmp_path / "long.txt", "--label", "Group", "--positive", "ill", "--json")
    assert done.code == 0, done.err
    said = {f["code"]: f["message"] for f in json.loads(done.out)["findings"]}
    assert "says 'Undetermined' (4) where Ct is a number, in 4 of 72 wells" in said["flag_contradicts"]
    assert "reference_small_nuclear" in said
    consistent = [line.replace("\tUndetermined\t" + line.split("\t")[-1], "\tOK\t" + line.split("\t")[-1]) for line in lines]
    (tmp_path / "long.txt").write_text("\n".join(consistent))
    done = cli("check", tmp_path / "long.txt", "--label", "Group", "--positive", "ill", "--json")
    assert "flag_contradicts" not in done.out


def test_a_model_is_checked_against(trained, cli):
    done = cli("check", DATA / "new.csv", "--model", trained.bundle, "--label", "group", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert answer["model"] == "athero-3"
    assert answer["verdict"].startswith("Ready to score")
    assert answer["positive"] is not None  # the positive value is the model's
    own = cli("check", DATA / "train.csv", "--model", trained.bundle, "--label", "group")
    assert "training_cohort" in own.out.splitlines()[0]


def test_a_refused_file_exits_with_three_and_no_page(cli, tmp_path):
    done = cli("check", tmp_path / "absent.csv", "--html", tmp_path / "page.html")
    assert done.code == 3
    assert not done.out
    assert not (tmp_path / "page.html").exists()


def test_the_page_is_written_beside_the_text_and_never_over_the_input(cli, tmp_path):
    done = cli("check", DATA / "train.csv", *LABEL, "--html", tmp_path / "deep" / "page.html")
    assert done.code == 0, done.err
    assert done.out.startswith("Ready to train")
    assert RUO in (tmp_path / "deep" / "page.html").read_text()
    copy = tmp_path / "train.csv"
    copy.write_bytes((DATA / "train.csv").read_bytes())
    assert cli("check", copy, *LABEL, "--html", copy).code == 2
    assert copy.read_bytes() == (DATA / "train.csv").read_bytes()
    assert cli("check", copy, *LABEL, "--html", "/proc/none/page.html").code == 2


def test_the_terminal_needs_no_figures():
    done = run("check", DATA / "new.csv", "--panel", "athero-3")
    assert done.code == 0, done.err
    assert RUO in done.out


@pytest.mark.browser
def test_the_page_is_readable_in_a_browser(cli, browser, tmp_path):
    from selenium.webdriver.common.by import By

    page = tmp_path / "page.html"
    assert cli("check", DATA / "train.csv", *LABEL, "--html", page).code == 0
    browser.get(page.as_uri())
    body = browser.find_element(By.TAG_NAME, "body").text
    for words in ("Ready to train", "Findings", "Figures", "Quality rules", "Analytes", "Specimens that are not OK", RUO):
        assert words in body
    widths = browser.execute_script("return Array.from(document.images).map(i => i.naturalWidth)")
    assert len(widths) >= 3
    assert min(widths) > 300
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert (
        browser.execute_script("return performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length")
        == 0
    )
    cut = "return [...document.querySelectorAll('td, th')].filter(c => c.scrollWidth > c.clientWidth + 1).length"
    assert browser.execute_script(cut) == 0
    small = "return [...document.querySelectorAll('td, li, p')].filter(e => parseFloat(getComputedStyle(e).fontSize) < 11).length"
    assert browser.execute_script(small) == 0
    if folder := os.environ.get("EXODX_PICTURES"):
        browser.save_screenshot(str(Path(folder) / "check.png"))


PROTEIN_PANEL = """\
[panel]
name = "pp"
version = "1"
title = "t"
normalisation = "none"
[[analyte]]
name = "PD-L1"
kind = "other"
unit = "{}"
"""


@pytest.mark.parametrize(("unit", "code"), [("pg/mL", 0), ("ng/mL", 3)])
def test_the_unit_of_a_plates_standards_is_held_against_the_panel(cli, tmp_path, unit, code):
    (tmp_path / "pp.toml").write_text(PROTEIN_PANEL.format(unit))
    (tmp_path / "plate.csv").write_text(long())
    done = cli("check", tmp_path / "plate.csv", "--panel", tmp_path / "pp.toml")
    assert (done.code, "UNIT_MISMATCH" in done.err, "0.001" in done.err or not code) == (code, bool(code), True), done.err


def test_options_that_would_have_no_effect_are_refused(trained, cli):
    done = cli("check", DATA / "new.csv", "--model", trained.bundle, "--panel", "athero-3")
    assert (done.code, done.out, "PANEL_AND_MODEL" in done.err) == (2, "", True)
    done = cli("check", DATA / "new.csv", *LABEL, "--allow", "FLUID_MISMATCH", "--because", "a pilot")
    assert (done.code, done.out, "ALLOW_WITHOUT_MODEL" in done.err) == (2, "", True)


def test_a_check_against_a_model_allows_what_evaluation_allows(trained, cli, tmp_path):
    rows = list(csv.reader((DATA / "new.csv").read_text().splitlines()))
    gone = rows[0].index("PD-L1")
    serum = [[*row[:gone], *row[gone + 1 :], "fluid" if i == 0 else "serum"] for i, row in enumerate(rows)]
    with (tmp_path / "serum.csv").open("w", newline="") as file:
        csv.writer(file).writerows(serum)
    common = (tmp_path / "serum.csv", "--model", trained.bundle, "--label", "group")
    refused = cli("check", *common)
    assert (refused.code, "FLUID_MISMATCH" in refused.err, "ANALYTE_MISSING" in refused.err) == (3, True, True)
    allowed = (*common, "--allow", "FLUID_MISMATCH", "--allow", "ANALYTE_MISSING", "--because", "a pilot")
    done, evaluated = cli("check", *allowed), cli("evaluate", *allowed)
    assert (done.code, evaluated.code) == (0, 0), (done.err, evaluated.err)
    assert "allowed: FLUID_MISMATCH" in done.err

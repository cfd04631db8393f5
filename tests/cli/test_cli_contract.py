"""The contract through the real commands: names, fluids, units, missing analytes, joined tables."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.calls import DATA

NEW = DATA / "new.csv"
ALLOW = ("--because", "a pilot", "--allow")


def table() -> list[list[str]]:
    return list(csv.reader(NEW.read_text().splitlines()))


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def added(name, value, rows=None):
    head, *body = rows or table()
    return [[*head, name], *([*row, value] for row in body)]


def renamed(**names):
    head, *body = table()
    return [[names.get(name, name) for name in head], *body]


def lacking(name):
    rows = table()
    j = rows[0].index(name)
    return [row[:j] + row[j + 1 :] for row in rows]


def times(name, factor):
    rows = table()
    j = rows[0].index(name)
    for row in rows[1:]:
        row[j] = str(float(row[j]) * factor) if row[j][:1].isdigit() else row[j]
    return rows


def scores(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_t7_serum_into_a_plasma_model_is_refused(trained, cli, tmp_path):
    serum = write(tmp_path / "serum.csv", added("fluid", "serum"))
    done = cli("predict", serum, "--model", trained.bundle, "-o", tmp_path / "s.csv")
    assert done.code == 3
    assert "FLUID_MISMATCH" in done.err
    assert "valid for plasma" in done.err
    assert not (tmp_path / "s.csv").exists()
    by_option = cli("predict", NEW, "--model", trained.bundle, "--specimen-type", "serum")
    assert (by_option.code, "FLUID_MISMATCH" in by_option.err) == (3, True)
    for command in ("evaluate", "explain"):
        more = ("--specimen", "SIM2-0001") if command == "explain" else ("--label", "group")
        assert cli(command, serum, "--model", trained.bundle, *more).code == 3
    assert cli("check", serum, "--panel", "athero-3").code == 3
    assert cli("train", serum, "--plan", trained.plan, "--no-track", "-o", tmp_path / "m").code == 3


def test_what_is_allowed_is_scored_with_a_warning_and_the_reason_and_the_same_number(trained, cli, tmp_path):
    serum = write(tmp_path / "serum.csv", added("fluid", "serum"))
    done = cli("predict", serum, "--model", trained.bundle, *ALLOW, "FLUID_MISMATCH")
    assert done.code == 0, done.err
    plain = scores(cli("predict", NEW, "--model", trained.bundle).out)
    for row, usual in zip(scores(done.out), plain, strict=True):
        assert row["status"] == "WARN"
        assert "CONTRACT_ALLOWED" in row["reasons"]
        assert "allowed because: a pilot" in row["reasons"]
        assert row["probability"] == usual["probability"]
    assert "allowed: FLUID_MISMATCH for 60 specimens" in done.err
    evaluated = cli("evaluate", serum, "--model", trained.bundle, "--label", "group", *ALLOW, "FLUID_MISMATCH")
    assert evaluated.code == 0, evaluated.err
    assert "because: a pilot" in evaluated.err


def test_allowing_needs_a_known_code_and_a_reason(trained, cli):
    done = cli("predict", NEW, "--model", trained.bundle, "--allow", "FLUID_MISMATCH")
    assert (done.code, "REASON_MISSING" in done.err) == (2, True)
    done = cli("predict", NEW, "--model", trained.bundle, *ALLOW, "FLUID_MISSMATCH")
    assert (done.code, "Did you mean 'FLUID_MISMATCH'" in done.err) == (2, True)


@pytest.mark.parametrize("factor", [100, 1000, 0.01])
def test_t6_a_concentration_in_another_unit_stops(factor, trained, cli, tmp_path):
    done = cli("predict", write(tmp_path / "x.csv", times("PD-L1", factor)), "--model", trained.bundle)
    assert done.code == 3
    assert "UNIT_SUSPECT" in done.err
    assert ("÷" if factor < 1 else "×") + str(int(max(factor, 1 / factor))) in done.err
    assert "unit?" in done.err


def test_a_unit_in_the_header_is_read_and_never_converted(trained, cli, tmp_path):
    wrong = write(tmp_path / "ng.csv", renamed(**{"PD-L1": "PD-L1 [ng/mL]"}))
    done = cli("predict", wrong, "--model", trained.bundle, *ALLOW, "UNIT_SUSPECT")
    assert (done.code, "One ng/mL is 1000 pg/mL" in done.err) == (3, True)
    right = write(tmp_path / "pg.csv", renamed(**{"PD-L1": "PD-L1 [pg/mL]"}))
    assert cli("predict", right, "--model", trained.bundle).out == cli("predict", NEW, "--model", trained.bundle).out


def test_columns_under_other_names_give_the_same_scores_and_are_said(trained, cli, tmp_path):
    names = {"miR-126-3p": "hsa-miR-126", "miR-145-5p": "MIMAT0000437", "PD-L1": "CD274", "miR-103a-3p": "miR-103a"}
    other = write(tmp_path / "other.csv", added("miR-126*", "20.0", renamed(**names)))
    done = cli("predict", other, "--model", trained.bundle)
    assert done.out == cli("predict", NEW, "--model", trained.bundle).out
    assert "column 'hsa-miR-126' read as miR-126-3p (MIMAT0000445; older name)" in done.err
    assert "column 'CD274'" not in done.err  # the panel's own alias
    trained_so = cli("check", other, "--panel", "athero-3")
    assert "column 'miR-103a' read as miR-103a-3p" in trained_so.err


def test_t1_a_hairpin_is_refused_and_the_other_arm_is_not_taken(trained, cli, tmp_path):
    for name, code in (("hsa-mir-126", "NAME_HAIRPIN"), ("miR-126*", "ANALYTE_MISSING")):
        done = cli("predict", write(tmp_path / "x.csv", renamed(**{"miR-126-3p": name})), "--model", trained.bundle)
        assert (done.code, code in done.err) == (3, True), done.err


def test_an_ambiguous_name_is_read_with_its_release_by_option_column_and_plan(cli, tmp_path):
    panel = tmp_path / "p.toml"
    panel.write_text(
        '[panel]\nname = "p"\nversion = "1"\ntitle = "t"\nnormalisation = "none"\n'
        '[[analyte]]\nname = "miR-378a-3p"\nkind = "mirna"\nunit = "Ct"\n'
    )
    cohort = write(tmp_path / "c.csv", [["id", "miR-378"], *([f"S{i}", str(25 + i / 10)] for i in range(8))])
    said = write(tmp_path / "said.csv", added("mirbase_release", "16", list(csv.reader(cohort.read_text().splitlines()))))
    plan = tmp_path / "plan.toml"
    plan.write_text('mirbase_release = "16"\n')
    done = cli("check", cohort, "--panel", panel)
    assert (done.code, "NAME_AMBIGUOUS" in done.err) == (3, True)
    for arguments in ((cohort, "--release", "16"), (said,), (cohort, "--plan", plan)):
        done = cli("check", *arguments, "--panel", panel)
        assert done.code == 0, done.err
        assert "column 'miR-378' read as miR-378a-3p (MIMAT0000732; older name)" in done.err
    assert cli("check", cohort, "--panel", panel, "--release", "9").code == 3
    assert "RELEASE_UNKNOWN" in cli("check", cohort, "--panel", panel, "--release", "99").err


def test_check_and_panel_show_tell_accessions_release_and_warnings(cli, tmp_path):
    panel = tmp_path / "p.toml"
    panel.write_text(
        '[panel]\nname = "p"\nversion = "1"\ntitle = "t"\nnormalisation = "none"\n'
        '[[analyte]]\nname = "miR-720"\nkind = "mirna"\nunit = "Ct"\n'
    )
    shown = cli("panel", "show", panel)
    assert 'accession = "MIMAT0005954"' in shown.out
    assert "removed from miRBase" in shown.err
    cohort = write(tmp_path / "c.csv", [["id", "miR-720"], *([f"S{i}", str(25 + i / 10)] for i in range(8))])
    done = cli("check", cohort, "--panel", panel, "--json")
    answer = json.loads(done.out)
    assert (answer["panel"]["mirbase"], answer["analytes"][0]["accession"]) == ("22", "MIMAT0005954")
    assert "removed from miRBase" in done.err
    assert "tables of miRBase 22" in " ".join(cli("check", cohort, "--panel", panel).out.split())


def test_the_bundle_knows_the_release_of_the_name_tables(trained):
    assert json.loads((trained.bundle / "provenance.json").read_text())["libraries"]["miRBase"] == "22"


def test_a_missing_analyte_may_be_allowed_and_its_cost_is_said(trained, cli, tmp_path):
    short = write(tmp_path / "short.csv", lacking("PD-L1"))
    done = cli("predict", short, "--model", trained.bundle)
    said = "PD-L1 was not given: at training this cost"
    assert (done.code, said in done.err) == (3, True)
    assert "sensitivity" in done.err
    done = cli("predict", short, "--model", trained.bundle, *ALLOW, "ANALYTE_MISSING")
    assert done.code == 0, done.err
    assert said in done.err
    rows = scores(done.out)
    assert {row["status"] for row in rows} == {"WARN"}
    assert all("ANALYTE_NOT_GIVEN" in row["reasons"] for row in rows)
    assert {row["call"] for row in rows} == {"positive", "negative"}
    evaluated = cli("evaluate", short, "--model", trained.bundle, "--label", "group", *ALLOW, "ANALYTE_MISSING")
    assert evaluated.code == 0, evaluated.err


def test_training_writes_what_it_is_told_into_the_model(cli, trained, tmp_path):
    done = cli("train", DATA / "train.csv", "--plan", trained.plan, "--no-track", "-o", tmp_path / "m", "--isolation", "SEC")
    assert done.code == 0, done.err
    assert 'isolation = "SEC"' in (tmp_path / "m" / "panel.toml").read_text()
    assert cli("predict", NEW, "--model", tmp_path / "m", "--isolation", "size exclusion (qEV)").code == 0
    other = cli("predict", NEW, "--model", tmp_path / "m", "--isolation", "ExoQuick")
    assert (other.code, "ISOLATION_MISMATCH" in other.err) == (3, True)


@dataclass(frozen=True)
class Split:
    """The new specimens with the protein in a file of its own."""

    mirna: Path
    protein: Path


@pytest.fixture
def split(tmp_path) -> Split:
    head, *body = table()
    j = head.index("PD-L1")
    protein = [["who", "CD274 (pg/mL)"], *([row[0], row[j]] for row in reversed(body))]
    return Split(write(tmp_path / "mirna.csv", lacking("PD-L1")), write(tmp_path / "protein.csv", protein))


def test_blocks_in_several_files_are_joined_for_prediction_and_evaluation(trained, cli, split, tmp_path):
    done = cli("predict", split.mirna, "--specimens", split.protein, "--model", trained.bundle)
    assert done.out == cli("predict", NEW, "--model", trained.bundle).out, done.err
    groups = write(tmp_path / "g.csv", [["who", "status"], *([row[0], row[table()[0].index("group")]] for row in table()[1:])])
    files = ("--specimens", split.protein, "--specimens", groups)
    assert cli("evaluate", split.mirna, *files, "--model", trained.bundle, "--label", "status").code == 0
    short = write(tmp_path / "less.csv", list(csv.reader(split.protein.read_text().splitlines()))[:-1])
    done = cli("predict", split.mirna, "--specimens", short, "--model", trained.bundle)
    assert (done.code, "SPECIMEN_UNKNOWN" in done.err) == (3, True)


def turned(column: str) -> list[list[str]]:
    """Analytes in rows, with the specimens' groups left to a further table."""
    head, *body = table()
    names = [name for name in head if name.startswith(("miR", "PD", "cel", "U6", "hsa"))]
    ids = [row[0] for row in body]
    return [[column, *ids], *([name, *(row[head.index(name)] for row in body)] for name in names)]


def long_rows(unit: str) -> list[list[str]]:
    head, *body = table()
    names = turned("analyte")[1:]
    rows = [[row[0], name[0], row[head.index(name[0])], unit if name[0] == "PD-L1" else "Ct"] for row in body for name in names]
    return [["who", "analyte", "value", "unit"], *rows]


@pytest.fixture
def groups(tmp_path) -> Path:
    place = table()[0].index("group")
    return write(tmp_path / "groups.csv", [["who", "status"], *([row[0], row[place]] for row in table()[1:])])


def test_prediction_and_evaluation_hold_the_units_of_joined_long_tables_alike(trained, cli, groups, tmp_path):
    for unit, code in (("pg/mL", 0), ("ng/mL", 3)):
        main = write(tmp_path / "long.csv", long_rows(unit))
        common = (main, "--specimens", groups, "--specimen", "who", "--model", trained.bundle)
        scored, evaluated = cli("predict", *common), cli("evaluate", *common, "--label", "status")
        assert (scored.code, evaluated.code) == (code, code), (scored.err, evaluated.err)
        assert ("UNIT_MISMATCH" in scored.err, "UNIT_MISMATCH" in evaluated.err) == (bool(code), bool(code))


def test_a_specimen_column_that_only_the_further_table_has_may_be_named(trained, cli, groups, tmp_path):
    main = write(tmp_path / "turned.csv", turned("assay"))
    common = (main, "--specimens", groups, "--specimen", "who", "--model", trained.bundle)
    scored = cli("predict", *common)
    assert scored.code == 0, scored.err
    assert scored.out == cli("predict", NEW, "--model", trained.bundle).out
    assert cli("evaluate", *common, "--label", "status").code == 0


def test_two_tables_that_contradict_each_other_are_refused(trained, cli, groups, tmp_path):
    other = write(tmp_path / "other.csv", [["who", "group"], *([row[0], "?"] for row in table()[1:])])
    done = cli("predict", NEW, "--specimens", other, "--model", trained.bundle)
    assert (done.code, "[COLUMN_CONFLICT] other.csv, column 'group': new.csv has this column too" in done.err) == (3, True)


def test_explain_joins_tables_as_predict_does(trained, cli, split, tmp_path):
    common = ("--model", trained.bundle, "--specimen", "SIM6-0001")
    alone = cli("explain", NEW, *common)
    done = cli("explain", split.mirna, "--specimens", split.protein, *common)
    assert done.code == 0, done.err
    assert done.out == alone.out
    assert "specimen SIM6-0001: " in done.err
    assert cli("explain", split.mirna, *common).code == 3, "without the protein"

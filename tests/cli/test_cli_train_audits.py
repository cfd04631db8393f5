"""``exodx train`` names replicates on the terminal alone, and tells performance against panel size where it is asked for."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.cli.calls import DATA


def test_a_panel_curve_that_is_asked_for_is_in_answer_text_and_report(cli, trained, tmp_path):
    done = cli("train", DATA / "train.csv", "--plan", trained.plan, "--no-track", "-o", tmp_path / "b", "--panel-curve", "--json")
    assert done.code == 0, done.err
    sizes = json.loads(done.out)["panel_curve"]["sizes"]
    assert [s["size"] for s in sizes] == list(range(1, len(sizes) + 1))
    assert all(s["auc"]["lower"] < s["auc"]["value"] for s in sizes)
    assert "Panel size (analytes chosen inside each fold)" in done.err
    report = (tmp_path / "b" / "report.html").read_text()
    assert "Stability of the choice" in report
    assert "AUC of held-out specimens against the number of analytes" in report


def test_without_asking_there_is_none(trained):
    assert trained.answer["panel_curve"] is None
    assert "Panel size" not in trained.stderr


def test_a_specimen_measured_again_is_named_on_the_terminal_alone(cli, trained, tmp_path):
    frame = pd.read_csv(DATA / "train.csv", dtype=str, keep_default_na=False)
    again = frame.iloc[[3, 4]].assign(specimen_id=["again-1", "again-2"], subject_id=["other-1", "other-2"])
    pd.concat([frame, again]).to_csv(tmp_path / "t.csv", index=False)
    done = cli("train", tmp_path / "t.csv", "--plan", trained.plan, "--no-track", "-o", tmp_path / "b", "--json")
    assert done.code == 0, done.err
    (finding,) = [f for f in json.loads(done.out)["findings"] if f["code"] == "near_duplicates"]
    assert "2 of them equal in every value" in finding["message"]
    assert "again-1: equal in every value" in done.err or "again-1 and" in done.err
    for text in (done.out, (tmp_path / "b" / "report.html").read_text()):
        assert "again-1" not in text
    checked = cli("check", tmp_path / "t.csv", "--panel", "athero-3", "--label", "group", "--positive", "case")
    assert "again-1" in checked.out
    assert "near_duplicates" in checked.out


def test_dates_and_permutations_are_in_answer_text_report_and_run(cli, trained, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text(trained.plan.read_text() + "temporal = true\n")
    done = cli("train", DATA / "train.csv", "--plan", plan, "--no-track", "-o", tmp_path / "b", "--permutations", 3, "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    estimates = answer["estimates"]
    gap = estimates["auc"]["value"] - estimates["auc_temporal"]["value"]
    assert estimates["gap_temporal"]["value"] == pytest.approx(gap)
    assert 0.2 < estimates["auc_permuted"]["value"] < 0.8
    assert estimates["permutation_p"]["value"] == 0.25
    assert answer["headline"]["design"] == "leave-one-site-out"
    assert "permutations_few" in {f["code"] for f in answer["findings"]}
    report = (tmp_path / "b" / "report.html").read_text()
    for text in (done.err, report):
        assert text.index(" minus leave-one-site-out ") < text.index(" minus temporal ") < text.index("Sensitivity")
    assert "AUC, labels permuted" in report


def test_dates_that_mix_are_refused_before_anything_is_learned(cli, trained, tmp_path):
    frame = pd.read_csv(DATA / "train.csv", dtype=str, keep_default_na=False)
    frame.loc[3, "collection_date"] = "03.04.2024"
    frame.to_csv(tmp_path / "t.csv", index=False)
    done = cli("train", tmp_path / "t.csv", "--plan", trained.plan, "--temporal", "--no-track", "-o", tmp_path / "b")
    assert done.code == 3
    assert "DATE_MIXED" in done.err
    assert "'03.04.2024'" in done.err
    assert not (tmp_path / "b").exists()


def test_the_cost_of_a_new_site_comes_first_in_text_report_and_run(trained):
    line = next(part for part in trained.stderr.splitlines() if part.startswith("random CV"))
    assert trained.stderr.index(line) < trained.stderr.index("specimens read") < trained.stderr.index("Sensitivity")
    page = (trained.bundle / "report.html").read_text()
    assert page.index(line) < page.index("The number to quote")
    assert trained.answer["estimates"]["gap_leave_one_site_out"]["lower"] is not None

"""A built-in panel from the list to a scored cohort, with commands only."""

from __future__ import annotations

import csv
import json

from exodx.evaluation.metrics import METRICS
from exodx.panel import builtin_names, load_panel


def test_every_built_in_panel_can_be_simulated_and_checked(cli, tmp_path):
    for name in builtin_names():
        made = cli("simulate", "--panel", name, "-n", 24, "-o", tmp_path / f"{name}.csv")
        assert made.code == 0, made.err
        done = cli("check", tmp_path / f"{name}.csv", "--panel", name, "--label", "group", "--positive", "case", "--json")
        assert done.code == 0, f"{name}: {done.err}"
        assert json.loads(done.out)["panel"]["name"] == name


def test_a_built_in_panel_of_transcripts_is_trained_on_and_scores_and_says_its_weakest_point(cli, tmp_path):
    """Urine, Ct of a non-coding and of two messenger RNAs, one reference: what is least like the panel of the tour."""
    name, plan = "prostate-urine-ev-3", tmp_path / "plan.toml"
    plan.write_text('budget = "minimal"\nouter_folds = 3\ninner_folds = 3\nrepeats = 1\n')
    for file, seed in (("train", 1), ("new", 2)):
        assert cli("simulate", "--panel", name, "-n", 60, "--seed", seed, "-o", tmp_path / f"{file}.csv").code == 0
    label = ("--label", "group", "--positive", "case", "--plan", plan, "--no-track")
    trained = cli("train", tmp_path / "train.csv", "--panel", name, *label, "-o", tmp_path / "m")
    assert trained.code == 0, trained.err
    page = (tmp_path / "m" / "report.html").read_text()
    assert f"Weakest point: {load_panel(name).weakness}" in page.replace("&#39;", "'")
    assert cli("predict", tmp_path / "new.csv", "--model", tmp_path / "m", "-o", tmp_path / "s.csv").code in (0, 5)
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert len(rows) == 60
    assert {row["status"] for row in rows} <= {"OK", "WARN", "QC_FAIL", "OUT_OF_DOMAIN"}
    refused = cli("predict", tmp_path / "new.csv", "--model", tmp_path / "m", "--specimen-type", "plasma", "-o", tmp_path / "t.csv")
    assert refused.code == 3
    assert "urine" in refused.err


def test_the_evaluation_of_a_study_tells_every_metric_in_its_answer_and_report(trained):
    named = trained.answer["estimates"]
    page = (trained.bundle / "report.html").read_text()
    for metric in METRICS:
        assert named[metric.name]["value"] is not None
        assert metric.words in page
    assert 0 < named["scaled_brier"]["value"] < 1

"""Conformal sets from the plan to the predictions, through the real commands."""

from __future__ import annotations

import csv
import json

from exodx.frozen import load_bundle
from tests.cli.calls import DATA


def test_from_the_plan_to_the_predictions(trained, cli, tmp_path):
    plan = tmp_path / "sets.toml"
    plan.write_text(trained.plan.read_text() + 'target = "conformal"\ntarget_value = 0.9\n')
    done = cli("train", DATA / "train.csv", "--plan", plan, "--no-track", "-o", tmp_path / "m", "--json")
    assert done.code == 0, done.err
    estimates = json.loads(done.out)["estimates"]
    for name in ("conformal_coverage_positive", "conformal_coverage_negative"):
        assert estimates[name]["lower"] < 0.9 <= estimates[name]["upper"]
    assert 0 < estimates["indeterminate"]["value"] < 1
    assert "Coverage of conformal sets, negative" in done.err
    page = (tmp_path / "m" / "report.html").read_text()
    assert "kept for 0.90 of it (conformal sets, out of fold)" in " ".join(page.replace("&#39;", "'").split())
    threshold = load_bundle(tmp_path / "m")[0].threshold
    rows = list(csv.DictReader(cli("predict", DATA / "new.csv", "--model", tmp_path / "m").out.splitlines()))
    assert {row["threshold_id"] for row in rows} == {threshold.id}
    unsure = [row for row in rows if row["call"] == "indeterminate"]
    assert unsure
    assert all(f"INDETERMINATE: {threshold.indeterminate_because}" in row["reasons"] for row in unsure)


def test_too_few_for_the_coverage_is_refused(trained, cli, tmp_path):
    plan = tmp_path / "sets.toml"
    plan.write_text(trained.plan.read_text() + 'target = "conformal"\ntarget_value = 0.99\n')
    done = cli("train", DATA / "train.csv", "--plan", plan, "--no-track", "-o", tmp_path / "m")
    assert done.code == 3
    assert "need 99 of each class" in " ".join(done.err.split())
    assert not (tmp_path / "m").exists()

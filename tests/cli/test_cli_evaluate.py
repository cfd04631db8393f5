"""``exodx evaluate``: what is told of a new cohort, and a recalibrated version."""

from __future__ import annotations

import csv
import json

import pytest

from exodx.frozen import load_bundle
from tests.cli.calls import DATA

LABEL = ("--label", "group", "--positive", "case")


@pytest.fixture(scope="session")
def rare(tmp_path_factory):
    """The shipped simulation with one case in five."""
    from exodx.cohort import SimulatedStudy, simulate
    from exodx.panel import load_panel

    path = tmp_path_factory.mktemp("rare") / "rare.csv"
    simulate(load_panel("athero-3"), SimulatedStudy(n=250, site_case_shares=(0.2, 0.2), seed=51)).to_csv(path)
    return path


def test_everything_of_an_external_validation_is_told(trained, cli):
    done = cli("evaluate", DATA / "new.csv", "--model", trained.bundle, *LABEL, "--plan", trained.plan, "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    for name in ("observed_expected", "calibration_intercept", "calibration_slope", "net_benefit", "interventions_avoided"):
        estimate = answer["estimates"][name]
        assert estimate["lower"] <= estimate["value"] <= estimate["upper"]
    assert answer["estimates"]["net_benefit_all"]["value"] is not None
    assert {part["column"] for part in answer["subgroups"]} == {"sex", "age"}
    assert all(part["auc"]["reason"] or part["auc"]["lower"] is not None for part in answer["subgroups"])
    assert answer["shift"]["n_subjects"] == 60
    assert {f["feature"] for f in answer["shift"]["features"]} >= {"PD-L1", "(margin)"}
    for part in ("Net benefit of calling all", "sex female", "case mix", "Observed over expected"):
        assert part in done.err


def test_recalibrate_writes_a_version_that_keeps_its_parent(trained, cli, rare, tmp_path):
    done = cli("evaluate", rare, "--model", trained.bundle, *LABEL, "--recalibrate", tmp_path / "2", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)["recalibrated"]
    assert answer["parent"] == trained.answer["model_hash"]
    child, child_hash = load_bundle(tmp_path / "2")
    assert (child_hash, child.provenance.parent) == (answer["model_hash"], answer["parent"])
    assert "tell its calibration from another cohort" in done.err
    calls = []
    for bundle in (trained.bundle, tmp_path / "2"):
        rows = list(csv.DictReader(cli("predict", DATA / "new.csv", "--model", bundle).out.splitlines()))
        calls.append([(row["specimen_id"], row["call"], row["status"]) for row in rows])
    assert calls[0] == calls[1]
    again = cli("evaluate", rare, "--model", tmp_path / "2", *LABEL, "--json")
    assert "recalibration_cohort" in [f["code"] for f in json.loads(again.out)["findings"]]
    shown = cli("evaluate", rare, "--model", trained.bundle, *LABEL, "--recalibrate", tmp_path / "3", "--at-prevalence", "0.03")
    assert shown.code == 0, shown.err
    assert load_bundle(tmp_path / "3")[0].provenance.holds_at == 0.03


def test_a_version_never_replaces_a_model(trained, cli, rare):
    before = (trained.bundle / "manifest.json").read_bytes()
    done = cli("evaluate", rare, "--model", trained.bundle, *LABEL, "--recalibrate", trained.bundle)
    assert (done.code, "FOLDER_IN_USE" in done.err) == (4, True)
    assert (trained.bundle / "manifest.json").read_bytes() == before


def test_what_cannot_be_recalibrated_is_refused_and_writes_nothing(trained, cli, rare, tmp_path):
    done = cli("evaluate", DATA / "train.csv", "--model", trained.bundle, *LABEL, "--recalibrate", tmp_path / "x")
    assert (done.code, "RECALIBRATION_ON_TRAINING" in done.err) == (3, True)
    assert not (tmp_path / "x").exists()
    assert cli("evaluate", rare, "--model", trained.bundle, *LABEL, "--at-prevalence", "0.03").code == 2
    assert cli("evaluate", rare, "--model", trained.bundle, *LABEL, "--recalibrate", "x", "--at-prevalence", "1.5").code == 2


def test_a_grey_zone_from_the_plan_to_the_predictions(trained, cli, tmp_path):
    plan = tmp_path / "grey.toml"
    plan.write_text(trained.plan.read_text() + "grey_zone = true\n")
    done = cli("train", DATA / "train.csv", "--plan", plan, "--no-track", "-o", tmp_path / "m", "--json")
    assert done.code == 0, done.err
    estimates = json.loads(done.out)["estimates"]
    assert 0 < estimates["indeterminate"]["value"] < 1
    assert estimates["sensitivity"]["value"] <= estimates["sensitivity_of_calls"]["value"]
    assert estimates["threshold"]["lower"] <= estimates["threshold"]["value"] <= estimates["threshold"]["upper"]
    assert "Calls have a grey zone" in (tmp_path / "m" / "report.html").read_text()
    predicted = cli("predict", DATA / "new.csv", "--model", tmp_path / "m")
    rows = list(csv.DictReader(predicted.out.splitlines()))
    lower, upper = load_bundle(tmp_path / "m")[0].threshold.zone
    for row in rows:
        p = float(row["probability"] or "nan")
        expected = "not_reported" if p != p else "negative" if p < lower else "positive" if p >= upper else "indeterminate"
        assert row["call"] == expected
    unsure = [row["specimen_id"] for row in rows if row["call"] == "indeterminate"]
    assert f"{len(unsure)} indeterminate, " in predicted.err
    assert rows[0]["threshold_id"].startswith("grey_zone>=0.90@")
    shown = cli("explain", DATA / "new.csv", "--model", tmp_path / "m", "--specimen", unsure[0], "-o", tmp_path / "s.html")
    assert shown.code == 0, shown.err
    assert "indeterminate between" in (tmp_path / "s.html").read_text()
    evaluated = json.loads(cli("evaluate", DATA / "new.csv", "--model", tmp_path / "m", *LABEL, "--json").out)
    assert evaluated["estimates"]["indeterminate"]["value"] > 0


def test_without_a_grey_zone_the_calls_are_what_they_were(trained, cli):
    predicted = cli("predict", DATA / "new.csv", "--model", trained.bundle)
    assert {row["call"] for row in csv.DictReader(predicted.out.splitlines())} <= {"positive", "negative", "not_reported"}
    assert "indeterminate" not in predicted.err


def test_the_page_of_an_evaluation(trained, cli, tmp_path):
    done = cli("evaluate", DATA / "new.csv", "--model", trained.bundle, *LABEL, "--html", tmp_path / "e.html")
    assert done.code == 0, done.err
    page = (tmp_path / "e.html").read_text()
    assert "Beside the training cohort" in page
    assert trained.answer["model_id"] in page
    source = tmp_path / "new.csv"
    source.write_bytes((DATA / "new.csv").read_bytes())
    assert cli("evaluate", source, "--model", trained.bundle, *LABEL, "--html", source).code == 2
    assert source.read_bytes() == (DATA / "new.csv").read_bytes()

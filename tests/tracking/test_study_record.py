"""The figures of a run by their stable names, without a server."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from exodx.evaluation import evaluate_inside
from exodx.stats import Estimate
from exodx.tracking import record as names
from exodx.tracking import study_record
from exodx.training import Validation, cross_validate, repeated_folds, run_panel_sizes, train_model

MLFLOW_NAME = re.compile(r"[\w./:\- ]+")


@pytest.fixture(scope="module")
def study(make_cohort, fast_plan):
    cohort = make_cohort(n=100, not_run_share=0.03, seed=3).sorted()
    folds = repeated_folds(cohort, fast_plan)
    model = train_model(cohort, fast_plan)
    random = cross_validate(cohort, fast_plan, folds, "random", 1, lambda: None)
    sizes = run_panel_sizes(cohort, fast_plan, folds, 3, 1, lambda: None)
    return model, evaluate_inside(cohort, model, Validation(random, sizes=sizes), 0.2, 0)


@pytest.fixture(scope="module")
def recorded(study, fast_plan):
    model, evaluation = study
    return study_record(model, "0" * 64, fast_plan, evaluation, "<p>", {"roc.png": b"png"})


def test_quality_flow_and_findings_are_counted(recorded, study):
    evaluation = study[1]
    metrics = recorded.metrics
    assert metrics["flow/specimens_read"] == evaluation.flow["specimens read"] == 100
    assert metrics["flow/scored"] == evaluation.flow["scored"]
    assert metrics["qc/ok"] + metrics["qc/warn"] + metrics["qc/qc_fail"] + metrics["qc/invalid"] == 100
    assert metrics["qc/qc_fail"] >= metrics["qc/haemolysis_ct/refuse"] > 0
    assert metrics["qc/haemolysis_ct/flag"] > 0
    assert sum(metrics[f"findings/{s}"] for s in ("blocking", "warning", "note")) == len(evaluation.findings)


def test_stability_and_the_decision_curves_range_are_metrics(recorded, study):
    evaluation = study[1]
    stability = evaluation.explanation_stability
    assert recorded.metrics["shap_stability/rank_correlation"] == stability.rank_correlation
    assert recorded.metrics["shap_stability/top"] == stability.top_stability.value
    useful = (recorded.metrics["benefit_curve/from"], recorded.metrics["benefit_curve/to"])
    assert useful == evaluation.benefit_curve.useful


def test_the_panel_curve_has_a_step_for_each_size(recorded, study):
    curve = study[1].panel_curve
    assert recorded.curves["panel_size/auc"] == {entry.size: entry.auc.value for entry in curve.sizes}
    assert set(recorded.curves["panel_size/stability"]) == {1, 2}  # of all three, all are always chosen
    assert recorded.curves["panel_size/auc/lower"][3] == curve.sizes[-1].auc.lower
    assert recorded.metrics["panel_size/minimal"] == curve.minimal


def test_names_are_such_as_mlflow_takes_and_are_documented(recorded):
    every = [*recorded.metrics, *recorded.curves]
    assert all(MLFLOW_NAME.fullmatch(name) for name in every)
    for part in ("findings", "flow", "qc", "benefit_curve", "shap_stability", "panel_size"):
        assert f"``{part}/" in names.__doc__
    assert len(recorded.metrics) < 1000


def test_what_was_not_estimated_is_absent_rather_than_nan(study, fast_plan):
    model, evaluation = study
    none = Estimate("selection_stability", None, None, None, reason="-")
    stability = replace(evaluation.explanation_stability, rank_correlation=None, top_stability=none)
    bare = replace(evaluation, explanation_stability=stability, benefit_curve=None, panel_curve=None, quality={"a b%": 1})
    record = study_record(model, "0" * 64, fast_plan, bare, "<p>", {})
    assert record.curves == {}
    assert not any(name.startswith(("shap_stability", "benefit_curve", "panel_size")) for name in record.metrics)
    assert record.metrics["qc/a_b"] == 1


def test_members_are_params_by_kind(recorded, study):
    (member,) = study[0].provenance.booster["members"]
    assert recorded.params["chosen.shallow_trees"] == f"{member['setting']}, share 1.00"
    assert not [name for name in recorded.params if "members" in name]


def test_an_older_models_booster_is_recorded_as_it_was(study, fast_plan):
    model, evaluation = study
    older = replace(model, provenance=replace(model.provenance, booster={"candidate": "stumps", "rounds": 300}))
    params = study_record(older, "0" * 64, fast_plan, evaluation, "<p>", {}).params
    assert (params["chosen.candidate"], params["chosen.rounds"]) == ("stumps", "300")

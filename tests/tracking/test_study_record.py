"""The figures of a run by their stable names, without a server."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from exodx.evaluation import Finding, evaluate_inside
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


def test_what_users_wrote_is_no_markdown_in_what_a_reviewer_reads_first(study, fast_plan):
    """A picture would be fetched from where it says, a link would say another address, and a bold line would be taken for ours."""
    model, evaluation = study
    evil = "![x](http://example.org/x.png) [the report](http://example.org) **Verdict:** all is well <img src=x>\n\n# Verdict"
    named = replace(model, panel=replace(model.panel, title=evil, intended_use=evil))
    told = study_record(
        named, "0" * 64, fast_plan, replace(evaluation, findings=(Finding("site_confounded", "warning", evil),)), "<p>", {}
    )
    for text in (told.description, told.about):
        assert "http://example.org" in text
        assert not re.search(r"(?<!\\)!?\[|(?<!\\)<img|^# ", text, re.MULTILINE)
    assert told.description.count("**Verdict:**") == 1


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


def test_the_description_tells_number_verdict_cohort_findings_and_where_to_look(recorded, study):
    evaluation, text = study[1], recorded.description
    places = [text.index(part) for part in (f"AUC {evaluation.headline.value:.3f}", "**Verdict:**", "**Cohort:**", "**note**")]
    assert places == sorted(places)
    assert "100 specimens read" in text
    assert "no finding forbids to claim the headline; " in text
    assert "no number here is evidence" in text
    assert text.rstrip().endswith("Not for use in diagnostic procedures.*")
    assert "report.html" in text


def test_a_blocking_finding_is_the_verdict_and_stands_first(study, fast_plan):
    model, evaluation = study
    blocked = replace(evaluation, findings=(*evaluation.findings, Finding("site_confounded", "blocking", "x" * 900)))
    text = study_record(model, "0" * 64, fast_plan, blocked, "<p>", {}).description
    assert "the headline must not be claimed: `site_confounded`" in text
    assert text.index("- **blocking**") < text.index("- **warning**")


def test_a_description_of_many_findings_fits_the_registry(study, fast_plan):
    """MLflow's registry holds 5000 characters; SQLite would take more, PostgreSQL refuses."""
    model, evaluation = study
    many = replace(evaluation, findings=tuple(Finding(f"code_{k}", "warning", "long words " * 99) for k in range(40)))
    text = study_record(model, "0" * 64, fast_plan, many, "<p>", {}).description
    assert len(text) < 5000
    assert "- and 30 more in `report.html`" in text
    assert "40 warnings" in text


def test_tags_and_the_cohort_tell_what_a_reviewer_asks_first(recorded, study):
    model = study[0]
    assert recorded.tags["exodx.intended_use"] == model.panel.intended_use
    assert recorded.tags["exodx.specimen_type"] == model.panel.specimen_type
    assert recorded.tags["exodx.kind"] == "study"
    (used,) = recorded.cohorts
    assert (used.fingerprint, used.use, used.n_specimens) == (model.provenance.cohort_fingerprint, "training", 100)
    assert model.name in recorded.about


def test_every_name_stands_in_the_one_table(recorded):
    def is_told(name):
        return f"``{name}``" in names.__doc__ or any(f"``{name[:k]}<" in names.__doc__ for k in range(3, len(name)))

    tags = [*recorded.tags]
    params = [*recorded.params]
    children = [name for child in recorded.children for name in (*child.params, *child.metrics)]
    assert [name for name in [*tags, *params, *children] if not is_told(name)] == []
    assert {f"``{child.kind}``" in names.__doc__ for child in recorded.children} == {True}

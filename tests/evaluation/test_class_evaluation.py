"""Evaluating several classes: which number leads, what speaks against it, and what is said where a class is missing."""

import json
from dataclasses import replace

import numpy as np
import pytest

from exodx.cohort import ClassChoice, Intake, frame_cohort, site_folds
from exodx.errors import RUO, InputRefused
from exodx.evaluation import (
    ClassEvaluation,
    ClassValidations,
    Finding,
    evaluate_classes_external,
    evaluate_classes_inside,
)
from exodx.evaluation.class_estimates import ScoredClasses, class_estimates, confusion_table, merge_findings
from exodx.frozen import ClassLimit
from exodx.report import class_evaluation_page, class_evaluation_text
from exodx.training import class_folds, cross_validate_classes
from tests.classes import NAMES, class_cohort, class_frame


def inside(cohort, model, plan, sites=False):
    def run(folds, design):
        return cross_validate_classes(cohort, plan, folds, design, 1, lambda: None)

    by_site = run(site_folds(cohort.sites)[0][None], "leave-one-site-out") if sites else None
    return evaluate_classes_inside(cohort, model, ClassValidations(run(class_folds(cohort, plan), "random folds"), by_site), 0)


@pytest.fixture(scope="module")
def cohort():
    return class_cohort()


@pytest.fixture(scope="module")
def evaluation(cohort, class_model, fast_plan):
    return inside(cohort, class_model, fast_plan, sites=True)


@pytest.fixture(scope="module")
def external(class_model):
    return evaluate_classes_external(class_model, class_cohort(seed=9, n=70))


def test_leave_one_site_out_leads_and_every_class_has_its_estimates(evaluation):
    summary = evaluation.summary
    assert (summary.headline.name, summary.headline.design) == ("macro AUC", "leave-one-site-out")
    names = [e.name for e in summary.estimates]
    assert len(set(names)) == len(names)
    for name in NAMES:
        for what in ("auc", "auc_leave_one_site_out", "sensitivity", "calibration_slope", "calibration_intercept"):
            assert f"{what}:{name}" in names
    for what in ("macro_auc", "hand_till", "accuracy", "balanced_accuracy", "log_loss", "brier", "macro_auc_minus_logistic"):
        found = summary.estimate(what)
        assert found.lower <= found.value <= found.upper
    held = [summary.estimate(f"auc_leave_one_site_out:{name}").value for name in NAMES]
    assert summary.headline.value == pytest.approx(np.mean(held))
    assert summary.estimate("macro_auc").value == pytest.approx(np.mean([summary.estimate(f"auc:{n}").value for n in NAMES]))


def test_without_sites_the_random_design_leads(cohort, class_model, fast_plan):
    alone = replace(cohort, specimens=cohort.specimens.assign(site="one"))
    found = inside(alone, class_model, fast_plan)
    assert found.summary.headline.design == "random folds"
    assert found.summary.headline.value == found.summary.estimate("macro_auc").value


def test_the_confusion_table_counts_every_scored_specimen(evaluation, cohort):
    table = evaluation.confusion
    assert table.called == NAMES
    assert sum(map(sum, table.counts)) == pytest.approx(evaluation.summary.flow["scored"])
    assert np.sum(table.shares, axis=1) == pytest.approx(1)
    right = sum(table.counts[k][k] for k in range(3)) / evaluation.summary.flow["scored"]
    assert evaluation.summary.estimate("accuracy").value == pytest.approx(right)
    assert evaluation.summary.flow["of class other"] == int((cohort.class_codes == 2).sum())


def test_a_class_from_one_site_is_a_confounded_finding_that_names_the_class(class_model, fast_plan):
    frame = class_frame()
    frame["site"] = np.where(frame["group"] == "other", "site C", frame["site"])
    cohort = frame_cohort(frame, Intake("athero-3", "group", classes=ClassChoice())).sorted()
    found = inside(cohort, class_model, fast_plan, sites=True)
    (blocking,) = [f for f in found.summary.findings if f.code == "site_confounded" and "other" in f.message.split(":")[0]]
    assert blocking.severity == "blocking"
    assert "other against the rest" in blocking.message
    assert "sites_not_evaluable" in {f.code for f in found.summary.findings}
    assert found.summary.headline.design == "random folds"


def test_what_holds_of_all_classes_is_said_once():
    same, own = Finding("a", "note", "All."), Finding("b_confounded", "warning", "One.")
    merged = merge_findings([("X", [same, own]), ("Y", [same]), ("Z", [same])])
    assert merged == [same, Finding("b_confounded", "warning", "X against the rest: One.")]


def test_it_rebuilds_from_json_and_is_told_in_text(evaluation):
    again = ClassEvaluation.from_dict(json.loads(json.dumps(evaluation.to_dict())))
    assert again == evaluation
    text = class_evaluation_text(evaluation)
    assert text.endswith(RUO)
    for part in ("macro AUC", "Called, by class", "random CV", "site A, athero:", "Sensitivity, healthy"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 90


def test_no_specimens_id_is_in_it_or_on_its_page(evaluation, cohort, class_model):
    state, page = json.dumps(evaluation.to_dict()), class_evaluation_page(evaluation, class_model, "m-1")
    assert not any(name in state or name in page for name in cohort.ids)
    assert page.count(RUO) >= 2
    assert "<script" not in page


def test_a_frozen_model_on_other_specimens(external):
    assert external.summary.headline.design == "external cohort"
    assert external.summary.headline.value > 0.7
    assert {"synthetic_model", "synthetic"} <= {f.code for f in external.summary.findings}


def test_the_training_cohort_is_not_external(class_model, cohort):
    found = evaluate_classes_external(class_model, cohort)
    assert ("training_cohort", "blocking") in [(f.code, f.severity) for f in found.summary.findings]


def test_a_class_without_specimens_has_reasons_instead_of_numbers(class_model):
    cohort = class_cohort(seed=9, n=70)
    found = evaluate_classes_external(class_model, cohort[cohort.class_codes != 1])
    assert found.classes == NAMES
    assert found.summary.headline.value is None
    assert found.summary.estimate("macro_auc").reason == "no specimen is of class healthy"
    assert found.summary.estimate("auc:healthy").value is None
    assert found.summary.estimate("auc:athero").lower is not None
    assert "healthy (0): no specimen" in class_evaluation_text(found)
    assert class_evaluation_page(found, class_model, "m-1")
    with pytest.raises(InputRefused, match="two classes"):
        evaluate_classes_external(class_model, cohort[cohort.class_codes == 1])


def test_calls_that_are_kept_back_count_as_errors_and_are_told_apart(class_model):
    limited = replace(class_model, limit=ClassLimit(0.8, 0.9))
    cohort = class_cohort(seed=9, n=70)
    usual, found = (evaluate_classes_external(m, cohort).summary for m in (class_model, limited))
    assert found.estimate("accuracy").value < usual.estimate("accuracy").value < found.estimate("accuracy_of_calls").value
    assert found.estimate("accuracy").method.endswith("indeterminates count as errors")
    assert 0 < found.estimate("indeterminate").value < 1
    assert evaluate_classes_external(limited, cohort).confusion.called == (*NAMES, "indeterminate")


def test_estimates_where_everything_is_right_or_nothing_is_called():
    codes = np.arange(30) % 3
    scores = (8 * np.eye(3)[codes] + np.random.default_rng(0).normal(size=(30, 3)) * 0.1)[None]
    whole = ScoredClasses(NAMES, codes, np.arange(30), np.zeros((1, 30), int), scores, np.ones((1, 30), bool), False)
    found = {e.name: e for e in class_estimates(whole)}
    assert found["macro_auc"].value == found["accuracy"].value == 1.0
    assert found["macro_auc"].lower < 1
    assert found["calibration_slope:other"].value is None
    none = replace(whole, sure=np.zeros((1, 30), bool), limited=True)
    found = {e.name: e for e in class_estimates(none)}
    assert (found["accuracy"].value, found["accuracy_of_calls"].value, found["indeterminate"].value) == (0.0, None, 1.0)
    assert [row[3] for row in confusion_table(none).counts] == [10.0, 10.0, 10.0]

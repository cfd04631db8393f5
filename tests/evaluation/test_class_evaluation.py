"""Evaluating several classes: which number leads, what speaks against it, and what is said where a class is missing."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import ClassChoice, Intake, frame_cohort, read_cohort, site_folds
from exodx.errors import RUO, InputRefused
from exodx.evaluation import (
    ClassEvaluation,
    ClassValidations,
    Finding,
    evaluate_classes_external,
    evaluate_classes_inside,
)
from exodx.evaluation.check import check_cohort
from exodx.evaluation.class_estimates import (
    ScoredClasses,
    audit_classes_discrimination,
    class_estimates,
    confusion_table,
    merge_findings,
)
from exodx.frozen import ClassLimit
from exodx.report import class_evaluation_page, class_evaluation_text
from exodx.stats import Estimate
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


def coded(found) -> dict[str, list[Finding]]:
    told = {}
    for finding in found.summary.findings:
        told.setdefault(finding.code, []).append(finding)
    return told


def as_cohort(frame):
    return frame_cohort(frame, Intake("athero-3", "group", classes=ClassChoice())).sorted()


def test_values_and_repeats_are_looked_at_at_training_and_in_a_new_cohort(class_model, fast_plan, evaluation, external):
    """Rounded Ct, a unit that changes and specimens again under new ids, as of two classes; the files as they were have none."""
    codes = {"values_rounded", "units_mixed", "near_duplicates"}
    assert not codes & (set(coded(evaluation)) | set(coded(external)))
    frame = class_frame(seed=9, n=120)
    frame["subject"] = frame["specimen_id"]
    again = frame.iloc[:14].assign(specimen_id=[f"again-{k}" for k in range(14)], subject=[f"again-{k}" for k in range(14)])
    frame = pd.concat([frame, again], ignore_index=True)
    ct = [name for name in frame if name.startswith("miR-")]
    frame[ct] = frame[ct].map(lambda cell: f"{float(cell):.0f}" if cell and str(cell)[0].isdigit() else cell)
    frame["PD-L1"] = [f"{1000 * float(c):.1f}" if k % 3 and c and c[0].isdigit() else c for k, c in enumerate(frame["PD-L1"])]
    cohort = as_cohort(frame)
    for found in (inside(cohort, class_model, fast_plan), evaluate_classes_external(class_model, cohort)):
        told = coded(found)
        assert {code: len(told[code]) for code in codes} == dict.fromkeys(codes, 1)  # once, not once a class
        assert "against the rest" not in told["near_duplicates"][0].message


def test_classes_that_mean_nothing_are_told(class_model, fast_plan, evaluation, external):
    codes = {"no_discrimination", "labels_inverted"}
    assert not codes & (set(coded(evaluation)) | set(coded(external)))
    found = inside(as_cohort(class_frame(permute=True)), class_model, fast_plan)
    (told,) = coded(found)["no_discrimination"]
    assert told.severity == "warning"
    found = evaluate_classes_external(class_model, as_cohort(class_frame(permute=True, seed=9, n=120)))
    assert {"no_discrimination", "labels_inverted"} & set(coded(found))


def test_two_classes_under_each_others_names_are_told_one_by_one(class_model):
    """The third class is told from the rest as ever: the whole looks right, or merely less well."""
    frame = class_frame(seed=9, n=150)
    frame["group"] = frame["group"].replace({"athero": "healthy", "healthy": "athero"})
    told = coded(evaluate_classes_external(class_model, as_cohort(frame)))["labels_inverted"]
    assert {f.message.split(" against the rest")[0] for f in told} == {"athero", "healthy"}
    assert all(f.severity == "blocking" for f in told)


def test_what_is_said_of_the_whole_is_not_said_of_its_classes_again():
    def estimates(macro, **classes):
        named = {"macro_auc": macro} | {f"auc:{name}": limits for name, limits in classes.items()}
        return [Estimate(name, (low + high) / 2, low, high) for name, (low, high) in named.items()]

    def codes(told):
        found = audit_classes_discrimination(("A", "B"), told)
        return [(f.code, f.message.split(" against")[0] if "against the rest" in f.message else "") for f in found]

    assert codes(estimates((0.6, 0.8), A=(0.6, 0.9), B=(0.55, 0.7))) == []
    assert codes(estimates((0.6, 0.8), A=(0.6, 0.9), B=(0.4, 0.7))) == [("no_discrimination", "B")]
    assert codes(estimates((0.4, 0.6), A=(0.4, 0.6), B=(0.4, 0.6))) == [("no_discrimination", "")]
    assert codes(estimates((0.4, 0.6), A=(0.1, 0.3), B=(0.4, 0.9))) == [("no_discrimination", ""), ("labels_inverted", "A")]
    assert codes(estimates((0.1, 0.4), A=(0.1, 0.3), B=(0.1, 0.4))) == [("labels_inverted", "")]
    assert codes(estimates((0.2, 0.4), A=(0.1, 0.3), B=(0.4, 0.9))) == [("labels_inverted", "A"), ("no_discrimination", "B")]


@pytest.mark.cohorts
def test_subtypes_of_breast_cancer_are_looked_at_as_two_classes_are(cohorts_folder):
    """Three subtypes, 150 specimens: check compares each with the rest and finds nothing amiss that it does not find of one."""
    folder = cohorts_folder / "breast-tcga-mirna-protein"
    intake = Intake("auto", "subtype", specimens=folder / "data.train_subtype.csv", classes=ClassChoice())
    cohort = read_cohort(folder / "data.train_mirna.csv", intake)
    assert cohort.classes == ("Basal", "Her2", "LumA")
    clean = check_cohort(cohort)
    assert clean.ready
    assert {"values_rounded", "units_mixed", "near_duplicates", "step_in_file"}.isdisjoint(f.code for f in clean.findings)
    values = cohort.measurements.values.copy()
    values[np.flatnonzero(cohort.class_codes == 1), :] += 30.0
    moved = check_cohort(replace(cohort, measurements=replace(cohort.measurements, values=values)))
    (told,) = [f for f in moved.findings if f.code == "offset_confounded"]
    assert told.message.startswith("Her2 against the rest")
    assert not moved.ready


def test_check_compares_each_class_with_the_rest(cohort):
    frame = class_frame()
    frame["site"] = np.where(frame["group"] == "other", "site C", frame["site"])
    found = [f for f in check_cohort(as_cohort(frame)).findings if f.code == "site_confounded" and f.severity == "blocking"]
    assert any(f.message.startswith("other against the rest") for f in found)
    codes = {f.code for f in check_cohort(cohort).findings}
    assert "label_not_named" not in codes
    assert "site_confounded" not in codes


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

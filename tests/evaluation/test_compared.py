"""A restriction is validated with and without, on the same folds; where it costs, the report says so."""

from dataclasses import replace

import numpy as np
import pytest

from exodx.cohort import Cohort
from exodx.evaluation import Evaluation, evaluate_inside
from exodx.evaluation.compared import audit_compared, compared_estimates
from exodx.panel import Panel
from exodx.report import evaluation_text
from exodx.stats import auc_difference
from exodx.study import run_study
from exodx.training import Validation, cross_validate, repeated_folds, train_model


@pytest.fixture(scope="module")
def asked(fast_plan):
    return replace(fast_plan, monotone=True, selection="stability", repeats=2)


@pytest.fixture(scope="module")
def evaluation(cohort, asked):
    return run_study(cohort, asked, track=False).evaluation


def test_both_are_reported_on_the_same_folds_with_a_paired_interval(cohort, asked, evaluation):
    cohort = cohort.sorted()
    folds = repeated_folds(cohort, asked)
    plans = {"": asked, "unconstrained": replace(asked, monotone=False), "full_panel": replace(asked, selection="none")}
    runs = {name: cross_validate(cohort, plan, folds, name, 1, lambda: None) for name, plan in plans.items()}
    rows = np.isfinite(runs[""].margin).all(axis=0)
    for name in ("unconstrained", "full_panel"):
        ours, theirs = (runs[key].margin[:, rows] for key in ("", name))
        expected = auc_difference(cohort.y[rows], ours, theirs, folds[:, rows], cohort.subjects[rows])
        found = evaluation.estimate(f"auc_minus_{name}")
        assert (found.value, found.lower, found.upper) == (expected.value, expected.lower, expected.upper)
        assert found.value == pytest.approx(evaluation.estimate("auc").value - evaluation.estimate(f"auc_{name}").value)


def test_the_text_has_a_line_for_each_and_the_features_that_were_selected(evaluation):
    text = evaluation_text(evaluation)
    for line in (
        "AUC, without monotone constraints",
        "AUC, monotone minus unconstrained",
        "AUC, full panel",
        "[features_selected]",
    ):
        assert line in text
    assert all(set(fold.selected) <= {"miR-126-3p", "miR-145-5p", "PD-L1"} and fold.selected for fold in evaluation.folds)
    assert evaluation.estimate("selection_stability").n in (6, 0)
    assert Evaluation.from_dict(evaluation.to_dict()) == evaluation


def test_a_plan_without_restrictions_compares_nothing(cohort, fast_plan):
    found = run_study(cohort, fast_plan, track=False).evaluation
    assert not [e.name for e in found.estimates if "unconstrained" in e.name or "full_panel" in e.name or "selection" in e.name]
    assert not any(fold.selected for fold in found.folds)


def turned(panel: Panel) -> Panel:
    """The panel with every direction declared the wrong way round."""
    other = {"up": "down", "down": "up", None: None}
    return replace(panel, analytes=tuple(replace(a, direction=other[a.direction]) for a in panel.analytes))


def test_directions_against_the_data_are_not_earned(cohort, fast_plan):
    wrong: Cohort = replace(cohort, panel=turned(cohort.panel)).sorted()
    plan = replace(fast_plan, monotone=True)
    folds = repeated_folds(wrong, plan)
    random = cross_validate(wrong, plan, folds, "r", 1, lambda: None)
    free = cross_validate(wrong, replace(plan, monotone=False), folds, "f", 1, lambda: None)
    found = evaluate_inside(wrong, train_model(wrong, plan), Validation(random, compared={"unconstrained": free}), None, 0)
    warned = {f.code: f for f in found.findings}
    assert warned["monotone_not_earned"].severity == "warning"
    assert found.estimate("auc_minus_unconstrained").upper < 0
    estimates = compared_estimates(wrong, free, {"unconstrained": free})
    assert audit_compared(estimates, free) == []  # as good as itself


def test_a_selection_that_throws_the_signal_away_is_not_earned(cohort, fast_plan):
    cohort = cohort.sorted()
    folds = repeated_folds(cohort, fast_plan)
    full = cross_validate(cohort, fast_plan, folds, "f", 1, lambda: None)
    noise = np.random.default_rng(0).normal(size=full.margin.shape)
    poor = replace(full, margin=np.where(np.isnan(full.margin), np.nan, noise))
    codes = [f.code for f in audit_compared(compared_estimates(cohort, poor, {"full_panel": full}), poor)]
    assert codes == ["selection_not_earned"]
    slight = replace(full, margin=full.margin + 1e-9 * noise)
    assert audit_compared(compared_estimates(cohort, slight, {"full_panel": full}), slight) == []

"""Calls that may be indeterminate, told both ways, inside and outside; and what is told beside a threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exodx.errors import InputRefused
from exodx.evaluation import evaluate_external, evaluate_inside
from exodx.evaluation.estimates import NO_PREVALENCE, accuracy_estimates, zone_estimates
from exodx.frozen import load_bundle, save_bundle
from exodx.panel import parse_plan
from exodx.report import evaluation_text
from exodx.stats import GreyZone, grey_zone_accuracy, predictive_values
from exodx.stats.accuracy import Confusion
from exodx.training import Validation, cross_validate, recalibrate_model, repeated_folds, train_model

NAMES = ("sensitivity", "specificity", "sensitivity_of_calls", "specificity_of_calls", "indeterminate")


def by_name(estimates):
    return {e.name: e for e in estimates}


@pytest.fixture(scope="module")
def grey_plan(fast_plan):
    return replace(fast_plan, grey_zone=True)


@pytest.fixture(scope="module")
def grey(cohort, grey_plan):
    return train_model(cohort, grey_plan)


@pytest.fixture(scope="module")
def inside(cohort, grey, grey_plan):
    cohort = cohort.sorted()
    random = cross_validate(cohort, grey_plan, repeated_folds(cohort, grey_plan), "random", 2, lambda: None)
    return random, evaluate_inside(cohort, grey, Validation(random), 0.1, 0)


def test_both_ways_are_the_checked_functions():
    rng = np.random.default_rng(6)
    y = (np.arange(200) % 2).astype(np.int8)
    p = 1 / (1 + np.exp(-(rng.normal(0, 1, 200) + y)))
    zone = GreyZone(0.4, 0.7)
    found = by_name(zone_estimates(y, (p >= 0.7)[None], (p < 0.4)[None], np.arange(200), 0.1))
    wanted = grey_zone_accuracy(y, p, zone)
    pairs = {
        "sensitivity": wanted.sensitivity_as_errors,
        "specificity": wanted.specificity_as_errors,
        "sensitivity_of_calls": wanted.sensitivity_without,
        "specificity_of_calls": wanted.specificity_without,
        "indeterminate": wanted.indeterminate,
    }
    for name, other in pairs.items():
        here = found[name]
        assert (here.value, here.lower, here.upper) == pytest.approx((other.value, other.lower, other.upper))
    case = y == 1
    high = Confusion(tp=(p[case] >= 0.7).sum(), fn=(p[case] < 0.7).sum(), fp=(p[~case] >= 0.7).sum(), tn=(p[~case] < 0.7).sum())
    assert found["ppv"].value == pytest.approx(predictive_values(high, 0.1)[0].value)
    share = 0.1 * (p[case] >= 0.7).mean()
    assert found["ppv"].value == pytest.approx(share / (share + 0.9 * (p[~case] >= 0.7).mean()))
    clear = 0.9 * (p[~case] < 0.4).mean()
    assert found["npv"].value == pytest.approx(clear / (clear + 0.1 * (p[case] < 0.4).mean()))
    assert by_name(zone_estimates(y, (p >= 0.7)[None], (p < 0.4)[None], np.arange(200), None))["ppv"].reason == NO_PREVALENCE


def test_a_zone_of_no_width_is_the_plain_accuracy():
    y, positive = np.array([1, 1, 1, 0, 0, 0]), np.array([[1, 1, 0, 0, 0, 1]], bool)
    zone = by_name(zone_estimates(y, positive, ~positive, np.arange(6), 0.1))
    plain = by_name(accuracy_estimates(y, positive, np.arange(6), 0.1))
    for name, wanted in plain.items():
        assert (zone[name].value, zone[name].lower, zone[name].upper) == (wanted.value, wanted.lower, wanted.upper)
    assert zone["indeterminate"].value == 0
    assert zone["sensitivity_of_calls"].value == plain["sensitivity"].value


def test_inside_each_fold_makes_its_calls_by_its_own_zone(inside, cohort):
    random, found = inside
    y = cohort.sorted().y
    scored = np.isfinite(random.margin[0])
    p = 1 / (1 + np.exp(-random.margin[0]))
    unsure = np.zeros(len(y), bool)
    for choice in random.choices:
        held = random.folds[0] == choice.fold
        if choice.zone is not None:
            unsure |= held & (p >= choice.zone[0]) & (p < choice.zone[1])
    assert unsure[scored].any()
    values = by_name(found.estimates)
    assert values["indeterminate"].value == pytest.approx(unsure[scored].mean(), abs=0.02)  # counts are scaled to subjects
    assert values["sensitivity"].value < values["sensitivity_of_calls"].value
    assert values["specificity"].value < values["specificity_of_calls"].value


def test_outside_no_one_is_dropped_silently(grey, make_cohort, tmp_path):
    cohort = make_cohort(n=150, seed=61).sorted()
    assert grey.threshold.zone is not None
    save_bundle(grey, tmp_path / "m")
    loaded, _ = load_bundle(tmp_path / "m")
    assert loaded.threshold == grey.threshold
    prediction = grey.predict(cohort.measurements, cohort.ids)
    rows, call = prediction.is_scored, np.array(prediction.call)
    found = by_name(evaluate_external(loaded, cohort, 0.1).estimates)
    assert found["indeterminate"].value == pytest.approx((call[rows] == "indeterminate").mean())
    case = rows & (cohort.y == 1)
    assert found["sensitivity"].value == pytest.approx((call[case] == "positive").mean())
    assert all(found[name].lower is not None for name in NAMES)
    text = evaluation_text(evaluate_external(loaded, cohort, 0.1))
    assert "Share called indeterminate" in text
    assert "Sensitivity, without indeterminate" in text
    assert " ".join(text.split()).count("indeterminates count as errors") == 2


def test_recalibration_moves_both_ends(grey, make_cohort):
    rare = make_cohort(n=300, site_case_shares=(0.2, 0.2), seed=41)
    moved = recalibrate_model(grey, "0" * 64, rare)
    assert moved.threshold.zone != grey.threshold.zone
    assert moved.predict(rare.measurements, rare.ids).call == grey.predict(rare.measurements, rare.ids).call
    assert "threshold_range" not in moved.reference


def test_the_threshold_comes_with_how_far_it_would_move(inside, grey):
    _, found = inside
    threshold = found.estimate("threshold")
    assert threshold.value == grey.threshold.value
    assert threshold.lower < threshold.upper
    assert "bootstrap" in threshold.method or "percentile" in threshold.method


def test_youden_warns_and_cost_needs_no_range(cohort, fast_plan):
    cohort = cohort.sorted()
    for choice in ({"target": "youden"}, {"target": "cost", "harm_ratio": 0.2, "prevalence": 0.2}):
        plan = replace(fast_plan, **choice)
        random = cross_validate(cohort, plan, repeated_folds(cohort, plan), "random", 2, lambda: None)
        found = evaluate_inside(cohort, train_model(cohort, plan), Validation(random), 0.2, 0)
        warned = [f.severity for f in found.findings if f.code == "threshold_youden"]
        assert warned == (["warning"] if choice["target"] == "youden" else [])
        assert (found.estimate("threshold").lower is None) == (choice["target"] == "cost")


def test_a_plan_of_an_unknown_target_is_refused():
    with pytest.raises(InputRefused, match="youden"):
        parse_plan({"target": "accuracy"}, "plan.toml")

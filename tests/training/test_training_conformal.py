"""Conformal calls: the limits by hand and by their p-values, coverage within each class, and what is too small for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.evaluation import evaluate_external, evaluate_inside
from exodx.frozen import Threshold, load_bundle, save_bundle
from exodx.frozen.threshold import BOTH_KEPT, NONE_KEPT, label_sets
from exodx.panel import StudyPlan
from exodx.report import evaluation_text
from exodx.report.words import grey_zone, threshold_reason, zone_kept
from exodx.training import Validation, cross_validate, prepare, recalibrate_model, repeated_folds, train_model
from exodx.training.decision import choose_threshold, threshold_range

HAND_Y = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int8)
HAND_P = np.array([0.1, 0.2, 0.3, 0.6, 0.5, 0.7, 0.8, 0.9])


def conformal(coverage):
    return StudyPlan(target="conformal", target_value=coverage)


def test_limits_by_hand():
    """Coverage .8 of 4: the ⌈5 · .8⌉ = 4th of 1 − p. Controls up to .6, cases from .5; the next probabilities are .7 and .3."""
    found = choose_threshold(HAND_P, HAND_Y, conformal(0.8))
    assert found.zone == pytest.approx((0.4, 0.65))
    assert (found.value, found.criterion, found.target) == (found.zone[0], "conformal", 0.8)
    assert found.id == "conformal>=0.80@0.4000-0.6500"
    assert found.calls(np.array([0.39, 0.4, 0.6, 0.65])) == ["negative", "indeterminate", "indeterminate", "positive"]
    assert found.indeterminate_because == BOTH_KEPT


def test_limits_by_hand_where_no_label_is_kept_between():
    """Coverage .4: the ⌈5 · .4⌉ = 2nd. Controls up to .2 (next .3), cases from .8 (next .7): between is like neither."""
    found = choose_threshold(HAND_P, HAND_Y, conformal(0.4))
    assert found.zone == pytest.approx((0.25, 0.75))
    assert (found.value, found.indeterminate_because) == (found.zone[1], NONE_KEPT)
    control, case = label_sets(np.array([0.2, 0.5, 0.8]), found.value, found.zone)
    assert (control.tolist(), case.tolist()) == ([True, False, False], [False, False, True])
    assert NONE_KEPT in grey_zone(found)
    assert "0.40 of it" in zone_kept(found)


def test_limits_that_meet_leave_no_zone():
    found = choose_threshold(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1], np.int8), conformal(0.6))
    assert (found.zone, found.value, found.id) == (None, 0.5, "conformal>=0.60@0.5000")
    control, case = label_sets(np.array([0.49, 0.5]), found.value, found.zone)
    assert (control.tolist(), case.tolist()) == ([True, False], [False, True])
    assert "0.600 of its own class" in threshold_reason(found)


@st.composite
def scored(draw):
    level = st.one_of(st.sampled_from([0.25, 0.5, 0.75]), st.floats(0.01, 0.99))
    n = draw(st.integers(9, 30))
    return np.array(draw(st.lists(level, min_size=2 * n, max_size=2 * n))), np.arange(2 * n, dtype=np.int8) % 2


@given(scored(), st.sampled_from([0.5, 0.8, 0.9]))
def test_a_label_is_kept_where_its_p_value_is_above_alpha(data, coverage):
    p, y = data
    found = choose_threshold(p, y, conformal(coverage))
    kept = label_sets(p, found.value, found.zone)
    for label, score, is_kept in ((0, p, kept[0]), (1, 1 - p, kept[1])):
        own = score[y == label]
        p_value = (1 + (own[None] >= score[:, None]).sum(axis=1)) / (len(own) + 1)
        np.testing.assert_array_equal(is_kept, p_value > 1 - coverage + 1e-12)


def test_coverage_holds_in_each_class_on_exchangeable_specimens():
    """Mean coverage lies between k/(n + 1) and (k + 1)/(n + 1), k the rank of the limit, within 3 standard errors."""
    rng = np.random.default_rng(11)
    n, coverage = 60, 0.9
    rank = int(np.ceil((n + 1) * coverage))
    y = np.repeat([0, 1], n).astype(np.int8)

    def probabilities(size):
        margin = np.concatenate([rng.normal(0, 1, size), rng.normal(1.2, 1.5, size)])
        return 1 / (1 + np.exp(-margin))

    held = np.empty((400, 2))
    for cohort in held:
        found = choose_threshold(probabilities(n), y, conformal(coverage))
        control, case = label_sets(probabilities(500), found.value, found.zone)
        cohort[:] = control[:500].mean(), case[500:].mean()
    noise = 3 * held.std(axis=0) / np.sqrt(len(held))
    assert (held.mean(axis=0) >= rank / (n + 1) - noise).all()
    assert (held.mean(axis=0) <= (rank + 1) / (n + 1) + noise).all()


def test_a_subject_counts_once_in_a_class():
    subjects = np.arange(8)
    plain = choose_threshold(HAND_P, HAND_Y, conformal(0.8), subjects)
    p, y = np.append(HAND_P, [0.95, 0.01]), np.append(HAND_Y, [0, 1]).astype(np.int8)
    assert choose_threshold(p, y, conformal(0.8), np.append(subjects, [0, 7])).zone == pytest.approx((0.4, 0.65))
    assert choose_threshold(p, y, conformal(0.8)).zone != plain.zone


def test_the_range_of_two_limits_is_told_by_their_coverage():
    found = threshold_range(HAND_P, HAND_Y, np.arange(8), conformal(0.8))
    assert (found.value, found.lower) == (pytest.approx(0.4), None)
    assert "coverage" in found.reason


def test_too_few_for_the_coverage_is_refused_with_the_number(make_cohort):
    small = make_cohort(n=30, seed=5)
    with pytest.raises(InputRefused, match="need 19 of each class"):
        prepare(small, StudyPlan(target="conformal", target_value=0.95))
    prepare(small, StudyPlan(target="conformal", target_value=0.80, inner_folds=2))
    with pytest.raises(InputRefused, match="grey_zone"):
        StudyPlan(target="conformal", grey_zone=True)


@pytest.fixture(scope="module")
def plan(fast_plan):
    return replace(fast_plan, target="conformal", target_value=0.8)


@pytest.fixture(scope="module")
def sets(cohort, plan):
    return train_model(cohort, plan)


def test_the_calls_of_a_model_say_why_they_are_none(sets, make_cohort, tmp_path):
    new = make_cohort(n=150, seed=61).sorted()
    save_bundle(sets, tmp_path / "m")
    loaded, _ = load_bundle(tmp_path / "m")
    assert loaded.threshold == sets.threshold
    assert sets.threshold.id.startswith("conformal>=0.80@")
    prediction = loaded.predict(new.measurements, new.ids)
    why = f"INDETERMINATE: {sets.threshold.indeterminate_because}"
    unsure = [call == "indeterminate" for call in prediction.call]
    assert 0 < sum(unsure) < len(unsure)
    assert [why in reason for reason in prediction.reasons] == unsure
    moved = recalibrate_model(sets, "0" * 64, make_cohort(n=300, site_case_shares=(0.2, 0.2), seed=41))
    assert moved.threshold.zone != sets.threshold.zone
    assert moved.predict(new.measurements, new.ids).call == prediction.call
    assert moved.threshold.indeterminate_because == sets.threshold.indeterminate_because


def test_coverage_is_estimated_inside_by_each_folds_limits_and_outside_by_the_models(sets, cohort, plan, make_cohort):
    cohort = cohort.sorted()
    random = cross_validate(cohort, plan, repeated_folds(cohort, plan), "random", 2, lambda: None)
    found = evaluate_inside(cohort, sets, Validation(random), 0.2, 0)
    p = 1 / (1 + np.exp(-random.margin[0]))
    kept = np.zeros(len(cohort), bool)
    for choice in random.choices:
        rows = random.folds[0] == choice.fold
        control, case = label_sets(p[rows], choice.threshold, choice.zone)
        kept[rows] = np.where(cohort.y[rows] == 1, case, control)
    scored = np.isfinite(random.margin[0])
    for name, label in (("positive", 1), ("negative", 0)):
        estimate = found.estimate(f"conformal_coverage_{name}")
        assert estimate.value == pytest.approx(kept[scored & (cohort.y == label)].mean(), abs=0.02)  # scaled to subjects
        assert estimate.lower < 0.8 < estimate.upper
    assert 0 < found.estimate("indeterminate").value < 1
    new = make_cohort(n=400, seed=62)
    outside = evaluate_external(sets, new, None)
    assert outside.estimate("conformal_coverage_positive").value > 0.65
    assert "Coverage of conformal sets, positive" in evaluation_text(outside)


def test_a_threshold_of_another_kind_says_nothing_more():
    assert Threshold(0.3, "sensitivity", 0.9, 10, 10, 0.3, 0.6).indeterminate_because == ""

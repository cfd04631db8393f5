"""Calibrator and threshold: they recover what is known, keep what they promise, and survive margins without sense."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen.calibrator import probability
from exodx.panel import StudyPlan
from exodx.stats import find_grey_zone, threshold_variability, threshold_youden
from exodx.training.decision import MIN_SLOPE, choose_threshold, fit_calibrator, threshold_range

LABELS = np.arange(40, dtype=np.int8) % 2


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, -1.0), (2.5, 0.7)])
def test_the_calibrator_recovers_a_known_slope_and_intercept(slope, intercept):
    rng = np.random.default_rng(1)
    margin = rng.normal(0, 1.2, 40_000)
    y = (rng.random(margin.size) < probability(slope * margin + intercept)).astype(np.int8)
    found = fit_calibrator(margin, y)
    assert found.slope == pytest.approx(slope, abs=0.06)
    assert found.intercept == pytest.approx(intercept, abs=0.06)


@pytest.mark.parametrize("level", [0.0, 0.1, -0.3, 1e-9, 37.7])
@pytest.mark.parametrize("n", [4, 37, 1000])
def test_the_calibrator_survives_constant_margins(level, n):
    y = (np.arange(n) % 4 == 0).astype(np.int8)
    found = fit_calibrator(np.full(n, level), y)
    assert found.slope == MIN_SLOPE
    n1, n0 = y.sum(), n - y.sum()
    share = (n1 * (n1 + 1) / (n1 + 2) + n0 / (n0 + 2)) / n  # of Platt's smoothed targets
    assert probability(found.margin(np.array([level])))[0] == pytest.approx(share)


@pytest.mark.parametrize(
    "margin",
    [
        pytest.param(-2.0 * LABELS, id="falling"),
        pytest.param(np.where(LABELS == 1, 5.0, -5.0), id="separated"),
        pytest.param(np.where(LABELS == 1, 900.0, -900.0), id="separated-far"),
        pytest.param(np.where(LABELS == 1, 1e-7, -1e-7), id="separated-by-a-hair"),
        pytest.param(np.sin(np.arange(40.0)), id="no-signal"),
    ],
)
def test_the_calibrator_survives_margins_without_sense(margin):
    found = fit_calibrator(margin, LABELS)
    assert found.slope >= MIN_SLOPE
    p = probability(found.margin(margin))
    assert ((p > 0) & (p < 1)).all()


@st.composite
def scored(draw):
    """Return probabilities (with ties, zeros, ones and neighbours that differ in the last bit) and labels of both classes."""
    level = st.one_of(st.sampled_from([0.0, 0.5, np.nextafter(0.5, 1), 1.0]), st.floats(0, 1))
    p = draw(st.lists(level, min_size=4, max_size=30))
    y = draw(st.lists(st.integers(0, 1), min_size=len(p), max_size=len(p)).filter(lambda v: 0 < sum(v) < len(v)))
    return np.array(p), np.array(y, np.int8)


@given(scored(), st.sampled_from(["sensitivity", "specificity"]), st.sampled_from([0.01, 0.5, 0.7, 0.9, 0.95, 0.99]))
def test_the_threshold_keeps_its_target_on_its_own_data_and_no_other_does_better(data, criterion, target):
    p, y = data
    threshold = choose_threshold(p, y, StudyPlan(target=criterion, target_value=target))

    def rates(value):
        return {"sensitivity": (p[y == 1] >= value).mean(), "specificity": (p[y == 0] < value).mean()}

    other = {"sensitivity": "specificity", "specificity": "sensitivity"}[criterion]
    kept = rates(threshold.value)
    assert kept[criterion] >= target - 1e-9
    for value in (*p, *np.nextafter(p, 2)):
        assert rates(value)[criterion] < target - 1e-9 or rates(value)[other] <= kept[other]
    assert (threshold.n_positive, threshold.n_negative) == (y.sum(), len(y) - y.sum())


def test_threshold_by_hand():
    p, y = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]), np.array([0, 0, 1, 0, 0, 1, 1, 1], np.int8)
    assert choose_threshold(p, y, StudyPlan(target="sensitivity", target_value=0.75)).value == 0.7
    assert choose_threshold(p, y, StudyPlan(target="sensitivity", target_value=0.76)).value == 0.3
    assert choose_threshold(p, y, StudyPlan(target="specificity", target_value=0.75)).value == pytest.approx(0.5)
    assert choose_threshold(p, y, StudyPlan(target="specificity", target_value=0.5)).value == pytest.approx(0.25)


def test_youden_is_that_of_the_checked_function():
    p, y = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1], np.int8)
    found = choose_threshold(p, y, StudyPlan(target="youden"))
    assert (found.value, found.value) == (threshold_youden(y, p).value, 0.35)
    assert found.id == "youden@0.3500"


def test_cost_is_brought_to_the_share_of_cases_that_the_probabilities_hold_at():
    """Harm 1:9 is a risk of 0.1; where one in ten is a case and one in two was at training, odds are nine times as high."""
    y = np.repeat(np.array([0, 1], np.int8), 50)
    plan = StudyPlan(target="cost", harm_ratio=1 / 9, prevalence=0.1)
    found = choose_threshold(np.linspace(0, 1, 100), y, plan)
    assert found.value == pytest.approx(0.5)
    assert found.id == "cost=0.1111@0.5000"
    same = choose_threshold(np.linspace(0, 1, 100), y, StudyPlan(target="cost", harm_ratio=1 / 9, prevalence=0.5))
    assert same.value == pytest.approx(0.1)
    assert "harm ratio" in threshold_range(np.linspace(0, 1, 100), y, np.arange(100), plan).reason


@given(scored(), st.sampled_from(["sensitivity", "specificity"]), st.sampled_from([0.5, 0.7, 0.9, 0.95]))
def test_a_grey_zone_keeps_both_targets_and_calls_everyone_else(data, criterion, target):
    p, y = data
    found = choose_threshold(p, y, StudyPlan(target=criterion, target_value=target, grey_zone=True))
    plain = choose_threshold(p, y, StudyPlan(target=criterion, target_value=target))
    zone = find_grey_zone(y, p, target, target)
    assert found.value == plain.value
    if zone.lower == zone.upper:
        assert found.zone is None
        return
    assert found.zone == (zone.lower, zone.upper)
    calls = np.array(found.calls(p))
    assert (calls[y == 1] != "negative").mean() >= target - 1e-9
    assert (calls[y == 0] != "positive").mean() >= target - 1e-9
    words = {-1: "negative", 0: "indeterminate", 1: "positive"}
    assert calls.tolist() == [words[call] for call in zone.calls(p).tolist()]


def test_the_range_of_a_threshold_is_the_checked_bootstrap_and_does_not_wander():
    rng = np.random.default_rng(2)
    y = (np.arange(80) % 2).astype(np.int8)
    p = probability(rng.normal(0, 1, 80) + y)
    for target in ("sensitivity", "specificity", "youden"):
        plan = StudyPlan(target=target)
        found = threshold_range(p, y, np.arange(80), plan)
        assert found == threshold_range(p, y, np.arange(80), plan)
        assert found.value == choose_threshold(p, y, plan).value
        assert found.lower <= found.value <= found.upper
    assert threshold_range(p, y, np.arange(80), StudyPlan(target="youden")) == threshold_variability(y, p, threshold_youden)

"""Pooling over sites against metafor, hand counts and its own laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from exodx.stats import Estimate, auc_delong, logit_interval, pooled_auc, random_effects

studies = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=2, max_size=12)


def site(value, se, n=50):
    return Estimate("auc", value, *logit_interval(value, se), method="DeLong, logit scale", n=n)


def test_against_metafor(golden):
    for case in golden("pooling")["cases"]:
        found = random_effects(case["values"], case["standard_errors"])
        assert found.mean == pytest.approx(case["mean"], abs=1e-10)
        assert found.tau2 == pytest.approx(case["tau2"], abs=1e-10)
        assert (found.lower, found.upper) == pytest.approx(case["ci"], abs=1e-9)
        assert (found.prediction_lower, found.prediction_upper) == pytest.approx(case["prediction"], abs=1e-9)


def test_golden_cases_cover_both_sides_of_the_floor(golden):
    cases = golden("pooling")["cases"]
    assert any(case["tau2"] == 0 for case in cases)
    assert any(case["se_knha"] < 0.9 * case["se"] for case in cases)
    assert any(case["se_knha"] == pytest.approx(case["se"]) for case in cases)


def test_by_hand():
    # weights 4, 4; mean 1.5; Q = 4·¼·2 = 2; tau² = (2−1)/(8 − 32/8) = ¼; then weights 2, 2 and q = 1
    found = random_effects([1.0, 2.0], [0.5, 0.5])
    assert (found.mean, found.tau2, found.k) == pytest.approx((1.5, 0.25, 2))
    assert found.upper - found.mean == pytest.approx(12.7062047 * 0.5, rel=1e-7)
    assert found.prediction_lower is None
    assert found.prediction_upper is None


@given(studies)
def test_intervals_nest(data):
    values, errors = map(np.array, zip(*data, strict=True))
    found = random_effects(values, errors)
    assert values.min() - 1e-9 <= found.mean <= values.max() + 1e-9
    assert found.lower < found.mean < found.upper
    assert found.tau2 >= 0
    if found.k > 2:
        assert found.prediction_lower < found.lower
        assert found.upper < found.prediction_upper


@given(studies, st.floats(-5, 5))
def test_shifting_all_studies_shifts_the_mean(data, shift):
    values, errors = map(np.array, zip(*data, strict=True))
    here, there = random_effects(values, errors), random_effects(values + shift, errors)
    assert (there.mean, there.lower, there.upper) == pytest.approx(
        (here.mean + shift, here.lower + shift, here.upper + shift), abs=1e-6
    )


@pytest.mark.parametrize(
    ("values", "errors", "said"),
    [
        ([1.0], [0.1], "at least two"),
        ([], [], "at least two"),
        ([1.0, 2.0], [0.1], "shape"),
        ([1.0, np.nan], [0.1, 0.1], "missing or infinite"),
        ([1.0, 2.0], [0.1, 0.0], "above 0"),
        ([1.0, 2.0], [0.1, -0.2], "above 0"),
    ],
)
def test_refusals(values, errors, said):
    with pytest.raises(ValueError, match=said):
        random_effects(values, errors)


def test_pooled_auc_is_random_effects_of_the_logits():
    values, errors = np.array([0.7, 0.85, 0.9]), np.array([0.05, 0.04, 0.03])
    found = pooled_auc([site(v, e) for v, e in zip(values, errors, strict=True)], name="pooled")
    expected = random_effects(logit(values), errors / (values * (1 - values)))
    estimate = found.estimate
    assert (estimate.value, estimate.lower, estimate.upper) == pytest.approx(
        tuple(expit([expected.mean, expected.lower, expected.upper]))
    )
    assert (found.prediction_lower, found.prediction_upper) == pytest.approx(
        tuple(expit([expected.prediction_lower, expected.prediction_upper]))
    )
    assert found.tau2 == pytest.approx(expected.tau2)
    assert (estimate.name, estimate.n) == ("pooled", 150)
    assert "3 sites" in estimate.method


def test_sites_may_have_been_reported_at_another_level():
    at_90 = [Estimate("auc", v, *logit_interval(v, 0.04, 0.9), level=0.9, n=5) for v in (0.7, 0.8)]
    at_95 = [Estimate("auc", v, *logit_interval(v, 0.04, 0.95), n=5) for v in (0.7, 0.8)]
    assert pooled_auc(at_90).estimate.lower == pytest.approx(pooled_auc(at_95).estimate.lower)


def test_sites_without_interval_are_left_out():
    good = [site(0.7, 0.05), site(0.8, 0.05)]
    bad = [
        Estimate("auc", None, None, None, reason="no controls", n=9),
        Estimate("auc", 0.5, None, None, reason="tied", n=9),
    ]
    assert pooled_auc(good + bad) == pooled_auc(good)


def test_one_usable_site_is_that_site():
    only = site(0.7, 0.05)
    found = pooled_auc([only, Estimate("auc", None, None, None, reason="no cases")], name="leave-one-site-out")
    assert (found.estimate.value, found.estimate.lower, found.estimate.upper) == (0.7, only.lower, only.upper)
    assert found.estimate.name == "leave-one-site-out"
    assert "one usable site" in found.estimate.method
    assert found.tau2 is None
    assert found.prediction_lower is None


@pytest.mark.parametrize("sites", [[], [Estimate("auc", None, None, None, reason="no controls")]])
def test_no_usable_site_is_a_reason(sites):
    found = pooled_auc(sites)
    assert found.estimate.value is None
    assert f"none of {len(sites)} site" in found.estimate.reason


def test_a_perfect_site_enters_at_its_median_unbiased_value():
    perfect = auc_delong([0] * 12 + [1] * 9, [0] * 12 + [1] * 9)
    other = site(0.8, 0.05)
    centre, bound = logit(0.5 ** (1 / 9)), logit(0.025 ** (1 / 9))
    expected = random_effects([centre, logit(0.8)], [(centre - bound) / 1.959963984540054, 0.05 / 0.16])
    found = pooled_auc([perfect, other])
    assert found.estimate.value == pytest.approx(float(expit(expected.mean)), rel=1e-9)
    assert 0.8 < found.estimate.value < 1


def test_a_hopeless_site_mirrors_a_perfect_one():
    y = np.repeat([0, 1], [8, 8])
    best, worst = auc_delong(y, y), auc_delong(y, -y)
    assert pooled_auc([best, worst]).estimate.value == pytest.approx(0.5)
    up, down = pooled_auc([best, site(0.6, 0.1)]), pooled_auc([worst, site(0.4, 0.1)])
    assert down.estimate.value == pytest.approx(1 - up.estimate.value)


def test_more_disjoint_pairs_pull_harder():
    def with_pairs(m):
        y = np.repeat([0, 1], m)
        return pooled_auc([auc_delong(y, y), site(0.7, 0.05), site(0.72, 0.05)]).estimate.value

    values = [with_pairs(m) for m in (2, 5, 20)]
    assert values == sorted(values)
    assert math.isfinite(values[-1])

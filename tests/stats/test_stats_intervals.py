"""Intervals of a proportion against R, printed oracles and their own laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from exodx.stats import clopper_pearson, logit_interval, wilson

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.floats(0.5, 0.999)


def test_against_r(golden):
    for case in golden("accuracy")["proportions"]:
        args = case["successes"], case["n"], case["level"]
        assert wilson(*args) == pytest.approx(case["wilson"], abs=1e-10)
        assert clopper_pearson(*args) == pytest.approx(case["clopper_pearson"], abs=1e-10)


def test_printed_oracles():  # computed from the formulas of Wilson 1927 and Clopper & Pearson 1934
    assert wilson(45, 50) == pytest.approx((0.786398, 0.956524), abs=1e-6)
    assert clopper_pearson(45, 50) == pytest.approx((0.781865, 0.966725), abs=1e-6)
    assert wilson(20, 20) == pytest.approx((0.838875, 1.0), abs=1e-6)
    assert clopper_pearson(20, 20) == pytest.approx((0.831567, 1.0), abs=1e-6)


def test_perfect_sample_has_the_closed_form():
    assert clopper_pearson(8, 8) == pytest.approx((0.025 ** (1 / 8), 1.0), rel=1e-12)


def test_wilson_ends_are_where_the_score_test_just_rejects():
    for p in wilson(7.25, 31.5):
        z = (7.25 / 31.5 - p) / math.sqrt(p * (1 - p) / 31.5)
        assert abs(z) == pytest.approx(1.959964, abs=1e-6)


@given(counts, levels)
def test_intervals_hold_the_value_and_stay_in_the_unit(count, level):
    successes, n = count
    for lower, upper in (wilson(successes, n, level), clopper_pearson(successes, n, level)):
        assert 0 <= lower <= successes / n <= upper <= 1


@given(counts)
def test_failures_mirror_successes(count):
    successes, n = count
    for interval in (wilson, clopper_pearson):
        lower, upper = interval(successes, n)
        assert interval(n - successes, n) == pytest.approx((1 - upper, 1 - lower), abs=1e-9)


@given(counts)
def test_more_confidence_is_wider(count):
    for interval in (wilson, clopper_pearson):
        narrow, wide = interval(*count, 0.8), interval(*count, 0.99)
        assert wide[0] <= narrow[0]
        assert narrow[1] <= wide[1]


@pytest.mark.parametrize("p", [0.03, 0.2, 0.5, 0.91])
def test_clopper_pearson_never_covers_less_than_promised(p):
    n = 23
    intervals = [clopper_pearson(x, n) for x in range(n + 1)]
    covered = np.array([lower <= p <= upper for lower, upper in intervals])
    assert binom.pmf(np.arange(n + 1), n, p)[covered].sum() >= 0.95


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, 0), (math.nan, 5), (1, math.nan)])
def test_impossible_counts_are_refused(interval, successes, n):
    with pytest.raises(ValueError, match="counts are"):
        interval(successes, n)


def test_clopper_pearson_refuses_averaged_counts():
    with pytest.raises(ValueError, match="use wilson"):
        clopper_pearson(4.5, 10)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize("level", [0, 1, 95])
def test_impossible_levels_are_refused(interval, level):
    with pytest.raises(ValueError, match="level"):
        interval(3, 7, level)


def test_logit_interval_printed_oracle():  # DeLong example: AUC .7916667, SE .1386108
    assert logit_interval(0.7916667, 0.1386108) == pytest.approx((0.42258, 0.951763), abs=2e-6)


@given(st.floats(0.001, 0.999), st.floats(0, 0.5), levels)
def test_logit_interval_laws(value, se, level):
    lower, upper = logit_interval(value, se, level)
    assert 0 <= lower <= value + 1e-12
    assert value - 1e-12 <= upper <= 1
    assert logit_interval(1 - value, se, level) == pytest.approx((1 - upper, 1 - lower), abs=1e-9)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, math.nan])
def test_logit_interval_refuses_the_ends(value):
    with pytest.raises(ValueError, match="clopper_pearson"):
        logit_interval(value, 0.1)


@pytest.mark.parametrize("se", [-0.1, math.inf, math.nan])
def test_logit_interval_refuses_bad_errors(se):
    with pytest.raises(ValueError, match="se is"):
        logit_interval(0.5, se)

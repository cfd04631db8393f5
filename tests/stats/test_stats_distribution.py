"""Twenty-one quantiles tell a shift nearly as well as all the values, and never say more than they know."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from exodx.stats import Distribution, psi

NUMBERS = st.lists(st.integers(-20, 20), min_size=2, max_size=80)


@given(old=NUMBERS, new=NUMBERS)
def test_the_distance_is_a_lower_bound_of_kolmogorov_smirnov_whatever_the_ties(old, new):
    kept = Distribution.of(old)
    assert 0 <= kept.distance(new) <= ks_2samp(old, new, method="asymp").statistic + 1e-12
    assert kept.distance(old) == 0


def test_between_the_points_at_most_a_twentieth_and_the_step_of_a_value_is_lost():
    rng = np.random.default_rng(4)
    old, new = rng.normal(size=400), rng.normal(0.4, 1.3, size=150)
    found, whole = Distribution.of(old).distance(new), ks_2samp(old, new, method="asymp").statistic
    assert whole - 0.06 <= found <= whole


def test_the_p_value_is_scipys_of_the_same_distance():
    rng = np.random.default_rng(5)
    old = rng.normal(size=120)
    kept = Distribution.of(old)
    whole = ks_2samp(old, new := rng.normal(0.3, 1, size=90), method="asymp")
    assert kept.p_value(whole.statistic, len(new)) == pytest.approx(whole.pvalue, rel=1e-9)


@given(new=NUMBERS, seed=st.integers(0, 50))
def test_the_stability_index_is_that_of_all_the_values(new, seed):
    old = np.random.default_rng(seed).integers(-20, 20, 70)
    assert Distribution.of(old).psi(new) == pytest.approx(psi(old, new), abs=1e-9)


def test_an_indicator_is_no_shift_of_itself():
    """Most of its quantiles are tied: the share of ones must not be taken for an empty bin."""
    old, new = np.repeat([0.0, 1.0], [85, 15]), np.repeat([0.0, 1.0], [170, 30])
    kept = Distribution.of(old)
    assert kept.distance(new) == 0
    assert kept.psi(new) == pytest.approx(0, abs=1e-12)
    assert kept.distance(1 - new) == pytest.approx(0.7)


def test_no_extreme_is_kept_and_the_points_rise():
    values = np.random.default_rng(1).normal(size=500)
    kept = Distribution.of(values)
    assert values.min() < kept.points[0] <= kept.points[-1] < values.max()
    assert all(a <= b for a, b in pairwise(kept.points))
    assert len(kept.points) == 21


@pytest.mark.parametrize("values", [[], [[1.0]], [1.0, np.nan]])
def test_no_values_or_missing_ones_are_refused(values):
    with pytest.raises(ValueError, match="values"):
        Distribution.of(values)
    with pytest.raises(ValueError, match="values"):
        Distribution.of([1.0, 2.0]).distance(values)


def test_another_number_of_points_is_refused():
    with pytest.raises(ValueError, match="21"):
        Distribution((0.0,), (0.0,), (1.0,), 1)


def test_without_a_shift_few_are_called_one_and_with_one_most_are():
    """At 0.05 at most 5 % of null cohorts, within the error of 600 draws (SE 0.9 %); half an SD is found in most of 80 subjects."""
    rng = np.random.default_rng(9)
    found = {0.0: 0, 0.5: 0}
    for _ in range(600):
        kept = Distribution.of(rng.normal(size=120))
        for shift in found:
            distance = kept.distance(rng.normal(shift, 1, size=80))
            found[shift] += kept.p_value(distance, 80) < 0.05
    assert found[0.0] / 600 < 0.07
    assert found[0.5] / 600 > 0.75

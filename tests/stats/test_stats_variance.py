"""One-way ICC against a published table, F test and Holm against R and SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import f_oneway

from exodx.stats.variance import between_groups, holm

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Table 2 of Shrout & Fleiss 1979: six targets by four judges; printed: BMS 11.24, WMS 6.26, ICC(1,1) .17."""


def test_icc_is_the_published_one():
    table = np.array(SHROUT_FLEISS, float)
    result = between_groups(table.ravel(), np.repeat(np.arange(6), 4))
    assert result.icc == pytest.approx((11.24 - 6.26) / (11.24 + 3 * 6.26), abs=5e-4)  # their two decimals
    assert round(result.icc, 2) == 0.17
    assert (result.n, result.groups) == (24, 6)


def test_the_analysis_of_variance_is_that_of_r(golden):
    for case in golden("variance")["cases"]:
        result = between_groups(case["value"], case["group"])
        assert (result.f, result.p, result.icc) == pytest.approx((case["f"], case["p"], case["icc"]), rel=1e-9)


@given(st.lists(st.lists(st.floats(-50, 50), min_size=2, max_size=6), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_f_and_p_are_those_of_scipy_whatever_the_sizes_and_order(groups, random):
    values = np.concatenate(groups)
    codes = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    if max(np.ptp(g) for g in groups) < 1e-3:
        return
    expected = f_oneway(*groups)
    order = np.array(random.sample(range(len(values)), len(values)))
    result = between_groups(values[order], codes[order])
    assert result.f == pytest.approx(expected.statistic, rel=1e-7, abs=1e-9)
    if expected.statistic > 0:  # SciPy answers NaN where rounding makes its F a little negative
        assert result.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


def test_missing_values_take_no_part_and_unequal_sizes_use_the_corrected_mean_size():
    full = between_groups([1.0, 2.0, 4.0, 5.0, 9.0], list("aabbb"))
    assert between_groups([1.0, np.nan, 2.0, 4.0, 5.0, 9.0], list("abbbbb")) != full
    assert between_groups([1.0, 2.0, np.nan, 4.0, 5.0, 9.0], list("aaabbb")) == full
    # by hand: means 1.5 and 6; MSB = 6/5·4.5² = 24.3; MSW = (0.5 + 14)/3; mean size 5 − 13/5 = 2.4
    assert full.icc == pytest.approx((24.3 - 14.5 / 3) / (24.3 + 1.4 * 14.5 / 3))


@pytest.mark.parametrize(
    ("values", "groups"),
    [([1.0, 2.0], ["a", "a"]), ([1.0, 2.0], ["a", "b"]), ([3.0] * 4, list("aabb")), ([], []), ([np.nan] * 4, list("aabb"))],
)
def test_what_has_no_answer_gives_none(values, groups):
    assert between_groups(values, groups) is None


def test_groups_without_any_scatter_inside_are_all_the_variance():
    result = between_groups([1.0, 1.0, 2.0, 2.0], list("aabb"))
    assert (result.icc, result.p) == (1.0, 0.0)


def test_holm_steps_down_and_never_decreases(golden):
    # 5 × .01, 4 × .02, 3 × .03, then 2 × .04 and .05 are held at .09
    assert holm([0.05, 0.01, 0.03, 0.02, 0.04]) == pytest.approx([0.09, 0.05, 0.09, 0.08, 0.09])
    assert holm(golden("variance")["p"]) == pytest.approx(golden("variance")["holm"], abs=1e-12)
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []

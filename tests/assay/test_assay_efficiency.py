"""Standard curves against R's lm, and the efficiency-corrected ratio."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.assay.efficiency import pfaffl_ratio, standard_curve
from exodx.errors import InputRefused

CT = st.floats(15, 35)


def test_against_lm(golden):
    for case in golden("quantitation")["curves"]:
        found = standard_curve(case["x"], case["ct"])
        assert (found.slope, found.intercept, found.r2) == pytest.approx((case["slope"], case["intercept"], case["r2"]), rel=1e-10)
        assert found.efficiency == pytest.approx(case["efficiency"], rel=1e-10)
        assert (found.interval.lower, found.interval.upper) == pytest.approx(case["interval"], rel=1e-8)
        assert (found.n, found.interval.n, found.interval.value) == (len(case["x"]), len(case["x"]), found.efficiency)


def test_golden_curves_lie_inside_and_outside_90_to_110_percent(golden):
    assert [standard_curve(c["x"], c["ct"]).acceptable for c in golden("quantitation")["curves"]] == [True, False, True]


@pytest.mark.parametrize(("efficiency", "acceptable"), [(1.89, False), (1.9001, True), (2.0, True), (2.0999, True), (2.11, False)])
def test_efficiency_is_the_growth_in_a_cycle(efficiency, acceptable):
    cycles = 30 - np.arange(5) / np.log10(efficiency)
    curve = standard_curve(np.arange(5), cycles)
    assert curve.efficiency == pytest.approx(efficiency, rel=1e-9)
    assert (curve.r2, curve.acceptable) == (pytest.approx(1.0), acceptable)
    assert standard_curve(np.arange(5), 30 - np.arange(5) / np.log10(2)).slope == pytest.approx(-3.3219, abs=5e-5)


@given(st.integers(0, 1000), st.floats(-5, 5))
def test_unit_of_the_quantity_does_not_matter(seed, shift):
    x = np.repeat(np.arange(5.0), 3)
    ct = 35 - 3.3 * x + np.random.default_rng(seed).normal(0, 0.2, 15)
    here, there = standard_curve(x, ct), standard_curve(x + shift, ct)
    assert (there.efficiency, there.interval.lower) == pytest.approx((here.efficiency, here.interval.lower), rel=1e-6)
    assert here.interval.lower < here.efficiency < here.interval.upper


def test_an_interval_narrows_with_the_level():
    x, ct = [0, 1, 2, 3], [30.1, 26.9, 23.2, 20.05]
    assert standard_curve(x, ct, level=0.5).interval.upper < standard_curve(x, ct).interval.upper


def test_scatter_that_allows_a_flat_line_gives_no_interval():
    curve = standard_curve([0, 1, 2], [30, 30.5, 25])
    assert curve.interval.lower is None
    assert "flat line" in curve.interval.reason
    assert not curve.acceptable


@pytest.mark.parametrize(
    ("x", "ct", "code"),
    [
        ([0, 1, 2], [30, 27], "CURVE_UNREADABLE"),
        ([[0, 1, 2]], [[30, 27, 24]], "CURVE_UNREADABLE"),
        ([0, 1, np.nan], [30, 27, 24], "CURVE_UNREADABLE"),
        ([0, 1, 2], [30, np.inf, 24], "CURVE_UNREADABLE"),
        ([], [], "CURVE_TOO_SHORT"),
        ([0, 0, 1, 1], [30, 30.1, 27, 27.1], "CURVE_TOO_SHORT"),
        ([0, 1, 2], [24, 27, 30], "CURVE_NOT_FALLING"),
        ([0, 1, 2], [30, 30, 30], "CURVE_NOT_FALLING"),
        ([0, 1, 2], [30, 29.99, 29.98], "CURVE_NOT_FALLING"),
    ],
)
def test_what_is_no_standard_curve_is_refused(x, ct, code):
    with pytest.raises(InputRefused) as caught:
        standard_curve(x, ct)
    assert [problem.code for problem in caught.value.problems] == [code]


class TestPfaffl:
    @given(CT, CT, CT, CT)
    def test_with_doublings_it_is_two_to_the_minus_ddct(self, target_calibrator, target, reference_calibrator, reference):
        ddct = (target - reference) - (target_calibrator - reference_calibrator)
        found = float(pfaffl_ratio(target_calibrator, target, reference_calibrator, reference))
        assert found == pytest.approx(2.0**-ddct, rel=1e-9)

    @given(CT, CT, st.floats(1.7, 2.2), st.floats(1.7, 2.2))
    def test_the_calibrator_is_1(self, target, reference, e_target, e_reference):
        assert float(pfaffl_ratio(target, target, reference, reference, e_target, e_reference)) == 1.0

    def test_by_hand_and_by_column(self):
        found = pfaffl_ratio(28.0, [25.0, 26.0, np.nan], 21.0, [20.0, 21.0, 20.0], 1.9, 2.05)
        assert found[:2] == pytest.approx([1.9**3 / 2.05, 1.9**2])
        assert np.isnan(found[2])

    def test_percent_is_refused_for_both_at_once(self):
        with pytest.raises(InputRefused) as caught:
            pfaffl_ratio(28, 25, 21, 20, 0.95, 95.0)
        assert [p.where for p in caught.value.problems] == ["efficiency of the target", "efficiency of the reference"]

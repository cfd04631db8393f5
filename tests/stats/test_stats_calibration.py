"""Brier parts, O:E and the smooth curve against R and their own laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from exodx.stats import brier, brier_decomposition, calibration_curve, observed_expected, scaled_brier


@st.composite
def forecasts(draw):
    n = draw(st.integers(1, 60))
    y = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    p = draw(st.lists(st.sampled_from([0.0, 0.1, 0.35, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=n, max_size=n))
    return np.array(y), np.array(p)


def sample(seed, n=1500, bend=0.0):
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=n) * 1.3
    return (rng.random(n) < expit(margin + bend * margin**2)).astype(int), expit(margin)


class TestBrier:
    def test_parts_against_r(self, golden):
        data = golden("utility")
        found = brier_decomposition(data["curve"]["y"], data["curve"]["p"])
        for part, value in data["brier"].items():
            assert getattr(found, part) == pytest.approx(value, abs=1e-12)
        assert scaled_brier(data["curve"]["y"], data["curve"]["p"]) == pytest.approx(data["curve"]["scaled_brier"], abs=1e-12)

    @given(forecasts(), st.integers(1, 20))
    def test_parts_add_up_to_the_score(self, data, bins):
        parts = brier_decomposition(*data, bins)
        total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
        assert total == pytest.approx(brier(*data), abs=1e-12)
        assert min(parts.reliability, parts.resolution, parts.uncertainty, parts.chance) >= -1e-12
        assert 1 <= parts.bins <= bins

    def test_few_distinct_probabilities_lose_nothing(self):
        y, p = np.array([0, 1, 0, 1, 1, 1]), np.array([0.2, 0.2, 0.5, 0.5, 0.8, 0.8])
        parts = brier_decomposition(y, p, bins=3)
        assert parts.within == pytest.approx(0, abs=1e-15)
        assert parts.bins == 3

    def test_chance_is_the_reliability_of_the_truth(self):
        found = [brier_decomposition(*sample(seed, n=200)) for seed in range(300)]
        excess = np.mean([parts.reliability for parts in found])
        assert excess == pytest.approx(np.mean([parts.chance for parts in found]), rel=0.1)

    def test_scaled_brier_has_its_zero_at_the_share_of_cases(self):
        y = np.repeat([0, 1], [30, 10])
        assert scaled_brier(y, np.full(40, 0.25)) == pytest.approx(0)
        assert scaled_brier(y, y) == 1
        assert scaled_brier(y, 1 - y) < 0

    def test_refusals(self):
        with pytest.raises(ValueError, match="one class only"):
            scaled_brier([1, 1], [0.5, 0.5])
        with pytest.raises(ValueError, match="bins is 0"):
            brier_decomposition([0, 1], [0.1, 0.2], 0)


class TestObservedExpected:
    def test_against_r(self, golden):
        data = golden("utility")
        found = observed_expected(data["curve"]["y"], data["curve"]["p"])
        assert found.value == pytest.approx(data["observed_expected"]["value"], abs=1e-12)
        assert (found.lower, found.upper) == pytest.approx(data["observed_expected"]["interval"], abs=1e-9)

    def test_duplicated_specimens_are_no_new_evidence(self):
        y, p = sample(1, n=150)
        plain = observed_expected(y, p)
        twice = observed_expected(np.tile(y, 2), np.tile(p, 2), subjects=np.tile(np.arange(150), 2))
        assert twice.value == pytest.approx(plain.value)
        assert twice.upper == pytest.approx(plain.upper, rel=0.005)  # n/(n−1) apart
        assert "clustered" in twice.method

    def test_what_cannot_be_told_has_a_reason(self):
        assert "one class only" in observed_expected([0, 0], [0.1, 0.2]).reason
        assert "one class only" in observed_expected([1, 1], [0.1, 0.2]).reason
        assert observed_expected([0, 1], [0.0, 0.0]).reason == "all probabilities are 0"
        assert observed_expected([0, 1], [0.5, 0.5], subjects=["a", "a"]).reason == "there is only one subject"


class TestCurve:
    def test_against_r(self, golden):
        data = golden("utility")["curve"]
        for fit in data["fits"]:
            found = calibration_curve(data["y"], data["p"], knots=fit["knots"])
            np.testing.assert_allclose(found.observed[:20], fit["observed"], atol=1e-8)
            np.testing.assert_allclose(found.lower[:20], fit["lower"], atol=1e-7)
            assert (found.eci, found.eavg, found.emax) == pytest.approx((fit["eci"], fit["eavg"], fit["emax"]), abs=1e-7)

    def test_calibrated_probabilities_lie_near_the_diagonal_and_bent_ones_do_not(self):
        straight, bent = calibration_curve(*sample(2, n=20_000)), calibration_curve(*sample(2, n=20_000, bend=0.5))
        assert straight.eavg < 0.01
        assert straight.eci < 0.02
        assert bent.eavg > 0.05
        assert bent.emax > bent.eavg

    def test_band_holds_its_line_and_the_truth(self):
        y, p = sample(3, n=3000)
        found = calibration_curve(y, p, level=0.999)
        assert ((found.lower < found.observed) & (found.observed < found.upper)).all()
        assert ((found.lower < p) & (p < found.upper)).mean() > 0.95

    def test_order_does_not_matter(self):
        y, p = sample(4)
        order = np.random.default_rng(4).permutation(y.size)
        np.testing.assert_allclose(calibration_curve(y[order], p[order]).observed, calibration_curve(y, p).observed[order])

    @pytest.mark.parametrize(("cases", "controls"), [(199, 400), (400, 199)])
    def test_few_events_have_no_curve(self, cases, controls):
        p = np.linspace(0.01, 0.99, cases + controls)
        found = calibration_curve(np.repeat([1, 0], [cases, controls]), p)
        assert found.observed is found.eci is found.eavg is None
        assert "slope and intercept only" in found.reason
        assert f"{cases} cases" in found.reason

    def test_few_values_and_divided_classes_have_no_curve(self):
        y = np.tile([0, 1], 300)
        assert "too many probabilities are equal" in calibration_curve(y, np.where(np.arange(600) < 300, 0.2, 0.6)).reason
        divided = np.where(y, 0.6, 0.1) + np.linspace(0, 0.3, 600)
        assert "divide" in calibration_curve(y, divided).reason

    def test_refusals(self):
        with pytest.raises(ValueError, match="knots is 2"):
            calibration_curve([0, 1], [0.1, 0.9], knots=2)
        with pytest.raises(ValueError, match="not margins"):
            calibration_curve([0, 1], [0.1, 1.9])

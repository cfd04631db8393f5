"""Reference change values, spread within subjects, and stability of selections, against R and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.stats import (
    cv_of_log_sd,
    log_sd,
    reference_change_value,
    selection_stability,
    within_sd,
)


class TestReferenceChange:
    def test_is_the_formula(self):
        found = reference_change_value(0.12, 0.25)
        assert found.log_difference == pytest.approx(math.sqrt(2) * 1.959964 * math.sqrt(0.12**2 + 0.25**2), rel=1e-6)
        assert (1 + found.fall) * (1 + found.rise) == pytest.approx(1)

    def test_small_variation_is_the_classical_percentage(self):
        """Harris and Yasaka: RCV = 2.77 √(CVa² + CVi²)."""
        found = reference_change_value(log_sd(0.01), log_sd(0.02))
        classical = 2.77 * math.hypot(0.01, 0.02)
        assert found.rise == pytest.approx(classical, rel=0.04)
        assert -found.fall == pytest.approx(classical, rel=0.04)

    @pytest.mark.parametrize("level", [0.8, 0.95])
    def test_steady_subjects_stay_within(self, level):
        rng = np.random.default_rng(1)
        first, second = rng.normal(0, math.hypot(0.1, 0.3), (2, 100_000))
        change = reference_change_value(0.1, 0.3, level)
        ratio = np.exp(second - first) - 1
        assert ((ratio > change.fall) & (ratio < change.rise)).mean() == pytest.approx(level, abs=0.005)

    @given(st.floats(0, 3))
    def test_cv_and_log_sd_are_inverse(self, cv):
        assert cv_of_log_sd(log_sd(cv)) == pytest.approx(cv, abs=1e-7)

    def test_log_sd_of_a_simulated_cv(self):
        values = np.exp(np.random.default_rng(2).normal(0, log_sd(0.4), 400_000))
        assert values.std() / values.mean() == pytest.approx(0.4, rel=0.01)

    def test_refusals(self):
        with pytest.raises(ValueError, match="sd_within is -1"):
            reference_change_value(0, -1)
        with pytest.raises(ValueError, match="sd_analytical is nan"):
            reference_change_value(math.nan, 1)
        with pytest.raises(ValueError, match=r"cv is -0\.1"):
            log_sd(-0.1)


class TestWithinSd:
    def test_against_r(self, golden):
        data = golden("utility")["within"]
        found = within_sd(data["values"], data["groups"])
        assert found.value == pytest.approx(data["sd"], abs=1e-12)
        assert (found.lower, found.upper) == pytest.approx(data["interval"], abs=1e-10)

    def test_pairs_are_dahlberg(self):
        a, b = np.random.default_rng(3).normal(size=(2, 30))
        found = within_sd(np.concatenate([a, b]), np.tile(np.arange(30), 2))
        assert found.value == pytest.approx(math.sqrt(((a - b) ** 2).sum() / 60))
        assert found.n == 60

    def test_single_and_missing_values_take_no_part(self):
        plain = within_sd([1.0, 2.0, 5.0, 7.0], ["a", "a", "b", "b"])
        more = within_sd([1.0, 2.0, 5.0, 7.0, 9.0, np.nan], ["a", "a", "b", "b", "c", "a"])
        assert more == plain

    def test_interval_covers(self):
        rng = np.random.default_rng(4)
        pairs, hits = np.repeat(np.arange(12), 2), []
        for _ in range(800):
            found = within_sd(rng.normal(0, 0.5, 24) + np.repeat(rng.normal(size=12), 2), pairs)
            hits.append(found.lower <= 0.5 <= found.upper)
        assert np.mean(hits) == pytest.approx(0.95, abs=0.025)

    def test_what_cannot_be_told_has_a_reason(self):
        assert within_sd([1.0, 2.0], ["a", "b"]).reason == "no group has two values"
        assert within_sd([], []).reason == "no group has two values"
        assert "agree" in within_sd([1.0, 1.0], ["a", "a"]).reason

    def test_refusals(self):
        with pytest.raises(ValueError, match="one group per value"):
            within_sd([1.0, 2.0], ["a"])


class TestSelection:
    def test_against_r(self, golden):
        data = golden("utility")["selection"]
        found = selection_stability(data["selected"])
        assert found.value == pytest.approx(data["value"], abs=1e-12)
        half = 1.959963984540054 * math.sqrt(data["variance"])
        assert (found.lower, found.upper) == pytest.approx((data["value"] - half, data["value"] + half), abs=1e-10)

    def test_by_hand(self):
        """Shares 1, 2/3, 1/3, 0 over three repeats: variances 3/2 · (0, 2/9, 2/9, 0), mean 1/6, by chance 1/4: 1 − 2/3."""
        assert selection_stability([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]]).value == pytest.approx(1 / 3)

    def test_is_the_fleiss_kappa_of_features(self):
        """Nogueira and colleagues show that stability is Fleiss' kappa, here by its pairs of agreeing repeats."""
        z = np.random.default_rng(5).integers(0, 2, (8, 15))
        often = z.sum(axis=0)
        agreement = (often * (often - 1) + (8 - often) * (7 - often)) / 56
        share = z.mean()
        chance = share**2 + (1 - share) ** 2
        assert selection_stability(z).value == pytest.approx((agreement.mean() - chance) / (1 - chance))

    def test_always_the_same_is_one_without_interval(self):
        found = selection_stability([[1, 0, 0]] * 5)
        assert found.value == pytest.approx(1)
        assert "alike" in found.reason

    def test_random_selections_are_near_zero_and_covered(self):
        rng = np.random.default_rng(6)
        found = [selection_stability(rng.random((40, 30)) < 0.3) for _ in range(300)]
        assert np.mean([e.value for e in found]) == pytest.approx(0, abs=0.005)
        assert np.mean([e.lower <= 0 <= e.upper for e in found]) > 0.9

    def test_what_cannot_be_told_has_a_reason(self):
        assert selection_stability(np.zeros((3, 4))).reason == "no feature is ever selected"
        assert selection_stability(np.ones((3, 4))).reason == "all features are always selected"

    @pytest.mark.parametrize("bad", [[[1, 0]], [1, 0, 1], [[1, 2], [0, 1]], np.zeros((3, 0))])
    def test_refusals(self, bad):
        with pytest.raises(ValueError, match="at least two repeats"):
            selection_stability(bad)

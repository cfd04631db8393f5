"""Prior shift and refits against the oracle and glm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from exodx.stats import Recalibration, SeparationError, prior_shift, recalibrate, refit_intercept, refit_slope

SHARES = st.floats(0.01, 0.99)


def sample(seed, n=400, slope=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=n) * 1.3
    return (rng.random(n) < expit(shift + slope * margin)).astype(int), expit(margin)


class TestPriorShift:
    def test_oracle(self):
        assert prior_shift(0.8, 0.5, 0.05) == pytest.approx(0.173913, abs=1e-6)

    @given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=9), SHARES, SHARES)
    def test_is_a_shift_of_the_log_odds(self, p, old, new):
        np.testing.assert_allclose(logit(prior_shift(p, old, new)), logit(p) + logit(new) - logit(old), atol=1e-9)

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=9), SHARES, SHARES)
    def test_back_and_forth(self, p, old, new):
        np.testing.assert_allclose(prior_shift(prior_shift(p, old, new), new, old), p, atol=1e-9)

    def test_certainty_stays_and_shape_stays(self):
        assert prior_shift([[0.0, 1.0]], 0.5, 0.1).tolist() == [[0.0, 1.0]]
        assert prior_shift([], 0.5, 0.1).size == 0

    def test_finds_the_truth_of_another_prevalence(self):
        """Thin the cases of a calibrated cohort and shift: O:E is 1 again."""
        rng = np.random.default_rng(1)
        y, p = sample(1, n=200_000)
        kept = (y == 0) | (rng.random(y.size) < 0.1)
        shifted = prior_shift(p[kept], y.mean(), y[kept].mean())
        assert shifted.sum() == pytest.approx(y[kept].sum(), rel=0.03)

    @pytest.mark.parametrize(
        ("old", "new", "p", "said"),
        [
            (0, 0.1, 0.5, "from_prevalence is 0"),
            (0.1, 1, 0.5, "to_prevalence is 1"),
            (0.1, 0.2, 1.5, "probabilities, not margins"),
        ],
    )
    def test_refusals(self, old, new, p, said):
        with pytest.raises(ValueError, match=said):
            prior_shift(p, old, new)


class TestRefit:
    def test_against_r(self, golden):
        data = golden("utility")
        y, p = data["curve"]["y"], data["curve"]["p"]
        assert refit_intercept(y, p).intercept == pytest.approx(data["recalibration"]["intercept"], abs=1e-8)
        sloped = refit_slope(y, p)
        assert [sloped.intercept, sloped.slope] == pytest.approx(data["recalibration"]["slope"], abs=1e-8)

    def test_makes_expected_equal_observed(self):
        y, p = sample(2, slope=0.6, shift=0.7)
        for refit in (refit_intercept, refit_slope):
            assert refit(y, p).apply(p).sum() == pytest.approx(y.sum(), abs=1e-6)

    def test_order_is_kept(self):
        y, p = sample(3, slope=0.6)
        for refit in (refit_intercept, refit_slope):
            np.testing.assert_array_equal(np.argsort(refit(y, p).apply(p)), np.argsort(p))

    def test_one_class_is_refused(self):
        with pytest.raises(SeparationError):
            refit_intercept([1, 1], [0.4, 0.5])
        with pytest.raises(ValueError, match="collinear"):
            refit_slope([0, 1], [0.4, 0.4])


class TestRecalibrate:
    @pytest.mark.parametrize(("cases", "n", "kind"), [(9, 400, "none"), (30, 400, "intercept"), (200, 400, "slope")])
    def test_numbers_allow(self, cases, n, kind):
        """Probabilities wrong in slope and level: how much is mended depends on the number of cases."""
        rng = np.random.default_rng(4)
        y = np.repeat([1, 0], [cases, n - cases])
        p = expit(3 * (rng.normal(size=n) + 0.8 * y) + 2)
        assert recalibrate(y, p).kind == kind

    def test_what_fits_is_left(self):
        kinds = [recalibrate(*sample(seed)).kind for seed in range(200)]
        assert np.mean([kind != "none" for kind in kinds]) == pytest.approx(0.05, abs=0.05)
        _, p = sample(0)
        left = Recalibration(0.0, 1.0, "none", "")
        np.testing.assert_array_equal(left.apply(p), p)

    def test_a_wrong_level_moves_the_intercept_only(self):
        kinds = [recalibrate(*sample(seed, n=1000, shift=0.6)).kind for seed in range(60)]
        assert kinds.count("intercept") > 50
        assert kinds.count("none") == 0

    def test_a_wrong_slope_moves_both(self):
        assert recalibrate(*sample(5, n=2000, slope=0.5)).kind == "slope"

    def test_few_events_say_why(self):
        found = recalibrate([1] * 5 + [0] * 50, [0.5] * 55)
        assert found.reason == "5 of the rarer class; an intercept needs 10"

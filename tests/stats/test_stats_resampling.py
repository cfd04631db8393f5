"""The bootstrap by subject and the AUCs made of it, against loops, scikit-learn and their own laws."""

from time import perf_counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm
from sklearn.metrics import roc_auc_score

from exodx.stats import (
    auc,
    auc_bootstrap,
    auc_delong,
    auc_permutation,
    bca,
    bootstrap_aucs,
    bootstrap_weights,
    percentile,
    resampled_rows,
)


@st.composite
def scored(draw):
    n = draw(st.integers(4, 30))
    y = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    assume(1 <= y.sum() < n)
    return y, np.array(draw(st.lists(st.integers(-4, 4), min_size=n, max_size=n)), dtype=float)


def sample(seed, n=120, effect=1.0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], [n - n // 3, n // 3]))
    return y, effect * y + rng.normal(size=n)


def all_weights(*given_, **named):
    return np.concatenate(list(bootstrap_weights(*given_, **named)))


class TestWeights:
    def test_each_class_keeps_its_size(self):
        y = np.repeat([0, 1], [7, 4])
        weights = all_weights(y, resamples=300, seed=1)
        assert weights.shape == (300, 11)
        assert (weights[:, :7].sum(axis=1) == 7).all()
        assert (weights[:, 7:].sum(axis=1) == 4).all()

    def test_draws_are_those_of_chance(self):
        weights = all_weights(np.repeat([0, 1], 50), resamples=4000, seed=2)
        assert weights.mean() == pytest.approx(1)
        assert weights.var() == pytest.approx(1 - 1 / 50, rel=0.03)  # binomial(50, 1/50)
        assert (weights == 0).mean() == pytest.approx((1 - 1 / 50) ** 50, rel=0.03)
        np.testing.assert_allclose(weights.mean(axis=0), 1, atol=5 / np.sqrt(4000))

    def test_subjects_bring_all_their_specimens(self):
        subjects = np.array(["a", "b", "a", "c", "c", "d", "e", "e"])
        y = np.array([0, 0, 0, 1, 1, 1, 0, 1])  # e has both
        weights = all_weights(y, subjects, resamples=200, seed=3)
        for subject in "ace":
            own = weights[:, subjects == subject]
            assert (own == own[:, :1]).all()
        assert (weights[:, subjects == "e"] == 1).all()  # the only one with both is always drawn
        assert (weights[:, [0, 1]].sum(axis=1) == 2).all()

    def test_blocks_do_not_change_with_the_number_of_specimens_held(self):
        y, _ = sample(1, n=4000)
        blocks = list(bootstrap_weights(y, resamples=50, seed=4))
        assert len(blocks) > 1
        assert sum(len(block) for block in blocks) == 50

    def test_seeds_are_kept(self):
        y, score = sample(5)
        assert np.array_equal(bootstrap_aucs(y, score, seed=1), bootstrap_aucs(y, score, seed=1))
        assert not np.array_equal(bootstrap_aucs(y, score, seed=1), bootstrap_aucs(y, score, seed=2))

    def test_refusals(self):
        with pytest.raises(ValueError, match="resamples is 0"):
            bootstrap_weights([0, 1], resamples=0)
        with pytest.raises(ValueError, match="one subject per specimen"):
            bootstrap_weights([0, 1], ["a"])


class TestBootstrapAuc:
    @given(scored())
    def test_equals_scikit_learn_on_every_resample(self, data):
        y, score = data
        weights = all_weights(y, resamples=20, seed=7)
        found = bootstrap_aucs(y, score, resamples=20, seed=7)
        for row, value in zip(weights, found, strict=True):
            rows = resampled_rows(row)
            assert value == pytest.approx(roc_auc_score(y[rows], score[rows]), abs=1e-12)

    @given(scored())
    def test_subjects_too(self, data):
        y, score = data
        subjects = np.arange(y.size) // 2
        weights = all_weights(y, subjects, resamples=20, seed=7)
        for row, value in zip(weights, bootstrap_aucs(y, score, subjects, resamples=20, seed=7), strict=True):
            rows = resampled_rows(row)
            both = 0 < y[rows].sum() < rows.size
            assert value == pytest.approx(roc_auc_score(y[rows], score[rows]), abs=1e-12) if both else np.isnan(value)

    def test_spread_is_that_of_delong(self):
        y, score = sample(8, n=400)
        draws = bootstrap_aucs(y, score, resamples=4000)
        estimate = auc_delong(y, score)
        value = estimate.value
        logit_width = np.log(estimate.upper / (1 - estimate.upper)) - np.log(estimate.lower / (1 - estimate.lower))
        assert draws.std() == pytest.approx(logit_width / (2 * norm.ppf(0.975)) * value * (1 - value), rel=0.05)

    def test_estimate_holds_the_auc_and_names_its_method(self):
        y, score = sample(9)
        estimate = auc_bootstrap(y, score)
        assert estimate.value == pytest.approx(auc(y, score), abs=1e-12)
        assert estimate.lower < estimate.value < estimate.upper
        assert estimate.method == "BCa of 2000 bootstrap resamples by subject"

    def test_duplicated_specimens_are_no_new_evidence(self):
        y, score = sample(10)
        plain = auc_bootstrap(y, score)
        twice = auc_bootstrap(np.tile(y, 2), np.tile(score, 2), subjects=np.tile(np.arange(y.size), 2))
        assert (twice.lower, twice.upper) == pytest.approx((plain.lower, plain.upper), abs=1e-12)  # the same draws
        ignored = auc_bootstrap(np.tile(y, 2), np.tile(score, 2))
        assert ignored.upper - ignored.lower < 0.8 * (plain.upper - plain.lower)

    def test_perfect_order_has_a_reason_and_no_interval(self):
        estimate = auc_bootstrap([0, 0, 1, 1], [1, 2, 3, 4])
        assert (estimate.value, estimate.lower) == (1.0, None)
        assert "they agree" in estimate.reason

    def test_is_near_the_logit_interval_where_both_hold(self):
        y, score = sample(11, n=600)
        found, expected = auc_bootstrap(y, score, resamples=6000), auc_delong(y, score)
        assert (found.lower, found.upper) == pytest.approx((expected.lower, expected.upper), abs=0.004)


class TestBca:
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_scipy(self, seed):
        """The mean of a skewed sample: scipy's draws differ from ours, so the ends agree to their simulation error."""
        x = np.random.default_rng(seed).exponential(size=40)
        rows = np.random.default_rng(100 + seed).integers(0, 40, (20_000, 40))
        found = bca("mean", x.mean(), x[rows].mean(axis=1), (x - x.mean()) / 39)
        expected = bootstrap((x,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(seed)).confidence_interval
        assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high), abs=0.02)
        assert found.upper > percentile("mean", x.mean(), x[rows].mean(axis=1)).upper  # skewed to the right

    def test_without_bias_and_skewness_it_is_the_percentiles(self):
        draws = np.linspace(-1, 1, 1001)
        found, plain = bca("x", 0.0, draws, [-1.0, 1.0]), percentile("x", 0.0, draws)
        assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper))

    def test_one_sided_draws_have_a_reason(self):
        assert "one side" in bca("x", 2.0, np.linspace(0, 1, 100), [-1.0, 1.0]).reason
        assert bca("x", 2.0, [np.nan, np.nan], [-1.0, 1.0]).lower is None


class TestPercentile:
    def test_is_the_quantiles(self):
        draws = np.random.default_rng(1).normal(size=1000)
        estimate = percentile("x", 0.0, draws, level=0.9)
        assert (estimate.lower, estimate.upper) == tuple(np.quantile(draws, [0.05, 0.95]))

    def test_rare_gaps_are_left_out_and_many_refused(self):
        draws = np.arange(100.0)
        draws[:5] = np.nan
        assert "95 bootstrap" in percentile("x", 50, draws).method
        draws[:20] = np.nan
        assert percentile("x", 50, draws).reason == "the statistic exists in only 80 of 100 resamples"

    def test_a_value_outside_has_a_reason(self):
        assert "biased" in percentile("x", 2.0, np.linspace(0, 1, 100)).reason


class TestPermutation:
    @pytest.mark.parametrize("seed", range(3))
    def test_null_has_the_moments_of_mann_whitney(self, seed):
        y, score = sample(seed)
        test = auc_permutation(y, score, permutations=4000, seed=seed)
        cases, controls = y.sum(), (1 - y).sum()
        expected = np.sqrt((y.size + 1) / (12 * cases * controls))
        assert test.permuted.mean() == pytest.approx(0.5, abs=4 * expected / np.sqrt(4000))
        assert test.permuted.std() == pytest.approx(expected, rel=0.05)
        assert test.value == pytest.approx(auc(y, score), abs=1e-12)
        assert test.p == (1 + (test.permuted >= test.value).sum()) / 4001

    def test_strong_scores_reach_the_smallest_p(self):
        y, score = sample(1, effect=5.0)
        assert auc_permutation(y, score, permutations=199).p == 1 / 200

    def test_p_is_uniform_without_effect(self):
        p = [auc_permutation(*sample(seed, n=40, effect=0.0), permutations=199).p for seed in range(200)]
        assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.065)  # three standard errors

    def test_tied_scores_are_no_evidence(self):
        assert auc_permutation([0, 1, 0, 1], [1, 1, 1, 1]).p == 1.0

    def test_subjects_are_permuted_whole(self):
        y, score = sample(2)
        plain = auc_permutation(y, score, seed=5)
        twice = auc_permutation(np.tile(y, 2), np.tile(score, 2), subjects=np.tile(np.arange(y.size), 2), seed=5)
        np.testing.assert_allclose(twice.permuted, plain.permuted, atol=1e-12)
        with pytest.raises(ValueError, match="both labels"):
            auc_permutation([0, 1], [1, 2], subjects=["a", "a"])
        with pytest.raises(ValueError, match="permutations is 0"):
            auc_permutation([0, 1], [1, 2], permutations=0)


def test_resampling_is_far_from_a_loop():
    """The benchmark tells the figures (about 500 and 1,000 times); this floor only fails where a loop comes back."""
    y, score = sample(1, n=200)
    started = perf_counter()
    for _ in range(20):
        roc_auc_score(y, score)
    loop = (perf_counter() - started) / 20
    bootstrap_aucs(y, score, resamples=10)
    best = []
    for _ in range(5):
        started = perf_counter()
        bootstrap_aucs(y, score, resamples=2000)
        best.append(perf_counter() - started)
    assert min(best) < 2000 * loop / 50

"""Thresholds, grey zone, conformal sets and the consistency law, by hand and by their own laws."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exodx.panel import StudyPlan
from exodx.stats import (
    GreyZone,
    TooFewSpecimensError,
    auc,
    auc_bounds,
    check_consistency,
    conformal_rule,
    find_grey_zone,
    grey_zone_accuracy,
    threshold_by_cost,
    threshold_for_sensitivity,
    threshold_for_specificity,
    threshold_variability,
    threshold_youden,
)
from exodx.training.decision import choose_threshold

CHOICES = [lambda y, p: threshold_for_sensitivity(y, p, 0.9), lambda y, p: threshold_for_specificity(y, p, 0.9), threshold_youden]


@st.composite
def scored(draw):
    n = draw(st.integers(2, 40))
    y = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    assume(0 < y.sum() < n)
    p = draw(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]) | st.floats(0, 1), min_size=n, max_size=n))
    return y, np.array(p)


def sample(seed, n=200, effect=1.5):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], n // 2))
    return y, 1 / (1 + np.exp(-(rng.normal(size=n) + effect * (y - 0.5))))


class TestThresholds:
    @given(scored(), st.sampled_from([0.5, 0.8, 0.95, 1.0]))
    def test_targets_are_kept_and_not_by_more_than_needed(self, data, target):
        y, p = data
        low, high = threshold_for_sensitivity(y, p, target), threshold_for_specificity(y, p, target)
        assert low.sensitivity >= target - 1e-9
        assert high.specificity >= target - 1e-9
        above, below = p[y & (p > low.value)], p[~y & (p < high.value)]
        assert above.size < target * y.sum() - 1e-9 or low.value == p.max()
        assert below.size >= target * (~y).sum() - 1e-9
        worse = np.unique(p[p < high.value])
        assert not worse.size or (p[~y] < worse[-1]).mean() < target - 1e-9 or not (~y & (p == worse[-1])).any()

    @given(scored(), st.sampled_from(["sensitivity", "specificity"]), st.sampled_from([0.8, 0.95]))
    def test_is_the_rule_of_training(self, data, criterion, target):
        y, p = data
        plan = StudyPlan(target=criterion, target_value=target)
        ours = {"sensitivity": threshold_for_sensitivity, "specificity": threshold_for_specificity}[criterion]
        assert ours(y, p, target).value == choose_threshold(p, y.astype(np.int8), plan).value

    @given(scored())
    def test_youden_is_the_best_of_all_scores(self, data):
        y, p = data
        chosen = threshold_youden(y, p)
        gains = [(p >= t)[y].mean() - (p >= t)[~y].mean() for t in np.unique(p)]
        assert chosen.sensitivity + chosen.specificity - 1 == pytest.approx(max(*gains, 0.0), abs=1e-9)
        assert chosen.value in p or chosen.value == np.inf
        assert "optimistic" in chosen.warning

    def test_youden_without_signal_is_still_a_number(self):
        assert threshold_youden([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1]).value == 0.1

    def test_cost_is_the_odds(self):
        for ratio in (0.01, 0.25, 1, 9):
            t = threshold_by_cost(ratio)
            assert t / (1 - t) == pytest.approx(ratio)

    def test_cost_makes_the_fewest_harms(self):
        """With calibrated probabilities no other threshold harms less on average."""
        rng = np.random.default_rng(1)
        p = rng.beta(1, 2, 200_000)
        y = rng.random(p.size) < p
        harms = {t: 0.25 * ((p >= t) & ~y).sum() + ((p < t) & y).sum() for t in (0.1, 0.2, 0.3, 0.5)}
        assert min(harms, key=harms.get) == threshold_by_cost(0.25) == 0.2

    @pytest.mark.parametrize("choose", CHOICES)
    def test_variability_holds_the_threshold_and_shrinks(self, choose):
        small = threshold_variability(*sample(1, n=60), choose, resamples=200)
        large = threshold_variability(*sample(1, n=3000), choose, resamples=200)
        assert small.lower <= small.value <= small.upper
        assert large.upper - large.lower < 0.6 * (small.upper - small.lower)

    def test_variability_by_subject(self):
        y, p = sample(2, n=80)
        subjects = np.tile(np.arange(80), 2)
        plain = threshold_variability(y, p, threshold_youden, resamples=100)
        twice = threshold_variability(np.tile(y, 2), np.tile(p, 2), threshold_youden, subjects, resamples=100)
        assert (twice.lower, twice.upper) == (plain.lower, plain.upper)

    @pytest.mark.parametrize("target", [0, -0.1, 1.1])
    def test_refused_targets(self, target):
        for rule in (threshold_for_sensitivity, threshold_for_specificity):
            with pytest.raises(ValueError, match="target is"):
                rule([0, 1], [0.1, 0.9], target)

    def test_refusals(self):
        for ratio in (0, -1, np.inf, np.nan):
            with pytest.raises(ValueError, match="harm_ratio"):
                threshold_by_cost(ratio)
        with pytest.raises(ValueError, match="both classes"):
            threshold_youden([1, 1], [0.1, 0.2])


class TestGreyZone:
    @given(scored(), st.sampled_from([0.7, 0.9, 1.0]))
    def test_counts_add_up_and_targets_hold(self, data, target):
        y, p = data
        zone = find_grey_zone(y, p, target, target)
        found = grey_zone_accuracy(y, p, zone)
        assert (sum(found.cases), sum(found.controls)) == (y.sum(), (~y).sum())
        missed, _, _ = found.cases
        _, _, alarmed = found.controls
        assert missed <= (1 - target) * y.sum() + 1e-9
        assert alarmed <= (1 - target) * (~y).sum() + 1e-9
        assert found.indeterminate.value == pytest.approx((found.cases[1] + found.controls[1]) / y.size)
        assert found.sensitivity_as_errors.value == pytest.approx(found.cases[2] / y.sum())
        if found.sensitivity_without.value is not None:
            assert found.sensitivity_without.value >= found.sensitivity_as_errors.value - 1e-12

    def test_by_hand(self):
        y = [0] * 4 + [1] * 4
        p = [0.1, 0.2, 0.3, 0.6, 0.4, 0.5, 0.8, 0.9]
        found = grey_zone_accuracy(y, p, find_grey_zone(y, p, 1.0, 1.0))
        assert (found.cases, found.controls) == ((0, 2, 2), (3, 1, 0))
        assert (found.sensitivity_as_errors.value, found.sensitivity_without.value) == (0.5, 1.0)
        assert (found.specificity_as_errors.value, found.specificity_without.value) == (0.75, 1.0)
        assert found.indeterminate.value == 3 / 8

    def test_good_scores_need_no_zone(self):
        y, p = [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]
        zone = find_grey_zone(y, p)
        assert zone.lower == zone.upper == 0.8
        assert 0 not in zone.calls(p)

    def test_all_in_the_zone_has_reasons(self):
        found = grey_zone_accuracy([0, 1], [0.5, 0.5], GreyZone(0.1, 0.9))
        assert found.indeterminate.value == 1
        assert found.sensitivity_without.reason == "there are no cases"
        assert found.sensitivity_as_errors.value == 0

    def test_refusals(self):
        with pytest.raises(ValueError, match="lower <= upper"):
            GreyZone(0.6, 0.5)
        with pytest.raises(ValueError, match="lower <= upper"):
            GreyZone(np.nan, 0.5)
        with pytest.raises(ValueError, match="missing"):
            GreyZone(0.2, 0.5).calls([0.1, np.nan])


class TestConformal:
    def test_quantile_rule_by_hand(self):
        """19 of each class at alpha .05: ⌈20 · .95⌉ = the 19th smallest, the largest."""
        p0, p1 = np.linspace(0.01, 0.19, 19), np.linspace(0.81, 0.99, 19)
        rule = conformal_rule(np.repeat([0, 1], 19), np.concatenate([p0, p1]))
        assert (rule.control, rule.case) == pytest.approx((0.19, 0.19))
        assert rule.sets([0.05, 0.5, 0.95]).tolist() == [[True, False], [False, False], [False, True]]

    @pytest.mark.parametrize(("n0", "n1"), [(18, 40), (40, 18), (3, 0)])
    def test_too_few_are_refused(self, n0, n1):
        y = np.repeat([0, 1], [n0, n1])
        with pytest.raises(TooFewSpecimensError, match="need 19 of each"):
            conformal_rule(y, np.full(y.size, 0.5))

    @pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
    def test_covers_each_class(self, alpha):
        covered = []
        for seed in range(400):
            y, p = sample(seed, n=120)
            rule = conformal_rule(y[:100], p[:100], alpha)
            sets = rule.sets(p[100:])
            covered.append([sets[y[100:] == k, k].mean() for k in (0, 1) if (y[100:] == k).any()][:2])
        share = np.mean([pair for pair in covered if len(pair) == 2], axis=0)
        assert (share > 1 - alpha - 0.015).all()
        assert (share < 1 - alpha + 0.035).all()

    @given(scored(), st.sampled_from([0.3, 0.5]))
    def test_smaller_alpha_keeps_more(self, data, alpha):
        y, p = data
        assume(min(y.sum(), (~y).sum()) >= 4)
        wide, narrow = conformal_rule(y, p, 0.2), conformal_rule(y, p, alpha)
        assert (wide.sets(p) >= narrow.sets(p)).all()

    def test_refusals(self):
        with pytest.raises(ValueError, match="alpha is 0"):
            conformal_rule([0, 1], [0.1, 0.9], 0)
        with pytest.raises(ValueError, match="missing"):
            conformal_rule([0] * 4 + [1] * 4, np.arange(8) / 8, 0.2).sets([np.nan])


class TestConsistency:
    @given(scored(), st.floats(0, 1))
    def test_law_holds_for_our_own_numbers(self, data, threshold):
        y, p = data
        se, sp = (p >= threshold)[y].mean(), (p < threshold)[~y].mean()
        assert check_consistency(auc(y, p), se, sp) == ""

    def test_bounds_are_reached(self):
        y = np.repeat([0, 1], 4)
        worst = [1, 1, 1, 3, 0, 2, 2, 2]  # a called case above called controls only, and so on
        best = [0, 0, 0, 2, 1, 3, 3, 3]
        low, high = auc_bounds(0.75, 0.75)
        assert auc(y, worst) == low == 0.5625
        assert auc(y, best) == high == 0.9375

    def test_the_published_triplet_is_caught(self):
        """IJMS 2025;26:8727 tells an AUC of .8281 with sensitivity and specificity .9375; it must be at least .879."""
        assert "0.879" in check_consistency(0.8281, 0.9375, 0.9375, rounding=5e-5)

    def test_rounding_is_allowed_for(self):
        assert check_consistency(0.80, 0.9, 0.9)
        assert check_consistency(0.80, 0.9, 0.9, rounding=0.05) == ""

    def test_refusals(self):
        with pytest.raises(ValueError, match=r"sensitivity is 1\.2"):
            auc_bounds(1.2, 0.5)
        with pytest.raises(ValueError, match="auc is nan"):
            check_consistency(np.nan, 0.5, 0.5)
        with pytest.raises(ValueError, match="rounding"):
            check_consistency(0.5, 0.5, 0.5, rounding=-1)

"""The ROC curve and its area against pROC, scikit-learn, hand counts and their own laws."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from exodx.stats import auc, auc_cross_validated, auc_delong, auc_difference, placements, roc_curve

Z = 1.959963984540054
DELONG_Y = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
DELONG_S = [0.1, 0.2, 0.35, 0.4, 0.5, 0.62, 0.3, 0.45, 0.55, 0.62, 0.8, 0.9]


def logit(p):
    return math.log(p / (1 - p))


def plain_se(estimate):
    """The standard error behind a logit interval."""
    width = logit(estimate.upper) - logit(estimate.lower)
    return width / (2 * Z) * estimate.value * (1 - estimate.value)


def one_fold(score):
    scores = np.atleast_2d(score)
    return scores, np.zeros(scores.shape, dtype=int)


@st.composite
def scored(draw, smallest=2):
    """Labels of both classes and scores with ties."""
    n = draw(st.integers(2 * smallest, 40))
    y = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    assume(smallest <= y.sum() <= n - smallest)
    score = np.array(draw(st.lists(st.integers(-6, 6), min_size=n, max_size=n)), dtype=float)
    return y, score


def sample(seed, n=80, effect=1.0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], [n - n // 3, n // 3]))
    return y, effect * y + rng.normal(size=n), rng


class TestAuc:
    def test_by_hand(self):
        # pairs: (.4 vs .1) 1, (.4 vs .4) ½, (.4 vs .7) 0, (.9 vs each) 3 of 3
        assert auc([0, 0, 0, 1, 1], [0.1, 0.4, 0.7, 0.4, 0.9]) == 4.5 / 6

    @given(scored(1))
    def test_equals_scikit_learn(self, data):
        assert auc(*data) == pytest.approx(roc_auc_score(*data), abs=1e-12)

    @given(scored(1))
    def test_counts_pairs(self, data):
        y, s = data
        gap = s[y][:, None] - s[~y][None]
        assert auc(y, s) == pytest.approx(((gap > 0) + 0.5 * (gap == 0)).mean(), abs=1e-12)

    @given(scored(1))
    def test_only_the_order_matters(self, data):
        y, s = data
        assert auc(y, np.exp(s / 3) + 7) == auc(y, s)

    @given(scored(1))
    def test_reversed_scores_mirror_it(self, data):
        y, s = data
        assert auc(y, -s) == pytest.approx(1 - auc(y, s), abs=1e-12)
        assert auc(~y, s) == pytest.approx(1 - auc(y, s), abs=1e-12)

    @given(scored(1))
    def test_is_the_area_under_the_curve(self, data):
        fpr, tpr, _ = roc_curve(*data)
        assert np.trapezoid(tpr, fpr) == pytest.approx(auc(*data), abs=1e-12)

    @pytest.mark.parametrize(
        ("y", "s", "said"),
        [
            ([1, 1], [0.1, 0.2], "both classes are needed"),
            ([0, 0], [0.1, 0.2], "both classes are needed"),
            ([0, 1], [0.1, np.nan], "missing or infinite"),
            ([0, 1], [0.1, np.inf], "missing or infinite"),
            ([0, 1], [0.1, 0.2, 0.3], "shape"),
            ([0, 2], [0.1, 0.2], "code controls as 0"),
        ],
    )
    @pytest.mark.parametrize("function", [auc, placements, roc_curve])
    def test_refusals(self, function, y, s, said):
        with pytest.raises(ValueError, match=said):
            function(y, s)


class TestRocCurve:
    @given(scored(1))
    def test_equals_scikit_learn_without_dropping(self, data):
        for ours, theirs in zip(roc_curve(*data), sklearn_roc_curve(*data, drop_intermediate=False), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)

    @given(scored(1))
    def test_each_point_is_the_call_at_its_threshold(self, data):
        y, s = data
        for fpr, tpr, threshold in zip(*roc_curve(y, s), strict=True):
            assert tpr == pytest.approx((s[y] >= threshold).mean())
            assert fpr == pytest.approx((s[~y] >= threshold).mean())


class TestDeLong:
    def test_placements_average_to_the_auc(self):
        v10, v01 = placements(DELONG_Y, DELONG_S)
        assert v10.mean() == pytest.approx(v01.mean())
        np.testing.assert_allclose(v10, np.array([2, 4, 5, 5.5, 6, 6]) / 6)
        np.testing.assert_allclose(v01, np.array([6, 6, 5, 5, 4, 2.5]) / 6)

    def test_oracle(self):  # computed from the formulas of DeLong 1988
        found = auc_delong(DELONG_Y, DELONG_S)
        assert found.value == pytest.approx(0.7916667, abs=1e-7)
        assert plain_se(found) == pytest.approx(0.1386108, abs=1e-7)
        assert (found.lower, found.upper) == pytest.approx((0.42258, 0.951763), abs=1e-6)
        assert found.n == 12

    def test_against_proc(self, golden):
        case = golden("roc")["paired"]
        for model in "ab":
            found = auc_delong(case["y"], case[model])
            assert found.value == pytest.approx(case[f"auc_{model}"], abs=1e-12)
            assert plain_se(found) ** 2 == pytest.approx(case[f"variance_{model}"], rel=1e-9)
        wald = np.array(case["wald_a"])
        assert np.diff(wald)[0] / (2 * Z) == pytest.approx(plain_se(auc_delong(case["y"], case["a"])), rel=1e-9)

    @given(scored())
    def test_interval_or_reason(self, data):
        found = auc_delong(*data)
        assert found.value == auc(*data)
        assert found.reason or 0 <= found.lower <= found.value <= found.upper <= 1

    @given(scored())
    def test_mirror(self, data):
        y, s = data
        found, mirror = auc_delong(y, s), auc_delong(y, -s)
        assert mirror.reason == found.reason
        if not found.reason:
            assert (mirror.lower, mirror.upper) == pytest.approx((1 - found.upper, 1 - found.lower), abs=1e-9)

    @given(st.integers(1, 30), st.integers(1, 30))
    def test_perfect_order_gets_the_exact_bound_of_its_disjoint_pairs(self, cases, controls):
        y = np.repeat([1, 0], [cases, controls])
        bound = 0.025 ** (1 / min(cases, controls))
        best, worst = auc_delong(y, y), auc_delong(y, -y)
        assert (best.value, best.lower, best.upper) == pytest.approx((1, bound, 1))
        assert (worst.value, worst.lower, worst.upper) == pytest.approx((0, 0, 1 - bound))
        assert "Clopper–Pearson" in best.method
        assert f"{min(cases, controls)} disjoint" in best.method

    @pytest.mark.parametrize(("cases", "controls"), [(1, 1), (2, 2), (4, 6)])
    def test_perfect_order_is_rare_where_the_truth_lies_at_the_bound(self, cases, controls):
        y = np.repeat([1, 0], [cases, controls])
        shift = math.sqrt(2) * norm.ppf(auc_delong(y, y).lower)
        draws = np.random.default_rng(5).normal(size=(100_000, y.size)) + shift * y
        perfect = draws[:, :cases].min(axis=1) > draws[:, cases:].max(axis=1)
        assert perfect.mean() < 0.025 + 3 * math.sqrt(0.025 * 0.975 / 100_000)

    def test_constant_score_has_no_variance(self):
        found = auc_delong([0, 0, 1, 1], [3, 3, 3, 3])
        assert (found.value, found.lower) == (0.5, None)
        assert "tied" in found.reason

    def test_single_case_has_no_interval(self):
        found = auc_delong([0, 0, 0, 1], [0.1, 0.2, 0.5, 0.4])
        assert found.value == pytest.approx(2 / 3)
        assert "fewer than two" in found.reason

    def test_one_class_is_a_reason(self):
        found = auc_delong([1, 1], [0.1, 0.2])
        assert found.value is None
        assert "both a case and a control" in found.reason


class TestCrossValidated:
    @given(scored())
    def test_one_fold_is_delong(self, data):
        y, s = data
        found, plain = auc_cross_validated(y, *one_fold(s)), auc_delong(y, s)
        assert (found.value, found.lower, found.upper, found.n) == (plain.value, plain.lower, plain.upper, plain.n)

    def test_one_fold_is_delong_written_out(self):
        y, s, _ = sample(3)
        v10, v01 = placements(y, s)
        variance = v10.var(ddof=1) / v10.size + v01.var(ddof=1) / v01.size
        assert plain_se(auc_cross_validated(y, *one_fold(s))) ** 2 == pytest.approx(variance, rel=1e-9)

    def test_clustered_against_loops_in_r(self, golden):
        case = golden("roc")["clustered"]
        found = auc_cross_validated(case["y"], *one_fold(case["s"]), subjects=case["subject"])
        assert found.value == pytest.approx(case["auc"], abs=1e-12)
        assert plain_se(found) ** 2 == pytest.approx(case["variance"], rel=1e-9)
        assert "clustered by subject" in found.method

    def test_folds_repeats_and_clusters_against_loops_in_r(self, golden):
        case = golden("roc")["within_folds"]
        found = auc_cross_validated(case["y"], case["scores"], case["folds"], subjects=case["subject"])
        assert found.value == pytest.approx(case["auc"], abs=1e-12)
        assert plain_se(found) ** 2 == pytest.approx(case["variance"], rel=1e-9)

    def test_by_hand(self):
        # fold 0: case .9 against .1 and .95 → 1 of 2; fold 1: cases .2, .6 against .6 → 0 and ½; 1½ of 4 pairs
        y, folds = [1, 0, 0, 1, 1, 0], [[0, 0, 0, 1, 1, 1]]
        found = auc_cross_validated(y, [[0.9, 0.1, 0.95, 0.2, 0.6, 0.6]], folds)
        assert found.value == pytest.approx(1.5 / 4)
        assert found.n == 6

    def test_shifted_folds_do_not_matter(self):
        y, s, rng = sample(11)
        folds = rng.permutation(np.arange(y.size) % 5)[None]
        shifted = s + 100 * folds
        assert auc_cross_validated(y, shifted, folds) == auc_cross_validated(y, s[None], folds)
        assert abs(auc(y, shifted[0]) - auc(y, s)) > 0.1  # the pooled number would have moved

    def test_repeats_of_the_same_scores_change_nothing(self):
        y, s, rng = sample(12)
        folds = rng.permutation(np.arange(y.size) % 4)
        once = auc_cross_validated(y, [s], [folds])
        thrice = auc_cross_validated(y, [s, s, s], [folds, folds, folds])
        assert (thrice.lower, thrice.upper) == pytest.approx((once.lower, once.upper), rel=1e-12)

    def test_value_is_the_mean_over_repeats(self):
        y, s, rng = sample(13)
        t = s + rng.normal(size=s.size)
        folds = np.vstack([rng.permutation(np.arange(y.size) % 4) for _ in range(2)])
        both = auc_cross_validated(y, [s, t], folds).value
        single = [auc_cross_validated(y, [score], [fold]).value for score, fold in zip((s, t), folds, strict=True)]
        assert both == pytest.approx(np.mean(single))

    def test_a_fold_of_one_class_contributes_nothing(self):
        y, s, _ = sample(14)
        folds = np.zeros(y.size + 3, dtype=int)
        folds[-3:] = 1
        found = auc_cross_validated(np.append(y, [1, 1, 1]), [np.append(s, [-9, -9, -9])], [folds])
        assert (found.value, found.lower, found.n) == pytest.approx((auc(y, s), auc_delong(y, s).lower, y.size))

    def test_a_repeat_without_pairs_is_skipped(self):
        y, s, _ = sample(15)
        found = auc_cross_validated(y, [s, s], [np.zeros(y.size, dtype=int), y])
        assert found.value == pytest.approx(auc(y, s))
        assert found.lower == pytest.approx(auc_delong(y, s).lower)

    def test_no_comparable_fold_is_a_reason(self):
        found = auc_cross_validated([0, 1, 0, 1], [[0.1, 0.2, 0.3, 0.4]], [[0, 1, 2, 3]])
        assert found.value is None
        assert found.reason == "no fold holds both a case and a control"

    def test_duplicated_specimens_of_a_subject_are_no_new_evidence(self):
        y, s, _ = sample(16)
        plain = auc_delong(y, s)
        twice = np.concatenate([y, y]), *one_fold(np.concatenate([s, s]))
        clustered = auc_cross_validated(*twice, subjects=np.tile(np.arange(y.size), 2))
        assert (clustered.value, clustered.lower, clustered.upper) == pytest.approx(
            (plain.value, plain.lower, plain.upper), rel=1e-9
        )
        assert plain_se(auc_cross_validated(*twice)) < 0.75 * plain_se(plain)  # ignoring subjects is too sure

    def test_names_of_subjects_do_not_matter(self):
        y, s, rng = sample(17)
        codes = rng.integers(0, 30, y.size)
        names = [f"subject-{c}" for c in codes]
        assert auc_cross_validated(y, *one_fold(s), codes) == auc_cross_validated(y, *one_fold(s), names)

    def test_perfect_order_counts_disjoint_pairs_within_folds_and_subjects(self):
        y = np.array([1, 1, 1, 0, 1, 0, 0, 0])
        folds = np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
        assert auc_cross_validated(y, [y], folds).lower == pytest.approx(0.025 ** (1 / 2))  # one pair in each fold
        one = np.zeros_like(folds)
        assert auc_cross_validated(y, [y, y], np.vstack([one, folds])).lower == pytest.approx(0.025 ** (1 / 2))
        assert auc_cross_validated(y, [y], one).lower == pytest.approx(0.025 ** (1 / 4))
        twins = [0, 0, 1, 2, 1, 3, 4, 5]  # four cases from two subjects
        assert auc_cross_validated(y, [y], one, twins).lower == pytest.approx(0.025 ** (1 / 2))

    @pytest.mark.parametrize(
        ("scores", "folds", "subjects", "said"),
        [
            ([0.1, 0.2], [0, 0], None, "one row per repeat"),
            ([[0.1, 0.2]], [[0, 0], [0, 0]], None, "scores has shape"),
            ([[0.1, 0.2]], [[0, 0, 0]], None, "folds has shape"),
            ([[0.1, 0.2]], [[0.0, 0.5]], None, "integers"),
            ([[0.1, np.nan]], [[0, 0]], None, "missing or infinite"),
            ([[0.1, 0.2]], [[0, 0]], ["a"], "subjects has shape"),
            (np.empty((0, 2)), np.empty((0, 2), dtype=int), None, "folds has shape"),
        ],
    )
    def test_refusals(self, scores, folds, subjects, said):
        with pytest.raises(ValueError, match=said):
            auc_cross_validated([0, 1], scores, folds, subjects)


class TestDifference:
    def test_against_proc_paired_test(self, golden):
        case = golden("roc")["paired"]
        a, folds = one_fold(case["a"])
        found = auc_difference(case["y"], a, [case["b"]], folds)
        assert found.value == pytest.approx(case["difference"], abs=1e-12)
        se = (found.upper - found.lower) / (2 * Z)
        assert se == pytest.approx(case["se_difference"], rel=1e-9)
        assert found.value / se == pytest.approx(case["z"], rel=1e-9)

    def test_exchanging_the_models_changes_the_sign(self):
        y, s, rng = sample(21)
        a, folds = one_fold(s)
        b = a + rng.normal(size=a.shape)
        forth, back = auc_difference(y, a, b, folds), auc_difference(y, b, a, folds)
        assert (back.value, back.lower, back.upper) == pytest.approx((-forth.value, -forth.upper, -forth.lower))

    def test_pairing_narrows_the_interval(self):
        y, s, rng = sample(22)
        a, folds = one_fold(s)
        b = a + 0.3 * rng.normal(size=a.shape)
        unpaired = math.hypot(plain_se(auc_delong(y, a[0])), plain_se(auc_delong(y, b[0])))
        found = auc_difference(y, a, b, folds)
        assert (found.upper - found.lower) / (2 * Z) < 0.7 * unpaired

    def test_difference_of_cross_validated_values(self):
        y, s, rng = sample(23)
        a = np.vstack([s, s + 0.2 * rng.normal(size=s.size)])
        b = a + rng.normal(size=a.shape)
        folds = np.vstack([rng.permutation(np.arange(y.size) % 5) for _ in range(2)])
        subjects = np.arange(y.size) // 2
        values = [auc_cross_validated(y, scores, folds).value for scores in (a, b)]
        found = auc_difference(y, a, b, folds, subjects)
        assert found.value == pytest.approx(values[0] - values[1])
        assert "clustered" in found.method

    def test_interval_stays_possible(self):
        y = [0, 0, 0, 1, 1, 1]
        found = auc_difference(y, *[[s] for s in ([1, 2, 3, 4, 5, 6], [4, 6, 5, 3, 2, 4.5])], [[0] * 6])
        assert found.upper == 1.0
        assert found.lower < found.value < 1

    def test_models_that_order_alike_have_no_interval(self):
        y, s, _ = sample(24)
        a, folds = one_fold(s)
        found = auc_difference(y, a, np.exp(a), folds)
        assert (found.value, found.lower) == (0.0, None)
        assert "alike" in found.reason

    def test_no_comparable_fold_is_a_reason(self):
        found = auc_difference([0, 1], [[0.1, 0.2]], [[0.1, 0.3]], [[0, 1]])
        assert found.value is None
        assert "both a case and a control" in found.reason

    def test_both_models_are_checked(self):
        with pytest.raises(ValueError, match="missing or infinite"):
            auc_difference([0, 1], [[0.1, 0.2]], [[0.1, np.nan]], [[0, 0]])


class TestCoverage:
    """How often the interval holds the truth; 400 draws have a standard error of about 1 %."""

    TRUTH = 0.7602  # Φ(1/√2): cases shifted by one standard deviation

    def covered(self, draw):
        estimates = [draw(np.random.default_rng(seed)) for seed in range(400)]
        return np.mean([e.lower <= self.TRUTH <= e.upper for e in estimates])

    def test_delong(self):
        y = np.repeat([0, 1], [45, 25])
        assert 0.92 <= self.covered(lambda rng: auc_delong(y, y + rng.normal(size=70))) <= 0.98

    def test_within_folds(self):
        y = np.repeat([0, 1], [45, 25])

        def draw(rng):
            folds = np.vstack([rng.permutation(70) % 5 for _ in range(4)])
            return auc_cross_validated(y, np.tile(y + rng.normal(size=70), (4, 1)), folds)

        assert 0.92 <= self.covered(draw) <= 0.99

    def test_clustered(self):
        subject = np.repeat(np.arange(40), 3)
        y = (subject % 5 < 2).astype(int)

        def draw(rng):
            s = y + math.sqrt(0.7) * rng.normal(size=40)[subject] + math.sqrt(0.3) * rng.normal(size=120)
            return auc_cross_validated(y, *one_fold(s), subjects=subject)

        assert 0.91 <= self.covered(draw) <= 0.98

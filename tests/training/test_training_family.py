"""The members, alone and together: exact thresholds, exact explanations, weights that go where the signal is."""

import numpy as np
import pytest
import shap
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from exodx.errors import InputRefused
from exodx.stats import auc
from exodx.training import combination
from exodx.training.boosting import Boosting, fit_booster, merge
from exodx.training.combination import learn_weights
from exodx.training.family import EXTRA_TREES, FOREST, RIDGE, SHALLOW, family, freeze
from exodx.training.random_cuts import ExtraTrees, coarse
from exodx.training.ridge import Ridge

PAIRS = Boosting("depth 2", (20, 60), {"max_depth": 2, "eta": 0.1})


def data(n=120, k=6, seed=0, missing=0.05):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k))
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(scale=0.7, size=n) > 0).astype(np.int8)
    x[rng.random(x.shape) < missing] = np.nan
    return x, y


def members(seed=0, **shape):
    x, y = data(**shape)
    grown = {
        SHALLOW: PAIRS.grow(x, y, seed)[1],
        FOREST: family("quick")[FOREST][0].grow(x, y, seed)[0],
        EXTRA_TREES: ExtraTrees("sub-forests", (5,), 4).grow(x, y, seed)[0],
        RIDGE: Ridge("ridge", (0.1,)).grow(x, y, seed)[0],
    }
    return x, y, grown


def test_every_stage_is_the_booster_of_that_many_rounds():
    x, y = data()
    early, late = PAIRS.grow(x, y, 3)
    matrix = xgboost.DMatrix(x, nthread=1)
    for member, rounds in ((early, 20), (late, 60)):
        alone = fit_booster(x, y, PAIRS.params, rounds, 3)
        np.testing.assert_array_equal(member.margin(x), alone.predict(matrix, output_margin=True).astype(float))


@pytest.mark.parametrize("kind", [SHALLOW, FOREST, EXTRA_TREES, RIDGE])
def test_contributions_add_up_to_the_margin_of_each_member(kind):
    x, _, grown = members()
    member = grown[kind]
    np.testing.assert_allclose(member.contributions(x).sum(axis=1), member.margin(x), atol=2e-5)
    assert member.contributions(x).shape == (len(x), x.shape[1] + 1)
    assert member.used() <= set(range(x.shape[1]))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_a_coarse_value_is_below_a_cut_exactly_when_the_value_is(seed, n_cuts):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(50, 3)).astype(np.float32)
    cuts = np.sort(rng.choice(x.ravel(), (n_cuts, 3)) if seed % 2 else rng.normal(size=(n_cuts, 3)), axis=0).astype(np.float32)
    x[0] = np.nan
    replaced = coarse(x, cuts)
    assert np.isnan(replaced[0]).all()
    for cut in cuts:
        np.testing.assert_array_equal(replaced[1:] < cut, x[1:] < cut)


def test_extra_trees_split_values_never_seen_as_their_cuts_say():
    """On the coarse values they were grown on, and on the values themselves, the trees say the same."""
    x, y = data(missing=0.0)
    member = ExtraTrees("sub-forests", (1,), 4).grow(x, y, 7)[0]
    trees = member.boosters[0].trees_to_dataframe()
    thresholds = {
        f: np.unique(part["Split"].to_numpy(np.float32)) for f, part in trees[trees["Feature"] != "Leaf"].groupby("Feature")
    }
    assert all(len(found) <= 25 for found in thresholds.values())
    assert trees.groupby("Tree").size().max() > 15  # fully grown
    cuts = [thresholds.get(f"f{j}", np.zeros(0, np.float32)) for j in range(x.shape[1])]
    width = max(map(len, cuts))
    table = np.stack([np.concatenate([c, np.full(width - len(c), np.inf, np.float32)]) for c in cuts], axis=1)
    np.testing.assert_array_equal(member.margin(coarse(x.astype(np.float32), table).astype(float)), member.margin(x))


def test_extra_trees_learn_an_interaction_that_shallow_trees_find_hard():
    rng = np.random.default_rng(1)
    x, new = rng.uniform(-1, 1, (160, 6)), rng.uniform(-1, 1, (4000, 6))
    y, new_y = ((v[:, 0] * v[:, 1] * v[:, 2] > 0).astype(np.int8) for v in (x, new))
    forest = ExtraTrees("sub-forests", (40,), 4).grow(x, y, 0)[0]
    stumps = Boosting("stumps", (300,), {"max_depth": 1, "eta": 0.05}).grow(x, y, 0)[0]
    assert auc(new_y, forest.margin(new)) > auc(new_y, stumps.margin(new)) + 0.05


@pytest.mark.parametrize("k", [5, 300])
def test_the_ridge_is_that_of_scikit_learn_on_standardised_features(k):
    """Wide tables are fitted after a rotation; the optimum is the same to the solver's tolerance (1e-4 of the gradient)."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(80, k))
    y = (x[:, 0] + rng.normal(scale=0.3, size=80) > 0.5).astype(np.int8)
    line = Ridge("ridge", (0.01, 0.1)).grow(x, y, 0)[1]
    held = np.clip(x, *np.quantile(x, (0.01, 0.99), axis=0))
    scaler = StandardScaler().fit(held)
    expected = LogisticRegression(C=0.1, max_iter=5000, tol=1e-8).fit(scaler.transform(held), y)
    np.testing.assert_allclose(line.margin(x), expected.decision_function(scaler.transform(held)), atol=5e-3)
    explainer = shap.LinearExplainer(
        (line.linear.coefficient * scaler.scale_, line.linear.intercept[0]), shap.maskers.Independent(scaler.transform(held), 1000)
    )
    values = explainer.shap_values(scaler.transform(held))
    np.testing.assert_allclose(line.contributions(x)[:, :-1], values, atol=1e-9)


def test_the_ridge_holds_values_inside_training_s_range_and_missing_ones_at_the_mean():
    x, y = data(missing=0.2)
    line = Ridge("ridge", (1.0,)).grow(x, y, 0)[0]
    top = np.nanmax(x, axis=0)[None]
    np.testing.assert_array_equal(line.margin(top), line.margin(1000 * np.abs(top)))
    assert line.margin(np.full((1, x.shape[1]), np.nan)) == line.linear.intercept[0]


def test_columns_without_values_or_without_spread_do_no_harm():
    x, y = data()
    x[:, 2], x[:, 4] = np.nan, 1.5
    for grown in (Ridge("r", (0.1,)), ExtraTrees("e", (3,), 4), PAIRS):
        member = grown.grow(x, y, 0)[-1]
        assert np.isfinite(member.margin(x)).all()
        assert not {2, 4} & member.used()


def test_members_merged_are_their_weighted_sum():
    x, _, grown = members()
    trees = [(grown[SHALLOW], 0.4), (grown[FOREST], 0.25), (grown[EXTRA_TREES], 1.5)]
    merged = merge(trees)
    matrix = xgboost.DMatrix(x, nthread=1)
    expected = sum(weight * member.contributions(x) for member, weight in trees)
    np.testing.assert_allclose(merged.predict(matrix, pred_contribs=True), expected, atol=2e-5)
    np.testing.assert_allclose(merged.predict(matrix, output_margin=True), expected.sum(axis=1), atol=2e-5)


def test_a_sub_forest_knows_its_own_columns_of_a_wide_table():
    """Of 150 columns each sub-forest draws 98 (8 √150); together, and as a part of a wider table, they say what XGBoost says."""
    x, y = data(k=150)
    member = ExtraTrees("sub-forests", (6,), 4).grow(x, y, 2)[0]
    assert {len(columns) for columns in member.columns} == {98}
    assert len(set(member.columns)) == 6
    np.testing.assert_allclose(member.contributions(x).sum(axis=1), member.margin(x), atol=2e-5)
    places = tuple(range(1, 301, 2))
    wide = np.full((len(x), 302), np.nan)
    wide[:, places] = x
    widened = member.widen(places, 302)
    np.testing.assert_array_equal(widened.margin(wide), member.margin(x))
    assert widened.used() == {places[column] for column in member.used()}
    merged = merge([(widened, 0.7)])
    np.testing.assert_allclose(merged.predict(xgboost.DMatrix(wide), output_margin=True), 0.7 * member.margin(x), atol=2e-5)


def test_boosted_sub_forests_go_on_from_where_the_last_one_stopped():
    """The first of two sums is a part of the second; what is left over, training's log loss, only falls."""
    x, y = data(missing=0.0)
    sums = [ExtraTrees("sub-forests", (count,), 4).grow(x, y, 5)[0] for count in (1, 2, 8)]
    assert bytes(sums[0].boosters[0].save_raw()) == bytes(sums[1].boosters[0].save_raw())
    losses = [np.logaddexp(0, -(2 * y - 1.0) * member.margin(x)).mean() for member in sums]
    assert losses[0] > losses[1] > losses[2]


def test_the_frozen_forest_is_the_weighted_sum_of_tree_and_linear_explainers():
    x, _, grown = members()
    weights = {SHALLOW: 0.4, FOREST: 0.25, EXTRA_TREES: 1.5, RIDGE: 0.8}
    frozen = freeze([(grown[kind], weight) for kind, weight in weights.items()], x.shape[1])
    values, base = frozen.contributions(x)
    expected = weights[RIDGE] * grown[RIDGE].contributions(x)[:, :-1]
    for kind in (SHALLOW, FOREST, EXTRA_TREES):
        for booster in grown[kind].boosters:
            expected += weights[kind] * shap.TreeExplainer(booster).shap_values(x)
    np.testing.assert_allclose(values, expected, atol=1e-4)
    np.testing.assert_allclose(values.sum(axis=1) + base, frozen.margin(x), atol=1e-6)


def test_members_without_weight_leave_no_trace():
    x, _, grown = members()
    line = freeze([(grown[SHALLOW], 0.0), (grown[RIDGE], 2.0)], x.shape[1])
    np.testing.assert_allclose(line.margin(x), 2 * grown[RIDGE].margin(x), atol=1e-12)
    trees = freeze([(grown[SHALLOW], 1.0), (grown[RIDGE], 0.0)], x.shape[1])
    assert trees.linear is None


def noisy(y, quality, seed):
    return quality * (2 * y - 1) + np.random.default_rng(seed).normal(size=len(y))


def test_weights_go_to_the_member_that_is_right_and_scales_do_not_matter():
    y = np.tile([0, 1], 150).astype(np.int8)
    good, poor = noisy(y, 1.5, 0), noisy(y, 0.0, 1)
    weights = learn_weights(np.column_stack([good, poor]), y)
    assert weights.share[0] > 0.9
    scaled = learn_weights(np.column_stack([100 * good + 7, poor / 50]), y)
    np.testing.assert_allclose(scaled.share, weights.share, atol=0.01)
    both = learn_weights(np.column_stack([good, good]), y)
    np.testing.assert_allclose(both.share, 0.5, atol=1e-3)


def test_few_specimens_are_drawn_towards_equal_shares_and_many_are_not(monkeypatch):
    """Four members that are equally good and much alike: what tells them apart in 40 specimens is chance."""

    def distance(n, penalty):
        monkeypatch.setattr(combination, "PENALTY", penalty)
        y = np.tile([0, 1], n // 2).astype(np.int8)
        found = []
        for seed in range(25):
            members = [noisy(y, 0.8, seed) + 0.5 * noisy(y, 0.0, 1000 * (member + 1) + seed) for member in range(4)]
            found.append(learn_weights(np.column_stack(members), y).share)
        return np.abs(np.array(found) - 0.25).mean()

    penalty = combination.PENALTY
    assert distance(40, penalty) < 0.85 * distance(40, 0.0)
    assert distance(1000, penalty) == pytest.approx(distance(1000, 0.0), rel=0.1)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_weights_are_never_negative_and_shares_sum_to_one(seed, k):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.tile([0, 1], 15)).astype(np.int8)
    weights = learn_weights(rng.normal(size=(30, k)) * rng.lognormal(size=k), y)
    assert (weights.weight >= 0).all()
    assert weights.share.sum() == pytest.approx(1)
    assert (weights.weight > 0).any()


def test_budgets_are_a_ladder_and_another_word_is_refused():
    assert set(family("minimal")) == {SHALLOW}
    for budget in ("quick", "standard", "thorough"):
        assert set(family(budget)) == {SHALLOW, FOREST, EXTRA_TREES, RIDGE}
    grown = [family(budget)[EXTRA_TREES][0] for budget in ("quick", "standard", "thorough")]
    counts = [setting.stages[0] * setting.trees for setting in grown]
    assert counts == sorted(set(counts))
    with pytest.raises(InputRefused, match="budget"):
        family("endless")


def test_a_column_that_is_constant_but_for_rounding_gets_no_coefficient():
    """3.3219 is no binary number: its spread comes out near 1e-16, and standardised it would stand in for the intercept."""
    x, y = data(n=160, k=20, missing=0.0)
    rng = np.random.default_rng(4)
    floor = np.where(rng.random((160, 400)) < 0.005, 5.0, 3.3219)
    line = Ridge("ridge", (1.0,)).grow(np.hstack([x, floor]), y, 0)[0]
    assert np.abs(line.linear.coefficient[20:]).max() < 1000
    assert abs(line.contributions(np.hstack([x, floor]))[:, 20:-1].sum()) / 160 < 0.5


def test_cut_points_of_a_column_that_spans_all_of_float32_are_finite():
    x, y = data(missing=0.0)
    x[3, 1], x[4, 1] = -3.2e38, 3.2e38
    member = ExtraTrees("sub-forests", (2,), 4).grow(x, y, 0)[0]
    assert np.isfinite(member.margin(x)).all()


def test_a_member_read_early_uses_what_it_had_split_by_then():
    x, y = data(missing=0.0, k=12)
    early, late = Boosting("stumps", (1, 300), {"max_depth": 1, "eta": 0.05}).grow(x, y, 0)
    assert len(early.used()) == 1
    assert len(late.used()) > 3


@pytest.mark.parametrize("seed", range(6))
def test_ten_specimens_do_not_make_a_model_that_is_sure(seed):
    """Half of ten could not be split where the whole could: the scale learned out of fold did not hold for the final members."""
    rng = np.random.default_rng(seed)
    x, new = rng.normal(size=(10, 4)), rng.normal(size=(500, 4))
    y = np.tile([0, 1], 5).astype(np.int8)
    margins, finals = [], []
    for kind in (SHALLOW, FOREST):
        setting = family("quick")[kind][0]
        margin = np.zeros(10)
        for held in (np.arange(0, 10, 5), np.arange(2, 10, 5), np.array([1, 3, 4, 6, 8, 9])):
            train = np.setdiff1d(np.arange(10), held)
            if 0 < y[train].sum() < len(train):
                margin[held] = setting.grow(x[train], y[train], 0)[0].margin(x[held])
        margins.append(margin)
        finals.append(setting.grow(x, y, 0)[0].margin(new))
    for margin, final in zip(margins, finals, strict=True):
        assert final.std() < 12 * margin.std()

"""The benchmarks are what they are called: scikit-learn's ridge, one analyte, XGBoost with nothing tuned."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from exodx.stats import log_loss
from exodx.training import BENCHMARKS, fit_procedure, prepare
from exodx.training.benchmarks import RIDGE_C, benchmark_scores, default_xgboost, ridge_margins


def drawn(n, p, seed=0, gaps=0.1):
    rng = np.random.default_rng(seed)
    y = np.tile(np.array([0, 1], np.int8), n // 2)
    x = rng.normal(size=(n, p)) * rng.uniform(0.1, 5, p) + rng.normal(size=p)
    x[:, : p // 3] += 0.8 * y[:, None]
    x[rng.random((n, p)) < gaps] = np.nan
    return x, y


def pipeline(c):
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(imputer, StandardScaler(), LogisticRegression(C=c, max_iter=10_000))


def test_the_ridge_of_few_features_is_scikit_learns_to_the_bit():
    (x, y), (new, _) = drawn(80, 12), drawn(40, 12, seed=1)
    for c, margin in zip(RIDGE_C, ridge_margins(x, y, new, RIDGE_C), strict=True):
        np.testing.assert_array_equal(margin, pipeline(c).fit(x, y).decision_function(new))


def test_the_ridge_of_many_features_is_the_same_ridge():
    """The solver stops a little before the optimum: what the columns give is as near to it as what the features give."""
    (x, y), (new, _) = drawn(60, 300), drawn(40, 300, seed=1)
    for c, margin in zip(RIDGE_C, ridge_margins(x, y, new, RIDGE_C), strict=True):
        exact = pipeline(c).set_params(logisticregression__tol=1e-12).fit(x, y).decision_function(new)
        near = np.abs(pipeline(c).fit(x, y).decision_function(new) - exact).max()
        assert np.abs(margin - exact).max() <= 1.01 * near + 1e-6


def test_a_feature_never_measured_does_not_stop_the_ridge():
    x, y = drawn(60, 6)
    x[:, 2] = np.nan
    (margin,) = ridge_margins(x, y, x, (0.3,))
    np.testing.assert_array_equal(margin, pipeline(0.3).fit(x, y).decision_function(x))


@pytest.mark.parametrize("p", [5, 120])
def test_default_xgboost_is_what_the_library_gives_with_nothing_told(p):
    (x, y), (new, _) = drawn(60, p), drawn(40, p, seed=1)
    told = XGBClassifier(n_jobs=1).fit(x, y).predict(new, output_margin=True)
    np.testing.assert_array_equal(default_xgboost(x, y, new), told)


@pytest.fixture(scope="module")
def parts(cohort, fast_plan):
    data = prepare(cohort[np.arange(80)], fast_plan)
    return data, fit_procedure(data, fast_plan), cohort.measurements[np.arange(80, 120)]


def test_every_benchmark_scores_every_held_out_specimen(parts):
    data, _, held = parts
    scores = benchmark_scores(data, held)
    assert tuple(scores) == BENCHMARKS
    assert all(np.isfinite(values).all() and len(values) == 40 for values in scores.values())


def test_the_ridges_strength_is_the_one_with_the_least_inner_log_loss(parts):
    data, _, held = parts

    def loss(c):
        found = [(log_loss(f.held_y, pipeline(c).fit(f.train, f.y).predict_proba(f.held)[:, 1]), len(f.held_y)) for f in data.folds]
        return np.average([value for value, _ in found], weights=[n for _, n in found])

    best = min(RIDGE_C, key=loss)
    expected = pipeline(best).fit(data.features, data.y).decision_function(data.transform.apply(held).values)
    np.testing.assert_allclose(benchmark_scores(data, held)["logistic"], expected, rtol=1e-9)  # another order of sums

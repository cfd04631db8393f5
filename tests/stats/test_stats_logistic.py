"""Logistic regression against R's glm, its own score equations, and data without an answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from scipy.special import expit, log_expit

from exodx.stats import SeparationError, fit_logistic


def sample(seed, n=60):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    return x, (rng.random(n) < expit(x @ [-0.3, 0.8, -0.5])).astype(int)


def test_against_glm(golden):
    case = golden("calibration")["weighted"]
    coef, covariance = fit_logistic(case["x"], case["y"], offset=case["offset"], weights=case["weights"])
    np.testing.assert_allclose(coef, case["coef"], rtol=1e-8)
    np.testing.assert_allclose(covariance, case["covariance"], rtol=1e-7)


def test_intercept_only_has_the_closed_form():
    coef, covariance = fit_logistic(np.ones((10, 1)), [1] * 7 + [0] * 3)
    assert coef[0] == pytest.approx(np.log(7 / 3))
    assert covariance[0, 0] == pytest.approx(1 / 7 + 1 / 3)


def test_weights_count_rows():
    x, y = sample(1)
    weights = np.arange(y.size) % 3
    repeated = np.repeat(np.arange(y.size), weights)
    for ours, theirs in zip(fit_logistic(x, y, weights=weights), fit_logistic(x[repeated], y[repeated]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def separable(x, y):
    """Some direction puts no row on the wrong side and some row strictly on the right one (linear programme)."""
    signed = np.where(y, 1, -1)[:, None] * x
    return -linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(y)), bounds=(-1, 1)).fun > 1e-7


@given(st.integers(0, 10_000), st.integers(5, 40))
def test_score_is_zero_at_the_fit_unless_there_is_none(seed, n):
    x, y = sample(seed, n)
    if separable(x, y):
        with pytest.raises(SeparationError):
            fit_logistic(x, y)
        return
    coef, _ = fit_logistic(x, y)
    np.testing.assert_allclose(x.T @ (y - expit(x @ coef)), 0, atol=1e-7)


@given(st.floats(0.01, 100))
def test_ridge_minimises_its_own_penalty_and_spares_the_intercept(ridge):
    x, y = sample(2)
    coef, covariance = fit_logistic(x, y, ridge=ridge)

    def loss(b):
        return -log_expit(np.where(y, 1, -1) * (x @ b)).sum() + ridge / 2 * (b[1:] ** 2).sum()

    best = minimize(loss, np.zeros(3), tol=1e-10)
    assert loss(coef) <= best.fun + 1e-9
    assert expit(x @ coef).mean() == pytest.approx(y.mean(), abs=1e-8)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_scale_of_a_predictor_does_not_matter():
    x, y = sample(3)
    coef, _ = fit_logistic(x, y)
    scaled, _ = fit_logistic(x * [1, 1e6, 1e-6], y)
    np.testing.assert_allclose(scaled * [1, 1e6, 1e-6], coef, rtol=1e-6)


def test_far_start_is_reached_by_halved_steps():
    x, y = sample(4)
    coef, _ = fit_logistic(x, y, offset=np.full(y.size, 12.0))
    np.testing.assert_allclose(coef, fit_logistic(x, y)[0] - [12, 0, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([[1, -2], [1, -1], [1, 1], [1, 2]], [0, 0, 1, 1]),  # divided
        ([[1, -2], [1, 0], [1, 0], [1, 2]], [0, 0, 1, 1]),  # divided but for a tie
        ([[1], [1], [1]], [1, 1, 1]),  # one class
        ([[1, 1e5], [1, 2e5], [1, -3e5], [1, -1e5]], [1, 1, 0, 0]),
    ],
)
def test_separation_is_named(x, y):
    with pytest.raises(SeparationError, match="divide"):
        fit_logistic(x, y)


def test_ridge_makes_separated_data_answerable():
    coef, _ = fit_logistic([[1, -2], [1, -1], [1, 1], [1, 2]], [0, 0, 1, 1], ridge=0.1)
    assert 0 < coef[1] < 5


@given(st.integers(0, 1000), st.integers(4, 60))
def test_random_separated_data_never_get_a_number(seed, n):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(scale=10 ** rng.uniform(-3, 3), size=(n, 2))])
    with pytest.raises(SeparationError):
        fit_logistic(x, x @ rng.normal(size=3) > 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"x": [1.0, 2.0]}, "matrix"),
        ({"x": np.empty((4, 0))}, "at least one column"),
        ({"x": np.ones((3, 1))}, "x has shape"),
        ({"x": np.ones((4, 2))}, "collinear"),
        ({"x": [[1, 2], [1, np.nan], [1, 3], [1, 4]]}, "missing or infinite"),
        ({"ridge": -1.0}, "ridge"),
        ({"ridge": np.nan}, "ridge"),
        ({"weights": [1, 1, 1, -1]}, "weights"),
        ({"weights": [0, 0, 0, 0]}, "weights"),
        ({"weights": [1, 1]}, "weights has shape"),
        ({"offset": [1, 1]}, "offset has shape"),
        ({"y": [0, 1, 2, 1]}, "code controls as 0"),
    ],
)
def test_refusals(arguments, said):
    good = {"x": [[1, 0.1], [1, 0.5], [1, 0.2], [1, 0.7]], "y": [0, 0, 1, 1]}
    with pytest.raises(ValueError, match=said):
        fit_logistic(**(good | arguments))

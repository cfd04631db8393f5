"""Calibration of several classes: against a conditional logit of R, the binary calibrator, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import SoftmaxCalibrator, log_odds, softmax
from exodx.training.decision import MIN_SLOPE, fit_calibrator
from exodx.training.softmax import fit_softmax


@st.composite
def margins(draw):
    k, seed = draw(st.integers(2, 6)), draw(st.integers(0, 500))
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.arange(draw(st.integers(4, 20)) * k) % k)
    return rng.normal(size=(len(codes), k)) + draw(st.floats(-0.5, 6)) * np.eye(k)[codes], codes


def test_equals_a_conditional_logit_of_r(golden):
    """Newton stops below 1e-10 of the scores, coxph below 1e-13 of the likelihood."""
    data = golden("softmax")
    codes = np.array(["abcd".index(name) for name in data["classes"]])
    found = fit_softmax(np.array(data["margins"]), codes)
    assert found.slope == pytest.approx(data["slope"], rel=1e-8)
    assert found.intercepts == pytest.approx(data["intercepts"], abs=1e-8)


@given(st.integers(0, 300), st.floats(0, 4))
def test_two_classes_are_the_binary_calibrator(seed, effect):
    """Margins −m and m differ by 2m: score₁ − score₀ = slope · 2m + 2 · intercept₁."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(60) % 3 == 0).astype(np.int8)
    m = rng.normal(size=60) + effect * y
    usual, found = fit_calibrator(m, y), fit_softmax(np.column_stack([-m / 2, m / 2]), y.astype(np.intp))
    assert found.slope == pytest.approx(usual.slope, abs=1e-7)
    assert found.intercepts[1] - found.intercepts[0] == pytest.approx(usual.intercept, abs=1e-7)


@given(margins(), st.randoms(use_true_random=False))
def test_the_order_of_classes_changes_no_bit(data, random):
    own, codes = data
    place = list(range(own.shape[1]))
    random.shuffle(place)
    order = np.array(place)
    one, other = fit_softmax(own, codes), fit_softmax(own[:, order], np.argsort(order)[codes])
    assert one.slope == other.slope
    assert tuple(np.array(one.intercepts)[order]) == other.intercepts
    np.testing.assert_array_equal(softmax(one.scores(own))[:, order], softmax(other.scores(own[:, order])))


@given(margins())
def test_it_is_the_top_of_the_penalised_likelihood_and_always_finite(data):
    own, codes = data
    n, k = own.shape
    found = fit_softmax(own, codes)
    counts = np.bincount(codes)
    targets = (np.eye(k)[codes] * counts[codes, None] + 1) / (counts[codes, None] + k)
    residual = targets - softmax(found.scores(own))
    assert np.abs(residual.sum(axis=0)).max() < 1e-6 * n
    assert sum(found.intercepts) == pytest.approx(0, abs=1e-9)
    if found.slope > MIN_SLOPE:
        assert abs(float((residual * own).sum())) < 1e-6 * n
    else:
        assert float((residual * own).sum()) < 1e-6 * n


def test_margins_without_signal_or_against_it_keep_the_smallest_slope_and_the_shares():
    codes = np.arange(120) % 3
    for own in (np.zeros((120, 3)), -3 * np.eye(3)[codes]):
        found = fit_softmax(own, codes)
        assert found.slope == MIN_SLOPE
        np.testing.assert_allclose(softmax(found.scores(own)), 1 / 3, atol=0.02)


def test_divided_classes_have_a_finite_slope():
    codes = np.arange(60) % 3
    found = fit_softmax(10 * np.eye(3)[codes] + np.random.default_rng(0).normal(size=(60, 3)), codes)
    assert 0.1 < found.slope < 5


@given(st.lists(st.lists(st.floats(-700, 700), min_size=4, max_size=4), min_size=1, max_size=6))
def test_probabilities_add_up_to_one_and_say_the_same_as_log_odds(rows):
    scores = np.array(rows)
    p, odds = softmax(scores), log_odds(scores)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    inside = np.abs(odds) < 30
    np.testing.assert_allclose(np.log(p[inside] / (1 - p[inside])), odds[inside], rtol=1e-4, atol=1e-3)
    for i in range(len(scores)):
        np.testing.assert_array_equal(softmax(scores[i : i + 1])[0], p[i])


@pytest.mark.parametrize(
    ("slope", "intercepts"), [(0.0, (0.0, 0.0)), (-1.0, (0.0, 0.0)), (1.0, (np.inf, 0.0)), (np.nan, (0.0, 0.0))]
)
def test_a_slope_that_turns_ranks_round_is_refused(slope, intercepts):
    with pytest.raises(ValueError, match="slope must be positive"):
        SoftmaxCalibrator(slope, intercepts)

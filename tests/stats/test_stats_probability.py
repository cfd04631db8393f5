"""Brier score, log loss and recalibration against rms, glm, scikit-learn and hand counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from exodx.stats import (
    brier,
    brier_estimate,
    calibration_intercept,
    calibration_slope,
    clip_probability,
    log_loss,
    log_loss_estimate,
)

EVERY = [brier, log_loss, brier_estimate, log_loss_estimate, calibration_slope, calibration_intercept]


@st.composite
def forecasts(draw):
    n = draw(st.integers(2, 40))
    y = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    return np.array(y), np.array(draw(st.lists(st.floats(0, 1), min_size=n, max_size=n)))


def sample(seed, n=200, slope=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=n) * 1.5
    return (rng.random(n) < expit(shift + slope * margin)).astype(int), expit(margin)


def test_brier_by_hand():
    assert brier([1, 0, 1, 1], [0.9, 0.2, 0.6, 0.0]) == pytest.approx((0.01 + 0.04 + 0.16 + 1) / 4)


def test_log_loss_by_hand():
    assert log_loss([1, 0], [0.9, 0.2]) == pytest.approx(-(math.log(0.9) + math.log(0.8)) / 2)


def test_log_loss_of_a_sure_mistake_is_finite():
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(-math.log(1e-6))


def test_clipping_keeps_the_middle():
    np.testing.assert_array_equal(clip_probability([0, 1e-7, 0.3, 1]), [1e-6, 1e-6, 0.3, 1 - 1e-6])


@given(forecasts())
def test_losses_equal_scikit_learn(data):
    y, p = data
    assert brier(y, p) == pytest.approx(brier_score_loss(y, p, pos_label=True, labels=[False, True]), abs=1e-12)
    assert log_loss(y, p) == pytest.approx(sklearn_log_loss(y, clip_probability(p), labels=[False, True]), abs=1e-9)


@given(forecasts())
def test_loss_intervals_hold_the_loss(data):
    for estimate, value in (
        (brier_estimate(*data), brier(*data)),
        (log_loss_estimate(*data), log_loss(*data)),
    ):
        assert estimate.value == pytest.approx(value)
        assert estimate.reason or 0 <= estimate.lower <= estimate.value + 1e-12 <= estimate.upper + 2e-12
    assert (brier_estimate(*data).upper or 0) <= 1


def test_loss_interval_is_the_textbook_one():
    y, p = sample(1)
    losses = (p - y) ** 2
    half = 1.959964 * losses.std(ddof=1) / math.sqrt(y.size)
    found = brier_estimate(y, p)
    assert (found.lower, found.upper) == pytest.approx((losses.mean() - half, losses.mean() + half), rel=1e-6)
    assert found.n == 200


@pytest.mark.parametrize("estimator", [brier_estimate, log_loss_estimate])
def test_duplicated_specimens_are_no_new_evidence(estimator):
    y, p = sample(2)
    plain = estimator(y, p)
    twice = estimator(np.tile(y, 2), np.tile(p, 2), subjects=np.tile(np.arange(y.size), 2))
    assert (twice.lower, twice.upper) == pytest.approx((plain.lower, plain.upper))
    ignored = estimator(np.tile(y, 2), np.tile(p, 2))
    assert ignored.upper - ignored.lower < 0.75 * (plain.upper - plain.lower)


def test_losses_without_variance_have_a_reason():
    assert brier_estimate([0, 1, 1], [0.5, 0.5, 0.5]).reason == "all losses are equal"
    assert log_loss_estimate([0, 1, 1], [0.2, 0.4, 0.9], subjects=["a", "a", "a"]).reason == "there is only one subject"


def test_recalibration_against_r(golden):
    for study in golden("calibration")["studies"]:
        y, p = study["y"], study["p"]
        slope, intercept = calibration_slope(y, p), calibration_intercept(y, p)
        assert slope.value == pytest.approx(study["slope"], abs=1e-8)
        assert (slope.lower, slope.upper) == pytest.approx(study["slope_ci"], abs=1e-7)
        assert slope.value == pytest.approx(study["val_prob_slope"], abs=1e-5)  # rms stops at a looser tolerance
        assert intercept.value == pytest.approx(study["intercept"], abs=1e-8)
        assert (intercept.lower, intercept.upper) == pytest.approx(study["intercept_ci"], abs=1e-7)
        assert brier(y, p) == pytest.approx(study["val_prob_brier"], abs=1e-12)


def test_recalibration_finds_the_distortion():
    y, p = sample(3, n=20_000, slope=0.6)
    assert calibration_slope(y, p).lower < 0.6 < calibration_slope(y, p).upper
    assert calibration_slope(y, p).upper < 0.7
    y, p = sample(4, n=20_000, shift=0.8)
    assert calibration_intercept(y, p).lower < 0.8 < calibration_intercept(y, p).upper
    assert calibration_intercept(y, p).lower > 0.7


def test_stretching_the_margins_divides_the_slope():
    y, p = sample(5)
    assert calibration_slope(y, expit(2 * logit(p))).value == pytest.approx(calibration_slope(y, p).value / 2)


def test_certain_probabilities_are_clipped_not_refused():
    y, p = sample(6)
    p[0], p[1] = 0.0, 1.0
    assert calibration_slope(y, p).value is not None
    assert calibration_intercept(y, p).value is not None


def test_what_cannot_be_fitted_has_a_reason():
    assert "divide" in calibration_slope([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8]).reason
    assert calibration_slope([0, 1, 1], [0.4, 0.4, 0.4]).reason == "all probabilities are equal"
    assert "divide" in calibration_intercept([1, 1, 1], [0.4, 0.5, 0.6]).reason
    assert calibration_slope([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8]).value is None


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize(
    ("y", "p", "said"),
    [
        ([0, 1], [0.1, 1.2], "probabilities, not margins"),
        ([0, 1], [-0.1, 0.2], "probabilities, not margins"),
        ([0, 1], [0.1, np.nan], "missing or infinite"),
        ([0, 1], [0.1], "shape"),
        ([0, 3], [0.1, 0.2], "code controls as 0"),
    ],
)
def test_refusals(function, y, p, said):
    with pytest.raises(ValueError, match=said):
        function(y, p)


def test_margins_that_differ_by_rounding_have_no_slope():
    p = 0.4 + 1e-9 * np.arange(40)
    found = calibration_slope(np.arange(40) % 2, p)
    assert (found.value, found.reason) == (None, "all probabilities are equal")

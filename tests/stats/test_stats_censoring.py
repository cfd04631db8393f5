"""Left-censored concentrations against survreg, a regression written in R, and laws of the censored normal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from exodx.stats.censoring import CensoredNormal, fit_censored_normal, fit_ros

FITS = [fit_censored_normal, fit_ros]
SEEDS = st.integers(0, 10_000)


def draw(seed, n=40, share=0.4):
    """Return values with the limit in a censored cell, the mask, and one of two limits for each."""
    rng = np.random.default_rng(seed)
    y = rng.normal(4, 2, n)
    limits = np.where(rng.random(n) < 0.5, norm.ppf(share, 4, 2), norm.ppf(share / 2, 4, 2))
    y[:4] = 8.2, 9.1, 7.7, -3.0  # three are measured and one is not, whatever was drawn
    below = y < limits
    return np.where(below, limits, y), below, limits


def test_maximum_likelihood_against_survreg(golden):
    for case in golden("quantitation")["sets"]:
        found = fit_censored_normal(case["values"], case["censored"], case["limits"])
        assert (found.mean, found.sd) == pytest.approx((case["mean"], case["sd"]), abs=1e-8)
        assert (found.n, found.censored) == (len(case["values"]), sum(case["censored"]))
        at = np.atleast_1d(case["at"])
        assert [found.below(limit) for limit in at] == pytest.approx(np.atleast_1d(case["below"]), abs=1e-7)


def test_order_statistics_against_r(golden):
    for case in golden("quantitation")["sets"]:
        found = fit_ros(case["values"], case["censored"], case["limits"])
        assert (found.mean, found.sd) == pytest.approx((case["ros_mean"], case["ros_sd"]), abs=1e-10)


def test_golden_sets_differ_in_what_is_censored(golden):
    shares = [np.mean(case["censored"]) for case in golden("quantitation")["sets"]]
    assert min(shares) < 0.3
    assert max(shares) > 0.7
    assert any(len(np.unique(np.array(case["limits"])[case["censored"]])) > 2 for case in golden("quantitation")["sets"])


def test_without_censoring_it_is_mean_and_sd():
    y = np.random.default_rng(1).normal(3, 2, 50)
    found = fit_censored_normal(y, np.zeros(50), -9.0)
    assert (found.mean, found.sd, found.censored) == (pytest.approx(y.mean()), pytest.approx(y.std()), 0)
    ros = fit_ros(y, np.zeros(50), -9.0)
    assert (ros.mean, ros.sd) == (pytest.approx(y.mean()), pytest.approx(y.std(), rel=0.15))


@given(SEEDS)
def test_no_other_mean_and_sd_are_likelier(seed):
    y, below, limits = draw(seed)
    found = fit_censored_normal(y, below, limits)

    def likelihood(mean, sd):
        return norm.logpdf(y[~below], mean, sd).sum() + norm.logcdf(limits[below], mean, sd).sum()

    best = likelihood(found.mean, found.sd)
    for step in (1e-3, 0.05, 0.5):
        around = [(found.mean + a * step, found.sd * np.exp(b * step)) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]
        assert all(likelihood(*there) < best for there in around)


@pytest.mark.parametrize("fit", FITS)
@given(SEEDS, st.floats(-50, 50), st.floats(0.01, 100))
def test_shift_and_scale_carry_through(fit, seed, shift, scale):
    y, below, limits = draw(seed)
    here, there = fit(y, below, limits), fit(scale * y + shift, below, scale * limits + shift)
    tolerance = 1e-7 * (scale + abs(shift))
    assert (there.mean, there.sd) == pytest.approx((scale * here.mean + shift, scale * here.sd), abs=tolerance)


@pytest.mark.parametrize("fit", FITS)
@given(SEEDS)
def test_order_and_what_stands_in_censored_cells_do_not_matter(fit, seed):
    y, below, limits = draw(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    here, there = fit(y, below, limits), fit(np.where(below, np.nan, y)[order], below[order], limits[order])
    assert (there.mean, there.sd) == pytest.approx((here.mean, here.sd), rel=1e-9)


@pytest.mark.parametrize("fit", FITS)
def test_many_values_give_back_what_they_were_drawn_from(fit):
    y, below, limits = draw(5, n=20_000, share=0.6)
    found = fit(y, below, limits)
    assert (found.mean, found.sd) == pytest.approx((4, 2), abs=0.05)  # three standard errors
    naive = y.mean()
    assert abs(naive - 4) > 0.2  # limits in place of what lies below them


@given(st.floats(-5, 5), st.floats(0.1, 10), st.floats(-6, 6))
def test_below_is_the_mean_under_the_limit(mean, sd, z):
    limit = mean + z * sd
    found = CensoredNormal(mean, sd, 10, 3, "").below(limit)
    part = quad(lambda t: t * norm.pdf(t), -12, z)[0] / norm.cdf(z)
    assert found == pytest.approx(mean + sd * part, abs=1e-5 * sd)
    assert found < limit


@pytest.mark.parametrize("z", [-1e4, -40.0, 40.0])
def test_below_holds_far_out(z):
    found = CensoredNormal(0.0, 1.0, 10, 3, "").below(z)
    assert found <= z
    assert found == pytest.approx(min(z, 0.0), rel=1e-3, abs=1e-9)


def test_plotting_positions_with_one_limit_are_those_of_order_statistics():
    # 2 of 8 below: the upper six share what lies above 0.25 evenly
    y = [0, 0, *np.arange(1.0, 7.0)]
    x = norm.ppf(0.25 + 0.75 * np.arange(1, 7) / 7)
    slope, mean = np.polyfit(x, np.arange(1.0, 7.0), 1)
    found = fit_ros(y, [1, 1, 0, 0, 0, 0, 0, 0], 1.0)
    assert (found.mean, found.sd) == pytest.approx((mean, slope))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("values", "mask", "limits", "said"),
    [
        ([1, 2, 0, 0], [0, 0, 1, 1], 0.5, "only 2"),
        ([], [], 0.5, "only 0"),
        ([2, 2, 2, 0], [0, 0, 0, 1], 1.0, "all equal"),
        ([1, 2, np.nan, 3], [0, 0, 0, 1], 1.0, "missing or infinite"),
        ([1, 2, 3, 0], [0, 0, 0, 1], np.nan, "missing or infinite"),
        ([1, 2, 3, 0], [0, 0, 0], 1.0, "one of each"),
        ([1, 2, 3, 0], [0, 0, 0, 2], 1.0, "one of each"),
        ([[1, 2, 3]], [[0, 0, 0]], 1.0, "one of each"),
        ([1, 2, 3, 0], [0, 0, 0, 1], [1.0, 2.0], "one for all, or one each"),
    ],
)
def test_refusals(fit, values, mask, limits, said):
    with pytest.raises(ValueError, match=said):
        fit(values, mask, limits)


def test_a_limit_above_every_value_leaves_its_share_unknown():
    with pytest.raises(ValueError, match="highest limit"):
        fit_ros([1, 2, 3, 0, 0], [0, 0, 0, 1, 1], [9, 9, 9, 0.5, 4.0])

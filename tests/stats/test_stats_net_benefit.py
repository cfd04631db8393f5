"""Net benefit against the oracle, R and hand counts."""

import numpy as np
import pytest

from exodx.stats import decision_curve, interventions_avoided, net_benefit, net_benefit_all, prior_shift


def sample(seed, n=160):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], n // 2)
    return y, 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * y - 0.75)))


def test_oracle():
    """40 true and 20 false positives of 200 at a threshold of .2; the prevalence is .25, so 50 cases and 150 controls."""
    assert net_benefit(40 / 50, 1 - 20 / 150, 0.25, 0.2) == pytest.approx(0.175, abs=1e-12)
    assert net_benefit_all(0.25, 0.2) == pytest.approx(0.0625, abs=1e-12)


def test_curve_against_r(golden):
    data = golden("utility")
    expected = data["benefit"]
    curve = decision_curve(
        data["curve"]["y"], expected["p"], expected["thresholds"], prevalence=expected["prevalence"], resamples=50
    )
    np.testing.assert_allclose(curve.model, expected["model"], atol=1e-12)
    np.testing.assert_allclose(curve.treat_all, expected["all"], atol=1e-12)
    np.testing.assert_allclose(curve.avoided, expected["avoided"], atol=1e-9)


def test_without_prevalence_it_is_the_plain_count():
    y, p = sample(1)
    t = 0.3
    tp, fp = ((p >= t) & (y == 1)).sum(), ((p >= t) & (y == 0)).sum()
    assert decision_curve(y, p, [t], resamples=10).model[0] == pytest.approx((tp - fp * t / (1 - t)) / y.size)


def test_case_control_share_does_not_matter_once_the_prevalence_is_given():
    y, p = sample(2)
    cases = np.flatnonzero(y)
    more_y, more_p = np.concatenate([y, y[cases], y[cases]]), np.concatenate([p, p[cases], p[cases]])
    one, other = (decision_curve(*data, [0.05, 0.2], prevalence=0.1, resamples=10) for data in ((y, p), (more_y, more_p)))
    np.testing.assert_allclose(one.model, other.model, atol=1e-12)
    plain = decision_curve(more_y, more_p, [0.05, 0.2], resamples=10)
    assert not np.allclose(plain.model, one.model)


def test_at_threshold_zero_everyone_is_positive():
    y, p = sample(3)
    curve = decision_curve(y, p, [0.0], prevalence=0.2, resamples=10)
    assert curve.model[0] == curve.treat_all[0] == pytest.approx(0.2)
    assert np.isnan(curve.avoided[0])


def test_a_perfect_model_is_worth_the_prevalence():
    y = np.repeat([0, 1], 20)
    curve = decision_curve(y, y * 0.98 + 0.01, [0.1, 0.5, 0.9], prevalence=0.1, resamples=10)
    np.testing.assert_allclose(curve.model, 0.1)
    assert curve.avoided[1] == pytest.approx(90)  # all controls are spared


def test_band_holds_the_curve_and_shrinks_with_specimens():
    cuts = np.linspace(0.05, 0.6, 12)
    small, large = (decision_curve(*sample(4, n), cuts, resamples=400) for n in (60, 2000))
    for curve in (small, large):
        assert (curve.lower <= curve.model).all()
        assert (curve.model <= curve.upper).all()
    assert (large.upper - large.lower).mean() < 0.4 * (small.upper - small.lower).mean()


def test_band_is_the_binomial_one():
    y, p = sample(5, n=800)
    curve = decision_curve(y, p, [0.5], prevalence=0.3, resamples=4000)
    se, fpr = (p >= 0.5)[y == 1].mean(), (p >= 0.5)[y == 0].mean()
    sd = np.sqrt(0.3**2 * se * (1 - se) / 400 + 0.7**2 * fpr * (1 - fpr) / 400)
    assert (curve.upper - curve.lower)[0] == pytest.approx(2 * 1.96 * sd, rel=0.08)


def test_avoided_by_hand():
    """At t = .2 a net benefit .1125 above treating all is worth 45 interventions less per 100."""
    assert interventions_avoided(0.175, 0.25, 0.2) == pytest.approx(100 * (0.175 - 0.0625) / 0.25)
    assert interventions_avoided(net_benefit_all(0.25, 0.2), 0.25, 0.2) == pytest.approx(0)


def test_shifted_probabilities_meet_the_threshold_of_use():
    y, p = sample(6)
    shifted = decision_curve(y, prior_shift(p, 0.5, 0.1), [0.1], prevalence=0.1, resamples=10)
    by_hand = net_benefit((p >= 0.5)[y == 1].mean(), 1 - (p >= 0.5)[y == 0].mean(), 0.1, 0.1)
    assert shifted.model[0] == pytest.approx(float(by_hand))


@pytest.mark.parametrize(
    ("cuts", "prevalence", "said"), [([1.0], 0.1, "up to, but not"), ([-0.1], 0.1, "outside"), ([0.1], 1.0, "prevalence is 1.0")]
)
def test_refusals(cuts, prevalence, said):
    with pytest.raises(ValueError, match=said):
        decision_curve(*sample(1), cuts, prevalence=prevalence)


@pytest.mark.parametrize("share", [np.nan, 1.2, -0.1])
def test_shares_out_of_range_are_refused(share):
    with pytest.raises(ValueError, match="missing or outside"):
        net_benefit(share, 0.9, 0.1, 0.2)
    with pytest.raises(ValueError, match="missing or outside"):
        net_benefit(0.9, share, 0.1, 0.2)

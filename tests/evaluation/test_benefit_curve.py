"""The decision curve of an evaluation: net benefit by hand, averaged over repeats, moved to the prevalence of use."""

import json

import numpy as np
import pytest

from exodx.evaluation import BenefitCurve, Evaluation, evaluate_external
from exodx.evaluation.benefit_curve import benefit_curve
from exodx.frozen.calibrator import probability
from exodx.report import benefit_figure, png
from exodx.report.words import benefit_sentence
from exodx.stats import decision_curve, prior_shift

N = 80


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(5)
    y = (np.arange(N) % 2).astype(np.int8)
    return y, rng.normal(0, 1, (3, N)) + 1.5 * (y - 0.5)


def curve_of(scores, prevalence=None, threshold=0.5):
    y, margin = scores
    return benefit_curve(y, margin, np.arange(N), 0.5, prevalence, threshold)


def by_hand(y, p, cut, prevalence):
    positive = p >= cut
    se, fpr = positive[y == 1].mean(), positive[y == 0].mean()
    return prevalence * se - (1 - prevalence) * fpr * cut / (1 - cut)


def test_the_net_benefit_is_the_mean_over_repeats_of_the_formula(scores):
    """Vickers and Elkin's formula is linear in sensitivity and specificity, so the mean over repeats is that of the mean calls."""
    y, margin = scores
    curve = curve_of(scores)
    for k in (5, 40, 80):
        expected = np.mean([by_hand(y, probability(m), curve.thresholds[k], 0.5) for m in margin])
        assert curve.model[k] == pytest.approx(expected, abs=1e-12)
    assert (curve.prevalence, curve.stated, curve.n) == (0.5, False, N)


def test_one_repeat_is_the_plain_decision_curve(scores):
    y, margin = scores
    curve = benefit_curve(y, margin[:1], np.arange(N), 0.5, None)
    plain = decision_curve(y, probability(margin[0]), curve.thresholds)
    np.testing.assert_array_equal(curve.model, plain.model)
    np.testing.assert_array_equal(curve.lower, plain.lower)
    assert curve.threshold is None


def test_repeats_of_the_same_scores_make_the_band_no_narrower(scores):
    """Three copies of one repeat are no more evidence than one: subjects, not rows, are drawn."""
    y, margin = scores
    once, thrice = (benefit_curve(y, np.repeat(margin[:1], r, 0), np.arange(N), 0.5, None) for r in (1, 3))
    np.testing.assert_allclose(once.model, thrice.model, atol=1e-12)
    np.testing.assert_allclose(once.lower, thrice.lower, atol=1e-12)
    np.testing.assert_allclose(once.upper, thrice.upper, atol=1e-12)


def test_at_the_prevalence_of_use_probabilities_and_threshold_are_moved_and_classes_weighed(scores):
    y, margin = scores
    curve = curve_of(scores, 0.05)
    k = 30
    risk = prior_shift(probability(margin.ravel()), 0.5, 0.05).reshape(margin.shape)
    assert curve.model[k] == pytest.approx(np.mean([by_hand(y, p, curve.thresholds[k], 0.05) for p in risk]), abs=1e-12)
    assert curve.treat_all[k] == pytest.approx(0.05 - 0.95 * curve.thresholds[k] / (1 - curve.thresholds[k]))
    assert curve.threshold == pytest.approx(0.05)
    assert curve.stated
    assert curve.thresholds[-1] == pytest.approx(risk.max())


def test_at_its_own_threshold_the_curve_is_the_estimate_of_net_benefit(model, make_cohort):
    cohort = make_cohort(n=120, site_case_shares=(0.4, 0.4), seed=40)
    found = evaluate_external(model, cohort, 0.1)
    curve = found.benefit_curve
    near = int(np.argmin(np.abs(np.array(curve.thresholds) - curve.threshold)))
    low, high = sorted((curve.model[max(near - 1, 0)], curve.model[near + 1]))
    assert low - 1e-9 <= found.estimate("net_benefit").value <= high + 1e-9
    assert Evaluation.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    old = found.to_dict()
    del old["benefit_curve"]
    assert Evaluation.from_dict(old).benefit_curve is None


def made(lower, treat_all, **other):
    cuts = tuple(round(0.1 * (i + 1), 1) for i in range(len(lower)))
    upper = tuple(low + 0.1 for low in lower)
    state = {"thresholds": cuts, "model": upper, "lower": lower, "upper": upper, "treat_all": treat_all}
    return BenefitCurve.from_dict(state | {"prevalence": 0.2, "stated": True, "threshold": None, "n": 9} | other)


@pytest.mark.parametrize(
    ("lower", "treat_all", "useful"),
    [
        ((0.1, 0.1, 0.1), (0.2, 0.0, -0.1), (0.2, 0.3)),
        ((0.1, -0.1, 0.1, 0.1), (0.0, 0.0, 0.0, 0.0), (0.3, 0.4)),
        ((0.1, 0.1, 0.1, -0.1), (0.0, 0.0, 0.0, 0.0), (0.1, 0.3)),
        ((0.0, -0.1), (-0.5, -0.5), None),
        ((-0.1, 0.1, -0.1), (-0.5, 0.2, -0.5), None),
    ],
)
def test_useful_is_the_longest_run_with_the_whole_band_above_both(lower, treat_all, useful):
    curve = made(lower, treat_all)
    assert curve.useful == useful
    text = benefit_sentence(curve)
    assert ("nowhere" in text) == (useful is None)
    assert text.endswith("at prevalence 0.2")


def test_scores_of_chance_are_useful_nowhere(scores):
    y, _ = scores
    noise = np.random.default_rng(0).normal(0, 0.7, (1, N))
    curve = benefit_curve(y, noise, np.arange(N), 0.5, None)
    assert curve.useful is None or curve.useful[1] - curve.useful[0] < 0.1


def test_without_a_prevalence_it_says_whose_share_it_is(scores):
    assert "no prevalence of use is stated" in benefit_sentence(curve_of(scores))


@pytest.mark.parametrize("threshold", [None, 0.4, 0.999])
def test_the_figure_holds_the_curves_and_is_the_same_each_time(scores, threshold):
    curve = curve_of(scores, 0.1, threshold)
    ax = benefit_figure(curve).axes[0]
    drawn = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(drawn["by the model"].get_ydata(), curve.model)
    np.testing.assert_array_equal(drawn["everyone called positive"].get_ydata()[1:], curve.treat_all)
    assert drawn["everyone called positive"].get_ydata()[0] == curve.prevalence
    marked = [label for label in drawn if "threshold" in label]
    assert len(marked) == (threshold is not None and curve.threshold <= curve.thresholds[-1])
    assert png(benefit_figure(curve)) == png(benefit_figure(curve))

"""Further metrics: the scaled Brier score against R and by simulation, and what every metric keeps, whoever writes it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.evaluation import evaluate_external, metrics
from exodx.evaluation.estimates import metric_estimates
from exodx.evaluation.metrics import METRICS, Metric
from exodx.evaluation.metrics.scaled_brier import scaled_brier_estimate
from exodx.report.text import evaluation_text
from exodx.report.words import label


def drawn(seed, n=200, share=0.3, strength=1.5):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(np.int8)
    y[:2] = 0, 1
    margin = rng.normal(0, 1, n) + strength * (y - 0.5)
    return y, 1 / (1 + np.exp(-margin))


def test_value_against_rms(golden):
    """val.prob of rms gives Brier and, from it, the scaled score (tests/reference/utility.R)."""
    curve = golden("utility")["curve"]
    y, p = np.array(curve["y"], np.int8), np.array(curve["p"])
    assert scaled_brier_estimate(y, p, np.arange(len(y))).value == pytest.approx(curve["scaled_brier"], abs=1e-12)


def test_the_interval_is_that_of_a_bootstrap_of_subjects():
    """4,000 resamples know a standard deviation to 1.1 %; the delta method leaves out terms of 1/n beside."""
    y, p = drawn(1, n=400)
    found = scaled_brier_estimate(y, p, np.arange(400))
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 400, (4000, 400))
    means, losses = y[rows].mean(axis=1), ((p - y) ** 2)[rows].mean(axis=1)
    spread = np.std(1 - losses / (means * (1 - means)))
    assert (found.upper - found.lower) / (2 * 1.959964) == pytest.approx(spread, rel=0.05)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """Over 1,000 cohorts of 120 from one source; the truth from one of a million. Binomial 3 SD at 95 % of 1,000: 2.1 %."""
    truth = scaled_brier_estimate(*drawn(3, n=1_000_000), np.arange(1_000_000)).value
    found = [scaled_brier_estimate(*drawn(seed, n=120), np.arange(120)) for seed in range(10, 1010)]
    assert np.mean([e.lower <= truth <= e.upper for e in found]) == pytest.approx(0.95, abs=0.025)


def test_specimens_that_repeat_make_no_narrower_interval():
    y, p = drawn(4, n=60)
    once = scaled_brier_estimate(y, p, np.arange(60))
    thrice = scaled_brier_estimate(np.tile(y, 3), np.tile(p, 3), np.tile(np.arange(60), 3))
    assert thrice.value == pytest.approx(once.value)
    assert thrice.upper - thrice.lower == pytest.approx(once.upper - once.lower, rel=1e-9)
    alone = scaled_brier_estimate(np.tile(y, 3), np.tile(p, 3), np.arange(180))
    assert alone.upper - alone.lower < 0.65 * (once.upper - once.lower)


def test_perfect_ignorant_and_worse():
    y = np.array([0, 1] * 20, np.int8)
    subjects = np.arange(40)
    assert scaled_brier_estimate(y, y.astype(float), subjects).value == 1.0
    assert scaled_brier_estimate(y, np.full(40, 0.5), subjects).value == pytest.approx(0.0)
    assert scaled_brier_estimate(y, 1.0 - y, subjects).value == pytest.approx(-3.0)


def test_what_cannot_be_estimated_says_why():
    one_class = scaled_brier_estimate(np.ones(5, np.int8), np.full(5, 0.5), np.arange(5))
    assert (one_class.value, one_class.reason) == (None, "there is one class only")
    one_subject = scaled_brier_estimate(np.array([0, 1], np.int8), np.array([0.2, 0.9]), np.zeros(2, np.intp))
    assert (one_subject.lower, one_subject.reason) == (None, "there is only one subject")


def test_every_metric_of_this_folder_is_in_the_registry():
    """The second line that a new one needs: without it this fails."""
    there = [import_module(f"exodx.evaluation.metrics.{each.name}") for each in iter_modules(metrics.__path__)]
    having = [module.METRIC for module in there if hasattr(module, "METRIC")]
    assert sorted(each.name for each in having) == sorted(each.name for each in METRICS)
    assert len({each.name for each in METRICS}) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@given(st.integers(0, 10_000))
def test_a_metric_names_its_estimate_and_does_not_look_at_the_order_of_specimens(metric: Metric, seed):
    y, p = drawn(seed, n=40)
    found = metric.judge(y, p, np.arange(40))
    order = np.random.default_rng(seed).permutation(40)
    again = metric.judge(y[order], p[order], np.arange(40)[order])
    assert found.name == metric.name
    assert (found.value is None) == (again.value is None)
    assert found.value == pytest.approx(again.value, rel=1e-9)
    assert found.lower == pytest.approx(again.lower, rel=1e-9)
    assert label(metric.name) == metric.words != metric.name


def test_repeats_are_judged_one_by_one_and_averaged():
    y, p = drawn(5)
    margin = np.log(p / (1 - p))
    found = metric_estimates(y, np.stack([margin, 0.5 * margin]), np.arange(len(y)))[0]
    each = [scaled_brier_estimate(y, 1 / (1 + np.exp(-m)), np.arange(len(y))).value for m in (margin, 0.5 * margin)]
    assert found.value == pytest.approx(np.mean(each))


def test_an_evaluation_of_new_specimens_tells_every_metric(model, make_cohort):
    evaluation = evaluate_external(model, make_cohort(seed=11), 0.1)
    named = {e.name: e for e in evaluation.estimates}
    for metric in METRICS:
        assert named[metric.name].value is not None
        assert metric.words in evaluation_text(evaluation)

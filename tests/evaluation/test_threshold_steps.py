"""Counts per threshold: they are those of the probabilities, fall with the threshold, and are the evaluation's own at its ends."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.evaluation import ThresholdSteps
from exodx.evaluation.estimates import accuracy_estimates, zone_estimates
from exodx.evaluation.threshold_steps import threshold_steps
from exodx.report.threshold_panel import accuracy_at


def drawn(seed, n=60, repeats=3, repeated=False):
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(np.int8)
    p = np.clip(rng.beta(2, 3, (repeats, n)) + 0.2 * y, 0, 1)
    subjects = np.arange(n) // 3 * 3 % n if repeated else np.arange(n)
    return y, p, subjects


@given(st.integers(0, 10_000), st.floats(0.011, 0.989), st.booleans())
def test_counts_fall_with_the_threshold_and_are_those_of_the_probabilities(seed, end, repeated):
    y, p, subjects = drawn(seed, repeated=repeated)
    steps = threshold_steps(y, p, subjects, (end,))
    assert end in steps.threshold
    assert len(steps.threshold) <= 201
    assert list(steps.threshold) == sorted(set(steps.threshold))
    for above, label in ((steps.cases_above, 1), (steps.controls_above, 0)):
        assert all(a >= b - 1e-9 for a, b in pairwise(above))
        scale = len(np.unique(subjects[y == label])) / (y == label).sum()
        direct = [(p[:, y == label] >= t).sum() / len(p) * scale for t in steps.threshold]
        np.testing.assert_allclose(above, direct, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize(("lower", "upper"), [(0.3, 0.3), (0.25, 0.6)])
def test_accuracy_at_a_threshold_is_that_of_the_calls_it_makes(lower, upper, repeated):
    y, p, subjects = drawn(5, repeated=repeated)
    steps = threshold_steps(y, p, subjects, (lower, upper))
    found = accuracy_at(steps, lower, upper, 0.07)
    if lower == upper:
        direct = accuracy_estimates(y, p >= upper, subjects, 0.07)
    else:
        direct = zone_estimates(y, p >= upper, p < lower, subjects, 0.07)
    compared = [e for e in direct if e.name in found]
    assert {e.name for e in compared} >= {"sensitivity", "specificity", "ppv", "npv"}
    for e in compared:
        assert (found[e.name].value, found[e.name].lower, found[e.name].upper) == pytest.approx(
            (e.value, e.lower, e.upper), rel=1e-12
        )


def test_without_a_prevalence_predictive_values_have_a_reason_instead():
    y, p, subjects = drawn(1)
    found = accuracy_at(threshold_steps(y, p, subjects, (0.5,)), 0.5, 0.5, None)
    assert found["ppv"].value is None
    assert "no prevalence of use is stated" in found["npv"].reason


def test_thresholds_that_are_no_share_are_left_out_and_an_unknown_one_is_refused():
    y, p, subjects = drawn(1)
    steps = threshold_steps(y, p, subjects, (0.0, 1.0))
    assert (min(steps.threshold), max(steps.threshold)) == (0.005, 0.995)
    with pytest.raises(ValueError, match="not in tuple"):
        steps.at(0.1234)


def test_steps_can_be_rebuilt_from_json():
    y, p, subjects = drawn(2)
    steps = threshold_steps(y, p, subjects, (0.123,))
    assert ThresholdSteps.from_dict(json.loads(json.dumps(asdict(steps)))) == steps

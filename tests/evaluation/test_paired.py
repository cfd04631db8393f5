"""Two frozen models on the same specimens: every number is that of the specimens both score, in whatever order they come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exodx.errors import InputRefused
from exodx.evaluation import evaluate_external
from exodx.evaluation.audits import Finding
from exodx.evaluation.paired import compare_models
from exodx.evaluation.side_by_side import side_by_side
from exodx.frozen.threshold import INDETERMINATE, POSITIVE
from exodx.stats import auc_delong, compare_calls
from exodx.training import train_model


@pytest.fixture(scope="module")
def other(make_cohort, fast_plan):
    return train_model(make_cohort(n=150, seed=23), replace(fast_plan, seed=4))


@pytest.fixture(scope="module")
def new(make_cohort):
    return make_cohort(n=160, seed=31)


@pytest.fixture(scope="module")
def compared(model, other, new):
    return compare_models((model, new), (other, new), 0.2)


def named(compared, name):
    return next(both for both in compared.estimates if both.a.name == name)


def test_each_model_alone_is_what_evaluate_tells(compared, model, other, new):
    for side, each in (("a", model), ("b", other)):
        alone = evaluate_external(each, new, 0.2)
        for name in ("auc", "sensitivity", "specificity", "ppv", "brier", "calibration_slope", "observed_expected"):
            assert getattr(named(compared, name), side) == alone.estimate(name)


def test_a_model_that_has_seen_the_cohort_is_named_before_any_number(compared, model, other, new):
    assert compared.apparent == ()
    seen = new.sorted().fingerprint
    trained = replace(other, provenance=replace(other.provenance, cohort_fingerprint=seen))
    tuned = replace(model, provenance=replace(model.provenance, recalibration_fingerprint=seen))
    told = compare_models((tuned, new), (trained, new), 0.2).apparent
    assert [line[:2] for line in told] == ["A:", "B:"]
    assert "recalibrated on these specimens" in told[0]
    assert "trained on these specimens" in told[1]


def test_differences_are_a_minus_b_and_paired(compared, model, other, new):
    cohort = new.sorted()
    first, second = (each.predict(cohort.measurements, cohort.ids) for each in (model, other))
    rows = first.is_scored & second.is_scored
    y = cohort.y[rows]
    auc = named(compared, "auc").difference
    assert auc.value == pytest.approx(auc_delong(y, first.margin[rows]).value - auc_delong(y, second.margin[rows]).value, abs=1e-12)
    assert auc.lower <= auc.value <= auc.upper
    a, b = (np.array(p.call)[rows] == POSITIVE for p in (first, second))
    sensitivity, specificity = compare_calls(y, a, b, cohort.subjects[rows])
    assert (compared.sensitivity, compared.specificity) == (sensitivity, specificity)
    assert named(compared, "sensitivity").difference == sensitivity.difference
    changed = (a != b).sum()
    assert (
        sum(compared.calls.values()) == changed == sensitivity.only_a + sensitivity.only_b + specificity.only_a + specificity.only_b
    )


def test_the_other_way_round_every_difference_turns_its_sign(compared, model, other, new):
    turned = compare_models((other, new), (model, new), 0.2)
    for name in ("auc", "sensitivity", "specificity"):
        ours, theirs = named(compared, name).difference, named(turned, name).difference
        assert (ours.value, ours.lower, ours.upper) == pytest.approx((-theirs.value, -theirs.upper, -theirs.lower), abs=1e-9)
    assert compared.curves == turned.curves[::-1]


def test_the_order_of_rows_plays_no_part(compared, model, other, new):
    order = np.random.default_rng(0).permutation(len(new))
    assert compare_models((model, new[order]), (other, new), 0.2).estimates == compared.estimates


def test_a_model_beside_itself_differs_in_nothing(model, new):
    same = compare_models((model, new), (model, new), 0.2)
    assert (named(same, "auc").difference.value, same.calls) == (0, {})
    assert named(same, "auc").difference.lower is None  # no variance: the reason stands instead
    assert (same.sensitivity.only_a, same.sensitivity.p) == (0, 1.0)
    assert sum(both.a.name.startswith("net_benefit") for both in same.estimates) == 1


def test_net_benefits_are_weighed_by_one_risk(compared):
    at = [both for both in compared.estimates if both.a.name.startswith("net_benefit")]
    assert [both.a.name.rsplit(" ", 2)[1] for both in at] == ["A's", "B's"]
    for both in at:
        assert both.a.name == both.b.name
        assert both.a.method == both.b.method  # it names prevalence and risk


def test_without_a_prevalence_there_is_no_net_benefit(model, other, new):
    found = compare_models((model, new), (other, new), None)
    (benefit,) = [both for both in found.estimates if both.a.name.startswith("net_benefit")]
    assert benefit.a.value is None
    assert "prevalence" in benefit.a.reason


def test_indeterminate_is_an_error_either_way(model, other, new):
    cut = other.threshold.value
    zoned = replace(other, threshold=replace(other.threshold, lower=max(cut - 0.1, 0.01), upper=min(cut + 0.1, 0.99)))
    found = compare_models((model, new), (zoned, new), 0.2)
    calls = np.array(zoned.predict(new.measurements, new.ids).call)
    assert (calls == INDETERMINATE).any()
    assert any(what.endswith(f"→ {INDETERMINATE}") for what in found.calls)
    sensitivity = named(found, "sensitivity")
    assert sensitivity.difference.value == pytest.approx(sensitivity.a.value - sensitivity.b.value, abs=1e-12)
    specificity = named(found, "specificity")
    assert specificity.difference.value == pytest.approx(specificity.a.value - specificity.b.value, abs=1e-12)


def test_other_labels_and_too_few_specimens_are_refused(model, other, new):
    standard = 1 - new.reference_standard
    with pytest.raises(InputRefused, match="LABELS_DIFFER"):
        compare_models((model, new), (other, replace(new, reference_standard=standard)), None)
    with pytest.raises(InputRefused, match="TOO_FEW_SPECIMENS"):
        compare_models((model, new[new.y == 1]), (other, new[new.y == 1]), None)


def test_no_specimen_is_in_the_answer(compared, new):
    told = str(compared.to_dict())
    assert not any(name in told for name in new.ids)


def test_side_by_side_tells_what_differs(model, other, new):
    first, second = (evaluate_external(each, new, 0.2) for each in (model, other))
    second = replace(second, findings=(*second.findings, Finding("only_here", "warning", "x")))
    found = side_by_side(first, second, ({"plan.seed": "1", "same": "x"}, {"plan.seed": "4", "same": "x", "more": "y"}), False)
    assert found.choices == {"plan.seed": ("1", "4"), "more": ("–", "y")}
    assert "only_here" in {f.code for f in found.only_b}
    assert "only_here" not in {f.code for f in found.only_a}
    assert found.headlines == (first.headline, second.headline)
    assert all(both.difference is None for both in found.estimates)
    nothing = side_by_side(None, first, ({}, {}), None)
    assert (nothing.estimates, nothing.headlines[0], nothing.only_a) == ((), None, ())

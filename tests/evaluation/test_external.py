"""External validation: calibration, net benefit, subgroups, and what differs from training."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from exodx.cohort.columns import UNKNOWN
from exodx.evaluation import Evaluation, evaluate_external
from exodx.evaluation.check import check_cohort
from exodx.evaluation.shift import MARGIN
from exodx.report import evaluation_text
from exodx.stats import calibration_intercept, calibration_slope, observed_expected, prior_shift


@pytest.fixture(scope="module")
def alike(model, make_cohort):
    cohort = make_cohort(n=150, not_run_share=0.05, seed=31)
    return cohort, evaluate_external(model, cohort, 0.1)


def scored(model, cohort):
    cohort = cohort.sorted()
    prediction = model.predict(cohort.measurements, cohort.ids)
    rows = prediction.is_scored
    return cohort.y[rows], prediction.probability[rows], np.array(prediction.call)[rows]


def codes(found):
    return [f.code for f in found.findings]


def test_calibration_is_that_of_the_scored_probabilities(model, alike):
    cohort, found = alike
    y, p, _ = scored(model, cohort)
    expected = {"observed_expected": observed_expected, "calibration_slope": calibration_slope}
    for name, of in (*expected.items(), ("calibration_intercept", calibration_intercept)):
        estimate, wanted = found.estimate(name), of(y, p)
        assert estimate.value == pytest.approx(wanted.value)
        assert (estimate.lower, estimate.upper) == pytest.approx((wanted.lower, wanted.upper))
    assert found.estimate("observed_expected").value == pytest.approx(y.sum() / p.sum())


def test_net_benefit_by_hand(model, alike):
    cohort, found = alike
    y, _, call = scored(model, cohort)
    se, fpr = (call[y == 1] == "positive").mean(), (call[y == 0] == "positive").mean()
    share = model.provenance.share_positive
    odds = model.threshold.value / (1 - model.threshold.value) * (0.1 / 0.9) / (share / (1 - share))
    assert found.estimate("net_benefit").value == pytest.approx(0.1 * se - 0.9 * fpr * odds)
    assert found.estimate("net_benefit_all").value == pytest.approx(0.1 - 0.9 * odds)
    gain = found.estimate("net_benefit").value - found.estimate("net_benefit_all").value
    assert found.estimate("interventions_avoided").value == pytest.approx(100 * gain / odds)
    risk = prior_shift([model.threshold.value], share, 0.1)[0]
    assert odds == pytest.approx(risk / (1 - risk))


def test_without_a_prevalence_of_use_there_is_no_net_benefit(model, make_cohort):
    found = evaluate_external(model, make_cohort(n=40, seed=2), None)
    for name in ("net_benefit", "net_benefit_all", "interventions_avoided"):
        assert found.estimate(name).value is None
        assert "prevalence" in found.estimate(name).reason
    assert found.estimate("observed_expected").value is not None


def test_subgroups_hold_everyone_and_small_ones_say_why_not(model, alike):
    cohort, found = alike
    for column in ("sex", "age"):
        parts = [part for part in found.subgroups if part.column == column]
        assert sum(part.n for part in parts) == len(cohort)
        assert sum(part.n_positive for part in parts) == cohort.y.sum()
    assert [part.group for part in found.subgroups] == ["female", "male", "<65", "≥65"]
    few = cohort[np.r_[np.flatnonzero(cohort.y == 1)[:8], np.flatnonzero(cohort.y == 0)[:8]]]
    sex = ["female"] * 7 + [UNKNOWN] + ["female"] * 6 + ["male"] * 2
    few = replace(few, specimens=few.specimens.assign(sex=sex, age=[30.0 + i for i in range(15)] + [np.nan]))
    small = {part.group: part for part in evaluate_external(model, few, None).subgroups if part.column == "sex"}
    assert list(small) == ["female", "male", UNKNOWN]
    assert small["female"].auc.value is not None
    assert "0 positive and 2 negative subjects" in small["male"].auc.reason
    assert "not stated" in small[UNKNOWN].auc.reason


def test_an_age_that_divides_no_class_is_divided_at_the_median(model, make_cohort):
    cohort = make_cohort(n=80, seed=5)
    young = replace(cohort, specimens=cohort.specimens.assign(age=np.arange(80.0) / 2 + 20))
    groups = [part.group for part in evaluate_external(model, young, None).subgroups if part.column == "age"]
    assert groups == ["<39.75", "≥39.75"]
    same = replace(cohort, specimens=cohort.specimens.assign(age=50.0))
    assert not [part for part in evaluate_external(model, same, None).subgroups if part.column == "age"]


def test_a_cohort_like_the_training_one_shows_no_shift(alike):
    _, found = alike
    assert found.shift is not None
    assert {"feature_shift", "missingness_shift", "prevalence_shift", "outside_training_range"}.isdisjoint(codes(found))
    assert [f.feature for f in found.shift.features][-1] == MARGIN
    assert all(f.psi is None and f.p is not None for f in found.shift.features)
    assert found.shift.margin_sd == pytest.approx(found.shift.margin_sd_training, rel=0.25)


def test_shifted_analytes_blanks_and_shares_of_cases_are_each_named(model, make_cohort):
    cohort = make_cohort(n=120, not_run_share=0.05, seed=8)
    values = cohort.measurements.values.copy()
    values[:, cohort.panel.names.index("PD-L1")] *= 8
    moved = evaluate_external(model, replace(cohort, measurements=replace(cohort.measurements, values=values)), None)
    assert next(f for f in moved.findings if f.code == "feature_shift").message.count("PD-L1") == 1
    assert "outside_training_range" in codes(moved)
    shift = {f.feature: f for f in moved.shift.features}
    assert shift["PD-L1"].outside > 0.5
    assert shift["miR-126-3p"].outside < 0.1
    assert "missingness_shift" in codes(evaluate_external(model, make_cohort(n=120, not_run_share=0.4, seed=8), None))
    rare = evaluate_external(model, make_cohort(n=150, site_case_shares=(0.15, 0.15), seed=8), None)
    here, there = rare.shift.share_positive.value, rare.shift.share_positive_model
    by_share = np.log(here / (1 - here)) - np.log(there / (1 - there))
    message = next(f.message for f in rare.findings if f.code == "prevalence_shift")
    assert f"{by_share:.2f}".replace("-", "−") in message


def test_from_200_subjects_the_stability_index_counts(model, make_cohort):
    found = evaluate_external(model, make_cohort(n=240, site_sd=3.0, seed=6), None)
    assert all(f.p is None and f.psi >= 0 and f.psi_by_chance > 0 for f in found.shift.features)
    assert "feature_shift" in codes(found)


def test_copies_of_a_specimen_are_no_evidence_of_a_shift(model, make_cohort):
    once = make_cohort(n=60, site_sd=1.0, seed=12)
    copies = replace(once, specimens=once.specimens.set_axis([f"{name}-b" for name in once.ids], axis=0))
    whole = replace(
        once,
        specimens=pd.concat([once.specimens, copies.specimens]),
        measurements=once.measurements[np.r_[0:60, 0:60]],
        reference_standard=pd.concat([once.reference_standard, copies.reference_standard]),
        unused=None,
        written=None,
    )
    a, b = (evaluate_external(model, cohort, None).shift for cohort in (once, whole))
    assert [(f.feature, f.distance, f.p, f.missing_p) for f in a.features] == [
        (f.feature, f.distance, f.p, f.missing_p) for f in b.features
    ]
    assert a.n_subjects == b.n_subjects == 60


def test_a_model_that_kept_less_says_so(model, make_cohort):
    old = replace(model, reference={k: v for k, v in model.reference.items() if k not in ("distribution", "margin")})
    found = evaluate_external(old, make_cohort(n=40, seed=2), None)
    assert found.shift.features == ()
    assert "did not keep" in evaluation_text(found)


def test_it_rebuilds_from_json_and_is_told_in_text(alike):
    _, found = alike
    assert Evaluation.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    text = evaluation_text(found)
    for part in ("Net benefit", "sex female", "age ≥65", "case mix", "Kolmogorov", "Observed over expected"):
        assert part in text


def test_no_quantile_of_training_is_an_extreme_value(model, cohort):
    """The bundle keeps 21 quantiles of a feature, and none is the smallest or the largest specimen's."""
    values = model.transform.apply(cohort.measurements).values
    for name, column in zip(model.features, values.T, strict=True):
        points = model.reference["distribution"][name]["points"]
        assert np.nanmin(column) < points[0]
        assert points[-1] < np.nanmax(column)


def test_a_check_against_a_model_counts_what_lies_off_its_training_specimens(model, make_cohort):
    new = make_cohort(n=60, seed=63)
    m = new.measurements
    targets = [m.names.index(name) for name in model.features if name in m.names]
    values = m.values.copy()
    values[:, targets] *= np.where(np.arange(len(targets)) % 2, 1.3, 0.75)
    found = check_cohort(replace(new, measurements=replace(m, values=values)), model)
    wanted = model.predict(replace(m, values=values), new.ids)
    said = {f.code: f.message for f in found.findings}
    assert f"{sum(' OUT_OF_DOMAIN' in f' {r}' for r in wanted.reasons)} of 60 specimens" in said["out_of_domain"]
    assert found.status == {s: wanted.status.count(s) for s in sorted(set(wanted.status))}

"""A recalibrated model is a new version: other probabilities, the same trees, order and calls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exodx.cohort import Cohort
from exodx.errors import InputRefused
from exodx.evaluation import evaluate_external
from exodx.frozen import Calibrator, load_bundle, save_bundle
from exodx.frozen.calibrator import probability
from exodx.stats import prior_shift, recalibrate
from exodx.training import recalibrate_model

HASH = "0" * 64


@pytest.fixture(scope="module")
def rare(make_cohort):
    """Simulate one case in five, where training had one in two."""
    return make_cohort(n=300, site_case_shares=(0.2, 0.2), seed=41).sorted()


@pytest.fixture(scope="module")
def version(model, rare):
    return recalibrate_model(model, HASH, rare)


def predicted(model, cohort: Cohort):
    found = model.predict(cohort.measurements, cohort.ids)
    return found, found.is_scored


def test_the_probabilities_are_those_of_the_checked_refit(model, version, rare):
    before, scored = predicted(model, rare)
    after, _ = predicted(version, rare)
    refit = recalibrate(rare.y[scored], before.probability[scored])
    assert refit.kind != "none"
    np.testing.assert_allclose(after.probability[scored], refit.apply(before.probability[scored]), rtol=1e-9)
    assert after.probability[scored].mean() == pytest.approx(rare.y[scored].mean(), abs=1e-6)
    assert version.provenance.recalibrated.startswith(refit.reason)


def test_calls_status_and_order_stay(model, version, rare, make_cohort):
    for cohort in (rare, make_cohort(n=200, not_run_share=0.1, seed=42)):
        before, scored = predicted(model, cohort)
        after, _ = predicted(version, cohort)
        assert (before.call, before.status, before.reasons) == (after.call, after.status, after.reasons)
        assert (np.argsort(before.margin[scored]) == np.argsort(after.margin[scored])).all()
    assert version.threshold.value != model.threshold.value
    assert version.forest.ubjson == model.forest.ubjson


def test_shap_still_adds_up_to_the_margin(version, rare):
    after, scored = predicted(version, rare)
    explained = version.explain(rare.measurements)
    np.testing.assert_allclose(explained.values[scored].sum(axis=1) + explained.base, after.margin[scored], atol=1e-4)


def test_the_parent_stays_and_the_bundle_knows_it(model, rare, tmp_path):
    parent_hash = save_bundle(model, tmp_path / "1")
    child = recalibrate_model(model, parent_hash, rare)
    child_hash = save_bundle(child, tmp_path / "2")
    loaded, found = load_bundle(tmp_path / "2")
    assert (loaded.provenance, found) == (child.provenance, child_hash)
    assert loaded.provenance.parent == parent_hash == load_bundle(tmp_path / "1")[1] != child_hash
    assert load_bundle(tmp_path / "1")[0].provenance.parent == ""
    assert loaded.provenance.holds_at == pytest.approx(0.2, abs=0.02)
    assert loaded.provenance.cohort_fingerprint == model.provenance.cohort_fingerprint


def test_its_calibration_is_apparent_here_and_better_elsewhere(model, version, rare, make_cohort):
    here = evaluate_external(version, rare, None)
    assert "recalibration_cohort" in [f.code for f in here.findings]
    assert "prevalence_shift" not in [f.code for f in here.findings]
    elsewhere = make_cohort(n=300, site_case_shares=(0.2, 0.2), seed=43)
    before, after = (evaluate_external(m, elsewhere, 0.05) for m in (model, version))
    assert "recalibration_cohort" not in [f.code for f in after.findings]
    assert abs(after.estimate("calibration_intercept").value) < abs(before.estimate("calibration_intercept").value) / 2
    assert after.estimate("auc").value == pytest.approx(before.estimate("auc").value)


def test_its_margins_are_compared_with_margins_moved_alike(model, version, make_cohort):
    cohort = make_cohort(n=100, seed=44)
    before, after = (evaluate_external(m, cohort, None).shift.features[-1] for m in (model, version))
    assert after.distance == pytest.approx(before.distance, abs=0.011)


def test_a_stated_prevalence_is_bayes_rule_on_top(version, model, rare):
    moved = recalibrate_model(model, HASH, rare, prevalence=0.03)
    after, scored = predicted(version, rare)
    there, _ = predicted(moved, rare)
    share = rare.y[scored].mean()
    np.testing.assert_allclose(there.probability[scored], prior_shift(after.probability[scored], share, 0.03), rtol=1e-9)
    assert there.call == after.call
    assert (moved.provenance.holds_at, "to 0.03" in moved.provenance.recalibrated) == (0.03, True)


def test_a_cohort_too_small_to_refit_is_shifted_from_the_share_of_training(model, make_cohort):
    few = make_cohort(n=30, site_case_shares=(0.25,), seed=3)
    with pytest.raises(InputRefused, match=r"NOT_RECALIBRATED.*of the rarer class; an intercept needs 10"):
        recalibrate_model(model, HASH, few)
    moved = recalibrate_model(model, HASH, few, prevalence=0.05)
    before, scored = predicted(model, few)
    after, _ = predicted(moved, few)
    share = model.provenance.share_positive
    np.testing.assert_allclose(after.probability[scored], prior_shift(before.probability[scored], share, 0.05), rtol=1e-9)


def test_what_cannot_be_recalibrated_is_refused(model, cohort, make_cohort):
    with pytest.raises(InputRefused, match="RECALIBRATION_ON_TRAINING"):
        recalibrate_model(model, HASH, cohort)
    fits = make_cohort(n=120, seed=31)
    with pytest.raises(InputRefused, match="fit as they are"):
        recalibrate_model(model, HASH, fits)
    reversed_ = replace(fits, reference_standard=1 - fits.reference_standard)
    with pytest.raises(InputRefused, match="ORDER_REVERSED"):
        recalibrate_model(model, HASH, reversed_)
    with pytest.raises(InputRefused, match="0 negative"):
        recalibrate_model(model, HASH, fits[fits.y == 1])


def test_margins_that_are_too_wide_get_a_slope_below_one(model, make_cohort):
    calibrator = model.calibrator
    bold = replace(model, calibrator=Calibrator(3 * calibrator.slope, 3 * calibrator.intercept))
    cohort = make_cohort(n=300, seed=45)
    tamed = recalibrate_model(bold, HASH, cohort)
    assert tamed.calibrator.slope < 0.6 * bold.calibrator.slope
    raw = np.array([-1.0, 0.0, 1.0])
    assert (np.diff(probability(tamed.calibrator.margin(raw))) > 0).all()

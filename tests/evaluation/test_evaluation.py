"""Headlines, findings, sites and subjects."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from exodx.cohort import Cohort, site_folds
from exodx.cohort.columns import UNKNOWN
from exodx.errors import InputRefused
from exodx.evaluation import Evaluation, evaluate_external, evaluate_inside
from exodx.evaluation.curves import calibration_bins, roc_band
from exodx.evaluation.estimates import accuracy_estimates, site_auc
from exodx.panel import StudyPlan
from exodx.training import CrossValidation, Validation, cross_validate, repeated_folds, train_model


def at_sites(cohort: Cohort, sites: list[str]) -> Cohort:
    return replace(cohort, specimens=cohort.specimens.assign(site=sites))


def inside(cohort: Cohort, plan: StudyPlan, prevalence: float | None = None) -> Evaluation:
    folds, names = site_folds(cohort.sites)
    random = cross_validate(cohort, plan, repeated_folds(cohort, plan), "random", 2, lambda: None)
    by_site: CrossValidation | None = None
    if len(names) > 1:
        by_site = cross_validate(cohort, plan, folds[None], "leave-one-site-out", 2, lambda: None)
    return evaluate_inside(cohort, train_model(cohort, plan), Validation(random, by_site), prevalence, plan.seed)


@pytest.fixture(scope="module")
def evaluation(cohort, fast_plan):
    return inside(cohort.sorted(), fast_plan, prevalence=0.1)


def test_rebuilds_from_json(evaluation):
    assert Evaluation.from_dict(json.loads(json.dumps(evaluation.to_dict()))) == evaluation


def test_sites_give_the_headline_and_the_consistency_law_holds(evaluation):
    assert evaluation.headline.design == "leave-one-site-out"
    auc, se, sp = (evaluation.estimate(name).value for name in ("auc", "sensitivity", "specificity"))
    assert se * sp <= auc <= 1 - (1 - se) * (1 - sp)
    with pytest.raises(KeyError, match="sensitivity"):
        evaluation.estimate("recall")


def test_predictive_values_follow_the_prevalence_and_sensitivity_does_not():
    counts = np.array([1, 1, 1, 0, 0, 0]), np.array([[1, 1, 0, 0, 0, 1]], bool), np.arange(6)
    rare, common, none = ({e.name: e for e in accuracy_estimates(*counts, p)} for p in (0.05, 0.5, None))
    assert rare["sensitivity"] == common["sensitivity"] == none["sensitivity"]
    assert rare["ppv"].value < common["ppv"].value
    assert none["ppv"].value is None
    assert "prevalence" in none["ppv"].reason


def test_sites_that_cannot_be_evaluated_leave_the_headline_to_random_folds(cohort, fast_plan):
    """Two of three sites hold one class only: one site alone is no leave-one-site-out."""
    cohort = cohort.sorted()
    sites = np.full(len(cohort), "A", dtype=object)
    sites[np.flatnonzero(cohort.y == 1)[:20]], sites[np.flatnonzero(cohort.y == 0)[:20]] = "B", "C"
    found = inside(at_sites(cohort, list(sites)), fast_plan)
    assert found.headline.design == "random"
    assert found.headline.value == found.estimate("auc").value
    assert [s.auc.value is None for s in found.sites] == [False, True, True]
    assert "sites_not_evaluable" in [f.code for f in found.findings]


def test_specimens_of_unknown_site_take_no_part_in_leave_one_site_out(cohort, fast_plan):
    sites = [UNKNOWN if i % 5 == 0 else "AB"[i % 2] for i in range(len(cohort))]
    found = inside(at_sites(cohort.sorted(), sites), fast_plan)
    assert [s.site for s in found.sites] == ["A", "B"]
    assert sum(s.n for s in found.sites) == len(cohort) - sites.count(UNKNOWN)
    assert "site_unknown" in [f.code for f in found.findings]


def test_copies_of_a_subject_do_not_narrow_a_sites_interval():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 30)
    margin = y + rng.normal(0, 1.2, 60)
    once = site_auc(y, margin, np.arange(60))
    copied = site_auc(np.tile(y, 6), np.tile(margin, 6), np.tile(np.arange(60), 6))
    assert copied.value == pytest.approx(once.value)
    assert copied.upper - copied.lower == pytest.approx(once.upper - once.lower, rel=0.02)


def test_the_training_cohort_is_not_an_external_one(model, cohort):
    found = evaluate_external(model, cohort, None)
    assert ("training_cohort", "blocking") in [(f.code, f.severity) for f in found.findings]
    assert "synthetic_model" in [f.code for f in found.findings]


def test_an_external_cohort_of_one_class_is_refused(model, cohort):
    with pytest.raises(InputRefused, match="both classes"):
        evaluate_external(model, cohort[cohort.y == 1], None)


def test_a_confounded_site_is_named_and_blocks_when_strong(make_cohort, fast_plan):
    for shares, severity in (((0.72, 0.28), "warning"), ((0.95, 0.05), "blocking")):
        cohort = make_cohort(n=160, site_case_shares=shares, effect=0.0, seed=3).sorted()
        found = {f.code: f.severity for f in inside(cohort, fast_plan).findings}
        assert found["site_confounded"] == severity
    fair = make_cohort(n=160, site_case_shares=(0.5, 0.5), seed=3).sorted()
    assert "site_confounded" not in {f.code for f in inside(fair, fast_plan).findings}


def test_a_cohort_from_which_no_fold_can_learn_is_refused(make_cohort):
    tiny = make_cohort(n=4, site_case_shares=(0.5,), seed=1).sorted()
    plan = StudyPlan(budget="minimal", repeats=1, outer_folds=2)
    with pytest.raises(InputRefused, match="TOO_FEW_SPECIMENS"):
        cross_validate(tiny, plan, repeated_folds(tiny, plan), "random", 1, lambda: None)


def test_roc_band_encloses_the_curve_and_calibration_groups_hold_everyone():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 200)
    score = y + rng.normal(0, 1, 200)
    band = roc_band(y, score, np.arange(200), seed=0)
    inside_band = np.mean([lo - 1e-9 <= s <= up + 1e-9 for lo, s, up in zip(band.lower, band.sensitivity, band.upper, strict=True)])
    assert inside_band > 0.95
    assert band == roc_band(y, score, np.arange(200), seed=0)
    bins = calibration_bins(y, 1 / (1 + np.exp(-score)))
    assert sum(b.n for b in bins) == 200
    assert all(b.lower <= b.observed <= b.upper for b in bins)
    assert sorted(b.probability for b in bins) == [b.probability for b in bins]


def test_directions_are_found(evaluation):
    directions = {f.feature: f.direction for f in evaluation.features}
    assert (directions["PD-L1"], directions["miR-145-5p"]) == ("up", "down")


def test_the_order_of_rows_changes_nothing_of_an_evaluation(model, make_cohort):
    cohort = make_cohort(n=60, site_case_shares=(0.7, 0.3), repeated_share=0.1, seed=21)
    order = np.random.default_rng(0).permutation(len(cohort))
    assert evaluate_external(model, cohort[order], 0.1) == evaluate_external(model, cohort, 0.1)

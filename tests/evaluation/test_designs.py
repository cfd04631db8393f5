"""Sites, later subjects and permuted labels in an evaluation: what is estimated, what is refused, what comes first."""

from dataclasses import replace

import numpy as np
import pytest

from exodx.cohort import site_folds, temporal_folds
from exodx.evaluation import Evaluation, evaluate_inside, gap_lines
from exodx.evaluation.designs import audit_permutation, permutation_estimates, site_estimates
from exodx.report import evaluation_text
from exodx.stats import Estimate, auc, auc_delong, pooled_auc
from exodx.training import PermutedRuns, Validation, cross_validate, repeated_folds, train_model


@pytest.fixture(scope="module")
def done(make_cohort, fast_plan):
    cohort = make_cohort(n=150, site_case_shares=(0.7, 0.5, 0.3), repeated_share=0.1, seed=6).sorted()
    folds, sites = repeated_folds(cohort, fast_plan), site_folds(cohort.sites)[0][None]
    later, first = temporal_folds(cohort)
    runs = [cross_validate(cohort, fast_plan, f, d, 1, lambda: None) for f, d in ((folds, "r"), (sites, "s"), (later, first))]
    permuted = PermutedRuns(0.85, np.linspace(0.4, 0.6, 41), True)
    validation = Validation(runs[0], runs[1], temporal=runs[2], permuted=permuted)
    return cohort, validation, evaluate_inside(cohort, train_model(cohort, fast_plan), validation, 0.2, 0)


def test_the_temporal_design_learns_from_the_earlier_alone(done):
    cohort, validation, evaluation = done
    temporal = validation.temporal
    held = (temporal.folds[0] == 0) & np.isfinite(temporal.margin[0])
    assert np.isnan(temporal.margin[0][temporal.folds[0] != 0]).all()
    assert {(c.repeat, c.fold) for c in temporal.choices} == {(r, 0) for r in range(len(temporal.folds))}
    assert temporal.choices[0].n_train <= (temporal.folds[0] == -2).sum()
    found = evaluation.estimate("auc_temporal")
    assert found.value == pytest.approx(auc(cohort.y[held], temporal.margin[0, held]))
    assert evaluation.estimate("gap_temporal").value == pytest.approx(evaluation.estimate("auc").value - found.value)
    assert 0 < evaluation.estimate("sensitivity_temporal").value <= 1
    assert evaluation.estimate("auc_forward_chaining").method.endswith("3 blocks")


def test_later_subjects_are_called_by_the_grey_zone_too(done, fast_plan):
    """As in the random design, a specimen between the limits is no call; else later subjects are flattered."""
    cohort, validation, _ = done
    temporal = validation.temporal
    zoned = replace(temporal, choices=tuple(replace(c, zone=(0.2, 0.8)) for c in temporal.choices))
    random = replace(validation.random, choices=tuple(replace(c, zone=(0.2, 0.8)) for c in validation.random.choices))
    found = evaluate_inside(cohort, train_model(cohort, fast_plan), replace(validation, random=random, temporal=zoned), None, 0)
    rows = (temporal.folds[0] == 0) & np.isfinite(temporal.margin[0])
    p = 1 / (1 + np.exp(-temporal.margin[0, rows]))
    case = cohort.y[rows] == 1
    assert found.estimate("sensitivity_temporal").value == pytest.approx((p[case] >= 0.8).mean())
    assert found.estimate("indeterminate_temporal").value == pytest.approx(((p >= 0.2) & (p < 0.8)).mean(), abs=0.01)


def test_specimens_after_the_cut_change_nothing_that_is_learned(done, fast_plan):
    """Garbage in the later half of the labels moves no margin by which the later are scored."""
    cohort, validation, _ = done
    later = validation.temporal.folds[:1]
    label = cohort.reference_standard.copy()
    label[later[0] != -2] = 1 - label[later[0] != -2]
    again = cross_validate(replace(cohort, reference_standard=label), fast_plan, later, "", 1, lambda: None)
    np.testing.assert_array_equal(again.margin[0], validation.temporal.margin[0])


def test_the_headline_stays_leave_one_site_out(done):
    assert done[2].headline.design == "leave-one-site-out"


def test_a_new_sites_range_is_wider_than_the_means_interval(done):
    mean, new = done[2].estimate("auc_leave_one_site_out"), done[2].estimate("auc_new_site")
    assert new.value == mean.value
    assert new.lower < mean.lower < mean.upper < new.upper
    assert "95 % prediction interval" in evaluation_text(done[2])


def test_gaps_come_first_sites_before_dates(done):
    first, second, third = evaluation_text(done[2]).strip().splitlines()[:3]
    gap = done[2].estimate("gap_leave_one_site_out")
    assert " minus leave-one-site-out " in first
    assert f"{gap.value:.3f}".replace("-", "−") in first
    assert f"{gap.upper:.3f}" in first
    assert " minus temporal " in second
    assert third.startswith("AUC ")
    assert [first, second] == gap_lines(done[2])


def two_sites(validation, keep):
    folds = np.where(np.isin(validation.by_site.folds, keep), validation.by_site.folds, -1)
    return replace(validation.by_site, folds=folds)


def test_two_sites_have_a_gap_without_an_interval_and_no_new_sites_range(done):
    cohort, validation, evaluation = done
    random = evaluation.estimate("auc")
    _, found = site_estimates(cohort, two_sites(validation, [0, 1]), random)
    by_name = {e.name: e for e in found}
    assert set(by_name) == {"auc_leave_one_site_out", "gap_leave_one_site_out"}
    gap = by_name["gap_leave_one_site_out"]
    assert (gap.lower, "two sites" in gap.reason) == (None, True)
    assert gap.value == pytest.approx(random.value - by_name["auc_leave_one_site_out"].value)


def test_one_usable_site_is_said_first_too(done):
    cohort, validation, evaluation = done
    sites, found = site_estimates(cohort, two_sites(validation, [0]), evaluation.estimate("auc"))
    assert found == []
    named = {e.name for e in evaluation.estimates if "leave_one" in e.name}
    rest = replace(evaluation, sites=sites, estimates=tuple(e for e in evaluation.estimates if e.name not in named))
    assert gap_lines(rest)[0].startswith("random CV minus leave-one-site-out: not estimated")


def test_the_mean_over_sites_is_never_of_pooled_scores(done):
    cohort, validation, evaluation = done
    sites, margin = validation.by_site.folds[0], validation.by_site.margin[0]
    known = np.isfinite(margin)
    own = [auc_delong(cohort.y[known & (sites == s)], margin[known & (sites == s)]) for s in range(3)]
    assert evaluation.estimate("auc_leave_one_site_out").value == pytest.approx(pooled_auc(own).estimate.value, abs=0.01)


def test_permutations_are_told_with_range_and_p(done):
    evaluation = done[2]
    found, p = evaluation.estimate("auc_permuted"), evaluation.estimate("permutation_p")
    assert (found.value, found.lower, found.upper) == pytest.approx((0.5, 0.405, 0.595))
    assert p.value == pytest.approx(1 / 42)
    assert "within sites 41 times" in found.method
    assert "95 % of permutations 0.405 to 0.595" in evaluation_text(evaluation)
    assert Evaluation.from_dict(evaluation.to_dict()) == evaluation


@pytest.mark.parametrize(
    ("aucs", "observed", "codes"),
    [
        (np.random.default_rng(0).normal(0.5, 0.05, 200), 0.8, set()),
        (np.random.default_rng(0).normal(0.5, 0.05, 200), 0.52, {"permutation_not_beaten"}),
        (np.random.default_rng(0).normal(0.56, 0.05, 200), 0.8, {"permutation_fails"}),
        (np.random.default_rng(0).normal(0.44, 0.05, 200), 0.8, {"permutation_fails"}),
        (np.random.default_rng(0).normal(0.5, 0.05, 5), 0.8, {"permutations_few"}),
        (np.array([0.7]), 0.8, {"permutations_few"}),
        (np.array([0.49, 0.51, np.nan]), 0.8, {"permutations_few"}),
    ],
)
def test_a_null_off_one_half_blocks_and_a_p_above_a_twentieth_warns(aucs, observed, codes):
    findings = audit_permutation(PermutedRuns(observed, aucs, False))
    assert {f.code for f in findings} == codes
    assert all(f.severity == "blocking" for f in findings if f.code == "permutation_fails")
    assert isinstance(permutation_estimates(PermutedRuns(observed, aucs, False), 100)[0], Estimate)


def test_chance_is_rarely_called_a_failure():
    """Of 400 nulls with a mean of one half, at most a few depart by chance: the bound is one in a thousand."""
    rng = np.random.default_rng(2)
    runs = [audit_permutation(PermutedRuns(0.9, rng.normal(0.5, 0.09, 20), False)) for _ in range(400)]
    assert sum(bool(found) for found in runs) <= 3


def test_sites_that_tell_the_class_are_found_by_permuting_within_them(make_cohort, fast_plan):
    """Within sites of unequal case shares and large offsets, labels that mean nothing are still predicted: by site."""
    from exodx.training import validate_permuted

    cohort = make_cohort(n=150, site_case_shares=(0.9, 0.1), site_sd=2.0, effect=0.0, seed=8).sorted()
    plan = replace(fast_plan, permutations=4)
    random = cross_validate(cohort, plan, repeated_folds(cohort, plan), "", 1, lambda: None)
    permuted = validate_permuted(cohort, plan, random, 1, lambda: None)
    assert permuted.aucs.mean() > 0.7
    (finding,) = [f for f in audit_permutation(permuted) if f.severity == "blocking"]
    assert "sites alone" in finding.message

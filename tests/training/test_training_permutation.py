"""Labels permuted among subjects and within sites, and the whole procedure validated on them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import site_folds
from exodx.errors import InputRefused
from exodx.panel import parse_plan
from exodx.training import PermutedRuns, cross_validate, permute_labels, repeated_folds, validate_permuted


@pytest.fixture(scope="module")
def two_sites(make_cohort):
    return make_cohort(n=60, site_case_shares=(0.7, 0.2), seed=3)


@given(seed=st.integers(0, 10_000))
def test_sites_keep_their_cases_and_nothing_else_changes(two_sites, seed):
    cohort = two_sites
    dealt = permute_labels(cohort, seed)
    for site in set(cohort.sites):
        at = np.array(cohort.sites) == site
        assert dealt.y[at].sum() == cohort.y[at].sum()
    np.testing.assert_array_equal(dealt.measurements.values, cohort.measurements.values)
    assert list(dealt.reference_standard.index) == list(cohort.reference_standard.index)


def test_a_subjects_specimens_take_one_label_together(make_cohort):
    cohort = make_cohort(n=80, repeated_share=0.4, seed=4)
    dealt = permute_labels(cohort, 1)
    assert not np.array_equal(dealt.y, cohort.y)
    for subject in np.unique(cohort.subjects):
        assert len(set(dealt.y[cohort.subjects == subject])) == 1


def test_a_subject_of_both_classes_deals_its_own_labels(cohort):
    pairs = cohort.specimens.assign(subject=[f"p{i // 2}" for i in range(len(cohort))])
    standard = pd.Series(np.arange(len(cohort)) % 2, index=cohort.specimens.index)
    paired = replace(cohort, specimens=pairs, reference_standard=standard)
    dealt = permute_labels(paired, 1)
    assert (dealt.y[::2] + dealt.y[1::2] == 1).all()
    assert 10 < (dealt.y[::2] == 1).sum() < 50


def test_p_counts_the_labels_as_they_are():
    aucs = np.array([0.4, 0.5, 0.6, 0.7, np.nan])
    assert PermutedRuns(0.65, aucs, False).p == pytest.approx(2 / 5)
    assert PermutedRuns(0.9, aucs, False).p == pytest.approx(1 / 5)
    assert PermutedRuns(0.7, aucs, False).p == pytest.approx(2 / 5)


def test_the_whole_procedure_is_validated_on_them(cohort, fast_plan):
    plan = replace(fast_plan, permutations=4)
    folds = repeated_folds(cohort, plan)
    random = cross_validate(cohort, plan, folds, "", 1, lambda: None)
    ticks = []
    found = validate_permuted(cohort, plan, random, 2, lambda: ticks.append(1))
    assert len(ticks) == 4 * 3
    assert found.within_sites == (len(site_folds(cohort.sites)[1]) > 1)
    assert np.isfinite(found.aucs).all()
    assert found.observed > found.aucs.max()  # the disease is there: nothing else is as good
    again = validate_permuted(cohort, plan, random, 1, lambda: None)
    np.testing.assert_array_equal(again.aucs, found.aucs)


def test_what_is_not_asked_for_leaves_the_plans_fingerprint():
    plain = parse_plan({"label": "g"}, "plan")
    assert parse_plan({"label": "g", "permutations": 0, "temporal": False}, "plan").fingerprint == plain.fingerprint
    assert parse_plan({"label": "g", "permutations": 9}, "plan").fingerprint != plain.fingerprint
    assert parse_plan({"label": "g", "temporal": True}, "plan").fingerprint != plain.fingerprint
    with pytest.raises(InputRefused, match="permutations"):
        parse_plan({"permutations": -1}, "plan")
    with pytest.raises(InputRefused, match="temporal"):
        parse_plan({"temporal": "yes"}, "plan")

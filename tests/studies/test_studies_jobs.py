"""Invariant 1 for a whole study: how many folds are fitted at a time changes the time only."""

import pytest

from exodx.panel import StudyPlan
from exodx.study import run_study

PLAN = StudyPlan(outer_folds=3, repeats=1, inner_folds=2, budget="quick", seed=1)
"""With a budget whose folds go to processes of their own: those of ``minimal`` share one."""


@pytest.fixture(scope="module")
def outcome(make_cohort):
    cohort = make_cohort(n=70, site_case_shares=(0.6, 0.4), repeated_share=0.1, not_run_share=0.03, seed=5)

    def run(jobs):
        study = run_study(cohort, PLAN, track=False, jobs=jobs)
        return study.evaluation.to_dict(), study.model_hash, study.page

    return run


@pytest.fixture(scope="module")
def alone(outcome):
    return outcome(1)


def test_two_jobs_give_the_evaluation_and_the_bundle_of_one(alone, outcome):
    assert outcome(2) == alone


@pytest.mark.slow
def test_four_jobs_give_them_too(alone, outcome):
    assert outcome(4) == alone


def test_what_is_compared_is_a_family_evaluated_by_folds_and_sites(alone):
    evaluation, model_hash, _ = alone
    assert len(model_hash) == 64
    assert len(evaluation["folds"]) == 3
    assert len(evaluation["sites"]) == 2
    assert all(len(fold["shares"]) == 4 for fold in evaluation["folds"])
    names = {e["name"] for e in evaluation["estimates"]}
    assert {"auc_default_xgboost", "auc_minus_default_xgboost", "auc_fewer_specimens", "auc_minus_fewer"} <= names

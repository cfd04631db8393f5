"""The evaluation alone is the one of the whole study."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exodx import run_study, validate_study
from exodx.errors import InputRefused
from exodx.study import silent
from exodx.tracking import home_folder


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(n=70, site_case_shares=(0.6, 0.4), seed=5)


def test_it_is_what_the_study_says_and_leaves_nothing_behind(cohort, fast_plan):
    plan = replace(fast_plan, outer_folds=2)
    before = {path for path in home_folder().rglob("*") if path.is_file()}
    evaluation = validate_study(cohort, plan, progress=silent)
    assert {path for path in home_folder().rglob("*") if path.is_file()} == before
    assert evaluation == run_study(cohort, plan, track=False, progress=silent).evaluation
    assert evaluation.headline.design == "leave-one-site-out"


def test_a_cohort_without_reference_standard_is_refused(cohort, fast_plan):
    with pytest.raises(InputRefused, match="LABEL_MISSING"):
        validate_study(replace(cohort, reference_standard=None), fast_plan, progress=silent)

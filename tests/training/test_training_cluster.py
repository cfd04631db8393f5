"""Resampling goes wherever ``joblib.parallel_config`` says: on Dask's workers it gives what it gives here."""

from __future__ import annotations

from dataclasses import replace

import joblib
import numpy as np
import pytest

pytest.importorskip("distributed", reason="Dask is an extra: pip install 'exodx[dask]'")

from exodx.errors import InputRefused, Problem
from exodx.training.nested import cross_validate, repeated_folds
from exodx.training.outer import run_folds
from tests.scoring.cluster_calls import two_workers


def process_of(repeat: int, fold: int) -> int:
    import os

    return os.getpid()


def refused(repeat: int, fold: int) -> InputRefused:
    return InputRefused((Problem("A", "b", "c", "d"), Problem("E", "f", "g", "h")))


@pytest.fixture(scope="module")
def workers():
    with two_workers() as (_, client):
        yield client


def test_folds_fitted_by_workers_are_those_fitted_here(workers, make_cohort, fast_plan):
    import os

    cohort = make_cohort(n=80, repeated_share=0.1, seed=4)
    for plan in (fast_plan, replace(fast_plan, budget="quick")):
        folds = repeated_folds(cohort, plan)
        here = cross_validate(cohort, plan, folds, "nested", 1, lambda: None)
        with workers.as_current(), joblib.parallel_config(backend="dask"):
            there = cross_validate(cohort, plan, folds, "nested", 2, lambda: None)
            processes = {process for _, _, process in run_folds(process_of, folds, plan, 2, lambda: None)}
        assert processes <= set(workers.run(os.getpid).values())
        np.testing.assert_array_equal(there.margin, here.margin, strict=True)
        np.testing.assert_array_equal(there.positive, here.positive)
        assert there.choices == here.choices
        for name, values in here.benchmarks.items():
            np.testing.assert_allclose(there.benchmarks[name], values, rtol=1e-12, atol=1e-12)  # BLAS: older ones look at alignment
        for mine, theirs in zip(here.explanations, there.explanations, strict=True):
            np.testing.assert_array_equal(theirs.shap, mine.shap)


def test_a_refusal_comes_back_from_a_process_with_every_problem(make_cohort, fast_plan, workers):
    folds = repeated_folds(make_cohort(n=40, seed=4), fast_plan)
    with workers.as_current(), joblib.parallel_config(backend="dask"), pytest.raises(InputRefused) as far:
        run_folds(refused, folds, fast_plan, 2, lambda: None)
    with pytest.raises(InputRefused) as loky:
        run_folds(refused, folds, replace(fast_plan, budget="standard"), 2, lambda: None)
    assert [p.code for p in far.value.problems] == [p.code for p in loky.value.problems] == ["A", "E"]

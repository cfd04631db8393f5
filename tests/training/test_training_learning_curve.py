"""The learning curve's further point: members that learned from fewer specimens score the same held-out ones."""

import numpy as np
import pytest

from exodx.assay import learn_transform
from exodx.cohort import training_rows
from exodx.frozen.measurements import BLOCKING
from exodx.training import cross_validate, fit_procedure, prepare, repeated_folds
from exodx.training.learning_curve import fewer_margins, stacked


@pytest.fixture(scope="module")
def validated(cohort, fast_plan):
    return cross_validate(cohort, fast_plan, repeated_folds(cohort, fast_plan), "design", 1, lambda: None)


def test_there_is_a_margin_by_each_inner_fold_where_the_model_gives_one(cohort, fast_plan, validated):
    assert validated.fewer.shape == (fast_plan.inner_folds, 1, len(cohort))
    flags = learn_transform(cohort.panel, cohort.measurements).apply(cohort.measurements).flags
    np.testing.assert_array_equal(np.isnan(validated.fewer[:, 0]), np.tile(flags & BLOCKING != 0, (fast_plan.inner_folds, 1)))


def test_the_margins_are_those_of_the_inner_folds_own_transform_and_members(cohort, fast_plan, validated):
    held = np.flatnonzero(validated.folds[0] == 1)
    train = cohort[training_rows(validated.folds[0], 1, cohort.subjects)]
    data = prepare(train, fast_plan)
    fitted = fit_procedure(data, fast_plan)
    for fold, members, margins in zip(data.folds, fitted.inner, validated.fewer[:, 0, held], strict=True):
        features = fold.transform.apply(cohort.measurements[held])
        known = features.flags & BLOCKING == 0
        np.testing.assert_array_equal(margins[known], members.margin(features.values)[known])
    assert not np.array_equal(*fewer_margins(data, fitted, cohort.measurements[held]))


def test_the_inner_folds_learned_from_fewer(fast_plan, validated):
    share = (fast_plan.inner_folds - 1) / fast_plan.inner_folds
    for choice in validated.choices:
        assert choice.n_usable < choice.n_train  # some of every fold are refused
        assert choice.n_fewer == pytest.approx(share * choice.n_usable, abs=1)


def test_an_outer_fold_with_fewer_inner_folds_leaves_gaps():
    rows = np.array([0, 2]), np.array([1])
    fewer = stacked([(0, rows[0], np.ones((3, 2))), (0, rows[1], np.full((2, 1), 2.0))], (1, 4))
    np.testing.assert_array_equal(fewer[:2, 0], [[1, 2, 1, np.nan]] * 2)
    np.testing.assert_array_equal(fewer[2, 0], [1, np.nan, 1, np.nan])

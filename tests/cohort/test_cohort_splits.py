"""Splits: no subject in two folds, classes even, the same for the same seed, and nobody held is learned from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import site_folds, stratified_folds, training_rows
from exodx.cohort.columns import UNKNOWN
from exodx.errors import InputRefused


@st.composite
def people(draw):
    """Labels and subjects: up to three specimens a subject, each class with two subjects at least."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=4, max_size=40))
    n_case = draw(st.integers(2, len(sizes) - 2))
    subjects = np.repeat(np.arange(len(sizes)), sizes)
    return (subjects < n_case).astype(np.int8), subjects * 7 + 3


@given(people(), st.integers(2, 6), st.integers(0, 5))
def test_no_subject_is_in_two_folds_and_every_class_is_in_each(data, k, seed):
    y, subjects = data
    folds = stratified_folds(y, subjects, k, seed)
    for subject in np.unique(subjects):
        assert len(set(folds[subjects == subject])) == 1
    rarer = min(len(np.unique(subjects[y == c])) for c in (0, 1))
    assert set(folds) == set(range(min(k, rarer)))
    for c in (0, 1):
        sizes = np.bincount(folds[y == c], minlength=min(k, rarer))
        assert sizes.min() >= 1
        assert sizes.max() - sizes.min() <= 3
    np.testing.assert_array_equal(folds, stratified_folds(y, subjects, k, seed))


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=3), min_size=4, max_size=30), st.integers(2, 6), st.integers(0, 3))
def test_subjects_of_both_classes_stay_together_and_both_classes_can_be_learned(specimens, k, seed):
    y = np.array([label for person in specimens for label in person], np.int8)
    subjects = np.repeat(np.arange(len(specimens)), [len(person) for person in specimens])
    try:
        folds = stratified_folds(y, subjects, k, seed)
    except InputRefused:
        assert min(len(np.unique(subjects[y == c])) for c in (0, 1)) < 2
        return
    for subject in np.unique(subjects):
        assert len(set(folds[subjects == subject])) == 1
    assert set(folds) == set(range(folds.max() + 1))
    for fold in set(folds):
        assert set(y[training_rows(folds, fold, subjects)]) == {0, 1}


def test_single_specimens_are_dealt_evenly_and_the_seed_matters():
    y, subjects = np.array([0] * 53 + [1] * 22, np.int8), np.arange(75)
    folds = stratified_folds(y, subjects, 5, 0)
    assert sorted(np.bincount(folds[y == 1])) == [4, 4, 4, 5, 5]
    assert sorted(np.bincount(folds[y == 0])) == [10, 10, 11, 11, 11]
    assert (folds != stratified_folds(y, subjects, 5, 1)).any()


@pytest.mark.parametrize("seed", range(10))
def test_subjects_with_many_specimens_do_not_unbalance_the_folds(seed):
    sizes = [8, 8, 8, 8, *[1] * 32]
    subjects, y = np.repeat(np.arange(36), sizes), np.repeat(np.arange(36) % 2, sizes).astype(np.int8)
    assert np.bincount(stratified_folds(y, subjects, 4, seed)).tolist() == [16] * 4


@pytest.mark.parametrize("y", [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]])
def test_a_class_with_fewer_than_two_subjects_is_refused(y):
    with pytest.raises(InputRefused, match="TOO_FEW_SUBJECTS"):
        stratified_folds(np.array(y, np.int8), np.arange(4), 2, 0)


@given(people(), st.integers(0, 3))
def test_training_rows_hold_nobody_who_is_held_out(data, seed):
    y, subjects = data
    folds = np.random.default_rng(seed).integers(0, 3, len(y))  # folds that split subjects, as sites may
    for fold in np.unique(folds):
        rows = training_rows(folds, fold, subjects)
        assert not set(subjects[rows]) & set(subjects[folds == fold])
        left_out = set(range(len(y))) - set(rows) - set(np.flatnonzero(folds == fold))
        assert {subjects[r] for r in left_out} <= set(subjects[folds == fold])


def test_site_folds_leave_one_site_out():
    folds, names = site_folds(["B", UNKNOWN, "A", "B"])
    assert (folds.tolist(), names) == ([1, -1, 0, 1], ("A", "B"))
    assert training_rows(folds, 0, np.arange(4)).tolist() == [0, 3]  # a specimen of unknown site may come from the site held out

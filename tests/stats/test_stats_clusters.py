"""Variances between subjects."""

import numpy as np
import pytest

from exodx.stats.clusters import mean_variance, two_class_variance


def test_each_its_own_subject_is_the_usual_variance():
    x = np.array([0.3, 1.7, 2.2, 0.9, 5.1])
    assert mean_variance(x, np.arange(5)) == pytest.approx(x.var(ddof=1) / 5)


def test_copies_of_a_specimen_add_nothing():
    x = np.array([0.3, 1.7, 2.2, 0.9, 5.1])
    assert mean_variance(np.repeat(x, 3), np.repeat(np.arange(5), 3)) == pytest.approx(x.var(ddof=1) / 5)


def test_by_hand_with_unequal_subjects():
    # mean 2; sums of deviations: subject 0: −2 + 0 = −2, subject 1: 2; 2/1 · (4 + 4) / 3²
    assert mean_variance(np.array([0.0, 2.0, 4.0]), np.array([0, 0, 1])) == pytest.approx(16 / 9)


def test_one_subject_has_no_variance():
    assert mean_variance(np.array([1.0, 2.0]), np.array([0, 0])) is None


def test_two_classes_by_hand():
    # cases (0.1 of subject 0, −0.1 of subject 1), controls (0.2 of subject 0, −0.2 of subject 2)
    found = two_class_variance(np.array([0.1, -0.1, 0.2, -0.2]), np.array([True, True, False, False]), np.array([0, 1, 0, 2]))
    assert found == pytest.approx(2 * 0.02 + 2 * 0.08 + 2 * 1.5 * (0.1 * 0.2))


def test_a_class_with_one_subject_has_no_variance():
    case = np.array([True, True, False, False])
    assert two_class_variance(np.zeros(4), case, np.array([0, 0, 1, 2])) is None
    assert two_class_variance(np.zeros(4), case, np.array([0, 1, 2, 2])) is None

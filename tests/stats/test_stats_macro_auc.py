"""Mean AUC over classes, balanced accuracy and losses: against scikit-learn, and against the binary case, which they must be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from exodx.stats import (
    auc_cross_validated,
    auc_difference,
    balanced_accuracy,
    brier_estimate,
    macro_auc,
    macro_auc_difference,
    multinomial_brier,
    multinomial_log_loss,
    multinomial_losses,
)
from exodx.stats.clusters import class_variance, two_class_variance


def sample(seed, n=150, classes=3, effect=1.0, repeats=2, folds=5):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    scores = rng.normal(size=(repeats, n, classes)) + effect * np.eye(classes)[y]
    return y, scores, rng.integers(0, folds, (repeats, n)), rng.integers(0, n // 2, n)


@pytest.mark.parametrize("classes", [3, 5])
def test_one_fold_equals_scikit_learn(classes):
    y, scores, _, _ = sample(1, classes=classes)
    each = [roc_auc_score(y == k, scores[0][:, k]) for k in range(classes)]
    assert macro_auc(y, scores[:1], np.zeros((1, 150), int)).value == pytest.approx(np.mean(each), abs=1e-12)


@given(st.integers(0, 200), st.booleans())
def test_two_classes_are_the_ordinary_auc_and_difference(seed, clustered):
    y, scores, folds, subjects = sample(seed, n=60, classes=2)
    margin, other = scores[:, :, 1], scores[:, :, 0] * 0.3
    both, others = np.stack([-margin, margin], axis=2), np.stack([-other, other], axis=2)
    who = subjects if clustered else None
    found, usual = macro_auc(y, both, folds, who), auc_cross_validated(y, margin, folds, who)
    assert (found.value, found.lower, found.upper) == pytest.approx((usual.value, usual.lower, usual.upper), abs=1e-12)
    found, usual = macro_auc_difference(y, both, others, folds, who), auc_difference(y, margin, other, folds, who)
    assert (found.value, found.lower, found.upper) == pytest.approx((usual.value, usual.lower, usual.upper), abs=1e-12)


@given(st.integers(0, 200))
def test_the_variance_of_two_classes_is_obuchowskis(seed):
    rng = np.random.default_rng(seed)
    y, codes, influence = rng.permutation(np.arange(40) % 2), rng.integers(0, 25, 40), rng.normal(size=40)
    assert class_variance(influence, y, codes) == pytest.approx(two_class_variance(influence, y == 1, codes), abs=1e-12)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """200 cohorts of 3 classes whose every AUC is Φ(1/√2) = .7602; binomial error of 200 draws is .015."""
    truth, held = 0.7602, []
    for seed in range(200):
        y, scores, _, _ = sample(seed, n=90, repeats=1)
        found = macro_auc(y, scores, np.zeros((1, 90), int))
        held.append(found.lower <= truth <= found.upper)
    assert 0.90 <= np.mean(held) <= 0.99


def test_the_order_and_names_of_classes_do_not_matter_and_a_class_never_met_is_told():
    y, scores, folds, subjects = sample(3)
    place = np.array([2, 0, 1])
    moved = macro_auc(np.argsort(place)[y], scores[:, :, place], folds, subjects)
    assert moved.value == pytest.approx(macro_auc(y, scores, folds, subjects).value, abs=1e-12)
    alone = macro_auc(np.where(y == 2, 1, y), scores, folds)
    assert (alone.value, "class 2" in alone.reason) == (None, True)
    perfect = macro_auc(y, np.eye(3)[y][None], np.zeros((1, 150), int))
    assert perfect.value == 1.0
    assert perfect.lower < 1


@pytest.mark.parametrize("bad", [{"classes": [0.5, 1]}, {"classes": [[0, 1]]}, {"classes": [-1, 0]}])
def test_what_is_no_class_is_refused(bad):
    with pytest.raises(ValueError, match="whole numbers"):
        macro_auc(bad["classes"], np.zeros((1, 2, 2)), np.zeros((1, 2), int))
    with pytest.raises(ValueError, match="one score a repeat"):
        macro_auc([0, 1], np.zeros((1, 2)), np.zeros((1, 2), int))


def test_balanced_accuracy_equals_scikit_learn_and_subjects_widen_it():
    rng = np.random.default_rng(4)
    y, calls = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    calls = np.where(rng.random(200) < 0.6, y, calls)
    found = balanced_accuracy(y, calls == y)
    assert found.value == pytest.approx(balanced_accuracy_score(y, calls), abs=1e-12)
    assert found.lower < found.value < found.upper
    twice = balanced_accuracy(np.repeat(y, 2), np.repeat(calls == y, 2), np.repeat(np.arange(200), 2))
    assert twice.upper - twice.lower == pytest.approx(found.upper - found.lower, rel=0.03)
    assert balanced_accuracy([0, 0, 1, 1], [1, 1, 1, 1]).lower is None


def test_losses_have_intervals_and_two_classes_are_twice_the_binary_brier():
    y, scores, _, subjects = sample(5)
    p = np.exp(scores[0]) / np.exp(scores[0]).sum(axis=1, keepdims=True)
    log_loss, brier = multinomial_losses(y, p, [0, 1, 2], subjects)
    assert log_loss.value == pytest.approx(multinomial_log_loss(y, p, [0, 1, 2]), abs=1e-12)
    assert brier.value == pytest.approx(multinomial_brier(y, p, [0, 1, 2]), abs=1e-12)
    assert log_loss.lower < log_loss.value < log_loss.upper
    two = (y > 0).astype(int)
    p2 = np.column_stack([p[:, 0], 1 - p[:, 0]])
    usual = brier_estimate(two, p2[:, 1])
    assert multinomial_losses(two, p2, [0, 1])[1].upper == pytest.approx(2 * usual.upper, abs=1e-12)

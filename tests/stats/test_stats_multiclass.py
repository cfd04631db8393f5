"""More than two classes against pROC, scikit-learn and the binary case."""

import numpy as np
import pytest
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from exodx.stats import auc, brier, hand_till, log_loss, multinomial_brier, multinomial_log_loss, one_vs_rest_aucs

ABC = ["a", "b", "c"]


def sample(seed, n=150, effect=1.0, classes=3):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    raw = np.exp(rng.normal(size=(n, classes)) + effect * np.eye(classes)[y])
    return y, raw / raw.sum(axis=1, keepdims=True)


def test_against_r(golden):
    data = golden("utility")["multiclass"]
    y, p = data["y"], np.array(data["p"])
    assert hand_till(y, p, ABC, resamples=20).value == pytest.approx(data["hand_till"], abs=1e-12)
    assert [e.value for e in one_vs_rest_aucs(y, p, ABC)] == pytest.approx(data["rest"], abs=1e-12)
    assert multinomial_log_loss(y, p, ABC) == pytest.approx(data["log_loss"], abs=1e-12)
    assert multinomial_brier(y, p, ABC) == pytest.approx(data["brier"], abs=1e-12)


@pytest.mark.parametrize("classes", [3, 5])
def test_equals_scikit_learn(classes):
    y, p = sample(1, classes=classes)
    names = list(range(classes))
    assert hand_till(y, p, names, resamples=20).value == pytest.approx(roc_auc_score(y, p, multi_class="ovo"), abs=1e-12)
    assert multinomial_log_loss(y, p, names) == pytest.approx(sklearn_log_loss(y, p), abs=1e-12)


def test_two_classes_are_the_binary_case():
    y, p = sample(2, classes=2)
    assert hand_till(y, p, [0, 1], resamples=20).value == pytest.approx(auc(y, p[:, 1]), abs=1e-12)
    assert multinomial_brier(y, p, [0, 1]) == pytest.approx(2 * brier(y, p[:, 1]))
    assert multinomial_log_loss(y, p, [0, 1]) == pytest.approx(log_loss(y, p[:, 1]))


def test_interval_holds_the_value_and_shrinks():
    small, large = hand_till(*sample(3, n=60), [0, 1, 2], resamples=300), hand_till(*sample(3, n=1500), [0, 1, 2], resamples=300)
    assert small.lower < small.value < small.upper
    assert large.upper - large.lower < 0.5 * (small.upper - small.lower)


def test_interval_covers():
    truth = hand_till(*sample(99, n=60_000), [0, 1, 2], resamples=2).value
    found = [hand_till(*sample(seed, n=150), [0, 1, 2], resamples=200) for seed in range(200)]
    assert np.mean([e.lower <= truth <= e.upper for e in found]) == pytest.approx(0.95, abs=0.05)


def test_duplicated_specimens_are_no_new_evidence():
    y, p = sample(4, n=90)
    names, twice = [0, 1, 2], np.tile(np.arange(90), 2)
    plain = hand_till(y, p, names, resamples=400)
    clustered = hand_till(np.tile(y, 2), np.tile(p, (2, 1)), names, subjects=twice, resamples=400)
    ignored = hand_till(np.tile(y, 2), np.tile(p, (2, 1)), names, resamples=400)
    assert clustered.upper - clustered.lower == pytest.approx(plain.upper - plain.lower, rel=0.15)
    assert ignored.upper - ignored.lower < 0.85 * (plain.upper - plain.lower)


def test_order_of_classes_does_not_matter():
    y, p = sample(5)
    order = [2, 0, 1]
    one, other = hand_till(y, p, [0, 1, 2], resamples=20), hand_till(y, p[:, order], order, resamples=20)
    assert one.value == pytest.approx(other.value, abs=1e-12)


def test_frequency_of_classes_does_not_matter():
    y, p = sample(6)
    rows = np.concatenate([np.arange(150), np.flatnonzero(y == 0), np.flatnonzero(y == 0)])
    one, other = (hand_till(y[r], p[r], [0, 1, 2], resamples=20).value for r in (np.arange(150), rows))
    assert one == pytest.approx(other, abs=1e-12)


def test_an_empty_class_has_a_reason():
    p = np.full((4, 3), 1 / 3)
    assert hand_till(["a", "a", "b", "b"], p, ABC).reason == "no specimen is of class c"
    assert one_vs_rest_aucs(["a", "a", "b", "b"], p, ABC)[2].value is None


@pytest.mark.parametrize("function", [hand_till, one_vs_rest_aucs, multinomial_brier, multinomial_log_loss])
@pytest.mark.parametrize(
    ("y", "p", "classes", "said"),
    [
        (["a", "z"], [[0.5, 0.5], [0.5, 0.5]], ["a", "b"], "y holds z"),
        (["a", "b"], [[0.5, 0.4], [0.5, 0.5]], ["a", "b"], "add up to 1"),
        (["a", "b"], [[1.5, -0.5], [0.5, 0.5]], ["a", "b"], "add up to 1"),
        (["a", "b"], [[0.5, 0.5]], ["a", "b"], "shape"),
        (["a", "a"], [[1.0], [1.0]], ["a"], "at least two"),
        ([], np.zeros((0, 2)), ["a", "b"], "non-empty"),
    ],
)
def test_refusals(function, y, p, classes, said):
    with pytest.raises(ValueError, match=said):
        function(y, p, classes)

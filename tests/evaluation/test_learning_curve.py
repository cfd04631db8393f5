"""Whether more specimens would help, said only where the paired difference is clearly above 0."""

from dataclasses import replace

import numpy as np
import pytest

from exodx.evaluation import Evaluation, FoldResult, Headline
from exodx.evaluation.curves import RocBand
from exodx.evaluation.learning_curve import learning_curve_estimates, learning_curve_line
from exodx.report import evaluation_text
from exodx.stats import Estimate, auc, auc_cross_validated
from exodx.training import CrossValidation

N, REPEATS, INNER = 120, 2, 3


@pytest.fixture
def y():
    return np.tile(np.array([0, 1], np.int8), N // 2)


def validation(y, signal, fewer_signal, seed=0):
    rng = np.random.default_rng(seed)
    folds = np.stack([rng.permutation(np.arange(N) // 2 % 4) for _ in range(REPEATS)])
    noise = rng.normal(size=(REPEATS, N))
    fewer = fewer_signal * y + noise + 0.3 * rng.normal(size=(INNER, REPEATS, N))
    return CrossValidation("design", folds, signal * y + noise, np.zeros((REPEATS, N), bool), {}, (), (), fewer)


def estimates(y, random):
    return learning_curve_estimates(y, random, np.ones(N, bool), np.arange(N))


def evaluation(found, value=0.84, n_fewer=102.4):
    every = (Estimate("auc", value, value - 0.1, value + 0.1, n=N), *found)
    folds = tuple(FoldResult(0, k, {}, 0.5, 133, 32, 0.8, (), 128, n_fewer) for k in range(4))
    head = Headline("AUC", value, None, None, "design")
    return Evaluation("t", head, every, (), {}, RocBand((), (), (), ()), (), folds=folds)


def test_values_are_means_over_inner_folds_and_repeats(y):
    random = validation(y, 1.5, 1.0)
    fewer, gain = estimates(y, random)

    def by_hand(margins, folds):
        cells = [
            (auc(y[folds == k], margins[folds == k]), (y[folds == k] == 1).sum() * (y[folds == k] == 0).sum()) for k in range(4)
        ]
        return np.average([value for value, _ in cells], weights=[pairs for _, pairs in cells])

    expected = np.mean([by_hand(random.fewer[j, r], random.folds[r]) for j in range(INNER) for r in range(REPEATS)])
    assert fewer.value == pytest.approx(expected)
    whole = auc_cross_validated(y, random.margin, random.folds).value
    assert gain.value == pytest.approx(whole - expected)


@pytest.mark.parametrize(("fewer", "verdict"), [(0.7, "more specimens would help"), (1.5, "no gain seen"), (2.5, "no gain seen")])
def test_the_verdict_follows_the_interval(y, fewer, verdict):
    found = estimates(y, validation(y, 1.5, fewer))
    assert verdict in learning_curve_line(evaluation(found))


def test_the_line_says_both_sizes_both_values_and_the_difference():
    found = (Estimate("auc_fewer_specimens", 0.83, 0.7, 0.9, n=N), Estimate("auc_minus_fewer", 0.012, -0.003, 0.027, n=N))
    assert learning_curve_line(evaluation(found)) == (
        "Trained on 128 specimens AUC 0.840, on 102 0.830: difference 0.012 (95 % CI −0.003 to 0.027): "
        "no gain seen from more specimens of this kind"
    )
    text = evaluation_text(evaluation(found))
    assert "Trained on 128 specimens" in text
    assert "fewer specimens" not in text.replace("auc_", "")


def test_what_orders_alike_has_no_interval_and_no_gain(y):
    random = validation(y, 1.5, 1.5)
    same = replace(random, fewer=np.stack([random.margin] * INNER))
    found = estimates(y, same)
    assert (found[1].value, found[1].lower) == (0.0, None)
    assert learning_curve_line(evaluation(found)).endswith("(no interval): no gain seen from more specimens of this kind")


def test_an_inner_fold_with_a_gap_is_left_out(y):
    random = validation(y, 1.5, 1.0)
    gaps = random.fewer.copy()
    gaps[1, :, 5] = np.nan
    found = estimates(y, replace(random, fewer=gaps))
    assert found == estimates(y, replace(random, fewer=random.fewer[[0, 2]]))
    assert estimates(y, replace(random, fewer=np.full_like(gaps, np.nan))) == []
    assert estimates(y, replace(random, fewer=None)) == []


def test_older_evaluations_and_other_cohorts_have_no_line(y):
    found = evaluation(estimates(y, validation(y, 1.5, 1.0)))
    assert learning_curve_line(replace(found, folds=())) == ""
    assert learning_curve_line(replace(found, estimates=found.estimates[:1])) == ""
    older = tuple(replace(fold, n_fewer=None) for fold in found.folds)
    assert learning_curve_line(replace(found, folds=older)) == ""
    assert Evaluation.from_dict(found.to_dict()) == found

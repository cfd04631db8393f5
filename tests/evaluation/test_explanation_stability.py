"""SHAP over the outer folds: honest, matched by name, exact on the specimens held out, and telling planted from noise."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from exodx.cohort import Intake, frame_cohort
from exodx.evaluation import Evaluation, evaluate_inside
from exodx.evaluation.explanation_stability import TOP, explanation_stability
from exodx.frozen.measurements import BLOCKING
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.report import evaluation_text, picture, png, stability_figure, study_page
from exodx.training import HeldExplanation, Validation, cross_validate, nested, repeated_folds, train_model

PLAN = StudyPlan(outer_folds=3, repeats=2, inner_folds=2, budget="minimal", seed=1)
N, P = 120, 12


def cohort_of(effect, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(N) % 2
    values = rng.normal(size=(N, P))
    values[:, 0] += effect * y
    values[:, 1] -= 0.8 * effect * y
    names = [f"a{i}" for i in range(P)]
    panel = Panel("p", "1", "t", tuple(Analyte(name, "other", "z-score") for name in names))
    frame = pd.DataFrame(values, columns=names).assign(group=np.where(y, "case", "control"))
    return frame_cohort(frame, Intake(panel, "group", "case")).sorted()


@pytest.fixture(scope="module")
def cohort():
    return cohort_of(1.5)


@pytest.fixture(scope="module")
def random(cohort):
    return cross_validate(cohort, PLAN, repeated_folds(cohort, PLAN), "random", 1, lambda: None)


@pytest.fixture(scope="module")
def found(random):
    return explanation_stability(random.explanations)


def held(names, *rows):
    """Give a fold whose m specimens have the SHAP values of each row; feature values rise with the specimen."""
    shap = np.array(rows, float)
    return HeldExplanation(tuple(names), shap, np.repeat(np.arange(len(shap), dtype=float)[:, None], len(names), 1))


def test_shap_values_and_base_sum_to_the_held_out_margins(cohort, fast_plan, monkeypatch):
    """A fold's contributions, and the base of its own model, give the margins that the validation counts."""
    original, bases = nested._explain, []

    def watch(fitted, measurements):
        base = fitted.combined.contributions(np.zeros((1, len(fitted.transform.names))))[0, -1]
        bases.append(fitted.calibrator.slope * base + fitted.calibrator.intercept)
        return original(fitted, measurements)

    monkeypatch.setattr(nested, "_explain", watch)
    folds = repeated_folds(cohort, fast_plan)
    result = cross_validate(cohort, fast_plan, folds, "random", 1, lambda: None)
    for fold, (explanation, base) in enumerate(zip(result.explanations, bases, strict=True)):
        np.testing.assert_allclose(explanation.shap.sum(axis=1) + base, result.margin[0, folds[0] == fold], atol=1e-4)


def test_specimens_that_cannot_be_scored_are_left_out(make_cohort, fast_plan):
    cohort = make_cohort(n=90, seed=1).sorted()
    result = cross_validate(cohort, fast_plan, repeated_folds(cohort, fast_plan), "random", 1, lambda: None)
    flags = train_model(cohort, fast_plan).transform.apply(cohort.measurements).flags
    assert (flags & BLOCKING).any()
    assert sum(len(e.shap) for e in result.explanations) == np.isfinite(result.margin[0]).sum() < len(cohort)


def test_held_out_specimens_change_only_their_own_explanation(cohort, random):
    values = cohort.measurements.values.copy()
    values[7] = 40.0
    again = cross_validate(
        replace(cohort, measurements=replace(cohort.measurements, values=values)),
        PLAN,
        random.folds,
        "random",
        1,
        lambda: None,
    )
    place = int(random.folds[0, 7])
    others = np.flatnonzero(random.folds[0] == place) != 7
    np.testing.assert_array_equal(again.explanations[place].shap[others], random.explanations[place].shap[others])


def test_what_is_planted_is_stable_and_has_its_direction(found):
    first, second = found.features[:2]
    assert (first.feature, first.direction, first.agree, first.top) == ("a0", "up", 1.0, 1.0)
    assert (second.feature, second.direction, second.top) == ("a1", "down", 1.0)
    assert first.best_rank == 1
    assert first.worst_rank <= 2
    assert first.lower <= first.mean_abs_shap <= first.upper
    assert found.folds == 6
    assert found.top == TOP
    assert max(f.top for f in found.features[2:]) < 1


def test_noise_is_ranked_less_stably_than_signal(found):
    """One cohort of noise may agree by chance; three on average do not."""
    noise = []
    for seed in (5, 6, 7):
        null = cohort_of(0.0, seed=seed)
        folds = cross_validate(null, PLAN, repeated_folds(null, PLAN), "r", 1, lambda: None)
        noise.append(explanation_stability(folds.explanations))
    assert np.mean([each.rank_correlation for each in noise]) < found.rank_correlation - 0.1
    assert np.mean([each.top_stability.value for each in noise]) < found.top_stability.value - 0.05  # 0.06 with XGBoost 3.4


def test_by_hand_with_a_feature_that_one_fold_lacks():
    folds = [
        held("abc", (3, 1, 0), (-3, 1, 0), (3, -1, 0)),
        held("ab", (1, 2), (2, 3), (3, 4)),
    ]
    result = explanation_stability(folds)
    by_name = {f.feature: f for f in result.features}
    a, b, c = (by_name[name] for name in "abc")
    assert (a.mean_abs_shap, b.mean_abs_shap, c.mean_abs_shap) == (2.5, 2.0, 0.0)
    assert a.lower == pytest.approx(np.quantile([3, 2], 0.025))
    assert (a.best_rank, a.worst_rank, b.best_rank, b.worst_rank) == (1, 2, 1, 2)
    assert (c.best_rank, c.worst_rank, c.used, c.agree, c.direction) == (3, 3, 0.0, None, "none")
    assert result.top == 2
    assert (a.top, b.top, c.top) == (1.0, 1.0, 0.0)
    assert result.rank_correlation == pytest.approx(-1)  # of a and b, the features that any fold uses
    assert result.top_stability.value == 1.0


def test_the_rank_correlation_is_the_mean_of_spearmans_over_pairs():
    rng = np.random.default_rng(2)
    importance = rng.gamma(1, 1, (4, 7))
    folds = [held("abcdefg", *([row] * 3)) for row in importance]
    pairs = [spearmanr(importance[i], importance[j]).statistic for i in range(4) for j in range(i)]
    assert explanation_stability(folds).rank_correlation == pytest.approx(np.mean(pairs))


def test_the_same_folds_agree_wholly_and_one_fold_compares_with_none():
    fold = held("abcdefghijk", *np.random.default_rng(0).normal(size=(9, 11)))
    same = explanation_stability([fold] * 3)
    assert same.rank_correlation == pytest.approx(1)
    assert same.top_stability.value == pytest.approx(1)
    alone = explanation_stability([fold])
    assert alone.rank_correlation is None
    assert alone.top_stability.value is None
    assert "one fold" in alone.top_stability.reason


@pytest.mark.parametrize("folds", [[], [HeldExplanation((), np.zeros((4, 0)), np.zeros((4, 0)))], [held("ab", *np.zeros((0, 2)))]])
def test_nothing_to_compare_is_none(folds):
    assert explanation_stability(folds) is None


def test_trees_without_a_split_have_no_ranking_and_no_top():
    nothing = explanation_stability([held("abc", (0, 0, 0), (0, 0, 0))] * 2)
    assert nothing.rank_correlation is None
    assert nothing.top_stability.value is None
    assert {f.top for f in nothing.features} == {0.0}
    assert png(stability_figure(nothing, dict.fromkeys("abc", 0.0))).startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def evaluated(cohort, random):
    model = train_model(cohort, PLAN)
    return model, evaluate_inside(cohort, model, Validation(random), None, 1)


def test_an_evaluation_is_rebuilt_and_an_old_one_has_none(evaluated):
    state = json.loads(json.dumps(evaluated[1].to_dict()))
    assert Evaluation.from_dict(state) == evaluated[1]
    for key in ("explanation_stability", "quality"):
        del state[key]
    old = Evaluation.from_dict(state)
    assert old.explanation_stability is None
    assert old.quality == {}


def test_text_and_page_tell_of_it(evaluated):
    model, evaluation = evaluated
    text = evaluation_text(evaluation)
    assert "SHAP over 6 outer folds, specimens held out" in text
    assert "Decision curve" in text
    assert max(map(len, text.splitlines())) <= 90
    figure = picture(stability_figure(evaluation.explanation_stability, {f.feature: f.mean_abs_shap for f in evaluation.features}))
    page = study_page(evaluation, model, PLAN, {"shap_stability": figure}, "p-1")
    assert "SHAP over the outer folds" in page
    assert page.count('<svg role="img" aria-label="The same features') == 1
    assert "SHAP over" not in study_page(replace(evaluation, explanation_stability=None), model, PLAN, {}, "p-1")


def test_the_figure_has_the_final_models_order_and_the_folds_numbers(evaluated):
    stability = evaluated[1].explanation_stability
    final = {"a1": 0.9, "not seen": 0.5, "a0": 0.4}
    ax = stability_figure(stability, final).axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == list(final)
    by_name = {f.feature: f for f in stability.features}
    widths = [patch.get_width() for patch in ax.patches if patch.get_width()]
    assert widths == pytest.approx([by_name["a1"].mean_abs_shap, by_name["a0"].mean_abs_shap])
    assert "in no fold's model" in [t.get_text() for t in ax.texts]

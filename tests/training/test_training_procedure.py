"""Invariant 2 (no leakage; permuted labels give AUC 0.5), reproducibility, independence of the order of rows."""

from dataclasses import astuple, replace

import numpy as np
import pandas as pd
import pytest

from exodx.assay import learn_transform
from exodx.cohort import training_rows
from exodx.errors import InputRefused
from exodx.frozen import Measurements, save_bundle
from exodx.frozen.measurements import BLOCKING
from exodx.panel import StudyPlan
from exodx.stats import auc
from exodx.training import cross_validate, fit_procedure, nested, prepare, procedure, repeated_folds, train_model


def validate(cohort, plan, folds=None, jobs=1, tick=lambda: None):
    return cross_validate(cohort, plan, repeated_folds(cohort, plan) if folds is None else folds, "design", jobs, tick)


def labelled(cohort, y):
    return replace(cohort, reference_standard=pd.Series(y, index=cohort.specimens.index))


def corrupted(cohort, rows):
    """The cohort with values, states and labels of some rows turned into others."""
    m = cohort.measurements
    values, states, y = m.values.copy(), m.states.copy(), cohort.y.copy()
    values[rows] = 5.0 + 30.0 * np.random.default_rng(0).random((len(rows), m.shape[1]))
    states[rows] = np.random.default_rng(1).integers(0, 5, (len(rows), m.shape[1]))
    y[rows] = 1 - y[rows]
    return labelled(replace(cohort, measurements=Measurements(m.names, values, states)), y)


def fitted_numbers(cohort, plan, folds):
    """Every number that the outer folds of a validation fit, as the validation itself fits them: one text a fold."""
    seen = []
    original = nested.fit_procedure

    def watch(data, plan):
        fitted = original(data, plan)
        forest = fitted.combined.freeze(len(fitted.transform.names))
        numbers = astuple(fitted.calibrator), astuple(fitted.threshold), fitted.describe()
        seen.append((fitted.transform.to_dict(), forest.ubjson, *numbers))
        return fitted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nested, "fit_procedure", watch)
        validate(cohort, plan, folds)
    return seen


def leaking_folds(cohort, plan):
    """The outer folds whose fitted numbers follow what is done to their own held-out specimens."""
    folds = repeated_folds(cohort, plan)
    clean = fitted_numbers(cohort, plan, folds)
    held = [np.flatnonzero(folds[0] == fold) for fold in range(len(clean))]
    return [fold for fold, rows in enumerate(held) if fitted_numbers(corrupted(cohort, rows), plan, folds)[fold] != clean[fold]]


def test_invariant_2_corrupting_held_out_specimens_changes_no_fitted_number(cohort, fast_plan):
    assert leaking_folds(cohort, fast_plan) == []


@pytest.mark.parametrize("leak", ["transform", "labels"])
def test_invariant_2_the_check_finds_a_planted_leak(cohort, fast_plan, monkeypatch, leak):
    original, everything = nested._outer_fold, []

    def watch(cohort, *args):
        everything[:] = [cohort]
        return original(cohort, *args)

    def on_all_rows(panel, measurements, y):
        return learn_transform(panel, everything[0].measurements)

    def with_held_labels(train, plan):
        data = prepare(train, plan)
        held = ~np.isin(everything[0].ids, train.ids)
        return replace(data, features=data.features + everything[0].y[held].mean())

    monkeypatch.setattr(nested, "_outer_fold", watch)
    if leak == "transform":
        monkeypatch.setattr(procedure, "learn_transform", on_all_rows)
    else:
        monkeypatch.setattr(nested, "prepare", with_held_labels)
    assert leaking_folds(cohort, fast_plan) == [0, 1, 2]


def test_invariant_2_inner_folds_learn_from_their_training_rows_alone(cohort, fast_plan):
    data = prepare(cohort, fast_plan)
    rows = data.folds[0].held_rows
    scored = learn_transform(cohort.panel, cohort.measurements).apply(cohort.measurements).flags & BLOCKING == 0
    positions = np.flatnonzero(scored)[rows]
    m = cohort.measurements
    values = m.values.copy()
    values[positions] += 3.0
    other = prepare(replace(cohort, measurements=Measurements(m.names, values, m.states)), fast_plan)
    assert other.folds[0].train.tobytes() == data.folds[0].train.tobytes()
    assert other.folds[1].train.tobytes() != data.folds[1].train.tobytes()
    assert sorted(np.concatenate([f.held_rows for f in data.folds])) == list(range(len(data.y)))


def permuted_auc(make_cohort, plan, n, permutations):
    cohort = make_cohort(n=n, seed=3)
    found = []
    for seed in range(permutations):
        shuffled = labelled(cohort, np.random.default_rng(seed).permutation(cohort.y))
        margin = validate(shuffled, replace(plan, seed=seed)).margin[0]
        scored = ~np.isnan(margin)
        found.append(np.mean([auc(shuffled.y[f & scored], margin[f & scored]) for f in fold_masks(shuffled, plan, seed)]))
    return found


def fold_masks(cohort, plan, seed):
    """Each fold by itself: pooled over folds, margins of an uninformed model lie a little below 0.5."""
    folds = repeated_folds(cohort, replace(plan, seed=seed))[0]
    return [folds == fold for fold in np.unique(folds)]


def test_invariant_2_permuted_labels_give_auc_one_half(make_cohort, fast_plan):
    found = permuted_auc(make_cohort, fast_plan, n=80, permutations=10)
    assert np.mean(found) == pytest.approx(0.5, abs=3 * 0.07 / np.sqrt(len(found)))


@pytest.mark.slow
def test_invariant_2_permuted_labels_give_auc_one_half_over_many_permutations(make_cohort, fast_plan):
    found = permuted_auc(make_cohort, fast_plan, n=150, permutations=100)
    assert np.mean(found) == pytest.approx(0.5, abs=0.015)


def test_a_real_effect_is_found(cohort, fast_plan):
    result = validate(cohort, fast_plan)
    scored = ~np.isnan(result.margin[0])
    assert auc(cohort.y[scored], result.margin[0][scored]) > 0.7
    for name, scores in result.benchmarks.items():
        assert auc(cohort.y, scores[0]) > 0.6, name


def test_every_specimen_is_held_exactly_once_a_repeat_without_its_subject(cohort, fast_plan):
    plan, ticks = replace(fast_plan, repeats=2), []
    result = validate(cohort, plan, tick=lambda: ticks.append(1))
    assert result.folds.shape == (2, len(cohort))
    assert (result.folds[0] != result.folds[1]).any()
    assert [(c.repeat, c.fold) for c in result.choices] == [(r, f) for r in range(2) for f in range(3)]
    assert len(ticks) == 6
    flags = learn_transform(cohort.panel, cohort.measurements).apply(cohort.measurements).flags
    np.testing.assert_array_equal(np.isnan(result.margin), np.tile(flags & BLOCKING != 0, (2, 1)))
    assert not result.positive[np.isnan(result.margin)].any()
    for choice in result.choices:
        assert choice.n_train == len(training_rows(result.folds[choice.repeat], choice.fold, cohort.subjects))
    for folds in result.folds:
        for subject in np.unique(cohort.subjects):
            assert len(set(folds[cohort.subjects == subject])) == 1


def test_invariant_1_one_job_and_two_give_the_same_bits(cohort, fast_plan):
    one, two = (validate(cohort, fast_plan, jobs=jobs) for jobs in (1, 2))
    assert one.margin.tobytes() == two.margin.tobytes()
    assert one.choices == two.choices
    for name, scores in one.benchmarks.items():
        assert scores.tobytes() == two.benchmarks[name].tobytes()


def test_a_site_of_one_class_only_leaves_nothing_to_learn_and_says_so_by_nan(cohort, fast_plan):
    sites = np.where(cohort.y == 1, 0, np.where(np.arange(len(cohort)) % 2, 1, 2))[None]
    result = validate(cohort, fast_plan, sites)
    assert np.isnan(result.margin[0][sites[0] == 0]).all()
    assert not np.isnan(result.margin[0][sites[0] == 1]).all()


@pytest.mark.parametrize("unit", ["count", "CPM", "MFI", "log2"])
def test_every_scale_can_be_learned_from(make_cohort, athero, fast_plan, unit):
    analytes = tuple(replace(a, unit=unit, lod=None, role="target") for a in athero.analytes)
    cohort = make_cohort(replace(athero, name="other", analytes=analytes, normalisation="none"), n=60, seed=1)
    model = train_model(cohort, fast_plan)
    assert model.predict(cohort.measurements, cohort.ids).is_scored.all()


def test_too_little_to_learn_from_is_refused(cohort, fast_plan):
    one_case = np.concatenate([np.flatnonzero(cohort.y == 1)[:1], np.flatnonzero(cohort.y == 0)[:20]])
    with pytest.raises(InputRefused, match="TOO_FEW"):
        train_model(cohort[one_case], fast_plan)


def test_the_final_model_does_not_depend_on_the_order_of_rows_and_is_the_same_bundle_twice(cohort, model, fast_plan, tmp_path):
    turned = cohort[np.random.default_rng(0).permutation(len(cohort))]
    hashes = [
        save_bundle(m, tmp_path / str(i))
        for i, m in enumerate((model, train_model(cohort, fast_plan), train_model(turned, fast_plan)))
    ]
    assert len(set(hashes)) == 1


def test_the_seed_and_the_search_are_part_of_the_model(cohort, model, fast_plan, tmp_path):
    other = train_model(cohort, replace(fast_plan, seed=2))
    assert save_bundle(other, tmp_path / "a") != save_bundle(model, tmp_path / "b")
    assert model.provenance.plan_fingerprint == fast_plan.fingerprint
    assert (model.provenance.n_specimens, model.provenance.n_positive) == (len(cohort), cohort.y.sum())
    assert (model.provenance.synthetic, model.provenance.positive_label) == (True, "case")
    assert model.provenance.n_subjects == len(set(cohort.specimens["subject"]))


def test_the_final_model_is_the_validated_procedure_on_all_specimens(cohort, model, fast_plan):
    fitted = fit_procedure(prepare(cohort.sorted(), fast_plan), fast_plan)
    forest = fitted.combined.freeze(len(fitted.transform.names))
    assert (fitted.transform, forest.ubjson) == (model.transform, model.forest.ubjson)
    assert (fitted.calibrator, fitted.threshold) == (model.calibrator, model.threshold)
    # XGBoost sums 300 trees in float32, the frozen forest in float64
    margin = model.predict(cohort.measurements, cohort.ids).margin
    np.testing.assert_allclose(fitted.margin(cohort.measurements), margin, atol=1e-5)


@pytest.mark.parametrize("target", ["sensitivity", "specificity"])
def test_the_small_search_looks_at_every_family(make_cohort, target):
    plan = StudyPlan(inner_folds=2, budget="quick", target=target, target_value=0.8)
    model = train_model(make_cohort(n=50, seed=2), plan)
    assert (model.threshold.criterion, model.threshold.target) == (target, 0.8)

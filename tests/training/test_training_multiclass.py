"""Learning several classes: nothing of held-out specimens, nothing from noise, nothing of the names; and who has too few."""

from dataclasses import replace

import numpy as np
import pytest

from exodx.errors import InputRefused
from exodx.frozen import Measurements, softmax
from exodx.panel import StudyPlan
from exodx.stats import macro_auc
from exodx.training import check_classes, class_folds, cross_validate_classes, fit_classes, train_classes, train_model
from exodx.training.multiclass import choose_limit
from tests.classes import NAMES, class_cohort


@pytest.fixture(scope="module")
def cohort():
    return class_cohort()


def validated(cohort, plan):
    return cross_validate_classes(cohort, plan, class_folds(cohort, plan), "random", 1, lambda: None)


@pytest.fixture(scope="module")
def validation(cohort, fast_plan):
    return validated(cohort, fast_plan)


def test_classes_that_differ_are_told_apart_out_of_fold(cohort, validation):
    scored = np.isfinite(validation.scores).all(axis=(0, 2))
    assert scored.mean() > 0.8  # the haemolysed are not scored
    found = macro_auc(cohort.class_codes[scored], validation.scores[:, scored], validation.folds[:, scored])
    assert found.lower > 0.7
    assert set(validation.benchmarks) == {"logistic", "single_analyte", "default_xgboost"}
    assert validation.sure.any()


def test_permuted_labels_give_half(fast_plan):
    """The mean of three permuted cohorts; each macro AUC has a standard error of about .05."""
    found = []
    for seed in (1, 2, 3):
        cohort = class_cohort(permute=True, seed=seed)
        scores = validated(cohort, fast_plan)
        usable = np.isfinite(scores.scores).all(axis=(0, 2))
        found.append(macro_auc(cohort.class_codes[usable], scores.scores[:, usable], scores.folds[:, usable]).value)
    assert abs(np.mean(found) - 0.5) < 0.1


def test_corrupting_held_out_specimens_changes_no_fitted_number(cohort, fast_plan):
    folds = class_folds(cohort, fast_plan)[0]
    held = folds == 0
    values = cohort.measurements.values.copy()
    values[held] = np.random.default_rng(0).uniform(15, 40, values[held].shape)
    labels = cohort.labels.copy()
    labels[held] = "other"
    other = replace(cohort, measurements=Measurements(cohort.panel.names, values, cohort.measurements.states), labels=labels)
    one, two = (fit_classes(c[~held], fast_plan)[1] for c in (cohort, other))
    assert one.softmax == two.softmax
    for a, b in zip(one.fitted, two.fitted, strict=True):
        n = len(a.transform.names)
        assert a.combined.freeze(n).ubjson == b.combined.freeze(n).ubjson
        assert a.transform.to_dict() == b.transform.to_dict()


def test_the_names_of_the_classes_permute_columns_bit_for_bit(class_model, cohort, fast_plan):
    """Renamed so that their order turns round, the same specimens get the same numbers in other columns."""
    renamed = class_cohort(names=("z", "m", "a"))
    other = train_classes(renamed, fast_plan)
    assert (class_model.classes, other.classes) == (NAMES, ("a", "m", "z"))
    one, two = (m.predict(cohort.measurements, cohort.ids) for m in (class_model, other))
    np.testing.assert_array_equal(one.probabilities, two.probabilities[:, ::-1])
    np.testing.assert_array_equal(one.margin, two.margin)


def test_the_order_of_rows_does_not_matter(class_model, cohort, fast_plan):
    moved = train_classes(cohort[np.random.default_rng(0).permutation(len(cohort))], fast_plan)
    assert (moved.softmax, moved.provenance) == (class_model.softmax, class_model.provenance)


def test_each_part_is_the_binary_model_of_its_class(class_model, cohort, fast_plan):
    usable, _ = fit_classes(cohort, fast_plan)
    part, usual = class_model.parts[1], train_model(usable.one_vs_rest(NAMES[1]), fast_plan)
    assert part.forest.ubjson == usual.forest.ubjson
    assert (part.calibrator, part.provenance) == (usual.calibrator, usual.provenance)


def test_the_whole_knows_its_cohort_and_has_no_positive_class(class_model, cohort):
    provenance = class_model.provenance
    assert provenance.cohort_fingerprint == cohort.fingerprint
    assert (provenance.n_specimens, provenance.n_positive, provenance.positive_label) == (90, 0, "")
    assert "healthy: members" in provenance.booster


def test_all_that_stands_in_the_way_is_told_at_once(cohort):
    few = np.concatenate([np.flatnonzero(cohort.class_codes == 0), *(np.flatnonzero(cohort.class_codes == k)[:3] for k in (1, 2))])
    plan = StudyPlan(target="youden", prevalence=0.2, panel_curve=True)
    with pytest.raises(InputRefused) as caught:
        check_classes(cohort[few], plan)
    problems = caught.value.problems
    assert [p.code for p in problems] == ["TOO_FEW_SUBJECTS"] * 2 + ["PLAN_OF_TWO_CLASSES"] * 3
    assert "class 'healthy'" in problems[0].where
    check_classes(cohort, StudyPlan())


def test_four_subjects_of_a_class_are_enough_to_be_held_out(cohort, fast_plan):
    rows = np.concatenate([np.flatnonzero(cohort.class_codes == k)[: 4 if k == 2 else 25] for k in (0, 1, 2)])
    found = validated(cohort[np.sort(rows)], fast_plan)
    assert np.isfinite(found.scores).all(axis=(0, 2)).mean() > 0.8


def test_a_class_that_cannot_be_learned_leaves_the_fold_unscored_and_all_folds_so_refuse(cohort, fast_plan):
    rows = np.concatenate([np.flatnonzero(cohort.class_codes == k)[: 2 if k == 2 else 20] for k in (0, 1, 2)])
    with pytest.raises(InputRefused, match="TOO_FEW"):
        validated(cohort[np.sort(rows)], replace(fast_plan, outer_folds=2))


def test_the_limit_is_the_lowest_that_keeps_the_target_and_above_all_where_none_does():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    assert choose_limit(p, np.array([0, 1, 1, 0]), 1.0).value == pytest.approx(0.8)
    assert choose_limit(p, np.array([0, 1, 0, 1]), 0.9).value == pytest.approx(0.6)
    assert choose_limit(p, np.array([1, 0, 1, 0]), 0.5).value == 2.0


def test_a_grey_zone_is_chosen_out_of_fold_and_kept_in_the_model(cohort, fast_plan):
    plan = replace(fast_plan, grey_zone=True, target_value=0.95)
    _, fitted = fit_classes(cohort, plan)
    held = np.column_stack([f.held_margin for f in fitted.fitted])
    usable, _ = fit_classes(cohort, plan)
    p = softmax(fitted.softmax.scores(held))
    sure = p.max(axis=1) >= fitted.limit.value
    assert (p.argmax(axis=1) == usable.class_codes)[sure].mean() >= 0.95

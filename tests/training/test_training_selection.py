"""Stability selection: what it keeps, on which specimens, and that nothing held out is seen."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_ind

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.panel import Analyte, Panel
from exodx.training import cross_validate, fit_procedure, prepare, repeated_folds, run_panel_sizes, train_model
from exodx.training.selection import FEWEST, HALVES, halves, stable_columns, welch


def table(n=80, k=400, signal=5, seed=0, size=1.6):
    rng = np.random.default_rng(seed)
    y = np.tile([0, 1], n // 2).astype(np.int8)
    x = rng.normal(size=(n, k))
    x[:, :signal] += size * y[:, None]
    return x, y


def test_strong_features_are_kept_and_few_others_come_with_them():
    x, y = table()
    kept = stable_columns(x, y, np.arange(80), 0)
    assert {0, 1, 2, 3, 4} <= set(kept)
    assert len(kept) <= 10
    assert list(kept) == sorted(kept)


def test_where_nothing_tells_anything_about_as_few_pass_as_the_theorem_says():
    """At most five are expected; Meinshausen and Bühlmann's bound is generous, so the mean of 20 tables must keep below it."""
    passed = []
    for seed in range(20):
        x, y = table(signal=0, seed=seed)
        passed.append(len(stable_columns(x, y, np.arange(80), seed)))
    assert np.mean(passed) <= 5
    assert min(passed) == FEWEST


def test_the_t_of_a_half_is_welch_s_t_of_the_values_that_are_known():
    x, y = table(k=6, signal=2)
    x[np.random.default_rng(1).random(x.shape) < 0.2] = np.nan
    half = np.random.default_rng(2).random((2, 80)) < 0.5
    for drawn, found in zip(half, welch(x, y, half), strict=True):
        cases, controls = x[drawn & (y == 1)], x[drawn & (y == 0)]
        expected = np.abs(ttest_ind(cases, controls, equal_var=False, nan_policy="omit").statistic)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_halves_hold_half_of_the_subjects_of_each_class_and_never_part_of_one():
    y = np.repeat(np.tile([0, 1], 20), 2).astype(np.int8)
    subjects = np.repeat(np.arange(40), 2)
    drawn = halves(y, subjects, 3)
    assert drawn.shape == (HALVES, 80)
    np.testing.assert_array_equal(drawn[:, ::2], drawn[:, 1::2])
    assert set(drawn[:, y == 1].sum(axis=1)) == {20}
    assert len({half.tobytes() for half in drawn}) == HALVES


def test_columns_without_values_or_spread_are_not_taken_while_others_are():
    x, y = table(k=30)
    x[:, 10], x[:, 11], x[:40, 12] = np.nan, 3.0, np.nan
    kept = stable_columns(x, y, np.arange(80), 0)
    assert not {10, 11} & set(kept)
    assert stable_columns(x[:, :1], y, np.arange(80), 0) == (0,)


def test_units_do_not_matter():
    x, y = table(k=50)
    scale = np.random.default_rng(0).lognormal(sigma=3, size=50)
    assert stable_columns(1e3 + x * scale, y, np.arange(80), 0) == stable_columns(x, y, np.arange(80), 0)


@pytest.fixture(scope="module")
def wide():
    analytes = [Analyte(f"miR-{i}", "mirna", "log2", direction="up" if i <= 3 else None) for i in range(1, 61)]
    made = Panel("wide", "1", "wide", tuple(analytes), normalisation="none")
    return frame_cohort(simulate(made, SimulatedStudy(n=160, seed=4)), Intake(made, "group", "case"))


@pytest.fixture(scope="module")
def chosen_plan(fast_plan):
    return replace(fast_plan, selection="stability")


def test_a_model_looks_at_what_was_selected_and_takes_the_whole_panel(wide, chosen_plan):
    fitted = fit_procedure(prepare(wide.sorted(), chosen_plan), chosen_plan)
    selected = fitted.describe()["selected"]
    assert {"miR-1", "miR-2", "miR-3"} <= set(selected)
    assert len(selected) < 15
    model = train_model(wide, chosen_plan)
    assert len(model.transform.names) == 60
    explained = model.explain(wide.sorted().measurements)
    used = {name for name, column in zip(explained.features, np.abs(explained.values).T, strict=True) if column.any()}
    assert used <= set(selected)
    margin = explained.values.sum(axis=1) + model.base_value
    np.testing.assert_allclose(margin, fitted.margin(wide.sorted().measurements), atol=2e-5)


def test_each_fold_selects_from_its_training_part_alone(wide, chosen_plan):
    folds = repeated_folds(wide, chosen_plan)
    found = cross_validate(wide, chosen_plan, folds, "d", 1, lambda: None)
    assert all(choice.selected for choice in found.choices)
    values = wide.measurements.values.copy()
    held = folds[0] == 0
    values[held] = np.random.default_rng(0).normal(10, 5, values[held].shape)
    other = replace(wide, measurements=type(wide.measurements)(wide.measurements.names, values, wide.measurements.states))
    again = cross_validate(other, chosen_plan, folds, "d", 1, lambda: None)
    assert again.choices[0] == found.choices[0]
    assert [c.selected for c in again.choices[1:]] != [c.selected for c in found.choices[1:]]


def test_panels_of_growing_size_use_what_was_selected_of_them(wide, chosen_plan):
    runs = run_panel_sizes(wide, chosen_plan, repeated_folds(wide, chosen_plan), 60, 1, lambda: None)
    assert runs.sizes[-1] == 60
    assert np.isfinite(runs.margin).all()
    full = cross_validate(wide, chosen_plan, repeated_folds(wide, chosen_plan), "d", 1, lambda: None)
    for fold in range(3):
        rows = runs.folds[0] == fold
        np.testing.assert_array_equal(np.argsort(runs.margin[-1, 0, rows]), np.argsort(full.margin[0, rows]))


def test_where_no_half_can_rank_them_all_columns_stay_and_none_is_padding():
    """With two cases a half holds one, and has no variance: nothing says which columns are good, least of all their order."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 50))
    y = np.r_[np.ones(2), np.zeros(18)].astype(np.int8)
    assert stable_columns(x, y, np.arange(20), 0) == tuple(range(50))
    flat = np.where(np.arange(50) < 48, 1.0, x)
    y = np.tile([0, 1], 10).astype(np.int8)
    assert stable_columns(flat, y, np.arange(20), 0) == (48, 49)

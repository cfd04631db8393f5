"""Directions that a panel declares: whose features they hold, and that predictions then really keep to them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from exodx.assay import learn_transform
from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.errors import InputRefused
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.training import Restriction, check_classes, fit_procedure, prepare, train_model
from exodx.training.boosting import Boosting
from exodx.training.family import family, freeze
from exodx.training.family import grow as grow_within
from exodx.training.restriction import directions, released
from exodx.training.ridge import Ridge
from tests.classes import class_cohort

SIGNS = (1, -1, -1, 0, 1)


def grown(signs, seed=0, n=150):
    """One member of each kind, on data that contradict the third and the last sign, with gaps."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    y = (x[:, 0] - x[:, 1] + 0.8 * x[:, 2] - 0.8 * x[:, 4] + rng.normal(size=n) > 0).astype(np.int8)
    x[rng.random(x.shape) < 0.1] = np.nan
    return [settings[0].grow(x, y, seed, signs)[-1] for settings in family("quick").values()]


@pytest.fixture(scope="module")
def held():
    return grown(SIGNS)


@pytest.fixture(scope="module")
def frozen_held(held):
    return freeze([(member, 0.5) for member in held], 5)


def steps(margin, row, column):
    """How log-odds move where one feature of a row rises."""
    rows = np.repeat(row[None], 120, axis=0)
    rows[:, column] = np.linspace(-4, 4, 120)
    return np.diff(margin(rows))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0, 0.6))
def test_every_member_and_the_frozen_forest_keep_to_the_signs_whatever_else_is_in_the_row(held, frozen_held, seed, missing):
    rng = np.random.default_rng(seed)
    row = 2 * rng.normal(size=5)
    row[rng.random(5) < missing] = np.nan
    for column, sign in enumerate(SIGNS):
        for member in held:
            assert (sign * steps(member.margin, row, column) >= 0).all()
        assert (sign * steps(frozen_held.margin, row, column) >= -1e-7).all()  # tables of float64 sums, in another order


def test_without_signs_the_same_data_are_followed_wherever_they_go():
    for member in grown(()):
        row = np.zeros(5)
        assert (SIGNS[2] * steps(member.margin, row, 2)).min() < 0
    assert all((steps(member.margin, np.zeros(5), 3) != 0).any() for member in grown(SIGNS))  # free features stay in use


def test_signs_that_agree_with_the_data_leave_the_ridge_as_it_is_and_others_end_at_zero():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(120, 4))
    y = (x[:, 0] - x[:, 1] + 0.3 * rng.normal(size=120) > 0).astype(np.int8)
    ridge = Ridge("ridge", (0.03, 0.3))
    free = [line.linear.coefficient for line in ridge.grow(x, y, 0)]
    agreed = ridge.grow(x, y, 0, tuple(int(s) for s in np.sign(free[1])))
    np.testing.assert_allclose(agreed[1].linear.coefficient, free[1], atol=2e-3)  # sklearn stops at a gradient of 1e-4 · n
    against = ridge.grow(x, y, 0, (-1, 0, 0, 0))[1].linear
    assert against.coefficient[0] == 0
    assert against.coefficient[1] < 0
    assert 0 not in ridge.grow(x, y, 0, (-1, 0, 0, 0))[1].used()


def test_the_bounded_ridge_is_the_optimum_that_another_solver_finds():
    """SLSQP on the same penalised likelihood; both stop within 1e-4 of the coefficients."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 3))
    y = (x @ [1.0, 0.5, -0.5] + rng.normal(size=60) > 0).astype(np.int8)
    line = Ridge("ridge", (0.3,)).grow(x, y, 0, (1, -1, 1))[0].linear
    z = np.clip(x, line.lower, line.upper) - line.mean
    scale = z.std(axis=0)
    z = z / scale

    def loss(at):
        margin = z @ at[:3] + at[3]
        return 0.3 * (np.logaddexp(0, margin).sum() - y @ margin) + at[:3] @ at[:3] / 2

    bounds = [(0, None), (None, 0), (0, None), (None, None)]
    other = minimize(loss, np.zeros(4), method="SLSQP", bounds=bounds, options={"ftol": 1e-14, "maxiter": 1000}).x
    np.testing.assert_allclose(line.coefficient * scale, other[:3], atol=1e-4)


def panel(normalisation="none", **declared):
    analytes = [Analyte(name, "mirna", "Ct", direction=direction) for name, direction in declared.items()]
    return Panel("p", "1", "p", tuple(analytes), normalisation=normalisation)


def simulated(made, seed=3, n=90):
    return frame_cohort(simulate(made, SimulatedStudy(n=n, seed=seed, not_run_share=0.05)), Intake(made, "group", "case"))


def signs_of(made):
    cohort = simulated(made)
    transform = learn_transform(made, cohort.measurements, cohort.y)
    return dict(zip(transform.names, directions(made, transform), strict=True))


def test_more_of_a_molecule_is_a_larger_feature_so_up_is_one_on_every_scale():
    made = panel(a="up", b="down", c=None)
    assert {name: sign for name, sign in signs_of(made).items() if not name.endswith("__nd")} == {"a": 1, "b": -1, "c": 0}
    cohort = simulated(made)
    column = list(learn_transform(made, cohort.measurements).names).index("a")
    values = learn_transform(made, cohort.measurements).apply(cohort.measurements).values[:, column]
    assert np.nanmean(values[cohort.y == 1]) > np.nanmean(values[cohort.y == 0])  # the simulated direction is the declared one


def test_an_indicator_of_not_being_detected_has_the_other_sign():
    made = panel(a="up", b="down", c=None)
    cohort = simulated(made)
    values = cohort.measurements.values.copy()
    values[::4] = 39.0  # above the cut-off
    transform = learn_transform(made, type(cohort.measurements)(made.names, values, cohort.measurements.states), cohort.y)
    found = dict(zip(transform.names, directions(made, transform), strict=True))
    assert (found["a__nd"], found["b__nd"], found["c__nd"]) == (-1, 1, 0)


def test_a_log_ratio_has_a_sign_only_where_both_sides_agree():
    assert signs_of(panel("log_ratios", a="up", b="down", c="up", d=None)) == {
        "a/b": 1,
        "a/c": 0,
        "a/d": 0,
        "b/c": -1,
        "b/d": 0,
        "c/d": 0,
    }


@pytest.mark.parametrize(
    ("made", "says"),
    [(panel(a=None, b=None), "declare no direction"), (panel("log_ratios", a="up", b="up"), "no log-ratio")],
    ids=["none declared", "ratios disagree"],
)
def test_a_panel_without_directions_is_refused(made, says):
    with pytest.raises(InputRefused, match=says) as refused:
        train_model(simulated(made), StudyPlan(budget="minimal", monotone=True))
    assert [p.code for p in refused.value.problems] == ["NO_DIRECTIONS"]


def test_the_procedure_holds_every_fold_and_the_final_model_and_says_so(cohort, fast_plan):
    plan = replace(fast_plan, monotone=True)
    data = prepare(cohort.sorted(), plan)
    assert all(any(fold.restriction.signs) for fold in data.folds)
    fitted = fit_procedure(data, plan)
    names = fitted.transform.names
    assert fitted.describe()["monotone"]["miR-145-5p"] == -1
    row = np.nanmedian(data.features, axis=0)
    for name, sign in (("miR-126-3p", 1), ("miR-145-5p", -1), ("PD-L1", 1)):
        for combined in (fitted.combined, *fitted.inner):
            assert (sign * steps(combined.margin, row, names.index(name)) >= 0).all()


def test_a_plan_that_asks_for_nothing_is_the_plan_it_was(cohort, fast_plan):
    assert fast_plan.fingerprint == replace(fast_plan, monotone=False, selection="none").fingerprint
    asked = {replace(fast_plan, **p).fingerprint for p in ({}, {"monotone": True}, {"selection": "stability"})}
    assert len(asked) == 3
    assert released(fast_plan) == {}
    both = replace(fast_plan, monotone=True, selection="stability")
    assert released(both) == {
        "unconstrained": replace(fast_plan, selection="stability"),
        "full_panel": replace(fast_plan, monotone=True),
    }
    assert set(fit_procedure(prepare(cohort, fast_plan), fast_plan).describe()) == {"members"}


def test_several_classes_have_no_direction_and_no_comparison(fast_plan):
    with pytest.raises(InputRefused) as refused:
        check_classes(class_cohort(), replace(fast_plan, monotone=True, selection="stability"))
    assert [p.where for p in refused.value.problems] == ["plan.monotone", "plan.selection"]


@pytest.mark.parametrize("setting", [each[0] for each in family("quick").values()], ids=list(family("quick")))
def test_a_member_of_some_columns_is_the_member_of_those_alone_in_a_wider_table(setting):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(100, 9))
    y = (x[:, 3] + x[:, 7] + rng.normal(size=100) > 0).astype(np.int8)
    columns = (1, 3, 7)
    restriction = Restriction((0, 0, 0, 1, 0, 0, 0, 0, 0), columns)
    wide = grow_within(setting, x, y, 0, restriction)[-1]
    alone = setting.grow(x[:, columns], y, 0, (0, 1, 0))[-1]
    np.testing.assert_array_equal(wide.margin(x), alone.margin(x[:, columns]))
    assert wide.used() == {columns[column] for column in alone.used()}
    np.testing.assert_array_equal(wide.contributions(x)[:, [*columns, 9]], alone.contributions(x[:, columns]))
    assert not wide.contributions(x)[:, [0, 2, 4, 5, 6, 8]].any()
    other = Boosting("stumps", (5,), {"max_depth": 1}).grow(x, y, 0)[0]
    frozen = freeze([(wide, 0.7), (other, 0.2)], 9)
    np.testing.assert_allclose(frozen.margin(x), 0.7 * wide.margin(x) + 0.2 * other.margin(x), atol=2e-5)
    first = freeze([(other, 0.2), (wide, 0.7)], 9)
    np.testing.assert_allclose(first.margin(x), frozen.margin(x), atol=2e-5)

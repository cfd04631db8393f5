"""Standard curves against R's nls, exact data, hand-worked limits and their own laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.stats import Curve, fit_curve, lob, lod

LEVELS = np.array([1.0, 3, 10, 30, 100, 300, 1000])


@st.composite
def curves(draw, model="4PL"):
    a, d = draw(st.sampled_from([(0.05, 2.5), (2.5, 0.05), (10.0, 30000.0), (900.0, 30.0)]))
    b, c = draw(st.floats(0.5, 4)), draw(st.floats(1e-2, 1e4))
    return Curve(model, a, b, c, d, draw(st.floats(0.3, 3)) if model == "5PL" else 1.0)


@pytest.fixture(scope="session")
def references(golden):
    answer = golden("dose_response")
    return [*answer["dnase"], answer["competitive"], answer["multiplex"], answer["asymmetric"]]


@pytest.mark.parametrize("number", range(6))
def test_parameters_errors_and_readings_equal_those_of_r(number, references):
    """R stops where port and Gauss-Newton no longer see the sum fall: about 1e-6 of a parameter."""
    expected = references[number]
    fit = fit_curve(expected["x"], expected["y"], "5PL" if "g" in expected["parameters"] else "4PL")
    assert fit.reason == ""
    for name, value in expected["parameters"].items():
        assert getattr(fit.curve, name) == pytest.approx(value, rel=1e-5), name
    assert fit.sigma == pytest.approx(expected["sigma"], rel=1e-9)
    assert fit.residuals @ fit.residuals <= expected["rss"] * (1 + 1e-9)
    assert fit.curve.concentration(expected["at"]) == pytest.approx(expected["inverse"], rel=1e-5)
    errors = [fit.log_error(y) for y in expected["at"]]
    assert errors == pytest.approx(expected["se_log"], rel=1e-5)


def test_interval_is_the_delta_method_with_students_t(references):
    expected = references[1]
    estimate = fit_curve(expected["x"], expected["y"]).read(expected["at"][1])
    t = 2.178812829663418  # qt(0.975, 16 - 4) in R
    assert math.log(estimate.upper / estimate.value) == pytest.approx(t * expected["se_log"][1], rel=1e-5)
    assert math.log(estimate.value / estimate.lower) == pytest.approx(t * expected["se_log"][1], rel=1e-5)
    assert (estimate.n, estimate.level) == (1, 0.95)


def test_more_wells_and_a_lower_level_make_the_interval_shorter(references):
    fit = fit_curve(references[1]["x"], references[1]["y"])

    def width(y, level=0.95):
        e = fit.read(y, level)
        return e.upper / e.lower

    assert width([0.5, 0.5, 0.5]) < width([0.5]) > width([0.5], 0.8)


@given(curves(), st.floats(1e-3, 1 - 1e-3))
def test_what_is_read_at_a_signal_is_what_gave_it(curve, share):
    x = curve.c * (share / (1 - share)) ** (1 / curve.b)
    assert curve.concentration(curve.signal(x)) == pytest.approx(x, rel=1e-9)


@given(curves("5PL"), st.floats(1e-2, 1 - 1e-2))
def test_the_same_in_a_5pl(curve, share):
    x = curve.c * (share ** (-1 / curve.g) - 1) ** (1 / curve.b)
    assert curve.concentration(curve.signal(x)) == pytest.approx(x, rel=1e-9)


@given(curves())
def test_formula_and_order(curve):
    x = curve.c * np.array([0.01, 0.3, 1, 5, 40])
    plain = curve.d + (curve.a - curve.d) / (1 + (x / curve.c) ** curve.b) ** curve.g
    assert curve.signal(x) == pytest.approx(plain, rel=1e-12)
    assert np.all(np.diff(curve.signal(x)) * np.sign(curve.d - curve.a) > 0)
    assert curve.signal(0.0) == pytest.approx(curve.a)
    assert curve.signal(curve.c) == pytest.approx((curve.a + curve.d) / 2)


@given(curves())
def test_outside_the_asymptotes_nothing_is_read(curve):
    low, high = sorted((curve.a, curve.d))
    assert np.isnan(curve.concentration([low, high, low - 1, high * 1.01, np.nan, np.inf])).all()


@pytest.mark.parametrize(("a", "d"), [(0.05, 2.4), (2.4, 0.05), (15.0, 24000.0)])
@pytest.mark.parametrize("b", [0.7, 1.0, 1.8])
def test_exact_data_give_back_the_curve(a, d, b):
    true = Curve("4PL", a, b, 40.0, d)
    fit = fit_curve(np.repeat(LEVELS, 2), true.signal(np.repeat(LEVELS, 2)))
    for name in "abcd":
        assert getattr(fit.curve, name) == pytest.approx(getattr(true, name), rel=1e-6)
    assert [level.recovery for level in fit.levels] == pytest.approx([100] * 7, abs=1e-5)
    assert (fit.lloq, fit.uloq, fit.left_out, fit.n) == (1, 1000, (), 14)


@pytest.mark.parametrize("g", [0.4, 1.0, 2.2])
def test_exact_data_give_back_a_5pl(g):
    true, x = Curve("5PL", 0.04, 1.4, 60.0, 3.1, g), 2000 / 2.0 ** np.arange(12)
    fit = fit_curve(x, true.signal(x), "5PL")
    assert fit.curve.signal(x) == pytest.approx(true.signal(x), rel=1e-7)
    assert fit.curve.g == pytest.approx(g, rel=1e-4)


def test_a_4pl_misreads_what_a_5pl_reads():
    x = np.repeat(2000 / 2.0 ** np.arange(10), 2)
    y = Curve("5PL", 0.04, 2.0, 60.0, 3.1, 0.3).signal(x)
    worst = [max(abs(level.recovery - 100) for level in fit_curve(x, y, m).levels) for m in ("4PL", "5PL")]
    assert worst[0] > 1 > 1e-3 > worst[1]


@given(st.permutations(range(14)))
def test_the_order_of_wells_does_not_matter(order):
    x = np.repeat(LEVELS, 2)
    y = Curve("4PL", 0.05, 1.1, 40.0, 2.4).signal(x) * np.tile([0.97, 1.04], 7)
    first, again = fit_curve(x, y).curve, fit_curve(x[list(order)], y[list(order)]).curve
    assert [again.a, again.b, again.c, again.d] == pytest.approx([first.a, first.b, first.c, first.d], rel=1e-5)


def test_the_units_only_scale():
    x = np.repeat(LEVELS, 2)
    y = Curve("4PL", 0.05, 1.1, 40.0, 2.4).signal(x) * np.tile([0.97, 1.04], 7)
    one, other = fit_curve(x, y), fit_curve(1000 * x, 5000 * y)
    assert other.curve.c == pytest.approx(1000 * one.curve.c, rel=1e-6)
    assert other.curve.a == pytest.approx(5000 * one.curve.a, rel=1e-6)
    assert (other.lloq, other.uloq) == (1000 * one.lloq, 1000 * one.uloq)


def test_the_range_ends_at_the_outermost_standards_that_read_rightly(references):
    """Recoveries recomputed from R's parameters; the lowest standard may be off by 25 %, the others by 20 %."""
    expected = references[4]
    x, y = np.array(expected["x"]), np.array(expected["y"])
    a, b, c, d = (expected["parameters"][name] for name in "abcd")
    recovery = {
        level: 100 * c * ((a - d) / (y[x == level].mean() - d) - 1) ** (1 / b) / level for level in sorted(set(expected["x"]))
    }
    fit = fit_curve(x, y)
    assert {level.concentration: level.recovery for level in fit.levels} == pytest.approx(recovery, rel=1e-3)
    low, second, *_, top = fit.levels
    assert low.recovery > 125
    assert 75 <= second.recovery < 80  # 25 % will do, 20 % would not
    assert top.recovery > 120
    assert (fit.lloq, fit.uloq) == (second.concentration, fit.levels[-2].concentration)
    assert second.passes(25)
    assert not second.passes(20)


def test_a_standard_beyond_the_asymptote_is_outside_the_range(references):
    fit = fit_curve(references[3]["x"], references[3]["y"])
    assert math.isnan(fit.levels[0].recovery)
    assert fit.lloq == fit.levels[2].concentration


def test_limits_of_blank_and_detection_by_hand():
    blank, low = [0.08, 0.10, 0.12], [0.20, 0.26]
    assert lob(blank) == pytest.approx(0.10 + 1.645 * 0.02)
    assert lod(blank, low) == pytest.approx(0.10 + 1.645 * 0.02 + 1.645 * 0.06 / math.sqrt(2))
    for bad in ([], [0.1], [[0.1, 0.2]], [0.1, math.nan]):
        with pytest.raises(ValueError, match="blank"):
            lob(bad)
    with pytest.raises(ValueError, match="low"):
        lod(blank, [0.1])


@pytest.mark.parametrize(("a", "d", "side"), [(0.05, 2.4, 1), (2.4, 0.05, -1)])
def test_standards_within_the_blanks_are_below_the_lloq(a, d, side):
    true = Curve("4PL", a, 1.0, 40.0, d)
    x = np.repeat(LEVELS, 2)
    between = float(true.signal(2.0))
    fit = fit_curve(x, true.signal(x), blank=[between, between])
    assert fit.lob == pytest.approx(between)
    assert [level.above_blank for level in fit.levels] == [False] + [True] * 6
    assert fit.lloq == 3
    noisy = fit_curve(x, true.signal(x), blank=[between - 0.01, between + 0.01])
    assert noisy.lob == pytest.approx(between + side * 1.645 * 0.01 * math.sqrt(2))
    assert fit_curve(x, true.signal(x), blank=[between]).lob == pytest.approx(between)
    assert fit_curve(x, true.signal(x)).lob is None


@pytest.mark.parametrize(
    ("levels", "model", "found"),
    [
        (3, "4PL", "3 standard level(s) where a 4PL needs 4"),
        (5, "5PL", "5 standard level(s) where a 5PL needs 6"),
        (0, "4PL", "0 "),
    ],
)
def test_too_few_levels_give_a_reason(levels, model, found):
    x = np.repeat(LEVELS[:levels], 3)
    fit = fit_curve(x, Curve("4PL", 0.05, 1.0, 40.0, 2.4).signal(x), model)
    assert fit.curve is None
    assert found in fit.reason
    assert (fit.lloq, fit.uloq) == (None, None)
    assert fit.read(1.0).reason == fit.reason
    assert math.isnan(fit.log_error(1.0))


def test_signals_that_cannot_be_weighed_are_left_out_by_level():
    x = np.repeat(LEVELS, 2)
    y = Curve("4PL", 0.001, 1.0, 40.0, 2.4).signal(x)
    y[1] = -0.001
    fit = fit_curve(x, y)
    assert (fit.left_out, fit.n, fit.lloq) == ((1.0,), 12, 3)
    none = fit_curve(x, -y[::-1] * 0 - 1)
    assert none.curve is None
    assert "above 0" in none.reason


def test_flat_and_scattered_standards_have_no_range():
    flat = fit_curve(LEVELS, np.full(7, 1.3))
    assert flat.curve is None
    assert flat.reason == "all standards have the same signal"
    huge = fit_curve(LEVELS, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 1e308])
    assert huge.curve is None
    assert "from 0.1 to 1e+308 are no readings of one instrument" in huge.reason
    scattered = fit_curve(LEVELS, [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0])
    assert scattered.lloq is None
    assert "fewer than two standards" in scattered.reason


def test_a_straight_line_is_read_though_its_top_is_not_reached():
    x = np.repeat(2000 / 3.0 ** np.arange(7), 3)
    fit = fit_curve(x, 0.001 + 0.00168 * x)
    assert [level.recovery for level in fit.levels] == pytest.approx([100] * 7, abs=0.5)
    assert (fit.lloq, fit.uloq) == (x.min(), x.max())
    assert fit.untold == ("c",)
    assert fit_curve(x, Curve("4PL", 0.05, 1.0, 40.0, 2.4).signal(x)).untold == ()
    estimate = fit.read(fit.curve.signal(100.0))
    assert estimate.lower < 100 < estimate.upper < 105


def test_as_many_levels_as_parameters_leave_no_scatter():
    fit = fit_curve(LEVELS[1:5], Curve("4PL", 0.05, 1.0, 40.0, 2.4).signal(LEVELS[1:5]))
    estimate = fit.read(0.5)
    assert estimate.lower is None
    assert "scatter" in estimate.reason
    assert "asymptotes" in fit.read(99.0).reason


@pytest.mark.parametrize(
    ("x", "y", "options", "words"),
    [
        ([0.0, 1, 2, 3, 4], [1.0, 2, 3, 4, 5], {}, "blank"),
        ([1.0, 2, 3, 4], [1.0, 2, 3], {}, "shape"),
        ([1.0, 2, 3, 4], [1.0, 2, 3, math.nan], {}, "missing"),
        ([1.0, 2, 3, 4], [1.0, 2, 3, 4], {"model": "3PL"}, "4PL"),
        ([1.0, 2, 3, 4], [1.0, 2, 3, 4], {"blank": [math.nan]}, "missing"),
        (1.0, 1.0, {}, "shape"),
    ],
)
def test_what_is_no_standard_is_refused(x, y, options, words):
    with pytest.raises(ValueError, match=words):
        fit_curve(x, y, **options)

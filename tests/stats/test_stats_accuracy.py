"""Two-by-two tables worked by hand, against epiR, and the laws they obey."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.stats import (
    Confusion,
    auc,
    confusion,
    likelihood_ratios,
    predictive_values,
    sensitivity,
    specificity,
    wilson,
)

cells = st.integers(0, 200)
tables = st.builds(Confusion, cells, cells, cells, cells).filter(lambda c: c.cases and c.controls)
shares = st.floats(0.001, 0.999)


def ends(estimate):
    return [estimate.value, estimate.lower, estimate.upper]


def test_counts_by_hand():
    y = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    call = [1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0]
    c = confusion(y, call)
    assert c == Confusion(tp=4, fn=1, fp=2, tn=5)
    assert c.sensitivity == 4 / 5
    assert c.specificity == 5 / 7
    assert (c.cases, c.controls, c.size) == (5, 7, 12)


def test_booleans_are_labels_too():
    assert confusion(np.array([True, False]), np.array([True, True])) == Confusion(1, 0, 1, 0)


@pytest.mark.parametrize(
    ("y", "call", "said"),
    [
        ([0, 1], [0, 1, 1], "one call per specimen"),
        ([0, 2], [0, 1], "code controls as 0"),
        ([0, 1], [0.2, 0.7], "code controls as 0"),
        ([[0, 1]], [0, 1], "shape"),
        ([], [], "shape"),
        ([0, np.nan], [0, 1], "code controls as 0"),
    ],
)
def test_unreadable_labels_are_refused(y, call, said):
    with pytest.raises(ValueError, match=said):
        confusion(y, call)


@pytest.mark.parametrize("counts", [(-1, 2, 3, 4), (1, math.nan, 3, 4), (1, 2, math.inf, 4)])
def test_impossible_tables_are_refused(counts):
    with pytest.raises(ValueError, match="counts are"):
        Confusion(*counts)


def test_against_epir(golden):
    for case in golden("accuracy")["tables"]:
        c = Confusion(*(case[k] for k in ("tp", "fn", "fp", "tn")))
        assert ends(sensitivity(c)) == pytest.approx(case["sensitivity"], abs=1e-9)
        assert ends(specificity(c)) == pytest.approx(case["specificity"], abs=1e-9)
        positive, negative = likelihood_ratios(c)
        assert ends(positive) == pytest.approx(case["lr_positive"], rel=1e-9)
        assert ends(negative) == pytest.approx(case["lr_negative"], rel=1e-9)


def test_sensitivity_knows_its_own_row():
    c = Confusion(tp=9, fn=1, fp=30, tn=70)
    assert ends(sensitivity(c)) == [0.9, *wilson(9, 10)]
    assert ends(specificity(c, 0.9)) == [0.7, *wilson(70, 100, 0.9)]
    assert (sensitivity(c).n, specificity(c).n) == (10, 100)


def test_averaged_counts_are_allowed():
    c = Confusion(tp=9.4, fn=0.6, fp=29.8, tn=70.2)
    assert sensitivity(c).value == pytest.approx(0.94)
    assert sensitivity(c).n == 10


def test_mercaldo_oracle():  # ApoE4 example of Mercaldo 2007 at a prevalence of 3 %
    ppv, npv = predictive_values(Confusion(240, 178, 87, 288), 0.03)
    assert ends(ppv) == pytest.approx([0.071099, 0.058871, 0.085637], abs=1e-6)
    assert ends(npv) == pytest.approx([0.98314, 0.980949, 0.985084], abs=1e-6)
    assert (ppv.name, npv.name, ppv.n) == ("ppv", "npv", 793)


def test_mercaldo_oracle_at_the_extreme():  # 20/20 and 20/20 at 10 %, adjusted shares
    ppv, npv = predictive_values(Confusion(20, 0, 0, 20), 0.1)
    assert ends(ppv) == pytest.approx([0.559098, 0.245318, 0.831844], abs=1e-6)
    assert "adjusted" in ppv.method
    assert "adjusted" in npv.method


@given(tables, shares)
def test_predictive_values_are_bayes_where_no_cell_is_empty(c, prevalence):
    if 0 in astuple(c):
        return
    ppv, npv = predictive_values(c, prevalence)
    hit, false_alarm = c.sensitivity * prevalence, (1 - c.specificity) * (1 - prevalence)
    miss, quiet = (1 - c.sensitivity) * prevalence, c.specificity * (1 - prevalence)
    assert ppv.value == pytest.approx(hit / (hit + false_alarm), rel=1e-9)
    assert npv.value == pytest.approx(quiet / (quiet + miss), rel=1e-9)


@given(tables, shares)
def test_swapping_the_classes_swaps_the_answers(c, prevalence):
    swapped = Confusion(tp=c.tn, fn=c.fp, fp=c.fn, tn=c.tp)
    assert ends(sensitivity(c)) == ends(specificity(swapped))
    assert ends(specificity(c)) == ends(sensitivity(swapped))
    ppv, npv = predictive_values(c, prevalence)
    swapped_ppv, swapped_npv = predictive_values(swapped, 1 - prevalence)
    assert ends(ppv) == pytest.approx(ends(swapped_npv), rel=1e-6)
    assert ends(npv) == pytest.approx(ends(swapped_ppv), rel=1e-6)


@given(tables, shares)
def test_all_intervals_are_ordered_and_possible(c, prevalence):
    for estimate in (sensitivity(c), specificity(c), *predictive_values(c, prevalence)):
        assert 0 <= estimate.lower <= estimate.value <= estimate.upper <= 1
    for ratio in likelihood_ratios(c):
        assert 0 < ratio.lower < ratio.value < ratio.upper < math.inf


def test_empty_cell_adds_a_half_to_each_count():
    positive, negative = likelihood_ratios(Confusion(10, 0, 3, 7))
    assert positive.value == pytest.approx((10.5 / 11) / (3.5 / 11))
    assert negative.value == pytest.approx((0.5 / 11) / (7.5 / 11))
    assert "½" in positive.method


def test_a_missing_class_is_a_reason_not_a_number():
    no_cases, no_controls = Confusion(0, 0, 3, 7), Confusion(3, 7, 0, 0)
    assert sensitivity(no_cases).reason == "there are no cases"
    assert specificity(no_controls).reason == "there are no controls"
    assert specificity(no_cases).value == 0.7
    assert math.isnan(no_cases.sensitivity)
    assert math.isnan(no_controls.specificity)
    for c, reason in ((no_cases, "there are no cases"), (no_controls, "there are no controls")):
        for estimate in (*predictive_values(c, 0.2), *likelihood_ratios(c)):
            assert estimate.value is None
            assert estimate.reason == reason
            assert estimate.n == 10


@pytest.mark.parametrize("prevalence", [0, 1, -0.2, 3, math.nan])
def test_impossible_prevalence_is_refused(prevalence):
    with pytest.raises(ValueError, match="prevalence"):
        predictive_values(Confusion(1, 2, 3, 4), prevalence)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=60), st.integers(0, 9))
def test_consistency_law(rows, threshold):
    y, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if y.all() or not y.any():
        return
    c = confusion(y, score >= threshold)
    area = auc(y, score)
    slack = 1e-12
    assert c.sensitivity * c.specificity <= area + slack
    assert area <= 1 - (1 - c.sensitivity) * (1 - c.specificity) + slack

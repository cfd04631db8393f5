"""The parts of one specimen's page: scale, strips, reasons, what to measure again."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import State, Threshold
from exodx.report import specimen_page
from exodx.report.specimen_parts import NOTHING_AGAIN, STRIP, WIDTH, call_scale, measure_again, reasons_list, training_strip

ZONE = Threshold(0.3, "sensitivity", 0.9, 10, 10, 0.3, 0.6)


@given(st.floats(0, 1))
def test_the_marker_lies_on_the_side_of_its_call(p):
    scale = call_scale(p, ZONE)
    (call,) = ZONE.calls(np.array([p]))
    side = "negative" if scale.marker < scale.lower else "positive" if scale.marker >= scale.upper else "indeterminate"
    assert side == call
    assert 0 <= scale.marker <= WIDTH


def test_the_scale_says_the_same_in_words():
    assert call_scale(0.4, ZONE).words == "Probability 0.400; called negative below 0.3000, positive from 0.6000."


def test_a_strip_orders_quantiles_and_holds_a_value_beyond_at_its_end(study):
    reference, name = study.model.reference, study.features.names[0]
    quantiles = reference["quantiles"][name]
    inside = training_strip(reference, name, float(np.median(quantiles)))
    assert 0 <= inside.low <= inside.first <= inside.middle <= inside.third <= inside.high <= STRIP
    assert inside.first <= inside.value <= inside.third
    assert training_strip(reference, name, 1e9).value == STRIP - 2
    assert training_strip(reference, name, -1e9).value == 2
    assert training_strip(reference, name, np.nan) is None
    empty = {**reference, "quantiles": {name: [None] * len(quantiles)}}
    assert training_strip(empty, name, 1.0) is None
    flat = {**reference, "quantiles": {name: [1.0] * len(quantiles)}}
    assert training_strip(flat, name, 1.0).value == 2


def test_reasons_are_told_one_by_one_even_with_a_semicolon_inside():
    text = "REFERENCE_PARTLY_MISSING: a reference analyte is missing; the others tell where it would lie; ABOVE_LOQ: a value above"
    assert len(reasons_list(text)) == 2
    assert reasons_list("") == []


@pytest.mark.parametrize(
    ("state", "told"),
    [(State.NOT_RUN, "PD-L1: not run"), (State.FAILED_QC, "PD-L1: failed"), (State.ABOVE_LOQ, "dilute")],
)
def test_what_has_no_value_would_have_to_be_measured_again(study, state, told):
    m = study.cohort.measurements
    states = m.states.copy()
    states[0], states[0, m.names.index("PD-L1")] = State.MEASURED, state
    again = measure_again(study.model, replace(m, states=states), 0, ["NO_VALUE: an analyte has no value"])
    assert len(again) == 1
    assert told in again[0]


def test_nothing_is_to_be_measured_again_only_where_nothing_is_wrong(study):
    m = study.cohort.measurements
    fine = replace(m, states=np.full_like(m.states, State.MEASURED))
    assert measure_again(study.model, fine, 0, []) == [NOTHING_AGAIN]
    assert measure_again(study.model, fine, 0, ["OUT_OF_DOMAIN: its values taken together"]) == []
    assert "haemolysis" in measure_again(study.model, fine, 0, ["HAEMOLYSED: beyond the limit"])[0]


def test_the_page_shows_scale_waterfall_in_units_strips_and_reasons(study):
    prediction = replace(
        study.scores.prediction, reasons=tuple("LOW_DEPTH: few reads; OUT_OF_RANGE: far" for _ in study.cohort.ids)
    )
    html = specimen_page(study.model, replace(study.scores, prediction=prediction), study.features, study.cohort.measurements, 5)
    p, t = prediction.probability[5], study.model.threshold.value
    assert f'aria-label="Probability {p:.3f}; called positive from {t:.4f}."' in html
    values, _ = study.cohort.measurements.column("PD-L1")
    assert f"· {values[5]:.4g} pg/mL</text>" in html
    assert html.count('class="strip"') == int(np.isfinite(study.features.values[5]).sum())
    assert len(re.findall('<li class="(?:warning|blocking)">', html)) == 2
    assert "the library, with more reads" in html

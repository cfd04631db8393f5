"""Why permuted labels must give one half: what is held out, by value or by label, moves no score but its own."""

from dataclasses import replace

import numpy as np
import pytest

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.frozen import Measurements
from exodx.panel import StudyPlan
from exodx.training import cross_validate, permute_labels, repeated_folds
from tests.studies.permuted_labels import PANELS


@pytest.mark.parametrize("name", PANELS)
def test_nothing_held_out_is_seen(name):
    panel = PANELS[name]()
    cohort = frame_cohort(simulate(panel, SimulatedStudy(n=90, seed=1)), Intake(panel, "group", "case")).sorted()
    cohort = permute_labels(cohort, 5)
    plan = StudyPlan(outer_folds=5, repeats=1, inner_folds=3, budget="minimal", seed=1)
    folds = np.where(repeated_folds(cohort, plan) == 0, 0, -2)
    held = np.flatnonzero(folds[0] == 0)
    margin = cross_validate(cohort, plan, folds, "", 1, lambda: None).margin[0]
    label = cohort.reference_standard.copy()
    label.iloc[held] = 1 - label.iloc[held]
    values = cohort.measurements.values.copy()
    values[held[1:]] = values[held[1:]][::-1]
    states = cohort.measurements.states.copy()
    states[held[1:]] = states[held[1:]][::-1]
    other = replace(cohort, reference_standard=label, measurements=Measurements(panel.names, values, states))
    again = cross_validate(other, plan, folds, "", 1, lambda: None).margin[0]
    assert again[held[0]] == margin[held[0]]
    np.testing.assert_array_equal(again[held[1:]], margin[held[1:]][::-1])

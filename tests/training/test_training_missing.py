"""What it costs to lose an analyte: by hand on a model whose trees are known, and what the model keeps of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort
from exodx.frozen import Measurements, State
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.training import fit_procedure, prepare, train_model
from exodx.training.missing import missing_costs

PLAN = StudyPlan(outer_folds=2, repeats=1, inner_folds=2, budget="minimal", seed=1)


@pytest.fixture(scope="module")
def lopsided():
    """One analyte that tells the classes apart, and one of noise."""
    rng = np.random.default_rng(3)
    y = np.arange(80) % 2
    frame = pd.DataFrame({"specimen_id": [f"S{i:02d}" for i in range(80)], "group": np.where(y, "case", "control")})
    frame["signal"] = y * 3 + rng.normal(0, 1, 80)
    frame["noise"] = rng.normal(0, 1, 80)
    panel = Panel("p", "1", "t", (Analyte("signal", "protein", "log2", fraction="ev"), Analyte("noise", "mirna", "log2")))
    return frame_cohort(frame, Intake(panel, "group", "case"))


def test_losing_the_signal_costs_what_is_above_chance_and_losing_noise_nothing(lopsided):
    kept = train_model(lopsided, PLAN).reference
    assert kept["auc"] > 0.9
    assert kept["missing_cost"]["signal"] > 0.25
    assert abs(kept["missing_cost"]["noise"]) < 0.05
    assert kept["missing_kind_cost"] == {"mirna": kept["missing_cost"]["noise"], "protein": kept["missing_cost"]["signal"]}
    usual, (sensitivity, specificity) = kept["calls"], kept["missing_calls"]["signal"]
    assert usual[0] >= 0.85
    assert abs(sensitivity + specificity - 1) < 0.35  # calls without the signal are near to chance
    assert sensitivity + specificity < sum(usual) - 0.25


def test_a_lost_analyte_does_not_send_every_specimen_to_one_side(make_cohort):
    cohort = make_cohort(n=160, not_run_share=0.0, seed=4)
    model = train_model(cohort, PLAN)
    m, name = cohort.measurements, "PD-L1"
    values, states = m.values.copy(), m.states.copy()
    values[:, m.names.index(name)], states[:, m.names.index(name)] = np.nan, State.NOT_RUN
    lost = Measurements(m.names, values, states)
    features, prediction = model.transform.apply(lost), model.predict(lost, cohort.ids)
    assert set(features.values[:, features.names.index(name)]) == {model.transform.encoding.fills[name]}
    assert all("NO_VALUE" in reason for reason in prediction.reasons)
    assert {"positive", "negative"} <= set(prediction.call)
    scored = prediction.is_scored
    sensitivity, specificity = model.reference["missing_calls"][name]
    called = np.array(prediction.call)[scored] == "positive"
    y = cohort.y[scored]
    assert called[y == 1].mean() == pytest.approx(sensitivity, abs=0.15)
    assert 1 - called[y == 0].mean() == pytest.approx(specificity, abs=0.15)


def test_a_marker_that_is_not_detected_lies_below_those_that_are(make_cohort):
    cohort = make_cohort(n=160, not_run_share=0.0, seed=4)
    model = train_model(cohort, PLAN)
    m, name = cohort.measurements, "miR-126-3p"
    low, lost = m.values.copy(), m.states.copy()
    column = m.names.index(name)
    lost[:, column] = State.UNDETERMINED
    low[:, column] = 34.9
    undetected = model.predict(Measurements(m.names, m.values, lost), cohort.ids)
    late = model.predict(Measurements(m.names, low, m.states), cohort.ids)
    scored = undetected.is_scored & late.is_scored
    np.testing.assert_allclose(undetected.margin[scored], late.margin[scored], atol=1e-6)
    assert all("RARELY_UNDETECTED" in reason for reason in undetected.reasons)


def test_the_cost_of_a_dominating_count_is_that_of_its_loss_to_the_library():
    rng = np.random.default_rng(6)
    y = np.arange(120) % 2
    counts = rng.poisson(200, (120, 60)).astype(float)
    counts[:, 0] = rng.poisson(12_000, 120)
    counts[:, 1] = rng.poisson(200 * 1.5**y)
    names = [f"m{i:02}" for i in range(60)]
    panel = Panel("p", "1", "t", tuple(Analyte(n, "other", "count") for n in names), normalisation="none")
    frame = pd.DataFrame(counts.astype(int), columns=names).assign(specimen_id=[f"S{i:03}" for i in range(120)], group=y)
    model = train_model(frame_cohort(frame, Intake(panel, "group", "1")), PLAN)
    kept = model.reference
    assert sum(kept["missing_calls"]["m00"]) < sum(kept["calls"]) - 0.2
    assert kept["missing_calls"]["m59"] == pytest.approx(kept["calls"], abs=0.1)


def test_panels_of_one_kind_have_no_cost_by_kind(lopsided):
    one = Panel("p", "1", "t", tuple(Analyte(n, "other", "log2") for n in ("signal", "noise")))
    cohort = frame_cohort(lopsided.table.reset_index().assign(group=np.where(lopsided.y, "a", "b")), Intake(one, "group", "a"))
    data = prepare(cohort, PLAN)
    found = missing_costs(one, data, fit_procedure(data, PLAN))
    assert found["missing_kind_cost"] == {}
    assert set(found["missing_cost"]) == {"signal", "noise"}

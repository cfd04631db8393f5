"""What it costs to lose an analyte: by hand on a model whose trees are known, and what the model keeps of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort
from exodx.frozen import Measurements, Reason, State
from exodx.frozen.calibrator import probability
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.stats import log_loss
from exodx.training import fit_procedure, prepare, train_model
from exodx.training.missing import feature_columns, missing_costs

PLAN = StudyPlan(outer_folds=2, repeats=1, inner_folds=2, search="minimal", seed=1)


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


def test_what_stands_in_for_a_lost_analyte_keeps_the_calls_from_falling_to_one_side(make_cohort):
    cohort = make_cohort(n=160, not_run_share=0.0, seed=4)
    model = train_model(cohort, PLAN)
    m, name = cohort.measurements, "PD-L1"
    assert model.reference["stand_in"][name] == "median"
    values, states = m.values.copy(), m.states.copy()
    values[:, m.names.index(name)], states[:, m.names.index(name)] = np.nan, State.NOT_RUN
    lost = Measurements(m.names, values, states)
    given = lost.flagged(Reason.ANALYTE_NOT_GIVEN, np.ones(len(m), bool))
    ids = cohort.ids
    blank, median = (model.predict(x, ids).margin for x in (lost, given))
    feature = model.features.index(name)
    assert set(model.features_of(given).values[:, feature]) == {model.reference["quantiles"][name][3]}
    assert np.isnan(model.features_of(lost).values[:, feature]).all()
    scored = np.isfinite(median)
    y = cohort.y[scored]
    assert log_loss(y, probability(median[scored])) < log_loss(y, probability(blank[scored]))
    np.testing.assert_allclose(model.explain(given).values.sum(axis=1)[scored] + model.base_value, median[scored], atol=1e-4)
    alone = model.predict(given[np.array([5])], ids[5:6]).margin
    assert alone.tobytes() == median[5:6].tobytes()


def test_panels_of_one_kind_have_no_cost_by_kind(lopsided):
    one = Panel("p", "1", "t", tuple(Analyte(n, "other", "log2") for n in ("signal", "noise")))
    cohort = frame_cohort(lopsided.table.reset_index().assign(group=np.where(lopsided.y, "a", "b")), Intake(one, "group", "a"))
    data = prepare(cohort, PLAN)
    found = missing_costs(one, data, fit_procedure(data, PLAN), PLAN.seed, {"signal": 0.0, "noise": 0.0})
    assert found["missing_kind_cost"] == {}
    assert set(found["missing_cost"]) == {"signal", "noise"}


def test_an_analytes_features_are_those_that_turn_blank_without_it(model, cohort):
    names = model.transform.names
    typical = {name: quantiles[3] for name, quantiles in model.reference["measured"].items()}
    owned = feature_columns(model.panel, model.transform, typical)
    assert {name: [names[j] for j in columns] for name, columns in owned.items() if columns} == {
        a.name: [n for n in names if n in (a.name, f"{a.name}__nd")] for a in cohort.panel.with_role("target")
    }
    nothing = feature_columns(model.panel, model.transform, dict.fromkeys(model.panel.names))
    assert not any(nothing.values())


def test_costs_are_the_same_again(lopsided):
    assert train_model(lopsided, PLAN).reference == train_model(lopsided, PLAN).reference

"""What must always hold (design.md §6), one rule a test; the rooms' own tests go deeper."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import shap
import xgboost

from exodx.cohort import Cohort, training_rows
from exodx.errors import RUO, InputRefused
from exodx.frozen import Measurements, State
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.stats import Confusion, auc_cross_validated, auc_delong, predictive_values, wilson
from exodx.training import cross_validate, fit_procedure, prepare, repeated_folds


def corrupted(cohort: Cohort, rows: np.ndarray, seed: int) -> Cohort:
    """Replace values, states and labels of some specimens by garbage."""
    rng = np.random.default_rng(seed)
    values, states = cohort.measurements.values.copy(), cohort.measurements.states.copy()
    values[rows] = rng.uniform(15, 40, values[rows].shape)
    states[rows] = rng.integers(0, 5, states[rows].shape)
    label = cohort.reference_standard.copy()
    label.iloc[rows] = 1 - label.iloc[rows]
    return replace(cohort, measurements=Measurements(cohort.panel.names, values, states), reference_standard=label)


def fitted_numbers(cohort: Cohort, plan: StudyPlan) -> tuple:
    fitted = fit_procedure(prepare(cohort, plan), plan)
    forest = fitted.combined.freeze(len(fitted.transform.names))
    return fitted.transform.to_dict(), forest.ubjson, fitted.calibrator, fitted.threshold, fitted.describe()


def test_1_batch_of_one_is_batch_of_n_and_order_and_threads_do_not_matter(model, cohort):
    m, ids = cohort.measurements, cohort.ids
    batch, shap_batch = model.predict(m, ids), model.explain(m)
    order = np.random.default_rng(0).permutation(len(ids))
    columns = np.random.default_rng(1).permutation(len(m.names))
    mixed = Measurements(tuple(m.names[j] for j in columns), m.values[order][:, columns], m.states[order][:, columns])
    again, shap_again = model.predict(mixed, [ids[i] for i in order], threads=2), model.explain(mixed, threads=2)
    np.testing.assert_array_equal(again.margin, batch.margin[order])
    np.testing.assert_array_equal(shap_again.values, shap_batch.values[order])
    for i in range(len(ids)):
        np.testing.assert_array_equal(model.predict(m[i : i + 1], ids[i : i + 1]).margin, batch.margin[i : i + 1])
        np.testing.assert_array_equal(model.explain(m[i : i + 1]).values, shap_batch.values[i : i + 1])


def test_2_corrupting_held_out_specimens_changes_no_fitted_number(cohort, fast_plan):
    folds = repeated_folds(cohort, fast_plan)[0]
    held = np.flatnonzero(folds == 0)
    garbage = corrupted(cohort, held, seed=1)
    rows = training_rows(folds, 0, cohort.subjects)
    assert fitted_numbers(cohort[rows], fast_plan) == fitted_numbers(garbage[rows], fast_plan)
    margin = cross_validate(cohort, fast_plan, folds[None], "", 1, lambda: None).margin[0]
    garbled = cross_validate(garbage, fast_plan, folds[None], "", 1, lambda: None).margin[0]
    assert not np.array_equal(margin[held], garbled[held], equal_nan=True)  # the garbage was seen where it stands, and only there
    assert fitted_numbers(cohort, fast_plan) != fitted_numbers(garbage, fast_plan)  # the comparison can fail


def test_2_permuted_labels_give_an_auc_of_one_half(make_cohort, fast_plan):
    cohort = make_cohort(n=150, seed=11)
    values = []
    for seed in range(6):
        label = cohort.reference_standard.copy()
        label[:] = np.random.default_rng(seed).permutation(label.to_numpy())
        shuffled = replace(cohort, reference_standard=label)
        folds = repeated_folds(shuffled, fast_plan)
        cv = cross_validate(shuffled, fast_plan, folds, "", 2, lambda: None)
        scored = np.isfinite(cv.margin[0])
        values.append(auc_cross_validated(shuffled.y[scored], cv.margin[:, scored], folds[:, scored]).value)
    # one AUC of 150 specimens has a standard error of about 0.047 under the null; the mean of six, 0.02
    assert abs(np.mean(values) - 0.5) < 3 * 0.02


def test_3_every_input_row_appears_in_order_with_a_status_and_a_reason(model, cohort):
    m = cohort.measurements
    states, values = m.states.copy(), m.values.copy()
    states[5], values[5] = State.NOT_RUN, np.nan
    prediction = model.predict(Measurements(m.names, values, states), cohort.ids)
    assert prediction.specimen_ids == cohort.ids
    assert len(prediction.status) == len(prediction.call) == len(prediction.reasons) == len(cohort)
    assert prediction.status[5] == "QC_FAIL"
    assert "NOTHING_MEASURED" in prediction.reasons[5]
    assert np.isnan(prediction.probability[5])
    assert all(reason or status == "OK" for status, reason in zip(prediction.status, prediction.reasons, strict=True))


def test_4_shap_values_sum_to_the_margin_and_equal_tree_explainer(model, cohort):
    prediction, explanation = model.predict(cohort.measurements, cohort.ids), model.explain(cohort.measurements)
    scored = prediction.is_scored
    np.testing.assert_allclose(explanation.values[scored].sum(axis=1) + explanation.base, prediction.margin[scored], atol=1e-4)
    booster = xgboost.Booster(model_file=bytearray(model.forest.ubjson))
    features = model.transform.apply(cohort.measurements).values
    oracle = shap.TreeExplainer(booster).shap_values(features)
    np.testing.assert_allclose(explanation.values[scored], model.calibrator.slope * oracle[scored], atol=1e-6)


def test_5_statistics_equal_their_oracles():
    """Wilson 45/50; DeLong on the logit scale; Mercaldo's PPV (10.1002/sim.2677). R golden files: tests/stats."""
    np.testing.assert_allclose(wilson(45, 50), (0.786398, 0.956524), atol=1e-6)
    y = np.repeat([0, 1], 6)
    s = np.array([0.1, 0.2, 0.35, 0.4, 0.5, 0.62, 0.3, 0.45, 0.55, 0.62, 0.8, 0.9])
    auc = auc_delong(y, s)
    np.testing.assert_allclose((auc.value, auc.lower, auc.upper), (0.7916667, 0.42258, 0.951763), atol=1e-6)
    ppv, _ = predictive_values(Confusion(tp=240, fn=178, fp=87, tn=288), 0.03)
    np.testing.assert_allclose((ppv.value, ppv.lower, ppv.upper), (0.071099, 0.058871, 0.085637), atol=1e-6)


def test_6_a_wrong_unit_scale_or_fraction_stops_with_what_to_do(model):
    with pytest.raises(InputRefused, match="Did you mean 'pg/mL'"):
        Panel("p", "1", "t", (Analyte("PD-L1", "protein", "pg/ml", fraction="ev"),))
    with pytest.raises(InputRefused, match="ev, soluble or total"):
        Panel("p", "1", "t", (Analyte("PD-L1", "protein", "pg/mL"),))
    columns = {name: ["123.4"] for name in model.panel.names}  # copies per microlitre in a Ct column
    _, unreadable = model.contract.read(columns, ".")
    assert "a Ct outside 0 to 50" in unreadable[(0, "miR-126-3p")]
    missing = model.contract.missing(["miR-126*", *model.panel.names[1:]], "new.csv")  # the other arm
    assert "miR-126-3p" in missing[0].found


def test_7_the_research_use_sentence_is_on_help_and_models(model, tmp_path):
    """Reports, pages and predictions: tests/report, tests/cli. Forbidden words: tests/test_house.py."""
    from exodx.frozen import save_bundle

    save_bundle(model, tmp_path / "b")
    assert RUO in (tmp_path / "b" / "manifest.json").read_text()
    done = subprocess.run([sys.executable, "-m", "exodx", "predict", "--help"], capture_output=True, text=True, check=True)
    assert RUO in " ".join(done.stdout.split())


def test_8_importing_exodx_imports_nothing_heavy():
    """Help and predict as processes: tests/cli."""
    heavy = "numpy", "pandas", "mlflow", "shap", "matplotlib", "xgboost"
    code = f"import exodx, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The model: invariant 1 (one specimen = its row in any batch), 3 (a row for each), 4 (SHAP sums to the margin)."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused, ModelRefused
from exodx.frozen import Calibrator, Forest, Measurements, State, Threshold
from exodx.frozen.calibrator import probability
from exodx.training import train_model


@pytest.fixture(scope="module")
def batch(cohort):
    """Specimens with every kind of trouble among them: no reference, nothing measured, one reference, late and undetermined Ct."""
    m = cohort.measurements[np.arange(40)]
    values, states = m.values.copy(), m.states.copy()

    def spoil(rows, names, state):
        for name in names:
            j = m.names.index(name)
            values[rows, j], states[rows, j] = np.nan, state

    spoil([3], ["miR-103a-3p", "miR-423-5p"], State.UNDETERMINED)
    spoil([5], m.names, State.NOT_RUN)
    spoil([8, 9], ["miR-103a-3p"], State.NOT_RUN)
    spoil([11, 12], ["miR-126-3p", "miR-145-5p"], State.UNDETERMINED)
    values[13, 0] = 38.0
    return Measurements(m.names, values, states)


@pytest.fixture(scope="module")
def tree_explainer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import, shap builds colour maps in a way that matplotlib is about to retire
        from shap import TreeExplainer
    return TreeExplainer


def bits(model, m, threads=1):
    """Everything the model says of specimens, one bytes object each."""
    features = model.transform.apply(model.arrange(m))
    prediction = model.predict(m, [""] * len(m), threads)
    shap_values = model.explain(m, threads).values
    numbers = np.column_stack([features.values, features.flags, prediction.margin, prediction.probability, shap_values])
    return [
        (row.tobytes(), s, c, r)
        for row, s, c, r in zip(numbers, prediction.status, prediction.call, prediction.reasons, strict=True)
    ]


@given(st.lists(st.integers(0, 39), min_size=1, max_size=12), st.permutations(range(7)))
def test_invariant_1_one_specimen_equals_its_row_in_any_batch_bit_for_bit(model, batch, rows, columns):
    names = tuple(batch.names[j] for j in columns)
    some = Measurements(names, batch.values[np.ix_(rows, columns)], batch.states[np.ix_(rows, columns)])
    whole = bits(model, batch)
    assert bits(model, some) == [whole[r] for r in rows]
    assert bits(model, batch[rows[:1]]) == [whole[rows[0]]]


def test_invariant_1_the_memory_layout_and_the_number_of_threads_change_no_bit(model, batch):
    whole = bits(model, batch)
    fortran = Measurements(batch.names, np.asfortranarray(batch.values), np.asfortranarray(batch.states))
    assert bits(model, fortran) == whole
    many = np.tile(np.arange(40), 50)
    for threads in (1, 2, 3):
        assert bits(model, batch[many], threads) == whole * 50


def test_invariant_3_every_specimen_has_a_row_in_order_with_status_and_reason(model, batch):
    ids = [f"S{i}" for i in range(40)]
    p = model.predict(batch, ids)
    assert p.specimen_ids == tuple(ids)
    assert [p.status[i] for i in (0, 3, 5, 8)] == ["OK", "QC_FAIL", "QC_FAIL", "WARN"]
    for status, call, reasons, margin in zip(p.status, p.call, p.reasons, p.margin, strict=True):
        assert (status == "OK") == (reasons == "")
        assert (status == "QC_FAIL") == (call == "not_reported") == np.isnan(margin)
    haemolysed = ["HAEMOLYSED" in reasons for reasons in p.reasons]
    assert sum(haemolysed) == 1
    assert p.is_scored.sum() == 37
    assert len(model.predict(batch[np.arange(0)], [])) == 0


def test_the_model_names_the_analytes_it_misses(model, batch):
    with pytest.raises(InputRefused, match="miR-451a"):
        model.predict(Measurements(batch.names[:-1], batch.values[:, :-1], batch.states[:, :-1]), [""] * len(batch))
    with pytest.raises(ValueError, match="2 specimen ids for 40"):
        model.predict(batch, ["a", "b"])


def test_invariant_4_shap_values_sum_to_the_margin(model, batch):
    e, margin = model.explain(batch), model.predict(batch, [""] * 40).margin
    np.testing.assert_allclose(e.values.sum(axis=1) + e.base, margin, atol=1e-4)
    assert e.features == model.features
    assert np.isnan(e.values[[3, 5]]).all()


def test_invariant_4_shap_values_equal_the_tree_explainer_scaled_by_the_slope(model, batch, tree_explainer):
    explainer = tree_explainer(xgboost.Booster(model_file=bytearray(model.forest.ubjson)))
    ok = model.predict(batch, [""] * 40).is_scored
    features = model.transform.apply(batch).values[ok]
    slope, intercept = model.calibrator.slope, model.calibrator.intercept
    e = model.explain(batch)
    np.testing.assert_allclose(e.values[ok], slope * explainer.shap_values(features), atol=1e-4)
    np.testing.assert_allclose(e.base, slope * explainer.expected_value + intercept, atol=1e-4)


@given(st.floats(-1e300, 1e300))
def test_probability_never_overflows(margin):
    p = probability(np.array([margin, -margin]))
    assert ((p >= 0) & (p <= 1)).all()
    assert p.sum() == pytest.approx(1.0)


def test_probability_at_the_ends():
    assert probability(np.array([-np.inf, -1e9, 0.0, 1e9, np.inf])).tolist() == [0, 0, 0.5, 1, 1]
    assert np.isnan(probability(np.array([np.nan]))).all()


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (np.nan, 0.0), (1.0, np.inf)])
def test_a_calibrator_keeps_the_order(slope, intercept):
    with pytest.raises(ValueError, match="slope"):
        Calibrator(slope, intercept)


def test_the_threshold_itself_is_positive_and_nan_is_not():
    threshold = Threshold(0.3, "sensitivity", 0.9, 10, 10)
    values = np.array([np.nextafter(0.3, 0), 0.3, np.nan])
    assert threshold.is_positive(values).tolist() == [False, True, False]
    assert threshold.id == "sensitivity>=0.90@0.3000"


def test_a_damaged_or_foreign_forest_is_refused(model):
    for forest in (Forest(b"junk", 1), Forest(b"", 1), Forest(model.forest.ubjson, 99), Forest(model.forest.ubjson[:100], 3)):
        with pytest.raises(ModelRefused):
            forest.margin(np.zeros((1, forest.n_features)))


def test_measurements_refuse_arrays_that_do_not_fit():
    with pytest.raises(ValueError, match="analytes"):
        Measurements(("a",), np.zeros((2, 2)), np.zeros((2, 2), np.uint8))


def test_a_grey_zone_makes_no_call_between_its_ends(model, cohort):
    threshold = Threshold(0.3, "sensitivity", 0.9, 10, 10, 0.3, 0.6)
    assert threshold.calls(np.array([0.29, 0.3, 0.59, 0.6])) == ["negative", "indeterminate", "indeterminate", "positive"]
    assert threshold.id == "grey_zone>=0.90@0.3000-0.6000"
    grey = replace(model, threshold=threshold)
    found = grey.predict(cohort.measurements, cohort.ids)
    plain = model.predict(cohort.measurements, cohort.ids)
    assert set(found.call) == {"negative", "indeterminate", "positive", "not_reported"}
    assert [a == "not_reported" for a in found.call] == [b == "not_reported" for b in plain.call]
    np.testing.assert_array_equal(found.probability, plain.probability)
    for ends in ((0.3, None), (None, 0.6), (0.6, 0.3), (0.4, 0.4)):
        with pytest.raises(ValueError, match="grey zone"):
            Threshold(0.3, "sensitivity", 0.9, 10, 10, *ends)


def test_a_threshold_written_before_there_were_grey_zones_has_none(model):
    state = {k: v for k, v in model.decision()["threshold"].items() if k not in ("lower", "upper")}
    assert Threshold(**state) == model.threshold
    assert model.threshold.zone is None
    assert model.threshold.positive_from == model.threshold.value


def test_one_pass_gives_what_predict_and_explain_give_to_the_bit(model, batch):
    ids = [str(i) for i in range(len(batch))]
    alone, explained = model.predict(batch, ids), model.explain(batch)
    assert "not_reported" in alone.call
    for prepared in (model, model.prepared(10**9)):
        prediction, explanation = prepared.predict_explained(batch, ids, threads=2)
        assert (prediction.status, prediction.call, prediction.reasons) == (alone.status, alone.call, alone.reasons)
        assert prediction.margin.tobytes() == alone.margin.tobytes()
        np.testing.assert_array_equal(explanation.values, explained.values)
        assert explanation.base == explained.base
    with pytest.raises(ValueError, match="39 specimen ids for 40 specimens"):
        model.predict_explained(batch, ids[1:])


def test_grouped_contributions_still_sum_to_the_margin(model, batch):
    explanation, prediction = model.explain(batch), model.predict(batch, [str(i) for i in range(len(batch))])
    assert set(model.kinds) == set(model.features)
    assert {model.kinds["miR-126-3p"], model.kinds["PD-L1"]} == {"mirna", "protein"}
    kinds = explanation.grouped(model.kinds)
    assert sorted(kinds.features) == ["mirna", "protein"]
    np.testing.assert_allclose(kinds.values.sum(axis=1), explanation.values.sum(axis=1), atol=1e-12)  # another order of adding
    np.testing.assert_allclose(kinds.base + kinds.values.sum(axis=1), prediction.margin, atol=1e-5)  # as invariant 4: float32 trees
    assert np.array_equal(np.isnan(kinds.values).all(axis=1), ~prediction.is_scored)
    each = explanation.grouped({name: name for name in explanation.features})
    np.testing.assert_array_equal(each.values, explanation.values)
    with pytest.raises(KeyError):
        explanation.grouped({})


def test_the_kind_of_a_ratio_is_that_of_both_its_analytes(make_cohort, athero, fast_plan):
    analytes = tuple(replace(a, kind="mrna") if a.name == "miR-145-5p" else a for a in athero.analytes if a.unit == "Ct")
    cohort = make_cohort(replace(athero, normalisation="log_ratios", analytes=analytes), n=60, seed=4)
    m = cohort.measurements
    states, values = m.states.copy(), m.values.copy()
    states[::3, 0], values[::3, 0] = State.UNDETERMINED, np.nan
    kinds = train_model(replace(cohort, measurements=replace(m, values=values, states=states)), fast_plan).kinds
    assert any(name.endswith("__nd") for name in kinds)
    assert {"mirna", "mirna and mrna"} <= set(kinds.values())

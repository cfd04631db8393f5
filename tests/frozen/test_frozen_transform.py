"""The frozen transform: numbers worked by hand, and what happens when references or reads are missing (T8)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import (
    FeatureEncoding,
    FrozenTransform,
    InputContract,
    Log2Scale,
    Measurements,
    Reason,
    ReferenceNormalisation,
    State,
    Status,
)
from exodx.frozen.measurements import reasons_of, status_of
from exodx.panel import Analyte, Panel

REFERENCES = {"r1": -25.0, "r2": -27.0}


def ct_panel(censored="missing"):
    analytes = [Analyte(n, "mirna", "Ct") for n in ("a", "b")] + [Analyte(n, "mirna", "Ct", "reference") for n in ("r1", "r2")]
    return Panel("ct", "1", "t", (*analytes, Analyte("p", "protein", "pg/mL", fraction="ev", lod=10.0)), censored=censored)


def frozen(panel, means, prior=0.5, indicators=()):
    targets = [a.name for a in panel.with_role("target")]
    scales = {a.name: str(a.scale) for a in panel.analytes}
    return FrozenTransform(
        (
            Log2Scale(scales, {a.name: a.lod for a in panel.analytes if a.lod}, 35.0, prior, 0.5),
            ReferenceNormalisation(tuple(n for n in targets if panel.name == "ct" and n != "p"), means),
        ),
        FeatureEncoding(tuple(targets), indicators, panel.censored),
    )


def apply(panel, means=REFERENCES, prior=0.5, indicators=(), **cells):
    n = max(map(len, cells.values()))
    measurements, unreadable = InputContract(panel).read({a: cells.get(a, [""] * n) for a in panel.names}, ".")
    assert not unreadable
    return frozen(panel, means, prior, indicators).apply(measurements)


def test_minus_delta_ct_is_the_mean_reference_ct_less_the_target_ct():
    out = apply(ct_panel(), a=["28"], b=["24.5"], r1=["25"], r2=["28"], p=["64"])
    assert out.names == ("a", "b", "p")
    np.testing.assert_allclose(out.values, [[26.5 - 28, 26.5 - 24.5, 6.0]])
    assert out.flags.tolist() == [0]


@given(st.integers(-6, 6))
def test_a_constant_added_to_all_ct_of_a_specimen_changes_no_feature(shift):
    plain = {"a": 28.25, "b": 25.5, "r1": 24.0, "r2": 26.5}
    out = apply(ct_panel(), p=["20", "20"], **{k: [str(v), str(v + shift)] for k, v in plain.items()})
    np.testing.assert_array_equal(out.values[0], out.values[1])


def test_a_missing_reference_is_replaced_by_its_training_mean_and_warned_of():
    out = apply(ct_panel(), a=["28"] * 3, r1=["25"] * 3, r2=["27", "", "Undetermined"])
    np.testing.assert_allclose(out.values[:, 0], [-2, -2, -2])
    assert [status_of(f) for f in out.flags] == [Status.OK, Status.WARN, Status.WARN]
    assert reasons_of(out.flags[1]).startswith("REFERENCE_PARTLY_MISSING: ")


@pytest.mark.parametrize("cell", ["Undetermined", "", "36", ">40", "FAILED"])
def test_t8_without_any_reference_a_specimen_fails_qc(cell):
    out = apply(ct_panel(), a=["28"], r1=[cell], r2=[cell], p=["20"])
    assert status_of(out.flags[0]) is Status.QC_FAIL
    assert out.flags[0] == Reason.REFERENCES_UNDETECTED


def test_a_specimen_with_no_target_measured_fails_qc_and_an_undetermined_one_does_not():
    out = apply(ct_panel(), a=["", "Undetermined"], r1=["25", "25"], r2=["27", "27"])
    assert [status_of(f) for f in out.flags] == [Status.QC_FAIL, Status.OK]
    assert out.flags[0] == Reason.NOTHING_MEASURED


def test_a_ct_above_the_cut_off_is_undetermined():
    out = apply(ct_panel(), indicators=("a",), a=["35", "35.1", ">40", "", "FAILED"], r1=["25"] * 5, r2=["27"] * 5)
    np.testing.assert_equal(out.values[:, 0], [-9, np.nan, np.nan, np.nan, np.nan])
    assert out.names[-1] == "a__nd"
    np.testing.assert_equal(out.values[:, -1], [0, 1, 1, np.nan, np.nan])


def test_censored_cells_take_their_limit_where_the_panel_says_so():
    out = apply(ct_panel("limit"), a=["Undetermined"] * 2, r1=["25"] * 2, r2=["27"] * 2, p=["<LOD", "5"])
    np.testing.assert_allclose(out.values[:, 0], [26 - 36] * 2)
    np.testing.assert_allclose(out.values[:, 2], [math.log2(10 / math.sqrt(2))] * 2)


def test_a_limit_written_in_the_cell_serves_where_the_panel_has_none():
    panel = Panel("lin", "1", "t", (Analyte("p", "other", "pg/mL"),), censored="limit")
    out = apply(panel, {}, p=["<8", "<LOD", "0", "8"])
    np.testing.assert_allclose(out.values[:, 0], [2.5, np.nan, np.nan, 3.0])


def counts_panel(censored="missing", unit="count"):
    return Panel("counts", "1", "t", tuple(Analyte(n, "mirna", unit) for n in "xyz"), normalisation="none", censored=censored)


def test_log2_cpm_with_its_prior_by_hand():
    out = apply(counts_panel(), {}, prior=4.0, x=["0", "10"], y=["30", ""], z=["70", "90"])
    expected = [[4, 3e5 + 4, 7e5 + 4], [1e5 + 4, np.nan, 9e5 + 4]]
    np.testing.assert_allclose(out.values, np.log2(expected))


def test_a_specimen_without_reads_fails_qc():
    out = apply(counts_panel(), {}, x=["0", "1"], y=["0", "1"], z=["", "1"])
    assert [status_of(f) for f in out.flags] == [Status.QC_FAIL, Status.OK]
    assert out.flags[0] & Reason.NO_READS


@pytest.mark.parametrize(("unit", "prior"), [("count", 4.0), ("CPM", 0.5)])
def test_a_censored_count_takes_the_prior(unit, prior):
    out = apply(counts_panel("limit", unit), {}, prior=4.0, x=["<LOD"], y=["ND"], z=["7"])
    np.testing.assert_allclose(out.values[0, :2], [math.log2(prior)] * 2)


def test_normalised_data_pass_through():
    panel = Panel("npx", "1", "t", (Analyte("p", "protein", "NPX", fraction="total"),))
    assert apply(panel, {}, p=["-1.25", "3"]).values.ravel().tolist() == [-1.25, 3.0]


def test_state_survives_json_bit_for_bit(model):
    import json

    state = model.transform.to_dict()
    again = FrozenTransform.from_dict(json.loads(json.dumps(state)))
    assert again == model.transform
    assert again.to_dict() == state


def test_gaps_that_training_hardly_met_are_filled_and_flagged_and_others_stay_gaps():
    encoding = FeatureEncoding(("a", "b"), ("b",), "missing", at_limit=("a",), fills={"a": 3.0, "b__nd": 0.0})
    states = np.array([[0, 0], [3, 3], [2, 2], [4, 0], [3, 0]], np.uint8)
    values = np.array([[1.0, 2.0], [np.nan, np.nan], [-9.0, -9.0], [np.nan, 2.0], [np.nan, 2.0]])
    out = encoding.apply(Measurements(("a", "b"), values, states))
    np.testing.assert_equal(out.values, [[1, 2, 0], [3, np.nan, 0], [-9, np.nan, 1], [3, 2, 0], [3, 2, 0]])
    expected = [0, Reason.NOTHING_MEASURED, Reason.RARELY_UNDETECTED, Reason.NO_VALUE, Reason.NO_VALUE]
    assert out.flags.tolist() == expected


def test_cells_that_were_refused_may_hold_any_number_and_warn_of_nothing():
    """Their specimen is INVALID; what the references beside them give overflows."""
    panel = ct_panel()
    for size in (1.7e308, -1.7e308):
        values = np.array([[25.0, 26.0, size, size, 20.0]])
        m = Measurements(panel.names, values, np.full(values.shape, State.MEASURED, np.uint8))
        assert np.isfinite(frozen(panel, REFERENCES).apply(m).values[0, -1])

"""Each normaliser by hand, and the promise that all keep: one specimen alone gets the bits it gets in any batch."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exodx.assay import learn_transform
from exodx.frozen import (
    FrozenTransform,
    InterplateCorrection,
    LibraryScaling,
    Log2Scale,
    LogRatios,
    Measurements,
    QuantileNormalisation,
    Reason,
    ReferenceNormalisation,
    State,
)
from exodx.panel import Analyte, Panel


def measured(names, rows, states=None):
    values = np.array(rows, float)
    found = np.where(np.isnan(values), np.uint8(State.NOT_RUN), np.uint8(State.MEASURED))
    return Measurements(tuple(names), values, found if states is None else np.array(states, np.uint8))


def test_the_plate_is_taken_out_by_its_calibrator_and_a_plate_without_one_is_flagged():
    out = InterplateCorrection({"ipc": 20.0}, {"ipc": ("a",)}).apply(measured(("a", "p", "ipc"), [[30, 5, 20.5], [30, 5, np.nan]]))
    np.testing.assert_allclose(out.values[:, :2], [[29.5, 5], [30, 5]])
    assert out.flags.tolist() == [0, Reason.INTERPLATE_MISSING]


def test_two_calibrators_are_averaged_over_those_that_are_there():
    step = InterplateCorrection({"i": 20.0, "j": 22.0}, {"i": ("a",), "j": ("a",)})
    out = step.apply(measured(("a", "i", "j"), [[30, 21, 22], [30, 21, np.nan]]))
    np.testing.assert_allclose(out.values[:, 0], [29.5, 29.0])


@pytest.mark.parametrize(("follow", "expected"), [(1.0, [3.0, 3.0]), (0.0, [3.0, 3.5])])
def test_a_missing_reference_moves_with_the_others(follow, expected):
    step = ReferenceNormalisation(("a",), {"r": -25.0, "s": -27.0}, follow)
    out = step.apply(measured(("a", "r", "s"), [[-22.0, -24.0, -26.0], [-22.0, -24.0, np.nan]]))
    np.testing.assert_allclose(out.values[:, 0], expected)
    assert out.flags.tolist() == [0, Reason.REFERENCE_PARTLY_MISSING]


def test_a_global_mean_bears_gaps_up_to_its_limits():
    names = tuple("abcdefghij")
    step = ReferenceNormalisation(("a",), dict.fromkeys(names, -28.0), needed=0.5, wanted=0.8)
    rows = np.full((4, 10), -28.0)
    for row, lost in enumerate((2, 3, 5, 6)):
        rows[row, 10 - lost :] = np.nan
    out = step.apply(measured(names, rows))
    assert out.flags.tolist() == [0, Reason.REFERENCE_PARTLY_MISSING, Reason.REFERENCE_PARTLY_MISSING, Reason.REFERENCES_UNDETECTED]


def test_quantiles_put_each_value_at_its_rank_in_the_training_distribution():
    step = QuantileNormalisation(("a", "b", "c"), (1.0, 2.0, 6.0))
    out = step.apply(measured(("a", "b", "c", "x"), [[9, 7, 8, 3], [1, np.nan, 0, 3]]))
    np.testing.assert_allclose(out.values, [[6, 1, 2, 3], [6, np.nan, 1, 3]])


def test_log_ratios_are_differences_and_know_what_was_not_found():
    lost, out = State.UNDETERMINED, State.NOT_RUN
    m = measured(("a", "b"), [[-28, -25], [-36, -25], [np.nan, -25]], [[0, 0], [lost, 0], [out, 0]])
    ratios = LogRatios((("a", "b"),)).apply(m)
    assert ratios.names == ("a", "b", "a/b")
    np.testing.assert_allclose(ratios.values[:2, 2], [-3, -11])
    assert ratios.states[:, 2].tolist() == [State.MEASURED, lost, out]


def counted(rows, **library):
    names = [f"m{i}" for i in range(len(rows[0]))]
    scale = Log2Scale(dict.fromkeys(names, "counts"), {}, 35.0, 1.0, 0.5, library=LibraryScaling(**library))
    return scale.apply(measured(names, rows))


def test_a_library_of_twice_the_depth_has_the_same_median_of_ratios_cpm():
    base = [float(10 * (i + 3)) for i in range(30)]
    means = {f"m{i}": b for i, b in enumerate(base)}
    rows = [[b * k if j else 1e6 * k for j, b in enumerate(base)] for k in (1, 2)]
    out = counted(rows, method="median_of_ratios", reference=means, library=1e6)
    np.testing.assert_allclose(np.exp2(out.values[0, 1:]) - 1, base[1:])
    np.testing.assert_allclose(out.values[0, 1:], out.values[1, 1:])
    assert out.flags.tolist() == [0, 0]


def test_too_few_shared_analytes_cannot_be_scaled_and_are_not_taken_for_an_empty_library():
    means = {f"m{i}": 5.0 for i in range(30)}
    out = counted([[7.0] * 10 + [0.0] * 20, [0.0] * 30], method="median_of_ratios", reference=means, library=1e6)
    assert out.flags.tolist() == [Reason.LIBRARY_NOT_COMPARABLE, Reason.NO_READS]


def test_tmm_takes_a_dominating_mirna_out_of_the_library():
    even = [100.0] * 40
    flooded = [100.0] * 39 + [4000.0]
    out = counted([even, flooded], method="tmm", reference={f"m{i}": 100.0 for i in range(40)})
    np.testing.assert_allclose(out.values[0, :39], out.values[1, :39], atol=1e-9)
    plain = counted([even, flooded])
    assert (plain.values[0, :39] - plain.values[1, :39]).min() > 0.9


def test_an_unexpressed_analyte_goes_no_further_but_counts_in_the_library():
    scale = Log2Scale({"a": "counts", "b": "counts"}, {}, 35.0, 1.0, 0.5, unexpressed=("b",))
    out = scale.apply(measured(("a", "b"), [[25, 75]]))
    assert out.names == ("a",)
    np.testing.assert_allclose(out.values, [[np.log2(250_001)]])


def test_an_assay_that_does_not_double_counts_its_own_steps():
    scale = Log2Scale({"a": "ct", "b": "ct"}, {}, 35.0, 1.0, 0.5, efficiencies={"b": 1.9})
    out = scale.apply(measured(("a", "b"), [[30, 30]]))
    np.testing.assert_allclose(out.values, [[-30, -30 * np.log2(1.9)]])


def test_a_value_above_the_upper_limit_holds_it_and_is_flagged():
    scale = Log2Scale({"p": "linear"}, {}, 35.0, 1.0, 0.5)
    out = scale.apply(measured(("p",), [[2048], [np.nan], [8]], [[State.ABOVE_LOQ], [State.ABOVE_LOQ], [0]]))
    np.testing.assert_allclose(out.values[:, 0], [11, np.nan, 3])
    assert out.states[:, 0].tolist() == [State.MEASURED, State.ABOVE_LOQ, State.MEASURED]
    assert out.flags.tolist() == [Reason.ABOVE_LOQ, Reason.ABOVE_LOQ, 0]


PANELS = {
    "references": ("Ct", {}),
    "genorm": ("Ct", {"normalisation": "genorm"}),
    "normfinder": ("Ct", {"normalisation": "normfinder"}),
    "spike_in": ("Ct", {"normalisation": "spike_in"}),
    "global_mean": ("Ct", {"normalisation": "global_mean"}),
    "quantile": ("Ct", {"normalisation": "quantile"}),
    "conditional_mean": ("Ct", {"censored": "conditional_mean"}),
    "log_ratios": ("log_ratios", {"normalisation": "log_ratios"}),
    "cpm": ("count", {"normalisation": "none"}),
    "tmm": ("count", {"normalisation": "none", "count_normalisation": "tmm"}),
    "median_of_ratios": ("count", {"normalisation": "none", "count_normalisation": "median_of_ratios"}),
    "per_particle": ("pg/mL", {"normalisation": "none", "amount_normalisation": "per_particle"}),
    "per_tetraspanin": ("pg/mL", {"normalisation": "none", "amount_normalisation": "per_tetraspanin"}),
}


def panel_of(unit, head):
    n = 8 if unit == "log_ratios" else 60
    unit = "Ct" if unit == "log_ratios" else unit
    analytes = [Analyte(f"m{i}", "other", unit) for i in range(n)]
    if unit == "Ct":
        roles = ["reference"] * 4 + ["spike_in", "interplate"]
        analytes += [Analyte(f"{role}-{letter}", "other", "Ct", role) for letter, role in zip("abcdef", roles, strict=True)]
    if unit == "pg/mL":
        analytes += [Analyte("n", "particle", "particles/mL", "particles"), Analyte("cd9", "other", "MFI", "tetraspanin")]
    return Panel("p", "1", "t", tuple(analytes), **head)


def specimens(panel, n, seed):
    rng = np.random.default_rng(seed)
    levels = {"Ct": (28, 2), "count": (6, 2)}
    columns, states = [], []
    for analyte in panel.analytes:
        mean, sd = levels.get(analyte.unit, (5, 1))
        values = rng.normal(mean, sd, n)
        values = rng.poisson(np.exp(values) + 20).astype(float) if analyte.unit == "count" else np.abs(values) + 0.1
        lost = rng.random(n) < (0.1 if analyte.name[-1] in "01" and analyte.unit != "count" else 0.01)
        columns.append(np.where(lost, np.nan, values))
        states.append(np.where(lost, np.uint8(State.UNDETERMINED if rng.random() < 0.5 else State.NOT_RUN), np.uint8(0)))
    return Measurements(panel.names, np.column_stack(columns), np.column_stack(states))


@pytest.mark.parametrize("kind", PANELS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), rows=st.permutations(range(12)), take=st.integers(1, 12))
def test_one_specimen_alone_equals_itself_in_any_batch_through_every_normaliser(kind, seed, rows, take):
    panel = panel_of(*PANELS[kind])
    train = specimens(panel, 60, 1)
    transform = FrozenTransform.from_dict(json.loads(json.dumps(learn_transform(panel, train, np.arange(60) % 2).to_dict())))
    batch = specimens(panel, 12, seed)
    together = transform.apply(batch)
    subset = np.array(rows[:take])
    some = transform.apply(batch[subset])
    assert some.values.tobytes() == np.ascontiguousarray(together.values[subset]).tobytes()
    assert some.flags.tolist() == together.flags[subset].tolist()
    alone = transform.apply(batch[subset[:1]])
    assert alone.values.tobytes() == np.ascontiguousarray(together.values[subset[:1]]).tobytes()


@pytest.mark.parametrize("kind", PANELS)
def test_every_normaliser_gives_the_model_numbers(kind):
    panel = panel_of(*PANELS[kind])
    train = specimens(panel, 60, 1)
    features = learn_transform(panel, train, np.arange(60) % 2).apply(train)
    assert np.isfinite(features.values).mean() > 0.5
    assert len(features.names) >= (28 if kind == "log_ratios" else 40)

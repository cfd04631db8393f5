"""What is gathered part by part: never clears what a look at the whole would suspect, and finds every id that stands twice."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import Measurements, State
from exodx.frozen.ranges import suspects
from exodx.panel import Analyte, Panel
from exodx.scoring.part import hashes_of
from exodx.scoring.tallies import Tallies, any_twice, value_counts

QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
TRAINING = {"Ct": [20, 21, 24, 26, 28, 30, 31], "pg/mL": [2, 3, 8, 12, 20, 40, 60], "NPX": [-2, -1.5, -0.5, 0, 0.5, 1.5, 2]}


def panel_of(unit):
    kind = {"Ct": "mirna"}.get(unit, "protein")
    names, fraction = (("miR-1-3p", "miR-2-3p"), None) if kind == "mirna" else (("P1", "P2"), "ev")
    analytes = tuple(Analyte(name, kind, unit, fraction=fraction) for name in names)
    return Panel("p", "1", "p", analytes, normalisation="none")


def reference_of(panel):
    return {"probabilities": QUANTILES, "measured": {a.name: TRAINING[a.unit] for a in panel.analytes}, "cpm": {}}


def tallied(panel, m, cuts) -> Tallies:
    whole = Tallies()
    for start, stop in zip([0, *cuts], [*cuts, len(m)], strict=True):
        part = Tallies(stop - start, values=value_counts(panel, reference_of(panel), m[start:stop]))
        whole.add(Tallies.from_dict(json.loads(json.dumps(part.to_dict()))))
    return whole


@pytest.mark.parametrize("unit", list(TRAINING))
@given(
    rows=st.lists(st.tuples(st.sampled_from([0.001, 0.1, 1, 10, 1000]), st.integers(0, 5)), min_size=1, max_size=30),
    cut=st.integers(0, 30),
    seed=st.integers(0, 99),
)
def test_what_is_cleared_is_never_suspect(unit, rows, cut, seed):
    panel = panel_of(unit)
    rng = np.random.default_rng(seed)
    middle = TRAINING[unit][3]
    values = np.array([[middle * factor + rng.normal() for _ in range(2)] for factor, _ in rows])
    states = np.array([[state if j else 0 for j in range(2)] for _, state in rows], np.uint8)
    m = Measurements(panel.names, np.where(states == State.NOT_RUN, np.nan, values), states)
    whole = tallied(panel, m, [min(cut, len(m))])
    if whole.clears(panel, reference_of(panel)):
        assert suspects(panel, reference_of(panel), m, "t") == []


@pytest.mark.parametrize("unit", list(TRAINING))
def test_specimens_like_those_of_training_are_cleared_and_those_in_another_unit_are_not(unit):
    panel = panel_of(unit)
    values = np.random.default_rng(1).choice(TRAINING[unit][1:-1], (50, 2)).astype(float)
    m = Measurements(panel.names, values, np.zeros(values.shape, np.uint8))
    assert tallied(panel, m, [7, 31]).clears(panel, reference_of(panel))
    shifted = Measurements(panel.names, values * 1000 + 1000, m.states)
    assert not tallied(panel, shifted, [7, 31]).clears(panel, reference_of(panel))


def test_negative_ct_are_cleared_where_they_are_few():
    panel = panel_of("Ct")
    for found, cleared in ((0, True), (24, True), (25, False)):
        assert Tallies(negative={"miR-1-3p": [found, 100]}).clears(panel, {}) is cleared


def hashed(ids):
    builder = pa.lib.StringBuilder()
    builder.append_values(ids)
    return hashes_of(builder.finish())


@given(st.lists(st.text(max_size=12), min_size=1, max_size=40), st.integers(1, 50))
def test_an_id_that_stands_twice_is_found_and_no_other(tmp_path_factory, ids, at_once):
    path = tmp_path_factory.mktemp("ids") / "hashes"
    path.write_bytes(hashed(ids[:7]).tobytes() + hashed(ids[7:]).tobytes())
    assert any_twice(path, at_once) is (len(set(ids)) < len(ids))


def test_a_hundred_thousand_ids_that_differ_little_have_hashes_of_their_own():
    ids = [f"{prefix}{i:05d}" for prefix in ("S", "T", "S0", "", "0") for i in range(20_000)]
    assert len(np.unique(hashed(ids))) == len(set(ids))

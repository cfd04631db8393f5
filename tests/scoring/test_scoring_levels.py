"""Two columns that lie where training had each other are named; whatever else moves columns names none."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from exodx.cohort import SimulatedStudy, simulate
from exodx.frozen import Measurements, State
from exodx.frozen.ranges import Training
from exodx.panel import Analyte, Panel
from exodx.scoring import Explain, Job, blocks, plan, read_specimens, score_cohort, stream
from exodx.scoring.levels import ENOUGH, EXCHANGED, Level, exchange_notes, exchanged, middles
from exodx.scoring.tallies import Tallies, value_counts
from exodx.tables.reader import read_table
from exodx.tables.table import Records, build_table

A, B = "miR-126-3p", "miR-145-5p"
NORMAL = np.array([-2.326, -0.674, 0.0, 0.674, 2.326])


def levels(middle, here, kind=("ct", "Ct"), spread=1.0):
    return [
        Level(f"m{i}", kind, float(x), Training(*(m + spread * NORMAL))) for i, (m, x) in enumerate(zip(middle, here, strict=True))
    ]


def swapped(values, i, j):
    values = np.array(values, float)
    values[[i, j]] = values[[j, i]]
    return values


MIDDLE = np.array([20.0, 24.0, 28.0, 32.0, 25.0, 27.0])


@pytest.mark.parametrize("common", [0.0, 4.0, -6.0])
def test_a_pair_is_named_whatever_all_have_in_common(common):
    rng = np.random.default_rng(3)
    for i, j in ((0, 3), (1, 2), (0, 5)):
        here = swapped(MIDDLE, i, j) + common + rng.normal(0, 0.2, 6)
        assert exchanged(levels(MIDDLE, here)) == [(f"m{i}", f"m{j}")]


def test_nothing_is_named_where_columns_lie_alike_or_are_measured_otherwise_or_few():
    assert exchanged(levels(MIDDLE, MIDDLE)) == []
    assert exchanged(levels(MIDDLE, swapped(MIDDLE, 4, 1))) == []  # a cycle apart, of a spread of one
    assert exchanged(levels(MIDDLE[:3], swapped(MIDDLE[:3], 0, 2))) == []  # one column beside tells too little
    mixed = [*levels(MIDDLE, MIDDLE), *levels([5.0], [33.0], ("linear", "pg/mL"))]
    assert exchanged(mixed) == []


def test_one_column_that_moved_is_no_pair():
    for far in (-8.0, 8.0):
        here = MIDDLE.copy()
        here[2] += far
        assert exchanged(levels(MIDDLE, here)) == []


@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize(("p", "cohorts"), [(4, 300), (8, 300), (60, 60)])
def test_columns_of_another_assay_that_all_lie_off_are_hardly_ever_named(p, cohorts, spread):
    """Medians moved at random by so many of training's SD; measured over thousands of cohorts, at most one in 200 is named."""
    rng = np.random.default_rng(p)
    named = 0
    for _ in range(cohorts):
        middle = rng.normal(0, 3, p)
        named += bool(exchanged(levels(middle, middle + rng.normal(0, spread, p) + rng.normal(0, 2))))
    assert named <= 0.02 * cohorts


def test_several_pairs_are_named_each_column_once():
    middle = np.array([10.0, 20.0, 30.0, 40.0, *np.linspace(12, 38, 8)])
    here = swapped(swapped(middle, 0, 2), 1, 3)
    here[4:] += np.linspace(-0.1, 0.1, 8)
    assert sorted(exchanged(levels(middle, here))) == [("m0", "m2"), ("m1", "m3")]


def panel_of(unit):
    names = ("miR-1-3p", "miR-2-3p", "miR-3-3p") if unit in ("Ct", "count") else ("P1", "P2", "P3")
    kind, more = ("mirna", {}) if unit in ("Ct", "count") else ("protein", {"fraction": "ev"})
    return Panel("p", "1", "p", tuple(Analyte(n, kind, unit, **more) for n in names), normalisation="none")


@pytest.mark.parametrize("unit", ["Ct", "pg/mL", "count", "NPX"])
def test_middles_are_medians_of_what_was_measured(unit):
    panel, rng = panel_of(unit), np.random.default_rng(1)
    values = np.floor(np.exp(rng.normal(6, 0.5, (41, 3))))
    states = np.zeros(values.shape, np.uint8)
    states[:9, 1], states[:, 2] = State.NOT_RUN, State.UNDETERMINED
    values[:9, 1], values[:, 2] = np.nan, np.nan
    n, middle = middles(panel, Measurements(panel.names, values, states))
    of = 1e6 * values / np.nansum(values, axis=1, keepdims=True) if unit == "count" else values
    expected = [np.median(of[:, 0]), np.median(of[9:, 1])]
    assert n.tolist() == [41, 32, 0]
    assert middle[:2] == pytest.approx(expected if unit in ("Ct", "NPX") else np.log2(expected))
    assert middle[2] == 0


def test_middles_of_nobody_and_of_zeros_are_none():
    panel = panel_of("count")
    for rows in (0, 30):
        n, middle = middles(panel, Measurements(panel.names, np.zeros((rows, 3)), np.zeros((rows, 3), np.uint8)))
        assert n.tolist() == middle.tolist() == [0, 0, 0]


def test_of_many_specimens_some_from_everywhere_are_looked_at():
    panel = panel_of("Ct")
    values = np.linspace(20, 30, 100_000)[:, None] + np.zeros(3)
    n, middle = middles(panel, Measurements(panel.names, values, np.zeros(values.shape, np.uint8)))
    assert 128 <= n[0] <= 256
    assert middle == pytest.approx(25, abs=0.05)


def test_parts_added_up_say_what_the_whole_says_and_tallies_of_before_are_taken(model):
    """The mean of six parts' medians lies as near the whole's as medians of 40 specimens do: an eighth of an SD, which is 2."""
    found = simulated(model, 240)
    panel, m = model.panel, found.measurements
    whole = Tallies(values={name: [1, 0, 0] for name in panel.names})
    for start in range(0, 240, 40):
        whole.add(Tallies(40, values=value_counts(panel, model.reference, m[start : start + 40])))
    n, middle = middles(panel, m)
    for name, k, at in zip(panel.names, n, middle, strict=True):
        if name in whole.values and len(whole.values[name]) > 3:
            assert whole.values[name][3] == k
            assert whole.values[name][4] / k == pytest.approx(at, abs=0.25)


def rows_of(athero, n, seed=4, pair=()):
    frame = simulate(athero, SimulatedStudy(n=n, seed=seed)).drop(columns="group")
    rows = list(csv.reader(io.StringIO(frame.to_csv(index=False))))
    rows[0] = [dict([pair, pair[::-1]]).get(name, name) if pair else name for name in rows[0]]
    return rows


def write(rows, path):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def simulated(model, n, pair=()):
    rows = rows_of(model.panel, n, pair=pair)
    table = build_table("t.csv", Records(rows, list(range(len(rows)))), "row", ".", ())
    return read_specimens(table, model, None, keep_going=False)


def named(notes):
    return [note for note in notes if EXCHANGED in note]


def test_predict_names_the_pair_in_memory_and_in_pieces(model, athero, tmp_path, monkeypatch):
    right, wrong = (write(rows_of(athero, 240, pair=pair), tmp_path / f"{len(pair)}.csv") for pair in ((), (A, B)))
    monkeypatch.setattr(blocks, "BLOCK", 3000)
    monkeypatch.setattr(plan, "HEAD", 3000)
    for score in (score_cohort, stream.stream):  # the first as a whole: the files are small
        found = {path: score(Job(path, model, "0" * 64, Explain.NONE, tmp_path / "out.csv")).notes for path in (right, wrong)}
        assert named(found[right]) == []
        (note,) = named(found[wrong])
        assert f"{A!r} and {B!r}" in note
        assert "exodx check --model" in note


@pytest.mark.parametrize("n", [1, ENOUGH - 1])
def test_of_few_specimens_nothing_is_said(n, model, athero, tmp_path):
    path = write(rows_of(athero, n, pair=(A, B)), tmp_path / "few.csv")
    assert named(read_specimens(read_table(path), model, None, keep_going=False).notes) == []


def test_a_model_that_keeps_no_quantiles_names_nothing(model):
    found = {name: (100, 3000.0) for name in model.panel.names}
    assert exchange_notes(model.panel, {}, found) == []

"""Numbers altered on their way are named; the same numbers unaltered are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort
from exodx.evaluation.value_audits import audit_values
from exodx.panel import Analyte, Panel

N, NAMES = 80, ("a", "b", "c")
CENTRE = {"Ct": 27.0, "log2": 9.0, "pg/mL": 5.0, "count": 6.5, "CPM": 6.0}


def panel(unit, cutoff=40.0):
    kind = "mirna" if unit in ("Ct", "count", "CPM") else "protein"
    fraction = {} if kind == "mirna" else {"fraction": "ev"}
    names = [f"miR-{n}" if kind == "mirna" else n for n in ("126-3p", "145-5p", "21-5p")] if kind == "mirna" else NAMES
    return Panel("p", "1", "t", tuple(Analyte(n, kind, unit, **fraction) for n in names), ct_cutoff=cutoff, normalisation="none")


def table(unit, seed=0, n=N):
    """Return values as a file of this unit would hold them."""
    rng = np.random.default_rng(seed)
    values = CENTRE[unit] + rng.normal(size=(n, 1)) * 0.5 + rng.normal(size=(n, 3))
    values = np.exp(CENTRE[unit] + 0.6 * (values - CENTRE[unit])) if unit in ("pg/mL", "count", "CPM") else values
    return np.floor(values) if unit == "count" else np.round(values, 3)


def codes(unit, values, **kwargs):
    p = panel(unit, **kwargs)
    cells = [[f"{v:.10g}" for v in row] for row in values]
    frame = pd.DataFrame(cells, columns=list(p.names)).assign(group=["x", "y"] * (len(values) // 2))
    return {f.code: f for f in audit_values(frame_cohort(frame, Intake(p, "group", "x")))}


@pytest.mark.parametrize("unit", CENTRE)
def test_numbers_that_nobody_altered_are_hardly_ever_named(unit):
    """Thirty files of each unit: with a rate of one in a hundred, two or more are met once in 27 times."""
    assert sum(bool(codes(unit, table(unit, seed))) for seed in range(30)) <= 1


@pytest.mark.parametrize("unit", ["Ct", "log2"])
def test_whole_numbers_where_decimals_belong(unit):
    found = codes(unit, np.round(table(unit)))
    assert list(found) == ["values_rounded"]
    assert found["values_rounded"].severity == "warning"
    half = table(unit)
    half[:, 0] = np.round(half[:, 0])
    assert "values_rounded" not in codes(unit, half)  # one column of three may be a score


@pytest.mark.parametrize("unit", ["pg/mL", "CPM", "count"])
def test_amounts_and_counts_may_be_whole(unit):
    assert "values_rounded" not in codes(unit, np.round(table(unit)))


@pytest.mark.parametrize("unit", ["log2", "pg/mL"])
def test_a_lost_decimal_point(unit):
    values = table(unit)
    values[7, 1] = round(values[7, 1], 2)
    values[7, 1] = float(f"{values[7, 1]:.2f}".replace(".", "")) if unit == "log2" else 1e4 * np.round(np.median(values[:, 1]), 1)
    found = codes(unit, values)
    assert "decimal_point_lost" in found
    assert "1 cells of 1 analytes" in found["decimal_point_lost"].message


def test_a_large_number_with_decimals_has_lost_no_point():
    values = table("pg/mL")
    values[7, 1] = 1e4 * np.median(values[:, 1]) + 0.25
    assert "decimal_point_lost" not in codes("pg/mL", values)


@pytest.mark.parametrize("unit", ["Ct", "log2", "pg/mL"])
@pytest.mark.parametrize("what", [np.mean, np.median])
def test_a_mean_put_in(unit, what):
    values = table(unit)
    values[:9, 2] = round(float(what(values[9:, 2])), 4) + 0.0001  # no other specimen's value
    found = codes(unit, values)
    assert "values_filled_in" in found
    assert "in 9" in found["values_filled_in"].message


def test_a_floor_is_no_mean_put_in():
    values = table("log2")
    values[:, 2] = np.maximum(values[:, 2], np.quantile(values[:, 2], 0.2))
    assert "values_filled_in" not in codes("log2", values)


def test_the_last_cycle_read_as_measured_and_where_the_panel_cuts_below_it():
    values = table("Ct")
    values[:4, 0] = 40.0
    assert "4 Ct are exactly 40" in codes("Ct", values)["last_cycle_measured"].message
    assert "last_cycle_measured" not in codes("Ct", values, cutoff=35.0)
    assert "last_cycle_measured" not in codes("Ct", table("Ct"))


@pytest.mark.parametrize("change", [lambda v: 40 - v, np.log2])
def test_ct_that_come_too_early(change):
    assert "ct_early" in codes("Ct", np.round(change(table("Ct")), 3))


@pytest.mark.parametrize("unit", ["pg/mL", "CPM"])
@pytest.mark.parametrize(("rows", "factor"), [(40, 1000), (8, 1000), (40, 0.0001)])
def test_some_rows_in_another_unit(unit, rows, factor):
    rng, values = np.random.default_rng(1), table(unit)
    values[rng.permutation(N)[:rows], 1] *= factor
    found = codes(unit, values)
    assert "units_mixed" in found
    assert str(panel(unit).names[1]) in found["units_mixed"].message


def limited(values, write=str):
    """Return the codes of amounts whose analyte has a limit of detection that other units lie below."""
    analytes = tuple(Analyte(n, "protein", "pg/mL", fraction="ev", lod=10.0) for n in NAMES)
    frame = pd.DataFrame([[write(v) for v in row] for row in values], columns=list(NAMES))
    return {f.code: f for f in audit_values(frame_cohort(frame, Intake(Panel("p", "1", "t", analytes, normalisation="none"))))}


def test_ng_among_pg_are_seen_though_they_lie_below_the_limit_of_detection():
    """Nine of 80 proteins in ng/mL were read as not detected, and nothing was said."""
    values = table("pg/mL")
    assert "units_mixed" not in limited(values)
    values[:9, 1] /= 1000
    found = limited(values)["units_mixed"].message
    assert found.startswith("Values of 1 of 3 analytes fall into two heaps")
    assert "b: 71 of 80 about ×1000 the others" in found


def test_values_below_the_limit_and_limits_written_as_such_are_no_other_unit():
    values = table("pg/mL")
    values[:20, 1] = np.linspace(1, 9.9, 20)
    assert "units_mixed" not in limited(values)
    values[:20, 1] = 0.1
    assert "units_mixed" not in limited(values, lambda v: "<0.1" if v == 0.1 else str(v))


def test_half_of_a_log_column_on_another_logarithm():
    values = table("log2")
    values[::2, 0] *= 0.30103
    assert "units_mixed" in codes("log2", values)


def test_two_heaps_that_are_no_power_of_ten_apart_or_overlap_are_people():
    values = table("pg/mL")
    values[::2, 1] *= 5
    assert "units_mixed" not in codes("pg/mL", values)
    few = table("log2")
    few[:, 0] = np.where(np.arange(N) % 2, 1.5, 9.5)  # a yes/no fact
    assert "units_mixed" not in codes("log2", few)


@pytest.mark.parametrize("which", [(slice(None), slice(None)), (slice(None), 1), (slice(0, N, 2), 1)])
def test_counts_multiplied(which):
    values = table("count")
    values[which] *= 1000
    found = codes("count", values)
    assert "counts_multiplied" in found
    assert "values_rounded" not in found


def test_the_order_of_rows_plays_no_part():
    values = table("pg/mL")
    values[:40, 1] *= 1000
    shuffled = values[np.random.default_rng(3).permutation(N)]
    assert {c: f.message for c, f in codes("pg/mL", values).items()} == {c: f.message for c, f in codes("pg/mL", shuffled).items()}

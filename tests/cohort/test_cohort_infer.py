"""`--panel auto`: unit, roles and notes inferred from the numbers; what is not used is said."""

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort, read_cohort
from exodx.errors import InputRefused

RNG = np.random.default_rng(3)
N = 12


def infer(columns, label=None):
    ids = [f"S{i}" for i in range(N)]
    return frame_cohort(pd.DataFrame({"id": ids, **columns}), Intake("auto", label))


def numbers(low, high, decimals=2):
    return RNG.uniform(low, high, N).round(decimals)


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (lambda: numbers(20, 35), "Ct"),
        (lambda: RNG.poisson(500, N), "count"),
        (lambda: numbers(0, 5000), "CPM"),
        (lambda: numbers(-3, 3), "normalised"),
        (lambda: numbers(0, 14), "normalised"),
    ],
)
def test_the_unit_of_mirnas_is_inferred_and_said(values, unit):
    cohort = infer({"hsa-miR-21-5p": values(), "let-7a-5p": values(), "weight": values()})
    assert {a.unit for a in cohort.panel.analytes} == {unit}
    assert {a.kind for a in cohort.panel.analytes} == {"mirna"}
    assert f"in unit {unit!r}" in " ".join(cohort.notes)
    assert "columns not used: weight" in cohort.notes


@pytest.mark.parametrize(
    ("low", "high", "unit"), [(1, 9000, "intensity"), (0.1, 9, "normalised"), (-2, 2, "normalised"), (20, 35, "normalised")]
)
def test_without_mirnas_every_numeric_column_is_an_analyte(low, high, unit):
    cohort = infer({"TNF": numbers(low, high), "IL6": numbers(low, high), "remark": ["x"] * N, "age": numbers(30, 90)})
    assert cohort.panel.names == ("IL6", "TNF")
    assert {a.unit for a in cohort.panel.analytes} == {unit}
    assert "columns not used: remark" in cohort.notes


def test_undetermined_cells_make_ct_of_any_columns():
    assert infer({"GENE1": ["Undetermined", *numbers(20, 35)[1:]]}).panel.analytes[0].unit == "Ct"


def test_references_and_spike_ins_get_their_roles():
    ct = {n: numbers(20, 35) for n in ("miR-126-3p", "hsa-miR-103a-3p", "miR-16-5p", "cel-miR-39-3p")}
    panel = infer(ct).panel
    assert {a.name: a.role for a in panel.analytes} == {
        "miR-126-3p": "target",
        "hsa-miR-103a-3p": "reference",
        "miR-16-5p": "target",
        "cel-miR-39-3p": "spike_in",
    }
    assert (panel.normalisation, panel.ct_cutoff) == ("references", 40.0)
    plain = infer({"miR-126-3p": numbers(20, 35)})
    assert plain.panel.normalisation == "none"
    assert any("NO reference analyte" in note for note in plain.notes)


def test_the_label_and_specimen_columns_are_never_analytes_and_the_name_follows_the_analytes():
    columns = {"TNF": numbers(1, 9), "age": numbers(30, 90), "outcome": [0, 1] * (N // 2)}
    cohort = infer(columns, "outcome")
    assert cohort.panel.names == ("TNF",)
    assert cohort.positive_label == "1"
    assert infer(columns).panel.name != cohort.panel.name
    assert cohort.panel.name.startswith("auto-")


def test_columns_that_bear_the_same_name_are_left_out_and_named():
    twins = {"hsa-miR-1-3p": numbers(0, 5000), "hsa-mir-1-3p": numbers(0, 5000), "hsa-miR-2-3p": numbers(0, 5000)}
    cohort = infer(twins)
    assert cohort.panel.names == ("hsa-miR-2-3p",)
    assert "columns not used, since two bear the same name: hsa-miR-1-3p, hsa-mir-1-3p" in cohort.notes


def test_a_table_without_an_analyte_is_refused():
    with pytest.raises(InputRefused, match="--panel FILE"):
        infer({"remark": ["x"] * N, "age": numbers(30, 90)})


@pytest.mark.parametrize(("last", "cutoff"), [("40", 39.99), ("39", 40.0)])
def test_a_pile_at_the_last_cycle_is_not_detected_and_said(tmp_path, last, cutoff):
    path = tmp_path / "ct.csv"
    rows = [f"S{i},{26 + i / 10},{last if i < 4 else 30 + i / 10},25" for i in range(12)]
    path.write_text("\n".join(["specimen_id,miR-21-5p,miR-126-3p,miR-103a-3p", *rows]) + "\n")
    cohort = read_cohort(path)
    assert cohort.panel.ct_cutoff == pytest.approx(cutoff)
    said = any("4 Ct of exactly 40 are the instrument's last cycle" in note for note in cohort.notes)
    assert said is (last == "40")

"""Traps of a cohort's file, each made on purpose and named by its code; the same file without the trap is not warned of."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.evaluation.cohort_audits import audit_file
from exodx.frozen import State
from exodx.panel import Analyte, Panel

N = 60


@pytest.fixture(scope="module")
def frame(athero):
    """Give the table of a cohort without any trap."""
    return simulate(athero, SimulatedStudy(n=N, not_run_share=0.0, seed=11))


def found(cohort, reads=None):
    return {f.code: f for f in audit_file(cohort, np.zeros(len(cohort)) if reads is None else reads)}


def of_frame(table, panel):
    return frame_cohort(table, Intake(panel, "group", "case"))


def counts(n=N, p=30, unit="count", seed=0):
    """Give a cohort of counts, every second specimen a case."""
    rng = np.random.default_rng(seed)
    panel = Panel("counts", "1", "t", tuple(Analyte(f"miR-{i + 1}", "mirna", unit) for i in range(p)), normalisation="none")
    values = rng.poisson(200, (n, p)).astype(float)
    table = pd.DataFrame(values, columns=list(panel.names)).assign(group=["case", "control"] * (n // 2))
    return table, panel


def test_a_cohort_without_traps_is_not_warned_of(frame, athero):
    assert not [f for f in found(of_frame(frame, athero)).values() if f.severity != "note"]


@pytest.mark.parametrize("values", [("2", "1"), ("yes", "no"), ("-0.7", "1.4")])
def test_a_column_that_repeats_the_reference_standard_is_named(frame, athero, values):
    case, control = values
    copied = frame.assign(group_code=np.where(frame["group"] == "case", case, control))
    finding = found(of_frame(copied, athero))["label_duplicated"]
    assert "group_code" in finding.message
    assert finding.severity == "warning"
    mixed = copied.assign(
        group_code=copied["group_code"].where(np.arange(N) > 0, control if frame["group"].iloc[0] == "case" else case)
    )
    assert "label_duplicated" not in found(of_frame(mixed, athero))


def test_finer_values_of_one_class_only_tell_the_class_too(frame, athero):
    stage = np.where(frame["group"] == "control", "-", np.where(np.arange(N) % 3, "I", "II"))
    assert "stage" in found(of_frame(frame.assign(stage=stage), athero))["label_duplicated"].message


def test_a_column_with_a_value_a_specimen_is_no_copy(frame, athero):
    assert "label_duplicated" not in found(of_frame(frame.assign(tube=[f"t{i}" for i in range(N)]), athero))


def test_a_code_of_the_label_becomes_no_analyte_of_an_inferred_panel():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(5, 1, (N, 3)), columns=["a", "b", "c"]).assign(
        group=["ill", "well"] * (N // 2), code=[2, 1] * (N // 2)
    )
    cohort = frame_cohort(table, Intake("auto", "group", "ill"))
    assert cohort.panel.names == ("a", "b", "c")
    assert "label_duplicated" in found(cohort)
    unlabelled = frame_cohort(table.drop(columns="group"), Intake("auto"))
    assert "code" in unlabelled.panel.names


def test_an_analyte_that_is_the_label_blocks():
    panel = Panel("p", "1", "t", (Analyte("a", "other", "z-score"), Analyte("code", "other", "z-score")))
    table = pd.DataFrame(
        {"a": np.random.default_rng(0).normal(size=N), "code": [1.5, -0.5] * (N // 2), "group": ["case", "control"] * (N // 2)}
    )
    findings = audit_file(of_frame(table, panel), np.zeros(N))
    assert {f.severity for f in findings if f.code == "label_duplicated"} == {"blocking"}
    assert "code" in next(f for f in findings if f.code == "binary_standardised").message


def test_yes_no_facts_that_were_standardised_are_named(frame, athero):
    low, high = -0.7594, 1.3168
    standardised = frame.assign(fever=np.where(np.arange(N) % 3, low, high), sex=np.where(np.arange(N) % 4, low, high))
    finding = found(of_frame(standardised, athero))["binary_standardised"]
    assert "fever: -0.759 or 1.32" in finding.message
    assert "2 columns" in finding.message
    for values in ([0, 1], [1, 2], ["0.0", "1.0"], ["yes", "no"], ["inf", "0.5"], ["0.5", ""]):
        plain = frame.assign(fever=[values[i % 3 > 0] for i in range(N)])
        assert "binary_standardised" not in found(of_frame(plain, athero)), values


def test_ages_that_are_no_years_are_named(frame, athero):
    standardised = frame.assign(age=(frame["age"] - frame["age"].mean()) / frame["age"].std())
    assert "age_not_years" in found(of_frame(standardised, athero))
    assert "age_not_years" not in found(of_frame(frame, athero))


@pytest.mark.parametrize("column", ["EV_type", "Source"])
def test_two_fractions_in_one_cohort_are_named(frame, athero, column):
    mixed = frame.assign(**{column: ["plasma", "exosome", "plasma"] * (N // 3)})
    message = found(of_frame(mixed, athero))["fractions_mixed"].message
    assert "plasma (40), exosome (20)" in message
    assert "fractions_mixed" not in found(of_frame(frame.assign(**{column: "exosome"}), athero))
    gaps = frame.assign(**{column: ["plasma", "", "-"] * (N // 3)})
    assert "fractions_mixed" not in found(of_frame(gaps, athero))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("We compare the plasma or plasma exosomal profiles of subjects.", True),
        ("Serum and serum-derived extracellular vesicles", True),
        ("Plasma was centrifuged. Exosomes were isolated from it.", False),
        ("plasma exosomes of healthy donors", False),
    ],
)
def test_a_description_of_two_fractions_is_named(frame, athero, text, named):
    assert ("fractions_mixed" in found(of_frame(frame.assign(Project_Description=text), athero))) is named


def test_counts_that_are_not_whole_were_normalised_before():
    table, panel = counts(unit="CPM")
    assert "counts_normalised_upstream" not in found(of_frame(table, panel))
    halved = table.assign(**{panel.names[0]: table[panel.names[0]] + 0.5})
    assert "counts_normalised_upstream" in found(of_frame(halved, panel))


def test_shallow_libraries_are_counted():
    table, panel = counts()
    cohort = of_frame(table, panel)
    reads = np.full(N, 5e6)
    assert "depth_low" not in found(cohort, reads)
    reads[:7] = 9_999
    message = found(cohort, reads)["depth_low"].message
    assert "7 of 60 specimens" in message
    assert "median of all 5,000,000" in message


@pytest.mark.parametrize("more", [1, 0])
def test_depth_that_differs_by_class_is_named_whichever_way(more):
    table, panel = counts()
    cohort = of_frame(table, panel)
    even = np.random.default_rng(1).lognormal(14, 0.3, N)
    assert "depth_confounded" not in found(cohort, even)
    assert "(AUC 1.00" in found(cohort, np.where(cohort.y == more, 3e6, 1e6))["depth_confounded"].message


def test_a_site_of_one_class_is_named(frame, athero):
    site = np.where((frame["group"] == "control") & (np.arange(N) < 30), "Kiel", frame["site"])
    message = found(of_frame(frame.assign(site=site), athero))["site_one_class"].message
    assert "Kiel" in message
    assert "all negative" in message
    assert "site_one_class" not in found(of_frame(frame, athero))


def gapped(cohort, rows, name="miR-145-5p", state=State.NOT_RUN):
    m, column = cohort.measurements, cohort.measurements.names.index(name)
    values, states = m.values.copy(), m.states.copy()
    values[rows, column], states[rows, column] = np.nan, state
    return replace(cohort, measurements=replace(m, values=values, states=states))


def test_missing_cells_are_counted_by_class_and_a_difference_is_a_warning(frame, athero):
    cohort = of_frame(frame, athero)
    assert "missingness" not in found(cohort)
    cases = cohort.y == 1
    finding = found(gapped(cohort, cases))["missingness"]
    assert finding.severity == "warning"
    assert "33.3 % in the positive, 0.0 % in the negative" in finding.message
    some = np.zeros(N, bool)
    some[[np.flatnonzero(cases)[0], np.flatnonzero(~cases)[0]]] = True
    assert found(gapped(cohort, some))["missingness"].severity == "note"


def test_an_analyte_that_nobody_has_is_named(frame, athero):
    cohort = gapped(of_frame(frame, athero), np.ones(N, bool), state=State.UNDETERMINED)
    assert "miR-145-5p" in found(cohort)["analyte_never_measured"].message
    assert "33." in found(cohort)["cells_undetected"].message


def test_blank_reference_standards_unused_columns_and_absent_age_and_sex_are_told(frame, athero):
    blank = frame.assign(group=frame["group"].where(np.arange(N) > 4, ""), extra="x").drop(columns=["age", "sex"])
    codes = found(of_frame(blank, athero))
    assert "5 specimens" in codes["reference_standard_blank"].message
    assert "extra" in codes["columns_not_used"].message
    assert codes["age_sex_not_stated"].message.startswith("Age and sex")
    assert not {"reference_standard_blank", "age_sex_not_stated"} & set(found(of_frame(frame, athero)))


def test_repeated_rows_of_a_second_table_are_told(frame, athero, tmp_path):
    first, second = frame.drop(columns=["group"]), frame[["specimen_id", "group"]]
    pd.concat([second, second.head(3)]).to_csv(tmp_path / "s.csv", index=False)
    cohort = frame_cohort(first, Intake(athero, "group", "case", specimens=tmp_path / "s.csv"))
    assert "3 rows of s.csv" in found(cohort)["specimen_rows_repeated"].message


def test_without_a_reference_standard_nothing_compares_classes(frame, athero):
    cohort = frame_cohort(frame, Intake(athero))
    codes = found(cohort, np.arange(1.0, N + 1))
    assert not {"label_duplicated", "depth_confounded", "site_one_class"} & set(codes)


@given(st.permutations(range(12)))
def test_the_order_of_specimens_changes_no_finding(order):
    table, panel = counts(n=12, p=4)
    table = table.assign(EV_type=["a", "b", "c"] * 4, flag=[0.5, 1.5] * 6)
    once, again = (
        audit_file(of_frame(t, panel), np.arange(12.0)[o]) for t, o in ((table, list(range(12))), (table.iloc[order], order))
    )
    assert {(f.code, f.severity) for f in once} == {(f.code, f.severity) for f in again}

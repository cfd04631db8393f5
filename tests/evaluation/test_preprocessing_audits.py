"""What was done to one class only is planted and named; the same cohort, or the same thing done to both, is not warned of."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.evaluation.check import check_cohort
from exodx.evaluation.preprocessing_audits import audit_preprocessing
from exodx.panel import Analyte, Panel

N = 120
NAMES = [f"x{i}" for i in range(8)]
PANEL = Panel("eight", "1", "eight", tuple(Analyte(name, "mirna", "log2") for name in NAMES))


@pytest.fixture(scope="module")
def frame():
    made = simulate(PANEL, SimulatedStudy(n=N, not_run_share=0.02, seed=5))
    return made.assign(**{name: [f"{float(c) + 12:.3f}" if c else "" for c in made[name]] for name in NAMES})


@pytest.fixture(scope="module")
def case(frame):
    return (frame["group"] == "case").to_numpy()


def found(table, panel=PANEL):
    return {f.code: f for f in audit_preprocessing(frame_cohort(table, Intake(panel, "group", "case")))}


def changed(frame, rows, change, names=NAMES):
    """Change the cells of some rows, blanks left as they are."""
    return frame.assign(**{n: [change(c) if hit and c else c for c, hit in zip(frame[n], rows, strict=True)] for n in names})


def test_an_honest_cohort_has_none(frame, athero):
    assert found(frame) == {}
    for seed in range(5):
        assert found(simulate(athero, SimulatedStudy(n=N, seed=seed)), athero) == {}


@pytest.mark.parametrize("writing", ["{:.1f}", "{:.0f}", "{:.5f}"])
def test_decimals_that_follow_the_class_are_named(frame, case, writing):
    finding = found(changed(frame, case, lambda c: writing.format(float(c))))["rounding_confounded"]
    assert finding.severity == "blocking"
    assert "decimals in the positive class and 3.0 in the negative one (median specimen; AUC 1.00)" in finding.message
    assert "rounding_confounded" not in found(changed(frame, np.ones(N, bool), lambda c: writing.format(float(c))))


def test_trailing_zeros_count_as_written(frame, case):
    """27.10 and 27.1 are one number, but not one export."""
    padded = changed(frame, case, lambda c: f"{float(c):.1f}00")
    plain = changed(padded, ~case, lambda c: f"{float(c):.1f}")
    assert "rounding_confounded" in found(plain)


def test_significant_digits_that_follow_the_class_are_named(frame, case):
    panel = Panel("linear", "1", "t", tuple(Analyte(name, "protein", "pg/mL", fraction="ev") for name in NAMES))
    linear = changed(frame, np.ones(N, bool), lambda c: f"{2 ** float(c):.7g}")
    assert "rounding_confounded" not in found(linear, panel)
    assert "rounding_confounded" in found(changed(linear, case, lambda c: f"{float(c):.3g}"), panel)


@pytest.mark.parametrize("pair", [("NA", "n/a"), ("Undetermined", "NA"), ("<2.5", "ND")])
def test_words_for_no_value_that_follow_the_class_are_named(frame, case, pair):
    rng = np.random.default_rng(1)
    lost = rng.random(N) < 0.4
    table = frame.assign(x3=[pair[0 if c else 1] if gone else cell for cell, gone, c in zip(frame["x3"], lost, case, strict=True)])
    finding = found(table)["missing_code_confounded"]
    assert all(word.replace("2.5", "#") in finding.message for word in pair)
    both = frame.assign(x3=[pair[i % 2] if gone else cell for i, (cell, gone) in enumerate(zip(frame["x3"], lost, strict=True))])
    assert "missing_code_confounded" not in found(both)


def test_a_word_in_one_class_alone_may_be_the_disease(frame, case):
    table = frame.assign(x3=["ND" if c and i % 2 else cell for i, (cell, c) in enumerate(zip(frame["x3"], case, strict=True))])
    assert "missing_code_confounded" not in found(table)


def test_another_floor_in_each_class_is_named_and_a_common_floor_is_not(frame, case):
    values = frame["x2"].replace("", "12").astype(float)
    low, high = values.quantile([0.25, 0.35])
    floors = np.where(case, low, high)
    two = frame.assign(x2=[f"{max(v, f):.3f}" for v, f in zip(values, floors, strict=True)])
    finding = found(two)["constant_confounded"]
    assert "x2: " in finding.message
    assert finding.severity == "warning"
    one = frame.assign(x2=[f"{max(v, low):.3f}" for v in values])
    assert "constant_confounded" not in found(one)


def test_gaps_filled_by_the_median_of_each_class_are_named(frame, case):
    table = frame.copy()
    for name in ("x1", "x4"):
        values = pd.to_numeric(table[name])
        gone = np.random.default_rng(3).random(N) < 0.3
        middles = {label: values[(case == label) & ~gone].median() for label in (True, False)}
        table[name] = [f"{middles[c] if g or np.isnan(v) else v:.4f}" for v, g, c in zip(values, gone, case, strict=True)]
    assert found(table)["constant_confounded"].severity == "blocking"


def test_an_analyte_that_is_constant_in_one_class_is_named(frame, case):
    assert "x5" in found(frame.assign(x5=np.where(case, frame["x5"], "0.000")))["analyte_constant_in_class"].message
    rare = np.where(case & (np.arange(N) % 7 == 0), "3.210", "0.000")
    assert "analyte_constant_in_class" not in found(frame.assign(x5=rare))


def test_a_common_offset_is_named_and_a_disease_of_some_analytes_is_not(frame, case):
    assert "offset_confounded" in found(changed(frame, case, lambda c: f"{float(c) + 3:.3f}"))
    assert "offset_confounded" not in found(changed(frame, case, lambda c: f"{float(c) + 3:.3f}", NAMES[:3]))
    assert "offset_confounded" not in found(changed(frame, np.ones(N, bool), lambda c: f"{float(c) + 3:.3f}"))


def test_one_class_brought_to_a_median_is_named(frame, case):
    table = frame.assign(**{n: frame[n].replace("", "12.000").astype(float) for n in NAMES})
    middle = table[NAMES].median(axis=1).to_numpy()
    centred = table[NAMES].sub(np.where(case, middle, 0.0), axis=0).round(6)
    assert "normalisation_confounded" in found(table.assign(**centred))
    assert "normalisation_confounded" not in found(table.assign(**table[NAMES].sub(middle, axis=0).round(6)))


@pytest.mark.parametrize("column", ["software_version", "Analysis pipeline", "scanner"])
def test_a_software_that_follows_the_class_is_named(frame, case, column):
    rng = np.random.default_rng(4)
    follows = np.where(case == (rng.random(N) < 0.9), "v2.1", "v1.7")
    assert "v2.1: " in found(frame.assign(**{column: follows}))["processing_confounded"].message
    assert "processing_confounded" not in found(frame.assign(**{column: np.where(rng.random(N) < 0.5, "v2.1", "v1.7")}))
    assert "processing_confounded" not in found(frame.assign(favourite_colour=follows))


def test_a_number_that_nothing_reads_and_that_parts_the_classes_is_named(frame, case, athero):
    plain = simulate(athero, SimulatedStudy(n=N, seed=5))
    is_case = (plain["group"] == "case").to_numpy()
    score = np.random.default_rng(0).normal(size=N) + 9 * is_case
    assert "stenosis_score" in found(plain.assign(stenosis_score=score), athero)["number_separates"].message
    assert "number_separates" not in found(plain.assign(stenosis_score=score - 9 * is_case), athero)


def test_check_tells_of_it_too(frame, case):
    table = changed(frame, case, lambda c: f"{float(c):.1f}")
    codes = {f.code for f in check_cohort(frame_cohort(table, Intake(PANEL, "group", "case"))).findings}
    assert "rounding_confounded" in codes


@given(st.integers(0, 10_000), st.sampled_from(["{:.1f}", "{:.3f}", "{:.2e}"]))
def test_labels_that_mean_nothing_are_told_apart_by_no_writing(seed, writing):
    """Handling dealt alike gives no finding, however it is written."""
    rng = np.random.default_rng(seed)
    values = rng.normal(10, 1, (60, 8))
    table = pd.DataFrame({n: [writing.format(v) for v in values[:, j]] for j, n in enumerate(NAMES)})
    table.insert(0, "specimen_id", [f"s{i}" for i in range(60)])
    table["group"] = np.where(np.arange(60) % 2, "case", "control")
    assert found(table) == {}

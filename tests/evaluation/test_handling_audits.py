"""Handling that follows the class: each trap is planted and named, and the same cohort without it is not warned of."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate, stratified_folds
from exodx.evaluation.assay_audits import audit_assay
from exodx.evaluation.audits import apart, audit_cohort, severity_of
from exodx.evaluation.check import check_cohort
from exodx.evaluation.cohort_audits import audit_file
from exodx.evaluation.handling_audits import association_p, audit_handling
from exodx.frozen import Features, State
from exodx.panel import Analyte, Panel

N = 120
MANIFEST = ("isolation_method", "kit_lot", "operator", "anticoagulant")
WORDS = {"anticoagulant": ("edta", "citrate")}


@pytest.fixture(scope="module")
def frame(athero):
    return simulate(athero, SimulatedStudy(n=N, not_run_share=0.0, effect=0.0, seed=12))


@pytest.fixture(scope="module")
def case(frame):
    return (frame["group"] == "case").to_numpy()


def of(table, panel):
    return frame_cohort(table, Intake(panel, "group", "case"))


def handling(cohort):
    return {f.code: f for f in audit_handling(cohort)}


def whole(cohort):
    folds = stratified_folds(cohort.y, cohort.subjects, 5, 0)
    none = Features((), np.zeros((len(cohort), 0)), np.zeros(len(cohort), np.uint32))
    return {f.code: f for f in audit_cohort(cohort, none, folds)}


def test_an_honest_cohort_has_none(frame, athero):
    cohort = of(frame, athero)
    assert handling(cohort) == {}
    assert not [c for c in whole(cohort) if c.endswith("_confounded")]


@pytest.mark.parametrize("column", MANIFEST)
@pytest.mark.parametrize(("share", "severity"), [(0.76, "warning"), (0.97, "blocking")])
def test_a_manifest_column_that_follows_the_class_is_named(frame, athero, case, column, share, severity):
    a, b = WORDS.get(column, ("A", "B"))
    rng = np.random.default_rng(3)
    with_class = case == (rng.random(N) < share)
    finding = whole(of(frame.assign(**{column: np.where(with_class, a, b)}), athero))[f"{column}_confounded"]
    assert finding.severity == severity
    fair = frame.assign(**{column: np.where(rng.random(N) < 0.5, a, b)})
    assert f"{column}_confounded" not in whole(of(fair, athero))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_of_the_manifest_is_read_either_way(frame, athero, case, sign):
    rng = np.random.default_rng(4)
    hours = 10 + sign * 3 * case + rng.normal(0, 1, N)
    assert whole(of(frame.assign(time_to_processing_h=hours), athero))["time_to_processing_h_confounded"].severity == "blocking"
    assert "time_to_processing_h_confounded" not in whole(of(frame.assign(time_to_processing_h=rng.permutation(hours)), athero))


def test_cases_collected_later_are_named_and_the_order_of_day_and_month_is_read(frame, athero, case):
    rng = np.random.default_rng(5)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200, N) + 250 * case, unit="D")
    for how in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"):
        late = frame.assign(collection_date=days.strftime(how))
        assert whole(of(late, athero))["date_confounded"].severity == "blocking", how
    mixed = frame.assign(collection_date=rng.permutation(days.strftime("%Y-%m-%d")))
    assert "date_confounded" not in whole(of(mixed, athero))
    assert "date_confounded" not in whole(of(frame.assign(collection_date="in spring"), athero))


def test_seasons_that_alternate_by_class_are_named_too(frame, athero, case):
    rng = np.random.default_rng(6)
    month = 1 + 2 * rng.integers(0, 6, N) + case
    dates = [f"2024-{m:02d}-15" for m in month]
    assert "date_confounded" in whole(of(frame.assign(collection_date=dates), athero))


@pytest.mark.parametrize("column", ["kit_lot", "plate", "freezer box", "RNA_extraction_batch"])
def test_a_column_of_handling_that_separates_the_classes_blocks(frame, athero, case, column):
    separated = frame.assign(**{column: np.where(case, "first", "second")})
    finding = handling(of(separated, athero))["column_separates"]
    assert finding.severity == "blocking"
    assert column in finding.message
    one_off = separated.assign(**{column: separated[column].where(np.arange(N) > 0, "third")})
    assert "column_separates" not in handling(of(one_off, athero))


def test_a_copy_of_the_label_is_no_handling(frame, athero, case):
    for name in ("group_code", "status", "clinical_group"):
        assert "column_separates" not in handling(of(frame.assign(**{name: np.where(case, "2", "1")}), athero))


def test_a_column_stated_for_one_class_only_does_not_separate(frame, athero, case):
    assert "column_separates" not in handling(of(frame.assign(kit_lot=np.where(case, "L1", "")), athero))


def test_classes_on_plates_of_their_own_are_named(frame, athero, case):
    rng = np.random.default_rng(7)
    plate = np.where(case == (rng.random(N) < 0.75), "P1", "P2")
    finding = handling(of(frame.assign(plate=plate), athero))["plate_class_association"]
    assert "permutation p" in finding.message
    assert "plate_class_association" not in handling(of(frame.assign(plate=rng.permutation(plate)), athero))
    assert "plate_class_association" not in handling(of(frame.drop(columns="plate"), athero))


def test_many_specimens_of_a_subject_on_a_plate_are_not_many_witnesses(athero):
    few = simulate(athero, SimulatedStudy(n=12, not_run_share=0.0, seed=3))
    case = (few["group"] == "case").to_numpy()
    few["plate"] = np.where(case == (np.arange(12) % 6 > 0), "P1", "P2")
    assert "plate_class_association" not in handling(of(few, athero))
    many = pd.concat([few] * 8, ignore_index=True)
    many["specimen_id"] = [f"s{i}" for i in range(len(many))]
    assert "plate_class_association" not in handling(of(many, athero))


@given(st.lists(st.integers(0, 3), min_size=12, max_size=40), st.integers(0, 2**31))
def test_v_is_that_of_chi_square_and_p_a_probability(groups, seed):
    codes = np.unique(groups, return_inverse=True)[1]
    y = np.random.default_rng(seed).integers(0, 2, len(codes)).astype(np.int8)
    v, p = association_p(y, codes)
    assert 0 < p <= 1
    if 0 < y.sum() < len(y) and codes.max() > 0:
        table = np.array([[((codes == g) & (y == label)).sum() for g in range(codes.max() + 1)] for label in (0, 1)])
        assert v == pytest.approx(np.sqrt(chi2_contingency(table, correction=False).statistic / len(y)), abs=1e-12)


def test_p_of_a_large_table_is_that_of_chi_square():
    """9999 draws of p = .02 have a standard error of .0014: four of them."""
    y = np.repeat([1, 0], 200).astype(np.int8)
    codes = np.concatenate([np.repeat([0, 1], [112, 88]), np.repeat([0, 1], [88, 112])])
    _, p = association_p(y, codes)
    assert p == pytest.approx(chi2_contingency([[112, 88], [88, 112]], correction=False).pvalue, abs=0.012)


def undetected(cohort, share, names, seed=0):
    m, rng = cohort.measurements, np.random.default_rng(seed)
    values, states = m.values.copy(), m.states.copy()
    for name in names:
        rows = rng.random(len(cohort)) < np.where(cohort.y == 1, share[1], share[0])
        values[rows, m.names.index(name)], states[rows, m.names.index(name)] = np.nan, State.UNDETERMINED
    return replace(cohort, measurements=replace(m, values=values, states=states))


@pytest.fixture(scope="module")
def wide(make_cohort):
    panel = Panel("w", "1", "t", tuple(Analyte(f"p{i}", "other", "z-score") for i in range(12)), normalisation="none")
    return make_cohort(panel, n=N, effect=0.0, not_run_share=0.0, seed=9)


@pytest.mark.parametrize(("share", "severity"), [((0.15, 0.30), "warning"), ((0.1, 0.5), "blocking"), ((0.5, 0.1), "blocking")])
def test_less_input_in_one_class_shows_in_what_is_not_detected(wide, share, severity):
    finding = handling(undetected(wide, share, wide.panel.names))["censoring_confounded"]
    assert finding.severity == severity
    assert "of 12 in the positive" in finding.message


def test_undetected_cells_of_both_classes_alike_are_not_named(wide):
    for seed in range(5):
        assert "censoring_confounded" not in handling(undetected(wide, (0.3, 0.3), wide.panel.names, seed))


def test_what_was_not_run_was_not_looked_for(wide):
    lost = undetected(wide, (1.0, 0.0), ["p3"])
    states, column = lost.measurements.states.copy(), lost.measurements.names.index("p3")
    states[wide.y == 1, column] = State.NOT_RUN
    values = np.where(states == State.NOT_RUN, np.nan, lost.measurements.values)
    assert "censoring_confounded" not in handling(
        replace(lost, measurements=replace(lost.measurements, values=values, states=states))
    )


def test_one_analyte_that_is_detected_in_one_class_is_a_warning(wide):
    finding = handling(undetected(wide, (0.9, 0.05), ["p3"]))["censoring_confounded"]
    assert finding.severity == "warning"
    assert "p3 (AUC 0.9" in finding.message


@pytest.mark.parametrize(("value", "said"), [(0.5, None), (0.65, None), (0.66, "warning"), (0.8, "warning"), (0.81, "blocking")])
def test_the_rule_is_one(value, said):
    assert severity_of(value) == said


def test_what_chance_does_is_not_told_apart():
    y = np.array([1, 1, 1, 0, 0, 0], np.int8)
    assert apart(y, np.arange(6.0)) == 0.5
    assert apart(np.ones(6, np.int8), np.arange(6.0)) == apart(y, np.full(6, np.nan)) == 0.5
    assert apart(np.repeat([1, 0], 20).astype(np.int8), np.arange(40.0)) == 1.0


def test_a_check_tells_of_them_by_default(frame, athero, case):
    check = check_cohort(of(frame.assign(kit_lot=np.where(case, "L1", "L2")), athero))
    assert {"column_separates", "kit_lot_confounded"} <= {f.code for f in check.findings if f.severity == "blocking"}
    assert not check.ready


@pytest.mark.parametrize(("name", "code"), [("miR-451a", "haemolysis_confounded"), ("cel-miR-39-3p", "spike_confounded")])
@pytest.mark.parametrize(("shift", "severity"), [(0.0, None), (0.65, "warning"), (3.0, "blocking")])
def test_haemolysis_and_spike_block_by_the_same_rule(name, code, shift, severity):
    """A shift of 0.65 SD of the index is an AUC near .68; of 3 SD, .98."""
    roles = {"miR-126-3p": "target", "miR-103a-3p": "reference", "miR-23a-3p": "haemolysis", "miR-451a": "haemolysis"}
    roles |= {"cel-miR-39-3p": "spike_in"}
    panel = Panel("h", "1", "t", tuple(Analyte(n, "mirna", "Ct", role) for n, role in roles.items()), normalisation="references")
    rng, n = np.random.default_rng(1), 400
    ill = np.arange(n) % 2 == 0
    table = pd.DataFrame({a: rng.normal(25, 0.01 if a == "miR-23a-3p" else 1, n) for a in roles}).assign(
        group=np.where(ill, "case", "no")
    )
    table[name] += shift * ill
    found = {f.code: f.severity for f in audit_assay(of(table, panel))}
    assert found.get(code) == severity


@pytest.mark.parametrize(("ratio", "severity"), [(1.0, None), (2.3, "warning"), (30.0, "blocking")])
def test_depth_blocks_by_the_same_rule(frame, athero, case, ratio, severity):
    reads = np.random.default_rng(2).lognormal(14, 1.0, N) * np.where(case, ratio, 1.0)
    found = {f.code: f.severity for f in audit_file(of(frame, athero), reads)}
    assert found.get("depth_confounded") == severity

"""Specimens measured twice under two names: planted ones are found, honest cohorts hold none, and no finding names an id."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.assay import learn_transform
from exodx.cohort import Intake, SimulatedStudy, frame_cohort, read_cohort, simulate
from exodx.evaluation.check import check_cohort
from exodx.evaluation.check_text import check_text
from exodx.evaluation.replicate_audits import Pair, audit_replicates, replicate_lines, technical_replicates
from exodx.frozen import Features
from exodx.panel import Analyte, Panel

NOISE_CT = 0.2
COPIES = 4


def panel_of(p):
    roles = ["target"] * (p - 2) + ["reference"] * 2
    return Panel("w", "1", "t", tuple(Analyte(f"a{i}", "other", "Ct", role) for i, role in enumerate(roles)))


def planted(p, n, seed, noise=NOISE_CT, copies=COPIES):
    """Give a cohort with some specimens measured again under ids and subjects of their own, and how they are called."""
    panel, rng = panel_of(p), np.random.default_rng(seed)
    frame = simulate(panel, SimulatedStudy(n=n, seed=seed))
    again = frame.iloc[:copies].copy()
    for column in ("specimen_id", "subject_id"):
        again[column] = [f"again-{i}" for i in range(copies)]
    for name in panel.names:
        values = pd.to_numeric(again[name], errors="coerce") + rng.normal(0, noise, copies)
        again[name] = ["" if np.isnan(v) else f"{v:.4f}" for v in values]
    cohort = frame_cohort(pd.concat([frame, again], ignore_index=True), Intake(panel, "group", "case"))
    return cohort, {frozenset((a, f"again-{i}")) for i, a in enumerate(frame["specimen_id"][:copies])}


def pairs_of(cohort, folds=None):
    features = learn_transform(cohort.panel, cohort.measurements, cohort.y).apply(cohort.measurements)
    return technical_replicates(cohort, features, np.arange(len(cohort)) if folds is None else folds)


def named(pairs):
    return {frozenset((pair.first, pair.second)) for pair in pairs}


@pytest.mark.parametrize("n", [60, 120, 300])
@pytest.mark.parametrize("seed", range(3))
def test_nearly_all_planted_replicates_are_found_from_12_analytes_on(n, seed):
    cohort, truth = planted(12, n, seed)
    found = named(pairs_of(cohort))
    assert found <= truth
    assert len(found) >= COPIES - 1


def test_with_8_analytes_a_cohort_with_replicates_is_told_of():
    """Of 8 analytes one or two of four are closer than chance; a handful of copies is enough to be warned of."""
    cohorts = [planted(8, 60, seed, copies=8) for seed in range(6)]
    assert all(named(pairs_of(cohort)) & truth for cohort, truth in cohorts)


@pytest.mark.parametrize("p", [8, 12, 40])
def test_an_honest_cohort_holds_none(p):
    """Features and values each name a pair in one cohort of fifty by chance: in 12 cohorts two or more are rarer than 1 in 10."""
    panel = panel_of(p)
    cohorts = [
        frame_cohort(simulate(panel, SimulatedStudy(n=100, seed=100 + s)), Intake(panel, "group", "case")) for s in range(12)
    ]
    assert sum(bool(pairs_of(cohort)) for cohort in cohorts) <= 1


def test_a_cohort_measured_twice_as_a_whole_is_seen():
    cohort, truth = planted(20, 60, 5, copies=60)
    found = named(pairs_of(cohort))
    assert len(found & truth) >= 55
    assert audit_replicates(cohort, pairs_of(cohort))[0].severity == "blocking"


def test_equal_rows_are_found_in_a_small_panel(make_cohort, athero):
    frame = simulate(athero, SimulatedStudy(n=40, not_run_share=0.0, seed=3))
    again = frame.iloc[[5]].assign(specimen_id="again", subject_id="other")
    cohort = frame_cohort(pd.concat([frame, again], ignore_index=True), Intake(athero, "group", "case"))
    (pair,) = pairs_of(cohort)
    assert pair.identical
    assert {pair.first, pair.second} == {frame["specimen_id"][5], "again"}
    assert pairs_of(make_cohort(n=40, seed=3)) == ()


def test_equal_rows_of_coarse_values_are_chance():
    rng = np.random.default_rng(0)
    panel = Panel("p", "1", "t", tuple(Analyte(f"a{i}", "other", "z-score") for i in range(4)))
    frame = pd.DataFrame(rng.integers(0, 3, (80, 4)).astype(float), columns=list(panel.names)).assign(group=["x", "y"] * 40)
    assert pairs_of(frame_cohort(frame, Intake(panel, "group", "x"))) == ()


def test_specimens_of_one_subject_are_no_secret():
    cohort, _ = planted(20, 60, 1)
    same = cohort.specimens["subject"].where(~cohort.specimens["subject"].str.startswith("again"), None)
    same.iloc[-COPIES:] = cohort.specimens["subject"].iloc[:COPIES].to_numpy()
    assert pairs_of(replace(cohort, specimens=cohort.specimens.assign(subject=same))) == ()


def test_people_of_different_sex_are_different_people():
    cohort, _ = planted(20, 60, 1)
    sex = np.where(np.arange(len(cohort)) < 60, "f", "m")
    assert pairs_of(replace(cohort, specimens=cohort.specimens.assign(sex=sex))) == ()


def test_pairs_on_one_side_of_every_split_do_not_straddle():
    cohort, truth = planted(20, 60, 2)
    folds = np.zeros((2, len(cohort)), np.intp)
    assert not any(pair.straddles for pair in pairs_of(cohort, folds))
    folds[1, -COPIES:] = 1
    pairs = pairs_of(cohort, folds)
    assert len(pairs) == len(truth)
    assert all(pair.straddles for pair in pairs)


def test_the_finding_counts_and_names_nobody():
    cohort, _ = planted(20, 200, 2)
    pairs = pairs_of(cohort)
    (finding,) = audit_replicates(cohort, pairs)
    assert (finding.code, finding.severity) == ("near_duplicates", "warning")
    assert finding.message.startswith("4 pairs")
    assert not any(pair.first in finding.message or pair.second in finding.message for pair in pairs)
    assert audit_replicates(cohort, ()) == []


def test_lines_for_the_terminal_name_the_worst_first_and_are_cut():
    pairs = [Pair("a", "b", False, False), Pair("c", "d", True, True)] + [Pair(f"e{i}", "f", False, True) for i in range(30)]
    lines = replicate_lines(pairs, 5)
    assert lines[0] == "c and d: equal in every value, on both sides of a split"
    assert lines[-1] == "… and 27 pairs more"
    assert replicate_lines(()) == []


def test_a_check_names_the_pairs():
    cohort, truth = planted(20, 60, 2)
    check = check_cohort(cohort)
    assert named(check.replicates) == truth
    assert "as alike as replicates" in check_text(check)
    assert json.dumps(check.to_dict()["replicates"])


def test_gaps_do_not_make_specimens_alike():
    cohort, truth = planted(20, 60, 2)
    m, rng = cohort.measurements, np.random.default_rng(0)
    values = np.where(rng.random(m.values.shape) < 0.4, np.nan, m.values)
    states = np.where(np.isnan(values), np.uint8(3), m.states)
    features = Features(m.names, values, np.zeros(len(cohort), np.uint32))
    bare = replace(cohort, measurements=replace(m, values=values, states=states))
    assert named(technical_replicates(bare, features, np.arange(len(cohort)))) <= truth


@given(st.integers(0, 2**31))
def test_the_order_of_specimens_does_not_matter(seed):
    cohort, _ = planted(20, 30, 4, copies=2)
    order = np.random.default_rng(seed).permutation(len(cohort))
    assert named(pairs_of(cohort)) == named(pairs_of(cohort[order]))


@pytest.mark.cohorts
@pytest.mark.parametrize(
    ("table", "label", "positive"),
    [
        ("ad-csf-protein-rbm/ad_data.csv", "Class", "Impaired"),
        ("tb-exosome-mirna-qpcr-zscored/ptb-vs-dc/train_df.csv", "group property", "PTB"),
        ("aaa-pbmc-taqman-ct/data_Ct_long.txt", "Group", "AAA"),
    ],
)
def test_real_cohorts_hold_none(cohorts_folder, table, label, positive):
    check = check_cohort(read_cohort(cohorts_folder / table, Intake(label=label, positive=positive)))
    assert check.replicates == ()

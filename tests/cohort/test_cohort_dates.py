"""Dates: one way of writing or a refusal; the later subjects held out, nobody and nothing on both sides."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import Intake, SimulatedStudy, days_of_dates, frame_cohort, simulate, temporal_folds, training_rows
from exodx.cohort.splits import ONLY_LEARNED
from exodx.errors import InputRefused
from exodx.panel import load_panel

N = 60
DAYS = pd.date_range("2023-12-28", periods=N, freq="D")


@pytest.fixture(scope="module")
def frame(athero):
    return simulate(athero, SimulatedStudy(n=N, seed=2)).assign(collection_date=DAYS.strftime("%Y-%m-%d"))


def of(frame, **columns):
    return frame_cohort(frame.assign(**columns), Intake("athero-3", "group", "case"))


def code_of(call, *arguments):
    with pytest.raises(InputRefused) as refused:
        call(*arguments)
    (problem,) = refused.value.problems
    return problem


@pytest.mark.parametrize("writing", ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%S"])
def test_each_way_of_writing_gives_the_same_days(frame, writing):
    expected = (DAYS - pd.Timestamp(0)).days
    np.testing.assert_array_equal(days_of_dates(of(frame, collection_date=DAYS.strftime(writing))), expected)


def test_mixed_ways_are_refused_and_shown(frame):
    cells = list(DAYS.strftime("%Y-%m-%d"))
    cells[5] = "02.01.2024"
    problem = code_of(days_of_dates, of(frame, collection_date=cells))
    assert (problem.code, "'02.01.2024'" in problem.found, "YYYY-MM-DD" in problem.fix) == ("DATE_MIXED", True, True)


def test_dates_that_can_be_read_in_two_ways_are_refused(frame):
    cells = [f"{1 + i % 12:02d}/{1 + i % 7:02d}/2024" for i in range(N)]
    assert code_of(days_of_dates, of(frame, collection_date=cells)).code == "DATE_AMBIGUOUS"
    same = [f"{1 + i % 12:02d}/{1 + i % 12:02d}/2024" for i in range(N)]
    assert np.isfinite(days_of_dates(of(frame, collection_date=same))).all()  # both ways give the same day


@pytest.mark.parametrize("cells", [[""] * N, None])
def test_without_dates_it_is_refused(frame, cells):
    given_ = frame.drop(columns="collection_date") if cells is None else frame.assign(collection_date=cells)
    problem = code_of(temporal_folds, of(given_))
    assert (problem.code, "--date" in problem.fix) == ("DATE_MISSING", True)


def test_the_last_third_is_held_out_and_blocks_chain_forwards(frame):
    cohort = of(frame)
    folds, first = temporal_folds(cohort)
    held = folds[0] == 0
    assert held.mean() == pytest.approx(0.3, abs=0.02)
    assert first == DAYS[np.flatnonzero(held)[0]].date().isoformat()
    assert [int((row == 0).sum()) for row in folds[1:]] == [15, 15, 15]
    assert [int((row == ONLY_LEARNED).sum()) for row in folds[1:]] == [15, 30, 45]


def test_classes_collected_one_after_the_other_are_refused(frame):
    late = np.argsort(np.argsort(frame["group"] == "case", kind="stable"))
    assert code_of(temporal_folds, of(frame, collection_date=DAYS[late].strftime("%Y-%m-%d"))).code == "DATES_ONE_CLASS"


def test_a_later_specimen_of_an_earlier_subject_takes_no_part(frame):
    cells = list(DAYS.strftime("%Y-%m-%d"))
    owner = list(frame["subject_id"])
    owner[-1] = owner[0]
    cohort = of(frame, collection_date=cells, subject_id=owner)
    folds, _ = temporal_folds(cohort)
    assert folds[0][-1] == -1
    assert folds[0][0] == ONLY_LEARNED


def test_an_unknown_date_takes_no_part(frame):
    cells = ["", *DAYS.strftime("%Y-%m-%d")[1:]]
    assert (temporal_folds(of(frame, collection_date=cells))[0][:, 0] == -1).all()


@given(st.integers(0, 10_000))
def test_what_is_learned_from_is_earlier_and_of_other_subjects(seed):
    """Over random dates with ties, blanks and subjects of several specimens."""
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 25, N), unit="D")
    cells = np.where(rng.random(N) < 0.05, "", days.strftime("%Y-%m-%d"))
    table = simulate(load_panel("athero-3"), SimulatedStudy(n=N, seed=2))
    cohort = of(table, collection_date=cells, subject_id=[f"p{i}" for i in rng.integers(0, 45, N)])
    folds, first = temporal_folds(cohort)
    known = days_of_dates(cohort)
    for row in folds:
        train, held = training_rows(row, 0, cohort.subjects), np.flatnonzero(row == 0)
        assert not set(cohort.subjects[train]) & set(cohort.subjects[held])
        assert known[train].max() < known[held].min()
        assert set(cohort.y[train]) == set(cohort.y[held]) == {0, 1}
    assert known[folds[0] == 0].min() >= (pd.Timestamp(first) - pd.Timestamp(0)).days

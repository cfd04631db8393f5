"""Monitoring: limits equal the formula, planted changes are found, steady subjects stay within, and bad input is refused."""

from dataclasses import replace
from math import exp, log, log1p, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.assay import learn_transform
from exodx.cohort import Intake, frame_cohort
from exodx.errors import RUO, InputRefused
from exodx.evaluation.monitoring import Spreads, monitor
from exodx.panel import Analyte, Panel

PANEL = Panel(
    "m",
    "1",
    "t",
    (Analyte("PD-L1", "protein", "pg/mL", fraction="ev"), Analyte("VEGF", "protein", "pg/mL", fraction="ev")),
    normalisation="none",
)
CV_A, CV_W = 0.10, 0.20
VISITS, SUBJECTS = 3, 60


def table(seed=0, n=SUBJECTS, visits=VISITS, duplicates=False):
    """Give subjects with specimens of several dates; log-normal, spread within subjects and of the assay as stated above."""
    rng = np.random.default_rng(seed)
    rows = []
    for subject in range(n):
        level = rng.normal(log(100), 0.5, 2)
        for visit in range(visits):
            true = level + rng.normal(0, sqrt(log1p(CV_W**2)), 2)
            for repeat in range(1 + duplicates):
                a, b = np.exp(true + rng.normal(0, sqrt(log1p(CV_A**2)), 2))
                rows.append(
                    [f"s{subject}-{visit}-{repeat}", f"p{subject}", f"2024-0{visit + 1}-10", a, b, ("case", "control")[subject % 2]]
                )
    return pd.DataFrame(rows, columns=["specimen_id", "subject_id", "collection_date", "PD-L1", "VEGF", "group"])


def cohort_of(frame, panel=PANEL, labelled=False):
    return frame_cohort(frame, Intake(panel, "group", "case") if labelled else Intake(panel))


def watch(frame, panel=PANEL, labelled=False, **spreads):
    cohort = cohort_of(frame, panel, labelled)
    return monitor(cohort, learn_transform(panel, cohort.measurements, None), Spreads(**spreads))


def test_given_cvs_give_the_published_formula():
    """√2 · 1.96 · √(CV_a² + CV_w²) on logarithms: +85 % and −46 % for 10 % and 20 %."""
    limits = watch(table(), cv_analytical=CV_A, cv_within=CV_W).limits
    expected = sqrt(2) * 1.959964 * sqrt(log1p(CV_A**2) + log1p(CV_W**2))
    for limit in limits:
        assert limit.rise == pytest.approx(exp(expected) - 1, abs=1e-5)
        assert limit.fall == pytest.approx(exp(-expected) - 1, abs=1e-5)
        assert limit.limit == pytest.approx(expected / log(2), abs=1e-6)
        assert (limit.cv_analytical, limit.cv_within) == (pytest.approx(CV_A), pytest.approx(CV_W))
        assert limit.basis == "analytical CV as given; CV within subjects as given"


def test_spreads_are_estimated_from_duplicates_and_repeats():
    """180 pairs and 120 degrees of freedom: standard errors of 5 % and 7 % of the SD; 4 of them are allowed."""
    for limit in watch(table(duplicates=True)).limits:
        assert limit.cv_analytical == pytest.approx(CV_A, rel=0.22)
        assert limit.cv_within == pytest.approx(CV_W, rel=0.30)
        assert "duplicates" in limit.basis


def test_single_measurements_hold_the_analytical_part_once():
    """The limit is that of the total spread, whether the assay's part is known or not."""
    frame = table()
    plain, known = watch(frame).limits, watch(frame, cv_analytical=CV_A).limits
    for a, b in zip(plain, known, strict=True):
        assert a.limit == pytest.approx(b.limit, rel=1e-12)
        assert b.sd_within < a.sd_within


def test_steady_subjects_stay_within_and_a_planted_rise_is_found():
    """240 comparisons, 5 % beyond by chance (pairs share their first specimen): 12 expected, 4 SE of about 5 allowed."""
    frame = table(seed=3)
    steady = watch(frame, cv_analytical=CV_A, cv_within=CV_W)
    assert sum(c.finding in ("rise", "fall") for c in steady.changes) < 32
    changed = frame["specimen_id"] == "s7-2-0"
    frame.loc[changed, "VEGF"] = frame.loc[frame["specimen_id"] == "s7-0-0", "VEGF"].to_numpy() * 3
    found = {(c.specimen, c.analyte): c for c in watch(frame, cv_analytical=CV_A, cv_within=CV_W).changes}
    assert found["s7-2-0", "VEGF"].finding == "rise"
    assert found["s7-2-0", "VEGF"].change == pytest.approx(2.0)
    assert found["s7-2-0", "VEGF"].first == "s7-0-0"
    assert found["s7-2-0", "PD-L1"] == next(c for c in steady.changes if (c.specimen, c.analyte) == ("s7-2-0", "PD-L1"))


def test_controls_give_the_spread_where_they_are_named():
    frame = table()
    cases = frame["group"] == "case"
    frame.loc[cases, "VEGF"] *= np.where(np.arange(cases.sum()) % 3, 4, 1)
    blind, told = watch(frame).limits[1], watch(frame, labelled=True).limits[1]
    assert "controls" in told.basis
    assert told.limit < 0.5 * blind.limit


def test_few_controls_are_too_few():
    frame = table(n=6)
    assert all("repeated specimens" in limit.basis for limit in watch(frame, labelled=True).limits)


def test_values_normalised_before_are_told_in_their_own_units():
    panel = Panel("z", "1", "t", (Analyte("PD-L1", "other", "z-score"), Analyte("VEGF", "other", "z-score")))
    frame = table().assign(**{name: np.log(table()[name]) - 4.6 for name in ("PD-L1", "VEGF")})
    found = watch(frame, panel, cv_analytical=0.1)
    assert all(limit.scale == "own" and limit.rise is None and limit.limit > 0 for limit in found.limits)
    assert all(change.change is None for change in found.changes)
    assert any("normalised before" in note for note in found.notes)


def test_a_gap_is_no_change():
    frame = table()
    frame["VEGF"] = frame["VEGF"].where(frame["specimen_id"] != "s1-1-0")
    gap = next(c for c in watch(frame).changes if (c.specimen, c.analyte) == ("s1-1-0", "VEGF"))
    assert (gap.finding, gap.difference, gap.change) == ("no value", None, None)


def test_every_later_specimen_has_a_row_for_every_analyte():
    found = watch(table(duplicates=True))
    assert (found.subjects, found.specimens) == (SUBJECTS, SUBJECTS * (VISITS - 1))
    assert len(found.changes) == found.specimens * 2
    assert all(c.first.endswith("-0-0") for c in found.changes)


def test_notes_tell_of_chance_and_of_the_circle():
    notes = " ".join(watch(table()).notes)
    assert "by chance where nothing has changed" in notes
    assert "very specimens that are compared" in notes
    assert "very specimens" not in " ".join(watch(table(), cv_analytical=0.1, cv_within=0.2).notes)


def test_a_cv_within_alone_gives_no_limit():
    found = watch(table(), cv_within=0.2)
    assert {limit.limit for limit in found.limits} == {None}
    assert {change.finding for change in found.changes} == {"no limit"}
    assert "No limit for PD-L1, VEGF" in found.notes[-1]


@pytest.mark.parametrize(
    ("broken", "codes"),
    [
        (lambda f: f.drop(columns="collection_date"), {"DATE_MISSING"}),
        (lambda f: f.drop(columns=["collection_date", "subject_id"]), {"DATE_MISSING", "SUBJECT_MISSING"}),
        (lambda f: f.drop(columns="subject_id"), {"SUBJECT_MISSING"}),
        (lambda f: f.assign(collection_date=f["collection_date"].where(f.index > 1, "in May")), {"DATE_UNREADABLE"}),
        (lambda f: f.assign(collection_date=pd.to_datetime(f["collection_date"]).dt.strftime("%d/%m/%Y")), {"DATE_AMBIGUOUS"}),
        (lambda f: f.assign(collection_date="2024-01-01"), {"NO_REPEATED_SPECIMENS"}),
    ],
)
def test_what_cannot_be_compared_is_refused(broken, codes):
    with pytest.raises(InputRefused) as refused:
        watch(broken(table()))
    assert {p.code for p in refused.value.problems} == codes


def test_impossible_spreads_are_refused_together():
    with pytest.raises(InputRefused) as refused:
        Spreads(-0.1, float("nan"), 1.0)
    assert [p.where for p in refused.value.problems] == ["--cv-analytical", "--cv-within", "--level"]


def test_the_dict_bears_the_notice():
    assert watch(table()).to_dict()["notice"] == RUO


@given(st.integers(0, 2**31), st.floats(0.1, 10))
def test_order_of_rows_and_unit_of_the_analyte_do_not_matter(seed, factor):
    frame = table(n=8)
    shuffled = frame.sample(frac=1, random_state=np.random.default_rng(seed)).reset_index(drop=True)
    scaled = shuffled.assign(VEGF=shuffled["VEGF"] * factor)
    once, again = watch(frame), watch(scaled)
    assert [replace(c, difference=None, change=None) for c in once.changes] == [
        replace(c, difference=None, change=None) for c in again.changes
    ]
    for a, b in zip(once.limits, again.limits, strict=True):
        assert a.limit == pytest.approx(b.limit, rel=1e-9)

"""Reading several classes: which there are, which are asked for, what is refused; one against the rest is the usual cohort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import ClassChoice, Intake, frame_cohort, parse_classes, stratified_folds
from exodx.errors import InputRefused
from exodx.panel import StudyPlan
from tests.classes import ALL, NAMES, class_frame

N = 60


@pytest.fixture
def frame():
    return class_frame(n=N)


def intake(choice=ALL, positive=None):
    return Intake("athero-3", "group", positive, classes=choice)


def refused(frame, choice=ALL):
    with pytest.raises(InputRefused) as caught:
        frame_cohort(frame, intake(choice))
    return caught.value.problems


def test_classes_are_read_in_the_order_of_their_names_and_said(frame):
    cohort = frame_cohort(frame, intake())
    assert cohort.classes == NAMES
    assert [cohort.classes[k] for k in cohort.class_codes] == frame["group"].tolist()
    (note,) = [n for n in cohort.notes if "3 classes" in n]
    assert "'athero' (30)" in note
    assert "--positive VALUE" in note
    with pytest.raises(InputRefused, match="--positive VALUE"):
        _ = cohort.y


def test_one_against_the_rest_is_the_cohort_that_a_positive_value_gives(frame):
    cohort = frame_cohort(frame, intake())
    for name in NAMES:
        one, usual = cohort.one_vs_rest(name), frame_cohort(frame, intake(positive=name))
        assert one.fingerprint == usual.fingerprint
        assert (one.positive_label, one.classes, one.labels) == (name, (), None)
        np.testing.assert_array_equal(one.y, usual.y)
    with pytest.raises(KeyError, match="not among"):
        cohort.one_vs_rest("nobody")
    with pytest.raises(ValueError, match="no classes"):
        _ = frame_cohort(frame, intake(positive="other")).class_codes


def test_without_being_asked_for_classes_a_positive_value_is(frame):
    with pytest.raises(InputRefused, match="LABEL_POSITIVE"):
        frame_cohort(frame, Intake("athero-3", "group"))


def test_rows_and_classes_stay_together_and_the_fingerprint_knows_them(frame):
    cohort = frame_cohort(frame, intake())
    order = np.random.default_rng(0).permutation(N)
    moved = cohort[order]
    assert [moved.classes[k] for k in moved.class_codes] == frame["group"].iloc[order].tolist()
    assert moved.sorted().fingerprint == cohort.sorted().fingerprint
    other = frame_cohort(frame.assign(group=frame["group"].tolist()[::-1]), intake())
    assert other.fingerprint != cohort.fingerprint


def test_named_classes_are_kept_and_the_others_left_out_and_counted(frame):
    frame["group"] = np.arange(N) % 5
    frame.loc[0, "group"] = None
    cohort = frame_cohort(frame.astype({"group": object}), intake(ClassChoice(("1", "3", "4"))))
    assert cohort.classes == ("1", "3", "4")
    assert (len(cohort), cohort.left_out) == (36, 24)
    assert any("left out: '0' (11), '2' (12)" in note for note in cohort.notes)
    assert any("1 specimens have no reference standard" in note for note in cohort.notes)


def test_every_problem_is_told_at_once(frame):
    frame.loc[0, "group"] = "Healthy "
    found = refused(frame, ClassChoice(("athero", "healthy", "othr")))
    assert [p.code for p in found] == ["SPELLING", "CLASS_UNKNOWN"]
    assert "Did you mean 'other'?" in found[1].fix


@pytest.mark.parametrize(
    ("values", "choice", "code"),
    [
        (list("abc"), ClassChoice(("a", "b")), "CLASSES_COUNT"),
        ([*map(str, range(12))], ALL, "LABEL_POSITIVE"),
        ([*map(str, range(12))], ClassChoice(tuple(map(str, range(12)))), "CLASSES_COUNT"),
        (["a", "b", "indeterminate"], ALL, "CLASS_NAME"),
        (list("abx"), ClassChoice((), ("a", "b", "c")), "CLASS_UNKNOWN"),
        (list("ab"), ALL, "LABEL_POSITIVE"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(frame, values, choice, code):
    frame["group"] = (values * N)[:N]
    assert [p.code for p in refused(frame, choice)] == [code]


def test_of_a_models_classes_some_may_be_absent_and_others_may_be_left_out_by_name(frame):
    frame["group"] = (["a", "b", "x"] * N)[:N]
    cohort = frame_cohort(frame, intake(ClassChoice(("a", "b"), ("a", "b", "c"))))
    assert (cohort.classes, len(cohort)) == (("a", "b", "c"), 40)


def test_a_column_that_says_a_class_in_other_words_is_no_analyte(frame):
    frame["code"] = frame["group"].map({"athero": 1, "healthy": 2, "other": 3})
    frame["is_other"] = (frame["group"] == "other").astype(int)
    bare = frame[["specimen_id", "group", "code", "is_other"]].assign(**{f"x{i}": np.arange(N) * 1.5 + i for i in range(3)})
    cohort = frame_cohort(bare, Intake("auto", "group", classes=ALL))
    assert cohort.panel.names == ("x0", "x1", "x2")


def test_plans_name_classes_or_a_positive_value():
    assert parse_classes(" a, b ,,a") == ("a", "b")
    with pytest.raises(InputRefused, match="not both"):
        StudyPlan(label="x", positive="a", classes="a,b,c")
    assert StudyPlan(classes="a,b,c").fingerprint != StudyPlan().fingerprint


@given(st.integers(3, 6), st.integers(2, 6), st.integers(0, 50))
def test_folds_spread_every_class_and_split_no_subject(classes, k, seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 3, 20 * classes)
    subjects = np.repeat(np.arange(len(sizes)), sizes)
    y = np.repeat(np.arange(len(sizes)) % classes, sizes)
    folds = stratified_folds(y, subjects, k, seed)
    assert set(folds) == set(range(k))
    assert all(len(set(folds[subjects == s])) == 1 for s in np.unique(subjects))
    for c in range(classes):
        counts = np.bincount(folds[y == c], minlength=k)
        assert counts.max() - counts.min() <= 3

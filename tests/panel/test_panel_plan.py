"""The study plan: unknown keys, ranges, fingerprint."""

import pytest

from exodx.errors import SHOWN_PER_CODE, InputRefused, ModelRefused, Problem, UsageError, nearest
from exodx.panel import StudyPlan, parse_plan


def test_unknown_keys_and_wrong_types_are_refused_together():
    with pytest.raises(InputRefused) as caught:
        parse_plan({"outer_fold": 5, "seed": 1.5, "repeats": True, "budget": "huge", "label": 3}, "plan.toml")
    problems = {p.where: p.fix for p in caught.value.problems}
    assert problems["plan.toml.outer_fold"] == "Did you mean 'outer_folds'?"
    assert problems["plan.toml.budget"] == "Valid are: minimal, quick, standard, thorough."
    assert {w.rpartition(".")[2] for w in problems} == {"outer_fold", "seed", "repeats", "budget", "label"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("outer_folds", 1), ("inner_folds", 0), ("repeats", 0), ("target_value", 1.0), ("target_value", float("nan"))),
        *(("prevalence", 0.0), ("seed", -1), ("seed", 2**31)),
    ],
)
def test_values_out_of_range_are_refused(key, value):
    with pytest.raises(InputRefused, match=rf"plan\.{key}"):
        StudyPlan(**{key: value})


def test_several_values_out_of_range_are_refused_together():
    with pytest.raises(InputRefused) as caught:
        StudyPlan(outer_folds=1, repeats=0, seed=-1)
    assert len(caught.value.problems) == 3


def test_fingerprint_follows_every_choice_and_not_the_order_of_keys():
    plan = parse_plan({"seed": 3, "label": "group"}, "a")
    assert parse_plan({"label": "group", "seed": 3}, "b").fingerprint == plan.fingerprint
    assert len({plan.fingerprint, StudyPlan(seed=3).fingerprint, StudyPlan(label="group").fingerprint}) == 3
    assert plan.specimen_columns == {}
    assert StudyPlan(site="hospital", age="years").specimen_columns == {"site": "hospital", "age": "years"}


def test_a_refusal_shows_some_problems_of_a_kind_and_counts_the_rest():
    problems = [Problem("A", f"line {i}", "bad", "mend") for i in range(SHOWN_PER_CODE + 3)] + [Problem("B", "x", "y", "z")]
    refusal = InputRefused(problems)
    assert str(refusal).count("[A] line") == SHOWN_PER_CODE
    assert "[A] … and 3 more of this kind" in str(refusal)
    assert "[B] x: y. z" in str(refusal)
    assert len(refusal.problems) == len(problems)
    assert [e.exit_code for e in (UsageError, InputRefused, ModelRefused)] == [2, 3, 4]


def test_nearest_keeps_the_spelling_of_the_valid_name():
    assert nearest("pg/ml", ["Ct", "pg/mL"]) == "Did you mean 'pg/mL'?"


@pytest.mark.parametrize(
    ("choices", "key"),
    [
        ({"target": "cost", "prevalence": 0.1}, "harm_ratio"),
        ({"target": "cost", "harm_ratio": 0.1}, "prevalence"),
        ({"target": "cost", "harm_ratio": -1.0, "prevalence": 0.1}, "harm_ratio"),
        ({"harm_ratio": 0.1}, "harm_ratio"),
        ({"target": "youden", "grey_zone": True}, "grey_zone"),
        ({"target": "cost", "harm_ratio": 0.1, "prevalence": 0.1, "grey_zone": True}, "grey_zone"),
    ],
)
def test_choices_of_a_threshold_that_do_not_go_together_are_refused(choices, key):
    with pytest.raises(InputRefused, match=rf"plan\.{key}"):
        StudyPlan(**choices)

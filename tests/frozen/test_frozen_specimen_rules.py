"""Rules on specimen columns: flagged, refused, blank, unreadable; numbers, words and ratios; the same alone and in a batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import rule_columns, specimen_rule_flags
from exodx.frozen.measurements import Reason
from exodx.panel import Analyte, Panel, QualityRule, default_rules, rules_of

RULES = default_rules()


def verdicts(rules=RULES, decimal=".", **columns):
    return specimen_rule_flags(columns, rules, decimal, len(next(iter(columns.values()))))


def reasons(**columns):
    return [Reason(int(f)) for f in verdicts(**columns).flags]


OK, FLAG, REFUSE = Reason(0), Reason.SPECIMEN_RULE, Reason.SPECIMEN_REFUSED


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("freeze_thaw_n", ["1", "2", "3", ""], [OK, OK, FLAG, OK]),
        ("time_to_processing_h", ["0.5", "2", "2.1", "NA"], [OK, OK, FLAG, OK]),
        ("a414", ["0.05", "0.1", "0.31", "-0.01"], [OK, FLAG, REFUSE, OK]),
        ("heparin_hours_since", ["1", "6", "24", ""], [FLAG, OK, OK, OK]),
        ("anticoagulant", ["EDTA", "Li-Heparin", "citrate", "none"], [OK, REFUSE, OK, OK]),
        ("consent_for_use", ["yes", "no", "", "N"], [OK, REFUSE, OK, REFUSE]),
        ("infection_screen", ["negative", "HBV: neg; HIV: pos", "not done", "-"], [OK, FLAG, OK, None]),
        ("lipaemia", ["no", "visible", "none", ""], [OK, FLAG, OK, OK]),
    ],
)
def test_default_rules_flag_and_refuse(column, cells, expected):
    found = verdicts(**{column: cells})
    known = [i for i, e in enumerate(expected) if e is not None]
    assert [Reason(int(found.flags[i])) for i in known] == [expected[i] for i in known]
    assert {hit.row for hit in found.hits} == {i for i in known if expected[i]}
    assert set(found.unreadable) == {(i, column) for i, e in enumerate(expected) if e is None}


def test_a_ratio_of_two_columns():
    found = verdicts(particles_per_ml=["1e9", "1e11", "1e9", ""], protein_ug_ml=["10", "10", "0", "5"])
    assert [Reason(int(f)) for f in found.flags] == [FLAG, OK, OK, OK]
    assert found.hits[0].observed == "particles_per_ml / protein_ug_ml 1e+08"
    assert not verdicts(particles_per_ml=["1"]).hits  # the other column is not there


def test_details_name_the_rule_what_was_found_and_the_limit():
    found = verdicts(anticoagulant=["heparin"], freeze_thaw_n=["5"])
    assert found.details == {
        0: "freeze_thaw_n 5: rule 'freeze_thaw', flagged: >= 3; anticoagulant 'heparin': rule 'heparin_tube', refused: heparin"
    }
    assert Reason(int(found.flags[0])) == FLAG | REFUSE


def test_what_cannot_be_read_is_told_and_gives_no_verdict():
    found = verdicts(freeze_thaw_n=["many", "-4", "9"], anticoagulant=["heparin?", "no heparin", "blue tube"])
    assert set(found.unreadable) == {(0, "freeze_thaw_n"), (1, "freeze_thaw_n"), (1, "anticoagulant"), (2, "anticoagulant")}
    assert "is not known here" in found.unreadable[1, "anticoagulant"]
    assert [Reason(int(f)) for f in found.flags] == [REFUSE, OK, FLAG]


def test_decimal_commas_follow_the_table():
    assert reasons(a414=["0.31"]) == [REFUSE]
    assert [Reason(int(f)) for f in verdicts(decimal=",", a414=["0,31"]).flags] == [REFUSE]
    assert verdicts(a414=["0,31"]).unreadable


def test_a_panels_own_column_and_words():
    own = (
        QualityRule("smoker", "words", column="smoking", words=("current",), refuse_words=("vaping",)),
        QualityRule("platelets", "number", column="platelets", refuse=50.0),
    )
    found = verdicts(own, smoking=["never", "Current", "VAPING"], platelets=["-1", "50", "51"])
    assert [Reason(int(f)) for f in found.flags] == [OK, FLAG, REFUSE]


def test_rules_of_other_scales_do_not_apply():
    counts = Panel("p", "1", "t", (Analyte("a", "mirna", "count"),))
    assert not specimen_rule_flags({"anticoagulant": ["heparin"]}, rules_of(counts), ".", 1).flags.any()


def test_columns_are_found_by_their_other_names_unless_taken():
    headers = ["Tube type", "freeze-thaw", "abs414", "smoking"]
    own = (*RULES, QualityRule("smoker", "words", column="smoking", words=("yes",)))
    assert rule_columns(headers, own) == {
        "a414": "abs414",
        "freeze_thaw_n": "freeze-thaw",
        "anticoagulant": "Tube type",
        "smoking": "smoking",
    }
    assert "a414" not in rule_columns(headers, own, taken=["abs414"])


def test_no_columns_no_verdict():
    assert specimen_rule_flags({}, RULES, ".", 3).flags.tolist() == [0, 0, 0]
    assert specimen_rule_flags({"a414": []}, RULES, ".", 0).flags.shape == (0,)


@given(
    st.lists(st.tuples(st.sampled_from(["", "0.01", "0.1", "0.5", "x"]), st.sampled_from(["EDTA", "heparin", "", "?"])), min_size=1)
)
def test_a_specimen_alone_gets_what_it_gets_in_a_batch(rows):
    columns = {"a414": [a for a, _ in rows], "anticoagulant": [b for _, b in rows]}
    batch = verdicts(**columns)
    for i, (a, b) in enumerate(rows):
        alone = verdicts(a414=[a], anticoagulant=[b])
        assert alone.flags[0] == batch.flags[i]
        assert alone.details.get(0) == batch.details.get(i)
        assert {c: why for (_, c), why in alone.unreadable.items()} == {c: w for (r, c), w in batch.unreadable.items() if r == i}

"""What may not pass silently: labels spelt in two ways, words for nothing, columns that are analytes too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.cohort.columns import UNKNOWN
from exodx.cohort.standard import label_copies, perhaps_labels, read_standard
from exodx.errors import InputRefused
from exodx.panel import load_panel
from exodx.tables.table import TextTable

INTAKE = Intake("athero-3", "group", "case")


@pytest.fixture
def frame() -> pd.DataFrame:
    return simulate(load_panel("athero-3"), SimulatedStudy(n=40, seed=1)).astype(object)


def refusal(frame: pd.DataFrame, intake: Intake = INTAKE) -> InputRefused:
    with pytest.raises(InputRefused) as refused:
        frame_cohort(frame, intake)
    return refused.value


@pytest.mark.parametrize("word", ["NA", "n/a", "", "nan"])
def test_a_word_for_nothing_is_no_negative(frame, word):
    frame.loc[[3, 7], "group"] = word
    cohort = frame_cohort(frame, INTAKE)
    assert (len(cohort), cohort.left_out) == (38, 2)
    assert "2 specimens have no reference standard and are left out" in cohort.notes


def test_what_the_others_had_is_counted_by_value(frame):
    frame["group"] = ["case"] * 10 + ["benign"] * 20 + ["healthy"] * 9 + [""]
    cohort = frame_cohort(frame, INTAKE)
    assert cohort.negative_labels == (("benign", 20), ("healthy", 9))
    assert cohort[cohort.y == 1].negative_labels == cohort.negative_labels  # of the whole file
    plain = frame_cohort(frame.assign(group=["case"] * 10 + ["other"] * 29 + [""]), INTAKE)
    assert plain.fingerprint == cohort.fingerprint  # words for the others take no part


@pytest.mark.parametrize(("value", "other"), [("case", "Case"), ("control", "CONTROL ")])
def test_a_label_in_two_spellings_is_refused_with_both(frame, value, other):
    frame.loc[frame["group"] == value, "group"] = [other] + [value] * (int((frame["group"] == value).sum()) - 1)
    message = str(refusal(frame))
    assert "SPELLING" in message
    assert f"'{value}'" in message
    assert f"'{other.strip()}'" in message


def test_one_and_one_point_zero_are_one_label_in_two_spellings(frame):
    frame["group"] = ["1", "1.0"] + ["0"] * 38
    assert "'1' (1), '1.0' (1)" in str(refusal(frame, Intake("athero-3", "group", "1")))


def test_a_label_or_site_that_is_an_analyte_is_refused(frame):
    assert "COLUMN_TWICE" in str(refusal(frame, Intake("athero-3", "PD-L1", "1")))
    assert "COLUMN_TWICE" in str(refusal(frame, Intake("athero-3", "group", "case", {"site": "PD-L1"})))


def test_blank_subjects_are_refused_and_blank_sites_are_not_a_site(frame):
    frame.loc[[0, 1], "subject_id"] = "NA"
    assert "SUBJECT_BLANK" in str(refusal(frame))
    frame["subject_id"] = frame["specimen_id"]
    frame.loc[[0, 1], "site"] = "NA"
    cohort = frame_cohort(frame, INTAKE)
    assert cohort.sites[:2] == [UNKNOWN, UNKNOWN]
    assert any(note.startswith("subject: column 'subject_id' (40 values)") for note in cohort.notes)
    frame.loc[5, "site"] = "Site a"
    assert "SPELLING" in str(refusal(frame))


def test_columns_about_the_specimen_are_no_analytes_of_an_inferred_panel(frame):
    frame["_t-tau"] = range(40)
    cohort = frame_cohort(frame, Intake("auto", "group", "case"))
    assert "_t-tau" not in cohort.panel.names
    assert any("_t-tau" in note for note in cohort.notes)


def test_columns_that_repeat_the_standard_are_found_by_value_or_by_class():
    columns = {
        "group": ["a", "b", "c", ""] * 6,
        "code": ["1", "2", "3", "9"] * 6,
        "is_a": ["y", "n", "n", "?"] * 6,
        "tube": [str(i) for i in range(24)],
        "mixed": ["1", "2"] * 12,
        "constant": ["x"] * 24,
    }
    table = TextTable("t", columns, list(range(24)))
    assert label_copies(table, "group", read_standard(table, "group", "a")) == ["code", "is_a"]
    short = table.take(range(4))
    assert label_copies(short, "group", read_standard(short, "group", "a")) == []


def test_columns_that_nothing_reads_are_kept_as_written_and_follow_the_specimens(frame):
    cohort = frame_cohort(frame.assign(EV_type=[f"type {i}" for i in range(40)]), INTAKE)
    assert list(cohort.unused.columns) == ["EV_type"]
    assert list(cohort[np.array([3, 1])].unused["EV_type"]) == ["type 3", "type 1"]
    assert cohort.fingerprint == frame_cohort(frame, INTAKE).fingerprint
    assert not {"group", "miR-126-3p", "site", "specimen_id"} & set(cohort.unused.columns)


def test_several_values_may_mean_positive_and_all_must_be_there(frame):
    frame["group"] = ["AT", "TC", "AD", "SQC"] * 10
    cohort = frame_cohort(frame, Intake("athero-3", "group", "AT, TC"))
    assert cohort.y.tolist() == [1, 1, 0, 0] * 10
    assert "reference standard 'group': positive 'AT' (10), 'TC' (10), negative 'AD' (10), 'SQC' (10)" in cohort.notes
    assert "LABEL_POSITIVE" in str(refusal(frame, Intake("athero-3", "group", "AT,TX")))
    assert "LABEL_CONSTANT" in str(refusal(frame, Intake("athero-3", "group", "AT,TC,AD,SQC")))
    frame["group"] = ["a,b", "a", "b", "c"] * 10
    assert frame_cohort(frame, Intake("athero-3", "group", "a,b")).y.tolist() == [1, 0, 0, 0] * 10


def test_columns_that_may_be_the_reference_standard_are_named_words_first():
    columns = {
        "Dx": ["CAD", "well"] * 6,
        "stage": ["I", "II", "III"] * 4,
        "code": ["1", "2"] * 6,
        "score": ["0.5", "1.5"] * 6,
        "site": ["A"] * 12,
        "rare": ["x"] * 10 + ["y"] * 2,
        "free": [f"text {n}" for n in range(12)],
        "long": ["a" * 60, "b"] * 6,
    }
    frame = pd.DataFrame(columns)
    assert perhaps_labels(frame) == "Columns that may be meant: 'Dx' (CAD 6, well 6); 'stage' (I 4, II 4, III 4)."
    assert perhaps_labels(frame.drop(columns=["Dx", "stage"])) == "Columns that may be meant: 'code' (1 6, 2 6)."
    assert perhaps_labels(frame[["site", "rare", "free", "score"]]) == perhaps_labels(None) == ""
    many = pd.DataFrame({f"c{n}": ["a", "b"] * 6 for n in range(9)})
    assert perhaps_labels(many).endswith(" … (9 in all).")


def test_without_a_reference_standard_training_names_what_may_be_meant(frame):
    cohort = frame_cohort(frame.rename(columns={"group": "Dx"}), Intake("athero-3"))
    with pytest.raises(InputRefused, match="Columns that may be meant: 'Dx'"):
        _ = cohort.y

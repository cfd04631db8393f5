"""From a file or a frame to a cohort: labels, joins, specimen columns, and every problem at once with its line and column."""

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort, read_cohort
from exodx.errors import InputRefused
from exodx.frozen import State
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.tables.visible import unseen

PANEL = Panel(
    "two", "1", "t", (Analyte("miR-1-3p", "mirna", "Ct"), Analyte("PD-L1", "protein", "pg/mL", fraction="ev")), normalisation="none"
)
HEADER = "specimen_id,subject,site,group,age,miR-1-3p,PD-L1\n"
ROWS = HEADER + "S2,P1,A,case,61,27.5,12\nS1,P2,B,control,58,Undetermined,<5\nS3,P1,B,case,,26,\n"
LABELLED = Intake(PANEL, "group", "case")


@pytest.fixture
def read(tmp_path):
    def read(text, intake=LABELLED, specimens=None):
        (tmp_path / "c.csv").write_text(text)
        if specimens is not None:
            (tmp_path / "s.csv").write_text(specimens)
            intake = Intake(intake.panel, intake.label, intake.positive, intake.columns, tmp_path / "s.csv")
        return read_cohort(tmp_path / "c.csv", intake)

    return read


@pytest.fixture
def refused(read):
    def problems(*args, **kwargs):
        with pytest.raises(InputRefused) as caught:
            read(*args, **kwargs)
        return caught.value.problems

    return problems


def relabelled(*labels):
    return "id,g,miR-1-3p,PD-L1\n" + "".join(f"S{i},{label},27.5,10\n" for i, label in enumerate(labels))


def test_a_cohort_holds_what_the_file_says(read):
    cohort = read(ROWS)
    assert cohort.ids == ("S2", "S1", "S3")
    assert cohort.y.tolist() == [1, 0, 1]
    assert (cohort.positive_label, cohort.synthetic, cohort.source) == ("case", False, "c.csv")
    assert cohort.subjects.tolist() == [0, 1, 0]
    assert cohort.specimens["site"].tolist() == ["A", "B", "B"]
    np.testing.assert_equal(cohort.specimens["age"].to_numpy(), [61, 58, np.nan])
    np.testing.assert_equal(cohort.table.to_numpy(), [[27.5, 12], [np.nan, 5], [26, np.nan]])
    assert cohort.sorted().ids == ("S1", "S2", "S3")
    assert cohort.sorted().y.tolist() == [0, 1, 1]
    assert cohort[np.array([True, False, True])].ids == ("S2", "S3")


@pytest.mark.parametrize(
    ("labels", "positive"),
    [(("0", "1", "0"), "1"), (("control", "Case"), "Case"), (("no", "yes"), "yes"), (("sick", "negative", "positive"), None)],
)
def test_the_positive_value_is_inferred_only_where_one_can_be_meant(read, refused, labels, positive):
    if positive is None:
        (problem,) = refused(relabelled(*labels), Intake(PANEL, "g"))
        assert problem.code == "LABEL_POSITIVE"
        assert "'negative', 'positive', 'sick'" in problem.found
    else:
        cohort = read(relabelled(*labels), Intake(PANEL, "g"))
        assert cohort.y.tolist() == [int(label == positive) for label in labels]
        assert cohort.positive_label == positive


@pytest.mark.parametrize(
    ("labels", "values"), [(("1", "2"), "'1', '2'"), (("A", "B"), "'A', 'B'"), (("yes", "case"), "'case', 'yes'")]
)
def test_a_positive_value_that_cannot_be_known_is_asked_for_with_the_values_there_are(refused, labels, values):
    (problem,) = refused(relabelled(*labels), Intake(PANEL, "g"))
    assert (problem.code, problem.found) == ("LABEL_POSITIVE", f"the values are {values}")
    assert "--positive" in problem.fix


def test_wrong_labels_are_refused_with_the_nearest(refused, read):
    assert "Did you mean 'case'?" in refused(relabelled("case", "control"), Intake(PANEL, "g", "cases"))[0].fix
    assert refused(relabelled("case", "case"), Intake(PANEL, "g", "case"))[0].code == "LABEL_CONSTANT"
    assert refused(relabelled("a", "b"), Intake(PANEL, "gg"))[0].fix == "Did you mean 'g'?"
    assert refused(relabelled("", ""), Intake(PANEL, "g"))[0].code == "LABEL_POSITIVE"
    with pytest.raises(InputRefused, match="--label"):
        _ = read(ROWS, Intake(PANEL)).y


def test_specimens_without_a_label_are_left_out_and_counted(read):
    cohort = read(relabelled("case", "", "control", ""), Intake(PANEL, "g", " case "))
    assert cohort.ids == ("S0", "S2")
    assert cohort.positive_label == "case"
    assert "2 specimens have no reference standard and are left out" in cohort.notes
    assert "reference standard 'g': positive 'case' (1), negative 'control' (1)" in cohort.notes


def test_all_problems_of_cells_ids_columns_and_labels_are_reported_at_once(refused):
    text = ROWS + "S3,,A,case,old,55,-1\n,P9,A,case,50,27,1;2\n"
    problems = refused(text, Intake(PANEL, "grup", "case", {"plate": "plte"}))
    assert {(p.code, p.where) for p in problems} == {
        ("ID_BLANK", "c.csv, line 6, column 'specimen_id'"),
        ("ID_TWICE", "c.csv, lines 4, 5"),
        ("COLUMN_MISSING", "c.csv"),
        ("SUBJECT_BLANK", "c.csv, line 5, column 'subject'"),
        ("CELL_UNREADABLE", "c.csv, line 5, column 'age'"),
        ("CELL_UNREADABLE", "c.csv, line 5, column 'miR-1-3p'"),
        ("CELL_UNREADABLE", "c.csv, line 5, column 'PD-L1'"),
        ("CELL_UNREADABLE", "c.csv, line 6, column 'PD-L1'"),
    }
    assert sum(p.code == "COLUMN_MISSING" for p in problems) == 2
    assert [p.found for p in refused(ROWS.replace("miR-1-3p", "miR-2"))] == ["no column for analyte 'miR-1-3p'"]


def test_specimen_columns_are_recognised_and_the_user_has_the_last_word(read):
    text = "barcode,Patient_ID,centre,hospital,Batch,female,miR-1-3p,PD-L1\nB1,P1,A,X,1,yes,27,1\nB2,P1,B,X,2,no,28,2\n"
    cohort = read(text, Intake(PANEL, columns={"specimen": "barcode"}))
    assert list(cohort.specimens.columns) == ["subject", "site", "plate", "sex"]
    assert cohort.specimens["site"].tolist() == ["A", "B"]
    plan = StudyPlan(specimen="barcode", site="hospital", subject="barcode")
    other = read(text, Intake(PANEL, columns=plan.specimen_columns))
    assert other.ids == ("B1", "B2")
    assert other.specimens[["subject", "site"]].to_numpy().tolist() == [["B1", "X"], ["B2", "X"]]
    assert "no specimen column was recognised" in " ".join(read(text, Intake(PANEL)).notes)


@pytest.mark.parametrize("header", ["Age (yrs)", "age [years]", "AGE_y", "Age yr."])
def test_an_age_with_its_unit_is_an_age(read, header):
    cohort = read(f"id,{header},miR-1-3p,PD-L1\nB1,61,27,1\nB2,70,28,2\n", Intake(PANEL))
    assert cohort.specimens["age"].tolist() == [61, 70]


@pytest.mark.parametrize("header", ["Age (months)", "age_days", "Age group", "stage", "agey"])
def test_what_is_no_age_in_years_is_not_read_as_one(read, header):
    assert "age" not in read(f"id,{header},miR-1-3p,PD-L1\nB1,61,27,1\nB2,70,28,2\n", Intake(PANEL)).specimens


def test_grouped_digits_are_refused_with_how_to_write_them(refused):
    (problem,) = refused(ROWS.replace("S1,P2,B,control,58,Undetermined,<5", 'S1,P2,B,control,58,28,"1,204.5"'))
    assert problem.found == "'1,204.5': digits grouped in threes"
    assert problem.fix.startswith("Write the number without separators (1234.5), 'Undetermined'")


def test_of_what_was_never_measured_the_last_problem_says_how_to_do_without(refused):
    fixes = [p.fix for p in refused("id,g\nS1,case\nS2,control\n", Intake(PANEL, "g", "case"))]
    assert [("take it out there" in fix) for fix in fixes] == [False, True]


MEASURED = "id,miR-1-3p,PD-L1\nS1,27,1\nS2,28,2\n"
LONG = "who,analyte,value\nS1,miR-1-3p,27\nS1,PD-L1,1\nS2,miR-1-3p,28\nS2,PD-L1,2\n"


def test_a_specimen_table_joins_by_id_and_agreeing_repeats_are_fine(read):
    people = "barcode,group,site\nS2,control,B\nS1,case,A\nS1,case,A\nS9,case,A\n"
    cohort = read(MEASURED, specimens=people)
    assert (cohort.ids, cohort.y.tolist(), cohort.specimens["site"].tolist()) == (("S1", "S2"), [1, 0], ["A", "B"])
    assert "s.csv: 2 specimen columns" in cohort.notes
    for by in ({}, {"specimen": "barcode"}):
        turned = read("analyte,S1,S2\nmiR-1-3p,27,28\nPD-L1,1,2\n", Intake(PANEL, "group", "case", by), specimens=people)
        assert turned.fingerprint == cohort.fingerprint
    assert read(LONG, Intake(PANEL, "group", "case", {"specimen": "who"}), specimens=people).fingerprint == cohort.fingerprint


def test_a_join_lists_the_missing_and_the_contradictory(refused):
    problems = refused(MEASURED + "S3,29,3\n", specimens="barcode,group\nS1,case\nS2,case\nS2,control\n")
    assert [(p.code, p.where) for p in problems] == [
        ("ID_TWICE", "s.csv, line 4, column 'barcode'"),
        ("SPECIMEN_UNKNOWN", "c.csv, line 4"),
    ]
    assert refused(MEASURED, specimens="barcode,group\nX,case\nY,control\n")[0].code == "SPECIMEN_MISSING"


def test_three_layouts_give_equal_measurements(read):
    wide = read(MEASURED, Intake(PANEL))
    for text, columns in ((LONG, {"specimen": "who"}), ("assay,S1,S2\nPD-L1,1,2\nmiR-1-3p,27,28\n", {})):
        other = read(text, Intake(PANEL, columns=columns))
        assert (other.ids, other.fingerprint) == (wide.ids, wide.fingerprint)


def test_a_frame_gives_what_its_file_would(read):
    from_file = read(ROWS)
    frame = pd.DataFrame(
        {
            "specimen_id": ["S2", "S1", "S3"],
            "subject": ["P1", "P2", "P1"],
            "site": ["A", "B", "B"],
            "group": pd.Categorical(["case", "control", "case"]),
            "age": pd.array([61, 58, None], dtype="Int64"),
            "date": pd.to_datetime(["2024-01-01", None, "2024-02-01"]),
            "miR-1-3p": [27.5, " Undetermined ", np.float32(26)],
            "PD-L1": [np.int64(12), "<5", None],
        },
        index=[7, 7, 7],
    )
    cohort = frame_cohort(frame, LABELLED)
    assert cohort.fingerprint == from_file.fingerprint
    assert cohort.specimens["date"].tolist() == ["2024-01-01", "(not stated)", "2024-02-01"]
    np.testing.assert_equal(cohort.specimens["age"].to_numpy(), [61, 58, np.nan])


def test_a_frame_with_repeated_columns_or_no_rows_is_refused():
    frame = pd.DataFrame([["S1", 27, 28, 1]], columns=["id", "miR-1-3p", "miR-1-3p", "PD-L1"])
    with pytest.raises(InputRefused, match="HEADER_TWICE"):
        frame_cohort(frame, Intake(PANEL))
    with pytest.raises(InputRefused, match="FILE_EMPTY"):
        frame_cohort(frame.iloc[:0, [0, 1, 3]], Intake(PANEL))


def test_the_fingerprint_follows_values_states_and_labels_and_not_ids(read):
    first = read(ROWS).fingerprint
    assert read(ROWS.replace("S2,", "X2,")).fingerprint == first
    others = [("27.5", "27.6"), ("Undetermined", "FAILED"), ("P2,B,control", "P2,B,case")]
    assert len({first, *(read(ROWS.replace(*o).replace("S3,P1,B,case", "S3,P1,B,control")).fingerprint for o in others)}) == 4


@pytest.mark.cohorts
def test_a_real_ct_export_is_read_and_its_doubled_wells_are_summarised(cohorts_folder):
    folder = cohorts_folder / "aaa-pbmc-taqman-ct"
    cohort = read_cohort(folder / "data_Ct_wide.txt", Intake(label="Group", positive="AAA", specimens=folder / "data_design.txt"))
    assert {a.unit for a in cohort.panel.analytes} == {"Ct"}
    assert 0 < cohort.y.sum() < len(cohort)
    assert (cohort.measurements.states == State.UNDETERMINED).any()
    long = read_cohort(folder / "data_Ct_long.txt", Intake(label="Group", positive="AAA"))
    wells = pd.read_csv(folder / "data_Ct_long.txt", sep="\t", dtype=str).groupby(["Sample", "Target"])["Ct"].agg(list)
    assert {target for (_, target), cells in wells.items() if len(cells) > 1} == {"GAPDH", "FGF23"}
    for name in long.panel.names:
        values, states = long.measurements.column(name)
        for row, specimen in enumerate(long.ids):
            cells = wells.get((specimen, name), [])
            numbers = [float(c) for c in cells if c != "Undetermined"]
            if not cells:
                assert states[row] == State.NOT_RUN
            elif 2 * len(numbers) <= len(cells):
                assert states[row] == State.UNDETERMINED
            else:
                assert values[row] == pytest.approx(np.mean(numbers), abs=1e-9)


@pytest.mark.cohorts
def test_a_real_count_matrix_joins_its_metadata(cohorts_folder):
    file = cohorts_folder / "ev-mirna-counts" / "PRJNA904396_expression_count.csv"
    metadata = file.with_name("PRJNA904396_metadata.csv")
    cohort = read_cohort(file, Intake(label="disease", positive="Systemic lupus erythematosus", specimens=metadata))
    assert {a.unit for a in cohort.panel.analytes} == {"count"}
    assert len(set(cohort.ids)) == len(cohort)
    assert set(cohort.y) == {0, 1}


@pytest.mark.parametrize(
    "other",
    ["P\u20111", "P\u22121", "\u0420-1", "P-1\u200b", "P-\u00ad1"],
    ids=["a hyphen that does not break", "a minus sign", "a Cyrillic letter", "a blank of no width", "a soft hyphen"],
)
@pytest.mark.parametrize("column", ["subject", "specimen_id", "site"])
def test_names_that_only_a_program_tells_apart_are_refused(tmp_path, other, column):
    """One subject would be two, and be learned from and tested on."""
    path = tmp_path / "c.csv"
    rows = [["S1", "Q1", "A", "27.5"], ["S2", "Q2", "B", "28.5"], ["S3", "Q3", "C", "29.5"]]
    at = ["specimen_id", "subject", "site"].index(column)
    rows[0][at], rows[2][at] = "P-1", other
    path.write_text("specimen_id,subject,site,miR-1-3p\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(InputRefused) as caught:
        read_cohort(path)
    codes = {problem.code for problem in caught.value.problems}
    assert codes == {"NAME_INVISIBLE" if column == "specimen_id" and unseen([other]) else "SPELLING"}
    assert ascii(other) in str(caught.value) or repr(other) in str(caught.value)


def test_blanks_that_differ_make_no_second_subject_where_all_is_ascii(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("specimen_id,subject,miR-1-3p\nS1,P 1,27\nS2,P  1,28\nS3,P 2,29\nS4,P2,30\n", encoding="utf-8")
    with pytest.raises(InputRefused) as caught:
        read_cohort(path)
    (problem,) = caught.value.problems
    assert problem.code == "SPELLING"
    assert problem.found.endswith("'P 1', 'P  1'")


def test_an_accent_made_in_two_ways_is_one_name(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("specimen_id,subject,miR-1-3p\nS1,Zo\u00eb,27\nS2,Zoe\u0308,28\nS3,zo\u00eb,29\n", encoding="utf-8")
    with pytest.raises(InputRefused) as caught:
        read_cohort(path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.where) == ("SPELLING", "c.csv, column 'subject'")
    assert "'Zo\\xeb', 'Zoe\\u0308'" in problem.found

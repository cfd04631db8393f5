"""The manifest of a cohort: typed columns beside subject and site, unreadable cells reported, rules on them flag specimens."""

import numpy as np
import pytest

from exodx.cohort import Intake, read_cohort
from exodx.errors import InputRefused
from exodx.frozen.measurements import Reason
from exodx.panel import Analyte, Panel, QualityRule

HEADER = "specimen_id,group,miR-1-3p,Freeze thaw,Tube type,control_type,EV isolated method,infection_screen\n"
ROWS = "S1,case,27,1,K2EDTA,,SEC,HBV: neg\nS2,control,28,3,Li-Heparin,healthy volunteer,-,\nS3,control,26,,,Benign,SEC,HIV: pos\n"


def panel(unit="Ct", **head):
    return Panel("one", "1", "t", (Analyte("miR-1-3p", "mirna", unit),), normalisation="none", **head)


@pytest.fixture
def read(tmp_path):
    def read(text, panel_=None, label="group", **columns):
        (tmp_path / "c.csv").write_text(text)
        return read_cohort(tmp_path / "c.csv", Intake(panel_ or panel(), label, "case" if label else None, columns))

    return read


def test_manifest_columns_are_typed_and_in_the_manifests_words(read):
    cohort = read(HEADER + ROWS)
    specimens = cohort.specimens
    assert list(specimens) == ["subject", "anticoagulant", "isolation_method", "control_type", "freeze_thaw_n", "infection_screen"]
    np.testing.assert_equal(specimens["freeze_thaw_n"].to_numpy(), [1.0, 3.0, np.nan])
    assert specimens["anticoagulant"].tolist() == ["edta", "heparin", "(not stated)"]
    assert specimens["control_type"].tolist() == ["(not stated)", "healthy", "benign_disease"]
    assert specimens["isolation_method"].tolist() == ["SEC", "(not stated)", "SEC"]
    assert specimens["infection_screen"].tolist() == ["HBV: neg", "(not stated)", "HIV: pos"]
    assert any(note.startswith("manifest: anticoagulant ('Tube type'), isolation_method") for note in cohort.notes)


def test_rules_on_specimen_columns_flag_the_measurements(read):
    flags = [Reason(int(f)) for f in read(HEADER + ROWS).measurements.flags]
    assert flags == [Reason(0), Reason.SPECIMEN_RULE | Reason.SPECIMEN_REFUSED, Reason.SPECIMEN_RULE]
    off = panel(qc=(QualityRule("heparin_tube", "words", column="anticoagulant", off=True),))
    assert Reason(int(read(HEADER + ROWS, off).measurements.flags[1])) == Reason.SPECIMEN_RULE
    counts = read(HEADER + ROWS, panel("count"))
    assert Reason(int(counts.measurements.flags[1])) == Reason.SPECIMEN_RULE  # heparin spoils PCR


def test_all_unreadable_cells_are_reported_at_once(read):
    with pytest.raises(InputRefused) as caught:
        read(HEADER + "S1,case,27,-1,blue,,SEC,maybe\nS2,control,x,often,EDTA,,SEC,\n")
    assert {(p.code, p.where) for p in caught.value.problems} == {
        ("CELL_UNREADABLE", "c.csv, line 2, column 'Freeze thaw'"),
        ("CELL_UNREADABLE", "c.csv, line 3, column 'Freeze thaw'"),
        ("CELL_UNREADABLE", "c.csv, line 3, column 'miR-1-3p'"),
        ("WORD_UNKNOWN", "c.csv, line 2, column 'Tube type'"),
        ("WORD_UNKNOWN", "c.csv, line 2, column 'infection_screen'"),
    }
    assert len(caught.value.problems) == 5


def test_a_cohort_without_a_manifest_is_as_before(read):
    cohort = read("specimen_id,group,miR-1-3p\nS1,case,27\nS2,control,28\n")
    assert list(cohort.specimens) == ["subject"]
    assert not cohort.measurements.flags.any()
    assert not any(note.startswith("manifest") for note in cohort.notes)


def test_a_panels_own_column_is_kept_and_its_unreadable_cells_are_told(read):
    own = panel(qc=(QualityRule("platelets", "number", column="platelets", flag=10.0),))
    text = "specimen_id,group,miR-1-3p,platelets\nS1,case,27,5\nS2,control,28,50\n"
    cohort = read(text, own)
    assert cohort.specimens["platelets"].tolist() == ["5", "50"]
    assert (cohort.measurements.flags > 0).tolist() == [False, True]
    with pytest.raises(InputRefused, match="column 'platelets'"):
        read(text.replace(",50", ",lots"), own)


def test_a_rule_may_look_at_a_column_that_is_also_the_age(read):
    own = panel(qc=(QualityRule("adults", "number", column="age", refuse=18.0, above=False),))
    cohort = read("specimen_id,group,age,miR-1-3p\nS1,case,17,27\nS2,control,50,28\n", own)
    assert [Reason(int(f)) for f in cohort.measurements.flags] == [Reason.SPECIMEN_REFUSED, Reason(0)]


def test_the_label_is_never_a_manifest_column(read):
    cohort = read("specimen_id,infection_screen,miR-1-3p\nS1,case,27\nS2,positive,28\n", label="infection_screen")
    assert "infection_screen" not in cohort.specimens
    assert not cohort.measurements.flags.any()


def test_manifest_columns_are_no_analytes_of_an_inferred_panel(tmp_path):
    (tmp_path / "c.csv").write_text("id,age,protein_ug_ml,x,y\nS1,50,3,1.5,2\nS2,60,4,1.7,3\n")
    cohort = read_cohort(tmp_path / "c.csv", Intake("auto"))
    assert cohort.panel.names == ("x", "y")
    assert cohort.specimens["protein_ug_ml"].tolist() == [3.0, 4.0]


def test_an_analyte_called_like_a_manifest_column_stays_an_analyte(tmp_path):
    (tmp_path / "c.csv").write_text("id,particles_per_ml\nS1,50\nS2,60\n")
    loading = Panel("p", "1", "t", (Analyte("particles_per_ml", "particle", "particles/mL"),), normalisation="none")
    cohort = read_cohort(tmp_path / "c.csv", Intake(loading))
    assert list(cohort.specimens) == ["subject"]
    assert cohort.measurements.values[:, 0].tolist() == [50.0, 60.0]

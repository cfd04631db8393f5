"""No-template controls that amplify are held against the specimens of their target and plate."""

import pytest

from exodx.tables.reader import read_table

HEADER = "Well\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tQuencher\tCT"


def export(tmp_path, *wells):
    lines = ["* Experiment Name = plate 1", "", "[Results]", HEADER]
    for i, (specimen, target, task, ct) in enumerate(wells, start=1):
        lines.append(f"{i}\tA{i}\tfalse\t{specimen}\t{target}\t{task}\tFAM\tNFQ-MGB\t{ct}")
    path = tmp_path / "export.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_specimen_near_its_control_is_named_and_one_that_is_far_is_not(tmp_path):
    path = export(
        tmp_path,
        ("S1", "miR-21", "UNKNOWN", "33.5"),
        ("S2", "miR-21", "UNKNOWN", "25.0"),
        ("S3", "miR-21", "UNKNOWN", "Undetermined"),
        ("S1", "miR-16", "UNKNOWN", "34.0"),
        ("", "miR-21", "NTC", "36.1"),
        ("", "miR-21", "NTC", "38.0"),
        ("", "miR-16", "NTC", "Undetermined"),
    )
    table = read_table(path)
    (remark,) = table.remarks
    assert remark.code == "ntc_close"
    assert "miR-21: the no-template control amplifies at Ct 36.1, and 1 specimen within 3 cycles" in remark.message
    assert "S1" not in remark.message  # ids stay out of findings, which go into reports and MLflow
    assert "near the no-template control of miR-21: S1 (33.5)" in table.notes


@pytest.mark.parametrize("ct", ["33.1", "39"])
def test_the_limit_is_three_cycles_before_the_earliest_control(tmp_path, ct):
    near = export(tmp_path, ("S1", "a", "UNKNOWN", ct), ("S2", "a", "UNKNOWN", "33.0"), ("", "a", "NTC", "36.0"))
    assert f"near the no-template control of a: S1 ({ct})" in read_table(near).notes


def test_without_an_amplifying_control_nothing_is_said(tmp_path):
    assert read_table(export(tmp_path, ("S1", "a", "UNKNOWN", "36"), ("", "a", "NTC", "Undetermined"))).remarks == ()

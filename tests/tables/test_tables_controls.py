"""Controls of a plain long table are no specimens: left out, counted, and held against the specimens."""

from __future__ import annotations

import pytest

from exodx.errors import InputRefused
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table

HEAD = "specimen,analyte,{kind},plate,cq\n"
ROWS = (
    "S1,miR-1-3p,target,A,30.0\nS1,miR-16-5p,reference,A,21.0\nS1,cel-miR-39-3p,spike,A,20.0\n"
    "S2,miR-1-3p,target,A,36.5\nS2,miR-16-5p,reference,A,22.0\nS2,cel-miR-39-3p,spike,A,20.0\n"
)
CONTROLS = (
    "water,miR-1-3p,ntc,A,38.0\nST1,miR-1-3p,standard,A,25.0\nST2,miR-1-3p,STD-02,A,28.0\nHela,miR-1-3p,Positive control,A,24.0\n"
)


@pytest.fixture
def wide(tmp_path):
    def wide(text):
        (tmp_path / "t.csv").write_text(text)
        return to_wide(read_table(tmp_path / "t.csv"), lambda name: "miR" in name, None, " | ")

    return wide


@pytest.mark.parametrize("kind", ["kind", "Task", "type", "sample_type"])
def test_controls_are_left_out_and_counted(wide, kind):
    table = wide(HEAD.format(kind=kind) + ROWS + CONTROLS)
    assert table.columns["specimen"] == ["S1", "S2"]
    assert {name: list(table.columns[name]) for name in table.analytes} == {
        name: list(cells) for name, cells in wide(HEAD.format(kind=kind) + ROWS).columns.items() if "miR" in name
    }
    assert f"rows left out, as column {kind!r} says: 1 ntc, 1 positive control, 2 standard" in table.notes


def test_a_specimen_near_the_no_template_control_is_told_of(wide):
    table = wide(HEAD.format(kind="kind") + ROWS + CONTROLS)
    (remark,) = table.remarks
    assert (remark.code, "Ct 38, and 1 specimen within 3" in remark.message) == ("ntc_close", True)
    assert "near the no-template control of miR-1-3p: S2 (36.5)" in table.notes
    assert wide(HEAD.format(kind="kind") + ROWS + CONTROLS.replace(",38.0", ",39.9")).remarks == ()
    assert wide(HEAD.format(kind="kind") + ROWS + CONTROLS.replace("ntc,A", "ntc,B")).remarks == (), "another plate's"
    counts = (HEAD.format(kind="kind") + ROWS + CONTROLS).replace("cq", "value")
    assert wide(counts).remarks == (), "only Ct are compared"
    stated = (
        counts.replace("value\n", "value,unit\n")
        .replace(".0\n", ".0,Ct\n")
        .replace("36.5\n", "36.5,Ct\n")
        .replace("24\n", "24,Ct\n")
    )
    assert [r.code for r in wide(stated).remarks] == ["ntc_close"]


@pytest.mark.parametrize(
    ("one", "other"), [("case", "control"), ("target", "strange word"), ("sample", "reference"), ("", "target")]
)
def test_words_that_are_no_controls_leave_every_row(wide, one, other):
    rows = ROWS.replace(",target,", f",{one},").replace(",reference,", f",{other},").replace(",spike,", f",{one},")
    table = wide(HEAD.format(kind="type") + rows)
    assert table.columns["specimen"] == ["S1", "S2"]
    assert not any("left out" in note for note in table.notes)


def test_a_strange_word_beside_controls_leaves_every_row(wide):
    table = wide(HEAD.format(kind="type") + ROWS + CONTROLS.replace("standard", "ladder"))
    assert "water" in table.columns["specimen"]


def test_nothing_but_controls_is_refused(wide):
    with pytest.raises(InputRefused, match="NO_SPECIMEN"):
        wide(HEAD.format(kind="kind") + CONTROLS + CONTROLS.replace("miR-1-3p", "miR-16-5p"))

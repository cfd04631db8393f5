"""Tables in any layout become one, and nothing that is known of a joined table is lost: units, analytes, decimal commas, notes."""

from __future__ import annotations

import pytest

from exodx.cohort import Intake, read_cohort
from exodx.errors import InputRefused
from exodx.frozen import InputContract
from exodx.frozen.joined import join_files
from exodx.panel import Analyte, Panel, is_analyte_name
from exodx.tables.reader import read_table
from tests.tables.plate_texts import long

PANEL = Panel("p", "1", "t", (Analyte("miR-1-3p", "mirna", "Ct"), Analyte("PD-L1", "other", "pg/mL")), normalisation="none")
IDS = ("P-01", "P-02", "P-03", "P-04")
MIRNA = "id,miR-1-3p\n" + "".join(f"{name},{27 + i}.5\n" for i, name in enumerate(IDS))
PROTEIN = "who,PD-L1\n" + "".join(f"{name},{i + 1}.25\n" for i, name in enumerate(IDS))
LONG = "barcode,analyte,value,unit\n" + "".join(
    f"{name},{a},{i + 1}.25,pg/mL\n" for i, name in enumerate(IDS) for a in ("PD-L1", "CD9")
)
TURNED = "protein,P-04,P-03,P-02,P-01\nCD9,1,2,3,4\nPD-L1,4.25,3.25,2.25,1.25\n"
COMMAS = PROTEIN.replace(",", ";").replace(".", ",")
LOADED = [*((name, "UNKNOWN", f"{27 + i}.5") for i, name in enumerate(IDS)), ("NTC", "NTC", "39.1")]
EXPORT = "* Block Type = 96\n\n[Results]\nWell\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tCT\n" + "".join(
    f"{i}\tA{i}\tfalse\t{name}\tmiR-1-3p\t{task}\tFAM\t{ct}\n" for i, (name, task, ct) in enumerate(LOADED, 1)
)


@pytest.fixture
def join(tmp_path):
    def join(first, *others, specimen=None, panel=PANEL):
        paths = [tmp_path / f"{name}.txt" for name in "abcd"[: len(others) + 1]]
        for path, text in zip(paths, (first, *others), strict=True):
            path.write_text(text)
        return join_files(read_table(paths[0]), paths[1:], is_analyte_name(panel), specimen)

    return join


def admitted(joined, panel=PANEL):
    return InputContract(panel).admit(joined.table, units=joined.units)


def problems_of(joined, panel=PANEL):
    return [(p.code, p.where) for p in admitted(joined, panel).problems]


@pytest.mark.parametrize("other", [PROTEIN, LONG, TURNED, COMMAS])
@pytest.mark.parametrize("first", [MIRNA, EXPORT, MIRNA.replace(",", ";").replace(".", ",")])
def test_every_layout_and_decimal_sign_joins_to_the_same_numbers(join, first, other):
    joined = join(first, other)
    found = admitted(joined)
    assert (found.problems, found.unreadable) == ((), {})
    assert found.measurements.values.tolist() == [[27.5, 1.25], [28.5, 2.25], [29.5, 3.25], [30.5, 4.25]]
    assert joined.table.columns[next(iter(joined.table.columns))] == list(IDS)


def test_an_export_may_be_the_table_that_is_joined(join):
    joined = join(PROTEIN.replace("who", "id"), EXPORT)
    assert admitted(joined).measurements.values[:, 0].tolist() == [27.5, 28.5, 29.5, 30.5]
    assert joined.units["miR-1-3p"] == {"Ct"}
    assert "QuantStudio" in joined.table.platform
    assert "miR-1-3p" in joined.table.analytes
    assert any(note.startswith("b.txt: wells left out: 1 ntc") for note in joined.table.notes)


@pytest.mark.parametrize("first", [MIRNA, EXPORT])
def test_a_plate_keeps_its_unit_beside_another_tables(join, first):
    in_ng = Panel("p", "1", "t", (PANEL.analytes[0], Analyte("PD-L1", "other", "ng/mL")), normalisation="none")
    joined = join(first, long())
    assert problems_of(joined) == []
    assert joined.units["PD-L1"] == {"pg/mL"}
    assert problems_of(joined, in_ng) == [("UNIT_MISMATCH", "a.txt, analyte 'PD-L1'")]
    assert any("4PL" in note for note in joined.table.notes)


def test_rows_of_a_joined_long_table_keep_their_units_and_remarks(join):
    assert problems_of(join(MIRNA, LONG.replace("pg/mL", "ng/mL"))) == [("UNIT_MISMATCH", "a.txt, analyte 'PD-L1'")]
    both = "who,analyte,value,unit\n" + "".join(f"{name},miR-1-3p,27.5,Ct\n{name},miR-2,27.5,Ct\n" for name in IDS)
    assert problems_of(join(both, LONG, specimen="who")) == []
    assert problems_of(join(both.replace("Ct", "count"), LONG, specimen="who")) == [("UNIT_MISMATCH", "a.txt, analyte 'miR-1-3p'")]
    flagged = LONG.replace(",unit\n", ",unit,flag\n").replace("pg/mL\n", "pg/mL,Undetermined\n")
    remarks = join(MIRNA, flagged).table.remarks
    assert remarks == join(flagged, MIRNA, specimen="barcode").table.remarks != ()


def test_only_numbers_are_rewritten(join):
    cells = zip(IDS, ("<27,5", "27,5", "28,5", ""), strict=True)
    text = "id;miR-1-3p;where;seen\n" + "".join(f"{name};{ct};Graz, 1,5 km;01.02.2024\n" for name, ct in cells)
    columns = join(text, PROTEIN).table.columns
    assert (columns["miR-1-3p"][0], columns["seen"][0], columns["PD-L1"][0]) == ("<27.5", "01.02.2024", "1.25")


def test_a_column_of_two_tables_must_agree(join):
    people = "id,site,age\n" + "".join(f"{name},A,61\n" for name in IDS)
    assert join(people, people.replace("61", "61.0")).added == ()
    with pytest.raises(InputRefused) as caught:
        join(people, people.replace("P-02,A", "P-02,B").replace("P-04,A", "P-04,"))
    (problem,) = caught.value.problems
    assert (problem.code, problem.where) == ("COLUMN_CONFLICT", "b.txt, column 'site'")
    assert problem.found == "a.txt has this column too, with other cells for 'P-02', 'P-04'"
    elsewhere = people + "P-09,B,70\n"
    assert join(people, elsewhere).added == (), "specimens that only the further table holds do not count"


def test_an_analyte_measured_twice_is_refused(join):
    with pytest.raises(InputRefused, match="COLUMN_CONFLICT"):
        join(PROTEIN.replace("who", "id"), PROTEIN.replace("1.25", "1.26"))


def test_plates_of_an_export_are_not_those_of_another(join):
    first = "id,plate,miR-1-3p\n" + "".join(f"{name},Q1,27.5\n" for name in IDS)
    joined = join(first, long())
    assert joined.table.columns["plate"] == ["Q1"] * 4
    assert "plate (b.txt)" in joined.added


def test_an_inferred_panel_takes_each_tables_own_unit(tmp_path):
    labels = "id,g\n" + "".join(f"{name},{i % 2}\n" for i, name in enumerate(IDS))
    for name, text in (("a", EXPORT), ("b", long()), ("c", labels)):
        (tmp_path / name).write_text(text)
    intake = Intake(label="g", positive="1", specimens=(tmp_path / "b", tmp_path / "c"))
    panel = read_cohort(tmp_path / "a", intake).panel
    assert {a.name: a.unit for a in panel.analytes} == {"miR-1-3p": "Ct", "PD-L1": "pg/mL"}
    turned = Intake(label="g", positive="1", specimens=(tmp_path / "a", tmp_path / "b"))
    assert {a.name: a.unit for a in read_cohort(tmp_path / "c", turned).panel.analytes} == {"miR-1-3p": "Ct", "PD-L1": "pg/mL"}

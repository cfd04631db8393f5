"""From wells to concentrations: limits, replicates, dilutions, what the vendor said, and what is refused."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.frozen import State, read_cells
from exodx.panel import Scale
from exodx.stats import Curve
from exodx.tables.plates import PlateWells, Well
from exodx.tables.plates.quantify import fit_plates, quantify
from exodx.tables.reader import read_table
from tests.tables import plate_texts as texts

RISING = Curve("4PL", 0.05, 1.2, 100.0, 3.0)
FALLING = Curve("4PL", 2.4, 1.0, 40.0, 0.1)
LEVELS = (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)


def standards(curve=RISING, levels=LEVELS, analyte="PD-L1"):
    return [
        Well(f"{r}{n}", "standard", f"S{r}", analyte, x, 1.0, float(curve.signal(x)))
        for r, x in zip("ABCDEFGH", levels, strict=False)
        for n in (1, 2)
    ]


def specimen(name, signals, dilution=1.0, at="C", analyte="PD-L1", vendor=""):
    return [Well(f"{at}{i + 3}", "unknown", name, analyte, None, dilution, y, vendor) for i, y in enumerate(signals)]


def plate(*wells, name="1", unit="pg/mL", diluted=False):
    return PlateWells("plate.csv", name, "ELISA", unit, tuple(w for some in wells for w in some), diluted)


def only(*wells, **options):
    return quantify([plate(standards(), *wells, **options)])


def signals(*amounts, curve=RISING):
    return [float(curve.signal(x)) for x in amounts]


@pytest.mark.parametrize("curve", [RISING, FALLING])
@pytest.mark.parametrize(
    ("amounts", "dilution", "cell"),
    [
        ((50.0, 50.0), 1.0, "50"),
        ((40.0, 60.0), 1.0, "50"),
        ((50.0, 50.0), 8.0, "400"),
        ((0.2, 0.3), 1.0, "<1"),
        ((0.2, 0.3), 5.0, "<5"),
        ((1500.0, 2000.0), 1.0, ">1000"),
        ((1500.0, 2000.0), 20.0, ">20000"),
        ((0.5, 2.5), 1.0, "1.5"),
        ((1.0, 1.0), 1.0, "1"),
    ],
)
def test_cells_are_numbers_or_limits_times_the_dilution(curve, amounts, dilution, cell):
    table = quantify([plate(standards(curve), specimen("P", signals(*amounts, curve=curve), dilution))])
    text = table.columns["PD-L1"][0]
    assert text[:1] == cell[:1] if cell[0] in "<>" else text[0] not in "<>"
    assert float(text.strip("<>")) == pytest.approx(float(cell.strip("<>")), rel=1e-4)


@pytest.mark.parametrize(
    ("curve", "signal", "cell"),
    [
        (RISING, 0.01, "<1"),
        (RISING, 9.0, ">1000"),
        (RISING, math.inf, ">1000"),
        (RISING, -0.5, "<1"),
        (FALLING, 9.0, "<1"),
        (FALLING, 0.01, ">1000"),
        (FALLING, math.inf, "<1"),
    ],
)
def test_beyond_the_asymptotes_lies_beyond_the_limits(curve, signal, cell):
    assert quantify([plate(standards(curve), specimen("P", [signal]))]).columns["PD-L1"] == [cell]


def test_replicates_are_averaged_as_concentrations_and_never_as_signals():
    table = only(specimen("P", signals(10.0, 900.0)))
    assert float(table.columns["PD-L1"][0]) == pytest.approx(455.0, rel=1e-4)
    by_signal = float(RISING.concentration(np.mean(signals(10.0, 900.0))))
    assert abs(by_signal - 455) > 300
    assert any("CV over 20 %: P (138 %)" in note for note in table.notes)


def test_scatter_is_told_by_specimen_and_only_above_20_percent():
    table = only(specimen("quiet", signals(95.0, 105.0)), specimen("loud", signals(80.0, 120.0), at="D"))
    assert [note for note in table.notes if "CV over" in note] == [
        "plate '1', PD-L1: replicates differ by a CV over 20 %: loud (28 %)"
    ]


def test_contradiction_fails_and_says_so():
    table = only(specimen("P", [0.001, 99.0]))
    assert table.columns["PD-L1"] == ["failed QC"]
    assert any("contradict one another, failed: P" in note for note in table.notes)


def test_wells_that_were_not_read_take_no_part():
    table = only(specimen("P", [None, *signals(50.0)]), specimen("Q", [None, None], at="D"))
    assert table.columns["specimen_id"] == ["P", "Q"]
    assert table.columns["PD-L1"] == ["50", ""]


def test_dilutions_in_range_are_averaged_and_others_only_bound():
    table = only(
        specimen("all", signals(400.0), 2.0, "C"),
        specimen("all", signals(90.0), 10.0, "D"),
        specimen("one", signals(5000.0), 1.0, "E"),
        specimen("one", signals(200.0), 25.0, "F"),
        specimen("low", signals(0.1), 1.0, "G"),
        specimen("low", signals(0.01), 10.0, "H"),
    )
    values = dict(zip(table.columns["specimen_id"], table.columns["PD-L1"], strict=True))
    assert float(values["all"]) == pytest.approx(850.0, rel=1e-4)
    assert float(values["one"]) == pytest.approx(5000.0, rel=1e-4)
    assert values["low"] == "<1"
    assert not any("dilutions differ" in note for note in table.notes)


def test_dilutions_that_are_not_parallel_are_told():
    table = only(specimen("P", signals(400.0), 1.0, "C"), specimen("P", signals(90.0), 10.0, "D"))
    assert any("dilutions differ by a CV over 20 %: P (54 %)" in note for note in table.notes)


@given(st.lists(st.floats(2.0, 900.0), min_size=1, max_size=6), st.sampled_from([1.0, 2.0, 7.5]))
def test_what_was_put_in_is_read_off(amounts, dilution):
    wells = [w for i, x in enumerate(amounts) for w in specimen(f"P{i}", signals(x), dilution, f"C{i}")]
    cells = only(wells).columns["PD-L1"]
    assert [float(cell) for cell in cells] == pytest.approx([x * dilution for x in amounts], rel=1e-4)


@given(st.permutations(range(18)))
def test_the_order_of_wells_does_not_matter(order):
    wells = [*standards(), *specimen("P", signals(20.0, 22.0)), *specimen("Q", signals(200.0, 210.0), at="D")]
    table = quantify([plate([wells[i] for i in order])])
    cells = dict(zip(table.columns["specimen_id"], table.columns["PD-L1"], strict=True))
    assert float(cells["P"]) == pytest.approx(21.0, rel=1e-4)
    assert float(cells["Q"]) == pytest.approx(205.0, rel=1e-4)


def test_a_specimen_alone_gets_what_it_gets_among_others():
    """Nothing is learned from specimens: to the last character."""
    mine = specimen("P", signals(33.3, 35.1), 3.0)
    others = [specimen(f"Q{i}", signals(3.0 * i + 2), at=f"D{i}") for i in range(20)]
    assert only(mine, *others).columns["PD-L1"][0] == only(mine).columns["PD-L1"][0]


def test_a_plate_alone_gets_what_it_gets_beside_another():
    weak = Curve("4PL", 0.05, 1.2, 300.0, 1.5)
    first = plate(standards(), specimen("P", signals(50.0)), name="a")
    second = plate(standards(weak), specimen("P", signals(50.0, curve=weak)), name="b")
    both = quantify([first, second])
    assert both.columns["PD-L1"] == quantify([first]).columns["PD-L1"] + quantify([second]).columns["PD-L1"] == ["50", "50"]
    assert both.columns["plate"] == ["a", "b"]


def test_every_cell_is_read_by_the_reader_of_cells():
    table = only(
        specimen("a", signals(50.0)),
        specimen("b", [0.0], 4.0, "D"),
        specimen("c", [9.0], 3.0, "E"),
        specimen("d", [0.0, 9.0], at="F"),
    )
    cells = read_cells([*table.columns["PD-L1"], ">ULOQ", "<LLOQ"], Scale.LINEAR)
    assert not cells.unreadable
    assert [State(s).name for s in cells.states] == ["MEASURED", "BELOW_LOD", "ABOVE_LOQ", "FAILED_QC", "ABOVE_LOQ", "BELOW_LOD"]
    assert cells.values[:3].tolist() == [50.0, 4.0, 3000.0]


def test_5pl_is_the_users_choice_and_needs_six_levels():
    true = Curve("5PL", 0.05, 2.0, 60.0, 3.0, 0.3)
    wells = plate(standards(true), specimen("P", signals(20.0, curve=true)))
    assert float(quantify([wells], "5PL").columns["PD-L1"][0]) == pytest.approx(20.0, rel=1e-4)
    assert abs(float(quantify([wells]).columns["PD-L1"][0]) - 20) > 0.05
    with pytest.raises(InputRefused, match=r"5 standard level\(s\) where a 5PL needs 6"):
        quantify([plate(standards(true, LEVELS[:5]), specimen("P", [1.0]))], "5PL")


def test_one_curve_that_fails_fails_its_analyte_and_not_the_plate():
    flat = [dataclasses.replace(w, analyte="CD9", signal=1.0) for w in standards()]
    table = only(flat, specimen("P", signals(50.0)), specimen("P", [1.0], analyte="CD9"))
    assert (table.columns["PD-L1"], table.columns["CD9"]) == (["50"], ["failed QC"])
    assert any("CD9: no concentration can be read (all standards have the same signal)" in note for note in table.notes)


def test_an_analyte_that_a_plate_lacks_is_blank_there():
    first = plate(standards(), specimen("P", signals(50.0)), name="a")
    second = plate(standards(analyte="CD9"), specimen("P", signals(20.0), analyte="CD9"), name="b")
    table = quantify([first, second])
    assert (table.columns["PD-L1"], table.columns["CD9"]) == (["50", ""], ["", "20"])


def test_standards_within_the_blanks_raise_the_limit():
    blanks = [Well(f"H{i}", "blank", "B", "PD-L1", None, 1.0, y) for i, y in enumerate(signals(2.0, 5.0))]
    table = only(blanks, specimen("P", signals(8.0)))
    assert table.columns["PD-L1"] == ["<10"]


def test_standards_that_cannot_be_used_are_counted():
    wells = standards()
    wells[0] = dataclasses.replace(wells[0], signal=math.inf)
    wells[2] = dataclasses.replace(wells[2], concentration=None)
    wells[4] = dataclasses.replace(wells[4], signal=None)
    table = quantify([plate(wells, specimen("P", signals(50.0)))])
    assert table.columns["PD-L1"] == ["50"]
    assert any("3 wells of standards are not used" in note for note in table.notes)


@pytest.mark.parametrize(("diluted", "cell"), [(False, "120"), (True, "30")])
def test_vendor_results_stand_in_where_standards_have_no_concentration(diluted, cell):
    bare = [dataclasses.replace(w, concentration=None) for w in standards()]
    wells = specimen("P", [1.0, 1.1], 4.0, vendor="30")
    table = quantify([plate(bare, wells, diluted=diluted)])
    assert table.columns["PD-L1"] == [cell]
    assert any("not in the file: the vendor's concentrations are used" in note for note in table.notes)
    assert fit_plates([plate(bare, wells)])[0].fit is None


@pytest.mark.parametrize(
    ("texts_", "cell"),
    [
        (("12.5", "13.5"), "13"),
        (("OOR <", "OOR <"), "<LLOQ"),
        (("OOR >", "OOR >"), ">ULOQ"),
        (("OOR <", "OOR >"), "failed QC"),
        (("12", "OOR <"), "failed QC"),
        (("*12", "*14"), "failed QC"),
        (("***", "***"), "failed QC"),
        (("", "12"), "12"),
        (("NaN", ""), ""),
        (("1,234", "1,236"), "failed QC"),
    ],
)
def test_vendor_words_keep_their_meaning(texts_, cell):
    wells = [Well(f"A{i}", "unknown", "P", "PD-L1", None, 1.0, 1.0, text) for i, text in enumerate(texts_)]
    anchor = [Well("B1", "unknown", "Q", "PD-L1", None, 1.0, 1.0, "5")]
    assert quantify([plate(wells, anchor)]).columns["PD-L1"] == [cell, "5"]


def test_the_largest_disagreement_with_the_vendor_is_named():
    table = only(specimen("P", signals(50.0), vendor="51"), specimen("Q", signals(100.0), at="D", vendor="80"))
    assert any("they differ by 25.0% at most (Q)" in note for note in table.notes)
    assert table.columns["PD-L1"] == ["50", "100"]


def refused(*plates):
    with pytest.raises(InputRefused) as refusal:
        quantify(plates)
    return refusal.value.problems


def test_what_is_missing_is_named():
    blank = [Well(at, "blank", "B", "PD-L1", None, 1.0, y) for at, y in (("H1", 0.05), ("H2", 0.06))]
    (problem,) = refused(plate(blank))
    assert (problem.code, problem.found) == ("NO_STANDARDS", "no well holds a standard (2 blank, 0 specimens)")
    (problem,) = refused(plate(blank, specimen("P", [1.0])))
    assert "1 specimens" in problem.found
    bare = [dataclasses.replace(w, concentration=None) for w in standards()]
    (problem,) = refused(plate(bare, specimen("P", [1.0])))
    assert problem.code == "STANDARDS_WITHOUT_CONCENTRATION"
    (problem,) = refused(plate(standards(), blank))
    assert (problem.code, "14 standard, 2 blank" in problem.found) == ("NO_SPECIMEN", True)


def test_all_problems_are_told_at_once():
    first = plate(specimen("P", [1.0]), specimen("P", [1.0], analyte="CD9"), name="a")
    problems = refused(first, plate(specimen("P", [1.0]), name="a", unit="ng/mL"))
    assert [p.code for p in problems] == ["NO_STANDARDS"] * 3 + ["PLATE_TWICE", "UNITS_DIFFER"]


def test_a_well_that_stands_twice_is_refused():
    (problem,) = refused(plate(standards(), specimen("P", [1.0]), specimen("Q", [1.0])))
    assert (problem.code, problem.found) == ("WELL_TWICE", "1 wells stand there more than once: C3 (PD-L1)")


def test_standards_without_a_trend_are_refused():
    shuffled = [dataclasses.replace(w, signal=1.0 + (i // 2 % 2)) for i, w in enumerate(standards())]
    (problem,) = refused(plate(shuffled, specimen("P", [1.0])))
    assert problem.code == "CURVE_REFUSED"
    assert "fewer than two standards read within their limits" in problem.found


def test_a_hooked_top_standard_ends_the_range_or_is_named():
    hooked = standards()
    hooked[0:2] = [dataclasses.replace(w, signal=float(RISING.signal(120.0))) for w in hooked[:2]]
    fit = fit_plates([plate(hooked, specimen("P", [1.0]))])[0].fit
    assert not fit.levels[-1].passes(20)
    assert fit.uloq is None or fit.uloq < 1000


def test_a_plate_as_a_cohorts_table(tmp_path):
    (tmp_path / "p.csv").write_text(texts.long())
    table = read_table(tmp_path / "p.csv")
    assert (table.place, table.lines, table.decimal) == ("specimen", list(texts.SPECIMENS), ".")
    assert table.header == ["specimen_id", "plate", "PD-L1"]
    assert "4 specimens × 1 analytes" in table.notes[-1]

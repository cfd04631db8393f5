"""The contract: what a table says of its specimens, where its numbers lie, what may be missing; and what may be allowed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import SimulatedStudy, simulate
from exodx.errors import UsageError
from exodx.frozen import ALLOWABLE, Conditions, InputContract, Measurements, Reason, State
from exodx.frozen.ranges import suspects
from exodx.frozen.statements import declare, long_units, read_statements
from exodx.frozen.vocabulary import ISOLATIONS, PLATFORMS, read_methods, read_specimen_type
from exodx.panel import Analyte, Panel
from exodx.tables.layout import to_wide
from exodx.tables.table import TextTable

PERCENTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@pytest.fixture(scope="module")
def table(athero):
    frame = simulate(athero, SimulatedStudy(n=30, seed=11))
    columns = {name: [str(cell) for cell in frame[name]] for name in ("specimen_id", *athero.names)}
    return TextTable("new.csv", columns, list(range(2, len(frame) + 2)))


@pytest.fixture(scope="module")
def contract(model):
    panel = replace(model.panel, isolation="SEC")
    return InputContract(panel, model.reference)


def with_columns(table, **columns):
    n = len(table)
    return replace(table, columns={**table.columns, **{k: [v] * n if isinstance(v, str) else v for k, v in columns.items()}})


def scaled(table, name, factor, rows=None):
    def cell(i, text):
        try:
            return str(float(text) * factor) if rows is None or i in rows else text
        except ValueError:
            return text

    return with_columns(table, **{name: [cell(i, text) for i, text in enumerate(table.columns[name])]})


def codes(admission):
    return [p.code for p in admission.problems]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"fluid": "serum"}, "FLUID_MISMATCH"),
        ({"matrix": "whole blood"}, "FLUID_MISMATCH"),
        ({"specimen_type": "seminal plasma"}, "FLUID_MISMATCH"),
        ({"specimen_type": "K2-EDTA plasma"}, None),
        ({"specimen_type": ""}, None),
        ({"fluid": "not stated"}, None),
        ({"fraction": "soluble"}, "FRACTION_MISMATCH"),
        ({"fraction": "exosomal"}, None),
        ({"platform": "Illumina NextSeq 500"}, "PLATFORM_MISMATCH"),
        ({"platform": "Olink Explore"}, "PLATFORM_MISMATCH"),
        ({"platform": "qPCR and ELISA"}, None),
        ({"platform": "QuantStudio"}, None),
        ({"isolation": "ExoQuick"}, "ISOLATION_MISMATCH"),
        ({"isolation_method": "UC + SEC"}, "ISOLATION_MISMATCH"),
        ({"isolation_method": "size-exclusion chromatography (qEV)"}, None),
        ({"mirbase_release": "16"}, None),  # names are resolved by their own release; only reads depend on it
        ({"unit": "ng/mL"}, "UNIT_MISMATCH"),
        ({"unit": "pg/mL"}, None),
    ],
)
def test_what_the_table_says_of_its_specimens_is_held_against_the_panel(contract, table, said, code):
    admission = contract.admit(with_columns(table, **said))
    assert codes(admission) == ([code] if code else [])
    assert all(p.found and p.fix and p.where.startswith("new.csv") for p in admission.problems)


def test_options_say_it_for_a_table_that_does_not_and_may_not_contradict_it(contract, table):
    assert codes(contract.admit(table, Conditions(specimen_type="serum"))) == ["FLUID_MISMATCH"]
    assert codes(contract.admit(table, Conditions(specimen_type="plasma", platform="RT-qPCR", isolation="qEV"))) == []
    both = contract.admit(with_columns(table, fluid="plasma"), Conditions(specimen_type="serum"))
    assert codes(both) == ["STATED_TWICE"]
    assert codes(contract.admit(replace(table, platform="NanoString nCounter"))) == ["PLATFORM_MISMATCH"]


def test_the_rows_that_differ_are_named(contract, table):
    fluids = ["plasma"] * len(table)
    fluids[3] = fluids[7] = "Serum"
    problems = contract.admit(with_columns(table, fluid=fluids)).problems
    assert [p.where for p in problems] == ["new.csv, line 5, column 'fluid'", "new.csv, line 9, column 'fluid'"]
    allowed = contract.admit(with_columns(table, fluid=fluids), Conditions(allow=("FLUID_MISMATCH",), because="a pilot"))
    assert allowed.problems == ()
    assert np.flatnonzero(allowed.measurements.flags & Reason.CONTRACT_ALLOWED).tolist() == [3, 7]
    assert set(allowed.allowed) == {3, 7}
    assert "allowed because: a pilot" in allowed.allowed[3]


def test_a_panel_that_specifies_nothing_matches_anything_and_says_so(model, table):
    free = replace(model.panel, specimen_type="unspecified", platform="unspecified")
    admission = InputContract(free, model.reference).admit(with_columns(table, fluid="serum"))
    assert admission.problems == ()
    assert "specimen type: the table says serum; the panel does not specify it" in admission.notes


def test_the_release_of_reads_is_part_of_what_a_model_is_valid_for():
    reads = Panel("p", "1", "t", (Analyte("miR-21-5p", "mirna", "count"),), mirbase_release="22")
    table = TextTable("f", {"miR-21-5p": ["5", "7"], "mirbase_release": ["16", "16"]}, [2, 3])
    assert codes(InputContract(reads).admit(table)) == ["RELEASE_MISMATCH"]
    assert codes(InputContract(reads).admit(with_columns(table, mirbase_release=["22", "v22"]))) == ["RELEASE_VARIES"]
    assert codes(InputContract(reads).admit(with_columns(table, mirbase_release="22"))) == []


def test_units_of_a_long_table_are_held_against_each_analyte(model):
    rows = [
        ("S1", "miR-126-3p", "25", "Ct"),
        ("S1", "PD-L1", "0.1", "ng/mL"),
        ("S2", "miR-126-3p", "26", "Ct"),
        ("S2", "PD-L1", "0.2", "ng/mL"),
    ]
    names = ("specimen", "analyte", "value", "unit")
    table = TextTable("long.csv", {n: [row[i] for row in rows] for i, n in enumerate(names)}, [2, 3, 4, 5])
    wide = to_wide(table, lambda name: name in model.panel.names)
    units = long_units(table, wide)
    assert units == {"miR-126-3p": {"Ct"}, "PD-L1": {"ng/mL"}}
    admission = model.contract.admit(wide, units=units)
    assert [p.found for p in admission.problems if p.code == "UNIT_MISMATCH"] == [
        "'PD-L1' is given in ng/mL, and the panel has it in pg/mL"
    ]


def test_an_instruments_ct_is_no_count():
    reads = Panel("p", "1", "t", (Analyte("miR-21-5p", "mirna", "count"),))
    table = TextTable("f", {"miR-21-5p": ["25", "27"]}, [2, 3], analytes=("miR-21-5p",), unit="Ct")
    assert codes(InputContract(reads).admit(table)) == ["SCALE_MISMATCH"]
    assert codes(InputContract(reads).admit(replace(table, unit=""))) == []


@pytest.mark.parametrize(("factor", "hint"), [(100.0, "about ×100"), (1000.0, "about ×1000"), (0.01, "about ÷100")])
def test_a_concentration_in_another_unit_stops_the_table(contract, table, factor, hint):
    (problem,) = contract.admit(scaled(table, "PD-L1", factor)).problems
    assert problem.code == "UNIT_SUSPECT"
    assert hint in problem.found
    assert "unit?" in problem.fix
    assert codes(contract.admit(scaled(table, "PD-L1", 3.0))) == []


def test_differences_of_ct_are_no_ct(contract, table):
    shifted = with_columns(
        table, **{"miR-126-3p": [str(round(float(c) - 20, 2)) if c[:1].isdigit() else c for c in table.columns["miR-126-3p"]]}
    )
    (problem,) = contract.admit(shifted).problems
    assert (problem.code, "differences of Ct" in problem.found) == ("SCALE_SUSPECT", True)
    negative = with_columns(table, **{"miR-126-3p": ["-3.5"] * len(table)})
    admission = contract.admit(negative)
    assert (codes(admission), admission.unreadable) == (["SCALE_SUSPECT"], {})
    allowed = contract.admit(negative, Conditions(allow=("SCALE_SUSPECT",), because="x"))
    assert len(allowed.unreadable) == len(table)  # a negative Ct is never scored


def test_one_specimen_is_stopped_alone_only_when_its_own_value_is_absurd(contract, table):
    whole = contract.admit(table)
    for row in range(len(table)):
        alone = contract.admit(table.take([row]))
        assert alone.problems == ()
        assert np.array_equal(alone.measurements.values[0], whole.measurements.values[row], equal_nan=True)
    high = scaled(table, "PD-L1", 1000.0, rows={4})
    assert codes(contract.admit(high)) == []  # a gate on the file: one value does not move the median
    assert codes(contract.admit(high.take([4]))) == ["UNIT_SUSPECT"]


def reference(**analytes):
    return {"probabilities": list(PERCENTILES), "measured": analytes, "cpm": analytes}


def measured(panel, values):
    values = np.asarray(values, np.float64)
    return Measurements(panel.names, values, np.full(values.shape, State.MEASURED, np.uint8))


def test_normalised_values_are_held_by_interquartile_ranges():
    panel = Panel("p", "1", "t", (Analyte("a", "other", "log2"),))
    kept = reference(a=[-2, -1.5, -0.5, 0, 0.5, 1.5, 2])
    assert suspects(panel, kept, measured(panel, [[9.9]] * 5), "f") == []
    (found,) = suspects(panel, kept, measured(panel, [[10.1]] * 5), "f")
    assert (found.code, found.rows.all()) == ("SCALE_SUSPECT", True)
    assert suspects(panel, kept, measured(panel, [[11.9]]), "f") == []  # one specimen: from the 99th percentile on
    assert suspects(panel, kept, measured(panel, [[12.1]]), "f")


def test_reads_are_held_as_a_library_so_that_depth_does_not_matter():
    panel = Panel("p", "1", "t", tuple(Analyte(n, "mirna", "count") for n in "abcde"))
    kept = reference(**{n: [200_000.0] * 7 for n in "abcde"})
    even = measured(panel, [[20.0] * 5] * 6)
    assert suspects(panel, kept, even, "f") == []
    deep = measured(panel, [[2e6] * 5] * 6)
    assert suspects(panel, kept, deep, "f") == []
    one_low = measured(panel, [[20.0] * 4 + [1.0]] * 6)
    assert suspects(panel, kept, one_low, "f") == []  # one miRNA of five differs: biology
    assert len(suspects(panel, kept, measured(panel, [[100.0, 1, 1, 1, 1]] * 6), "f")) == 4


def test_an_old_model_without_the_quantiles_holds_nothing():
    panel = Panel("p", "1", "t", (Analyte("a", "mirna", "count"), Analyte("b", "other", "MFI")))
    assert suspects(panel, {}, measured(panel, [[1.0, 1e9]] * 6), "f") == []
    assert suspects(panel, reference(a=[None] * 7, b=[None] * 7), measured(panel, [[1.0, 1e9]] * 6), "f") == []


def without(table, *names):
    return replace(table, columns={k: v for k, v in table.columns.items() if k not in names})


def test_a_missing_target_is_refused_with_what_it_cost_and_may_be_allowed(contract, model, table):
    (problem,) = contract.admit(without(table, "PD-L1")).problems
    cost = model.reference["missing_cost"]["PD-L1"]
    assert problem.code == "ANALYTE_MISSING"
    assert f"at training this cost {max(cost, 0):.2f} AUC" in problem.fix
    admission = contract.admit(without(table, "PD-L1"), Conditions(allow=("ANALYTE_MISSING",), because="kit out of stock"))
    assert admission.problems == ()
    assert (admission.measurements.flags & Reason.ANALYTE_NOT_GIVEN != 0).all()
    assert (admission.measurements.column("PD-L1")[1] == State.NOT_RUN).all()
    assert any("PD-L1 was not given: at training this cost" in note for note in admission.notes)


@pytest.mark.parametrize("gone", [("miR-103a-3p",), ("miR-23a-3p",), ("miR-126-3p", "miR-145-5p", "PD-L1")])
def test_references_controls_and_all_targets_at_once_may_not_be_missing(contract, table, gone):
    admission = contract.admit(without(table, *gone), Conditions(allow=("ANALYTE_MISSING",), because="x"))
    assert set(codes(admission)) == {"ANALYTE_MISSING"}
    assert len(admission.problems) == len(gone)


def test_the_joint_cost_of_several_is_known_for_a_whole_kind_only(contract, model):
    by_name = {a.name: a for a in model.panel.analytes}
    assert "every target of kind mirna" in contract.cost([by_name["miR-126-3p"], by_name["miR-145-5p"]])
    assert "jointly at least" in contract.cost([by_name["miR-126-3p"], by_name["PD-L1"]])
    assert "does not say what that costs" in InputContract(model.panel).cost([by_name["PD-L1"]])


@given(st.sets(st.sampled_from(ALLOWABLE)))
def test_a_stated_unit_can_never_be_allowed(allow):
    reads = Panel("p", "1", "t", (Analyte("b", "other", "pg/mL"), Analyte("c", "other", "pg/mL")))
    table = TextTable("f", {"b [ng/mL]": ["5"], "c": ["1"]}, [2])
    conditions = Conditions(allow=tuple(allow), because="x" if allow else "")
    assert "UNIT_MISMATCH" in codes(InputContract(reads, {"measured": {}}).admit(table, conditions))


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        ({"allow": ("FLUID_MISMATCH",)}, "REASON_MISSING"),
        ({"allow": ("FLUID_MISMATCH",), "because": "  "}, "REASON_MISSING"),
        ({"because": "x"}, "ALLOW_MISSING"),
        ({"allow": ("UNIT_MISMATCH",), "because": "x"}, "ALLOW_UNKNOWN"),
        ({"allow": ("fluid",), "because": "x"}, "ALLOW_UNKNOWN"),
    ],
)
def test_what_may_be_allowed_is_a_known_code_with_a_reason(conditions, code):
    with pytest.raises(UsageError) as refused:
        Conditions(**conditions)
    assert [p.code for p in refused.value.problems] == [code]


def test_allowing_what_does_not_occur_is_said(contract, table):
    admission = contract.admit(table, Conditions(allow=("FLUID_MISMATCH",), because="x"))
    assert "nothing to allow: FLUID_MISMATCH" in admission.notes
    assert not (admission.measurements.flags & Reason.CONTRACT_ALLOWED).any()


def test_a_training_cohort_declares_what_the_panel_leaves_open(model, table):
    free = replace(model.panel, specimen_type="unspecified", platform="unspecified")
    said = with_columns(table, fluid="EDTA plasma", isolation="SEC")
    panel, notes = declare(free, read_statements(said, Conditions(platform="RT-qPCR"), ())[0])
    assert (panel.specimen_type, panel.platform, panel.isolation) == ("plasma", "RT-qPCR", "SEC")
    assert notes == ["the model will be valid for: specimen type plasma, platform RT-qPCR, isolation SEC"]
    mixed = with_columns(table, fluid=["plasma", *["serum"] * (len(table) - 1)])
    panel, notes = declare(free, read_statements(mixed, Conditions(), ())[0])
    assert panel.specimen_type == "unspecified"
    assert "differs between specimens" in notes[0]
    kept, _ = declare(model.panel, read_statements(with_columns(table, fluid="serum"), Conditions(), ())[0])
    assert kept.specimen_type == "plasma"  # what a panel says is not overwritten: the contract refuses


@given(st.text(max_size=30))
def test_any_text_is_some_specimen_type_and_method(text):
    assert isinstance(read_specimen_type(text), str)
    assert read_methods(text, PLATFORMS)
    assert read_methods(text, ISOLATIONS)


@pytest.mark.parametrize("rows", [[3], list(range(30))])
def test_a_value_far_outside_is_flagged_alone_and_in_a_batch(contract, table, rows):
    absurd = scaled(table, "PD-L1", 1e4, rows=[3])
    part = replace(
        absurd, columns={k: [v[i] for i in rows] for k, v in absurd.columns.items()}, lines=[absurd.lines[i] for i in rows]
    )
    admission = contract.admit(part, Conditions(allow=frozenset({"UNIT_SUSPECT"}), because="looked at"))
    far = (admission.measurements.flags & np.uint32(Reason.OUT_OF_RANGE)) > 0
    assert [row for row, flag in zip(rows, far, strict=True) if flag] == [3]


@pytest.mark.parametrize(
    ("told", "unit", "code"),
    [
        ("ng/mL", "pg/mL", "UNIT_MISMATCH"),
        ("pg/dl", "pg/mL", "UNIT_MISMATCH"),
        ("NPX", "pg/mL", "UNIT_MISMATCH"),
        ("NPX", "log2", "UNIT_MISMATCH"),
        ("count", "CPM", "UNIT_MISMATCH"),
        ("intensity", "pg/mL", "UNIT_MISMATCH"),
        ("Ct", "pg/mL", "SCALE_MISMATCH"),
        ("NPX", "Ct", "SCALE_MISMATCH"),
        ("intensity", "MFI", None),
        ("pg / ml", "pg/mL", None),
        ("NPX", "NPX", None),
        ("OD units of my own", "pg/mL", None),
    ],
)
@pytest.mark.parametrize("analytes", [("PD-L1",), ()])
def test_a_unit_that_the_reader_knows_is_held_against_each_analyte(told, unit, code, analytes):
    panel = Panel("p", "1", "t", (Analyte("PD-L1", "other", unit),), normalisation="none")
    table = TextTable("f", {"id": ["a", "b"], "PD-L1": ["25", "27"]}, [2, 3], analytes=analytes, unit=told)
    assert codes(InputContract(panel).admit(table)) == ([code] if code else [])
    said = InputContract(panel).admit(table, units={"PD-L1": {unit}})
    assert codes(said) == [], "the rows of a long table go first"


def rare_proteins(p):
    """Return a panel of p proteins with what a model keeps of them, and twenty specimens in which each is measured twice."""
    rng = np.random.default_rng(5)
    names = [f"protein {j}" for j in range(p)]
    panel = Panel("rare", "1", "t", tuple(Analyte(n, "protein", "pg/mL", fraction="ev") for n in names))
    reference = {"probabilities": list(PERCENTILES), "measured": {n: [50, 60, 80, 100, 120, 150, 170] for n in names}}
    values = np.full((20, p), np.nan)
    for j in range(p):
        values[rng.permutation(20)[:2], j] = rng.uniform(60, 150, 2)
    return panel, reference, values


def rare_problems(panel, reference, values):
    states = np.where(np.isnan(values), State.NOT_RUN, State.MEASURED).astype(np.uint8)
    found = suspects(panel, reference, Measurements(panel.names, values, states), "t")
    return [problem.code for breach in found for problem in breach.problems]


def test_one_rare_protein_far_off_does_not_stop_a_table_of_many():
    """Of the 1,542 proteins of a real cohort's held-out specimens one, measured in fewer than five, always lies ten-fold off."""
    panel, reference, values = rare_proteins(40)
    values[np.isfinite(values[:, 7]), 7] = 5000.0
    assert rare_problems(panel, reference, values) == []


def test_rare_proteins_in_another_unit_stop_it_and_so_does_the_one_of_a_small_panel():
    panel, reference, values = rare_proteins(40)
    assert set(rare_problems(panel, reference, 1000 * values)) == {"UNIT_SUSPECT"}
    small = rare_proteins(2)
    small[2][:, 1] *= 1000
    assert set(rare_problems(*small)) == {"UNIT_SUSPECT"}
    alone = small[2][np.isfinite(small[2][:, 1])][:1]
    assert rare_problems(small[0], small[1], alone) == ["UNIT_SUSPECT"]


def test_amounts_near_nothing_are_told_in_powers_of_ten():
    panel = Panel("p", "1", "t", (Analyte("a", "protein", "pg/mL", fraction="ev"),))
    kept = reference(a=[5.0, 10, 50, 100, 500, 1000, 2000])
    for amount, power in ((5e-324, "÷10^325"), (1e-5, "÷10^7"), (0.01, "÷10000"), (1e12, "×10^10")):
        (found,) = suspects(panel, kept, measured(panel, [[amount]] * 5), "f")
        assert found.problems[0].found.endswith(f"at training 100: about {power}")

"""Which column is which analyte: by spelling, by unit, by accession; and what is doubted instead of taken."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.panel import is_analyte_name, match_columns, parse_panel, read_unit, resolve_names, unit_factor, unit_problem
from exodx.panel.columns import read_header

PROTEIN = {"name": "PD-L1", "kind": "protein", "unit": "pg/mL", "fraction": "ev"}


def panel(*analytes, **head):
    tables = [{"kind": "mirna", "unit": "Ct", **({"name": a} if isinstance(a, str) else a)} for a in analytes]
    document = {"panel": {"name": "p", "version": "1", "title": "t", "normalisation": "none", **head}, "analyte": tables}
    return resolve_names(parse_panel(document, "p.toml"))


def match(a_panel, *headers, release=None):
    return match_columns(a_panel, headers, "f.csv", release)


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("miR-126-3p", None),
        ("HSA-MIR-126-3P", None),
        ("hsa-miR-126", "column 'hsa-miR-126' read as miR-126-3p (MIMAT0000445; older name)"),
        ("MIMAT0000445", "column 'MIMAT0000445' read as miR-126-3p (MIMAT0000445)"),
        ("mimat0000445", "column 'mimat0000445' read as miR-126-3p (MIMAT0000445)"),
        ("miR-126_3p", "column 'miR-126_3p' read as miR-126-3p (MIMAT0000445)"),
        ("miR126-3p", "column 'miR126-3p' read as miR-126-3p (MIMAT0000445)"),
        ("hsa-miR-126-3p [Ct]", "column 'hsa-miR-126-3p [Ct]' read as miR-126-3p (in Ct)"),
    ],
)
def test_every_way_of_writing_a_mirna_is_found_and_said(header, note):
    found = match(panel("miR-126-3p"), "specimen_id", header, "age")
    assert found.columns == {"miR-126-3p": [header]}
    assert found.notes == ((note,) if note else ())
    assert found.problems == ()


@pytest.mark.parametrize(
    "header", ["PD-L1", "CD274", "B7-H1", "Q9NZQ7", "pdl1", "PDL1 (pg/mL)", "EV PD-L1", "PD-L1 [exosomal] (pg/mL)"]
)
def test_every_way_of_writing_a_protein_is_found(header):
    assert match(panel(PROTEIN), header).columns == {"PD-L1": [header]}


def test_the_other_arm_is_never_taken():
    assert match(panel("miR-126-3p"), "miR-126*", "miR-126-5p", "MIMAT0000444", "126-3p").columns == {}
    assert match(panel("miR-126-5p"), "miR-126*").columns == {"miR-126-5p": ["miR-126*"]}


def test_the_panels_own_spelling_goes_before_every_other():
    found = match(panel("miR-126-3p", PROTEIN), "MIMAT0000445", "miR-126-3p", "CD274", "PD-L1", "miR-126")
    assert found.columns == {"miR-126-3p": ["miR-126-3p"], "PD-L1": ["PD-L1"]}
    assert found.notes == ()


def test_two_columns_of_one_analyte_are_both_named():
    assert match(panel("miR-126-3p"), "MIMAT0000445", "miR-126").columns == {"miR-126-3p": ["MIMAT0000445", "miR-126"]}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("hsa-mir-126", "NAME_HAIRPIN"),
        ("MIR126", "NAME_HAIRPIN"),
        ("miR-126-3p.1", "NAME_ISOMIR"),
        ("miR-126/145", "NAME_SET"),
    ],
)
def test_a_doubtful_column_is_refused_only_if_no_other_gives_the_analyte(header, code):
    alone = match(panel("miR-126-3p"), header)
    assert (alone.columns, [p.code for p in alone.problems], alone.doubted) == ({}, [code], {"miR-126-3p"})
    beside = match(panel("miR-126-3p"), header, "MIMAT0000445")
    assert (beside.columns, beside.problems) == ({"miR-126-3p": ["MIMAT0000445"]}, ())
    assert match(panel("miR-21-5p"), header).problems == ()


def test_a_hairpin_is_doubted_for_either_arm():
    assert [p.code for p in match(panel("miR-126-5p"), "hsa-mir-126").problems] == ["NAME_HAIRPIN"]


def test_an_ambiguous_name_needs_its_release():
    needs = panel("miR-378a-3p")
    (problem,) = match(needs, "miR-378").problems
    assert problem.code == "NAME_AMBIGUOUS"
    assert "--release" in problem.fix
    assert match(needs, "miR-378", release="16").columns == {"miR-378a-3p": ["miR-378"]}
    assert match(needs, "miR-378", release="9").columns == {}
    assert match(panel("miR-378a-5p"), "miR-378", release="v9_2").columns == {"miR-378a-5p": ["miR-378"]}


def test_the_panels_release_stands_for_the_tables_unless_that_says_another():
    old = panel("miR-378", mirbase_release="9")
    assert match(old, "miR-378").columns == {"miR-378": ["miR-378"]}
    (problem,) = match(old, "miR-378", release="16").problems
    assert problem.code == "NAME_RELEASE"
    assert "MIMAT0000732" in problem.found
    assert match(old, "miR-378", release="8.2").problems == ()


def test_a_set_matches_the_analyte_that_declares_it():
    declared = panel("miR-199a/b-3p")
    for header in ("hsa-miR-199a-3p/hsa-miR-199b-3p", "miR-199b/a-3p"):
        assert match(declared, header).columns == {"miR-199a/b-3p": [header]}
    by_accession = panel({"name": "pair", "accession": "MIMAT0000232/MIMAT0004563"})
    assert match(by_accession, "miR-199a/b-3p").columns == {"pair": ["miR-199a/b-3p"]}
    assert match(panel("miR-199a-3p"), "miR-199a/b-3p").problems[0].code == "NAME_SET"


def test_one_protein_in_two_fractions_is_not_guessed():
    both = panel(
        {**PROTEIN, "name": "vesicle marker", "accession": "Q9NZQ7"},
        {**PROTEIN, "name": "free marker", "accession": "Q9NZQ7", "fraction": "soluble"},
    )
    found = match(both, "CD274")
    assert (found.columns, {p.code for p in found.problems}) == ({}, {"NAME_AMBIGUOUS"})
    told = match(both, "CD274 (soluble)", "exosomal CD274")
    assert told.columns == {"free marker": ["CD274 (soluble)"], "vesicle marker": ["exosomal CD274"]}


@pytest.mark.parametrize(
    ("header", "code", "words"),
    [
        ("PD-L1 [ng/mL]", "UNIT_MISMATCH", "One ng/mL is 1000 pg/mL"),
        ("PD-L1 (pg/dL)", "UNIT_MISMATCH", "One pg/dl is 0.01 pg/mL"),
        ("PD-L1 NPX/x", "", ""),
        ("PD-L1 [NPX]", "UNIT_MISMATCH", "Give it in pg/mL"),
        ("CD274 (µg/L)", "UNIT_MISMATCH", "1000 pg/mL"),
        ("soluble PD-L1", "FRACTION_MISMATCH", "different measurements"),
        ("PD-L1 (total)", "FRACTION_MISMATCH", "different measurements"),
    ],
)
def test_another_unit_or_fraction_in_a_header_is_refused_and_never_converted(header, code, words):
    found = match(panel(PROTEIN), header)
    assert found.columns == {}
    assert [p.code for p in found.problems] == ([code] if code else [])
    assert all(words in p.fix for p in found.problems)
    assert match(panel(PROTEIN), header, "PD-L1 [pg/mL]").columns == {"PD-L1": ["PD-L1 [pg/mL]"]}


def test_units_are_read_strictly():
    assert [read_unit(t) for t in ("PG/ML", "ng / L", "ug/L", "µg/mL", "mcg/ml", "cq", "reads", "% positive")] == [
        *("pg/mL", "pg/mL", "ng/mL", "ug/mL", "ug/mL", "Ct", "count", "percent positive"),
    ]
    assert [read_unit(t) for t in ("", "pg", "mL", "pg/", "soluble", "per mL", "x/y", "plate 3")] == [None] * 8
    assert unit_factor("mg/dL", "ng/mL") == 10_000.0
    assert unit_factor("count", "CPM") is None
    assert unit_problem("pg/ml", panel(PROTEIN).analytes[0], "x") is None


@given(st.text(max_size=40))
def test_any_header_is_read_without_a_traceback(header):
    name, unit, fraction = read_header(header)
    assert len(name) <= len(header)
    assert unit in ("", read_unit(unit))
    assert fraction in ("", "ev", "soluble", "total")
    match(panel("miR-126-3p", PROTEIN), header)


@given(st.permutations(["miR-126", "miR-126*", "CD274", "hsa-mir-145", "MIMAT0000437", "age", "miR-378"]))
def test_the_order_of_columns_does_not_matter(headers):
    found = match(panel("miR-126-3p", "miR-145-5p", PROTEIN), *headers)
    assert found.columns == {"miR-126-3p": ["miR-126"], "miR-145-5p": ["MIMAT0000437"], "PD-L1": ["CD274"]}
    assert found.problems == ()


def test_a_hundred_thousand_columns_are_matched_in_seconds():
    headers = [f"hsa-miR-{i}-3p" for i in range(50_000)] + [f"ENSG{i:011d}" for i in range(50_000)]
    began = time.process_time()
    found = match(panel("miR-126-3p", PROTEIN), *headers, "CD274")
    assert set(found.columns) == {"miR-126-3p", "PD-L1"}
    assert time.process_time() - began < 10  # 1 s on a quiet machine


def test_names_that_tell_a_layout():
    is_analyte = is_analyte_name(panel(PROTEIN))
    assert all(map(is_analyte, ("PD-L1", "PD-L1 [ng/mL]", "hsa-miR-126", "MIMAT0000445")))
    assert not any(map(is_analyte, ("specimen_id", "CD63", "mirna", "letter", "value", "")))


@pytest.mark.parametrize("header", ["miR-126-3q", "mri-126-3p", "hsa-miR-126-3pp"])
def test_a_slip_of_the_pen_is_asked_about_and_never_taken(athero, header):
    match = match_columns(athero, [header, "age"], "table")
    assert match.near == {"miR-126-3p": header}
    assert "miR-126-3p" not in match.columns


@pytest.mark.parametrize("header", ["miR-423", "hsa-miR-423", "miR-423 [Ct]"])
def test_a_name_without_an_arm_that_once_meant_the_other_is_asked_about(athero, header):
    match = match_columns(athero, [header, "age"], "table")
    assert match.near == {"miR-423-5p": header}
    assert match_columns(athero, ["miR-4230", "miR-42"], "table").near == {}


@pytest.mark.parametrize("header", ["miR-126-5p", "miR-125-3p", "miR-126a-3p", "PD-L2", "PD-L", "PDCD1", "site", "miR-1260b", ""])
def test_another_molecule_is_never_offered_for_a_missing_one(athero, header):
    assert match_columns(athero, [header], "table").near == {}


def test_a_table_of_other_analytes_is_looked_through_quickly(athero):
    headers = [f"gene-{n}-126-3p" for n in range(20_000)]
    started = time.process_time()
    match_columns(athero, headers, "table")
    assert time.process_time() - started < 5

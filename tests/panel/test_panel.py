"""Panels: what is refused and with what advice, how names match, and what the fingerprint follows."""

import tomllib

import pytest
import tomli_w

from exodx.errors import InputRefused
from exodx.panel import builtin_names, load_panel, parse_panel

TARGET = {"name": "miR-126-3p", "kind": "mirna", "unit": "Ct", "aliases": ["MIMAT0000445"]}
REFERENCE = {"name": "miR-103a-3p", "kind": "mirna", "unit": "Ct", "role": "reference"}
PROTEIN = {"name": "PD-L1", "kind": "protein", "unit": "pg/mL", "fraction": "ev"}


def document(*analytes, **head):
    return {"panel": {"name": "p", "version": "1", "title": "t", **head}, "analyte": list(analytes or (TARGET, REFERENCE, PROTEIN))}


def refused(doc):
    with pytest.raises(InputRefused) as caught:
        parse_panel(doc, "p.toml")
    return caught.value.problems


def test_unknown_keys_name_the_nearest_valid_one():
    doc = document({**TARGET, "untis": "Ct"}, REFERENCE, prevalance=0.1) | {"analytes": []}
    fixes = {p.where: p.fix for p in refused(doc)}
    assert fixes == {
        "p.toml: analytes": "Did you mean 'analyte'?",
        "p.toml: analyte miR-126-3p.untis": "Did you mean 'unit'?",
        "p.toml: panel.prevalance": "Did you mean 'prevalence'?",
    }


@pytest.mark.parametrize(
    ("analyte", "head", "code", "words"),
    [
        ({"unit": "ct"}, {}, "UNIT_UNKNOWN", "Did you mean 'Ct'?"),
        ({"unit": 5}, {}, "VALUE_INVALID", "type str"),
        ({"role": "refrence"}, {}, "VALUE_INVALID", "Did you mean 'reference'?"),
        ({"lod": "ten"}, {}, "VALUE_INVALID", "type float"),
        ({"lod": True}, {}, "VALUE_INVALID", "type float"),
        ({"lod": -1.0}, {}, "VALUE_INVALID", "positive number"),
        ({"lod": float("inf")}, {}, "VALUE_INVALID", "positive number"),
        ({"aliases": "x"}, {}, "VALUE_INVALID", "list of str"),
        ({"kind": "protein"}, {}, "FRACTION_MISSING", "ev, soluble or total"),
        ({"name": "HSA-MIR-103A-3P"}, {}, "NAME_TWICE", "once"),
        ({"aliases": ["pd-l1"]}, {}, "NAME_TWICE", "once"),
        ({}, {"name": "../up"}, "NAME_INVALID", "folder"),
        ({}, {"prevalence": 1.0}, "VALUE_INVALID", "between 0 and 1"),
        ({}, {"prevalence": float("nan")}, "VALUE_INVALID", "between 0 and 1"),
        ({}, {"ct_cutoff": 0.0}, "VALUE_INVALID", "cycles"),
        ({}, {"ct_cutoff": float("nan")}, "VALUE_INVALID", "cycles"),
        ({}, {"specimen_type": "plasm"}, "VALUE_INVALID", "Did you mean 'plasma'?"),
        ({}, {"analytes": []}, "KEY_UNKNOWN", "[[analyte]]"),
    ],
)
def test_wrong_values_are_refused_with_advice(analyte, head, code, words):
    (problem,) = refused(document({**TARGET, **analyte}, REFERENCE, PROTEIN, **head))
    assert problem.code == code
    assert words in problem.fix


def test_reference_rules():
    assert refused(document(TARGET))[0].code == "NO_REFERENCE"
    assert parse_panel(document(TARGET, normalisation="none"), "p").normalisation == "none"
    assert refused(document(PROTEIN, {**REFERENCE, "unit": "count"}))[0].code == "REFERENCE_NOT_CT"
    assert [p.code for p in refused(document(REFERENCE))] == ["NO_TARGET"]


def test_all_problems_are_reported_at_once():
    doc = document({"name": "a", "kind": "rna", "unit": 1}, {"unit": "Ct"}, versoin="2") | {"plan": {}}
    assert [p.code for p in refused(doc)] == [
        *("KEY_UNKNOWN", "VALUE_INVALID", "VALUE_INVALID"),
        *("KEY_MISSING", "KEY_MISSING", "KEY_UNKNOWN"),
    ]
    values = document({**PROTEIN, "unit": "pg/ml", "fraction": "ev"}, {**TARGET, "unit": "cycles"}, prevalence=2.0)
    assert [p.code for p in refused(values)] == ["VALUE_INVALID", "UNIT_UNKNOWN", "UNIT_UNKNOWN"]


@pytest.mark.parametrize("doc", [{"panel": 1}, {"panel": {}, "analyte": {"name": "x"}}, {"analyte": ["x"]}, {"analyte": 3}, {}])
def test_a_document_of_another_shape_is_refused(doc):
    assert refused(doc)


def test_names_match_by_alias_case_and_species_prefix_but_never_without_the_arm():
    panel = parse_panel(document(), "p")
    for header in ("miR-126-3p", "hsa-miR-126-3p", " HSA-MIR-126-3P", "mimat0000445"):
        assert panel.columns([header]) == {"miR-126-3p": [header]}
    assert panel.columns(["miR-126", "miR-126*", "miR-126-5p", "miR-126-3p.1", "126-3p"]) == {}
    assert panel.columns(["miR-126-3p", "x", "MIMAT0000445"]) == {"miR-126-3p": ["miR-126-3p", "MIMAT0000445"]}


def test_fingerprint_follows_content_and_not_the_order_of_keys():
    doc = document()
    turned = {
        "analyte": [dict(reversed(a.items())) for a in doc["analyte"]],
        "panel": dict(reversed(doc["panel"].items())),
    }
    first = parse_panel(doc, "p").fingerprint
    assert parse_panel(turned, "elsewhere").fingerprint == first
    others = [
        document(title="u"),
        document(ct_cutoff=36),
        document(censored="limit"),
        document(TARGET, PROTEIN, REFERENCE),
        document({**TARGET, "direction": "up"}, REFERENCE, PROTEIN),
    ]
    assert len({first, *(parse_panel(d, "p").fingerprint for d in others)}) == 1 + len(others)


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_panels_survive_the_round_trip_through_toml(name):
    panel = load_panel(name)
    assert panel.name == name
    assert parse_panel(tomllib.loads(tomli_w.dumps(panel.to_dict())), "copy") == panel


def test_athero_3_is_declared_a_hypothesis(athero):
    assert athero.evidence.startswith("Hypothesis")
    assert "not for use in diagnostic procedures" in athero.intended_use
    assert {a.name: (a.accession, a.direction) for a in athero.with_role("target")} == {
        "miR-126-3p": ("MIMAT0000445", "up"),
        "miR-145-5p": ("MIMAT0000437", "down"),
        "PD-L1": ("Q9NZQ7", "up"),
    }
    assert athero.prevalence is None


def test_load_panel_reads_files_and_advises_on_unknown_names(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(tomli_w.dumps(document()), encoding="utf-8-sig")
    assert load_panel(str(file)).names == ("miR-126-3p", "miR-103a-3p", "PD-L1")
    file.write_text("[panel\n")
    for name, code in {"athro-3": "PANEL_UNKNOWN", "no.toml": "FILE_UNREADABLE", str(file): "TOML_INVALID"}.items():
        with pytest.raises(InputRefused) as caught:
            load_panel(name)
        assert caught.value.problems[0].code == code
        assert code != "PANEL_UNKNOWN" or "'athero-3'" in caught.value.problems[0].fix

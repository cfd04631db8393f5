"""Quality rules as data: defaults with sources; a panel overrides, adds, switches off, and survives the round trip."""

import tomllib

import pytest
import tomli_w

from exodx.errors import InputRefused
from exodx.panel import Analyte, Panel, QualityRule, default_rules, load_panel, parse_panel, rules_of
from exodx.panel.names import look_up
from exodx.panel.names.table import builtin_tables
from exodx.panel.quality import haemolysis_markers

CT = {"name": "a", "kind": "mirna", "unit": "Ct"}


def document(*qc, analyte=CT, **head):
    return {
        "panel": {"name": "p", "version": "1", "title": "t", "normalisation": "none", **head},
        "qc": list(qc),
        "analyte": [analyte],
    }


def refused(*qc, **head):
    with pytest.raises(InputRefused) as caught:
        parse_panel(document(*qc, **head), "p.toml")
    return caught.value.problems


def by_name(panel):
    return {rule.name: rule for rule in rules_of(panel)}


def test_every_default_rule_is_valid_and_says_where_its_limit_comes_from():
    rules = default_rules()
    assert len({rule.name for rule in rules}) == len(rules)
    Panel("p", "1", "t", (Analyte("a", "mirna", "count"),), qc=rules)  # no problem
    for rule in rules:
        assert rule.source
        assert rule.source != "the panel's own"
        if rule.name.startswith(("haemolysis", "a414")):
            assert "not established for EV-isolated RNA" in rule.source
    assert {rule.kind for rule in rules} == {
        *("haemolysis_ct", "haemolysis_counts", "depth", "detection", "spike", "number", "words"),
    }


def test_the_limits_are_those_of_the_sources():
    rules = {rule.name: rule for rule in default_rules()}
    limits = {name: (rule.flag, rule.refuse) for name, rule in rules.items() if rule.kind != "words"}
    assert limits["haemolysis_ct"] == (5.0, 7.0)
    assert limits["haemolysis_counts"] == (1.9, None)
    assert limits["a414"] == (0.072, 0.3)
    assert limits["depth"] == (1e6, None)
    assert (rules["spike"].flag, rules["spike"].robust_sds) == (2.0, 3.0)


def test_the_signature_has_twenty_members_whose_accessions_are_right():
    known, tables = haemolysis_markers(), builtin_tables()
    assert len(known.signature) == 20
    for name, accession in (known.numerator, known.denominator, *known.signature):
        assert look_up(name, tables).accessions == (accession,)


def test_rules_apply_to_the_scales_they_are_made_for():
    ct, counts = parse_panel(document(), "p"), parse_panel(document(analyte={**CT, "unit": "count"}), "p")
    assert {"heparin_tube", "heparin_in_vivo", "detection"} <= set(by_name(ct))
    assert not {"heparin_tube", "heparin_in_vivo", "detection"} & set(by_name(counts))
    assert {"consent", "freeze_thaw", "depth"} <= set(by_name(counts))


def test_a_panel_overrides_a_default_by_name_and_keeps_what_it_looks_at():
    panel = parse_panel(document({"name": "depth", "flag": 2e5, "refuse": 1e4}, {"name": "freeze_thaw", "refuse": 5}), "p")
    depth, thaw = by_name(panel)["depth"], by_name(panel)["freeze_thaw"]
    assert (depth.kind, depth.above, depth.flag, depth.refuse, depth.source) == ("depth", False, 2e5, 1e4, "the panel's own")
    assert (thaw.column, thaw.inclusive, thaw.flag, thaw.refuse) == ("freeze_thaw_n", True, None, 5.0)
    assert by_name(panel)["haemolysis_ct"] in default_rules()


def test_a_panel_adds_rules_and_switches_defaults_off():
    added = {"name": "platelets", "kind": "number", "column": "platelets_per_ul", "flag": 10.0, "source": "own study"}
    panel = parse_panel(document(added, {"name": "detection", "off": True}), "p")
    assert by_name(panel)["platelets"] == QualityRule(**added)
    assert "detection" not in by_name(panel)
    every = parse_panel(document({"name": "heparin_tube", "refuse_words": ["heparin"], "applies_to": []}), "p")
    assert by_name(every)["heparin_tube"].applies_to == ()


@pytest.mark.parametrize(
    "qc",
    [
        [{"name": "depth", "flag": 2e5}],
        [{"name": "detection", "off": True}, {"name": "spike", "flag": 1.5}],
        [{"name": "heparin_tube", "words": ["heparin"], "applies_to": []}],
        [{"name": "x", "kind": "number", "column": "a", "per": "b", "refuse": 3.0, "above": False}],
    ],
)
def test_rules_survive_the_round_trip_through_toml_and_count_in_the_fingerprint(qc):
    panel = parse_panel(document(*qc), "p")
    again = parse_panel(tomllib.loads(tomli_w.dumps(panel.to_dict())), "copy")
    assert again == panel
    assert again.fingerprint == panel.fingerprint != parse_panel(document(), "p").fingerprint
    assert rules_of(again) == rules_of(panel)


def test_a_panel_without_rules_keeps_the_form_it_had():
    assert set(load_panel("athero-3").to_dict()) == {"panel", "analyte"}


@pytest.mark.parametrize(
    ("table", "code", "words"),
    [
        ({"name": "depht", "off": True}, "RULE_UNKNOWN", "Did you mean 'depth'?"),
        ({"name": "depth", "flagg": 1.0}, "KEY_UNKNOWN", "Did you mean 'flag'?"),
        ({"name": "mine", "flag": 1.0}, "KEY_MISSING", "Add kind"),
        ({"name": "mine", "kind": "nmber", "flag": 1.0}, "VALUE_INVALID", "Did you mean 'number'?"),
        ({"name": "mine", "kind": "number", "flag": 1.0}, "COLUMN_MISSING", "Name the specimen column"),
        ({"name": "mine", "kind": "depth", "flag": 1.0, "column": "x"}, "VALUE_INVALID", "Take column and per out"),
        ({"name": "depth"}, "LIMIT_MISSING", "off = true"),
        ({"name": "consent"}, "LIMIT_MISSING", "off = true"),
        ({"name": "depth", "flag": float("nan")}, "VALUE_INVALID", "finite"),
        ({"name": "haemolysis_ct", "flag": 7.0, "refuse": 5.0}, "VALUE_INVALID", "Refuse above"),
        ({"name": "depth", "flag": 1e4, "refuse": 1e6}, "VALUE_INVALID", "Refuse below"),
        ({"name": "depth", "flag": 1e4, "robust_sds": 3.0}, "VALUE_INVALID", "Take it out"),
        ({"name": "consent", "refuse_words": ["no"], "flag": 1.0}, "VALUE_INVALID", "Take it out"),
        ({"name": "depth", "flag": 1.0, "applies_to": ["cts"]}, "VALUE_INVALID", "Did you mean 'ct'?"),
    ],
)
def test_contradictory_rules_are_refused_with_advice(table, code, words):
    problems = refused(table)
    assert code in [p.code for p in problems]
    assert words in " ".join(p.fix for p in problems)


def test_rules_stand_in_tables_of_their_own_and_have_one_name_each():
    assert "Use [[qc]] tables." in refused(qc=[{"name": "depth", "flag": 1.0}])[0].fix
    assert refused({"name": "depth", "flag": 1.0}, {"name": "depth", "flag": 2.0})[0].code == "NAME_TWICE"
    with pytest.raises(InputRefused, match="TABLE_INVALID"):
        parse_panel({**document(), "qc": {"name": "depth"}}, "p")

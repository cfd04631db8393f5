"""What each analyte of a panel is: its accession checked, filled in or refused; and warnings that refuse nothing."""

import tomllib

import pytest
import tomli_w

import exodx
from exodx.errors import InputRefused
from exodx.panel import builtin_names, infer_accessions, load_panel, name_warnings, parse_panel, resolve_names


def panel(*analytes, **head):
    tables = [{"kind": "mirna", "unit": "Ct", **({"name": a} if isinstance(a, str) else a)} for a in analytes]
    document = {"panel": {"name": "p", "version": "1", "title": "t", "normalisation": "none", **head}, "analyte": tables}
    return parse_panel(document, "p.toml")


def codes(refused):
    return [p.code for p in refused.value.problems]


@pytest.mark.parametrize(
    ("name", "accession"),
    [
        ("miR-126-3p", "MIMAT0000445"),
        ("hsa-miR-126", "MIMAT0000445"),  # an older name
        ("miR-126*", "MIMAT0000444"),  # the other arm, never -3p
        ("miR-199a/b-3p", "MIMAT0000232/MIMAT0004563"),
        ("miR-720", "MIMAT0005954"),  # removed from miRBase
        ("miR-99999", None),
        ("hsa-mir-126", None),  # a hairpin
        ("mmu-miR-16-5p", None),
        ("marker A", None),
    ],
)
def test_an_accession_that_the_name_says_is_filled_in(name, accession):
    (analyte,) = resolve_names(panel(name)).analytes
    assert (analyte.name, analyte.accession) == (name, accession)


def test_proteins_are_filled_in_and_other_kinds_left_alone():
    protein = {"name": "PD-L1", "kind": "protein", "unit": "pg/mL", "fraction": "ev"}
    unknown = {"name": "My antigen", "kind": "protein", "unit": "pg/mL", "fraction": "ev"}
    mrna = {"name": "CD274", "kind": "mrna", "unit": "count"}
    resolved = resolve_names(panel(protein, unknown, mrna))
    assert [a.accession for a in resolved.analytes] == ["Q9NZQ7", None, None]
    assert name_warnings(resolved) == ("My antigen: the name is in no table: it is matched by its spelling alone",)


@pytest.mark.parametrize(
    ("analyte", "code", "words"),
    [
        ({"name": "miR-378"}, "NAME_AMBIGUOUS", "mirbase_release"),
        ({"name": "miR-126-3p", "accession": "MIMAT0000444"}, "ACCESSION_MISMATCH", "another molecule"),
        ({"name": "miR-378", "accession": "MIMAT0000445"}, "ACCESSION_MISMATCH", "another molecule"),
        ({"name": "miR-126-3p", "accession": "MIMAT445"}, "ACCESSION_INVALID", "seven digits"),
        ({"name": "miR-126-3p", "accession": "MI0000471"}, "ACCESSION_INVALID", "mature"),
        ({"name": "PD-L1", "kind": "protein", "fraction": "ev", "accession": "P60033"}, "ACCESSION_MISMATCH", "whichever"),
        ({"name": "PD-L1", "kind": "protein", "fraction": "ev", "accession": "PDL1"}, "ACCESSION_INVALID", "UniProt"),
    ],
)
def test_names_and_accessions_that_cannot_be_are_refused(analyte, code, words):
    with pytest.raises(InputRefused) as refused:
        resolve_names(panel(analyte))
    assert codes(refused) == [code]
    assert words in refused.value.problems[0].fix


def test_an_ambiguous_name_is_decided_by_release_or_accession():
    assert resolve_names(panel("miR-378", mirbase_release="9")).analytes[0].accession == "MIMAT0000731"
    assert resolve_names(panel("miR-378", mirbase_release="16")).analytes[0].accession == "MIMAT0000732"
    given = panel({"name": "miR-378", "accession": "MIMAT0000732"})
    assert resolve_names(given) == given
    with pytest.raises(InputRefused, match="RELEASE_UNKNOWN"):
        resolve_names(panel("miR-1-3p", mirbase_release="99"))


def test_one_molecule_under_two_names_is_refused_and_two_fractions_of_a_protein_are_not():
    with pytest.raises(InputRefused) as refused:
        resolve_names(panel("miR-126", "hsa-miR-126-3p"))
    assert codes(refused) == ["NAME_TWICE"]
    fractions = [{"name": n, "kind": "protein", "unit": "pg/mL", "fraction": f} for n, f in (("PD-L1", "ev"), ("CD274", "soluble"))]
    assert {a.accession for a in resolve_names(panel(*fractions)).analytes} == {"Q9NZQ7"}


@pytest.mark.parametrize(
    ("analyte", "words"),
    [
        ("miR-720", "removed from miRBase after release 18"),
        ("miR-126", "an older name"),
        ("hsa-mir-126", "hairpin"),
        ("miR-99999", "in no table"),
        ("mmu-miR-16-5p", "another species"),
        ("cel-miR-39-3p", "role = 'spike_in'"),
        ({"name": "marker A", "accession": "MIMAT9999999"}, "was not checked"),
    ],
)
def test_what_to_mind_is_a_warning(analyte, words):
    (warning,) = [w for w in name_warnings(panel(analyte)) if words in w]
    assert warning.startswith(f"{analyte if isinstance(analyte, str) else analyte['name']}: ")


def test_a_spike_in_is_no_worry():
    spikes = [{"name": n, "role": "spike_in"} for n in ("cel-miR-39-3p", "UniSp6", "ath-miR-159a")]
    assert name_warnings(panel("miR-21-5p", *spikes)) == ()


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_panels_are_resolved_without_a_warning(name):
    loaded = load_panel(name)
    assert all(a.accession for a in loaded.analytes if a.kind in ("mirna", "protein"))
    assert name_warnings(loaded) == ()


def test_a_panel_file_is_resolved_on_loading_and_its_fingerprint_knows(tmp_path):
    document = {"panel": {"name": "p", "version": "1", "title": "t", "normalisation": "none"}}
    short = document | {"analyte": [{"name": "miR-21", "kind": "mirna", "unit": "Ct"}]}
    full = document | {"analyte": [{"name": "miR-21", "kind": "mirna", "unit": "Ct", "accession": "MIMAT0000076"}]}
    for name, content in (("short", short), ("full", full)):
        (tmp_path / f"{name}.toml").write_text(tomli_w.dumps(content))
    loaded = load_panel(str(tmp_path / "short.toml"))
    assert loaded.fingerprint == load_panel(str(tmp_path / "full.toml")).fingerprint
    assert parse_panel(tomllib.loads(tomli_w.dumps(loaded.to_dict())), "panel.toml") == loaded  # a bundle's panel stands as it is


def test_an_inferred_panel_is_never_refused_but_says_what_is_not_sure():
    inferred, notes = infer_accessions(panel("miR-21-5p", "miR-378", "miR-126", "miR-126-3p", "hsa-miR-99999"))
    assert [a.accession for a in inferred.analytes] == ["MIMAT0000076", None, None, None, None]
    text = " ".join(notes)
    assert "MIMAT0000731 (hsa-miR-378a-5p) in releases 6 to 9.2" in text
    assert "columns miR-126, miR-126-3p all mean MIMAT0000445" in text
    assert "hsa-miR-99999" in text


def test_beside_hairpins_a_bare_let_name_is_a_hairpin_too():
    alone, _ = infer_accessions(panel("hsa-let-7b"))
    assert alone.analytes[0].accession == "MIMAT0000063"
    beside, _ = infer_accessions(panel("hsa-let-7b", "hsa-mir-21"))
    assert [a.accession for a in beside.analytes] == [None, None]


def test_resolve_name_is_public():
    assert exodx.resolve_name("miR-126*").accessions == ("MIMAT0000444",)
    assert exodx.resolve_name("miR-378", "9").accessions == ("MIMAT0000731",)
    with pytest.raises(InputRefused, match="NAME_AMBIGUOUS"):
        exodx.resolve_name("miR-378")

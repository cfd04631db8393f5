"""Names: T1 of the domain specification, ambiguous and removed names, sets, proteins, other species, and what is refused how."""

from __future__ import annotations

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.panel.names import Refusal, Resolution, builtin_tables, look_up, parse_release, resolve, resolver, spelling, table
from exodx.panel.names.spelling import mirna_key, protein_key, read_mirna, set_members

TABLES = builtin_tables()

AMBIGUOUS = {  # name: (release, accession) of each meaning
    "miR-340": [("9.2", "MIMAT0000750"), ("16", "MIMAT0004692")],
    "miR-34b": [("9.2", "MIMAT0000685"), ("16", "MIMAT0004676")],
    "miR-378": [("9.2", "MIMAT0000731"), ("16", "MIMAT0000732")],
    "miR-425": [("8", "MIMAT0001343"), ("16", "MIMAT0003393")],
    "miR-488": [("9.2", "MIMAT0002804"), ("16", "MIMAT0004763")],
    "miR-493": [("7.1", "MIMAT0002813"), ("16", "MIMAT0003161")],
    "miR-499a-3p": [("17", "MIMAT0019898"), ("22", "MIMAT0004772")],
    "miR-499a-5p": [("17", "MIMAT0019897"), ("22", "MIMAT0002870")],
    "miR-500": [("9.2", "MIMAT0002871"), ("15", "MIMAT0004773")],
    "miR-516a-3p": [("10.1", "MIMAT0002860"), ("22", "MIMAT0006778")],
    "miR-516a-5p": [("22", "MIMAT0004770")],
    "miR-550": [("9.2", "MIMAT0003257"), ("15", "MIMAT0004800")],
    "miR-589": [("9.2", "MIMAT0003256"), ("16", "MIMAT0004799")],
    "miR-593": [("9.2", "MIMAT0003261"), ("16", "MIMAT0004802")],
    "miR-616": [("9.2", "MIMAT0003284"), ("16", "MIMAT0004805")],
    "miR-624": [("9.2", "MIMAT0003293"), ("16", "MIMAT0004807")],
    "miR-629": [("9.2", "MIMAT0003298"), ("16", "MIMAT0004810")],
    "miR-3190-3p": [("15", "MIMAT0015074"), ("22", "MIMAT0022839")],
}


def found(name, release=None):
    return resolve(name, release, TABLES)


def refused(name, release=None):
    with pytest.raises(InputRefused) as caught:
        found(name, release)
    (problem,) = caught.value.problems
    return problem


# T1 ------------------------------------------------------------


def test_a_star_is_looked_up_and_never_guessed():
    assert found("miR-126*").accessions == ("MIMAT0000444",)
    assert found("miR-126*").names == ("hsa-miR-126-5p",)
    assert found("miR-199a*").names == ("hsa-miR-199a-3p",)


@pytest.mark.parametrize("name", ["miR-126", "hsa-mir-126", "HSA-MIR-126-3P", "MIMAT0000445", "mimat0000445", "hsa-miR-126-3p"])
def test_spellings_of_mir_126_3p(name):
    answer = found(name)
    assert (answer.kind, answer.accessions, answer.names) == ("mirna", ("MIMAT0000445",), ("hsa-miR-126-3p",))


def test_a_bare_name_is_told_what_it_became_and_what_the_other_arm_is_called():
    (warning,) = found("miR-126").warnings
    assert "releases 6 to 17" in warning
    assert "hsa-miR-126-3p" in warning
    assert "hsa-miR-126-5p" in warning
    assert found("miR-126", "16").warnings == ()
    assert "no name of release 22" in found("miR-126", "22").warnings[0]
    assert found("hsa-miR-126-3p").warnings == ()
    assert found("miR-107").warnings == ()  # has no arm in release 22 either


@pytest.mark.parametrize("name", ["hsa-mir-126", "mir-126", "MIR126"])
def test_a_hairpin_is_never_accepted_silently(name):
    assert "hairpin" in found(name).warnings[0]


@pytest.mark.parametrize("name", ["hsa-miR-126", "HSA-MIR-126", "MiR-126", "hsa-mir-126-3p", "hsa-mir-126*"])
def test_what_is_not_written_like_a_hairpin_is_not_called_one(name):
    assert not any("hairpin" in warning for warning in found(name).warnings)


def test_removed_names_are_warned_of_and_not_refused():
    answer = found("miR-720")
    assert (answer.accessions, answer.names, answer.removed) == (("MIMAT0005954",), ("hsa-miR-720",), True)
    assert "removed from miRBase after release 18" in answer.warnings[0]
    for name in ("1254", "1273", "1273a", "1273g-3p", "1274a", "1274b", "1280", "1308", "1826", "3656", "4417", "4532"):
        assert found(f"hsa-miR-{name}").removed, name


@pytest.mark.parametrize(
    "name",
    [
        "miR-199a/b-3p",
        "hsa-miR-199a/b-3p",
        "miR-199a-3p/199b-3p",
        "miR-199a-3p/b-3p",
        "miR-199a-3p/b",
        "MIR-199A/B-3P",
        "hsa-miR-199a-3p+hsa-miR-199b-3p",
        "hsa-miR-199a-3p/hsa-miR-199b-3p",
    ],
)
def test_a_set_means_every_member(name):
    answer = found(name)
    assert answer.kind == "mirna_set"
    assert answer.accessions == ("MIMAT0000232", "MIMAT0004563")
    assert answer.names == ("hsa-miR-199a-3p", "hsa-miR-199b-3p")
    assert answer.warnings == ("one mature sequence: no assay tells the members apart",)


# the 18 ------------------------------------------------------------


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_names_are_refused_until_a_release_is_given(name):
    assert len(AMBIGUOUS) == 18
    problem = refused(name)
    assert problem.code == "NAME_AMBIGUOUS"
    assert "--release" in problem.fix
    for release, accession in AMBIGUOUS[name]:
        assert accession in problem.found
        assert found(name, release).accessions == (accession,)
        assert found(accession).accessions == (accession,)


@pytest.mark.parametrize(("name", "release"), [("miR-378", "22"), ("miR-493", "8.1"), ("miR-516a-5p", "10"), ("hsa-mir-378", None)])
def test_a_release_that_does_not_decide_it_is_no_help(name, release):
    problem = refused(name, release)
    assert problem.code == "NAME_AMBIGUOUS"
    assert "give the accession" in problem.fix
    assert ("hairpin" in problem.found) == (name == "hsa-mir-378")


def test_in_release_10_itself_one_name_meant_two():
    assert "In that release itself" in refused("miR-516a-5p", "10").fix


def test_a_set_may_be_written_in_accessions_and_one_member_is_no_set():
    assert found("MIMAT0000232/MIMAT0004563").names == found("miR-199a/b-3p").names
    answer = found("miR-126/miR-126-3p")
    assert (answer.kind, answer.accessions) == ("mirna", ("MIMAT0000445",))


def test_different_molecules_in_a_set_are_warned_of():
    assert "different molecules" in found("miR-126-3p/5p").warnings[-1]
    assert found("miR-720/miR-21-5p").removed


def test_a_set_with_an_ambiguous_member_is_refused():
    assert "'miR-378'" in refused("miR-378/422b").found


def test_releases():
    assert [parse_release(text) for text in ("16", "v9_2", "9.2", "r10.1", "22.1", "9.0")] == [
        (16,),
        (9, 2),
        (9, 2),
        (10, 1),
        (22,),
        (9,),
    ]
    for text in ("5", "23", "22.2", "", "sixteen", "9.2.1", "-1", "1e1"):
        with pytest.raises(InputRefused, match="RELEASE_UNKNOWN"):
            parse_release(text)


# late renames, spellings ------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("miR-375", "375-3p"), ("miR-137", "137-3p"), ("miR-320a", "320a-3p"), ("miR-1", "1-3p"), ("miR-210", "210-3p"),
        ("miR-133a", "133a-3p"), ("miR-208a", "208a-3p"), ("miR-208b", "208b-3p"), ("miR-410", "410-3p"), ("miR-433", "433-3p"),
        ("miR-153", "153-3p"), ("miR-203", "203a-3p"), ("miR-203a", "203a-3p"), ("miR-451", "451a"), ("miR-103", "103a-3p"),
        ("miR-92", "92a-3p"), ("miR-122a", "122-5p"), ("miR-124a", "124-3p"), ("miR-146", "146a-5p"), ("miR-151", "151a-3p"),
        ("miR-422b", "378a-3p"), ("miR-368", "376c-3p"), ("miR-9", "9-5p"), ("miR-486", "486-5p"), ("miR-155", "155-5p"),
    ],
)  # fmt: skip
def test_older_names(old, new):
    assert found(old).names == (f"hsa-miR-{new}",)
    assert "older name" in found(old).warnings[0]


@pytest.mark.parametrize(
    "name", ["hsa_miR_126_3p", "miR126-3p", " miR-126-3p ", "miR‑126−3p", "miRNA-126-3p", "microRNA 126-3p", "hsa-miR-126.3p"]
)
def test_spellings_that_mean_the_same(name):
    assert found(name).accessions == ("MIMAT0000445",)


def test_an_arm_without_its_dash_is_not_guessed():
    assert refused("miR-1263p").code == "NAME_UNKNOWN"  # might as well be a miR-1263


@pytest.mark.parametrize("name", ["miR-126＊", "miR-126∗", "miR-126#", "miR-126-star", "hsa-miR-126star"])
def test_stars_of_other_makes(name):
    assert found(name).accessions == ("MIMAT0000444",)


def test_let_7():
    assert found("let-7a").names == found("hsa-let-7a").names == found("let7a-5p").names == ("hsa-let-7a-5p",)
    assert refused("hsa-let-7a-1").code == refused("MIRLET7A1").code == "NAME_HAIRPIN"


def test_reading_a_spelling():
    assert read_mirna("PD-L1") is None
    assert read_mirna("mmu-miR-126-3p").species == "mmu"
    assert mirna_key("hsa-miR-16-1-3p") != mirna_key("hsa-miR-16-3p")
    assert mirna_key("hsa-miR-550a-3-5p") == "mir-550a-3-5p"
    assert protein_key("Aβ1-42") == protein_key("abeta1-42")
    assert set_members("miR-126-3p/5p") == ("miR-126-3p", "miR-126-5p")
    assert set_members("let-7a/f-5p") == ("let-7a-5p", "let-7f-5p")
    assert set_members("miR-17/20a") == ("miR-17", "miR-20a")
    assert set_members("miR-126/145-5p") == set_members("miR-126/miR-145-5p") == ("miR-126", "miR-145-5p")  # no arm is lent
    assert set_members("miR-145-5p/126") == ("miR-145-5p", "miR-126")
    assert set_members("miR-199a/199b-3p") == ("miR-199a-3p", "miR-199b-3p")
    assert set_members("let-7a-5p/miR-98-5p") == ("let-7a-5p", "miR-98-5p")
    assert set_members("miR-16-1-3p/mmu-miR-145-5p") == ("miR-16-1-3p", "mmu-miR-145-5p")
    assert set_members("HER2/neu") == set_members("miR-1/") == set_members("miR-" + "/".join("1234567891")) == ()


@pytest.mark.parametrize("module", [resolver, spelling, table])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


# what is not a human mature miRNA ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("mmu-miR-126-3p", "NAME_NOT_HUMAN", "hsa-miR-126-3p"),
        ("ath-miR-159a", "NAME_NOT_HUMAN", "spike_in"),
        ("cel-miR-238-3p", "NAME_NOT_HUMAN", "spike_in"),
        ("LIN28B", "NAME_UNKNOWN", "proteins in the table"),
        ("ebv-miR-BART7", "NAME_UNKNOWN", "Check the spelling"),
        ("miR-126-3p|0|-1", "NAME_ISOMIR", "hsa-miR-126-3p"),
        ("hsa-miR-126-3p_000451", "NAME_ISOMIR", "hsa-miR-126-3p"),
        ("hsa-mir-16-1", "NAME_HAIRPIN", "hsa-miR-16-5p (MIMAT0000069)"),
        ("MI0000471", "NAME_HAIRPIN", "MIMAT"),
        ("MIMAT000445", "NAME_UNKNOWN", "MIMAT0000445 (hsa-miR-126-3p)"),
        ("MIMAT9999999", "NAME_UNKNOWN", "exodx name import"),
        ("miR-107-3p", "NAME_UNKNOWN", "hsa-miR-107 (MIMAT0000104)"),
        ("miR-127-3p", "NAME_UNKNOWN", "exodx name import"),
        ("U6", "NAME_NOT_MIRNA", "no safe reference"),
        ("RNU6-1", "NAME_NOT_MIRNA", "kind = 'other'"),
        ("SNORD48", "NAME_NOT_MIRNA", "kind = 'other'"),
        ("CA 19-9", "NAME_NOT_PROTEIN", "kind = 'other'"),
        ("PD-L3", "NAME_UNKNOWN", "CD274 (Q9NZQ7, PD-L1)"),
        ("P12345", "NAME_UNKNOWN", "Check it at UniProt"),
        ("", "NAME_UNKNOWN", "Give a miRNA"),
        ("miR-" + "1" * 500, "NAME_UNKNOWN", "Give a miRNA"),
    ],
)
def test_refusals_say_what_to_do(name, code, words):
    problem = refused(name)
    assert problem.code == code
    assert words in str(problem)


@pytest.mark.parametrize("name", ["cel-miR-39", "cel-miR-39-3p"])
def test_the_usual_spike_in_is_known_as_one(name):
    answer = found(name)
    assert (answer.kind, answer.accessions) == ("spike_in", ("MIMAT0000010",))
    assert "role = 'spike_in'" in answer.warnings[0]


# proteins ------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "accession", "symbol"),
    [
        ("PD-L1 pdl1 CD274 Q9NZQ7 q9nzq7 B7-H1", "Q9NZQ7", "CD274"),
        ("ALIX PDCD6IP", "Q8WUM4", "PDCD6IP"),
        ("HER2 ERBB2 HER2/neu", "P04626", "ERBB2"),
        ("TNF TNFα TNF-alpha", "P01375", "TNF"),
        ("NfL NEFL", "P07196", "NEFL"),
        ("tau MAPT P10636-8", "P10636", "MAPT"),
        ("Aβ42 APP", "P05067", "APP"),
        ("CA-125 CA125 MUC16", "Q8WXI7", "MUC16"),
        ("CD9 cd-9", "P21926", "CD9"),
    ],
)
def test_proteins_by_symbol_alias_and_accession(names, accession, symbol):
    for name in names.split():
        answer = found(name)
        assert (answer.kind, answer.accessions, answer.names) == ("protein", (accession,), (symbol,)), name


@pytest.mark.parametrize(("name", "meanings"), [("HSP70", "P0DMV8 P0DMV9"), ("troponin", "P19429 P45379"), ("TF", "P02787 P13726")])
def test_an_alias_of_several_proteins_is_refused(name, meanings):
    problem = refused(name)
    assert problem.code == "NAME_AMBIGUOUS"
    assert all(accession in problem.found for accession in meanings.split())


def test_the_isoform_of_a_protein_is_mentioned():
    assert any("isoform" in warning for warning in found("P10636-8").warnings)


# the tables ------------------------------------------------------------


def test_the_tables_are_consistent():
    assert len(TABLES.matures) > 300
    assert len(TABLES.proteins) > 90
    assert len({p.symbol for p in TABLES.proteins.values()}) == len(TABLES.proteins)
    for accession, mature in TABLES.matures.items():
        assert re.fullmatch(r"MIMAT\d{7}", accession)
        assert any(span.name == mature.name for span in mature.spans)
        assert all(span.first <= span.last for span in mature.spans)
        assert mature.removed != any(span.holds((22,)) for span in mature.spans)
        assert all(accession in TABLES.matures[twin].twins for twin in mature.twins)
    several = {key for key, meanings in TABLES.mirna_index.items() if len({m.accession for m, _ in meanings}) > 1}
    assert several == {mirna_key(name) for name in AMBIGUOUS}


def test_no_protein_is_read_as_a_mirna_and_no_mirna_as_a_protein():
    assert not TABLES.protein_index.keys() & {protein_key(key) for key in TABLES.mirna_index}
    for protein in TABLES.proteins.values():
        for name in (protein.accession, protein.symbol):
            answer = look_up(name, TABLES)
            if name != "TF":
                assert isinstance(answer, Resolution), name
                assert answer.accessions == (protein.accession,)


# anything at all ------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *(
            "hsa-",
            "mmu-",
            "cel-",
            "miR-",
            "mir",
            "MIR",
            "let-7",
            "126",
            "199a",
            "b",
            "378",
            "-3p",
            "5P",
            "*",
            "/",
            "+",
            "|",
            "-",
            "_",
            "#",
        ),
        *("star", "MIMAT", "MI", "0000445", "PD-L1", "P10636", "-8", "β", "＊", " ", "\x00", "\n"),
    ]
)


@given(
    st.one_of(st.text(max_size=150), st.lists(PIECES, max_size=8).map("".join)), st.sampled_from([None, (6,), (9, 2), (16,), (22,)])
)
def test_any_text_is_resolved_or_refused(name, release):
    answer = look_up(name, TABLES, release)
    if isinstance(answer, Refusal):
        assert answer.problem.found
        assert answer.problem.fix
        assert "\n" not in str(answer.problem)
        assert len(str(answer.problem)) < 2500
    else:
        assert len(answer.accessions) == len(answer.names) == len(set(answer.accessions)) > 0


@given(
    st.sampled_from(sorted(TABLES.matures)),
    st.sampled_from([str.upper, str.title, lambda s: s.removeprefix("hsa-"), lambda s: f" {s}"]),
)
def test_the_current_name_and_its_accession_mean_the_same_in_any_spelling(accession, respell):
    mature = TABLES.matures[accession]
    by_name = look_up(respell(mature.name), TABLES)
    if not isinstance(by_name, Refusal):
        assert by_name.accessions == look_up(accession, TABLES).accessions == (accession,)
    else:
        assert by_name.problem.code == "NAME_AMBIGUOUS"

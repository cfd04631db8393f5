"""Families of miRNAs, from their names."""

from importlib import resources

import pytest

from exodx.panel.names import builtin_families, builtin_tables, families_of, family_of
from exodx.panel.names.spelling import mirna_key


@pytest.mark.parametrize(
    "members",
    [
        ("let-7a-5p", "hsa-let-7b-5p", "let-7i-3p", "hsa-let-7f-1-3p", "miR-98-5p"),
        ("miR-103a-3p", "miR-107", "hsa-miR-103"),
        ("miR-17-5p", "miR-18a-5p", "miR-19b-3p", "miR-20a-5p", "miR-92a-3p", "miR-106a-5p", "miR-363-3p", "miR-20b-5p"),
        ("miR-106b-5p", "miR-93-5p", "miR-25-3p", "miR-17-3p"),
        ("miR-30a-5p", "miR-30a-3p", "hsa-miR-30e-3p", "miR-30a*"),
        ("miR-29a-3p", "miR-29b-3p", "miR-29c-5p", "hsa-miR-29b-1-5p"),
        ("miR-15a-5p", "miR-16-5p", "miR-195-5p", "miR-497-5p", "miR-424-5p"),
        ("miR-99a-5p", "miR-100-5p"),
        ("miR-125a-5p", "miR-125b-5p"),
        ("miR-181a-5p", "miR-181c-5p"),
        ("miR-23a-3p", "miR-27b-3p", "miR-24-3p"),
        ("miR-221-3p", "miR-222-3p"),
        ("miR-451a", "miR-144-3p", "hsa-miR-451"),
        ("miR-191-5p", "miR-425-5p", "miR-425-3p"),
        ("miR-199a/b-3p", "miR-199a-5p"),
        ("HSA-MIR-126-3P", "hsa-mir-126", "miR-126*", "MIR126"),
    ],
)
def test_members_share_a_family(members):
    assert len(set(families_of(members).values())) == 1


def test_others_do_not():
    names = ("let-7a-5p", "miR-103a-3p", "miR-16-5p", "miR-17-5p", "miR-423-5p", "miR-484", "miR-191-5p", "miR-125b-5p")
    apart = (*names, "miR-99a-5p", "miR-30a-5p", "miR-3", "miR-300-3p", "miR-1-3p", "miR-10a-5p", "miR-100-5p", "miR-7-5p")
    found = families_of(apart)
    assert found.pop("miR-99a-5p") == found.pop("miR-100-5p")
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("name", ["CD63", "U6", "cel-miR-39-3p", "MIMAT0000062", "", "mmu-let-7a-5p"])
def test_what_is_no_human_mirna_is_its_own_family(name):
    assert family_of(name) == name


def test_the_table_says_why_and_where_from():
    text = (resources.files("exodx.panel.names") / "families.tsv").read_text(encoding="utf-8")
    header, *rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    assert header == ["member", "family", "why", "source"]
    assert all(len(row) == 4 and all(row) for row in rows)
    assert len({row[0] for row in rows}) == len(rows) == len(builtin_families())
    assert all(sum(row[1] == family for row in rows) > 1 for family in builtin_families().values())
    assert all("10." in row[3] and ("cluster" in row[2] or "seed" in row[2] or "one base" in row[2]) for row in rows)


def test_every_current_name_has_a_family():
    names = [mature.name for mature in builtin_tables().matures.values() if not mature.removed]
    found = families_of(names)
    assert all(family.startswith(("miR-", "let-")) for family in found.values())
    assert all(family_of(name.removeprefix("hsa-")) == family for name, family in found.items())


def test_a_seed_that_is_given_as_the_reason_is_the_molecules(cohorts_folder):
    table = cohorts_folder.parent / "reference" / "mirna_panel_accessions.csv"
    if not table.is_file():
        pytest.skip(f"the sequences are not here: {table}")
    sequences = {mirna_key(row.split(",")[0]): row.split(",")[2] for row in table.read_text(encoding="utf-8").splitlines()[1:]}
    text = (resources.files("exodx.panel.names") / "families.tsv").read_text(encoding="utf-8")
    checked = 0
    for member, _, why, _ in (line.split("\t") for line in text.splitlines() if "seed " in line and not line.startswith("#")):
        seed = why.split("seed ")[1].split(";")[0].split()[0]
        known = [
            s for key, s in sequences.items() if family_of(key) == family_of(member) and key.startswith(f"{member.casefold()}-")
        ]
        if known:
            checked += 1
            assert any(sequence[1:8] == seed for sequence in known), (member, seed)
    assert checked >= 8

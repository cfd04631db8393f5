"""What analytes also tell of, with sources; by accession before name."""

from importlib import resources

import pytest

from exodx.panel import Analyte
from exodx.panel.markers import read_markers, tags
from exodx.panel.names import look_up
from exodx.panel.names.table import builtin_tables
from exodx.panel.quality import haemolysis_markers

KINDS = {"haemolysis", "platelet", "drug", "liver", "muscle", "heart", "small_nuclear", "disease"}


def rows():
    text = (resources.files("exodx.panel") / "markers.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")][1:]


def test_every_row_has_a_known_kind_a_source_and_the_accession_of_its_name():
    tables = builtin_tables()
    for accession, name, kind, what, source in rows():
        assert kind in KINDS
        assert what
        assert source
        if accession and name != "miR-499a-5p":  # a name that meant two molecules: the accession stands
            assert look_up(name, tables).accessions == (accession,)
    assert len({tuple(row[:4]) for row in rows()}) == len(rows())


def test_the_whole_haemolysis_signature_is_tagged():
    markers = read_markers()
    for name, _ in haemolysis_markers().signature:
        assert "haemolysis" in {tag.kind for tag in markers.tags(name)}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("hsa-miR-126-3p", {"platelet", "drug", "disease"}),
        ("miR-126-5p", set()),
        ("MIR-16-5P", {"haemolysis", "disease"}),
        ("miR-122-5p", {"liver", "disease"}),
        ("U6", {"small_nuclear"}),
        ("rnu6b", {"small_nuclear"}),
        ("GAPDH", set()),
        ("miR-103a-3p", set()),
    ],
)
def test_tags_by_name(name, kinds):
    assert {tag.kind for tag in tags(name)} == kinds


def test_the_accession_wins_over_another_spelling():
    assert [t.kind for t in tags(Analyte("red cells", "mirna", "Ct", accession="MIMAT0001631"))] == ["haemolysis"]
    assert [t.kind for t in tags(Analyte("miR-451a", "mirna", "Ct"))] == ["haemolysis"]
    assert tags(Analyte("x", "mirna", "Ct", accession="MIMAT0000101")) == ()


def test_labels_are_short_and_leave_out_what_every_target_is():
    markers = read_markers()
    assert markers.label("miR-451a") == "miR-451a (haemolysis)"
    assert markers.label("U6") == "U6 (small nuclear RNA)"
    assert markers.label("miR-1290") == "miR-1290"
    assert markers.label("miR-451a", "451…") == "451… (haemolysis)"

"""Marks are necessary: where none stands, no family of exports knows the content."""

from __future__ import annotations

from random import Random

import pytest

from exodx.errors import InputRefused
from exodx.tables import delimited, exports, marks
from exodx.tables.decoding import Decoded, decode
from exodx.tables.instruments import registry as instruments
from exodx.tables.table import TextTable
from tests.hostile.run import made

TEXTS = ("instruments", "plates", "olink", "rcc", "adat", "geo", "proteins", "counts", "delimited")


def decoded(content: bytes) -> Decoded | None:
    try:
        return decode("x.txt", content)
    except InputRefused:
        return None


def parsed(text: Decoded) -> TextTable | None:
    try:
        return delimited.parse("x.txt", text, [])
    except InputRefused:
        return None


def recast(rng: Random, text: str) -> str:
    """Write words of the header otherwise, as far as a reader of headings does not mind."""
    ways = (str.upper, str.title, str.lower, lambda t: t.replace(" ", "_"), lambda t: t.replace("t", "т"), '"{}"'.format)
    head, end, rest = text.partition("\n")
    sign = max("\t,;", key=head.count)
    return sign.join(rng.choice(ways)(cell) if rng.random() < 0.5 else cell for cell in head.split(sign)) + end + rest


@pytest.mark.parametrize("reader", TEXTS)
def test_a_text_or_table_without_a_mark_is_known_by_nobody(reader):
    n_unmarked = 0
    for number in range(60):
        text = decoded(made(reader, 17, number))
        if text is None or "\x00" in text.text[:100]:
            continue
        for content in (text.text, recast(Random(number), text.text)):
            if not marks.in_text(content):
                assert exports.of_text("x.txt", content, []) is None
                n_unmarked += 1
        table = parsed(text)
        if table is not None and not marks.in_table(table):
            assert exports.of_table(table) is table
    assert n_unmarked or reader != "delimited"  # there are such


def test_each_instrument_names_a_place_that_is_a_mark():
    """Whatever else its header says: without the column of wells no family finds its columns."""
    for family in instruments.FAMILIES:
        locator = family.locate.__closure__
        needed = next((cell.cell_contents for cell in locator or () if isinstance(cell.cell_contents, dict)), None)
        if needed is None or "well" not in needed:
            assert family.title in ("Fluidigm BioMark",)  # Chamber ID
            continue
        assert all(marks.in_text(f"x,{name},y\n") for name in needed["well"]), family.title
    assert marks.in_text("Chamber,Sample\nID,Name\n")


@pytest.mark.parametrize(
    "text",
    [
        "##BLOCKS= 2\n",
        "Software Version\t3.08\n\nProcedure Details\n",
        'Program,"xPONENT"\n',
        'Type,"We"ll,FI,Obs Conc\n',
        "Sample_Assay,WELL,Signal\n",
        "<>,1,2,3\nA,1,2,3\nB,1,2,3\nC,1,2,3\n",
        '"",1,2,3\n"A",1,2,3\n"B",1,2,3\n"C",1,2,3\n',
        "!Series_title\tx\n",
        "\ufeff<Header>\n",
        "miR-21\tS1\t27.1\tcase\n",
        "# listing\n\nmiR-21 S1 NA case\n",
        " Specimen,Well_Position\n",
        "Тhroughhole.Address,x\n",
    ],
)
def test_every_family_of_plates_and_texts_is_marked(text):
    assert marks.in_text(text)


def test_plain_tables_of_specimens_are_not_marked():
    for text in (
        "specimen_id,miR-21-5p,miR-126-3p\nS1,24.1,25\n",
        "id\tage\tPD-L1 (pg/mL)\tclass\nS1\t61\t12.5\tcase\n",
    ):
        assert not marks.in_text(text)
        assert not marks.in_table(delimited.parse("x.csv", decode("x.csv", text.encode()), []))

"""What a text or a table must hold for any export of :mod:`exodx.tables.exports` to be in it.

Where nothing of it stands, no family would know the content, and none has to be loaded: a small plain table is read at once. Where
some of it stands, the families decide. So a mark may be too common and never too rare; a new family adds its own here.
"""

from __future__ import annotations

import re
from itertools import islice

from exodx.tables.table import TextTable

SEARCHED = 1 << 20
"""Letters of a text that are searched; a longer one goes to the families, whose loading is nothing beside its reading."""

_BEGINS = ("!", '"!', "^", "<")
"""How the texts of platforms begin."""

_WORDS = re.compile(r"\b(?:well|pos|chamber|program|software version|blocks=)|hole\.address")
"""Every table of wells has a column of their places; SoftMax Pro, Gen5 and xPONENT name themselves."""

_ROWS = tuple(re.compile(rf"\b{letter}\b") for letter in "abc")
"""A plate drawn as it looks has rows called so."""

_CT = re.compile(r"\d|na$|undetermined$")
_OF_PLATFORMS = ("assay", "protein", "precursor")


def in_text(text: str) -> bool:
    r"""Say whether a text may be an export.

    >>> in_text("specimen_id,miR-21\nS1,24.1\n"), in_text("Well,Sample,Target,Cq\n")
    (False, True)
    """
    if len(text) > SEARCHED or text.lstrip("\ufeff \t\r\n").startswith(_BEGINS):
        return True
    plain = text.replace('"', "").replace("_", " ").casefold()
    return bool(_WORDS.search(plain)) or all(row.search(plain) for row in _ROWS) or _is_listed(text.casefold())


def in_table(table: TextTable) -> bool:
    """Say whether a table may be a platform's: by words of its header, or semicolons between a protein group's accessions."""
    header = "".join(table.header)
    if ";" in header or any(word in re.sub(r"[\s_.-]", "", header).casefold() for word in _OF_PLATFORMS):
        return True
    return any(";" in cell for cell in table.columns[table.header[0]])


def _is_listed(text: str) -> bool:
    """Say whether the first line may be a well's without a header: analyte, subject, Ct, class."""
    lines = (line for line in re.split(r"[\r\n]", text) if line.strip() and not line.startswith("#"))
    for line in islice(lines, 1):
        cells = line.split("\t") if "\t" in line else line.split()
        return len(cells) == 4 and bool(_CT.match(cells[2].strip()))
    return False

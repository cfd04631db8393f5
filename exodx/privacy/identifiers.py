"""What identifies a person directly, told from a column's heading and cells; no cell is ever repeated in what is told."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from exodx.privacy.numbers import PERSONAL_NUMBERS

FEW = 5
"""So many distinct numbers must prove themselves before a column is taken for persons' numbers without a heading that says so."""
MOST_WRONG = 0.05
MOST_CELLS = 2000
"""Distinct cells that are looked at."""
PROSE_WORDS, PROSE_CELLS = 5, 3
MANY, SOME = 0.5, 0.2

WORDS = {
    "name": "names of persons",
    "birth_date": "dates of birth",
    "record_number": "record or insurance numbers",
    "phone": "telephone numbers",
    "address": "postal addresses",
    "free_text": "free text, which may name persons",
}

_MEASURED = re.compile(r"[-+]?\d+[.,]\d{1,3}")
"""A number with decimals is a measurement (of the gene CNP, say), not a person's number."""
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"\+?[\d\s()./-]{7,20}")
_DATES = (
    r"\d{1,4}[-./年 ]\d{1,2}[-./月 ]\d{1,4}日?(?:[T ].*)?",
    r"(?:19|20)\d{6}",
    r"\d{1,2}\.? ?[^\W\d]{3,9}\.? ?\d{2,4}",
    r"[^\W\d]{3,9} \d{1,2},? \d{4}",
)
_DATE = re.compile("|".join(_DATES))
_NAME = re.compile(r"[^\W\d_]{1,}(?:[ ,.'’-]+[^\W\d_]+)*\.?")
_ADDRESS = re.compile(r".*\d.*[^\W\d_]{3,}.*|.*[^\W\d_]{3,}.*\d.*")
_POSTCODE = re.compile(
    r"\d{4,6}|\d{5}-\d{3,4}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A column that identifies persons directly.

    Parameters
    ----------
    column : str
    what : str
        In words, in the plural.
    cells : int
        Distinct cells that look like it.
    """

    column: str
    what: str
    cells: int


def direct_identifiers(columns: Mapping[str, Sequence[str]]) -> list[Identifier]:
    """Return the columns that identify persons directly.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        Columns that are no measurements; cells as written.

    Examples
    --------
    >>> found = direct_identifiers({"Nachname": ["Ohm", "Abbe"], "contact": ["a.b@example.org", ""], "centre": ["A", "B"]})
    >>> [(each.column, each.what, each.cells) for each in found]
    [('Nachname', 'names of persons', 2), ('contact', 'e-mail addresses', 1)]
    """
    found = []
    for column, cells in columns.items():
        distinct = list(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))[:MOST_CELLS]
        told = _of_cells(distinct) or _of_heading(column, distinct)
        if told is not None:
            found.append(Identifier(column, *told))
    return found


def _of_cells(cells: Sequence[str]) -> tuple[str, int] | None:
    """Tell from the cells alone."""
    if emails := sum("@" in cell and _EMAIL.search(cell) is not None for cell in cells):
        return "e-mail addresses", emails
    if len(cells) < FEW:
        return None
    for what, proves in PERSONAL_NUMBERS.items():
        misses, allowed = 0, MOST_WRONG * len(cells)
        for cell in cells:
            misses += not proves(cell)
            if misses > allowed:
                break
        else:
            return what, len(cells) - misses
    return None


def _of_heading(column: str, cells: Sequence[str]) -> tuple[str, int] | None:
    """Tell from the heading, where the cells bear it out."""
    words = f" {_folded(column)} "
    for kind, names in _headings().items():
        if any(f" {name} " in words for name in names):
            like = _cells_like(kind, cells)
            if like:
                return WORDS[kind], like
    return None


def _cells_like(kind: str, cells: Sequence[str]) -> int:
    """Return how many cells look like what the heading says; 0 where too few do."""
    if not cells:
        return 0
    if kind == "free_text":
        prose = sum(len(cell.split()) >= PROSE_WORDS for cell in cells)
        return prose if prose >= PROSE_CELLS else 0
    patterns = {"name": (_NAME,), "birth_date": (_DATE,), "address": (_ADDRESS, _POSTCODE)}
    if kind == "record_number":
        numbers = [cell for cell in cells if len(cell) >= 4 and not _MEASURED.fullmatch(cell)]
        like = sum(any(letter.isdecimal() for letter in cell) for cell in numbers)
    elif kind == "phone":
        like = sum(_PHONE.fullmatch(cell) is not None and sum(map(str.isdecimal, cell)) >= 7 for cell in cells)
    else:
        like = sum(any(pattern.fullmatch(cell) for pattern in patterns[kind]) for cell in cells)
    return like if like >= MANY * len(cells) else 0


@cache
def _headings() -> dict[str, tuple[str, ...]]:
    text = files("exodx.privacy").joinpath("headings.toml").read_text(encoding="utf-8")
    return {kind: tuple(_folded(name) for name in names) for kind, names in tomllib.loads(text).items()}


def _folded(text: str) -> str:
    """Return words in lower case, without accents and signs; words that are written together with capitals are cut."""
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", text)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart.casefold()) if not unicodedata.combining(c))
    plain = plain.replace("ø", "o").replace("ł", "l").replace("đ", "d").replace("ı", "i")
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())

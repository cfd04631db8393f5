"""Names that are none: not what they look like (characters that nobody sees, letters of two alphabets in one word), or endless."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from exodx.errors import Problem

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]"
)
"""Control and format characters; line ends within a name are left, since spreadsheets wrap them."""

LONGEST_NAME = 1000
"""Letters of a column's name."""

_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕԛԝмткАВЕКМНОРСТХЅІЈУοιρνΑΒΕΗΙΚΜΝΟΡΤΧΥΖ",
    "aeopcyxijsqwmtkABEKMHOPCTXSIJYoipvABEHIKMNOPTXYZ",
)
"""Cyrillic and Greek letters, and the Latin ones that they look like."""

_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"))


def unlike(where: str, names: Iterable[str]) -> list[Problem]:
    r"""Say which names of columns are not what they look like, or far too long.

    >>> [p.code for p in unlike("t.csv", ["miR-126-3p", "miR-126-3p\u200b", "РD-L1", "Рост", "PD‑L1"])]
    ['NAME_INVISIBLE', 'NAME_LOOK_ALIKE']
    """
    problems = []
    for name in names:
        if len(name) > LONGEST_NAME:
            fix = "Give the column a name of its own; look for a delimiter that is missing."
            problems.append(Problem("NAME_LONG", where, f"a name of {len(name)} letters ({name[:40]!r} …)", fix))
        if name.isascii() and name.isprintable():
            continue
        if match := INVISIBLE.search(name):
            problems.append(_invisible(where, name, match[0]))
        elif letter := _foreign(name):
            found = f"{name!r} holds the letter {letter} (U+{ord(letter):04X}), of another alphabet"
            fix = f"Type the name anew, if {name.translate(_LOOK_ALIKE)!r} is meant."
            problems.append(Problem("NAME_LOOK_ALIKE", where, found, fix))
    return problems


def alike(names: Iterable[str]) -> list[list[str]]:
    r"""Return the names that differ, but not to the eye: in blanks, hyphens, how an accent is made, letters of two alphabets.

    >>> [[ascii(name) for name in found] for found in alike(["P-1", "P\u20111", "Zo\u00eb", "Zoe\u0308", "P-2", "p-1"])]
    [["'P-1'", "'P\\u20111'"], ["'Zo\\xeb'", "'Zoe\\u0308'"]]
    """
    distinct = list(dict.fromkeys(names))
    text = "".join(distinct)
    if text.isascii() and text.isprintable() and "  " not in text:
        return []
    seen: dict[str, list[str]] = {}
    for name in distinct:
        seen.setdefault(look(name), []).append(name)
    return [found for found in seen.values() if len(found) > 1]


def look(name: str) -> str:
    """Return what a name looks like."""
    letters = unicodedata.normalize("NFC", INVISIBLE.sub("", name)).translate(_LOOK_ALIKE)
    return " ".join(letters.translate(_HYPHENS).split())


def unseen(names: Sequence[str]) -> list[int]:
    """Return which of many names hold a character that nobody sees."""
    if not INVISIBLE.search("\n".join(names)):
        return []
    return [i for i, name in enumerate(names) if INVISIBLE.search(name)]


def unseen_problem(where: str, name: str) -> Problem:
    """Refuse a name that :func:`unseen` found."""
    match = INVISIBLE.search(name)
    return _invisible(where, name, match[0] if match else "")


def _invisible(where: str, name: str, letter: str) -> Problem:
    found = f"the name {name!r} holds a character that is not seen (U+{ord(letter):04X})"
    return Problem("NAME_INVISIBLE", where, found, "Type the name anew: two names that look the same must be the same.")


def _foreign(name: str) -> str:
    """Return the letter that makes a name, such as a molecule has, a mixture of two alphabets; blank where none does."""
    plain = name.translate(_LOOK_ALIKE)
    if not plain.isascii() or not re.search("[0-9]", name) or not re.search("[A-Za-z]", name):
        return ""
    return next((a for a, b in zip(name, plain, strict=True) if a != b), "")

"""What a well, or a row of a long table, is for: the words that instruments and people write."""

from __future__ import annotations

import re
from types import MappingProxyType

UNKNOWN, REFERENCE, INTERNAL = "unknown", "reference", "internal control"
NTC, STANDARD, POSITIVE, NEGATIVE, OMITTED = "ntc", "standard", "positive control", "negative control", "omitted"
MEASURES_SPECIMEN = frozenset({UNKNOWN, REFERENCE, INTERNAL})
"""Tasks of wells that hold a specimen; the other wells are left out of a cohort and counted."""

TASKS = MappingProxyType(
    {
        "": UNKNOWN,
        "unknown": UNKNOWN,
        "unkn": UNKNOWN,
        "target": UNKNOWN,
        "targ": UNKNOWN,
        "test": UNKNOWN,
        "calibrator": UNKNOWN,
        "endogenous control": REFERENCE,
        "endogenous_control": REFERENCE,
        "endo": REFERENCE,
        "endc": REFERENCE,
        "reference": REFERENCE,
        "ipc": INTERNAL,
        "blockedipc": NEGATIVE,
        "ntc": NTC,
        "no template control": NTC,
        "nac": NEGATIVE,
        "nrt": NEGATIVE,
        "negative control": NEGATIVE,
        "neg ctrl": NEGATIVE,
        "blank": NEGATIVE,
        "standard": STANDARD,
        "std": STANDARD,
        "positive control": POSITIVE,
        "pos ctrl": POSITIVE,
        "pc": POSITIVE,
    }
)
"""What a well is for, in the words of all families; a number behind it (``Unkn-01``) does not count."""

_NUMBERED = re.compile(r"(?:[-_ ]|(?<!\d))\d+$")


def task_of(word: str) -> str | None:
    """Return what a well is for, from a family's word for it; None where no family uses it.

    >>> [task_of(word) for word in ("Unkn-01", "NTC", "case")]
    ['unknown', 'ntc', None]
    """
    return TASKS.get(word.casefold(), TASKS.get(_NUMBERED.sub("", word.casefold())))

"""The reference standard: which specimens have the target condition, by one column and its positive value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exodx.cohort.columns import spelling_problems
from exodx.errors import InputRefused, Problem, nearest
from exodx.frozen import is_blank, read_cells
from exodx.panel import Scale
from exodx.tables.table import TextTable

POSITIVE_WORDS = ("case", "positive", "pos", "yes", "true", "disease", "diseased", "patient")
MOST_VALUES, LEAST_EACH, LONGEST_VALUE, MOST_NAMED = 10, 3, 40, 4
"""A column may be the reference standard: so many values at most, each on so many specimens at least, and no longer than a word or
two; so many columns are named."""


@dataclass(frozen=True, slots=True)
class Standard:
    """A reference standard as read.

    Parameters
    ----------
    codes : ndarray of int8, shape (n,)
        1 positive, 0 negative, −1 not stated.
    positive : str
        The value that means positive.
    notes : tuple of str
    negatives : tuple of (str, int)
        The values that mean negative, with their specimens.
    """

    codes: NDArray[np.int8]
    positive: str
    notes: tuple[str, ...]
    negatives: tuple[tuple[str, int], ...] = ()


def read_standard(table: TextTable, label: str, positive: str | None) -> Standard:
    """Read the reference standard of a wide table.

    Raises
    ------
    InputRefused
        ``COLUMN_MISSING``, ``LABEL_POSITIVE`` (with the values there are), ``LABEL_CONSTANT``, ``SPELLING``.
    """
    if label not in table.columns:
        found = f"no column {label!r} (for label)"
        raise InputRefused(Problem("COLUMN_MISSING", table.source, found, nearest(label, table.header)))
    cells = ["" if is_blank(cell) else cell for cell in table.columns[label]]
    counts = Counter(filter(None, cells))
    value = positive.strip() if positive is not None else usual_positive(counts)
    where = f"{table.source}, column {label!r}"
    if problems := spelling_problems(table, label):
        raise InputRefused(problems)
    meant = _meant(value, counts)
    if value is None or not meant:
        found = f"the values are {', '.join(map(repr, sorted(counts)))}"
        fix = "Say which means that the target condition is present: --positive VALUE."
        fix += "" if value is None else f" {nearest(value, sorted(counts))}"
        raise InputRefused(Problem("LABEL_POSITIVE", where, found if value is None else f"no cell says {value!r}", fix))
    if len(counts) == len(meant):
        raise InputRefused(Problem("LABEL_CONSTANT", where, f"all say {value!r}", "Give specimens of both classes."))
    negatives = tuple((other, n) for other, n in sorted(counts.items()) if other not in meant)
    negative = ", ".join(f"{other!r} ({n})" for other, n in negatives)
    present = ", ".join(f"{one!r} ({counts[one]})" for one in meant)
    notes = [f"reference standard {label!r}: positive {present}, negative {negative}"]
    codes = np.array([-1 if not cell else int(cell in meant) for cell in cells], np.int8)
    if blank := int((codes < 0).sum()):
        notes.append(f"{blank} specimens have no reference standard and are left out")
    return Standard(codes, value, tuple(notes), negatives)


def _meant(positive: str | None, counts: Counter[str]) -> tuple[str, ...]:
    """Return the values that mean positive: the one given, or several with commas between them; none where one is not there."""
    if positive is None or positive in counts:
        return () if positive is None else (positive,)
    several = tuple(dict.fromkeys(part.strip() for part in positive.split(",")))
    return several if all(part in counts for part in several) else ()


def label_copies(table: TextTable, label: str, standard: Standard) -> list[str]:
    """Return the columns that say the reference standard in other words, such as its code: value for value, or class for class.

    A column that has fewer than three specimens to a value is not looked at.
    """
    rows = [row for row, code in enumerate(standard.codes) if code >= 0]
    labels, codes = [table.columns[label][row] for row in rows], [int(standard.codes[row]) for row in rows]
    copies = []
    for name in table.header:
        cells = [table.columns[name][row] for row in rows]
        n = len(set(cells))
        if (
            name != label
            and 1 < n <= len(rows) / 3
            and any(len(set(zip(cells, x, strict=True))) == n == len(set(x)) for x in (labels, codes))
        ):
            copies.append(name)
    return copies


def usual_positive(counts: Counter[str]) -> str | None:
    """Return the positive value of a two-valued column when only one of them can be meant: of 0 and 1, but not of 1 and 2."""
    if set(counts) == {"0", "1"}:
        return "1"
    words = [value for value in counts if value.casefold() in POSITIVE_WORDS]
    return words[0] if len(words) == 1 and len(counts) == 2 else None


def perhaps_labels(unused: pd.DataFrame | None) -> str:
    """Say which columns that nothing reads could be the reference standard: few values, each on several specimens; empty if none.

    Words come before codes, which are named only where there are no words; numbers with decimals are no classes.

    >>> perhaps_labels(pd.DataFrame({"Dx": ["CAD", "well"] * 3, "note": list("abcdef")}))
    "Columns that may be meant: 'Dx' (CAD 3, well 3)."
    """
    said: list[tuple[bool, int, str]] = []
    table = pd.DataFrame() if unused is None else unused
    for name in table.columns:
        counts = Counter(cell for cell in table[name] if not is_blank(str(cell)))
        if 1 < len(counts) <= MOST_VALUES and min(counts.values()) >= LEAST_EACH and max(map(len, counts)) <= LONGEST_VALUE:
            numbers = read_cells(list(counts), Scale.NORMALISED).values
            words = bool(np.isnan(numbers).any())
            if words or not (numbers % 1).any():
                values = ", ".join(f"{value} {n}" for value, n in sorted(counts.items()))
                said.append((not words, len(counts), f"{str(name)!r} ({values})"))
    said = [s for s in sorted(said) if s[0] == min(said)[0]]
    more = f" … ({len(said)} in all)" if len(said) > MOST_NAMED else ""
    return f"Columns that may be meant: {'; '.join(text for *_, text in said[:MOST_NAMED])}{more}." if said else ""

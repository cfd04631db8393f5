"""What a cell of a results table means: a number, or one of the ways in which there is none.

"Undetermined", blank, "<LOD" and a failed well are different facts and stay different states
(McCall et al. 2014, 10.1093/bioinformatics/btu239: undetermined Ct are not missing at random, and not 40).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from exodx.panel import MAX_CT, Scale


class State(IntEnum):
    """The state of a cell."""

    MEASURED = 0
    BELOW_LOD = 1
    UNDETERMINED = 2
    NOT_RUN = 3
    FAILED_QC = 4
    ABOVE_LOQ = 5


def is_blank(text: str) -> bool:
    """Say whether a cell says nothing: blank, or a word for it such as ``NA``.

    >>> [is_blank(t) for t in ("", "NA", "n/a", "0", "control")]
    [True, True, True, False, False]
    """
    return WORDS.get(text.casefold()) is State.NOT_RUN


def _words(state: State, *words: str) -> dict[str, State]:
    return dict.fromkeys(words, state)


WORDS = MappingProxyType(
    _words(
        State.NOT_RUN,
        "",
        ".",
        "na",
        "n/a",
        "#n/a",
        "nan",
        "null",
        "none",
        "missing",
        "not run",
        "not_run",
        "not tested",
    )
    | _words(State.UNDETERMINED, "undetermined", "undet", "undet.", "nd", "n.d.", "not detected", "no ct", "no cq", "no amp")
    | _words(State.BELOW_LOD, "<lod", "<llod", "<loq", "<lloq", "below lod", "below loq", "bql", "blq", "bdl", "oor <")
    | _words(State.FAILED_QC, "fail", "failed", "failed qc", "failed_qc", "qc_fail", "qc fail", "invalid")
)
"""Words that stand for a state, on any scale."""

_LINEAR_WORDS = MappingProxyType(_words(State.ABOVE_LOQ, ">loq", ">uloq", "> uloq", "above loq", "above uloq", "oor >"))
_CT_WORDS = MappingProxyType(_words(State.UNDETERMINED, "-", "inf", "+inf", "infinity"))
_SCALE_WORDS = MappingProxyType({Scale.CT: _CT_WORDS, Scale.LINEAR: _LINEAR_WORDS})
_NUMBER = re.compile(r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$")
_GROUPED = MappingProxyType(
    {
        ".": re.compile(r"^[+-]?\d{1,3}(?:([,' \u2019\u00a0\u202f])\d{3})(?:\1\d{3})*(?:\.\d+)?$"),
        ",": re.compile(r"^[+-]?\d{1,3}(?:([.' \u2019\u00a0\u202f])\d{3})(?:\1\d{3})*(?:,\d+)?$"),
    }
)
"""Numbers whose digits are grouped by threes, by the decimal sign of their table."""

GROUPED, EITHER = "digits grouped in threes", "a decimal comma, or digits grouped in threes"
_LIMIT = re.compile(r"^([<>])=?\s*(?:[lu]?loq\s+)?(\S+)$")
_STARRED = re.compile(r"^\*\s*(\S+)$")


@dataclass(frozen=True, slots=True)
class Cells:
    """A column read: values (NaN where there is none), states, and what could not be read, by row."""

    values: NDArray[np.float64]
    states: NDArray[np.uint8]
    unreadable: dict[int, str]


def read_cells(texts: Sequence[str], scale: Scale, lod: float | None = None, decimal: str = ".") -> Cells:
    """Read a column of text cells measured on one scale.

    Parameters
    ----------
    texts : sequence of str, length n
        Cells as written, stripped.
    scale : Scale
        Decides which numbers are possible: a Ct lies in (0, 50], counts are whole and not negative, concentrations not negative.
    lod : float, optional
        Limit of detection; a smaller value keeps its number and becomes ``BELOW_LOD``.
    decimal : str
        Decimal sign of the table.

    Returns
    -------
    Cells
        ``unreadable`` maps the row to what is wrong with its text. A censored cell written with its limit
        (``<12.5``, ``>2000``, a Ct of ``>40``) keeps the limit as value. A starred number (``*31.2``) was measured and flagged
        unreliable: it is ``FAILED_QC`` and gives no number.

    Examples
    --------
    >>> cells = read_cells(["27.1", "Undetermined", "", ">40", "abc"], Scale.CT)
    >>> [State(s).name for s in cells.states[:4]], cells.unreadable
    (['MEASURED', 'UNDETERMINED', 'NOT_RUN', 'UNDETERMINED'], {4: 'text where a number belongs'})
    """
    codes, meaning, odd = _meanings(texts, scale, decimal)
    values, states, unreadable = meaning.values, meaning.states, meaning.unreadable
    if codes is not None:
        values, states = values[codes], states[codes]
        if unreadable:
            rows = np.flatnonzero(np.isin(codes, list(unreadable)))
            unreadable = {int(row): unreadable[int(codes[row])] for row in rows}
    if odd:
        unreadable = unreadable | _impossible(values, states, scale)
    if scale is Scale.LINEAR:
        below = (states == State.MEASURED) & (values < lod if lod is not None else values == 0)
        states = np.where(below, np.uint8(State.BELOW_LOD), states)
    return Cells(values, states, unreadable)


def _meanings(texts: Sequence[str], scale: Scale, decimal: str) -> tuple[NDArray[np.int32] | None, Cells, bool]:
    """Return which of some texts each cell holds (None: the texts as they stand), what they mean, and whether any is impossible.

    A column of a table that shares its words with others (it has ``words`` and ``codes``) leaves their meaning with the words; one
    of whole numbers (it has ``numbers``, -1 where blank) has nothing to be read, nor has one that Arrow read (it has ``cells``).
    """
    cells = getattr(texts, "cells", None)
    if cells is not None:
        return None, cells, True
    whole = getattr(texts, "numbers", None)
    if whole is not None:
        values = np.where(whole < 0, np.nan, whole)
        return None, Cells(values, np.where(whole < 0, np.uint8(State.NOT_RUN), np.uint8(State.MEASURED)), {}), scale is Scale.CT
    words = getattr(texts, "words", None)
    if words is not None:
        key = (scale, decimal)
        if key not in words.meanings:
            read = _read_words(words, scale, decimal)
            words.meanings[key] = read, bool(_impossible(read.values, read.states, scale))
        return texts.codes, *words.meanings[key]  # type: ignore[attr-defined]
    if (numbers := _all_numbers(texts, decimal)) is not None:
        return None, Cells(numbers, np.full(len(numbers), State.MEASURED, np.uint8), {}), True
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    codes = np.fromiter(map(place.__getitem__, texts), np.int32, len(texts))
    return codes, _read_words(list(place), scale, decimal), True


def read_counts(columns: Sequence[Sequence[str]]) -> tuple[NDArray[np.float64], NDArray[np.uint8]] | None:
    """Read columns of counts that a table keeps as one ``block`` of whole numbers (-1: blank); None where it keeps any otherwise.

    Returns
    -------
    values, states : ndarray, shape (n, p)
        What :func:`read_cells` gives of each column; of such cells none is unreadable.
    """
    block = getattr(columns[0], "block", None) if columns else None
    if block is None or any(getattr(column, "block", None) is not block for column in columns):
        return None
    numbers = block[:, [column.at for column in columns]]  # type: ignore[attr-defined]
    values, blank = numbers.astype(np.float64, order="C"), numbers < 0
    values[blank] = np.nan
    return values, np.where(blank, np.uint8(State.NOT_RUN), np.uint8(State.MEASURED)).astype(np.uint8, order="C")


def _all_numbers(texts: Sequence[str], decimal: str) -> NDArray[np.float64] | None:
    """Return the numbers of a column that holds nothing else, or None; its letters are looked at, since ``float`` takes ``1_0``."""
    joined = "".join(texts)
    if decimal == ",":
        joined = joined.replace(",", ".")
    if not joined.isascii() or joined.encode().translate(None, b"0123456789.+-eE"):
        return None
    try:
        numbers = map(float, texts) if decimal == "." else (float(text.replace(",", ".")) for text in texts)
        values = np.fromiter(numbers, np.float64, len(texts))
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _read_words(texts: Sequence[str], scale: Scale, decimal: str) -> Cells:
    """Read texts one by one; those that are plain numbers quickly."""
    values, states, unreadable = np.full(len(texts), np.nan), np.full(len(texts), State.NOT_RUN, np.uint8), {}
    others = _put_numbers(texts, decimal, values, states)
    for row in others:
        word = texts[row].casefold()
        number = _number(word, decimal)
        if number is not None:
            values[row], states[row] = number, State.MEASURED
        elif (state := _word_state(word, scale)) is not None:
            states[row] = state
        elif limit := _limit(word, scale, decimal):
            values[row], states[row] = limit
        elif _is_starred(word, decimal):
            states[row] = State.FAILED_QC
        else:
            unreadable[row] = _why_unreadable(word, decimal)
    return Cells(values, states, unreadable)


def _put_numbers(texts: Sequence[str], decimal: str, values: NDArray[np.float64], states: NDArray[np.uint8]) -> Sequence[int]:
    """Put the texts that are surely numbers into their rows, and return the other rows."""
    rows, numbers, others = [], [], []
    for row, text in enumerate(texts):
        try:
            number = float(text)
        except ValueError:
            others.append(row)
        else:
            if number - number == 0:
                rows.append(row)
                numbers.append(number)
            else:
                others.append(row)
    if decimal != "." or _all_numbers([texts[row] for row in rows], decimal) is None:
        return range(len(texts))
    values[rows], states[rows] = numbers, State.MEASURED
    return others


def _number(word: str, decimal: str) -> float | None:
    if decimal == ",":
        word = word.replace(",", ".")
    if not _NUMBER.match(word):
        return None
    number = float(word)
    return number if math.isfinite(number) else None


def _word_state(word: str, scale: Scale) -> State | None:
    state = WORDS.get(word)
    if state is None:
        state = _SCALE_WORDS[scale].get(word) if scale in _SCALE_WORDS else None
    return State.NOT_RUN if state is None and word == "-" else state


def _is_starred(word: str, decimal: str) -> bool:
    """Say whether a word is a number that its instrument flagged."""
    match = _STARRED.match(word)
    return match is not None and _number(match.group(1), decimal) is not None


def _limit(word: str, scale: Scale, decimal: str) -> tuple[float, State] | None:
    """A limit with its sign: above the last cycle is undetermined, below a concentration is below LOD, above it above LOQ."""
    match = _LIMIT.match(word)
    number = _number(match.group(2), decimal) if match else None
    if match is None or number is None:
        return None
    if scale is Scale.CT and match.group(1) == ">":
        return number, State.UNDETERMINED
    if scale is not Scale.CT and match.group(1) == "<":
        return number, State.BELOW_LOD
    if scale is Scale.LINEAR:
        return number, State.ABOVE_LOQ
    return None


def _why_unreadable(word: str, decimal: str) -> str:
    comma, grouped = decimal == "." and _number(word, ",") is not None, _GROUPED[decimal].match(word) is not None
    if comma and grouped:
        return EITHER
    if comma:
        return "a decimal comma in a table of decimal points"
    if grouped:
        return GROUPED
    if word.startswith(">"):
        return "a value above the upper limit"
    return "text where a number belongs"


def _impossible(values: NDArray[np.float64], states: NDArray[np.uint8], scale: Scale) -> dict[int, str]:
    """Numbers that the scale does not allow, by row."""
    largest = np.finfo(np.float32).max
    least, most = np.fmin.reduce(values, initial=np.inf), np.fmax.reduce(values, initial=-np.inf)
    floor, ceiling = (-largest if scale is Scale.NORMALISED else 0.0), (MAX_CT if scale is Scale.CT else largest)
    if scale is not Scale.COUNTS and (least > floor or (least == floor and scale is not Scale.CT)) and most <= ceiling:
        return {}
    with np.errstate(invalid="ignore"):
        huge = np.abs(values) > largest
        wrong, why = np.zeros(len(values), bool), ""
        if scale is Scale.CT:
            wrong, why = (values <= 0) | (values > MAX_CT), f"a Ct outside 0 to {MAX_CT:g}"
        elif scale is Scale.COUNTS:
            wrong = (states == State.MEASURED) & ((values < 0) | (values != np.floor(values)))
            why = "a count that is negative or not whole"
        elif scale in (Scale.LINEAR, Scale.CPM):
            wrong, why = values < 0, "a negative amount"
    return {int(row): "a number too large to compute with" if huge[row] else why for row in np.flatnonzero(wrong | huge)}

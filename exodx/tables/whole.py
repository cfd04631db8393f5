"""Columns of whole numbers: a block of numbers for the whole table, whose columns read like the texts that stand in the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

_BLANK = -1
_STEP = 1 << 18
"""Letters that are read at once: their numbers stay in the processor's cache."""

_DIGITS = 9
"""A whole number of so many digits fits into 32 bits."""

_LEADING = 32
"""At most so many columns of other things stand before the numbers."""


class Whole(Sequence[str]):
    """A column of a block of whole numbers; it reads like the list of its texts.

    Parameters
    ----------
    block : ndarray of int32, shape (n, p)
        Numbers as the file writes them in digits alone, without a leading zero; -1 where a cell is blank.
    at : int
        Which column of the block this is.

    Examples
    --------
    >>> column = Whole(np.array([[7, 12], [0, -1]], np.int32), 1)
    >>> list(column), column == ["12", ""], column[0]
    (['12', ''], True, '12')
    """

    __slots__ = ("at", "block")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, block: NDArray[np.int32], at: int) -> None:
        self.block = block
        self.at = at

    def __len__(self) -> int:
        return len(self.block)

    def __iter__(self) -> Iterator[str]:
        return map(_text, self.numbers.tolist())

    @property
    def numbers(self) -> NDArray[np.int32]:
        """The column as numbers, -1 where a cell is blank."""
        return self.block[:, self.at]

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Whole: ...
    def __getitem__(self, at: int | slice) -> str | Whole:
        if isinstance(at, slice):
            return Whole(self.block[at, self.at, None], 0)
        return _text(self.numbers[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and list(self) == list(other)

    def __repr__(self) -> str:
        return repr(list(self))

    def counted(self) -> Counter[str]:
        """Return how often each text stands there."""
        numbers, counts = np.unique(self.numbers, return_counts=True)
        return Counter(dict(zip(map(_text, numbers.tolist()), counts.tolist(), strict=True)))

    def taken(self, rows: Sequence[int]) -> Whole:
        """Return the cells of some rows."""
        return Whole(self.numbers[np.asarray(rows, np.int64), None], 0)


def _text(number: int) -> str:
    return "" if number == _BLANK else str(number)


def whole_columns(text: str, delimiter: str, width: int) -> list[Sequence[str]] | None:
    """Return the columns below the header, stripped, where most are of whole numbers in plain digits or blank; else None.

    Parameters
    ----------
    text : str
        Its first line is the header, of ``width`` cells; nothing is quoted.
    """
    if "\r" in text and not text.count("\r") == text.count("\n") == text.count("\r\n"):
        return None
    lines = text.split("\r\n" if "\r" in text else "\n")
    del lines[0]
    if lines and not lines[-1]:
        del lines[-1]
    leading = _leading(lines[0].split(delimiter)) if lines else 0
    if not 0 < leading <= _LEADING or leading > width / 2:
        return None
    rows = [line.split(delimiter, leading) for line in lines]
    if any(len(row) <= leading for row in rows):
        return None
    block = np.empty((len(rows), width - leading), np.int32)
    step = max(1, _STEP // (len(rows[0][-1]) + 1))
    for at in range(0, len(rows), step):
        numbers = _numbers([row[-1] for row in rows[at : at + step]], delimiter, block.shape[1])
        if numbers is None:
            return None
        block[at : at + step] = numbers
    texts = [[cell.strip() for cell in column] for column in list(zip(*rows, strict=True))[:-1]]
    return [*texts, *(Whole(block, j) for j in range(block.shape[1]))]


def _leading(cells: Sequence[str]) -> int:
    """Return how many columns stand before the numbers: the first at least."""
    others = [i for i, cell in enumerate(cells) if cell and not (cell.isascii() and cell.isdigit())]
    return max(others, default=0) + 1


def _numbers(lines: Sequence[str], delimiter: str, width: int) -> NDArray[np.int32] | None:
    """Return the numbers of lines, -1 where blank, or None where a cell holds anything else, or a line is not of that width."""
    letters = np.frombuffer((delimiter.join(lines) + delimiter).encode(), np.uint8)
    digits = letters - np.uint8(ord("0"))
    ends = np.flatnonzero(digits > 9)
    if len(ends) != len(lines) * width or np.count_nonzero(letters == ord(delimiter)) != len(ends):
        return None
    if (ends[width - 1 :: width] != np.cumsum([len(line) + 1 for line in lines]) - 1).any():
        return None
    size = np.diff(ends, prepend=-1) - 1
    numbers = digits[ends - 1].astype(np.int32)
    numbers[size == 0] = _BLANK
    longer = np.flatnonzero(size > 1)
    end, size = ends[longer], size[longer]
    if len(longer) and (size.max() > _DIGITS or (digits[end - size] == 0).any()):
        return None
    place = 1
    while len(longer):
        numbers[longer] += digits[end - place - 1] * np.int32(10**place)
        place += 1
        more = size > place
        longer, end, size = longer[more], end[more], size[more]
    return numbers.reshape(-1, width)

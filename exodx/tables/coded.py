"""Columns of repeating texts: a number for each cell, and the distinct texts once for the whole table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from exodx.tables.whole import Whole


class Words(Sequence[str]):
    """The distinct texts of a table; ``meanings`` is where a reader of cells keeps what it found each of them to mean."""

    __slots__ = ("meanings", "texts")

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.meanings: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        return self.texts[at]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)


class Coded(Sequence[str]):
    """A column as codes of words; it reads like the list of its texts.

    Parameters
    ----------
    words : Words
        Shared by all columns of a table.
    codes : ndarray of int32, shape (n,)
        Which word each cell holds.

    Examples
    --------
    >>> column = Coded(Words(["0", "7"]), np.array([1, 0, 1], np.int32))
    >>> list(column), column == ["7", "0", "7"], column[-1]
    (['7', '0', '7'], True, '7')
    """

    __slots__ = ("codes", "words")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, words: Words, codes: NDArray[np.int32]) -> None:
        self.words = words
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        return map(self.words.texts.__getitem__, self.codes.tolist())

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Coded: ...
    def __getitem__(self, at: int | slice) -> str | Coded:
        return Coded(self.words, self.codes[at]) if isinstance(at, slice) else self.words.texts[self.codes[at]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and list(self) == list(other)

    def __repr__(self) -> str:
        return repr(list(self))


def transposed(columns: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the rows of columns of one length; of coded columns with the same words, or of one block, as such columns again."""
    first = columns[0]
    if isinstance(first, Coded) and all(isinstance(c, Coded) and c.words is first.words for c in columns):
        matrix = np.ascontiguousarray(np.stack([c.codes for c in columns if isinstance(c, Coded)]).T)
        return [Coded(first.words, codes) for codes in matrix]
    if isinstance(first, Whole) and all(isinstance(c, Whole) and c.block is first.block for c in columns):
        block = first.block[:, [c.at for c in columns if isinstance(c, Whole)]].T
        return [Whole(block, j) for j in range(len(first))]
    return [list(row) for row in zip(*columns, strict=True)]

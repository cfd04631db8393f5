"""Columns of repeating texts: a number for each cell, and the distinct texts once for the whole table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from exodx.tables.whole import Whole


class Words(Sequence[str]):
    """The distinct texts of a table; ``meanings`` is where a reader of cells keeps what it found each of them to mean.

    Parameters
    ----------
    texts : list of str
    differ : bool
        Whether it is sure that no text stands there twice.
    """

    __slots__ = ("differ", "meanings", "texts")

    def __init__(self, texts: list[str], *, differ: bool = False) -> None:
        self.texts = texts
        self.differ = differ
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

    @classmethod
    def of(cls, texts: Sequence[str]) -> Coded:
        """Return a column of these texts; a coded column as it is."""
        if isinstance(texts, Coded):
            return texts
        place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        return cls(Words(list(place), differ=True), np.fromiter(map(place.__getitem__, texts), np.int32, len(texts)))

    @classmethod
    def same(cls, text: str, n: int) -> Coded:
        """Return a column of one text."""
        return cls(Words([text]), np.zeros(n, np.int32))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        return map(self.words.texts.__getitem__, self.codes.tolist())

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Coded: ...
    def __getitem__(self, at: int | slice) -> str | Coded:
        return Coded(self.words, self.codes[at]) if isinstance(at, slice) else self.words[int(self.codes[at])]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and list(self) == list(other)

    def __repr__(self) -> str:
        return repr(list(self))

    def counted(self) -> Counter[str]:
        """Return how often each text stands there, in the order of the words."""
        numbers = np.bincount(self.codes).tolist()
        if self.words.differ:
            return Counter({word: number for word, number in zip(self.words, numbers, strict=False) if number})
        counts: Counter[str] = Counter()
        for word, number in zip(self.words, numbers, strict=False):
            if number:
                counts[word] += number
        return counts

    def all_differ(self) -> bool:
        """Say whether it is sure, without a look at the texts, that no two cells hold the same."""
        return self.words.differ and bool((np.bincount(self.codes) < 2).all())

    def taken(self, rows: Sequence[int] | NDArray[np.int64]) -> Coded:
        """Return the cells of some rows."""
        return Coded(self.words, self.codes[np.asarray(rows, np.int64)])

    def mapped(self, change: Callable[[str], str]) -> Coded:
        """Return the column with every text changed."""
        return Coded(Words([change(word) for word in self.words]), self.codes)

    def where(self, holds: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Say of each cell whether something holds of its text."""
        return np.fromiter(map(holds, self.words), bool, len(self.words))[self.codes]

    def numbered(self) -> tuple[list[str], NDArray[np.int64]]:
        """Return the distinct texts in the order of their first cell, and which of them each cell holds."""
        texts = self.words.texts
        first = np.full(len(texts), len(self), np.int64)
        first[self.codes[::-1]] = np.arange(len(self) - 1, -1, -1)
        present = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(self))]
        number = np.zeros(len(texts), np.int64)
        if self.words.differ:
            number[present] = np.arange(len(present))
            return [texts[code] for code in present.tolist()], number[self.codes]
        place: dict[str, int] = {}
        for code in present.tolist():
            number[code] = place.setdefault(texts[code], len(place))
        return list(place), number[self.codes]


def counted(cells: Sequence[str]) -> Counter[str]:
    """Return how often each text stands in a column."""
    return cells.counted() if isinstance(cells, (Coded, Whole)) else Counter(cells)


def holds_any(cells: Sequence[str]) -> bool:
    """Say whether any cell of a column is filled."""
    return bool(cells) and (bool(cells[0]) or any(counted(cells)))


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

"""A column of wells gathered by specimen: each cell reads as its wells' texts, joined, and keeps them apart for a reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from exodx.tables.coded import Coded


class Gathered(Sequence[str]):
    """The wells of one analyte; it reads like the list of each specimen's texts, joined.

    Parameters
    ----------
    wells : Coded
        All wells, specimen by specimen.
    sizes : ndarray of int, shape (n,)
        How many wells each specimen has; the cell of one without is blank.
    between : str
        What stands between two wells; no well's text holds any of it.

    Examples
    --------
    >>> column = Gathered(Coded.of(["27.1", "27.3", "30"]), np.array([2, 0, 1]), " | ")
    >>> list(column), column[0]
    (['27.1 | 27.3', '', '30'], '27.1 | 27.3')
    """

    __slots__ = ("_ends", "between", "sizes", "wells")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, wells: Coded, sizes: NDArray[np.int64], between: str) -> None:
        self.wells = wells
        self.sizes = sizes
        self.between = between
        self._ends = np.cumsum(sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[str]:
        texts, ends = list(self.wells), self._ends.tolist()
        return (self.between.join(texts[start:end]) for start, end in zip([0, *ends], ends, strict=False))

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return list(self)[at]
        end = int(self._ends[at])
        return self.between.join(self.wells[end - int(self.sizes[at]) : end])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and list(self) == list(other)

    def __repr__(self) -> str:
        return repr(list(self))

"""The lines of a long text, each cut out when it is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

_LINE_END = ord("\n")


class Lines(Sequence[str]):
    r"""What ``text.split("\n")`` gives, without cutting the text.

    Examples
    --------
    >>> lines = Lines("Well,Ct\nA1,27\n\nA2,30")
    >>> list(lines), lines[1], lines[-2:], list(lines.beginning("A", 1, 3))
    (['Well,Ct', 'A1,27', '', 'A2,30'], 'A1,27', ['', 'A2,30'], [1])
    """

    __slots__ = ("_begin", "_content", "_first")

    def __init__(self, text: str) -> None:
        self._content = text.encode() + b"\n"
        letters = np.frombuffer(self._content, np.uint8)
        self._begin = np.concatenate([[0], np.flatnonzero(letters == _LINE_END) + 1])
        self._first = letters[self._begin[:-1]]

    def __len__(self) -> int:
        return len(self._first)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        number = range(len(self))[at]
        return self._content[self._begin[number] : self._begin[number + 1] - 1].decode()

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def beginning(self, letters: str, start: int, stop: int) -> Iterator[int]:
        r"""Yield which lines from a line on begin with one of some letters (ASCII); a blank line begins with ``\n``."""
        wanted = np.isin(self._first[start:stop], np.frombuffer(letters.encode(), np.uint8))
        return iter((np.flatnonzero(wanted) + start).tolist())

    def joined(self, start: int, stop: int) -> bytes:
        """Return the content of some lines, each with its end."""
        return self._content[self._begin[start] : self._begin[stop]]

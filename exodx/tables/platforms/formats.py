"""What a reader of a platform says of itself: how its files are known, and how one becomes a table of a row a specimen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exodx.tables.table import TextTable


@dataclass(frozen=True, slots=True)
class TextFormat:
    """A text that is no plain table.

    Parameters
    ----------
    title : str
    recognises : callable
        Whether a text is one, from its first lines; of two formats never both.
    read : callable
        From the file's name, its text and the notes so far to the table.
    """

    title: str
    recognises: Callable[[str], bool]
    read: Callable[[str, str, list[str]], TextTable]


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A plain table whose columns a platform's software wrote.

    Parameters
    ----------
    title : str
    recognises : callable
        Whether a table is one, from its columns.
    read : callable
        To a row a specimen.
    """

    title: str
    recognises: Callable[[TextTable], bool]
    read: Callable[[TextTable], TextTable]

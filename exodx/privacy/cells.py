"""Text in CSV files that a spreadsheet does not run: OWASP's apostrophe before what begins like a formula, taken off on reading.

https://owasp.org/www-community/attacks/CSV_Injection. Numbers stay as they are: ``-1.5`` is no formula that does anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

GUARD = "'"
BEGINS = r"[=+\-@\t\r\n＝＋－＠]"
"""What makes a spreadsheet take a cell for a formula; the last four are what some versions take for the first four."""
NUMBER = r"[+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?"
_FORMULA = re.compile(f"{GUARD}*{BEGINS}")
_NUMBER = re.compile(NUMBER)
_GUARDED = re.compile(f'(?:^|[,;\\t"\\r\\n])[^\\S\\t\\r\\n]*{GUARD}+{BEGINS}')
_GUARDED_BYTES = re.compile(rb"(?:^|[,;\t\"\r\n])[^\S\t\r\n]*'+(?:[=+\-@\t\r\n]|\xef\xbc[\x9d\x8b\x8d\xa0])")
"""A blank that ends a cell begins one too: none is passed over, or a million empty lines would be gone through from each."""


def guarded(cell: str) -> str:
    """Return a text as it is written into a CSV cell; :func:`unguarded` gives the text back, whatever it is.

    >>> [guarded(cell) for cell in ("=1+1", "-80C box 4", "-1.5", "S-17", "'=x")]
    ["'=1+1", "'-80C box 4", '-1.5', 'S-17', "''=x"]
    """
    return GUARD + cell if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """Return the text that a CSV cell was written for.

    >>> [unguarded(cell) for cell in ("'=1+1", "''=x", "'quoted'", "'-1.5")]
    ['=1+1', "'=x", "'quoted'", "'-1.5"]
    """
    return cell[1:] if cell.startswith(GUARD) and guarded(cell[1:]) == cell else cell


def unguarded_cells(cells: Sequence[str]) -> tuple[Sequence[str], int]:
    """Return the texts of a column and how many were guarded; the column itself where none was."""
    found = [unguarded(cell) for cell in cells]
    changed = sum(one is not other for one, other in zip(found, cells, strict=True))
    return (found, changed) if changed else (cells, 0)


def has_guards(text: str | bytes) -> bool:
    r"""Say whether a delimited text may hold guarded cells.

    >>> has_guards("id,x\n'=1+1,2\n"), has_guards(b"id,x\n5'-end,2\n")
    (True, False)
    """
    if isinstance(text, bytes):
        return b"'" in text and _GUARDED_BYTES.search(text) is not None
    return "'" in text and _GUARDED.search(text) is not None

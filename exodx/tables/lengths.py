"""How long a cell may be: what is longer is no cell but a file in which a sign is missing, or one made to stop its reader."""

from __future__ import annotations

from collections.abc import Sequence

from exodx.errors import InputRefused, Problem

LONGEST = 1 << 14
"""Letters of a cell; half of what a spreadsheet can hold."""

_WINDOW = LONGEST // 2
_BETWEEN = (b",", b";", b"\t", b"\n", b"\r")
_ENDS = (b"\n", b"\r")


def longest_run(content: bytes) -> int:
    r"""Return the length of a stretch longer than :data:`LONGEST` in which nothing ends a cell; 0 where there is none.

    >>> longest_run(b"a,b\nc" * 9000), longest_run(b"a," + b"7" * 20000 + b",b")
    (0, 20000)
    """
    begin, end = _long_run(content)
    return end - begin


def _long_run(content: bytes) -> tuple[int, int]:
    """Return where such a stretch lies; each covers a window that is looked at, most of which show their first sign at once."""
    for start in range(0, len(content) - _WINDOW + 1, _WINDOW):
        stop = start + _WINDOW
        if content.find(_BETWEEN[0], start, stop) < 0 and all(content.find(sign, start, stop) < 0 for sign in _BETWEEN[1:]):
            begin = max(content.rfind(sign, 0, start) for sign in _BETWEEN) + 1
            end = min(at if (at := content.find(sign, start)) >= 0 else len(content) for sign in _BETWEEN)
            if end - begin > LONGEST:
                return begin, end
    return 0, 0


def refuse_long_text(source: str, text: str) -> None:
    """Refuse a text with a cell that is too long, before anything looks at its letters one by one.

    Raises
    ------
    InputRefused
        ``CELL_LONG``.
    """
    content = text.encode("utf-8", "surrogatepass")
    begin, end = _long_run(content)
    if end:
        line = len(content[:begin].splitlines()) + (content[:begin].endswith(_ENDS) or not begin)
        raise _too_long(f"{source}, line {line}", end - begin)


def refuse_long_rows(source: str, rows: Sequence[Sequence[str]], place: str, lines: Sequence[int] | None = None) -> None:
    """Refuse rows with a cell that is too long.

    Parameters
    ----------
    source : str
    rows : sequence of rows of text
    place : str
        What a row is called: ``line`` or ``row``.
    lines : sequence of int, optional
        Their numbers; counted from 1 unless given.

    Raises
    ------
    InputRefused
        ``CELL_LONG``, with the row and column of the longest.
    """
    sizes = [max(map(len, row), default=0) for row in rows]
    size = max(sizes, default=0)
    if size > LONGEST:
        at = sizes.index(size)
        column = [len(cell) for cell in rows[at]].index(size) + 1
        raise _too_long(f"{source}, {place} {at + 1 if lines is None else lines[at]}, column {column}", size)


def _too_long(source: str, size: int) -> InputRefused:
    fix = "Look for a quotation mark or a delimiter that is missing."
    return InputRefused(Problem("CELL_LONG", source, f"a cell of {size} letters; {LONGEST} is the most", fix))

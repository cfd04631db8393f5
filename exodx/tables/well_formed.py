"""The quick way into a delimited text in which nothing is odd: Arrow cuts it into cells; the rest is left to the careful way."""

from __future__ import annotations

from collections.abc import Sequence

from exodx.tables import doors
from exodx.tables.whole import whole_columns

WORTH_IT = 1 << 16
"""Characters from which on the quick way is taken; a smaller text takes no time in any way."""


def quick_columns(text: str, delimiter: str) -> dict[str, Sequence[str]] | None:
    """Return the columns of a text, stripped, or None where it needs the careful parser.

    Nothing may be quoted, no line blank, every line as wide as the header, whose names are distinct and not blank (the first may
    be). Then both ways give the same cells.
    """
    if len(text) < WORTH_IT or '"' in text:
        return None
    if "\r" in text and ("\n\r" in text or text.count("\r") != text.count("\r\n")):
        return None
    header = [name.strip() for name in text[: text.find("\n")].split(delimiter)]
    if len(header) < 2 or len(set(header)) < len(header) or not all(header[1:]):
        return None
    columns = whole_columns(text, delimiter, len(header)) or doors.cut_text(text, delimiter, len(header))
    if not columns or not columns[0] or not all(columns[0]):
        return None
    return dict(zip(header, columns, strict=True))

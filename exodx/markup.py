"""Texts of users in pages and in Markdown, and what objects show of themselves in a notebook: escaped, light and dark.

Colours are the page's own, made fainter; only bars have two of their own, those of the figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from exodx.errors import RUO

SHOWN = 12
"""Rows of a table before the rest is counted."""

UP, DOWN = "#d55e00", "#0072b2"
"""Vermillion and blue of Okabe and Ito: told apart in every common form of colour blindness, and seen on white and on black."""

LINE = "rgba(128,128,128,.35)"
MARKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|])")


def escaped(value: object) -> str:
    """Return text that a page shows as it is.

    >>> escaped("<b> & 'c'")
    '&lt;b&gt; &amp; &#39;c&#39;'
    """
    return "".join(MARKS.get(character, character) for character in str(value))


def plain_markdown(text: str) -> str:
    r"""Return text on one line in which nothing is Markdown: no picture, no link under another name, no emphasis.

    >>> print(plain_markdown("a_b | c"))
    a\_b \| c
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def card(title: str, facts: Iterable[tuple[str, object]], *parts: str) -> str:
    """Return an object's view: a title, facts in two columns (those that say nothing are left out), parts, and the sentence of use.

    Parameters
    ----------
    title : str
    facts : iterable of (str, object)
        Plain text; escaped here.
    *parts : str
        HTML, e.g. of :func:`table`.
    """
    rows = "".join(
        f'<div style="opacity:.7">{escaped(name)}</div><div style="overflow-wrap:anywhere">{escaped(value)}</div>'
        for name, value in facts
        if value not in (None, "")
    )
    grid = "display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1em 1em;margin:.4em 0"
    box = f"border:1px solid {LINE};border-radius:6px;padding:.7em 1em;max-width:60em;line-height:1.45;font-size:.95em"
    return (
        f'<div style="{box}"><div style="font-weight:600;font-size:1.05em">{escaped(title)}</div>'
        f'<div style="{grid}">{rows}</div>{"".join(parts)}'
        f'<div style="opacity:.7;font-size:.85em;margin-top:.5em">{escaped(RUO)}</div></div>'
    )


def table(header: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> str:
    """Return a table of plain text; columns with numbers stand to the right, and rows beyond :data:`SHOWN` are counted.

    Parameters
    ----------
    header : sequence of str, length k
    rows : sequence of sequences, length k each
    caption : str
    """
    if not rows:
        return ""
    numeric = [any(isinstance(value, (int, float)) for value in column) for column in zip(*rows, strict=True)]
    side = ["right" if of_numbers else "left" for of_numbers in numeric]
    shown = "".join(f"<tr>{''.join(map(_cell, row, side))}</tr>" for row in rows[:SHOWN])
    head = "".join(
        f'<th scope="col" style="text-align:{at};padding:.15em .8em .15em 0;border-bottom:1px solid {LINE}">{escaped(name)}</th>'
        for name, at in zip(header, side, strict=True)
    )
    above = f'<caption style="text-align:left;font-weight:600;padding:.3em 0;color:inherit">{escaped(caption)}</caption>'
    style = "border-collapse:collapse;margin:.4em 0;font-variant-numeric:tabular-nums"
    body = f'<table style="{style}">{above if caption else ""}<thead><tr>{head}</tr></thead><tbody>{shown}</tbody></table>'
    return f'<div style="overflow-x:auto">{body}</div>{_beyond(rows)}'


def _cell(value: object, side: str) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f'<td style="text-align:{side};padding:.1em .8em .1em 0;vertical-align:top">{escaped(text)}</td>'


def _beyond(rows: Sequence[object]) -> str:
    return f'<div style="opacity:.7;font-size:.9em">… and {len(rows) - SHOWN} more</div>' if len(rows) > SHOWN else ""


def bars(rows: Sequence[tuple[str, float, str]], caption: str, *, signed: bool) -> str:
    """Return horizontal bars: name, length, what stands beside it.

    Signed ones start in the middle and run to the right above zero, to the left below.

    >>> bars([("a", 0.0, "0")], "", signed=True).count("<tr>")
    1
    """
    if not rows:
        return ""
    widest = max(abs(length) for _, length, _ in rows[:SHOWN]) or 1.0
    lines = "".join(
        f'<tr><td style="text-align:left;padding:.1em .8em .1em 0">{escaped(name)}</td>'
        f'<td style="width:16em;padding:.1em 0">{_bar(length / widest, signed)}</td>'
        f'<td style="text-align:right;padding:.1em 0 .1em .8em">{escaped(text)}</td></tr>'
        for name, length, text in rows[:SHOWN]
    )
    above = f'<div style="font-weight:600;margin-top:.4em">{escaped(caption)}</div>' if caption else ""
    style = "border-collapse:collapse;font-variant-numeric:tabular-nums"
    return f'{above}<table style="{style}"><tbody>{lines}</tbody></table>{_beyond(rows)}'


def _bar(share: float, signed: bool) -> str:
    wide = abs(share) * (50 if signed else 100)
    left = 0.0 if not signed else 50 - wide if share < 0 else 50.0
    colour = DOWN if share < 0 or not signed else UP
    return (
        f'<div style="position:relative;height:.8em"><div style="position:absolute;left:{left:.1f}%;width:{wide:.1f}%;'
        f'height:100%;background:{colour}"></div></div>'
    )

"""Numbers as they are written for a person."""

from __future__ import annotations


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with a true minus sign, none before a zero, and an en dash for none.

    >>> number(-0.0271), number(-0.0001), number(None)
    ('−0.027', '0.000', '–')
    """
    return "–" if value is None else f"{value:z.{digits}f}".replace("-", "−")


def interval(lower: float | None, upper: float | None) -> str:
    """Return an interval in words, empty where there is none."""
    return "" if lower is None or upper is None else f"{number(lower)} to {number(upper)}"


def p_value(p: float) -> str:
    """Return a p-value in words, never as zero.

    >>> p_value(0.0421), p_value(1e-9)
    ('0.042', 'below 0.001')
    """
    return "below 0.001" if p < 0.001 else number(p)

"""A line of progress, for a run of more than a second that somebody watches."""

from __future__ import annotations

import time
from typing import TextIO


class Meter:
    """Shows on a terminal how far a run is, how fast, and how long it will take; nothing elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._start = self._last = time.monotonic()
        self._shown = False

    def show(self, done: int, of: int | None, specimens: int) -> None:
        """Say that so many blocks are done, of how many (if that is known), and how many specimens were in them."""
        now = time.monotonic()
        if now - self._start < 1 or now - self._last < 0.2 or not self._out.isatty():
            return
        self._last, self._shown = now, True
        self._out.write("\r\x1b[K" + line(done, of, specimens, now - self._start))
        self._out.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()


def line(done: int, of: int | None, specimens: int, seconds: float) -> str:
    """Return the line.

    >>> line(3, 12, 300_000, 2.0)
    '300,000 specimens, 150,000 a second, 25 %, 6 s left'
    """
    text = f"{specimens:,} specimens, {specimens / seconds:,.0f} a second"
    return text if not of else f"{text}, {100 * done // of} %, {seconds * (of - done) / done:.0f} s left"

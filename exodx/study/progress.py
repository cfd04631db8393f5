"""How far a study is: a bar in a notebook, a line on a terminal, nothing in a log or a pipe."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TextIO

from exodx.markup import DOWN, LINE, escaped

Tick = Callable[[], None]
Progress = Callable[[int], AbstractContextManager[Tick]]

PATIENCE, PACE = 1.0, 0.2
"""Seconds before a terminal shows anything, and between two looks."""


class Bar:
    """So many of so many fits, and the time left.

    Parameters
    ----------
    total : int
    """

    def __init__(self, total: int) -> None:
        self.total, self.done, self.start = total, 0, time.monotonic()

    def __repr__(self) -> str:
        seconds = time.monotonic() - self.start
        if self.done >= self.total:
            return f"validated: {self.total} fits in {_time(seconds)}"
        left = f", {_time(seconds * (self.total - self.done) / self.done)} left" if self.done else ""
        return f"validating: {self.done} of {self.total} fits{left}"

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        share = 100 * self.done / max(self.total, 1)
        track = f"display:inline-block;width:16em;height:.6em;border:1px solid {LINE};border-radius:.3em;vertical-align:middle"
        part = f'<div style="width:{share:.0f}%;height:100%;background:{DOWN}"></div>'
        words = f'<span style="margin-left:.8em">{escaped(self)}</span>'
        return f'<div style="margin:.3em 0"><div style="{track}">{part}</div>{words}</div>'


def _time(seconds: float) -> str:
    """Return a time that a person can take in.

    >>> _time(8.2), _time(200)
    ('8 s', '3 min')
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@contextmanager
def silent(total: int) -> Iterator[Tick]:  # noqa: ARG001
    """Show no progress."""
    yield lambda: None


@contextmanager
def watched(total: int) -> Iterator[Tick]:
    """Show progress where somebody watches: in the notebook that runs this, or on the terminal of stderr."""
    bar, lock, last = Bar(total), threading.Lock(), 0.0
    show, clear = _screen(bar, sys.stderr)

    def tick() -> None:
        nonlocal last
        with lock:
            bar.done += 1
            now = time.monotonic()
            if now - last >= PACE or bar.done == total:
                last = now
                show()

    try:
        yield tick
    finally:
        clear()


def _screen(bar: Bar, terminal: TextIO) -> tuple[Tick, Tick]:
    """Return what shows a bar as it stands, and what is done when all is over."""
    notebook = _notebook()
    if notebook is not None:
        handle = notebook.display.display(bar, display_id=True)
        return lambda: handle.update(bar), lambda: None
    if not terminal.isatty():
        return lambda: None, lambda: None

    def show() -> None:
        if time.monotonic() - bar.start >= PATIENCE:
            terminal.write(f"\r\x1b[K{bar}")
            terminal.flush()

    return show, lambda: _clear(terminal)


def _clear(terminal: TextIO) -> None:
    """Take the line away."""
    terminal.write("\r\x1b[K")
    terminal.flush()


def _notebook() -> Any:
    """Return IPython where a notebook's kernel runs this; it is never imported for that."""
    found = sys.modules.get("IPython")
    shell = found.get_ipython() if found is not None else None
    return found if hasattr(shell, "kernel") else None

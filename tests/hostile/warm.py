"""What is the same for every input and slow to make is made once: the tables of names, and the curve of standards seen before.

A command makes them once too; a process that reads thousands of files need not make them thousands of times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from unittest.mock import patch

from exodx.cohort import infer
from exodx.panel import names
from exodx.stats.dose_response import CurveFit, Model, fit_curve
from exodx.tables.plates import quantify

CURVES = 4096
"""Curves that are kept; the plates that inputs are made of hold a few dozen."""


@lru_cache(CURVES)
def _fitted(x: tuple[float, ...], y: tuple[float, ...], model: Model, blanks: tuple[float, ...]) -> CurveFit:
    return fit_curve(x, y, model, blanks)


def fitted(x: Sequence[float], y: Sequence[float], model: Model, blanks: Sequence[float]) -> CurveFit:
    """Return the curve of some standards, fitted once."""
    return _fitted(tuple(x), tuple(y), model, tuple(blanks))


@contextmanager
def warm() -> Iterator[None]:
    """Keep warm, as long as this lasts, what every input needs."""
    kept = cache(names.read_tables)
    with ExitStack() as stack:
        for place in (names, infer):
            stack.enter_context(patch.object(place, "read_tables", kept))
        stack.enter_context(patch.object(quantify, "fit_curve", fitted))
        yield

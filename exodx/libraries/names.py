"""What the ways to measure a library are called, told by the folder alone: a panel is read without NumPy."""

from __future__ import annotations

from functools import cache
from importlib import resources

SHARED = frozenset({"__init__", "names", "quantiles", "registry", "sizes"})
"""Modules of this folder that are no way to measure a library."""


@cache
def method_names() -> tuple[str, ...]:
    """Return the names that a panel may write as ``count_normalisation``: those of the modules of this folder.

    >>> "cpm" in method_names()
    True
    """
    files = (f.name for f in resources.files("exodx.libraries").iterdir())
    return tuple(sorted({name.removesuffix(".py") for name in files if name.endswith(".py")} - SHARED))

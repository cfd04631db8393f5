"""Versions of installed packages, read off the names of their records: ``importlib.metadata`` loads a reader of mail for it."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from functools import cache


@cache
def version_of(package: str) -> str | None:
    """Return the version of an installed package, None where it is not installed.

    The record of a package is a folder (or a file) called after its name and version
    (https://packaging.python.org/specifications/recording-installed-packages/); the first on ``sys.path`` counts, as for Python.

    Examples
    --------
    >>> import numpy
    >>> version_of("numpy") == numpy.__version__, version_of("no-such-package")
    (True, None)
    """
    name = re.sub(r"[-_.]+", "[-_.]+", package)
    record = re.compile(rf"{name}-([^-]+)(?:-.*)?\.(?:dist|egg)-info", re.IGNORECASE)
    for place in sys.path:
        with suppress(OSError):
            for entry in os.listdir(place or "."):
                if found := record.fullmatch(entry):
                    return found[1]
    return None


def own_version() -> str:
    """Return exodx' version; ``unknown`` where it is not installed."""
    return version_of("exodx") or "unknown"

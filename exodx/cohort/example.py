"""The simulated example cohorts that come with the package."""

from __future__ import annotations

from pathlib import Path

import exodx


def example_file(name: str) -> Path:
    """Return the path of an example file, e.g. ``athero-3-simulated/train.csv``.

    An installed package carries the folder ``data``; in a source checkout it stands beside the package.
    """
    package = Path(exodx.__file__).parent
    installed = package / "data" / name
    return installed if installed.exists() else package.parent / "data" / name

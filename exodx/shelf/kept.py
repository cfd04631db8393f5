"""Bundles on this machine's shelf, a folder each, named by their hash. What is taken from it is verified as any bundle is."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from exodx.errors import ModelRefused
from exodx.frozen import load_bundle
from exodx.frozen.folder import COMPANIONS, SIGNATURE

MOST = 16
"""Bundles that are kept: those used last."""
ABANDONED_SECONDS = 86400
_HASH = re.compile(r"[0-9a-f]{64}")
_SCRATCH = ".made-"
_NOT_KEPT = (*(name for name in COMPANIONS if name != SIGNATURE), ".*")


def home_folder() -> Path:
    """Return the folder of all that is kept between runs: ``$EXODX_HOME`` (``~/.exodx`` unless set)."""
    return Path(os.environ.get("EXODX_HOME") or Path.home() / ".exodx").absolute()


def kept_bundle(model_hash: str) -> Path | None:
    """Return the folder of a bundle that is on the shelf, every byte of it verified; None where there is none.

    A damaged one is taken off the shelf.

    Parameters
    ----------
    model_hash : str
        As :func:`exodx.load_bundle` returns it.
    """
    folder = _shelf() / model_hash
    if not _HASH.fullmatch(model_hash) or not folder.is_dir():
        return None
    try:
        sound = load_bundle(folder)[1] == model_hash
    except (ModelRefused, OSError):
        sound = False
    if not sound:
        _remove(folder)
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)
        os.utime(_shelf())  # what nobody used for a month is swept from the cache
    return folder


def keep_bundle(folder: Path, model_hash: str) -> None:
    """Put a copy of a verified bundle on the shelf; where nothing can be written there, do without.

    The copy appears whole or not at all, whoever else puts the same there; the bundles that were used longest ago make room.
    """
    place = _shelf() / model_hash
    if not _HASH.fullmatch(model_hash) or place.exists():
        return
    with contextlib.suppress(OSError):
        _shelf().mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_shelf(), prefix=_SCRATCH) as scratch:
            made = Path(scratch) / "bundle"
            shutil.copytree(folder, made, ignore=shutil.ignore_patterns(*_NOT_KEPT))
            made.rename(place)
        _make_room()


def _shelf() -> Path:
    return home_folder() / "cache" / "bundles"


def _make_room() -> None:
    """Remove the bundles beyond those used last, and what a killed process left half made."""
    found = [(path.stat().st_mtime, path) for path in _shelf().iterdir()]
    bundles = sorted((item for item in found if _HASH.fullmatch(item[1].name)), reverse=True)
    left = [path for used, path in found if path.name.startswith(_SCRATCH) and time.time() - used > ABANDONED_SECONDS]
    for path in (*(path for _, path in bundles[MOST:]), *left):
        _remove(path)


def _remove(folder: Path) -> None:
    """Remove a folder: out of the way in one step, so that nobody finds half of it."""
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=_shelf(), prefix=_SCRATCH) as scratch:
        folder.rename(Path(scratch) / "removed")

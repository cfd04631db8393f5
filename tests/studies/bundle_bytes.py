"""Every byte of a bundle, one bit of it turned; every file taken away; a file of any name put beside: nothing of it may load.

    python -m tests.studies.bundle_bytes BUNDLE [stride]

prints what refused how many. With stride 1 (the default) every byte of every file that belongs to the model is tried, in the
manifests every bit; it goes on a copy. A bundle of 260 kB takes some minutes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exodx.errors import ModelRefused
from exodx.frozen import load_bundle
from exodx.frozen.folder import MANIFEST

ADDED = (
    "model.pkl",
    "model.joblib",
    "MANIFEST.JSON",
    "Panel.toml",
    ".hidden",
    ".git",
    "__init__.py",
    "forest.ubj~",
    "ñ",
    " ",
    "con",
)
LOADED = "loaded"


def turned_bits(bundle: Path, stride: int) -> Counter[str]:
    """Turn one bit of every byte (every bit of a manifest's), at every ``stride``-th place, and count what load says."""
    found: Counter[str] = Counter()
    for path in files_of(bundle):
        whole = path.read_bytes()
        for at in range(0, len(whole), stride):
            for bit in range(8) if path.name == MANIFEST else (at % 8,):
                changed = bytearray(whole)
                changed[at] ^= 1 << bit
                path.write_bytes(changed)
                found[answer(bundle)] += 1
        path.write_bytes(whole)
    return found


def removed(bundle: Path) -> Counter[str]:
    """Take away each file in turn."""
    found: Counter[str] = Counter()
    for path in files_of(bundle):
        whole = path.read_bytes()
        path.unlink()
        found[answer(bundle)] += 1
        path.write_bytes(whole)
    return found


def added(bundle: Path) -> Counter[str]:
    """Put a file and a folder of each name in each of the bundle's folders."""
    found: Counter[str] = Counter()
    for folder in (bundle, *sorted(p for p in bundle.iterdir() if p.is_dir())):
        for name in ADDED:
            (folder / name).write_bytes(b"\x80\x04N.")
            found[answer(bundle)] += 1
            (folder / name).unlink()
            (folder / name).mkdir()
            found[answer(bundle)] += 1
            (folder / name).rmdir()
    return found


def files_of(bundle: Path) -> list[Path]:
    """Return the files of the model, in its folder and those of its classes."""
    return sorted(path for path in bundle.rglob("*") if path.is_file())


def answer(bundle: Path) -> str:
    """Return the codes that refuse a bundle, or that it loaded."""
    try:
        load_bundle(bundle)
    except ModelRefused as refusal:
        return "+".join(sorted({problem.code for problem in refusal.problems}))
    return LOADED


@contextmanager
def copy_of(bundle: Path) -> Iterator[Path]:
    """Give a copy to spoil."""
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(shutil.copytree(bundle, Path(scratch) / "bundle"))


if __name__ == "__main__":
    with copy_of(Path(sys.argv[1])) as spoilt:
        for name, tried in (
            ("bits turned", turned_bits(spoilt, int(sys.argv[2]) if len(sys.argv) > 2 else 1)),
            ("files removed", removed(spoilt)),
            ("files and folders added", added(spoilt)),
        ):
            print(f"{name}: {tried.total()} tried, {tried[LOADED]} loaded; {dict(tried)}", flush=True)
        print("whole again:", answer(spoilt))

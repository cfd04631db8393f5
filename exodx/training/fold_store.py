"""Finished outer folds on disk, so that an interrupted study goes on where it stopped: arrays and JSON under a hash, no pickle."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import platform
import shutil
import threading
import time
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort
from exodx.panel import StudyPlan
from exodx.versions import version_of

LIBRARIES = ("exodx", "numpy", "scipy", "scikit-learn", "xgboost")
ABANDONED_DAYS = 30
DIGEST = 64


@dataclass(frozen=True, slots=True)
class FoldStore:
    """What finished outer folds gave, a file each.

    A file holds margins, explanations and feature values of held-out specimens by position, and what was chosen: no ids. It counts
    only where its hash is right; a damaged one is as good as none. The folder is readable by its owner alone. Where it cannot be
    written the study goes on without.

    Parameters
    ----------
    folder : Path, optional
        Without it nothing is kept.
    run : str
        Of which validation: begins the names of its files.
    kinds : tuple of type
        The dataclasses that results are made of.
    """

    folder: Path | None = None
    run: str = ""
    kinds: tuple[type, ...] = ()

    def of(self, what: str, cohort: Cohort, plan: StudyPlan, folds: NDArray[np.intp], kinds: tuple[type, ...]) -> FoldStore:
        """Return the store of one validation: another cohort, panel, plan or division into folds has files of its own."""
        if self.folder is None:
            return self
        digest = hashlib.sha256(f"{what} {plan.fingerprint} {folds.shape} {_cohort_digest(cohort)}".encode())
        digest.update(np.ascontiguousarray(folds).tobytes())
        return FoldStore(self.folder, digest.hexdigest()[:32], kinds)

    def fetch(self, repeat: int, fold: int) -> Any | None:
        """Return what a fold gave, or None where that is not known."""
        try:
            content = b"" if self.folder is None else self._path(self.folder, repeat, fold).read_bytes()
        except OSError:
            return None
        body = content[DIGEST:]
        if not body or content[:DIGEST] != hashlib.sha256(body).hexdigest().encode():
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return _unpacked(json.loads(arrays["tree"].tobytes()), arrays, {kind.__name__: kind for kind in self.kinds})

    def keep(self, repeat: int, fold: int, result: object) -> None:
        """Write what a fold gave, whole or not at all."""
        if self.folder is None:
            return
        arrays: list[NDArray[Any]] = []
        tree = json.dumps(_packed(result, arrays)).encode()
        body = io.BytesIO()
        named: dict[str, Any] = {f"a{number}": array for number, array in enumerate(arrays)}
        np.savez(body, tree=np.frombuffer(tree, np.uint8), **named)
        path = self._path(self.folder, repeat, fold)
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                part.write_bytes(hashlib.sha256(body.getvalue()).hexdigest().encode() + body.getvalue())
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)  # on a full disk half of it would take the room of what comes after

    def forget(self) -> None:
        """Remove everything: the study is finished."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, folder: Path, repeat: int, fold: int) -> Path:
        return folder / f"{self.run}-{repeat}-{fold}.fold"


NOT_KEPT = FoldStore()


def study_store(cache: Path, cohort: Cohort, plan: StudyPlan) -> FoldStore:
    """Return the store of a study below a folder: its name is a hash of all that the study's numbers depend on.

    These are the cohort (values, states, reference standard, panel, who is whose), the plan, the versions of the libraries, the
    code itself, Python and the machine. What studies left that were not taken up again for 30 days is removed.
    """
    with contextlib.suppress(OSError):
        _sweep(cache, time.time())
    made_by = [f"{name} {version_of(name)}" for name in LIBRARIES]
    made_by += [platform.python_version(), platform.machine(), _code_digest()]
    key = hashlib.sha256("\n".join([_cohort_digest(cohort), plan.fingerprint, *made_by]).encode()).hexdigest()
    return FoldStore(cache / key)


def _sweep(cache: Path, now: float) -> None:
    """Remove what is old; where nothing at all was written for so long the clock may have jumped: then all has as long again."""
    limit = ABANDONED_DAYS * 86400
    jumped = abs(now - cache.stat().st_mtime) > limit
    for left in (*cache.iterdir(), cache):
        used = left.stat().st_mtime
        if jumped:
            os.utime(left, (max(now, used), max(now, used)))
        elif left != cache and now - used > limit:
            shutil.rmtree(left, ignore_errors=True)


def _cohort_digest(cohort: Cohort) -> str:
    digest = hashlib.sha256(cohort.fingerprint.encode())
    for array in (cohort.subjects, cohort.measurements.flags):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _code_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _packed(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """Return a value as JSON types; arrays are put aside and stand in it by number."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, tuple):
        return {"tuple": [_packed(item, arrays) for item in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _packed(item, arrays) for key, item in value.items()}}
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: {field.name: _packed(getattr(value, field.name), arrays) for field in fields(value)}}
    if isinstance(value, np.generic):
        return _packed(value.item(), arrays)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _unpacked(tree: Any, arrays: Any, kinds: dict[str, type]) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "array":
        return arrays[f"a{content}"]
    if kind == "tuple":
        return tuple(_unpacked(item, arrays, kinds) for item in content)
    inside = {key: _unpacked(item, arrays, kinds) for key, item in content.items()}
    return inside if kind == "dict" else kinds[kind](**inside)

"""The bundle of a model of several classes: a whole bundle for each class, and how they are calibrated together.

Its manifest holds the SHA-256 of its files and of each class' manifest, which holds those of the class' files. Nothing is
unpickled or executed on load.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from exodx.errors import RUO, ExodxError, ModelRefused, Problem
from exodx.frozen.bundle import (
    CLASSES,
    COMPANIONS,
    MANIFEST,
    SELFTEST_TOLERANCE,
    check_folder,
    selftest_rows,
)
from exodx.frozen.bundle import fill_bundle as fill_part
from exodx.frozen.bundle import load_bundle as load_part
from exodx.frozen.model import DiagnosticModel, Provenance
from exodx.frozen.multiclass import AnyModel, ClassLimit, MulticlassModel
from exodx.frozen.softmax import SoftmaxCalibrator
from exodx.place import folder_made

KIND = "multiclass"
FORMAT_VERSION = 1
READABLE = (1,)
PROVENANCE, SELFTEST = "provenance.json", "selftest.json"
MAX_CLASSES = 10
TOLERANCE = max(SELFTEST_TOLERANCE.values())


def save_bundle(model: AnyModel, folder: Path) -> str:
    """Write a model as a bundle; the folder appears whole or not at all.

    Parameters
    ----------
    model : DiagnosticModel or MulticlassModel
    folder : Path
        Must not exist, be empty, or hold a bundle (which is replaced).

    Returns
    -------
    model_hash : str
        SHA-256 over the manifest: the same model gives the same hash on every machine.

    Raises
    ------
    ModelRefused
        When the folder holds something other than a bundle.
    UsageError
        When it cannot be written.
    """
    check_folder(folder)
    with folder_made(folder) as written:
        return fill_bundle(model, written)


def fill_bundle(model: AnyModel, folder: Path) -> str:
    """Write a model's files into an empty folder; return its hash. See :func:`save_bundle`."""
    if isinstance(model, DiagnosticModel):
        return fill_part(model, folder)
    for k, part in enumerate(model.parts):
        (folder / _part(k)).mkdir()
        fill_part(part, folder / _part(k))
    for name, data in _own_files(model).items():
        (folder / name).write_bytes(data)
    files = {name: _hash((folder / name).read_bytes()) for name in _names(len(model.parts))}
    manifest = {"kind": KIND, "format_version": FORMAT_VERSION, "name": model.name, "notice": RUO, "files": files}
    raw = _json(manifest | {"classes": len(model.parts)})
    (folder / MANIFEST).write_bytes(raw)
    return _hash(raw)


def load_bundle(folder: Path) -> tuple[AnyModel, str]:
    """Read a bundle of either kind, checking every byte before using it.

    Returns
    -------
    model : DiagnosticModel or MulticlassModel
    model_hash : str

    Raises
    ------
    ModelRefused
        When a file is missing, added or changed, the format is unknown, or the model does not reproduce its self-test.
    """
    manifest = _manifest(folder)
    if manifest is None:
        return load_part(folder)
    k = _checked_count(folder, manifest)
    if problems := _damage(folder, k, manifest["files"]):
        raise ModelRefused(problems)
    parts = []
    for i in range(k):
        part, _ = load_part(folder / _part(i))
        parts.append(part)
    try:
        model = _model(folder, parts)
        expected = np.array(json.loads((folder / SELFTEST).read_bytes())["scores"])
        same = expected.shape == (found := _selftest(model)).shape and np.allclose(found, expected, rtol=0, atol=TOLERANCE)
    except (ExodxError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise _refused("BUNDLE_INVALID", folder, f"its content does not make a model ({error})", "Save it again.") from None
    if not same:
        fix = f"Install exodx {model.provenance.exodx}, with which it was trained."
        raise _refused("SELFTEST_FAILED", folder, "the model does not give the scores it gave when saved", fix)
    return model, _hash((folder / MANIFEST).read_bytes())


def _manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a bundle of this kind; None for anything else, which the other reader reads or refuses."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("kind") == KIND else None


def _checked_count(folder: Path, manifest: dict[str, Any]) -> int:
    version, files, k = (manifest.get(key) for key in ("format_version", "files", "classes"))
    if not (type(version) is type(k) is int and isinstance(files, dict) and 2 <= k <= MAX_CLASSES):
        raise _refused("MANIFEST_DAMAGED", folder, f"{MANIFEST} cannot be read", "Copy the bundle again.")
    if version not in READABLE:
        found = f"format version {version} of {KIND}; this exodx reads {' and '.join(map(str, READABLE))}"
        raise _refused("FORMAT_UNKNOWN", folder, found, "Install a newer exodx.")
    return int(k)


def _part(k: int) -> str:
    return f"class-{k + 1:02d}"


def _names(k: int) -> list[str]:
    """Return the files that the manifest of k classes vouches for."""
    return [CLASSES, PROVENANCE, SELFTEST, *(f"{_part(i)}/{MANIFEST}" for i in range(k))]


def _damage(folder: Path, k: int, files: Mapping[str, str]) -> list[Problem]:
    fix = "Copy the bundle again from where it was made."
    names = _names(k)
    foreign = [
        *(f"{name!r} is not part of a bundle" for name in _beside(folder, k)),
        *(f"the manifest names a foreign file {name!r}" for name in sorted(set(files) - set(names))),
    ]
    problems = [Problem("FILE_FOREIGN", str(folder), found, fix) for found in foreign]
    for name in names:
        path = folder / name
        if name not in files or not path.is_file():
            problems.append(Problem("FILE_MISSING", str(folder), f"{name} is missing", fix))
        elif _hash(path.read_bytes()) != files[name]:
            problems.append(Problem("FILE_CHANGED", str(path), "its content does not match the manifest's SHA-256", fix))
    return problems


def _beside(folder: Path, k: int) -> Iterable[str]:
    """Return what lies in the folder beside the bundle; inside the classes' folders their own reader looks."""
    here = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    return sorted(here - {MANIFEST, CLASSES, PROVENANCE, SELFTEST, *COMPANIONS, *(_part(i) for i in range(k))})


def _own_files(model: MulticlassModel) -> dict[str, bytes]:
    state = {
        "classes": list(model.classes),
        "slope": model.softmax.slope,
        "intercepts": list(model.softmax.intercepts),
        "limit": None if model.limit is None else asdict(model.limit),
    }
    return {
        CLASSES: _json(state),
        PROVENANCE: _json(asdict(model.provenance)),
        SELFTEST: _json({"scores": _selftest(model).tolist()}),
    }


def _model(folder: Path, parts: list[DiagnosticModel]) -> MulticlassModel:
    state = json.loads((folder / CLASSES).read_bytes())
    return MulticlassModel(
        classes=tuple(str(name) for name in state["classes"]),
        parts=tuple(parts),
        softmax=SoftmaxCalibrator(state["slope"], tuple(state["intercepts"])),
        limit=None if state["limit"] is None else ClassLimit(**state["limit"]),
        provenance=Provenance(**json.loads((folder / PROVENANCE).read_bytes())),
    )


def _selftest(model: MulticlassModel) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the scores of rows made of training quantiles, whatever the gate says of them."""
    rows = selftest_rows(model.parts[0])
    margins = [p.calibrator.margin(p.forest.margin(p.transform.apply(rows).values)) for p in model.parts]
    return model.softmax.scores(np.column_stack(margins))


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _refused(code: str, folder: Path, found: str, fix: str) -> ModelRefused:
    return ModelRefused(Problem(code, str(folder), found, fix))

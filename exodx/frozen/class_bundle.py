"""The bundle of a model of several classes: a whole bundle for each class, and how they are calibrated together.

Its manifest holds the SHA-256 of its files and of each class' manifest, which holds those of the class' files. Nothing is
unpickled or executed on load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from exodx.errors import RUO, ModelRefused, Problem
from exodx.frozen.bundle import CLASSES, SELFTEST_TOLERANCE, UNMADE, check_folder, read_files, selftest_rows
from exodx.frozen.bundle import fill_bundle as fill_part
from exodx.frozen.bundle import load_bundle as load_part
from exodx.frozen.folder import (
    COPY,
    FOLDER,
    MANIFEST,
    canonical,
    digest,
    irregular,
    is_listing,
    kinds_in,
    read_manifest,
    strict_json,
)
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
    files = {name: digest((folder / name).read_bytes()) for name in _names(len(model.parts))}
    raw = canonical(_stated(model.name, len(model.parts), files))
    (folder / MANIFEST).write_bytes(raw)
    return digest(raw)


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
    raw = read_manifest(folder)
    manifest = None if raw is None else _manifest(raw)
    if raw is None or manifest is None:
        return load_part(folder)
    k = _checked_count(folder, manifest, raw)
    files = _read(folder, k, manifest["files"])
    parts = []
    for i in range(k):
        part, part_hash = load_part(folder / _part(i))
        if part_hash != manifest["files"][f"{_part(i)}/{MANIFEST}"]:
            raise ModelRefused(_changed(folder / _part(i)))
        parts.append(part)
    try:
        model = _model(files, parts)
        expected = np.array(strict_json(files[SELFTEST])["scores"], np.float64)
        same = expected.shape == (found := _selftest(model)).shape and np.allclose(found, expected, rtol=0, atol=TOLERANCE)
        if model.name != manifest["name"]:
            raise ValueError(f"{MANIFEST} names it {manifest['name']!r}, its classes {model.name!r}")
    except UNMADE as error:
        raise _refused("BUNDLE_INVALID", folder, f"its content does not make a model ({error})", "Save it again.") from None
    if not same:
        fix = f"Install exodx {model.provenance.exodx}, with which it was trained."
        raise _refused("SELFTEST_FAILED", folder, "the model does not give the scores it gave when saved", fix)
    return model, digest(raw)


def _manifest(raw: bytes) -> dict[str, Any] | None:
    """Return the manifest of a bundle of this kind; None for anything else, which the other reader reads or refuses."""
    try:
        manifest = strict_json(raw)
    except ValueError:
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("kind") == KIND else None


def _checked_count(folder: Path, manifest: dict[str, Any], raw: bytes) -> int:
    version, files, k, name = (manifest.get(key) for key in ("format_version", "files", "classes", "name"))
    whole = type(version) is type(k) is int and is_listing(files) and isinstance(name, str)
    if not (whole and isinstance(k, int) and 2 <= k <= MAX_CLASSES):
        raise _refused("MANIFEST_DAMAGED", folder, f"{MANIFEST} cannot be read", "Copy the bundle again.")
    if version not in READABLE:
        found = f"format version {version} of {KIND}; this exodx reads {' and '.join(map(str, READABLE))}"
        raise _refused("FORMAT_UNKNOWN", folder, found, "Install a newer exodx.")
    if raw != canonical(_stated(manifest["name"], k, manifest["files"])):
        raise _refused("MANIFEST_DAMAGED", folder, f"{MANIFEST} is not as exodx writes it", "Copy the bundle again.")
    return k


def _stated(name: str, k: int, files: Mapping[str, str]) -> dict[str, Any]:
    """Return what a manifest of k classes says."""
    return {"kind": KIND, "format_version": FORMAT_VERSION, "name": name, "notice": RUO, "files": files, "classes": k}


def _part(k: int) -> str:
    return f"class-{k + 1:02d}"


def _names(k: int) -> list[str]:
    """Return the files that the manifest of k classes vouches for."""
    return [CLASSES, PROVENANCE, SELFTEST, *(f"{_part(i)}/{MANIFEST}" for i in range(k))]


def _read(folder: Path, k: int, vouched: Mapping[str, str]) -> dict[str, bytes]:
    """Read the bundle's own files, and see that the classes' manifests are those it vouches for."""
    parts = [_part(i) for i in range(k)]
    kinds = kinds_in(folder)
    problems: list[Problem] = []
    for name in parts:
        if kinds.get(name, FOLDER) != FOLDER:
            problems.append(irregular(folder / name, kinds[name], FOLDER))
        elif f"{name}/{MANIFEST}" not in vouched or (raw := read_manifest(folder / name)) is None:
            problems.append(Problem("FILE_MISSING", str(folder), f"{name}/{MANIFEST} is missing", COPY))
        elif digest(raw) != vouched[f"{name}/{MANIFEST}"]:
            problems.append(_changed(folder / name))
    own = {name: said for name, said in vouched.items() if name not in {f"{part}/{MANIFEST}" for part in parts}}
    try:
        files = read_files(folder, [CLASSES, PROVENANCE, SELFTEST], own, parts)
    except ModelRefused as refusal:
        raise ModelRefused([*refusal.problems, *problems]) from None
    if problems:
        raise ModelRefused(problems)
    return files


def _changed(part: Path) -> Problem:
    return Problem("FILE_CHANGED", str(part / MANIFEST), "it is not the manifest that the bundle vouches for", COPY)


def _own_files(model: MulticlassModel) -> dict[str, bytes]:
    state = {
        "classes": list(model.classes),
        "slope": model.softmax.slope,
        "intercepts": list(model.softmax.intercepts),
        "limit": None if model.limit is None else asdict(model.limit),
    }
    return {
        CLASSES: canonical(state),
        PROVENANCE: canonical(asdict(model.provenance)),
        SELFTEST: canonical({"scores": _selftest(model).tolist()}),
    }


def _model(files: Mapping[str, bytes], parts: list[DiagnosticModel]) -> MulticlassModel:
    state = strict_json(files[CLASSES])
    return MulticlassModel(
        classes=tuple(str(name) for name in state["classes"]),
        parts=tuple(parts),
        softmax=SoftmaxCalibrator(state["slope"], tuple(state["intercepts"])),
        limit=None if state["limit"] is None else ClassLimit(**state["limit"]),
        provenance=Provenance(**strict_json(files[PROVENANCE])),
    )


def _selftest(model: MulticlassModel) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the scores of rows made of training quantiles, whatever the gate says of them."""
    rows = selftest_rows(model.parts[0])
    margins = [p.calibrator.margin(p.forest.margin(p.transform.apply(rows).values)) for p in model.parts]
    return model.softmax.scores(np.column_stack(margins))


def _refused(code: str, folder: Path, found: str, fix: str) -> ModelRefused:
    return ModelRefused(Problem(code, str(folder), found, fix))

"""The bundle: a model as a folder of JSON, TOML, XGBoost UBJSON and plain arrays. Nothing is unpickled or executed on load.

To change the format: raise ``FORMAT_VERSION``, keep reading the older ones in :func:`load_bundle`, and archive a bundle of the old
version under ``tests/data/bundles/``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from struct import error as StructError
from typing import Any, Protocol

import numpy as np
import tomli_w

from exodx.errors import RUO, ExodxError, ModelRefused, Problem
from exodx.frozen.archive import write_compiled
from exodx.frozen.calibrator import Calibrator
from exodx.frozen.cells import State
from exodx.frozen.domain import check_domain
from exodx.frozen.folder import (
    MANIFEST,
    beside,
    canonical,
    digest,
    foreign,
    is_listing,
    kinds_in,
    read_manifest,
    read_vouched,
    strict_json,
)
from exodx.frozen.forest import Forest
from exodx.frozen.measurements import Measurements
from exodx.frozen.model import DiagnosticModel, Provenance
from exodx.frozen.parts import Linear
from exodx.frozen.threshold import Threshold
from exodx.frozen.transform import FrozenTransform, from_format_1
from exodx.panel import parse_panel
from exodx.panel.declaration import parse_toml
from exodx.place import SCRATCH, folder_made, unwritable

FORMAT_VERSION = 3
READABLE = (1, 2, 3)
"""1: three named steps of the transform, no ``compiled.npz``; 2: a list of steps, compiled; 3: a linear member beside the trees.

The compiled forest of another format than the current one is made on load.
"""
COMPILED = "compiled.npz"
LINEAR = "linear.json"
FILES = (
    "panel.toml",
    "transform.json",
    "forest.ubj",
    LINEAR,
    COMPILED,
    "decision.json",
    "reference.json",
    "provenance.json",
    "selftest.json",
)
CLASSES = "classes.json"
"""Of a bundle of several classes."""
SINCE = {COMPILED: 2, LINEAR: 3}
"""Format version from which a bundle has the file."""
SELFTEST_TOLERANCE = {1: 1e-5, 2: 1e-6, 3: 1e-6}
"""By format: the margins of format 1 are XGBoost's own, summed in float32."""
UNMADE = (ExodxError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, MemoryError, StructError)
"""What reading content that makes no model may raise."""


def save_bundle(model: DiagnosticModel, folder: Path) -> str:
    """Write a model as a bundle; the folder appears whole or not at all.

    Parameters
    ----------
    model : DiagnosticModel
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


def fill_bundle(model: DiagnosticModel, folder: Path) -> str:
    """Write a model's files into an empty folder; return its hash. See :func:`save_bundle`."""
    content = _content(model)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return digest(content[MANIFEST])


def check_folder(folder: Path) -> None:
    """Refuse a folder that a bundle cannot or must not be written to, before any work is done for it.

    Raises
    ------
    ModelRefused
        When it holds something other than a bundle, is a file, or is the working folder.
    UsageError
        When nothing can be written there.
    """
    if folder.exists() and (not folder.is_dir() or folder.samefile(Path.cwd()) or _foreign(folder, _either(folder))):
        found = "it is the working folder, a file, or holds files that are not a bundle"
        raise ModelRefused(Problem("FOLDER_IN_USE", str(folder), found, "Choose an empty or new folder."))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=SCRATCH).cleanup()
    except OSError as error:
        raise unwritable(folder, error) from None


def load_bundle(folder: Path) -> tuple[DiagnosticModel, str]:
    """Read a bundle, checking every byte before using it.

    Returns
    -------
    model : DiagnosticModel
    model_hash : str

    Raises
    ------
    ModelRefused
        When a file is missing, added or changed, the format is unknown, or the model does not reproduce its self-test.
    """
    raw = read_manifest(folder)
    if raw is None:
        raise _refused("BUNDLE_MISSING", folder, f"there is no {MANIFEST}", "Give the folder of an exodx model bundle.")
    manifest = _manifest(folder, raw)
    files = read_files(folder, files_of(manifest["format_version"]), manifest["files"])
    try:
        model = _model(manifest, files)
        _check_selftest(folder, model, strict_json(files["selftest.json"]), SELFTEST_TOLERANCE[manifest["format_version"]])
    except ModelRefused:
        raise
    except UNMADE as error:
        raise _refused("BUNDLE_INVALID", folder, f"its content does not make a model ({error})", "Save it again.") from None
    return model, digest(raw)


def read_files(folder: Path, names: Collection[str], vouched: Mapping[str, Any], folders: Collection[str] = ()) -> dict[str, bytes]:
    """Read the files of a bundle, each once and as its manifest says, and see that nothing else lies beside them.

    Raises
    ------
    ModelRefused
        With all that is missing, changed, foreign or no file.
    """
    kinds = kinds_in(folder)
    problems = beside(folder, kinds, names, folders)
    try:
        content = read_vouched(folder, names, vouched, kinds)
    except ModelRefused as refusal:
        raise ModelRefused([*problems, *refusal.problems]) from None
    if problems:
        raise ModelRefused(problems)
    return content


class Named(Protocol):
    """A model of either kind."""

    @property
    def name(self) -> str:
        """Its name."""


def model_id(model: Named, model_hash: str) -> str:
    """Return the short identity of a model: its name and the head of its hash."""
    return f"{model.name}-{model_hash[:8]}"


def _content(model: DiagnosticModel) -> dict[str, bytes]:
    files: dict[str, bytes] = {
        "panel.toml": tomli_w.dumps(model.panel.to_dict()).encode(),
        "transform.json": canonical(model.transform.to_dict()),
        "forest.ubj": model.forest.ubjson,
        LINEAR: canonical(_line(model.forest.linear, model.features)),
        COMPILED: write_compiled(model.forest.compiled),
        "decision.json": canonical(model.decision()),
        "reference.json": canonical(model.reference),
        "provenance.json": canonical(asdict(model.provenance)),
        "selftest.json": canonical(_selftest(model)),
    }
    manifest = _stated(model.name, FORMAT_VERSION, {name: digest(data) for name, data in files.items()})
    return {**files, MANIFEST: canonical(manifest)}


def _refused(code: str, folder: Path, found: str, fix: str) -> ModelRefused:
    return ModelRefused(Problem(code, str(folder), found, fix))


def _manifest(folder: Path, raw: bytes) -> dict[str, Any]:
    try:
        manifest = strict_json(raw)
        version, files = manifest["format_version"], manifest["files"]
        readable = type(version) is int and is_listing(files) and isinstance(manifest["name"], str)
    except (ValueError, KeyError, TypeError):
        readable = False
    if not readable:
        raise _refused("MANIFEST_DAMAGED", folder, f"{MANIFEST} cannot be read", "Copy the bundle again.")
    if version not in READABLE:
        found = f"format version {version}; this exodx reads {' and '.join(map(str, READABLE))}"
        raise _refused("FORMAT_UNKNOWN", folder, found, "Install a newer exodx.")
    if raw != canonical(_stated(manifest["name"], version, files)):
        raise _refused("MANIFEST_DAMAGED", folder, f"{MANIFEST} is not as exodx writes it", "Copy the bundle again.")
    return dict(manifest)


def _stated(name: str, version: int, files: Mapping[str, str]) -> dict[str, Any]:
    """Return what a manifest says."""
    return {"format_version": version, "name": name, "notice": RUO, "files": files}


def files_of(version: int) -> tuple[str, ...]:
    """Return the files of a bundle of a format version."""
    return tuple(name for name in FILES if SINCE.get(name, 1) <= version)


def _either(folder: Path) -> tuple[str, ...]:
    """Return what a bundle of either kind may hold: one of several classes has a table, and folders that hold a bundle."""
    parts = (p for p in folder.glob("class-[0-9][0-9]") if (p / MANIFEST).is_file() and not _foreign(p))
    return (*FILES, CLASSES, *(part.name for part in parts))


def _foreign(folder: Path, expected: Collection[str] = FILES) -> list[str]:
    """What lies in the folder beside a bundle's files."""
    return foreign(kinds_in(folder), expected)


def _model(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> DiagnosticModel:
    read_transform = from_format_1 if manifest["format_version"] == 1 else FrozenTransform.from_dict
    transform = read_transform(strict_json(files["transform.json"]))
    decision = strict_json(files["decision.json"])
    panel = parse_panel(parse_toml(files["panel.toml"].decode()), "panel.toml")
    reference = strict_json(files["reference.json"])
    check_domain(reference)
    if manifest["name"] != panel.name:
        raise ValueError(f"{MANIFEST} names it {manifest['name']!r}, panel.toml {panel.name!r}")
    return DiagnosticModel(
        name=manifest["name"],
        panel=panel,
        transform=transform,
        forest=_forest(files, manifest["format_version"], transform.names),
        calibrator=Calibrator(**decision["calibrator"]),
        threshold=Threshold(**decision["threshold"]),
        reference=reference,
        provenance=Provenance(**strict_json(files["provenance.json"])),
    )


def _forest(files: Mapping[str, bytes], version: int, names: tuple[str, ...]) -> Forest:
    stored = files[COMPILED] if version == FORMAT_VERSION else None
    linear = _read_line(strict_json(files[LINEAR]), names) if LINEAR in files else None
    return Forest(files["forest.ubj"], len(names), stored, linear)


def _line(linear: Linear | None, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the linear member by feature, as numbers a reader can check; empty where there is none."""
    if linear is None:
        return {"features": {}}
    columns = zip(*(column.tolist() for column in linear[:4]), strict=True)
    fields = Linear._fields[:4]
    by_feature = {name: dict(zip(fields, column, strict=True)) for name, column in zip(names, columns, strict=True)}
    return {"intercept": float(linear.intercept[0]), "features": by_feature}


def _read_line(state: Mapping[str, Any], names: tuple[str, ...]) -> Linear | None:
    if not state["features"]:
        return None
    if set(state["features"]) != set(names):
        raise ValueError(f"{LINEAR} is of other features")
    table = np.array([[state["features"][name][key] for key in Linear._fields[:4]] for name in names], np.float64)
    coefficient, mean, lower, upper = np.ascontiguousarray(table.T)
    return Linear(coefficient, mean, lower, upper, np.array([state["intercept"]], np.float64))


def selftest_rows(model: DiagnosticModel) -> Measurements:
    """Rows made of the training quantiles of raw values, analyte by analyte, and one of undetected ones: no specimen's row."""
    table = [model.reference["measured"][name] for name in model.panel.names]
    values = np.array([[np.nan if q is None else q for q in quantiles] for quantiles in table], np.float64).T
    values = np.vstack([values, np.full((1, values.shape[1]), np.nan)])
    states = np.where(np.isnan(values), np.uint8(State.NOT_RUN), np.uint8(State.MEASURED))
    states[-1] = State.UNDETERMINED
    return Measurements(model.panel.names, values, states)


def _selftest(model: DiagnosticModel) -> dict[str, list[float]]:
    features = model.transform.apply(selftest_rows(model)).values
    return {"margin": model.calibrator.margin(model.forest.margin(features)).tolist()}


def _check_selftest(folder: Path, model: DiagnosticModel, tested: Mapping[str, Any], tolerance: float) -> None:
    """Another version of exodx may read the same files and give other numbers: then the model is refused."""
    expected = np.array(tested["margin"], np.float64)
    found = np.array(_selftest(model)["margin"])
    if expected.shape != found.shape or not np.allclose(found, expected, rtol=0, atol=tolerance):
        versions = f"exodx {model.provenance.exodx} and xgboost {model.provenance.libraries.get('xgboost', '')}"
        fix = f"Install {versions}, with which it was trained."
        raise _refused("SELFTEST_FAILED", folder, "the model does not give the margins it gave when saved", fix)

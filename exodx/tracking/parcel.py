"""A run record as files, until MLflow has taken it: what a lost server, a full disk or a killed process cannot take away.

A parcel is a folder: ``record.json`` (names, params, metrics, child runs), ``files/`` (the artifacts) and ``bundle/`` (the model,
where one is to be registered). As the record itself it holds no specimen's row or id. It appears whole or not at all, readable by
its owner alone.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exodx.errors import ModelRefused, Problem, UsageError
from exodx.place import folder_made
from exodx.shelf import home_folder
from exodx.tracking.record import ChildRun, RunRecord, UsedCohort

FOLDER = "unsent"
RECORD, FILES, BUNDLE = "record.json", "files", "bundle"
TAG = "exodx.record"
"""Of a run: the parcel it came from, by which it is found again."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What becomes of a bundle.

    Parameters
    ----------
    bundle : Path
        Its folder.
    name : str
        Of the registered model.
    alias : str
        That moves to the new version; empty where none does.
    """

    bundle: Path
    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A run record that waits to be sent.

    Parameters
    ----------
    folder : Path
    key : str
        Tells it from every other.
    at : str
        When it was made, UTC.
    store : str
        The store it is meant for, without a password.
    record : RunRecord
        Tagged with the key.
    registration : Registration or None
        None where no model comes from the run.
    """

    folder: Path
    key: str
    at: str
    store: str
    record: RunRecord
    registration: Registration | None


def make_parcel(record: RunRecord, registration: Registration | None, store: str) -> Parcel | None:
    """Put a run record on the disk: in ``$EXODX_HOME/unsent``, else where temporary files go; None where neither can be written."""
    key, at = uuid.uuid4().hex, datetime.now(UTC).isoformat(timespec="milliseconds")
    record = record.with_more({}, {TAG: key}, {})
    name = f"{at[:19].replace(':', '')}-{key[:8]}"
    for folder in _places():
        parcel = Parcel(folder / name, key, at, store, record, registration)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with folder_made(parcel.folder) as made:
                made.chmod(0o700)
                _fill(parcel, made)
        except (OSError, UsageError):
            continue
        return parcel
    return None


def read_parcel(folder: Path) -> Parcel:
    """Read a parcel.

    Raises
    ------
    ModelRefused
        When the folder holds none, or it is damaged.
    """
    try:
        said: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        fields = said["record"]
        curves = {name: {int(step): value for step, value in curve.items()} for name, curve in fields.pop("curves").items()}
        children = tuple(ChildRun(**child) for child in fields.pop("children"))
        cohorts = tuple(UsedCohort(**cohort) for cohort in fields.pop("cohorts"))
        found = (path for path in sorted((folder / FILES).rglob("*")) if path.is_file())
        files = {path.relative_to(folder / FILES).as_posix(): path.read_bytes() for path in found}
        record = RunRecord(**fields, files=files, curves=curves, children=children, cohorts=cohorts)
        model = said["registration"]
        registration = None if model is None else Registration(folder / BUNDLE, **model)
        return Parcel(folder, said["key"], said["at"], said["store"], record, registration)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        problem = Problem("PARCEL_INVALID", str(folder), f"it holds no run that can be sent ({error})", "Name another folder.")
        raise ModelRefused(problem) from None


def parcels() -> Iterator[Path]:
    """Yield the folders of ``$EXODX_HOME/unsent``, the oldest one first."""
    folder = home_folder() / FOLDER
    yield from (path for path in sorted(folder.glob("*")) if not path.name.startswith(".") and path.is_dir())


def _places() -> Iterator[Path]:
    yield home_folder() / FOLDER
    try:
        place = Path(tempfile.mkdtemp(prefix="exodx-unsent-"))
    except OSError:
        return
    yield place
    if not any(place.iterdir()):
        place.rmdir()


def _fill(parcel: Parcel, folder: Path) -> None:
    fields = asdict(parcel.record)
    files: dict[str, bytes] = fields.pop("files")
    model = parcel.registration
    said = {
        "key": parcel.key,
        "at": parcel.at,
        "store": parcel.store,
        "record": fields,
        "registration": None if model is None else {"name": model.name, "alias": model.alias},
    }
    for name, content in files.items():
        path = folder / FILES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if model is not None:
        shutil.copytree(model.bundle, folder / BUNDLE, ignore=shutil.ignore_patterns(".*"))
    (folder / RECORD).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")

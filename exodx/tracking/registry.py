"""Models by URI: download the bundle and nothing else; what comes back is read by exodx's own reader, never executed."""

from __future__ import annotations

import re
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import ModelRefused, Problem
from exodx.frozen import load_bundle
from exodx.frozen.folder import MANIFEST
from exodx.shelf import keep_bundle, kept_bundle
from exodx.tracking.store import open_store

REGISTERED = re.compile(r"^models:/(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>.+))$")


def fetch_bundle(uri: str, folder: Path) -> Path:
    """Return the bundle of an MLflow model: from this machine's shelf, else downloaded into a folder, and then put on the shelf.

    A URI is resolved each time, since aliases move; only the bundle, which its hash names, is kept.

    Parameters
    ----------
    uri : str
        ``models:/name@alias``, ``models:/name/version`` or ``runs:/run_id`` (with or without ``/model``).
    folder : Path

    Returns
    -------
    Path
        The bundle. For a registered model its hash has been compared with the registry's tag.

    Raises
    ------
    ModelRefused
        When there is no such model, it holds no exodx bundle, or the hash differs.
    """
    open_store()
    full = f"{uri}/model" if uri.startswith("runs:/") and uri.count("/") == 1 else uri
    try:
        expected = _registered_hash(uri)
        kept = None if expected is None else kept_bundle(expected)
        if kept is not None:
            return kept
        downloaded = Path(mlflow.artifacts.download_artifacts(full, dst_path=str(folder)))
    except (MlflowException, OSError) as error:
        fix = "Check the name, version or alias; `exodx ui` shows the registry."
        raise ModelRefused(Problem("MODEL_UNKNOWN", uri, str(error).splitlines()[0], fix)) from None
    found = min((p.parent for p in downloaded.rglob(MANIFEST)), key=lambda p: (len(p.parts), p), default=None)
    if found is None:
        raise ModelRefused(Problem("BUNDLE_MISSING", uri, "the model holds no exodx bundle", "Choose a model made by exodx train."))
    model_hash = load_bundle(found)[1]
    if expected is not None and model_hash != expected:
        fix = "Do not use it; register the model again from its run."
        raise ModelRefused(Problem("HASH_DIFFERS", uri, "the bundle is not the one that was registered", fix))
    keep_bundle(found, model_hash)
    return found


def registered_version(uri: str, model: str, model_hash: str) -> tuple[str, str]:
    """Return name and version under which a model is registered; an empty version where none has its hash.

    Parameters
    ----------
    uri : str
        What the model was opened by: an MLflow URI or a folder.
    model : str
        The model's own name, under which it is looked for where the URI names none.
    model_hash : str
    """
    match = REGISTERED.match(uri)
    name = match["name"] if match is not None else model
    found = [
        int(version.version)
        for version in MlflowClient().search_model_versions(f"name = '{name}'")
        if version.tags.get("exodx.model_hash") == model_hash
    ]
    if match is not None and match["version"] and int(match["version"]) in found:
        return name, match["version"]
    return name, str(max(found)) if found else ""


def _registered_hash(uri: str) -> str | None:
    match = REGISTERED.match(uri)
    if match is None:
        return None
    client = MlflowClient()
    name = match["name"]
    version = match["version"] or client.get_model_version_by_alias(name, match["alias"]).version
    tag = client.get_model_version(name, str(version)).tags.get("exodx.model_hash")
    return None if tag is None else str(tag)

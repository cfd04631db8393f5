"""Which bundle a URI means now: asked of the registry itself, since importing mlflow takes seconds.

The embedded store is a SQLite file, read without a lock; a tracking server answers over its documented REST interface
(https://mlflow.org/docs/latest/api_reference/rest-api.html). Whatever cannot be told in this way for certain (other stores,
credentials, workspaces, an unknown name, other tables) is left to mlflow.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import Any

from exodx.shelf.kept import home_folder

URI = re.compile(r"^models:/(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>.+))$|^runs:/(?P<run>[0-9a-f]{32})(?:/model)?$")
TAG = "exodx.model_hash"
SECONDS = 10.0
_PLAIN = frozenset({"MLFLOW_TRACKING_URI"})

_OF_ALIAS = """
    SELECT t.value FROM registered_model_aliases a
    JOIN model_versions v ON v.workspace = a.workspace AND v.name = a.name AND v.version = a.version
    JOIN model_version_tags t ON t.workspace = a.workspace AND t.name = a.name AND t.version = a.version
    WHERE a.name = :name AND a.alias = :alias AND t.key = :tag AND v.current_stage != 'Deleted_Internal'"""
_OF_VERSION = """
    SELECT t.value FROM model_versions v
    JOIN model_version_tags t ON t.workspace = v.workspace AND t.name = v.name AND t.version = v.version
    WHERE v.name = :name AND v.version = :version AND t.key = :tag AND v.current_stage != 'Deleted_Internal'"""
_OF_RUN = """
    SELECT t.value FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid
    WHERE r.run_uuid = :run AND t.key = :tag AND r.lifecycle_stage = 'active'"""


def registered_hash(uri: str) -> str | None:
    """Return the hash of the bundle that a URI means, as its version or run is tagged; None where only mlflow can tell.

    Parameters
    ----------
    uri : str
        ``models:/name@alias``, ``models:/name/version`` or ``runs:/run_id``. An alias may move: it is asked each time.
    """
    match = URI.match(uri)
    if match is None or any(key.startswith("MLFLOW_TRACKING_") and key not in _PLAIN for key in os.environ):
        return None
    asked = {key: value for key, value in match.groupdict().items() if value is not None}
    store = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home_folder() / 'mlflow.db'}"
    try:
        if store.startswith(("http://", "https://")):
            return _of_server(store.rstrip("/"), asked)
        return _of_file(store, asked) if store.startswith("sqlite:///") and "?" not in store else None
    except (OSError, HTTPException, sqlite3.Error, ValueError, LookupError, TypeError, AttributeError):
        return None


def _of_file(store: str, asked: Mapping[str, str]) -> str | None:
    path = Path(store.removeprefix("sqlite:///")).absolute()
    query = _OF_RUN if "run" in asked else _OF_ALIAS if "alias" in asked else _OF_VERSION
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as connection:
        rows = connection.execute(query, {**asked, "tag": TAG}).fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None


def _of_server(store: str, asked: Mapping[str, str]) -> str | None:
    if "run" in asked:
        run = _answer(store, "runs/get", {"run_id": asked["run"]})["run"]
        return _tagged(run["data"]) if run["info"]["lifecycle_stage"] == "active" else None
    what = "registered-models/alias" if "alias" in asked else "model-versions/get"
    return _tagged(_answer(store, what, asked)["model_version"])


def _answer(store: str, what: str, asked: Mapping[str, str]) -> dict[str, Any]:
    url = f"{store}/api/2.0/mlflow/{what}?{urllib.parse.urlencode(asked)}"
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return dict(json.load(answer))


def _tagged(of: Mapping[str, Any]) -> str | None:
    return next((str(tag["value"]) for tag in of.get("tags", ()) if tag["key"] == TAG), None)

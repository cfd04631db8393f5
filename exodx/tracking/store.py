"""Where runs live: ``MLFLOW_TRACKING_URI`` if set, otherwise one SQLite store in the user's exodx folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read by mlflow when it is imported: nothing leaves the machine

import mlflow


@dataclass(frozen=True, slots=True)
class Store:
    """A tracking store.

    Parameters
    ----------
    uri : str
        Tracking and registry URI.
    artifacts : Path or None
        Folder of the embedded store's artifacts; None where a server decides.
    """

    uri: str
    artifacts: Path | None


def open_store() -> Store:
    """Return the store and point MLflow at it.

    The embedded store is ``$EXODX_HOME/mlflow.db`` (``~/.exodx`` unless set); the folder is made readable by its owner alone.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri:
        store = Store(uri, None)
    else:
        home = Path(os.environ.get("EXODX_HOME") or Path.home() / ".exodx").absolute()
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = Store(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    mlflow.set_tracking_uri(store.uri)
    mlflow.set_registry_uri(store.uri)
    return store


def serve_ui(store: Store, host: str, port: int) -> None:
    """Serve the MLflow UI until interrupted, without MLflow's job workers (they outlive the server)."""
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    arguments = ["--backend-store-uri", store.uri, "--host", host, "--port", str(port), "--workers", "1"]
    if store.artifacts is not None:
        arguments += ["--default-artifact-root", store.artifacts.as_uri()]
    subprocess.run([sys.executable, "-m", "mlflow", "server", *arguments], env=environment, check=False)

"""Where runs live: ``MLFLOW_TRACKING_URI`` if set, otherwise one SQLite store in the user's exodx folder."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from exodx.errors import RUO, Problem, UsageError
from exodx.shelf import home_folder
from exodx.tracking.embedded import ARTIFACTS, DATABASE, make_store
from exodx.tracking.locked import Tell, silence, wait_for_lock

ANSWER_SECONDS = 20
MOUNTS = Path("/proc/self/mounts")
SHARED = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "fuse.sshfs", "fuse.gluster")
"""Kinds of file systems that several machines share, by how their names begin."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that this machine alone can reach."""
SERVED = ("http://", "https://")
_PASSWORD = re.compile(r"^([\w+.-]+://[^/@:]*:)[^/]*@")


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

    @property
    def shown(self) -> str:
        """The URI as it may be printed: a database's or a server's password is left out."""
        return without_password(self.uri)


def open_store(experiment: str | None = None, tell: Tell = silence) -> Store:
    """Return the store and point MLflow at it, before any work is done for it.

    The embedded store is ``$EXODX_HOME/mlflow.db`` (``~/.exodx`` unless set); the folder is made readable by its owner alone.

    Parameters
    ----------
    experiment : str, optional
        Must be usable: made if it is not there.
    tell : callable
        Is told where another process has locked the store, and that this one waits.

    Raises
    ------
    UsageError
        When the store cannot be reached or written, or the experiment was deleted.
    """
    try:
        store = _store()
        wait_for_lock(store.uri, tell)
        mlflow.set_tracking_uri(store.uri)
        mlflow.set_registry_uri(store.uri)
        if store.artifacts is not None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow sets it: the next call would take our store for the user's
        if experiment is not None:
            _make_experiment(experiment, store)
        if store.artifacts is not None:
            _write_ahead(home_folder() / DATABASE)
    except (OSError, MlflowException, SQLAlchemyError) as error:
        found = str(error).splitlines()[0]
        fix = "Set EXODX_HOME or MLFLOW_TRACKING_URI to a store that can be written, or use --no-track."
        raise UsageError(
            Problem("STORE_UNUSABLE", without_password(os.environ.get("MLFLOW_TRACKING_URI") or str(home_folder())), found, fix)
        ) from None
    return store


def without_password(uri: str) -> str:
    """Return a URI without its password.

    >>> without_password("postgresql://exodx:secret@db/mlflow")
    'postgresql://exodx:***@db/mlflow'
    >>> without_password("sqlite:////home/n/.exodx/mlflow.db")
    'sqlite:////home/n/.exodx/mlflow.db'
    """
    return _PASSWORD.sub(r"\1***@", uri)


def _store() -> Store:
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri:
        _knock(uri)
        return Store(uri, None)
    home = home_folder()
    return Store(f"sqlite:///{make_store(home)}", home / ARTIFACTS)


def _write_ahead(database: Path) -> None:
    """Have SQLite write ahead (its WAL mode, kept in the file): a commit waits for the disk once, and who reads stops no one.

    Not on a network's file system, where SQLite forbids it, nor while another process is in the way: it only saves time.
    """
    if not database.exists() or on_network(database, MOUNTS):
        return
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(database, timeout=0)) as base:
        if base.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            base.execute("PRAGMA journal_mode = WAL")


def on_network(path: Path, mounts: Path) -> bool:
    """Say whether a path lies on a file system of a network; where the system does not tell, it does not.

    Parameters
    ----------
    path : Path
    mounts : Path
        The system's list of what is mounted where, as Linux writes it.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    whole, nearest, kind = path.resolve(), 0, ""
    for _, at, found, *_ in (line.split() for line in lines):
        depth = len(Path(at).parts)
        if whole.is_relative_to(at) and depth >= nearest:  # of two at one place the later one hides the other
            nearest, kind = depth, found
    return kind.startswith(SHARED)


def _knock(uri: str) -> None:
    """Ask a tracking server or a database for any answer; MLflow itself would wait for minutes on one that is not there."""
    if uri.startswith(SERVED):
        try:
            urllib.request.urlopen(uri, timeout=ANSWER_SECONDS).close()
        except urllib.error.HTTPError as answer:
            answer.close()  # it is there; whether it lets us in is MLflow's to find out
    elif not uri.startswith("sqlite:") and "://" in uri:
        _knock_at_database(uri)


def _knock_at_database(uri: str) -> None:
    try:
        engine = create_engine(uri)
    except ModuleNotFoundError as missing:
        raise OSError(f"{missing.name} is not installed: pip install 'exodx[server]'") from None
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _make_experiment(name: str, store: Store) -> None:
    client = MlflowClient()
    existing = client.get_experiment_by_name(name)
    if existing is None:
        try:
            client.create_experiment(name, artifact_location=None if store.artifacts is None else (store.artifacts / name).as_uri())
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another training made it meanwhile
                raise
    elif existing.lifecycle_stage != "active":
        raise OSError(f"the experiment {name!r} was deleted; restore it (mlflow experiments restore -x {existing.experiment_id})")
    elif store.uri.startswith(SERVED):
        client.set_experiment_tag(existing.experiment_id, "exodx.notice", RUO)  # who may not write is told now, not after the study


def serve_ui(store: Store, host: str, port: int) -> None:
    """Serve the MLflow UI until interrupted, without MLflow's job workers (they outlive the server).

    On a loopback host only requests that name it are answered: a page elsewhere cannot have its own name point here.

    Raises
    ------
    UsageError
        When the store is a server's: it has a page of its own.
    """
    if store.uri.startswith(SERVED):
        fix = "Open that address in a browser, or unset MLFLOW_TRACKING_URI to see the runs of this machine."
        raise UsageError(Problem("STORE_SERVED", "MLFLOW_TRACKING_URI", f"{store.shown} is served already", fix))
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": store.uri}
    environment.pop("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", None)  # "false" means true to click 8.2.0
    arguments = ["--host", host, "--port", str(port), "--workers", "1"]  # the store's URI may hold a password: not for all to see
    arguments += ["--x-frame-options", "SAMEORIGIN"]
    if host in LOOPBACK:  # MLflow's own list has 10.* and 192.168.*, which a name such as 10.example.org matches too
        arguments += ["--allowed-hosts", ",".join(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))]
    if store.artifacts is not None:
        arguments += ["--default-artifact-root", store.artifacts.as_uri()]
    subprocess.run([sys.executable, "-m", "mlflow", "server", *arguments], env=environment, check=False)

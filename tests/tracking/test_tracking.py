"""The store's place, and the run record without a server."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import mlflow
import pytest

from exodx.errors import UsageError
from exodx.tracking import open_store


def test_the_embedded_store_is_one_private_place(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))
    store = open_store()
    assert store.uri == f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}"
    assert mlflow.get_tracking_uri() == mlflow.get_registry_uri() == store.uri
    assert stat.S_IMODE(os.stat(tmp_path / "home").st_mode) == 0o700


def test_opening_the_store_twice_keeps_its_artifacts_beside_it(tmp_path, monkeypatch):
    """MLflow writes its environment variable when told a store; it must not be taken for the user's."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))
    assert open_store() == open_store()
    assert open_store().artifacts == tmp_path / "home" / "artifacts"


def test_mlflow_tracking_uri_is_respected(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mine.db'}")
    assert open_store().uri.endswith("mine.db")
    assert open_store().artifacts is None


def test_a_store_that_is_no_database_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    (tmp_path / "mlflow.db").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(UsageError, match="damaged or no database"):
        open_store("athero-3")


@pytest.mark.parametrize("first", ["exodx.tracking.flavour", "exodx.study"])
def test_telemetry_is_off_whatever_is_imported_first(first):
    """MLflow makes its sender when it is imported, and must have been told before. Under pytest it makes none by itself."""
    asked = f"import {first}; from mlflow.telemetry.client import get_telemetry_client; assert get_telemetry_client() is None"
    known = ("PATH", "HOME", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "EXODX_HOME")
    plain = {name: os.environ[name] for name in known if name in os.environ}
    subprocess.run([sys.executable, "-W", "ignore", "-c", asked], env=plain, check=True)


def test_a_server_that_is_not_there_is_refused_at_once(monkeypatch):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(UsageError, match="STORE_UNUSABLE"):
            open_store("athero-3")

"""Which hash a URI means: the same as mlflow says, of its SQLite store and of a server; else nothing is said."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from exodx.shelf import ask, registered_hash
from exodx.tracking import open_store

A, B = "a" * 64, "b" * 64


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Give a store that mlflow itself made: two versions, an alias, a run; and leave the session's store as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("EXODX_HOME", str(tmp_path_factory.mktemp("home")))
        open_store("e")
        client = MlflowClient()
        experiment = client.get_experiment_by_name("e").experiment_id
        run = client.create_run(experiment, tags={"exodx.model_hash": A, "other": "x"}).info.run_id
        deleted = client.create_run(experiment, tags={"exodx.model_hash": A}).info.run_id
        client.delete_run(deleted)
        client.create_registered_model("m")
        for tag in (A, B, None, A):
            version = client.create_model_version("m", source="file:///nowhere", run_id=run).version
            if tag is not None:
                client.set_model_version_tag("m", version, "exodx.model_hash", tag)
        client.delete_model_version("m", "4")
        client.set_registered_model_alias("m", "champion", "1")
        yield client, run, deleted
    open_store()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for key in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(key, raising=False)


@pytest.fixture
def at_home(registry, monkeypatch):
    uri = mlflow.get_tracking_uri()
    monkeypatch.setenv("EXODX_HOME", uri.removeprefix("sqlite:///").removesuffix("/mlflow.db"))
    return registry


def test_an_alias_is_resolved_each_time(at_home):
    client, *_ = at_home
    assert registered_hash("models:/m@champion") == A
    client.set_registered_model_alias("m", "champion", "2")
    try:
        assert registered_hash("models:/m@champion") == B
    finally:
        client.set_registered_model_alias("m", "champion", "1")


def test_versions_and_runs_are_known_by_their_tags(at_home):
    _, run, deleted = at_home
    assert registered_hash("models:/m/1") == A
    assert registered_hash("models:/m/2") == B
    assert registered_hash(f"runs:/{run}") == registered_hash(f"runs:/{run}/model") == A
    for unknown in (
        "models:/m/3",
        "models:/m/4",
        "models:/m/99",
        "models:/m@nobody",
        "models:/n@champion",
        "models:/m",
        f"runs:/{deleted}",
    ):
        assert registered_hash(unknown) is None, unknown
    for odd in (f"runs:/{run}/elsewhere", "runs:/../etc", "models:/m' OR 1=1 --/1", "s3://m/1", "models:/m@x' OR '1'='1"):
        assert registered_hash(odd) is None, odd


def test_the_users_own_sqlite_file_is_asked(at_home, monkeypatch):
    uri = mlflow.get_tracking_uri()
    monkeypatch.setenv("EXODX_HOME", "/nowhere")
    assert registered_hash("models:/m/2") is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert registered_hash("models:/m/2") == B
    for other in (f"{uri}?timeout=5", "postgresql://h/db", "file:///tmp", "databricks", "sqlite:////nowhere/at/all.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
        assert registered_hash("models:/m/2") is None, other


def test_credentials_are_left_to_mlflow(at_home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    assert registered_hash("models:/m/2") is None


def test_other_tables_are_left_to_mlflow(tmp_path, monkeypatch):
    import sqlite3
    from contextlib import closing

    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    assert registered_hash("models:/m/1") is None
    assert list(tmp_path.iterdir()) == []
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE model_versions (name TEXT, version INTEGER)")
        connection.commit()
    assert registered_hash("models:/m/1") is None


@contextmanager
def server(answers, status=200):
    """Answer as the REST interface is documented to; keep what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlparse(self.path)
            asked.append((url.path, {key: value[0] for key, value in parse_qs(url.query).items()}))
            body = answers.get(url.path, b"{}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", asked
        finally:
            http.shutdown()
            thread.join()


def test_a_server_is_asked_over_its_rest_interface(monkeypatch):
    version = {
        "model_version": {
            "name": "m",
            "version": "2",
            "tags": [{"key": "x", "value": "y"}, {"key": "exodx.model_hash", "value": B}],
        }
    }
    run = {"run": {"info": {"lifecycle_stage": "active"}, "data": {"tags": [{"key": "exodx.model_hash", "value": A}]}}}
    answers = {
        "/api/2.0/mlflow/registered-models/alias": json.dumps(version).encode(),
        "/api/2.0/mlflow/model-versions/get": json.dumps(version).encode(),
        "/api/2.0/mlflow/runs/get": json.dumps(run).encode(),
    }
    with server(answers) as (uri, asked):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{uri}/")
        assert registered_hash("models:/m b@champion") == B
        assert registered_hash("models:/m/2") == B
        assert registered_hash(f"runs:/{'0' * 32}") == A
    assert asked == [
        ("/api/2.0/mlflow/registered-models/alias", {"name": "m b", "alias": "champion"}),
        ("/api/2.0/mlflow/model-versions/get", {"name": "m", "version": "2"}),
        ("/api/2.0/mlflow/runs/get", {"run_id": "0" * 32}),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>", 200),
        (b"[]", 200),
        (b'{"model_version": {}}', 200),
        (b"{}", 404),
        (b"{}", 401),
        (b'{"model_version": null}', 200),
    ],
)
def test_any_other_answer_is_left_to_mlflow(body, status, monkeypatch):
    with server({"/api/2.0/mlflow/model-versions/get": body}, status) as (uri, _):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert registered_hash("models:/m/2") is None


def test_a_server_that_is_not_there_is_left_to_mlflow(monkeypatch):
    monkeypatch.setattr(ask, "SECONDS", 0.5)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert registered_hash("models:/m/2") is None

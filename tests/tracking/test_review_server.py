"""The review log on a real MLflow server: two reviewers in two processes at once, and a client without a disk of the store's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from mlflow.tracking import MlflowClient

from exodx.tracking import open_store
from exodx.tracking.review.log import read_log

EACH = 3
REVIEWER = f"""
import sys
from exodx.tracking import open_store
open_store()
from exodx.tracking.review.chain import Entry
from exodx.tracking.review.decisions import settle
from exodx.tracking.review.log import append
who = int(sys.argv[1])
for i in range({EACH}):
    append(Entry(0, "", f"t{{i}}", "promoted", "m", str(1 + (i + who) % 2), "champion", f"r{{who}}", "", f"{{i}}"))
    settle("m", "champion")
"""
START_SECONDS = 180


@pytest.fixture
def server(tmp_path):
    """Start a server of MLflow's own and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    words = [
        "server",
        "--backend-store-uri",
        f"sqlite:///{tmp_path / 'm.db'}",
        "--artifacts-destination",
        str(tmp_path / "artifacts"),
    ]
    words += ["--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1], "--workers", "1"]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until = time.monotonic() + START_SECONDS
            while not _is_up(address):
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.3)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def _is_up(address):
    try:
        urllib.request.urlopen(f"{address}/health", timeout=5).close()
    except (urllib.error.URLError, TimeoutError):
        return False
    return True


@pytest.mark.server
def test_two_reviewers_at_once_over_http(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    open_store("m")
    client = MlflowClient()
    run_id = client.create_run(client.get_experiment_by_name("m").experiment_id).info.run_id
    client.create_registered_model("m")
    for _ in range(2):
        client.create_model_version("m", f"runs:/{run_id}/model", run_id=run_id)
    both = [subprocess.Popen([sys.executable, "-c", REVIEWER, str(who)], stdout=subprocess.PIPE, text=True) for who in (0, 1)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said == ["", ""]  # MLflow's links would stand before the JSON
    log = read_log("m")
    assert log.problems == ()
    assert sorted((e.by, e.reason) for e in log.entries) == [(f"r{who}", f"{i}") for who in (0, 1) for i in range(EACH)]
    assert str(client.get_registered_model("m").aliases["champion"]) == log.entries[-1].version
    listed = subprocess.run([sys.executable, "-m", "exodx", "review", "list", "--json"], capture_output=True, text=True, check=True)
    assert [v["model_uri"] for v in json.loads(listed.stdout)["versions"]] == ["models:/m/1", "models:/m/2"]
    assert [v["aliases"] for v in json.loads(listed.stdout)["versions"]].count(["champion"]) == 1
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    open_store()  # what comes next in this process must not look for this server

"""What a team runs: a PostgreSQL server of the tests' own, and MLflow servers, each until its block ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 180
PASSWORD = "secret-of-postgres"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def postgres_programs() -> Path | None:
    """Debian keeps initdb and pg_ctl off the path."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(found) if (folder / "initdb").exists()), None)


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """Give a store's URI of a fresh database; PostgreSQL does not run as root, so root runs it as postgres."""
    folder = Path(tempfile.mkdtemp(prefix="exodx-postgres-"))
    owner = "postgres" if os.getuid() == 0 else None
    port = free_port()
    try:
        (folder / "password").write_text(PASSWORD)
        if owner is not None:
            shutil.chown(folder, owner)
            shutil.chown(folder / "password", owner)
        as_owner = {"user": owner, "cwd": folder, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        made = ["-D", folder / "data", "-U", "exodx", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8"]
        subprocess.run([programs / "initdb", *made, "--locale=C.UTF-8"], **as_owner)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
        control = [programs / "pg_ctl", "-D", folder / "data", "-w"]
        subprocess.run([*control, "-o", options, "-l", folder / "log", "start"], **as_owner)
        try:
            yield f"postgresql://exodx:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **as_owner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mlflow_server(words: list[str], log: Path, **more: str) -> Iterator[str]:
    """Give the address of an MLflow server."""
    address = f"http://127.0.0.1:{free_port()}"
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", **more}
    bound = ["--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1], "--workers", "1"]
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words, *bound],
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            until = time.monotonic() + START_SECONDS
            while not is_up(address):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.3)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def is_up(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/health", timeout=5).close()
    except (urllib.error.URLError, TimeoutError):
        return False
    return True


def environment_of(uri: str, **more: str) -> Mapping[str, str]:
    return {**os.environ, "MLFLOW_TRACKING_URI": uri, **more}

"""A tracking server that is lost, slow or errs in the middle of a run; a database that another process has locked."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mlflow.tracking import MlflowClient

from tests.faults.disks import COLUMNS
from tests.faults.proxy import ANSWER_LOST, BROKEN, LOST, SLOW, UNAVAILABLE, Gate, gate
from tests.faults.rig import TRAIN, Rig, Verdict, bundle_problems
from tests.faults.sent import counted, kept_folder, parcel_problems, sent_problems
from tests.tracking.servers import mlflow_server

QUICK = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0"}
"""As a user may set them: the waiting is not what is tried here."""


def of_server(address: str, key: str) -> tuple[int, int, int]:
    """Return how many runs of a parcel's key a server holds, how many of them ended well, and versions made from them."""
    client = MlflowClient(address, address)
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = client.search_runs(experiments, f"tags.`exodx.record` = '{key}'")
    versions = [v for run in runs for v in client.search_model_versions(f"run_id = '{run.info.run_id}'")]
    return len(runs), sum(run.info.status == "FINISHED" for run in runs), len(versions)


def requests_of_train(rig: Rig, door: Gate, home: Path) -> int:
    """Return how many requests a study takes."""
    door.mend()
    done = rig.run(*rig.train(rig.fresh() / "model"), home=home, MLFLOW_TRACKING_URI=door.address, **QUICK)
    assert done.code == 0, done.err
    return door.passed


def lost_servers(rig: Rig, door: Gate, n: int, seed: int = 1) -> Iterator[Verdict]:
    """The server is lost (or errs, or is slow) from some request of a study on; later it is back, and the run is sent."""
    rng = random.Random(seed)
    home = rig.fresh("home")
    total = requests_of_train(rig, door, home)
    faults = (LOST, UNAVAILABLE, BROKEN, SLOW)
    for k in range(n):
        fault, after = faults[k % len(faults)], rng.randint(5, total - 1)
        place, home = rig.fresh() / "model", rig.fresh("home")
        door.arm(after, fault, 8.0)
        done = rig.run(*rig.train(place), home=home, MLFLOW_TRACKING_URI=door.address, **QUICK)
        door.mend()
        problems, lost = bundle_problems(place, rig.bundle, done=done.code in (0, 6), before=False)
        problems += done.problems(0, 6)
        if done.code == 6:
            problems += _sent_to_server(rig, done, door, home)
        yield Verdict("MLflow server", f"{fault} from request {after} of {total}", tuple(problems), lost)


def _sent_to_server(rig: Rig, done, door: Gate, home: Path) -> list[str]:
    """Send what was kept: first to a server that is lost again in the middle, then to one that stays."""
    folder = kept_folder(done)
    problems = parcel_problems(folder)
    key = folder.name
    said = (folder / "record.json").read_text()
    key = said.split('"key": "')[1].split('"')[0]
    where = {"home": home, "MLFLOW_TRACKING_URI": door.address, **QUICK}
    door.arm(25, LOST)
    broken = rig.run("send", **where)
    problems += broken.problems(6, 2, 0)
    door.mend()
    if broken.code:
        problems += [] if folder.exists() else ["it is gone"]
        problems += rig.run("send", **where).problems(0)
    problems += rig.run("send", **where).problems(0)
    found = of_server(door.address, key)
    return problems + ([] if found == (1, 1, 1) else [f"runs, ended, versions: {found}"])


def lost_answers(rig: Rig, door: Gate, n: int, seed: int = 2) -> Iterator[Verdict]:
    """A request is done but its answer is lost; MLflow asks again. Of the run there is one all the same."""
    rng = random.Random(seed)
    total = requests_of_train(rig, door, rig.fresh("home"))
    for _ in range(n):
        after = rng.randint(5, total - 1)
        home = rig.fresh("home")
        client = MlflowClient(door.server, door.server)
        experiment = client.get_experiment_by_name("athero-3").experiment_id
        before = {run.info.run_id for run in client.search_runs([experiment], "tags.`exodx.kind` = 'study'", max_results=1000)}
        door.arm(after, ANSWER_LOST)
        done = rig.run(*rig.train(rig.fresh() / "model"), home=home, MLFLOW_TRACKING_URI=door.address, **QUICK)
        door.mend()
        problems = done.problems(0, 6)
        problems += rig.run("send", home=home, MLFLOW_TRACKING_URI=door.address, **QUICK).problems(0)
        runs = client.search_runs([experiment], "tags.`exodx.kind` = 'study'", max_results=1000)
        new = [run for run in runs if run.info.run_id not in before]
        problems += [] if len(new) == 1 and new[0].info.status == "FINISHED" else [f"{len(new)} runs"]
        yield Verdict("MLflow server: answer lost", f"of request {after} of {total}", tuple(problems))


def lost_reviews(rig: Rig, door: Gate, n: int, seed: int = 3) -> Iterator[Verdict]:
    """The server is lost while a reviewer decides: that is told, and the log's chain holds."""
    rng = random.Random(seed)
    home = rig.fresh("home")
    where = {"home": home, "MLFLOW_TRACKING_URI": door.address, **QUICK}
    for command in (("check", "models:/athero-3/1"), ("list",), ("log", "athero-3")):
        for _ in range(n):
            after = rng.randint(3, 12)
            door.arm(after, rng.choice((LOST, UNAVAILABLE, BROKEN)))
            done = rig.run("review", *command, **where)
            door.mend()
            problems = ["a traceback"] if "Traceback" in done.err else []
            problems += [] if done.code in (0, 2, 4) else [f"exit code {done.code}"]
            problems += rig.run("review", "log", "athero-3", **where).problems(0)
            yield Verdict("MLflow server: review", f"{command[0]}, from request {after}", tuple(problems))


def killed_server(rig: Rig, folder: Path) -> Iterator[Verdict]:
    """A real server is killed while a study is trained; another one takes its place over the same database."""
    words = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "artifacts")]
    home, place = rig.fresh("home"), rig.fresh() / "model"
    with mlflow_server(words, folder / "log-1") as address:
        study = rig.start(*rig.train(place), home=home, MLFLOW_TRACKING_URI=address, **QUICK)
        until = time.monotonic() + 120
        while not list(home.rglob("*.fold")) and time.monotonic() < until and not study.is_over:
            time.sleep(0.01)
    done = study.wait()
    problems, lost = bundle_problems(place, rig.bundle, done=done.code in (0, 6), before=False)
    problems += done.problems(6)
    with mlflow_server(words, folder / "log-2") as address:
        sent = rig.run("send", "--anywhere", home=home, MLFLOW_TRACKING_URI=address)
        problems += sent.problems(0)
        client = MlflowClient(address, address)
        experiments = [each.experiment_id for each in client.search_experiments()]
        runs = client.search_runs(experiments, "tags.`exodx.kind` = 'study'")
        problems += [] if len(runs) == 1 and len(client.search_model_versions("")) == 1 else [f"{len(runs)} runs"]
    yield Verdict("MLflow server", "killed while a study is trained", tuple(problems), lost)


def never_there(rig: Rig) -> Iterator[Verdict]:
    """What answers is no tracking server, after the first look: no server of MLflow's is needed to see that the run is kept."""
    with gate() as door:
        door.arm(6, UNAVAILABLE)
        home = rig.fresh("home")
        words = ("evaluate", TRAIN, "--model", rig.bundle, *COLUMNS, "--track", "--json")
        done = rig.run(*words, home=home, MLFLOW_TRACKING_URI=door.address, **QUICK)
    yield Verdict("MLflow server", "no tracking server", tuple(done.problems(2, 6)))


@contextmanager
def locked(database: Path, seconds: float, waited: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Hold a database's lock until somebody waits for it, and some seconds longer."""
    held = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            held.set()
            until = time.monotonic() + 200
            while not waited() and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    try:
        yield
    finally:
        thread.join()


def locked_stores(rig: Rig, seconds: tuple[float, ...]) -> Iterator[Verdict]:
    """Another process locks the embedded store while a study runs: it is waited for, or the run is kept and sent."""
    for held in seconds:
        home, place = rig.stored_home(), rig.fresh() / "model"
        study = rig.start(*rig.train(place), home=home)
        while not list(home.rglob("*.fold")):
            assert not study.is_over, study.err
            time.sleep(0.005)
        with locked(home / "mlflow.db", held, lambda: study.is_over or "is locked" in study.err):  # noqa: B023
            done = study.wait()
        problems, lost = bundle_problems(place, rig.bundle, done=True, before=False)
        problems += done.problems(0, 6)
        problems += [] if "locked" in done.err else ["it does not say what it waits for"]
        problems += sent_problems(rig, done, home) if done.code == 6 else []
        problems += [] if counted(home)[:3] == (1, 1, 1) else [f"runs, ended, versions: {counted(home)}"]
        yield Verdict("SQLite locked", f"for {held:.0f} s during train", tuple(problems), lost)


def locked_from_the_start(rig: Rig, seconds: float) -> Iterator[Verdict]:
    """The store is locked before the study begins."""
    home = rig.stored_home()
    with locked(home / "mlflow.db", seconds):
        done = rig.run("review", "list", home=home)
    problems = done.problems(0) if seconds < 50 else done.problems(2)
    problems += [] if "is locked by another process" in done.err else ["it does not say what it waits for"]
    yield Verdict("SQLite locked", f"for {seconds:.0f} s before a command", tuple(problems))


def cases(rig: Rig, n: int) -> Iterator[Verdict]:
    """Locks, and ``n`` moments of each way to lose a server."""
    yield from never_there(rig)
    yield from locked_stores(rig, (2.0, 100.0))
    yield from locked_from_the_start(rig, 5.0)
    yield from locked_from_the_start(rig, 75.0)
    folder = rig.fresh("server")
    yield from killed_server(rig, folder)
    words = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "artifacts")]
    with mlflow_server(words, folder / "log-3") as address, gate(address) as door:
        yield from lost_servers(rig, door, n)
        yield from lost_answers(rig, door, max(1, n // 4))
        yield from lost_reviews(rig, door, max(1, n // 4))

"""How long a whole run takes to be logged: 18 child runs, 60 params, 150 metrics, 21 files of 2 MB, and the model, into SQLite.

Run it as a script: ``python tests/benchmarks/bench_logging.py [rounds] [folder]``. Each round times every contender once, in turn:
exodx; exodx with SQLite's journal as MLflow leaves it; and one call of MLflow for each param, metric, tag and file. The stores lie
in the folder (default: where temporary files lie), since it is the disk that decides.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import mlflow
from mlflow.tracking import MlflowClient

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.frozen import save_bundle
from exodx.panel import StudyPlan, load_panel
from exodx.tracking import ChildRun, RunRecord, log_run, open_store
from exodx.tracking.flavour import log_bundle
from exodx.tracking.record import UsedCohort
from exodx.training import train_model

NAME, FOLDS, SITES, FIGURES = "bench", 15, 3, 20
PLAN = StudyPlan(budget="minimal", outer_folds=3, repeats=1, inner_folds=2)


def record() -> RunRecord:
    """Return a run as a study of three repeats of five folds and three sites leaves it."""
    folds = [ChildRun(f"repeat {k // 5 + 1}, fold {k % 5 + 1}", {"references": "-"}, {"auc": 0.8, "n": 9}) for k in range(FOLDS)]
    sites = [ChildRun(f"held-out {k}", {"site": str(k)}, {"auc": 0.7}, "held-out site") for k in range(SITES)]
    files = {f"figures/{k}.png": bytes(60_000) for k in range(FIGURES)}
    return RunRecord(
        experiment=NAME,
        name=NAME,
        description="**AUC 0.800**",
        tags={"exodx.model_hash": "0" * 64, "exodx.model_id": NAME, "exodx.kind": "study"},
        params={f"plan.{k}": str(k) for k in range(60)},
        metrics={f"estimate {k}": float(k) for k in range(150)},
        files=files | {"report.html": bytes(900_000)},
        children=(*folds, *sites),
        cohorts=(UsedCohort("c", "ab" * 32, "training", 160),),
    )


def bundle(folder: Path) -> Path:
    """Train a small model."""
    panel = load_panel("athero-3")
    cohort = frame_cohort(simulate(panel, SimulatedStudy(n=80, seed=1)), Intake(panel, "group", "case"))
    save_bundle(train_model(cohort, PLAN), folder / "bundle")
    return folder / "bundle"


def ours(of: RunRecord, model: Path) -> str:
    """Log it as ``exodx train`` does."""
    return log_run(of, model, NAME, open_store(NAME)).run_id


def in_turn(of: RunRecord, model: Path) -> str:
    """Log it with one call for each thing, as MLflow's tutorials do; the model all the same, without inference of requirements."""
    open_store(NAME)
    mlflow.set_experiment(NAME)
    with mlflow.start_run(run_name=of.name) as run:
        for key, value in of.tags.items():
            mlflow.set_tag(key, value)
        _one_by_one(of.params, of.metrics)
        for name, content in of.files.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / Path(name).name
                path.write_bytes(content)
                mlflow.log_artifact(str(path), Path(name).parent.name or None)
        log_bundle(model)
        for child in of.children:
            with mlflow.start_run(run_name=child.name, nested=True):
                _one_by_one(child.params, child.metrics)
        mlflow.register_model(f"runs:/{run.info.run_id}/model", NAME)
    return str(run.info.run_id)


def _one_by_one(params: dict[str, str], metrics: dict[str, float]) -> None:
    for key, value in params.items():
        mlflow.log_param(key, value)
    for key, number in metrics.items():
        mlflow.log_metric(key, number)


def journal(home: Path, mode: str) -> None:
    """Set SQLite's journal, which stays in the file."""
    base = sqlite3.connect(home / "mlflow.db")
    base.execute(f"PRAGMA journal_mode = {mode}")
    base.close()


def timed(way: Callable[[RunRecord, Path], str], of: RunRecord, model: Path) -> tuple[float, str]:
    start = time.perf_counter()
    run_id = way(of, model)
    return time.perf_counter() - start, run_id


def compare(rounds: int, root: Path, ways: dict[str, Callable[[RunRecord, Path], str]]) -> dict[str, list[float]]:
    """Return the seconds of each way, in a store of its own; each is warmed up once."""
    model, of = bundle(root), record()
    os.environ["EXODX_HOME"] = str(root / "seed")
    open_store("seed")  # MLflow takes seconds to make a database: each way gets a copy
    journal(root / "seed", "DELETE")
    for name in ways:
        (root / name).mkdir()
        shutil.copy(root / "seed" / "mlflow.db", root / name)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for k in range(rounds + 1):
        for name, way in ways.items():
            home = root / name
            os.environ["EXODX_HOME"] = str(home)
            took, run_id = timed(way, of, model)
            check(run_id)
            if k:
                seconds[name].append(took)
    return seconds


def check(run_id: str) -> None:
    """Refuse a run that lacks anything."""
    client = MlflowClient()
    run = client.get_run(run_id)
    children = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    found = len(run.data.params), len(run.data.metrics), len(children), len(client.list_artifacts(run_id, "figures"))
    if found != (60, 150, FOLDS + SITES, FIGURES):
        raise SystemExit(f"the run lacks something: {found}")


def rolled_back(of: RunRecord, model: Path) -> str:
    """Log it as exodx does, with the journal that SQLite has by itself."""
    from exodx.tracking import store

    kept, store._write_ahead = store._write_ahead, lambda database: journal(database.parent, "DELETE")
    try:
        return ours(of, model)
    finally:
        store._write_ahead = kept


WAYS = {"exodx": ours, "exodx, SQLite's own journal": rolled_back, "one call for each thing": in_turn}


def main(rounds: int = 5, folder: str | None = None) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as root:
        for name, seconds in compare(rounds, Path(root), WAYS).items():
            print(f"{name:30} median {median(seconds):6.2f} s   least {min(seconds):6.2f} s   of {len(seconds)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, sys.argv[2] if len(sys.argv) > 2 else None)

"""Writing a run: how often the store is asked, and what stands in it afterwards."""

from __future__ import annotations

import sqlite3
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow.store.tracking import sqlalchemy_store
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking import MlflowClient

from exodx.cohort import SimulatedStudy, simulate
from exodx.errors import InputRefused
from exodx.frozen import save_bundle
from exodx.tracking import ChildRun, RunRecord, log_run, open_store, store
from exodx.tracking.flavour import EXAMPLE_ROWS, BundleModel, input_example
from exodx.tracking.record import UsedCohort
from exodx.training import train_model

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")  # mlflow 3.17 with pandas 3
ASKED = ("create_run", "log_batch", "log_param", "log_metric", "set_tag", "log_inputs", "update_run_info", "get_metric_history")
FOLDS, SITES = 15, 3
NAME = "counted"


@pytest.fixture(scope="module")
def record():
    folds = [
        ChildRun(f"repeat {k // 5 + 1}, fold {k % 5 + 1}", {"references": "none"}, {"auc": 0.8, "n_held": 9}) for k in range(FOLDS)
    ]
    sites = [ChildRun(f"held-out {k}", {"site": str(k)}, {"auc": 0.7}, "held-out site") for k in range(SITES)]
    return RunRecord(
        experiment=NAME,
        name=NAME,
        description="**AUC 0.800**",
        tags={"exodx.model_hash": "0" * 64, "exodx.model_id": NAME, "exodx.kind": "study"},
        params={f"plan.{k}": str(k) for k in range(60)},
        metrics={f"estimate {k}": float(k) for k in range(150)},
        files={"report.html": b"<p>", "figures/roc.png": b"png"},
        children=(*folds, *sites),
        curves={"panel_size/auc": {1: 0.7, 2: 0.8}},
        cohorts=(UsedCohort("c", "ab" * 32, "training", 160),),
        about="what it is",
    )


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    save_bundle(model, folder / "b")
    return folder / "b"


@pytest.fixture
def counted(monkeypatch):
    """Count what the store is asked for, and the processes that are started."""
    calls: Counter[str] = Counter()

    def counting(name, asked):
        def call(*arguments, **options):
            calls[name] += 1
            return asked(*arguments, **options)

        return call

    for name in ASKED:
        monkeypatch.setattr(SqlAlchemyStore, name, counting(name, getattr(SqlAlchemyStore, name)))
    started = subprocess.Popen.__init__

    def starting(process, words, *arguments, **options):
        calls["git" if Path(words[0]).name == "git" else f"process {words}"] += 1
        started(process, words, *arguments, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", starting)
    return calls


def test_a_run_asks_the_store_three_times_a_child_and_once_for_all_metrics(record, bundle, counted):
    logged = log_run(record, bundle, NAME, open_store(NAME))
    children = FOLDS + SITES
    assert counted["create_run"] == 1 + children
    assert counted["log_batch"] == 1 + children
    assert counted["update_run_info"] == 1 + children
    assert counted["log_inputs"] == 1
    assert counted["set_tag"] <= 2
    assert {"log_param", "log_metric", "get_metric_history"}.isdisjoint(counted)
    assert [name for name in counted if name.startswith("process")] == []  # where MLflow would infer requirements; git it does ask
    run = MlflowClient().get_run(logged.run_id)
    assert (len(run.data.params), len(run.data.metrics), run.info.status) == (60, 151, "FINISHED")


def test_children_stand_in_their_order_with_kind_and_source(record, bundle):
    logged = log_run(record, bundle, NAME, open_store(NAME))
    client = MlflowClient()
    found = client.search_runs([logged.experiment_id], f"tags.`mlflow.parentRunId` = '{logged.run_id}'")  # as the page lists them
    assert [run.info.run_name for run in found] == [child.name for child in record.children]
    assert Counter(run.data.tags["exodx.kind"] for run in found) == {"outer fold": FOLDS, "held-out site": SITES}
    assert {run.info.status for run in found} == {"FINISHED"}
    assert {run.data.tags["mlflow.source.name"] for run in [*found, client.get_run(logged.run_id)]} == {"exodx"}


def test_the_cohort_is_told_by_its_fingerprint_alone(record, bundle):
    run = MlflowClient().get_run(log_run(record, bundle, NAME, open_store(NAME)).run_id)
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest, used.dataset.schema) == ("c", "ab" * 16, None)
    assert used.dataset.profile == '{"num_rows": 160}'
    assert used.dataset.source == '{"tags": {}}'
    assert run.data.tags["mlflow.source.git.repoURL"] == ""


def test_a_version_is_made_with_its_hash_and_description_and_the_model_keeps_what_was_written_by_hand(record, bundle):
    client = MlflowClient()
    logged = log_run(record, bundle, NAME, open_store(NAME))
    version = client.get_model_version(NAME, logged.model_version)
    assert version.tags["exodx.model_hash"] == "0" * 64
    assert (version.description, version.run_id) == (record.description, logged.run_id)
    assert client.get_registered_model(NAME).description == "what it is"
    assert str(client.get_registered_model(NAME).aliases["challenger"]) == logged.model_version
    client.update_registered_model(NAME, "by hand")
    log_run(record, bundle, NAME, open_store(NAME))
    assert client.get_registered_model(NAME).description == "by hand"
    client.update_registered_model(NAME, "")
    log_run(record, bundle, NAME, open_store(NAME))
    assert client.get_registered_model(NAME).description == "what it is"


def test_a_run_that_fails_registers_nothing(record, bundle, monkeypatch):
    versions = len(MlflowClient().search_model_versions(f"name = '{NAME}'"))

    def full(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr(MlflowClient, "log_artifacts", full)
    with pytest.raises(OSError, match="disk full"):
        log_run(record, bundle, NAME, open_store(NAME))
    client = MlflowClient()
    assert len(client.search_model_versions(f"name = '{NAME}'")) == versions
    (last,) = client.search_runs([client.get_experiment_by_name(NAME).experiment_id], "tags.`exodx.kind` = 'study'", max_results=1)
    assert last.info.status == "FAILED"


def test_two_runs_of_one_new_cohort_in_the_same_moment_both_stand(record, bundle, monkeypatch):
    """MLflow looks for the dataset, finds none, and makes it; another training makes it in between, and the database refuses."""
    fresh = replace(record, cohorts=(UsedCohort("c", "cd" * 32, "training", 160),), children=())
    place, log_inputs, named = open_store(NAME), SqlAlchemyStore.log_inputs, sqlalchemy_store.uuid.uuid4
    other = MlflowClient().create_run(MlflowClient().get_experiment_by_name(NAME).experiment_id).info.run_id
    overtaken = []

    def asked(self, run_id, datasets=None, **options):
        def overtaking():
            monkeypatch.setattr(sqlalchemy_store.uuid, "uuid4", named)
            overtaken.append(run_id)
            log_inputs(self, other, datasets, **options)
            return named()

        if not overtaken:
            monkeypatch.setattr(sqlalchemy_store.uuid, "uuid4", overtaking)
        return log_inputs(self, run_id, datasets, **options)

    monkeypatch.setattr(SqlAlchemyStore, "log_inputs", asked)
    logged = log_run(fresh, bundle, NAME, place)
    assert overtaken == [logged.run_id]
    for run_id in (logged.run_id, other):
        assert [used.dataset.digest for used in MlflowClient().get_run(run_id).inputs.dataset_inputs] == ["cd" * 16]


def test_the_embedded_store_writes_ahead_and_a_store_in_the_way_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    database = tmp_path / "mlflow.db"
    base = sqlite3.connect(database, isolation_level=None)
    base.execute("CREATE TABLE busy (x)")
    base.execute("BEGIN")
    base.execute("SELECT * FROM busy").fetchall()
    open_store()  # neither waits nor fails
    base.execute("COMMIT")
    base.close()
    assert journal(database) == "delete"
    open_store()
    assert journal(database) == "wal"


def journal(database):
    base = sqlite3.connect(database)
    (mode,) = base.execute("PRAGMA journal_mode").fetchone()
    base.close()
    return mode


def test_on_a_networks_file_system_sqlite_keeps_its_own_journal(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    home = tmp_path / "home" / "n"
    home.mkdir(parents=True)
    here = f"/dev/sda / ext4 rw 0 0\nserver:/home {tmp_path / 'home'} nfs4 rw 0 0\n"
    mounts.write_text(here)
    assert store.on_network(home, mounts)
    assert not store.on_network(tmp_path, mounts)
    mounts.write_text(f"{here}/dev/sdb {tmp_path / 'home'} ext4 rw 0 0\n")  # mounted over it
    assert not store.on_network(home, mounts)
    assert not store.on_network(home, tmp_path / "none")
    mounts.write_text(here)
    monkeypatch.setattr(store, "MOUNTS", mounts)
    monkeypatch.setenv("EXODX_HOME", str(home))
    (home / "mlflow.db").touch()
    open_store()
    assert journal(home / "mlflow.db") == "delete"


def test_the_input_example_is_none_that_the_model_would_refuse(cohort, fast_plan, tmp_path):
    """A model of large intensities takes simulated amounts for another unit."""
    analytes = tuple(replace(a, unit="intensity") if a.kind == "protein" else a for a in cohort.panel.analytes)
    panel, large = replace(cohort.panel, analytes=analytes), np.where([a.kind == "protein" for a in analytes], 1e5, 1.0)
    measured = replace(cohort.measurements, values=cohort.measurements.values * large)
    made = train_model(replace(cohort, panel=panel, measurements=measured), fast_plan)
    save_bundle(made, tmp_path / "b")
    scored = BundleModel(tmp_path / "b").predict(input_example(made))
    assert len(scored) == EXAMPLE_ROWS
    assert scored["probability"].notna().all()
    with pytest.raises(InputRefused, match="UNIT_SUSPECT"):
        BundleModel(tmp_path / "b").predict(simulate(panel, SimulatedStudy(n=3)))

"""A run that MLflow does not take is kept, whole and without ids, and sent later: once."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import ModelRefused, UsageError
from exodx.frozen import save_bundle
from exodx.tracking import (
    ChildRun,
    LoggedRun,
    Registration,
    RunRecord,
    Unsent,
    deliver,
    home_folder,
    log,
    open_store,
    parcels,
    read_parcel,
    send_parcel,
)
from exodx.tracking.locked import wait_for_lock
from exodx.tracking.parcel import make_parcel
from exodx.tracking.record import UsedCohort

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")  # mlflow 3.17 with pandas 3
STEPS = ("_content", "_children", "_register", "log_bundle")
"""Of writing a run; at each of them the store is lost once."""


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "bundle"
    save_bundle(model, folder)
    return folder


def record_of(name):
    return RunRecord(
        experiment=name,
        name="r",
        description="d",
        tags={"exodx.model_hash": "f" * 64},
        params={"p": "1"},
        metrics={"m": 0.5, "none": float("nan")},
        files={"report.html": b"<p>", "figures/roc.png": b"\x89PNG"},
        children=(ChildRun("fold 1", {"a": "b"}, {"auc": 0.7}), ChildRun("fold 2", {}, {})),
        curves={"c": {2: 0.1, 10: 0.2}},
        cohorts=(UsedCohort("cohort", "f" * 64, "training", 3),),
        about="about",
    )


def runs_of(name):
    client = MlflowClient()
    experiment = client.get_experiment_by_name(name).experiment_id
    runs = client.search_runs([experiment])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return parents, [run for run in runs if run not in parents], client.search_model_versions(f"name = '{name}'")


def test_a_delivered_run_leaves_nothing_on_this_machine(bundle):
    store = open_store("delivered")
    sent = deliver(record_of("delivered"), Registration(bundle, "delivered", "challenger"), store)
    assert isinstance(sent, LoggedRun)
    assert list(parcels()) == []
    parents, children, versions = runs_of("delivered")
    assert [len(parents), len(children), len(versions)] == [1, 2, 1]
    assert MlflowClient().get_model_version_by_alias("delivered", "challenger").version == int(sent.model_version)


@pytest.mark.parametrize("step", STEPS)
def test_whatever_step_fails_the_run_is_kept_and_sent_once(bundle, monkeypatch, step):
    name = f"lost-{step.strip('_')}"
    store = open_store(name)

    def lost(*arguments, **more):
        raise MlflowException("API request failed") from ConnectionRefusedError(111, "Connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(log, step, lost)
        kept = deliver(record_of(name), Registration(bundle, name, "challenger"), store)
        assert isinstance(kept, Unsent)
        assert "Connection refused" in kept.why
        again = send_parcel(kept.folder)
        assert isinstance(again, Unsent)
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    assert (kept.bundle / "manifest.json").is_file()
    sent = send_parcel(kept.folder)
    assert isinstance(sent, LoggedRun)
    assert not kept.folder.exists()
    parents, children, versions = runs_of(name)
    assert [(run.info.run_id, run.info.status) for run in parents] == [(sent.run_id, "FINISHED")]
    assert [len(children), len(versions)] == [2, 1]
    assert parents[0].data.metrics["m"] == 0.5
    assert {child.data.tags["mlflow.runName"] for child in children} == {"fold 1", "fold 2"}


def test_a_version_that_lacks_only_its_alias_is_completed_and_not_made_again(bundle, monkeypatch):
    store = open_store("alias")
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", lambda *_: (_ for _ in ()).throw(MlflowException("gone")))
        kept = deliver(record_of("alias"), Registration(bundle, "alias", "challenger"), store)
    assert isinstance(kept, Unsent)
    before = runs_of("alias")[2]
    sent = send_parcel(kept.folder)
    assert [str(v.version) for v in runs_of("alias")[2]] == [str(v.version) for v in before] == [sent.model_version]
    assert MlflowClient().get_model_version_by_alias("alias", "challenger").version == int(sent.model_version)


def test_an_alias_that_went_to_a_later_study_stays_there(bundle, monkeypatch):
    store, said = open_store("later"), []
    with monkeypatch.context() as patch:
        patch.setattr(log, "_content", lambda *_: (_ for _ in ()).throw(OSError("no")))
        kept = deliver(record_of("later"), Registration(bundle, "later", "challenger"), store)
    time.sleep(0.01)
    newer = deliver(record_of("later"), Registration(bundle, "later", "challenger"), store)
    sent = send_parcel(kept.folder, said.append)
    assert int(sent.model_version) > int(newer.model_version)
    assert MlflowClient().get_model_version_by_alias("later", "challenger").version == int(newer.model_version)
    assert said == [f"challenger stays version {newer.model_version}, which was made later"]


def test_an_interruption_is_told_and_the_run_is_kept(bundle, monkeypatch):
    store, said = open_store("interrupted"), []
    with monkeypatch.context() as patch:
        patch.setattr(log, "_content", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            deliver(record_of("interrupted"), None, store, said.append)
    (folder,) = parcels()
    assert str(folder) in said[0]
    assert isinstance(send_parcel(folder), LoggedRun)
    assert len(runs_of("interrupted")[0]) == 1


def test_a_parcel_gives_back_what_was_put_in(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    parcel = make_parcel(record_of("kept"), Registration(bundle, "kept", "a"), "sqlite:///x")
    read = read_parcel(parcel.folder)
    assert read.record.metrics.pop("none") != parcel.record.metrics.pop("none")  # NaN
    assert read.record == parcel.record
    assert (read.key, read.at, read.store) == (parcel.key, parcel.at, "sqlite:///x")
    assert {path.name for path in read.registration.bundle.iterdir()} == {path.name for path in bundle.iterdir()}


@pytest.mark.parametrize("harm", ["no record", "a torn record", "another record"])
def test_a_damaged_parcel_is_refused(bundle, tmp_path, monkeypatch, harm):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    folder = make_parcel(record_of("kept"), None, "sqlite:///x").folder
    record = folder / "record.json"
    if harm == "no record":
        record.unlink()
    else:
        record.write_text(record.read_text()[:-40] if harm == "a torn record" else "[]")
    with pytest.raises(ModelRefused, match="PARCEL_INVALID"):
        send_parcel(folder)
    with pytest.raises(ModelRefused, match="PARCEL_INVALID"):
        send_parcel(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_what_is_meant_for_another_store_is_not_sent_unless_asked(bundle):
    open_store("elsewhere")
    parcel = make_parcel(record_of("elsewhere"), None, "http://127.0.0.1:9")
    refused = send_parcel(parcel.folder)
    assert isinstance(refused, Unsent)
    assert "meant for http://127.0.0.1:9" in refused.why
    assert isinstance(send_parcel(parcel.folder, anywhere=True), LoggedRun)


def test_where_the_home_cannot_be_written_it_is_kept_among_temporary_files(bundle, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    parcel = make_parcel(record_of("kept"), Registration(bundle, "kept"), "sqlite:///x")
    assert parcel.folder.parent.parent == tmp_path
    assert stat.S_IMODE(parcel.folder.parent.stat().st_mode) == 0o700
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    assert make_parcel(record_of("kept"), None, "sqlite:///x") is None


def test_a_run_of_negative_length_is_none(monkeypatch):
    store = open_store("clock")
    now = time.time()
    ticks = iter([now, now, *[now - 1000.0] * 10**6])
    monkeypatch.setattr(time, "time", lambda: next(ticks))
    deliver(record_of("clock"), None, store)
    monkeypatch.undo()
    assert all(run.info.end_time >= run.info.start_time for kind in runs_of("clock")[:2] for run in kind)


def test_a_lock_is_waited_for_with_a_word(tmp_path):
    database, said = tmp_path / "m.db", []
    with closing(sqlite3.connect(database, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OSError, match="has locked"):
            wait_for_lock(f"sqlite:///{database}", said.append, seconds=0.3)
        timer = threading.Timer(0.3, other.execute, ("ROLLBACK",))
        timer.start()
        wait_for_lock(f"sqlite:///{database}", said.append, seconds=30)
        timer.join()
    assert len(said) == 2
    assert "waiting up to 30 s" in said[1]
    wait_for_lock(f"sqlite:///{tmp_path / 'none.db'}")
    wait_for_lock("http://127.0.0.1:9")


def test_a_store_that_was_interrupted_in_the_making_is_made_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))

    def killed(uri, artifacts):
        Path(uri.removeprefix("sqlite:///")).write_bytes(b"half of its tables")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("exodx.tracking.embedded.SqlAlchemyStore", killed)
        with pytest.raises(KeyboardInterrupt):
            open_store()
    assert list((tmp_path / "home").iterdir()) == []
    open_store("made")
    assert (home_folder() / "mlflow.db").is_file()
    assert MlflowClient().get_experiment_by_name("made") is not None


def test_a_store_made_meanwhile_by_another_is_taken(tmp_path):
    from exodx.tracking.embedded import _put

    (tmp_path / "mine").write_text("mine")
    (tmp_path / "mlflow.db").write_text("theirs")
    _put(tmp_path / "mine", tmp_path / "mlflow.db")
    assert (tmp_path / "mlflow.db").read_text() == "theirs"


def test_a_home_that_cannot_be_written_is_told_at_once(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "file" / "home"))
    start = time.monotonic()
    with pytest.raises(UsageError, match="STORE_UNUSABLE"):
        open_store()
    assert time.monotonic() - start < 5
    assert os.listdir(tmp_path) == ["file"]

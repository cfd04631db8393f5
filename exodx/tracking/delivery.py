"""A finished run goes to MLflow, or waits on this machine until it can: nothing of it is lost on the way, and none is sent twice.

The record is written to the disk first (:mod:`exodx.tracking.parcel`) and removed once MLflow has all of it. Every run carries its
parcel's key: what an interrupted sending left half written is found by it, taken away, and written anew.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import ModelRefused
from exodx.place import take
from exodx.tracking.locked import Tell, silence, wait_for_lock
from exodx.tracking.log import LoggedRun, log_evaluation, log_version
from exodx.tracking.parcel import BUNDLE, TAG, Parcel, Registration, make_parcel, read_parcel
from exodx.tracking.record import RunRecord
from exodx.tracking.store import Store, open_store, without_password

LONGEST = 300


@dataclass(frozen=True, slots=True)
class Unsent:
    """A run that MLflow has not taken.

    Parameters
    ----------
    folder : Path or None
        Where it is kept; None where nothing could be written.
    why : str
    """

    folder: Path | None
    why: str

    @property
    def bundle(self) -> Path | None:
        """The model's bundle, where one was to be registered."""
        kept = None if self.folder is None else self.folder / BUNDLE
        return kept if kept is not None and kept.is_dir() else None


def deliver(record: RunRecord, registration: Registration | None, store: Store, tell: Tell = silence) -> LoggedRun | Unsent:
    """Write a run to MLflow, and register its model; where MLflow fails keep it, to be sent later.

    Parameters
    ----------
    record : RunRecord
    registration : Registration or None
        None where no model comes from the run.
    store : Store
        As :func:`open_store` returned it for the record's experiment.
    tell : callable
        Is told what a person waits for.
    """
    parcel = make_parcel(record, registration, store.shown)
    if parcel is None:
        return _tried(Parcel(Path(), "", "", store.shown, record, registration), store, tell, None)
    handle = take(parcel.folder)
    try:
        return _tried(parcel, store, tell, parcel.folder)
    except BaseException:
        tell(f"interrupted: the finished run is kept in {parcel.folder}; send it with: exodx send")
        raise
    finally:
        if handle is not None:
            os.close(handle)


def send_parcel(folder: Path, tell: Tell = silence, *, anywhere: bool = False) -> LoggedRun | Unsent:
    """Send a run that is kept; one that MLflow has already, or in part, is completed and not written twice.

    Parameters
    ----------
    folder : Path
    tell : callable
    anywhere : bool
        Send to the present store also what was meant for another.

    Raises
    ------
    ModelRefused
        When the folder holds no such run.
    UsageError
        When the store cannot be used.
    """
    handle = take(folder) if folder.is_dir() else None
    if folder.is_dir() and handle is None:
        return Unsent(folder, "another process is sending it")
    try:
        parcel = read_parcel(folder)
        store = open_store(parcel.record.experiment)
        if parcel.store != store.shown and not anywhere:
            return Unsent(folder, f"it is meant for {parcel.store}, and the store is {store.shown}")
        return _tried(parcel, store, tell, folder)
    except ModelRefused:
        with suppress(OSError):
            folder.rmdir()  # empty: another process sent it between the look and the hold
        raise
    finally:
        if handle is not None:
            os.close(handle)


def _tried(parcel: Parcel, store: Store, tell: Tell, kept: Path | None) -> LoggedRun | Unsent:
    try:
        wait_for_lock(store.uri, tell)
        logged = _sent(parcel, store, tell)
    except Exception as error:  # whatever fails in MLflow, its server, its database or its disk: the finished run is not lost by it
        return Unsent(kept, _reason(error))
    if kept is not None:
        shutil.rmtree(kept, ignore_errors=True)
    return logged


def _reason(error: BaseException) -> str:
    """Return what was at the bottom of a failure, in a line: MLflow wraps what its database or network said."""
    while (below := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        error = below
    lines = without_password(str(error)).strip().splitlines()
    return textwrap.shorten(f"{type(error).__name__}: {lines[0] if lines else ''}", LONGEST, placeholder=" …")


def _sent(parcel: Parcel, store: Store, tell: Tell) -> LoggedRun:
    """Write a run unless MLflow has it; take away what was written of it in part."""
    client = MlflowClient()
    experiment = str(client.get_experiment_by_name(parcel.record.experiment).experiment_id)
    runs = _runs(client, experiment, parcel.key)
    logged = next((found for run in runs if (found := _whole(client, run, parcel, store)) is not None), None)
    if logged is None:
        logged = _written(parcel, store)
        runs = _runs(client, experiment, parcel.key)
    for run in runs:
        if run.info.run_id != logged.run_id:
            _take_away(client, experiment, run)
    _move_alias(client, parcel, logged, tell)
    _lasts(client, logged)
    return logged


def _runs(client: MlflowClient, experiment: str, key: str) -> list[Run]:
    return list(client.search_runs([experiment], f"tags.`{TAG}` = '{key}'")) if key else []


def _lasts(client: MlflowClient, logged: LoggedRun) -> None:
    """End a run where it began whose clock was set back meanwhile."""
    run = client.get_run(logged.run_id).info
    if run.end_time is not None and run.end_time < run.start_time:
        client.set_terminated(logged.run_id, end_time=run.start_time)


def _whole(client: MlflowClient, run: Run, parcel: Parcel, store: Store) -> LoggedRun | None:
    """Return a run that lacks nothing but its end; None where it does."""
    name, version = "", ""
    if parcel.registration is not None:
        name = parcel.registration.name
        versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
        if not versions:
            return None
        version = str(versions[0].version)
    elif run.info.status != "FINISHED":
        return None
    if run.info.status != "FINISHED":
        client.set_terminated(run.info.run_id)
    return LoggedRun(run.info.run_id, run.info.experiment_id, name, version, store.shown)


def _written(parcel: Parcel, store: Store) -> LoggedRun:
    model = parcel.registration
    if model is not None:
        return log_version(parcel.record, model.bundle, model.name, store)
    run_id = log_evaluation(parcel.record)
    return LoggedRun(run_id, "", "", "", store.shown)


def _take_away(client: MlflowClient, experiment: str, run: Run) -> None:
    """Delete a run that was written in part, with its child runs and models; MLflow keeps them among the deleted."""
    run_id = run.info.run_id
    for model in client.search_logged_models([experiment], f"source_run_id = '{run_id}'"):
        client.delete_logged_model(model.model_id)
    for child in client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'"):
        client.delete_run(child.info.run_id)
    client.delete_run(run_id)


def _move_alias(client: MlflowClient, parcel: Parcel, logged: LoggedRun, tell: Tell) -> None:
    """Give the new version the alias, unless it went to a version that was made after the study was finished."""
    model = parcel.registration
    if model is None or not model.alias:
        return
    holder = _holder(client, model)
    if holder is not None and holder[0] != logged.model_version and _is_later(holder[1], parcel):
        tell(f"{model.alias} stays version {holder[0]}, which was made later")
        return
    client.set_registered_model_alias(model.name, model.alias, logged.model_version)


def _is_later(made: int, parcel: Parcel) -> bool:
    return bool(parcel.at) and made > datetime.fromisoformat(parcel.at).timestamp() * 1000


def _holder(client: MlflowClient, model: Registration) -> tuple[str, int] | None:
    try:
        version = client.get_model_version_by_alias(model.name, model.alias)
    except MlflowException:
        return None
    return str(version.version), int(version.creation_timestamp)

"""The one place that writes a run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from exodx.tracking.flavour import log_bundle
from exodx.tracking.record import RunRecord
from exodx.tracking.store import Store

ALIAS = "challenger"
OF_VERSION = (
    "exodx.model_hash",
    "exodx.model_id",
    "exodx.synthetic",
    "exodx.parent_hash",
    "exodx.parent_version",
    "exodx.recalibrated",
)
"""Tags of a run that its registered version carries too."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """Where a run and its registered model are."""

    run_id: str
    experiment_id: str
    model_name: str
    model_version: str
    store: str

    @property
    def model_uri(self) -> str:
        """The URI ``--model`` takes."""
        return f"models:/{self.model_name}/{self.model_version}"


def log_run(record: RunRecord, bundle: Path, model_name: str, store: Store) -> LoggedRun:
    """Write a run record with its children, figures, files and model, and register the model as ``challenger``.

    Parameters
    ----------
    record : RunRecord
    bundle : Path
        Folder of the model bundle.
    model_name : str
        Name in the registry.
    store : Store
        As :func:`open_store` returned it for the record's experiment.
    """
    logged = log_version(record, bundle, model_name, store)
    MlflowClient().set_registered_model_alias(model_name, ALIAS, logged.model_version)
    return logged


def log_version(record: RunRecord, bundle: Path, model_name: str, store: Store) -> LoggedRun:
    """Do as :func:`log_run` does, but for the alias: every one stays where it was."""
    client = MlflowClient()
    experiment_id = str(client.get_experiment_by_name(record.experiment).experiment_id)
    with mlflow.start_run(experiment_id=experiment_id, run_name=record.name, description=record.description) as run:
        run_id = run.info.run_id
        _content(client, run_id, record)
        for child in record.children:
            _child(client, experiment_id, run_id, child.name, child.params, child.metrics)
        info = log_bundle(bundle, model_name)
    version = str(info.registered_model_version)
    for key in OF_VERSION:
        if key in record.tags:
            client.set_model_version_tag(model_name, version, key, record.tags[key])
    client.update_model_version(model_name, version, description=record.description)
    return LoggedRun(run_id, experiment_id, model_name, version, store.uri)


def log_evaluation(record: RunRecord) -> str:
    """Write a run record that no model comes from; return the run's id.

    Parameters
    ----------
    record : RunRecord
        Without children; the store was opened for its experiment.
    """
    client = MlflowClient()
    experiment_id = str(client.get_experiment_by_name(record.experiment).experiment_id)
    with mlflow.start_run(experiment_id=experiment_id, run_name=record.name, description=record.description) as run:
        _content(client, run.info.run_id, record)
        return str(run.info.run_id)


def _content(client: MlflowClient, run_id: str, record: RunRecord) -> None:
    metrics = [*_metrics(record.metrics), *_steps(record.curves)]
    client.log_batch(run_id, metrics, _params(record.params), [RunTag(k, v) for k, v in record.tags.items()])
    _files(client, run_id, record.files)


def _child(
    client: MlflowClient, experiment_id: str, parent: str, name: str, params: dict[str, str], metrics: dict[str, float]
) -> None:
    child = client.create_run(experiment_id, run_name=name, tags={"mlflow.parentRunId": parent})
    client.log_batch(child.info.run_id, _metrics(metrics), _params(params), [])
    client.set_terminated(child.info.run_id)


def _metrics(metrics: dict[str, float]) -> list[Metric]:
    return [Metric(name, value, 0, 0) for name, value in metrics.items()]


def _steps(curves: dict[str, dict[int, float]]) -> list[Metric]:
    return [Metric(name, value, 0, step) for name, curve in curves.items() for step, value in curve.items()]


def _params(params: dict[str, str]) -> list[Param]:
    return [Param(name, value) for name, value in params.items()]


def _files(client: MlflowClient, run_id: str, files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run_id, folder)

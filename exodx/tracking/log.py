"""The one place that writes a run."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import RUO
from exodx.tracking.flavour import log_bundle
from exodx.tracking.record import ChildRun, RunRecord, UsedCohort
from exodx.tracking.store import SERVED, Store

ALIAS = "challenger"
OF_VERSION = (
    "exodx.model_hash",
    "exodx.model_id",
    "exodx.synthetic",
    "exodx.parent_hash",
    "exodx.parent_version",
    "exodx.recalibrated",
    "exodx.notice",
)
"""Tags of a run that its registered version carries too; few, since each is a line in the registry's list of versions."""
OF_CHILD = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "exodx.model_id")
"""Tags of a run that its child runs carry too."""
SOURCE = MappingProxyType({"mlflow.source.name": "exodx", "mlflow.source.type": "LOCAL", "mlflow.source.git.repoURL": ""})
"""What MLflow shows as the source; by itself it would tell paths of this machine, and where a checkout was cloned from."""
DIGEST = 32
"""MLflow takes at most 36 characters."""
AT_A_TIME = 8


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
    with _started(client, record) as run:
        model_id = str(log_bundle(bundle).model_id)  # before the metrics: MLflow would ask for each of those by itself
        _content(client, run.info.run_id, record, model_id)
        _children(client, run, record.children, store)
        version = _register(client, record, model_name, model_id, run.info.run_id)
    return LoggedRun(run.info.run_id, run.info.experiment_id, model_name, version, store.shown)


def _register(client: MlflowClient, record: RunRecord, name: str, model_id: str, run_id: str) -> str:
    """Make the version with its tags and description in one step: none is ever seen without its hash."""
    try:
        client.create_registered_model(name, tags={"exodx.notice": RUO}, description=record.about)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        if not client.get_registered_model(name).description:
            client.update_registered_model(name, record.about)
    tags = {key: record.tags[key] for key in OF_VERSION if key in record.tags}
    version = client.create_model_version(
        name, f"models:/{model_id}", run_id, tags=tags, description=record.description, model_id=model_id
    )
    return str(version.version)


def log_evaluation(record: RunRecord) -> str:
    """Write a run record that no model comes from; return the run's id.

    Parameters
    ----------
    record : RunRecord
        Without children; the store was opened for its experiment.
    """
    client = MlflowClient()
    with _started(client, record) as run:
        _content(client, run.info.run_id, record)
        return str(run.info.run_id)


def _started(client: MlflowClient, record: RunRecord) -> mlflow.ActiveRun:
    experiment_id = str(client.get_experiment_by_name(record.experiment).experiment_id)
    tags = {**SOURCE, **record.tags}
    return mlflow.start_run(experiment_id=experiment_id, run_name=record.name, description=record.description, tags=tags)


def _content(client: MlflowClient, run_id: str, record: RunRecord, model_id: str | None = None) -> None:
    client.log_batch(run_id, [*_metrics(record.metrics, model_id), *_steps(record.curves)], _params(record.params))
    if record.cohorts:
        _inputs(client, run_id, [_dataset(cohort) for cohort in record.cohorts])
    write_files(client, run_id, record.files)


def _inputs(client: MlflowClient, run_id: str, inputs: list[DatasetInput]) -> None:
    """Write which cohorts were used, again where another run of the same cohort was first in the same moment.

    MLflow looks whether a dataset is there and else makes it; of two who make it at once its database refuses one, and then it is
    there.
    """
    try:
        client.log_inputs(run_id, inputs)
    except MlflowException as error:
        if error.error_code != "BAD_REQUEST":
            raise
        client.log_inputs(run_id, inputs)


def _dataset(cohort: UsedCohort) -> DatasetInput:
    """Say which cohort was used: MLflow's own datasets would tell columns and the path of the file."""
    profile = json.dumps({"num_rows": cohort.n_specimens})
    dataset = Dataset(cohort.name, cohort.fingerprint[:DIGEST], "code", json.dumps({"tags": {}}), profile=profile)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", cohort.use)])


def _children(client: MlflowClient, run: Run, children: Sequence[ChildRun], store: Store) -> None:
    """Write the child runs; over HTTP several at a time, since each is three answers to wait for.

    They start a millisecond apart, the last one first: MLflow lists the newest first, so they stand in their order.
    """
    inherited = {key: run.data.tags[key] for key in OF_CHILD if key in run.data.tags}
    at = [run.info.start_time + len(children) - k for k in range(len(children))]

    def write(child: ChildRun, start: int) -> None:
        tags = inherited | {"mlflow.parentRunId": run.info.run_id, "exodx.kind": child.kind}
        made = client.create_run(run.info.experiment_id, start_time=start, run_name=child.name, tags=tags).info.run_id
        client.log_batch(made, _metrics(child.metrics), _params(child.params))
        client.set_terminated(made, end_time=max(start, round(time.time() * 1000)))  # the clock may be set back meanwhile

    with ThreadPoolExecutor(AT_A_TIME if store.uri.startswith(SERVED) else 1) as pool:
        list(pool.map(write, children, at))


def _metrics(metrics: dict[str, float], model_id: str | None = None) -> list[Metric]:
    return [Metric(name, value, 0, 0, model_id=model_id) for name, value in metrics.items()]


def _steps(curves: dict[str, dict[int, float]]) -> list[Metric]:
    return [Metric(name, value, 0, step) for name, curve in curves.items() for step, value in curve.items()]


def _params(params: dict[str, str]) -> list[Param]:
    return [Param(name, value) for name, value in params.items()]


def write_files(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    """Write a run's artifacts; those of the same name are replaced."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run_id, folder)

"""What the store knows of one registered version: its run, its external evaluations, its sheets, its bundle."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import ModelRefused, Problem
from exodx.evaluation import Evaluation
from exodx.tracking.external import EXTERNAL
from exodx.tracking.registry import fetch_bundle
from exodx.tracking.review.allowed import if_allowed
from exodx.tracking.study_record import KIND_TAG

_VERSION = re.compile(r"^models:/(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>.+))$")
SHEETS = "sheets"
UNANSWERED = ("author needed", "draft")
MOST_RUNS = 1000


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version.

    Parameters
    ----------
    name, version : str
    run_id : str
        Run it came from; empty where it came from none.
    tags : mapping of str to str
    aliases : tuple of str
    """

    name: str
    version: str
    run_id: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """The URI ``--model`` takes."""
        return f"models:/{self.name}/{self.version}"

    @property
    def model_hash(self) -> str:
        """Hash of the bundle, by the registry's tag."""
        return self.tags.get("exodx.model_hash", "")


@dataclass(frozen=True, slots=True)
class ExternalRun:
    """An external evaluation of a version, its cohort's fingerprint, and why it does not count, where it does not."""

    run_id: str
    evaluation: Evaluation
    refused: str = ""
    cohort: str = ""

    @property
    def smaller_class(self) -> int | None:
        """Subjects of the smaller class that were scored; None where there is no one target condition."""
        counts = [e.n for e in self.evaluation.estimates if e.name in ("sensitivity", "specificity")]
        return min(counts) if len(counts) == 2 else None


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that the gate looks at.

    Parameters
    ----------
    version : Version
    evaluation : Evaluation or None
        Of the training run; of a recalibrated version its parent's, whose order of specimens it keeps. None where there is none.
    trainer : str
        ``mlflow.user`` of the run; empty where it is not told.
    external : tuple of ExternalRun
    sheets : dict of str to dict of str to int, or None
        Items of each reporting sheet by status, of the parent's run where a recalibrated version has none of its own; None where
        there are no sheets.
    bundle : str
        What is wrong with the bundle; empty where its hash is the registry's.
    unanswered : dict of str to dict of str to list of str
        Items of each reporting sheet that an author could still answer, by status.
    """

    version: Version
    evaluation: Evaluation | None
    trainer: str
    external: tuple[ExternalRun, ...]
    sheets: Mapping[str, Mapping[str, int]] | None
    bundle: str
    unanswered: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    @property
    def largest(self) -> ExternalRun | None:
        """The external evaluation that counts with most subjects in its smaller class."""
        counting = [run for run in self.external if not run.refused]
        return max(counting, key=lambda run: (run.smaller_class or 0, run.run_id), default=None)


@if_allowed()
def find_version(uri: str) -> Version:
    """Return the registered version of an URI.

    Raises
    ------
    ModelRefused
        When it names no registered version.
    """
    match = _VERSION.match(uri)
    fix = "Write models:/NAME/VERSION or models:/NAME@ALIAS; `exodx review list` shows them."
    if match is None:
        raise ModelRefused(Problem("MODEL_UNKNOWN", uri, "it is no registered version", fix))
    client = MlflowClient()
    try:
        number = match["version"] or str(client.get_model_version_by_alias(match["name"], match["alias"]).version)
        return version_of(client.get_model_version(match["name"], number))
    except MlflowException as error:
        raise ModelRefused(Problem("MODEL_UNKNOWN", uri, str(error).splitlines()[0], fix)) from None


def version_of(entity: ModelVersion) -> Version:
    """Return a version as plain data."""
    return Version(entity.name, str(entity.version), entity.run_id or "", dict(entity.tags), tuple(entity.aliases or ()))


def read_dossier(version: Version) -> Dossier:
    """Read everything about a version; nothing is written."""
    run = _run(version.run_id)
    sheets = {} if run is None else _sheets(version.run_id) or _sheets_of_parent(version)
    return Dossier(
        version,
        own_evaluation(version),
        "" if run is None else str(run.data.tags.get("mlflow.user", "")),
        () if run is None else tuple(_external(run.info.experiment_id, version)),
        None if not sheets else {name: {status: len(items) for status, items in each.items()} for name, each in sheets.items()},
        _bundle_problem(version),
        {name: {status: each[status] for status in UNANSWERED if status in each} for name, each in sheets.items()},
    )


def own_evaluation(version: Version) -> Evaluation | None:
    """Return the evaluation of a version's run, or of its parent's run where it was recalibrated."""
    if not has_parent(version):
        return _evaluation(version.run_id)
    parent = _parent(version)
    return None if parent is None else own_evaluation(parent)


def has_parent(version: Version) -> bool:
    """Say whether a version was recalibrated from another one."""
    number = version.tags.get("exodx.parent_version", "")
    return number.isdigit() and int(number) < int(version.version)


def _parent(version: Version) -> Version | None:
    try:
        return version_of(MlflowClient().get_model_version(version.name, version.tags["exodx.parent_version"]))
    except MlflowException:
        return None


def _sheets_of_parent(version: Version) -> dict[str, dict[str, list[str]]]:
    """Return the sheets of the version that this one was recalibrated from, or of that one's parent: those of the training."""
    parent = _parent(version) if has_parent(version) else None
    return {} if parent is None else _sheets(parent.run_id) or _sheets_of_parent(parent)


def _run(run_id: str) -> Run | None:
    try:
        return MlflowClient().get_run(run_id) if run_id else None
    except MlflowException:
        return None


def _evaluation(run_id: str) -> Evaluation | None:
    state = _json(run_id, "evaluation.json")
    try:
        return None if state is None else Evaluation.from_dict(state.get("summary", state))
    except (KeyError, TypeError, ValueError):  # not written by exodx, or by another version of it
        return None


def _json(run_id: str, path: str) -> dict[str, Any] | None:
    try:
        state = json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/{path}"))
    except (MlflowException, OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def _external(experiment: str, version: Version) -> list[ExternalRun]:
    query = f"tags.`{KIND_TAG}` = '{EXTERNAL}' and tags.`exodx.model_hash` = '{version.model_hash}'"
    found = MlflowClient().search_runs([experiment], query, max_results=MOST_RUNS)
    read = [(run, _evaluation(run.info.run_id)) for run in found]
    return [
        ExternalRun(run.info.run_id, e, _why_not(run, version), run.data.tags.get("exodx.cohort_fingerprint", ""))
        for run, e in read
        if e is not None
    ]


def _why_not(run: Run, version: Version) -> str:
    """Say why an evaluation is no external one."""
    tags = run.data.tags
    used = {tags.get("exodx.training_fingerprint"), tags.get("exodx.recalibration_fingerprint")} - {None, ""}
    if tags.get("exodx.cohort_fingerprint") in used:
        return "its cohort is the one that the model was made from"
    if tags.get("exodx.synthetic") == "true" and version.tags.get("exodx.synthetic") != "true":
        return "its cohort was simulated"
    return ""


def _sheets(run_id: str) -> dict[str, dict[str, list[str]]]:
    """Return the items of each sheet by status; nothing where the run has none."""
    try:
        paths = [f.path for f in MlflowClient().list_artifacts(run_id, SHEETS) if f.path.endswith(".json")]
    except MlflowException:
        return {}
    sheets: dict[str, dict[str, list[str]]] = {}
    for path in paths:
        items: dict[str, list[str]] = {}
        for item in (_json(run_id, path) or {}).get("items", ()):
            items.setdefault(str(item.get("status")), []).append(str(item.get("item")))
        sheets[Path(path).stem] = items
    return sheets


def _bundle_problem(version: Version) -> str:
    if not version.model_hash:
        return "the registry holds no hash to compare with"
    try:
        with tempfile.TemporaryDirectory() as folder:
            fetch_bundle(version.uri, Path(folder))
    except ModelRefused as error:
        return f"{error.problems[0].code}: {error.problems[0].found}"
    return ""

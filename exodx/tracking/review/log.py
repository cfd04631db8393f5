"""Where the review log is kept: as the params of one run of MLflow, a line an entry.

MLflow refuses to change a param once it stands, and has no way to take one out. So of two reviewers who write the same place at
once one is refused, reads again, and writes the next: nothing is lost, nothing is locked, and a server needs no local disk. The run
is named by a param of the run of the model's first version, which settles too who makes it; and by the tag ``exodx.review.log`` of
the registered model, for where that run is gone. The two must not differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import RUO, ModelRefused, Problem, UsageError
from exodx.tracking.review.allowed import if_allowed
from exodx.tracking.review.chain import FIX_CHAIN, Entry, check_length, read_chain

LOG_TAG, HEAD_TAG = "exodx.review.log", "exodx.review.head"
POINTER = "exodx.review_log"
PREFIX = "entry."
TRIES = 50


@dataclass(frozen=True, slots=True)
class ReviewLog:
    """The log of a registered model as it was read.

    Parameters
    ----------
    run_id : str
        Empty where nothing was ever logged.
    entries : tuple of Entry
        Up to the first break.
    problems : tuple of Problem
        Where the chain is broken.
    """

    run_id: str
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()


@if_allowed()
def read_log(model: str) -> ReviewLog:
    """Read the log of a registered model and verify its chain."""
    client = MlflowClient()
    tags = client.get_registered_model(model).tags
    run_id, moved = _place(client, model, tags.get(LOG_TAG, ""))
    if not run_id:
        return ReviewLog("", ())
    try:
        run = client.get_run(run_id)
    except MlflowException:
        found = f"the run {run_id} that holds it is gone"
        return ReviewLog(run_id, (), (Problem("LOG_MISSING", model, found, "Restore the store from a backup."),))
    lines = {int(key.removeprefix(PREFIX)): line for key, line in run.data.params.items() if _is_entry(key)}
    entries, problems = read_chain(lines, tags.get(HEAD_TAG, ""))
    if run.info.lifecycle_stage != "active":
        fix = f"Restore it: mlflow runs restore --run-id {run_id}"
        problems.append(Problem("LOG_MISSING", model, f"the run {run_id} that holds it was deleted", fix))
    return ReviewLog(run_id, entries, (*moved, *problems))


def whole_log(model: str) -> ReviewLog:
    """Read a log that something is to be written to.

    Raises
    ------
    ModelRefused
        When the chain is broken.
    """
    log = read_log(model)
    if log.problems:
        raise ModelRefused(log.problems)
    return log


def append(entry: Entry) -> Entry:
    """Write an entry behind the last; where another reviewer took that place, behind theirs.

    Raises
    ------
    InputRefused
        When the entry is too long.
    ModelRefused
        When the chain is broken.
    """
    client = MlflowClient()
    check_length(entry)
    log = whole_log(entry.model)
    run_id = log.run_id or _make_run(client, entry.model)
    for _ in range(TRIES):
        placed = entry.after(log.entries[-1] if log.entries else None)
        if claim(client, run_id, key_of(placed.n), placed.text) == placed.text:
            _tag(client, entry.model, LOG_TAG, run_id)
            _tag(client, entry.model, HEAD_TAG, placed.sha256)
            return placed
        log = whole_log(entry.model)
    raise UsageError(Problem("LOG_BUSY", entry.model, f"others wrote to it {TRIES} times meanwhile", "Try again."))


def _tag(client: MlflowClient, model: str, key: str, value: str) -> None:
    """Set a model's tag, again where another reviewer made it in the same moment, which MLflow's database refuses."""
    try:
        client.set_registered_model_tag(model, key, value)
    except MlflowException as error:
        if error.error_code != "BAD_REQUEST":
            raise
        client.set_registered_model_tag(model, key, value)


def claim(client: MlflowClient, run_id: str, key: str, value: str) -> str:
    """Write a param that can be written once; return what stands there: the value, or what another wrote before."""
    try:
        client.log_param(run_id, key, value)
    except MlflowException:
        standing = client.get_run(run_id).data.params.get(key)
        if standing is None:
            raise
        return str(standing)
    return value


def key_of(n: int) -> str:
    """Return the param that holds an entry.

    >>> key_of(7)
    'entry.000007'
    """
    return f"{PREFIX}{n:06d}"


def versions_of(client: MlflowClient, model: str) -> Sequence[ModelVersion]:
    """Return the versions of a registered model, the first one first."""
    return sorted(client.search_model_versions(f"name = '{model}'"), key=lambda version: int(version.version))


def _is_entry(key: str) -> bool:
    return key.startswith(PREFIX) and key.removeprefix(PREFIX).isdigit()


def _first_run(client: MlflowClient, model: str) -> str:
    versions = versions_of(client, model)
    if not versions or not versions[0].run_id:
        fix = "Register models with exodx train or exodx evaluate --recalibrate."
        raise ModelRefused(Problem("MODEL_UNKNOWN", model, "it has no version that came from a run", fix))
    return str(versions[0].run_id)


def _place(client: MlflowClient, model: str, tagged: str) -> tuple[str, tuple[Problem, ...]]:
    """Return the run of a log, and whether the tag, which whoever may register a version can write, names another one.

    The param of the first version's run cannot be changed, so it goes before the tag; the tag stands in where that run is gone.
    """
    try:
        pointed = str(client.get_run(_first_run(client, model)).data.params.get(POINTER, ""))
    except (MlflowException, ModelRefused):
        if not tagged:
            raise
        pointed = ""
    if not pointed or tagged in ("", pointed):
        return pointed or tagged, ()
    found = f"the tag {LOG_TAG} names the run {tagged}, and the run of the first version names {pointed}"
    return pointed, (Problem("LOG_MOVED", model, found, FIX_CHAIN),)


def _make_run(client: MlflowClient, model: str) -> str:
    """Make the run of a log, unless another reviewer made it meanwhile."""
    first = client.get_run(_first_run(client, model))
    note = f"The review log of the registered model `{model}`: `exodx review log {model}`.\n\n*{RUO}*"
    tags = {"exodx.kind": "review log", "mlflow.note.content": note, "exodx.notice": RUO}
    made = client.create_run(first.info.experiment_id, run_name=f"review log of {model}", tags=tags).info.run_id
    client.set_terminated(made)
    standing = claim(client, first.info.run_id, POINTER, made)
    if standing != made:
        client.delete_run(made)
    return standing

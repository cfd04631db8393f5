"""What authors answer after the training: the sheets of a version's run are written anew, and the log says who did it.

The answers change no model: sheets, model card, and their counts in the run's tags and metrics are all that is written.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.entities import Metric, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import ModelRefused, Problem
from exodx.panel import read_toml
from exodx.report.sheets import Sheet, answer_form, answer_later, read_answers
from exodx.tracking.log import write_files
from exodx.tracking.review.allowed import if_allowed
from exodx.tracking.review.chain import Entry
from exodx.tracking.review.decisions import Reviewer, entry_of
from exodx.tracking.review.dossier import SHEETS, Version, find_version, has_parent
from exodx.tracking.review.log import append

CARD = "model_card.json"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Sheets and model card as they shall stand in a run.

    Parameters
    ----------
    files : mapping of str to bytes
    tags : mapping of str to str
    metrics : mapping of str to float
    """

    files: Mapping[str, bytes]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def stored_sheets(uri: str) -> tuple[Version, dict[str, bytes]]:
    """Return a registered version, and ``sheets/NAME.json`` and ``model_card.json`` of its run; those that are there.

    Raises
    ------
    ModelRefused
        When there is no such version, or its run holds no sheets.
    """
    version = find_version(uri)
    try:
        paths = [f.path for folder in (SHEETS, None) for f in MlflowClient().list_artifacts(version.run_id, folder)]
        wanted = [path for path in paths if path == CARD or (path.startswith(f"{SHEETS}/") and path.endswith(".json"))]
        texts = {path: mlflow.artifacts.load_text(f"runs:/{version.run_id}/{path}").encode() for path in wanted}
    except (MlflowException, OSError):
        texts = {}
    if not texts:
        parent = f"models:/{version.name}/{version.tags['exodx.parent_version']}" if has_parent(version) else ""
        fix = f"Answer those of {parent}: it was recalibrated from it." if parent else "Name a version that exodx train made."
        raise ModelRefused(Problem("SHEETS_MISSING", uri, "its run holds no sheets", fix))
    return version, texts


def answers_form(uri: str) -> str:
    """Return what the reporting sheets of a version still ask its author, as a TOML file to fill in.

    Raises
    ------
    ModelRefused
        As :func:`stored_sheets`.
    """
    version, files = stored_sheets(uri)
    return answer_form(files, version.uri)


@dataclass(frozen=True, slots=True)
class Answered:
    """Sheets with an author's answers in them, and the log's entry."""

    version: Version
    sheets: tuple[Sheet, ...]
    entry: Entry


def answer_sheets(uri: str, file: Path, by: str) -> Answered:
    """Put an author's answers, a filled form, into the sheets of a version's run; what the program filled stays.

    Parameters
    ----------
    uri : str
    file : Path
        TOML: a table for each sheet, see :func:`answers_form`.
    by : str
        Who answers.

    Raises
    ------
    InputRefused
        When the file cannot be read, or answers nothing that is asked.
    ModelRefused
        As :func:`stored_sheets` and :func:`write_answers`.
    UsageError
        When no one is named.
    """
    said = read_answers(read_toml(file), str(file))
    version, files = stored_sheets(uri)
    made = answer_later(files, said, version.uri)
    entry = write_answers(version, Rewritten(made.files, made.tags, made.metrics), file.read_bytes(), by)
    return Answered(version, made.sheets, entry)


@if_allowed()
def write_answers(version: Version, rewritten: Rewritten, answers: bytes, by: str) -> Entry:
    """Write sheets anew and an entry of the log: who, and the SHA-256 of the file of answers.

    Raises
    ------
    ModelRefused
        When the log's chain is broken.
    UsageError
        When no one is named.
    """
    reviewer = Reviewer(by, f"answers to the reporting sheets, SHA-256 {hashlib.sha256(answers).hexdigest()}")
    reviewer.check()
    entry = append(entry_of("answered", version, Reviewer(by, reviewer.reason, "")))
    client, now = MlflowClient(), int(time.time() * 1000)
    write_files(client, version.run_id, rewritten.files)
    metrics = [Metric(name, value, now, 0) for name, value in rewritten.metrics.items()]
    client.log_batch(version.run_id, metrics, tags=[RunTag(key, value) for key, value in rewritten.tags.items()])
    return entry

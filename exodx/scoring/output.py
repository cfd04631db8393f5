"""The predictions as columns, and their files. The order of the columns is a contract."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from exodx.errors import RUO, Problem, UsageError
from exodx.frozen import Explanation, Prediction
from exodx.scoring import doors

TOP = 3


class Explain(StrEnum):
    """How much of the explanation is written."""

    ALL = "all"
    """``shap:<feature>`` for every feature, and ``shap:base``."""
    TOP3 = "top3"
    """The three largest contributions, named, and ``shap:base``."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Scores:
    """Predictions with the identity of the model that made them, and what the user should be told about the reading."""

    prediction: Prediction
    explanation: Explanation | None
    model_id: str
    model_hash: str
    notes: tuple[str, ...] = ()


def prediction_columns(scores: Scores, explain: Explain) -> dict[str, Sequence[Any]]:
    """Return the columns of the output in their order; a number that is not reported is None.

    ``specimen_id, status, call, probability, margin, threshold_id, reasons``, the explanation, ``model_id, model_hash``.
    """
    prediction = scores.prediction
    n = len(prediction)
    columns: dict[str, Sequence[Any]] = {
        "specimen_id": prediction.specimen_ids,
        "status": prediction.status,
        "call": prediction.call,
        "probability": _numbers(prediction.probability),
        "margin": _numbers(prediction.margin),
        "threshold_id": [prediction.threshold_id] * n,
        "reasons": prediction.reasons,
    }
    if scores.explanation is not None and explain is not Explain.NONE:
        columns |= _all(scores.explanation) if explain is Explain.ALL else _top(scores.explanation)
        columns["shap:base"] = _numbers(np.where(prediction.is_scored, scores.explanation.base, np.nan))
    return columns | {"model_id": [scores.model_id] * n, "model_hash": [scores.model_hash] * n}


def _numbers(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    return [None if v != v else v for v in values.tolist()]


def _all(explanation: Explanation) -> dict[str, Sequence[Any]]:
    return {f"shap:{name}": _numbers(column) for name, column in zip(explanation.features, explanation.values.T, strict=True)}


def _top(explanation: Explanation) -> dict[str, Sequence[Any]]:
    """Return the largest contributions by absolute value; ties go to the feature that comes first."""
    order = np.argsort(-np.abs(explanation.values), axis=1, kind="stable")[:, :TOP]
    scored = [bool(np.isfinite(row).all()) for row in explanation.values]
    columns: dict[str, Sequence[Any]] = {}
    for rank in range(order.shape[1]):
        chosen = order[:, rank]
        columns[f"top{rank + 1}:feature"] = [explanation.features[j] if ok else None for j, ok in zip(chosen, scored, strict=True)]
        columns[f"top{rank + 1}:shap"] = _numbers(explanation.values[np.arange(len(chosen)), chosen])
    return columns


def write_scores(scores: Scores, explain: Explain, out: Path | TextIO) -> None:
    """Write predictions as Parquet (``.parquet``) or CSV; a file appears whole or not at all.

    The research-use sentence stands in the CSV's header, over an empty last column, and in the Parquet file's metadata.

    Raises
    ------
    UsageError
        When the file cannot be written.
    """
    columns = prediction_columns(scores, explain)
    if not isinstance(out, Path):
        out.write(_csv(columns))
        return
    content = doors.parquet_bytes(columns, scores) if out.suffix.casefold() in (".parquet", ".pq") else _csv(columns).encode()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(scratch, 0o644)
            os.replace(scratch, out)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            Problem("OUTPUT_UNWRITABLE", str(out), error.strerror or "it cannot be written", "Choose another file.")
        ) from None


def _csv(columns: dict[str, Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, RUO])
    writer.writerows(
        [*("" if cell is None else repr(cell) if isinstance(cell, float) else cell for cell in row), ""]
        for row in zip(*columns.values(), strict=True)
    )
    return text.getvalue()

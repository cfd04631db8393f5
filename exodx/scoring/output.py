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
import pyarrow as pa
import pyarrow.parquet as pq

from exodx.errors import RUO, Problem, UsageError
from exodx.frozen import Explanation, MulticlassPrediction, Prediction

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
    by_class: tuple[Explanation, ...] = ()
    """Of each class of a model of several, on its score; ``explanation`` is then None."""


def prediction_columns(scores: Scores, explain: Explain) -> dict[str, Sequence[Any]]:
    """Return the columns of the output in their order; a number that is not reported is None.

    ``specimen_id, status, call, probability, margin, threshold_id, reasons``, the explanation, ``model_id, model_hash``. Of several
    classes the probability (and the margin) is the largest, ``probability:<class>`` come before the explanation, and in that
    ``<class>:`` stands before the feature.
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
    if isinstance(prediction, MulticlassPrediction):
        names = zip(prediction.classes, prediction.probabilities.T, strict=True)
        columns |= {f"probability:{name}": _numbers(column) for name, column in names}
        for name, explanation in zip(prediction.classes, scores.by_class, strict=False):
            columns |= _explained(explanation, explain, prediction.is_scored, f"{name}:")
    elif scores.explanation is not None:
        columns |= _explained(scores.explanation, explain, prediction.is_scored, "")
    return columns | {"model_id": [scores.model_id] * n, "model_hash": [scores.model_hash] * n}


def _numbers(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    return [None if v != v else v for v in values.tolist()]


def _explained(explanation: Explanation, explain: Explain, scored: np.ndarray[Any, Any], of: str) -> dict[str, Sequence[Any]]:
    if explain is Explain.NONE:
        return {}
    columns = _all(explanation, of) if explain is Explain.ALL else _top(explanation, of)
    return columns | {f"shap:{of}base": _numbers(np.where(scored, explanation.base, np.nan))}


def _all(explanation: Explanation, of: str) -> dict[str, Sequence[Any]]:
    return {f"shap:{of}{name}": _numbers(column) for name, column in zip(explanation.features, explanation.values.T, strict=True)}


def _top(explanation: Explanation, of: str) -> dict[str, Sequence[Any]]:
    """Return the largest contributions by absolute value; ties go to the feature that comes first."""
    order = np.argsort(-np.abs(explanation.values), axis=1, kind="stable")[:, :TOP]
    scored = [bool(np.isfinite(row).all()) for row in explanation.values]
    columns: dict[str, Sequence[Any]] = {}
    for rank in range(order.shape[1]):
        chosen = order[:, rank]
        columns[f"top{rank + 1}:{of}feature"] = [
            explanation.features[j] if ok else None for j, ok in zip(chosen, scored, strict=True)
        ]
        columns[f"top{rank + 1}:{of}shap"] = _numbers(explanation.values[np.arange(len(chosen)), chosen])
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
    content = _parquet(columns, scores) if out.suffix.casefold() in (".parquet", ".pq") else _csv(columns).encode()
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


def _parquet(columns: dict[str, Sequence[Any]], scores: Scores) -> bytes:
    texts = ("specimen_id", "status", "call", "threshold_id", "reasons", "model_id", "model_hash")
    types = {
        name: pa.string() if name in texts or (name.startswith("top") and name.endswith(":feature")) else pa.float64()
        for name in columns
    }
    metadata = {"notice": RUO, "model_id": scores.model_id, "model_hash": scores.model_hash}
    schema = pa.schema([pa.field(name, kind) for name, kind in types.items()], metadata=metadata)
    table = pa.Table.from_arrays([pa.array(columns[name], kind) for name, kind in types.items()], schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()

"""The predictions as columns, and their files. The order of the columns is a contract."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

import numpy as np

from exodx.errors import RUO, Problem, UsageError
from exodx.frozen import Explanation, MulticlassPrediction, Prediction
from exodx.place import put_file
from exodx.privacy.cells import guarded
from exodx.scoring import doors
from exodx.tables.coded import Coded

TOP = 3
CSV, PARQUET, ARROW = "csv", "parquet", "arrow"
NOT_WRITTEN = frozenset({".xlsx", ".xls", ".ods", ".tsv", ".json", ".gz", ".zst", ".zip", ".html"})
FORMATS = MappingProxyType({".parquet": PARQUET, ".pq": PARQUET, ".arrow": ARROW, ".feather": ARROW})
"""Ending of a file's name → its format; any other is CSV."""

Floats = np.ndarray[Any, np.dtype[np.float64]]
Column = Floats | Sequence[str] | Sequence[str | None]


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
    columns = output_columns(scores, explain)
    return {name: _numbers(cells) if isinstance(cells, np.ndarray) else cells for name, cells in columns.items()}


def output_columns(scores: Scores, explain: Explain) -> dict[str, Column]:
    """Return the same columns with arrays of the numbers, NaN where one is not reported; see :func:`prediction_columns`."""
    prediction = scores.prediction
    n = len(prediction)
    columns: dict[str, Column] = {
        "specimen_id": prediction.specimen_ids,
        "status": prediction.status,
        "call": prediction.call,
        "probability": prediction.probability,
        "margin": prediction.margin,
        "threshold_id": Coded.same(prediction.threshold_id, n),
        "reasons": prediction.reasons,
    }
    if isinstance(prediction, MulticlassPrediction):
        columns |= {
            f"probability:{name}": column for name, column in zip(prediction.classes, prediction.probabilities.T, strict=True)
        }
        for name, explanation in zip(prediction.classes, scores.by_class, strict=False):
            columns |= _explained(explanation, explain, prediction.is_scored, f"{name}:")
    elif scores.explanation is not None:
        columns |= _explained(scores.explanation, explain, prediction.is_scored, "")
    return columns | {"model_id": Coded.same(scores.model_id, n), "model_hash": Coded.same(scores.model_hash, n)}


def _numbers(values: Floats) -> list[float | None]:
    return [None if v != v else v for v in values.tolist()]


def _explained(explanation: Explanation, explain: Explain, scored: np.ndarray[Any, Any], of: str) -> dict[str, Column]:
    if explain is Explain.NONE:
        return {}
    columns = _all(explanation, of) if explain is Explain.ALL else _top(explanation, of)
    return columns | {f"shap:{of}base": np.where(scored, explanation.base, np.nan)}


def _all(explanation: Explanation, of: str) -> dict[str, Column]:
    return {f"shap:{of}{name}": column for name, column in zip(explanation.features, explanation.values.T, strict=True)}


def _top(explanation: Explanation, of: str) -> dict[str, Column]:
    """Return the largest contributions by absolute value; ties go to the feature that comes first."""
    order = np.argsort(-np.abs(explanation.values), axis=1, kind="stable")[:, :TOP]
    scored = [bool(ok) for ok in np.atleast_1d(np.isfinite(explanation.values).all(axis=1))]
    columns: dict[str, Column] = {}
    for rank in range(order.shape[1]):
        chosen = order[:, rank]
        named = zip(chosen.tolist(), scored, strict=True)
        columns[f"top{rank + 1}:{of}feature"] = [explanation.features[j] if ok else None for j, ok in named]
        columns[f"top{rank + 1}:{of}shap"] = explanation.values[np.arange(len(chosen)), chosen]
    return columns


def write_scores(scores: Scores, explain: Explain, out: Path | TextIO) -> None:
    """Write predictions as Parquet (``.parquet``), Arrow (``.arrow``) or CSV; a file appears whole or not at all.

    The research-use sentence stands in the CSV's header, over an empty last column, and in the metadata of the others.

    Raises
    ------
    UsageError
        When the file cannot be written.
    """
    if not isinstance(out, Path):
        out.write(csv_text(prediction_columns(scores, explain)))
        return
    kind = format_of(out)
    content = csv_text(prediction_columns(scores, explain)).encode() if kind == CSV else doors.arrow_bytes(scores, explain, kind)
    put_file(content, out)


def format_of(out: Path) -> str:
    """Return how a file is written, by its name: Parquet, Arrow's IPC format, else CSV.

    Raises
    ------
    UsageError
        When the name ends as that of a file which is not written.
    """
    ending = out.suffix.casefold()
    if ending in NOT_WRITTEN:
        fix = "Name a .csv, .parquet or .arrow file."
        raise UsageError(Problem("OUTPUT_FORMAT", str(out), f"{ending} files are not written", fix))
    return FORMATS.get(ending, CSV)


def csv_text(columns: Mapping[str, Sequence[Any]]) -> str:
    """Return columns as CSV: numbers as their shortest text that gives every bit back (``repr``), texts safe in a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, RUO])
    writer.writerows(
        [*("" if cell is None else repr(cell) if isinstance(cell, float) else guarded(cell) for cell in row), ""]
        for row in zip(*columns.values(), strict=True)
    )
    return text.getvalue()

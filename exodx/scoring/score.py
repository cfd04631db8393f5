"""Score specimens with a frozen model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from exodx.frozen import NOTHING_SAID, WELLS, Conditions, DiagnosticModel
from exodx.frozen.bundle import model_id
from exodx.panel import is_analyte_name
from exodx.scoring.intake import Specimens, read_specimens
from exodx.scoring.output import Explain, Scores
from exodx.tables.join import join_files
from exodx.tables.reader import read_table


def score_specimens(specimens: Specimens, model: DiagnosticModel, model_hash: str, explain: Explain, threads: int = 1) -> Scores:
    """Predict and explain specimens; a row for every specimen, in order."""
    prediction = model.predict(specimens.measurements, specimens.ids, threads)
    reasons = [
        f"{reason} ({specimens.details[row]})" if row in specimens.details else reason
        for row, reason in enumerate(prediction.reasons)
    ]
    explanation = None if explain is Explain.NONE else model.explain(specimens.measurements, threads)
    return Scores(
        replace(prediction, reasons=tuple(reasons)), explanation, model_id(model, model_hash), model_hash, specimens.notes
    )


def score_file(  # noqa: PLR0913
    path: Path,
    model: DiagnosticModel,
    model_hash: str,
    explain: Explain,
    specimen: str | None = None,
    *,
    keep_going: bool = False,
    conditions: Conditions = NOTHING_SAID,
    joined: Sequence[Path] = (),
) -> Scores:
    """Read a cohort file (and the tables joined to it by specimen id) and score it; see :func:`read_specimens` for refusals."""
    table = join_files(read_table(path), joined, is_analyte_name(model.panel), specimen, WELLS)
    specimens = read_specimens(table, model, specimen, keep_going=keep_going, conditions=conditions)
    return score_specimens(specimens, model, model_hash, explain)

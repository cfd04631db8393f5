"""Score specimens with a frozen model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from exodx.frozen import NOTHING_SAID, AnyModel, Conditions, Explanation, MulticlassModel, Prediction
from exodx.frozen.bundle import model_id
from exodx.privacy.pseudonyms import pseudonym
from exodx.scoring.intake import Specimens, read_specimens
from exodx.scoring.output import Explain, Scores
from exodx.tables.reader import read_table


def score_specimens(specimens: Specimens, model: AnyModel, model_hash: str, explain: Explain, threads: int = 1) -> Scores:
    """Predict and explain specimens; a row for every specimen, in order."""
    of_one: Explanation | None = None
    of_classes: tuple[Explanation, ...] = ()
    if explain is Explain.NONE:
        prediction: Prediction = model.predict(specimens.measurements, specimens.ids, threads)
    elif isinstance(model, MulticlassModel):
        prediction, of_classes = model.predict_explained(specimens.measurements, specimens.ids, threads)
    else:
        prediction, of_one = model.predict_explained(specimens.measurements, specimens.ids, threads)
    if specimens.details:
        reasons = list(prediction.reasons)
        for row, detail in specimens.details.items():
            reasons[row] = f"{reasons[row]} ({detail})"
        prediction = replace(prediction, reasons=tuple(reasons))
    return Scores(prediction, of_one, model_id(model, model_hash), model_hash, specimens.notes, of_classes)


def under_pseudonyms(scores: Scores, key: bytes | None) -> Scores:
    """Return predictions whose specimens have their pseudonyms for ids; as they are without a key."""
    if key is None:
        return scores
    ids = tuple(pseudonym(identity, key) for identity in scores.prediction.specimen_ids)
    return replace(scores, prediction=replace(scores.prediction, specimen_ids=ids))


def score_file(  # noqa: PLR0913
    path: Path,
    model: AnyModel,
    model_hash: str,
    explain: Explain,
    specimen: str | None = None,
    *,
    keep_going: bool = False,
    conditions: Conditions = NOTHING_SAID,
    joined: Sequence[Path] = (),
) -> Scores:
    """Read a cohort file (and the tables joined to it by specimen id) and score it; see :func:`read_specimens` for refusals."""
    specimens = read_specimens(read_table(path), model, specimen, keep_going=keep_going, conditions=conditions, joined=joined)
    return score_specimens(specimens, model, model_hash, explain)

"""BATCH: the scorer, on the frozen model alone."""

from exodx.scoring.intake import Specimens, read_specimens
from exodx.scoring.output import Explain, Scores, prediction_columns, write_scores
from exodx.scoring.score import score_file, score_specimens

__all__ = [
    "Explain",
    "Scores",
    "Specimens",
    "prediction_columns",
    "read_specimens",
    "score_file",
    "score_specimens",
    "write_scores",
]

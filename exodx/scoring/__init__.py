"""BATCH: the scorer, on the frozen model alone."""

from exodx.scoring.intake import Specimens, read_specimens
from exodx.scoring.job import Job, Outcome, Shard, partial_folder
from exodx.scoring.output import Explain, Scores, prediction_columns, write_scores
from exodx.scoring.run import score_cohort
from exodx.scoring.score import score_file, score_specimens

__all__ = [
    "Explain",
    "Job",
    "Outcome",
    "Scores",
    "Shard",
    "Specimens",
    "partial_folder",
    "prediction_columns",
    "read_specimens",
    "score_cohort",
    "score_file",
    "score_specimens",
    "write_scores",
]

"""BATCH: the scorer, on the frozen model alone."""

from exodx.scoring.engine import Cluster, bundle_files, is_address, put_output, score_on_cluster
from exodx.scoring.intake import Specimens, read_specimens
from exodx.scoring.job import Job, Outcome, Shard, partial_folder
from exodx.scoring.output import Explain, Scores, prediction_columns, write_scores
from exodx.scoring.run import score_cohort
from exodx.scoring.score import score_file, score_specimens, under_pseudonyms

__all__ = [
    "Cluster",
    "Explain",
    "Job",
    "Outcome",
    "Scores",
    "Shard",
    "Specimens",
    "bundle_files",
    "is_address",
    "partial_folder",
    "prediction_columns",
    "put_output",
    "read_specimens",
    "score_cohort",
    "score_file",
    "score_on_cluster",
    "score_specimens",
    "under_pseudonyms",
    "write_scores",
]

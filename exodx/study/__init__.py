"""USE CASES: a cohort and a plan become a validated, explained, frozen model with its report, and a run in MLflow."""

from exodx.study.binary import REPORT, Study, run_study, validate_study
from exodx.study.frozen import open_model, predict, track_evaluation
from exodx.study.multiclass import ClassStudy, run_class_study
from exodx.study.progress import silent, watched

__all__ = [
    "REPORT",
    "ClassStudy",
    "Study",
    "open_model",
    "predict",
    "run_class_study",
    "run_study",
    "silent",
    "track_evaluation",
    "validate_study",
    "watched",
]

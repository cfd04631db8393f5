"""DATA: a cohort of specimens with a state per cell, read, inferred, simulated and split."""

from exodx.cohort.card import specimen_card
from exodx.cohort.classes import ClassChoice, parse_classes
from exodx.cohort.cohort import Cohort
from exodx.cohort.dates import days_of_dates, temporal_folds
from exodx.cohort.example import example_file
from exodx.cohort.infer import infer_from_file, infer_panel
from exodx.cohort.layout import lay_out
from exodx.cohort.quality import QCFinding, QCReport, quality_report
from exodx.cohort.read import Intake, build_cohort, frame_cohort, read_cohort
from exodx.cohort.simulate import SimulatedStudy, simulate
from exodx.cohort.splits import site_folds, stratified_folds, training_rows

__all__ = [
    "ClassChoice",
    "Cohort",
    "Intake",
    "QCFinding",
    "QCReport",
    "SimulatedStudy",
    "build_cohort",
    "days_of_dates",
    "example_file",
    "frame_cohort",
    "infer_from_file",
    "infer_panel",
    "lay_out",
    "parse_classes",
    "quality_report",
    "read_cohort",
    "simulate",
    "site_folds",
    "specimen_card",
    "stratified_folds",
    "temporal_folds",
    "training_rows",
]

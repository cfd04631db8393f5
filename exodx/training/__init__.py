"""LEARNING: the XGBoost family, tuned, calibrated and given a threshold inside nested validation, then frozen."""

from exodx.training.benchmarks import BENCHMARKS
from exodx.training.family import settings_tried
from exodx.training.final import train_model
from exodx.training.fold_store import FoldStore, study_store
from exodx.training.multiclass import (
    ClassFold,
    ClassValidation,
    check_classes,
    class_folds,
    cross_validate_classes,
    fit_classes,
    train_classes,
)
from exodx.training.nested import (
    CrossValidation,
    HeldExplanation,
    Validation,
    cross_validate,
    repeated_folds,
    validate_permuted,
)
from exodx.training.panel_size import SizeRuns, analyte_units, panel_sizes, run_panel_sizes
from exodx.training.permutation import PermutedRuns, permute_labels
from exodx.training.procedure import Fitted, Prepared, fit_procedure, prepare
from exodx.training.recalibration import recalibrate_model
from exodx.training.restriction import Restriction, released

__all__ = [
    "BENCHMARKS",
    "ClassFold",
    "ClassValidation",
    "CrossValidation",
    "Fitted",
    "FoldStore",
    "HeldExplanation",
    "PermutedRuns",
    "Prepared",
    "Restriction",
    "SizeRuns",
    "Validation",
    "analyte_units",
    "check_classes",
    "class_folds",
    "cross_validate",
    "cross_validate_classes",
    "fit_classes",
    "fit_procedure",
    "panel_sizes",
    "permute_labels",
    "prepare",
    "recalibrate_model",
    "released",
    "repeated_folds",
    "run_panel_sizes",
    "settings_tried",
    "study_store",
    "train_classes",
    "train_model",
    "validate_permuted",
]

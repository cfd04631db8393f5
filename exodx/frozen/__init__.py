"""THE MODEL AS IT STANDS: what a trained model is and does to arrays. Nothing here can learn."""

from exodx.frozen.calibrator import Calibrator
from exodx.frozen.cells import State, is_blank, read_cells
from exodx.frozen.class_bundle import load_bundle, save_bundle
from exodx.frozen.conditions import ALLOWABLE, NOTHING_SAID, Conditions
from exodx.frozen.contract import Admission, InputContract, unread_cells
from exodx.frozen.encoding import FeatureEncoding
from exodx.frozen.forest import Forest
from exodx.frozen.measurements import Features, Measurements, Reason, Status
from exodx.frozen.model import DiagnosticModel, Explanation, Prediction, Provenance
from exodx.frozen.multiclass import AnyModel, ClassLimit, MulticlassModel, MulticlassPrediction
from exodx.frozen.normalisation import InterplateCorrection, LogRatios, QuantileNormalisation, ReferenceNormalisation
from exodx.frozen.parts import Linear
from exodx.frozen.quality import QualityGate
from exodx.frozen.replicates import WELLS
from exodx.frozen.scale import LibraryScaling, Log2Scale
from exodx.frozen.softmax import SoftmaxCalibrator, log_odds, softmax
from exodx.frozen.specimen_rules import rule_columns, specimen_rule_flags
from exodx.frozen.threshold import Threshold
from exodx.frozen.transform import FrozenTransform

__all__ = [
    "ALLOWABLE",
    "NOTHING_SAID",
    "WELLS",
    "Admission",
    "AnyModel",
    "Calibrator",
    "ClassLimit",
    "Conditions",
    "DiagnosticModel",
    "Explanation",
    "FeatureEncoding",
    "Features",
    "Forest",
    "FrozenTransform",
    "InputContract",
    "InterplateCorrection",
    "LibraryScaling",
    "Linear",
    "Log2Scale",
    "LogRatios",
    "Measurements",
    "MulticlassModel",
    "MulticlassPrediction",
    "Prediction",
    "Provenance",
    "QualityGate",
    "QuantileNormalisation",
    "Reason",
    "ReferenceNormalisation",
    "SoftmaxCalibrator",
    "State",
    "Status",
    "Threshold",
    "is_blank",
    "load_bundle",
    "log_odds",
    "read_cells",
    "rule_columns",
    "save_bundle",
    "softmax",
    "specimen_rule_flags",
    "unread_cells",
]

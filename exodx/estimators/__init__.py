"""THE SCIKIT-LEARN DOOR: a classifier and a transformer over raw measurements, with the one procedure underneath."""

from exodx.estimators.classifier import ExodxClassifier, scored_auc
from exodx.estimators.frames import FrameRefused
from exodx.estimators.transformer import AssayTransformer

__all__ = ["AssayTransformer", "ExodxClassifier", "FrameRefused", "scored_auc"]

"""FEATURES: scikit-learn transformers that learn a frozen transform from raw measurements, inside the fold."""

from exodx.assay.pipeline import assay_pipeline, freeze, learn_transform
from exodx.assay.quality import LearnQuality
from exodx.assay.steps import LearnEncoding, LearnLog2Scale, LearnReferences

__all__ = ["LearnEncoding", "LearnLog2Scale", "LearnQuality", "LearnReferences", "assay_pipeline", "freeze", "learn_transform"]

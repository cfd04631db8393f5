"""FEATURES: scikit-learn transformers that learn a frozen transform from raw measurements, inside the fold."""

from exodx.assay.efficiency import StandardCurve, curves_of_wells, pfaffl_ratio, standard_curve
from exodx.assay.normalisation import LearnInterplate, LearnLoading, LearnQuantiles, LearnRatios, LearnReferences
from exodx.assay.pipeline import assay_pipeline, freeze, learn_transform
from exodx.assay.quality import LearnQuality
from exodx.assay.stability import choose_references, genorm, normfinder
from exodx.assay.steps import LearnEncoding, LearnLog2Scale

__all__ = [
    "LearnEncoding",
    "LearnInterplate",
    "LearnLoading",
    "LearnLog2Scale",
    "LearnQuality",
    "LearnQuantiles",
    "LearnRatios",
    "LearnReferences",
    "StandardCurve",
    "assay_pipeline",
    "choose_references",
    "curves_of_wells",
    "freeze",
    "genorm",
    "learn_transform",
    "normfinder",
    "pfaffl_ratio",
    "standard_curve",
]

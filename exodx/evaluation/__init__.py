"""HOW GOOD: estimates with intervals, curves, sites, findings, and what the explanations say as a whole."""

from exodx.evaluation.assay_audits import other_censoring
from exodx.evaluation.audits import Finding
from exodx.evaluation.benefit_curve import BenefitCurve
from exodx.evaluation.class_evaluation import ClassEvaluation, Confusion
from exodx.evaluation.class_external import evaluate_classes_external
from exodx.evaluation.class_inside import ClassValidations, evaluate_classes_inside
from exodx.evaluation.curves import CalibrationBin, RocBand
from exodx.evaluation.described import CohortDescription, FlowArm, FlowBox, GroupRow
from exodx.evaluation.designs import gap_lines
from exodx.evaluation.evaluation import Evaluation, FoldResult, Headline, SiteResult
from exodx.evaluation.explanation_stability import ExplanationStability, FeatureStability
from exodx.evaluation.explanations import FeatureSummary, summarise_explanation
from exodx.evaluation.external import evaluate_external
from exodx.evaluation.inside import evaluate_inside
from exodx.evaluation.monitoring import Change, ChangeLimit, Monitoring, Spreads, monitor
from exodx.evaluation.paired import PairedComparison, compare_models
from exodx.evaluation.panel_size import PanelCurve, PanelSize, panel_curve
from exodx.evaluation.shift import CohortShift, FeatureShift, measure_shift
from exodx.evaluation.subgroups import SubgroupResult
from exodx.evaluation.threshold_steps import ThresholdSteps

__all__ = [
    "BenefitCurve",
    "CalibrationBin",
    "Change",
    "ChangeLimit",
    "ClassEvaluation",
    "ClassValidations",
    "CohortDescription",
    "CohortShift",
    "Confusion",
    "Evaluation",
    "ExplanationStability",
    "FeatureShift",
    "FeatureStability",
    "FeatureSummary",
    "Finding",
    "FlowArm",
    "FlowBox",
    "FoldResult",
    "GroupRow",
    "Headline",
    "Monitoring",
    "PairedComparison",
    "PanelCurve",
    "PanelSize",
    "RocBand",
    "SiteResult",
    "Spreads",
    "SubgroupResult",
    "ThresholdSteps",
    "compare_models",
    "evaluate_classes_external",
    "evaluate_classes_inside",
    "evaluate_external",
    "evaluate_inside",
    "gap_lines",
    "measure_shift",
    "monitor",
    "other_censoring",
    "panel_curve",
    "summarise_explanation",
]

"""Every figure as a function that returns a matplotlib Figure: one style, colours told apart in every common colour blindness.

========================  ====================================  ==========================================================
function                  of                                    shows
========================  ====================================  ==========================================================
:func:`roc`               Evaluation                            ROC curve with its band and the number to quote
:func:`calibration`       Evaluation                            observed shares against probabilities
:func:`sites`             Evaluation                            AUC of each site, and pooled; None without sites
:func:`benefit`           Evaluation.benefit_curve              net benefit at every threshold
:func:`panel_size`        Evaluation.panel_curve                AUC against the number of analytes
:func:`stability`         Evaluation.explanation_stability      SHAP over the outer folds' models
:func:`beeswarm`          Explanation, Features                 what moves the log-odds, over all specimens
:func:`waterfall`         Explanation, Features, a row          what moved one specimen's log-odds
:func:`dependence`        Explanation, Features, y              SHAP value against measured value
:func:`analytes`          Features, y                           features by class
:func:`examples`          examples of :func:`typical_examples`  typical right and wrong calls
:func:`class_roc`         ClassEvaluation                       a ROC curve for each class
:func:`confusion`         ClassEvaluation                       calls against classes
:func:`states`            CohortCheck                           what the cells of each analyte are
:func:`detection`         CohortCheck                           share of specimens in which analytes are detected
:func:`spread`            CohortCheck.spreads, one of them      a quantity by class, with its limits
:func:`plates`            CohortCheck                           mean level of each plate, with its SD
:func:`references`        CohortCheck                           how steady each reference candidate is
:func:`forest`            numbers by row and series             estimates beside each other, with their intervals
:func:`shift`             Evaluation.shift                      how far features lie from training's
:func:`changes`           Monitoring, a subject                 a subject's changes, with their limits
========================  ====================================  ==========================================================

A notebook shows a figure that is the last value of a cell; ``figure.savefig("roc.svg")`` keeps it.
"""

from exodx.report.analytes import analyte_figure as analytes
from exodx.report.check_figures import detection_figure as detection
from exodx.report.check_figures import plates_figure as plates
from exodx.report.check_figures import references_figure as references
from exodx.report.check_figures import spread_figure as spread
from exodx.report.check_figures import states_figure as states
from exodx.report.class_figures import class_roc_figure as class_roc
from exodx.report.class_figures import confusion_figure as confusion
from exodx.report.decision import benefit_figure as benefit
from exodx.report.decision import stability_figure as stability
from exodx.report.examples import dependence_figure as dependence
from exodx.report.examples import examples_figure as examples
from exodx.report.examples import typical_examples
from exodx.report.explanations import beeswarm_figure as beeswarm
from exodx.report.explanations import waterfall_figure as waterfall
from exodx.report.figures import calibration_figure as calibration
from exodx.report.figures import panel_size_figure as panel_size
from exodx.report.figures import roc_figure as roc
from exodx.report.figures import sites_figure as sites
from exodx.report.follow_up import changes_figure as changes
from exodx.report.follow_up import shift_figure as shift
from exodx.report.forest import forest_figure as forest

__all__ = [
    "analytes",
    "beeswarm",
    "benefit",
    "calibration",
    "changes",
    "class_roc",
    "confusion",
    "dependence",
    "detection",
    "examples",
    "forest",
    "panel_size",
    "plates",
    "references",
    "roc",
    "shift",
    "sites",
    "spread",
    "stability",
    "states",
    "typical_examples",
    "waterfall",
]

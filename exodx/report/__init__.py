"""PAPER: figures, the self-contained report, one specimen's page, reporting sheets and model card, text for the terminal."""

from exodx.report import plots
from exodx.report.analytes import analyte_figure
from exodx.report.class_figures import class_study_figures
from exodx.report.class_page import class_evaluation_page, class_specimen_page, class_study_page
from exodx.report.class_text import class_evaluation_text
from exodx.report.decision import benefit_figure, stability_figure
from exodx.report.evaluation_page import evaluation_page
from exodx.report.examples import dependence_figure, examples_figure, typical_examples
from exodx.report.explanations import beeswarm_figure, waterfall_figure
from exodx.report.figure_files import figure_files
from exodx.report.figures import calibration_figure, panel_size_figure, roc_figure, sites_figure
from exodx.report.page import specimen_page, study_page
from exodx.report.sheets import Answers, StudyMaterial, read_answers, study_sheets
from exodx.report.style import Picture, picture, png
from exodx.report.text import evaluation_text

__all__ = [
    "Answers",
    "Picture",
    "StudyMaterial",
    "analyte_figure",
    "beeswarm_figure",
    "benefit_figure",
    "calibration_figure",
    "class_evaluation_page",
    "class_evaluation_text",
    "class_specimen_page",
    "class_study_figures",
    "class_study_page",
    "dependence_figure",
    "evaluation_page",
    "evaluation_text",
    "examples_figure",
    "figure_files",
    "panel_size_figure",
    "picture",
    "plots",
    "png",
    "read_answers",
    "roc_figure",
    "sites_figure",
    "specimen_page",
    "stability_figure",
    "study_page",
    "study_sheets",
    "typical_examples",
    "waterfall_figure",
]

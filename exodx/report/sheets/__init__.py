"""Reporting sheets and the model card: items as data, facts of a study, the author's answers."""

from exodx.report.sheets.answers import Answers
from exodx.report.sheets.later import answer_form, answer_later
from exodx.report.sheets.material import Fact, StudyMaterial
from exodx.report.sheets.pages import Sheets, read_answers, study_sheets
from exodx.report.sheets.sheet import SHEETS, STATUSES, Item, Sheet, fill_sheet, sheet_text

__all__ = [
    "SHEETS",
    "STATUSES",
    "Answers",
    "Fact",
    "Item",
    "Sheet",
    "Sheets",
    "StudyMaterial",
    "answer_form",
    "answer_later",
    "fill_sheet",
    "read_answers",
    "sheet_text",
    "study_sheets",
]

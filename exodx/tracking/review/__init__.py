"""THE REVIEW: a gate of rules asked of a registered version, and a log of every decision that cannot be changed unseen."""

from exodx.tracking.review.chain import Entry
from exodx.tracking.review.decisions import CHAMPION, Decision, Reviewer, check_version, demote, log_problems, promote, roll_back
from exodx.tracking.review.doors import answer_sheets, answers_form
from exodx.tracking.review.dossier import Version, find_version, own_evaluation
from exodx.tracking.review.gate import Answer, Gate
from exodx.tracking.review.listing import ListedVersion, list_versions
from exodx.tracking.review.log import ReviewLog, read_log
from exodx.tracking.review.rules import Rule, read_rules
from exodx.tracking.review.stored import compare_stored
from exodx.tracking.review.text import decision_answer, gate_text, listed_answer, listing_text

__all__ = [
    "CHAMPION",
    "Answer",
    "Decision",
    "Entry",
    "Gate",
    "ListedVersion",
    "ReviewLog",
    "Reviewer",
    "Rule",
    "Version",
    "answer_sheets",
    "answers_form",
    "check_version",
    "compare_stored",
    "decision_answer",
    "demote",
    "find_version",
    "gate_text",
    "list_versions",
    "listed_answer",
    "listing_text",
    "log_problems",
    "own_evaluation",
    "promote",
    "read_log",
    "read_rules",
    "roll_back",
]

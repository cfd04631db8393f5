"""The door to the reporting sheets, which are paper: to load it takes a second, and the review itself draws nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from exodx.tracking.review.answering import Answered


def answers_form(uri: str) -> str:
    """Return what the sheets of a version still ask; see :func:`exodx.tracking.review.answering.answers_form`."""
    from exodx.tracking.review import answering

    return answering.answers_form(uri)


def answer_sheets(uri: str, file: Path, by: str) -> Answered:
    """Put an author's answers into the sheets of a version; see :func:`exodx.tracking.review.answering.answer_sheets`."""
    from exodx.tracking.review import answering

    return answering.answer_sheets(uri, file, by)

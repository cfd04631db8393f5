"""The sheets and the model card of a study as files, and their counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exodx.report.rendering import render_all
from exodx.report.sheets.answers import CARD, CARD_KEYS, Answers, parse_answers
from exodx.report.sheets.card import card_markdown, model_card
from exodx.report.sheets.facts import gather_facts
from exodx.report.sheets.material import StudyMaterial
from exodx.report.sheets.sheet import SHEETS, STATUSES, Sheet, fill_sheet, sheet_text
from exodx.report.words import SIMULATED

CARD_FILE = "model_card.json"
NOTE = (
    "A draft by a program: filled is what the program itself knows; a draft is for the author to check; "
    "that an item is filled says nothing about how good the study is."
)


@dataclass(frozen=True, slots=True)
class Sheets:
    """The sheets of a study and its model card.

    Parameters
    ----------
    sheets : tuple of Sheet
    files : dict of str to bytes
        ``sheets/NAME.html``, ``sheets/NAME.json``, ``model_card.md``, ``model_card.json``.
    """

    sheets: tuple[Sheet, ...]
    files: dict[str, bytes]

    @property
    def tags(self) -> dict[str, str]:
        """A tag for each sheet: its counts in words."""
        return {f"exodx.sheets.{sheet.name}": sheet.counts_line for sheet in self.sheets}

    @property
    def metrics(self) -> dict[str, float]:
        """The counts, e.g. ``sheets/stard/author_needed``."""
        return {f"sheets/{s.name}/{status.replace(' ', '_')}": float(n) for s in self.sheets for status, n in s.counts.items()}


def read_answers(table: Mapping[str, Any], where: str) -> Answers:
    """Build the author's answers from a parsed TOML table; sheets and items that are not known are refused, all at once."""
    valid = {name: [question.item for question in sheet_text(name).questions] for name in SHEETS}
    return parse_answers(table, where, {**valid, CARD: CARD_KEYS})


def study_sheets(material: StudyMaterial, answers: Answers) -> Sheets:
    """Fill every sheet and the model card of a finished study.

    Parameters
    ----------
    material : StudyMaterial
    answers : Answers
        The author's; ``Answers()`` where there are none.
    """
    facts = gather_facts(material)
    sheets = tuple(fill_sheet(sheet_text(name), facts, answers, material.model_id) for name in SHEETS)
    return with_files(sheets, model_card(material, facts, answers))


def with_files(sheets: tuple[Sheet, ...], card: Mapping[str, Any]) -> Sheets:
    """Write sheets and model card as files.

    Parameters
    ----------
    sheets : tuple of Sheet
    card : mapping
        As :func:`~exodx.report.sheets.card.model_card` returns it.
    """
    simulated = SIMULATED if card["synthetic"] else ""
    shared = {"statuses": STATUSES, "note": NOTE, "simulated": simulated, "panel": card["panel"]}
    pages = render_all("sheet.html", [{**shared, "title": f"{s.title}: {card['title']}", "sheet": s} for s in sheets])
    files = {f"sheets/{s.name}.html": page.encode() for s, page in zip(sheets, pages, strict=True)}
    files |= {f"sheets/{s.name}.json": _json(s.to_dict()) for s in sheets}
    files |= {"model_card.md": card_markdown(card).encode(), CARD_FILE: _json(card)}
    return Sheets(sheets, files)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()

"""Answers that come after the training: a form of what is still asked for, and the sheets of a run with the answers in them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from exodx.errors import ModelRefused, Problem
from exodx.report.sheets.answers import CARD, CARD_KEYS, Answers
from exodx.report.sheets.card import NEEDED
from exodx.report.sheets.pages import CARD_FILE, Sheets, with_files
from exodx.report.sheets.sheet import SHEETS, Item, Sheet, answered

OPEN = ("author needed", "draft")
WIDTH = 110


def answer_form(files: Mapping[str, bytes], model: str) -> str:
    """Return a file of answers to fill in: every item that no one has answered, with what is asked and what is drafted.

    Every line is a comment, so that what is left as it is answers nothing.

    Parameters
    ----------
    files : mapping of str to bytes
        ``sheets/NAME.json`` and ``model_card.json`` of a run.
    model : str
        Named at the top.

    Raises
    ------
    ModelRefused
        When a file is missing or is none of exodx's.
    """
    sheets, card = _read(files, model)
    lines = [f"# Answers to the reporting sheets of {model}. Take the # away from the lines that you answer.", ""]
    for sheet in sheets:
        lines += [f"[{sheet.name}]", *(line for item in sheet.items if item.status in OPEN for line in _asked(item))]
    lines += [f"[{CARD}]", *(f'# {key} = ""' for key, text in card["author"].items() if text == NEEDED), ""]
    return "\n".join(lines)


def _asked(item: Item) -> Iterator[str]:
    yield from _comment(f"{item.item} ({item.status}): {item.asks}")
    if item.value:
        yield from _comment(f"Drafted: {item.value}")
    yield from _comment(f"Wanted: {item.needs}")
    yield from (f'# "{item.item}" = ""', "")


def _comment(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), WIDTH, initial_indent="#   ", subsequent_indent="#     ", break_long_words=False)


def answer_later(files: Mapping[str, bytes], answers: Answers, model: str) -> Sheets:
    """Put an author's answers into the sheets and the model card of a run; what the program filled stays as it was.

    Parameters
    ----------
    files : mapping of str to bytes
        ``sheets/NAME.json`` and ``model_card.json`` of the run.
    answers : Answers
    model : str
        Named in problems.

    Raises
    ------
    ModelRefused
        When a file is missing or is none of exodx's.
    """
    sheets, card = _read(files, model)
    told = tuple(_with(sheet, answers.of(sheet.name)) for sheet in sheets)
    return with_files(told, card | {"author": card["author"] | dict(answers.of(CARD))})


def _with(sheet: Sheet, said: Mapping[str, str]) -> Sheet:
    items = tuple(answered(item, said.get(item.item, "")) for item in sheet.items)
    return Sheet(sheet.name, sheet.title, sheet.doi, sheet.about, sheet.model_id, items)


def _read(files: Mapping[str, bytes], model: str) -> tuple[tuple[Sheet, ...], dict[str, Any]]:
    try:
        sheets = tuple(_sheet(json.loads(files[f"sheets/{name}.json"])) for name in SHEETS)
        card = json.loads(files[CARD_FILE])
        return sheets, card | {"author": {key: card["author"].get(key, NEEDED) for key in CARD_KEYS}}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fix = "Train it again with this version of exodx: --answers FILE puts them in at once."
        found = f"the run's sheets cannot be read ({type(error).__name__}: {error})"
        raise ModelRefused(Problem("SHEETS_UNREADABLE", model, found, fix)) from None


def _sheet(state: Mapping[str, Any]) -> Sheet:
    kept = {key: state[key] for key in ("name", "title", "doi", "about", "model_id")}
    return Sheet(**kept, items=tuple(Item(**item) for item in state["items"]))

"""A reporting sheet: its items as data, and the same items filled for one study."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Literal

from exodx.errors import RUO
from exodx.report.sheets.answers import Answers
from exodx.report.sheets.material import Fact, joined

Status = Literal["filled", "draft", "author needed", "not applicable"]
STATUSES: tuple[Status, ...] = ("filled", "draft", "author needed", "not applicable")
SHEETS = ("tripod_ai", "stard", "probast_ai", "reforms", "mi_claim")
AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a sheet as it is asked, in our own words.

    Parameters
    ----------
    item : str
        Number.
    section, asks : str
    facts : tuple of str
        Facts that it takes all of; with one missing the item is at most a draft.
    also : tuple of str
        Facts that are told where they are known.
    status : str
        What the facts make of it: ``filled`` where they answer it, ``draft`` where the author must check or add.
    needs : str
        What the author adds.
    not_applicable : str
        Why it is not asked of a study of this kind; empty where it is.
    absent : str
        Why it is not asked of a study of which none of its facts is known; empty where the author is needed then.
    """

    item: str
    section: str
    asks: str
    facts: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    status: Literal["filled", "draft"] = "draft"
    needs: str = ""
    not_applicable: str = ""
    absent: str = ""


@dataclass(frozen=True, slots=True)
class SheetText:
    """A sheet as it is asked: identity, source, and its questions in order."""

    name: str
    title: str
    doi: str
    about: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it stands.

    Parameters
    ----------
    item, section, asks : str
    status : str
        One of :data:`STATUSES`.
    value : str
        The answer, or the draft of one; empty where the author is needed.
    source : str
        Where the value comes from; ``author`` where the author gave it.
    needs : str
        What the author adds or checks.
    author : str
        The author's answer beside what the program filled itself.
    draft : str
        The program's draft beside what the author answered.
    """

    item: str
    section: str
    asks: str
    status: Status
    value: str
    source: str
    needs: str = ""
    author: str = ""
    draft: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet filled for one study."""

    name: str
    title: str
    doi: str
    about: str
    model_id: str
    items: tuple[Item, ...]

    @property
    def counts(self) -> dict[Status, int]:
        """How many items have each status."""
        found = Counter(item.status for item in self.items)
        return {status: found[status] for status in STATUSES}

    @property
    def counts_line(self) -> str:
        """The counts in words, e.g. ``31 filled, 9 draft, 10 author needed, 2 not applicable``."""
        return ", ".join(f"{n} {status}" for status, n in self.counts.items())

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; ``exodx review`` reads ``items`` and ``counts``."""
        return asdict(self) | {"counts": self.counts, "notice": RUO}


@cache
def sheet_text(name: str) -> SheetText:
    """Return a sheet as it is asked.

    >>> len(sheet_text("tripod_ai").questions)
    52
    """
    table = tomllib.loads(resources.files("exodx.report.sheets").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    lists = ("facts", "also")
    rows: list[dict[str, Any]] = [{k: tuple(v) if k in lists else v for k, v in item.items()} for item in table["item"]]
    questions = [Question(**row) for row in rows]
    return SheetText(**table["sheet"], questions=tuple(questions))


def fill_sheet(text: SheetText, facts: Mapping[str, Fact], answers: Answers, model_id: str) -> Sheet:
    """Fill a sheet from facts and from the author's answers.

    Parameters
    ----------
    text : SheetText
    facts : mapping of str to Fact
    answers : Answers
    model_id : str
    """
    items = [answered(_fill(question, facts), answers.of(text.name).get(question.item, "")) for question in text.questions]
    return Sheet(text.name, text.title, text.doi, text.about, model_id, tuple(items))


def _fill(question: Question, facts: Mapping[str, Fact]) -> Item:
    asked = question.item, question.section, question.asks
    if question.not_applicable:
        return Item(*asked, "not applicable", question.not_applicable, "exodx")
    told = joined(facts.get(name) for name in (*question.facts, *question.also))
    if told is None and question.absent:
        return Item(*asked, "not applicable", question.absent, "exodx")
    if told is None:
        return Item(*asked, "author needed", "", "", question.needs)
    whole = question.status == "filled" and all(name in facts for name in question.facts)
    needs = "" if whole else question.needs or "what is missing here"
    return Item(*asked, "filled" if whole else "draft", told.text, told.source, needs)


def answered(item: Item, answer: str) -> Item:
    """Put in the author's answer: in the place of nothing, of a draft, or of an earlier answer; beside what the program filled."""
    if not answer:
        return item
    asked = item.item, item.section, item.asks
    if item.source == AUTHOR:
        return replace(item, value=answer)
    if item.status == "filled":
        return Item(*asked, "filled", item.value, item.source, author=answer)
    return Item(*asked, "filled", answer, AUTHOR, draft=item.value)

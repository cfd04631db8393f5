"""The author's own answers to items: a TOML file with a table for each sheet, kept by item number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from exodx.errors import InputRefused, Problem, nearest

CARD = "model_card"
CARD_KEYS = ("licence", "contact", "owner", "users", "out_of_scope", "ethics", "citation")
"""What an author may answer on the model card."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The author's answers by sheet and item.

    Parameters
    ----------
    texts : mapping of str to mapping of str to str
    """

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, sheet: str) -> Mapping[str, str]:
        """Return the answers of one sheet, or of the model card."""
        return self.texts.get(sheet, {})


def parse_answers(table: Mapping[str, Any], where: str, valid: Mapping[str, Collection[str]]) -> Answers:
    """Build answers from a parsed TOML table.

    Parameters
    ----------
    table : mapping
        As read by :mod:`tomllib`.
    where : str
        Names the file in problems.
    valid : mapping of str to collection of str
        The items of every sheet.

    Raises
    ------
    InputRefused
        With every problem: sheets and items that are not known, answers that are no text or are blank.
    """
    problems: list[Problem] = []
    texts: dict[str, dict[str, str]] = {}
    for sheet, items in table.items():
        if sheet not in valid:
            problems.append(Problem("KEY_UNKNOWN", f"{where}: {sheet}", "this sheet is not known", nearest(sheet, list(valid))))
        elif not isinstance(items, Mapping):
            fix = f'Write a table: [{sheet}] and lines such as "1" = "…".'
            problems.append(Problem("TABLE_INVALID", f"{where}: {sheet}", f"{items!r}", fix))
        else:
            problems += _problems(items, f"{where}: {sheet}", valid[sheet])
            texts[sheet] = {item: " ".join(str(text).split()) for item, text in items.items()}
    if problems:
        raise InputRefused(problems)
    return Answers(texts)


def _problems(items: Mapping[str, Any], where: str, valid: Collection[str]) -> list[Problem]:
    problems = []
    for item, text in items.items():
        if item not in valid:
            problems.append(Problem("KEY_UNKNOWN", f"{where}.{item}", "this item is not known", nearest(item, list(valid))))
        elif not isinstance(text, str) or not text.strip():
            problems.append(
                Problem("VALUE_INVALID", f"{where}.{item}", repr(text), "Write the answer as text, or leave the item out.")
            )
    return problems

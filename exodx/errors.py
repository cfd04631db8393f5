"""Every refusal a user can meet: what was found, where, and what to do.

A refusal carries *all* the problems of an input as data (:class:`Problem`), so that a person mends a file once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

RUO = "For Research Use Only. Not for use in diagnostic procedures."
"""The sentence on every output a person may read (21 CFR 809.10(c)(2)(i))."""

SHOWN_PER_CODE = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    Parameters
    ----------
    code : str
        Stable name of the rule, e.g. ``CELL_UNREADABLE``.
    where : str
        Place: file, line, column, specimen or key.
    found : str
        What stands there.
    fix : str
        What the user can do about it.
    """

    code: str
    where: str
    found: str
    fix: str

    def __str__(self) -> str:
        return f"[{self.code}] {_shown(self.where)}: {_shown(self.found)}. {self.fix}"


LONGEST_SHOWN = 1000
"""Letters of a place or of what stands there that a message shows; the problem itself keeps all."""


def _shown(text: str) -> str:
    """Shorten a text, and spell halves of letters, which no terminal takes: a file's name may be no UTF-8."""
    text = text.encode("utf-8", "backslashreplace").decode()
    rest = len(text) - LONGEST_SHOWN
    return text if rest <= 0 else f"{text[:LONGEST_SHOWN]} … and {rest} more letters"


class ExodxError(Exception):
    """A refusal; ``problems`` holds every reason found, ``exit_code`` is what the command line returns."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self._text())

    def __reduce__(self) -> tuple[type[ExodxError], tuple[tuple[Problem, ...]]]:
        """Travel between processes with every problem."""
        return type(self), (self.problems,)

    def _text(self) -> str:
        shown: Counter[str] = Counter()
        lines = []
        for problem in self.problems:
            shown[problem.code] += 1
            if shown[problem.code] <= SHOWN_PER_CODE:
                lines.append(str(problem))
        hidden = {code: n - SHOWN_PER_CODE for code, n in shown.items() if n > SHOWN_PER_CODE}
        lines += [f"[{code}] … and {n} more of this kind" for code, n in hidden.items()]
        return "\n".join(lines)


class UsageError(ExodxError):
    """The command or call itself is wrong (exit code 2)."""

    exit_code = 2


class InputRefused(ExodxError):
    """A cohort, panel or plan is refused (exit code 3)."""

    exit_code = 3


class ModelRefused(ExodxError):
    """A model bundle is refused (exit code 4)."""

    exit_code = 4


LONGEST_MISSPELT = 200
"""Letters of a word that are compared with the valid ones."""


def nearest(word: str, valid: Sequence[str]) -> str:
    """Return a suggestion for a misspelt name: the nearest valid one, or the list of them.

    >>> nearest("refrence", ["reference", "target"])
    "Did you mean 'reference'?"
    >>> nearest("xyz", ["reference", "target"])
    'Valid are: reference, target.'
    """
    folded = {v.casefold(): v for v in valid}
    close = get_close_matches(word[:LONGEST_MISSPELT].casefold(), list(folded), n=1, cutoff=0.6)
    return f"Did you mean {folded[close[0]]!r}?" if close else f"Valid are: {', '.join(valid)}."

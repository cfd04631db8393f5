"""The reference standard of several classes: one disease of several, by one column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from exodx.cohort.columns import spelling_problems
from exodx.errors import InputRefused, Problem, nearest
from exodx.frozen import is_blank
from exodx.tables.table import TextTable

FEWEST, MOST = 3, 10
"""Classes that a model may have: two are the ordinary case, and of more there are never specimens enough."""

NO_CALL = ("indeterminate", "not_reported")


@dataclass(frozen=True, slots=True)
class ClassChoice:
    """Which classes of a column are to be read.

    Parameters
    ----------
    named : tuple of str
        These alone: specimens of other classes are left out. Empty: all there are.
    known : tuple of str
        The classes of a model: no other may be among those read, and a class may be absent. Empty: whatever the column holds.
    """

    named: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    def is_meant(self, table: TextTable, label: str) -> bool:
        """Say whether a column is to be read as several classes where no positive value is given."""
        if self.named or self.known:
            return True
        return FEWEST <= len(_counts(table, label)) <= MOST


@dataclass(frozen=True, slots=True)
class ClassLabels:
    """Classes as read.

    Parameters
    ----------
    cells : tuple of str, length n
        The class of each specimen; empty where it is left out.
    classes : tuple of str
        In the order of their names.
    notes : tuple of str
    """

    cells: tuple[str, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def parse_classes(text: str | None) -> tuple[str, ...]:
    """Return names written with commas between them, each once.

    >>> parse_classes("AD, SQC,AD")
    ('AD', 'SQC')
    """
    return () if text is None else tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))


def read_classes(table: TextTable, label: str, choice: ClassChoice) -> ClassLabels:
    """Read the classes of a wide table.

    Raises
    ------
    InputRefused
        ``COLUMN_MISSING``, ``SPELLING``, ``CLASS_UNKNOWN`` (a class that is named and not there, or there and not the model's),
        ``CLASSES_COUNT``: all at once.
    """
    if label not in table.columns:
        found = f"no column {label!r} (for label)"
        raise InputRefused(Problem("COLUMN_MISSING", table.source, found, nearest(label, table.header)))
    where = f"{table.source}, column {label!r}"
    counts = _counts(table, label)
    problems = spelling_problems(table, label)
    valid = tuple(choice.known) or sorted(counts)
    problems += [
        Problem("CLASS_UNKNOWN", where, f"no class {name!r}", nearest(name, valid)) for name in choice.named if name not in valid
    ]
    kept = {name for name in counts if not choice.named or name in choice.named}
    if choice.known:
        problems += [_not_known(where, name, counts[name], choice.known) for name in sorted(kept - set(choice.known))]
    classes = tuple(sorted(choice.known or kept))
    if not problems and not FEWEST <= len(classes) <= MOST:
        found = f"{len(classes)} classes: {', '.join(map(repr, classes[: MOST + 1]))}"
        fix = f"Name {FEWEST} to {MOST} of them, --classes A,B,C; for one of them against all others: --positive VALUE."
        problems.append(Problem("CLASSES_COUNT", where, found, fix))
    problems += [
        Problem("CLASS_NAME", where, f"{name!r} is what a specimen without a call is called", "Give the class another name.")
        for name in classes
        if name in NO_CALL
    ]
    if problems:
        raise InputRefused(problems)
    cells = tuple("" if cell not in kept else cell for cell in table.columns[label])
    return ClassLabels(cells, classes, _notes(label, counts, classes, kept, len(table) - counts.total()))


def _counts(table: TextTable, label: str) -> Counter[str]:
    return Counter(cell for cell in table.columns.get(label, ()) if not is_blank(cell))


def _not_known(where: str, name: str, n: int, known: Sequence[str]) -> Problem:
    fix = f"{nearest(name, known)} To leave such specimens out, name the classes to keep: --classes."
    return Problem("CLASS_UNKNOWN", where, f"{n} specimens are of class {name!r}, which the model does not know", fix)


def _notes(label: str, counts: Counter[str], classes: Sequence[str], kept: set[str], blank: int) -> tuple[str, ...]:
    shown = ", ".join(f"{name!r} ({counts[name]})" for name in classes)
    notes = [
        f"reference standard {label!r}: {len(classes)} classes, {shown}; one against the rest. "
        "For one of them against all others: --positive VALUE"
    ]
    others = ", ".join(f"{name!r} ({n})" for name, n in sorted(counts.items()) if name not in kept)
    if others:
        notes.append(f"classes that are not named are left out: {others}")
    if blank:
        notes.append(f"{blank} specimens have no reference standard and are left out")
    return tuple(notes)

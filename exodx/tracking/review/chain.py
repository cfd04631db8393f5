"""The review log as plain data: entries, each holding the SHA-256 of the one before, and what aliases they leave where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from exodx.errors import InputRefused, Problem

Action = Literal["checked", "refused", "promoted", "demoted", "rolled back", "answered"]

GENESIS = "0" * 64
"""Stands where the hash of the entry before the first would."""
LONGEST = 6000
"""Characters of an entry: more than that MLflow would cut off without a word."""
FIX_CHAIN = "Nothing is promoted on a broken log. Restore the store from a backup, or find out who wrote to it."


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a reviewer did.

    Parameters
    ----------
    n : int
        Its place, from 1.
    before : str
        SHA-256 of the text of the entry before it.
    at : str
        Time, UTC.
    action : str
        ``checked``, ``refused`` (a promotion), ``promoted``, ``demoted``, ``rolled back``, or ``answered`` (items of the sheets).
    model, version : str
        In the registry; for a demotion the version that lost the alias, for a rollback the one that got it back.
    alias : str
        The alias it is about; empty for a check.
    by, login : str
        Who, as they said, and the account it was done from.
    reason : str
    model_hash : str
    rules : str
        SHA-256 of the rules in force, empty where no gate was asked.
    gate : dict of str to str
        Verdict by rule, with what was found.
    """

    n: int
    before: str
    at: str
    action: Action
    model: str
    version: str
    alias: str = ""
    by: str = ""
    login: str = ""
    reason: str = ""
    model_hash: str = ""
    rules: str = ""
    gate: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The line that is kept and hashed."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        """Hash of :attr:`text`."""
        return text_hash(self.text)

    def after(self, last: Entry | None) -> Entry:
        """Return it with its place behind the last entry."""
        return replace(self, n=1, before=GENESIS) if last is None else replace(self, n=last.n + 1, before=last.sha256)


def text_hash(text: str) -> str:
    """Return the SHA-256 of an entry's line.

    >>> text_hash("")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def read_chain(lines: Mapping[int, str], head: str = "") -> tuple[tuple[Entry, ...], list[Problem]]:
    """Read the entries of a log and say where the chain is broken.

    Parameters
    ----------
    lines : mapping of int to str
        Line by place.
    head : str
        A hash that is known to have been in the chain; empty where none is. It tells of entries cut off at the end.

    Returns
    -------
    entries : tuple of Entry
        Up to the first break.
    problems : list of Problem
        Every break.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    before, whole = GENESIS, True
    for n in range(1, max(lines, default=0) + 1):
        entry, found = _entry(n, lines.get(n), before)
        if found:
            problems.append(Problem("LOG_BROKEN", f"entry {n}", found, FIX_CHAIN))
        whole = whole and not found
        if whole and entry is not None:
            entries.append(entry)
        before = text_hash(lines[n]) if n in lines else ""
    if head and head not in {text_hash(line) for line in lines.values()}:
        found = f"an entry that was there is gone (hash {head[:12]}…)"
        problems.append(Problem("LOG_BROKEN", f"after entry {max(lines, default=0)}", found, FIX_CHAIN))
    return tuple(entries), problems


def _entry(n: int, line: str | None, before: str) -> tuple[Entry | None, str]:
    """Return an entry, and what is wrong with it; ``before`` is empty where the one before it is missing."""
    if line is None:
        return None, "it is missing"
    try:
        state: dict[str, Any] = json.loads(line)
        entry = Entry(**state)
    except (ValueError, TypeError):
        return None, "it cannot be read"
    if entry.n != n:
        return entry, f"it says that it is entry {entry.n}"
    if before and entry.before != before:
        return entry, "it does not hold the hash of the entry before it: one of the two was changed"
    return entry, ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Which version holds an alias by the log, and which held it before and were not demoted; empty where none does."""

    version: str = ""
    past: tuple[str, ...] = ()

    def after(self, entry: Entry) -> Holder:
        """Return what an entry leaves."""
        if entry.action == "promoted" and entry.version != self.version:
            return Holder(entry.version, (*self.past, self.version) if self.version else self.past)
        if entry.action == "demoted":
            return Holder("", tuple(version for version in self.past if version != entry.version))
        if entry.action == "rolled back":
            return Holder(entry.version, self.past[:-1])
        return self


def holder_of(entries: Sequence[Entry], alias: str) -> Holder:
    """Return who holds an alias by the log.

    >>> said = [Entry(i, "", "", "promoted", "m", v, "champion") for i, v in enumerate("123")]
    >>> holder_of(said, "champion")
    Holder(version='3', past=('1', '2'))
    """
    holder = Holder()
    for entry in entries:
        if entry.alias == alias:
            holder = holder.after(entry)
    return holder


def check_length(entry: Entry) -> None:
    """Refuse an entry that MLflow would cut off.

    Raises
    ------
    InputRefused
    """
    if len(entry.text) > LONGEST:
        found = f"the entry has {len(entry.text)} characters and the log takes {LONGEST}"
        raise InputRefused(Problem("REASON_TOO_LONG", "--reason", found, "Say it shorter, and where the whole can be read."))

"""What every family of instruments shares: a block of wells becomes one long table, and nothing is left out unsaid.

The long table has the columns ``specimen_id, analyte, well, plate, task, ct, value``: ``ct`` is the text as the instrument wrote
it, ``value`` says the same in the words that exodx reads (a Bio-Rad ``NaN`` of a loaded well is ``Undetermined``, a blank of
QuantStudio is blank: not run). ``group`` and ``quantity`` (of standards) are there where the export states them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from exodx.errors import InputRefused, Problem
from exodx.tables.coded import Coded, Words, counted, holds_any
from exodx.tables.table import TextTable
from exodx.tables.tasks import (
    INTERNAL,
    MEASURES_SPECIMEN,
    NEGATIVE,
    NTC,
    OMITTED,
    POSITIVE,
    REFERENCE,
    STANDARD,
    UNKNOWN,
    task_of,
)

Columns = dict[str, int]
Locate = Callable[[Sequence[str], Sequence[str]], Columns | None]

CONTROL_NAMES = MappingProxyType(
    dict.fromkeys(("ntc", "no template control", "no-template control", "water", "h2o"), NTC)
    | dict.fromkeys(("nac", "nrt", "no rt", "no-rt", "neg ctrl", "negative control", "blank", "empty"), NEGATIVE)
)
"""Specimen names that say that there is no specimen in the well."""

_KINDS = (UNKNOWN, REFERENCE, INTERNAL, NTC, STANDARD, POSITIVE, NEGATIVE, OMITTED)
_NAMELESS = ("without a target's name", "without a specimen's name")
_NUMBER = re.compile(r"^\d+(?:[.,]\d+)?$")
_COMMA_NUMBER = re.compile(r"^\d+,\d+$")


@dataclass(frozen=True, slots=True)
class Family:
    """How one family of instruments writes its wells.

    Parameters
    ----------
    title : str
        For the note to the user.
    locate : callable
        Given the line above and a line, both folded, the positions of ``specimen, analyte, ct, well, plate, dye, task, omit, call,
        standard, group, amp, flag, quantity`` where the line is the family's header, else None.
    no_ct : mapping
        What the family writes (folded) where a loaded well crossed no threshold, to what exodx reads.
    omit : tuple of str
        Words (folded) of the omit column that say so.
    refusal : str
        Why an export of this kind cannot be read, if so.
    """

    title: str
    locate: Locate
    no_ct: Mapping[str, str] = field(default_factory=dict)
    omit: tuple[str, ...] = ("true",)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """The wells as they stand in the file: the cells of each role, each row with its line; plate and dye as the preamble says."""

    source: str
    family: Family
    cells: Mapping[str, Sequence[str]]
    lines: list[int]
    place: str
    plate: str
    dye: str
    notes: tuple[str, ...]


def fold(cell: str) -> str:
    """Fold a header cell: case, blanks and the Cyrillic т of Applied Biosystems' Cт do not count."""
    return " ".join(cell.replace("т", "t").replace("Т", "T").casefold().split())


def by_name(needed: Mapping[str, tuple[str, ...]], optional: Mapping[str, tuple[str, ...]], marks: tuple[str, ...] = ()) -> Locate:
    """Return a locator of columns by name: every needed role must have one of its names, and every mark must stand there."""

    def locate(above: Sequence[str], header: Sequence[str]) -> Columns | None:  # noqa: ARG001
        position = {name: i for i, name in reversed(list(enumerate(header)))}
        if not all(mark in position for mark in marks):
            return None
        found = {
            role: next(position[n] for n in names if n in position)
            for role, names in {**needed, **optional}.items()
            if any(n in position for n in names)
        }
        return found if set(needed) <= set(found) else None

    return locate


def long_table(block: Block) -> TextTable:
    """Return every well of a block, controls and omitted wells among them."""
    n = len(block.lines)
    cells, blank = {role: Coded.of(column) for role, column in block.cells.items()}, Coded.same("", n)
    written = cells["ct"]
    values, said = _values(written, cells.get("call", blank), block.family)
    analytes, dyes = _analytes(cells.get("analyte", blank), cells.get("dye", Coded.same(block.dye, n)))
    tasks, unknown_words = _tasks(cells, blank, block.family)
    plates = cells.get("plate", blank)
    columns = {
        "specimen_id": cells["specimen"],
        "analyte": analytes,
        "well": cells.get("well", blank),
        "plate": plates if holds_any(plates) else Coded.same(block.plate, n),
        "task": tasks,
        "ct": written,
        "value": values,
    }
    columns |= {role: cells[role] for role in ("group", "quantity") if holds_any(cells.get(role, blank))}
    notes = [*block.notes, f"{block.family.title}: {n} wells", *dyes, *said, *_doubts(cells, tasks), *unknown_words]
    words = values.counted()
    decimal = "," if any("," in v and _COMMA_NUMBER.match(v) for v in words) and not any("." in v for v in words) else "."
    notes += ["decimal comma"] if decimal == "," else []
    title = block.family.title
    return TextTable(block.source, columns, block.lines, block.place, decimal, tuple(notes), unit="Ct", platform=title)


def _values(written: Coded, calls: Coded, family: Family) -> tuple[Coded, list[str]]:
    """Say each Ct in the words of exodx; a well that the instrument failed keeps no number."""
    counts = written.counted()
    meaning = {word: family.no_ct[word.casefold()] for word in sorted(w for w in counts if w.casefold() in family.no_ct)}
    said = [f"{counts[word]} wells without a Ct are written {word!r}: read as {text!r}" for word, text in meaning.items()]
    values = written.mapped(lambda word: meaning.get(word, word)) if meaning else written
    failed = calls.where(lambda call: call.casefold() == "fail")
    if failed.any():
        failed &= written.where(lambda word: meaning.get(word, word) == word)
        values = Coded(Words([*values.words, "failed QC"]), np.where(failed, np.int32(len(values.words)), values.codes))
    fails = np.count_nonzero(failed)
    return values, said + ([f"{fails} wells failed the instrument's quality control: their Ct is not used"] if fails else [])


def _doubts(cells: Mapping[str, Coded], tasks: Coded) -> list[str]:
    """Count the specimens' wells whose Ct the instrument doubts (``No Amp``, ``Inconclusive``, flagged); the Ct stays."""
    found: Counter[str] = Counter()
    for role, sure in (("amp", ("amp", "")), ("flag", ("passed", "ok", "false", "0", "n", "no", "none", ""))):
        marks = cells.get(role, Coded.of([]))
        rows = np.flatnonzero(marks.where(lambda word, sure=sure: word.casefold() not in sure))  # type: ignore[misc]
        for word, ct, task in zip(*(column.taken(rows) for column in (marks, cells["ct"], tasks)), strict=True):
            if task in MEASURES_SPECIMEN and _NUMBER.match(ct):
                found[word] += 1
    return [f"{n} wells have a Ct and are marked {word!r}: their Ct is kept" for word, n in sorted(found.items())]


def _analytes(names: Coded, dyes: Coded) -> tuple[Coded, list[str]]:
    """Return the targets; where the export names none at all, the dye or filter stands in."""
    if holds_any(names) or not holds_any(dyes):
        return names, []
    return dyes, [f"no well names its target: the dye stands in ({', '.join(filter(None, dyes.numbered()[0]))})"]


def _tasks(cells: Mapping[str, Coded], blank: Coded, family: Family) -> tuple[Coded, list[str]]:
    """Return what each well is for; words that no family uses are taken for specimens, and said."""
    words, omit, standard = (cells.get(role, blank) for role in ("task", "omit", "standard"))
    counts = words.counted()
    meaning = {word: task_of(word) for word in counts}
    meaning |= {word: POSITIVE for word in meaning if word.casefold().startswith(("pc_", "positive"))}
    strange = sorted(word for word, task in meaning.items() if task is None)
    count = sum(counts[word] for word in strange)
    shown = ", ".join(map(repr, strange[:4])) + (" …" if len(strange) > 4 else "")
    notes = [f"{count} wells have a task that exodx does not know ({shown}): taken for specimens"] if strange else []
    tasks = np.array([_KINDS.index(meaning.get(word) or UNKNOWN) for word in words.words], np.int32)[words.codes]
    for kind in dict.fromkeys(CONTROL_NAMES.values()):
        named = cells["specimen"].where(lambda name, kind=kind: CONTROL_NAMES.get(name.casefold()) == kind)  # type: ignore[misc]
        tasks[(tasks == _KINDS.index(UNKNOWN)) & named] = _KINDS.index(kind)
    tasks[standard.where(lambda amount: amount not in ("", "0"))] = _KINDS.index(STANDARD)
    tasks[omit.where(lambda word: word.casefold() in family.omit)] = _KINDS.index(OMITTED)
    return Coded(Words(list(_KINDS)), tasks), notes


def specimen_wells(table: TextTable) -> TextTable:
    """Keep the wells that hold a specimen; the notes count specimens, targets and every kind of well left out.

    Raises
    ------
    InputRefused
        ``NO_SPECIMEN`` when none does.
    """
    ids, analytes, tasks = (Coded.of(table.columns[name]) for name in ("specimen_id", "analyte", "task"))
    measures, named = tasks.where(MEASURES_SPECIMEN.__contains__), ids.where(bool)
    keep = measures & named & analytes.where(bool)
    left_out = tasks.taken(np.flatnonzero(~measures)).counted()
    left_out.update(dict(zip(_NAMELESS, np.bincount(~named[measures & ~keep], minlength=2).tolist(), strict=True)))
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(left_out.items()) if count)
    if not keep.any():
        fix = "Name specimens and targets in the instrument's software and export again."
        raise InputRefused(Problem("NO_SPECIMEN", table.source, f"no well holds a named specimen and target ({counts})", fix))
    kept = table.take(np.flatnonzero(keep).tolist()) if counts else table
    who, targets = (len(counted(kept.columns[name])) for name in ("specimen_id", "analyte"))
    size = f"{len(kept)} wells of {who} specimens × {targets} targets"
    notes = (*table.notes, size, f"wells left out: {counts}") if counts else (*table.notes, size)
    columns = {
        name: c for name, c in kept.columns.items() if name != "quantity" and (name not in ("plate", "well") or holds_any(c))
    }
    return replace(kept, columns=columns, notes=notes)

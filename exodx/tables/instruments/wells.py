"""What every family of instruments shares: a block of wells becomes one long table, and nothing is left out unsaid.

The long table has the columns ``specimen_id, analyte, well, plate, task, ct, value``: ``ct`` is the text as the instrument wrote
it, ``value`` says the same in the words that exodx reads (a Bio-Rad ``NaN`` of a loaded well is ``Undetermined``, a blank of
QuantStudio is blank: not run). ``group`` is there where the export names biological groups.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from exodx.errors import InputRefused, Problem
from exodx.tables.table import TextTable

Columns = dict[str, int]
Locate = Callable[[Sequence[str], Sequence[str]], Columns | None]

UNKNOWN, REFERENCE, INTERNAL = "unknown", "reference", "internal control"
NTC, STANDARD, POSITIVE, NEGATIVE, OMITTED = "ntc", "standard", "positive control", "negative control", "omitted"
MEASURES_SPECIMEN = frozenset({UNKNOWN, REFERENCE, INTERNAL})
"""Tasks of wells that hold a specimen; the other wells are left out of a cohort and counted."""

TASKS = MappingProxyType(
    {
        "": UNKNOWN,
        "unknown": UNKNOWN,
        "unkn": UNKNOWN,
        "target": UNKNOWN,
        "targ": UNKNOWN,
        "test": UNKNOWN,
        "calibrator": UNKNOWN,
        "endogenous control": REFERENCE,
        "endogenous_control": REFERENCE,
        "endo": REFERENCE,
        "endc": REFERENCE,
        "reference": REFERENCE,
        "ipc": INTERNAL,
        "blockedipc": NEGATIVE,
        "ntc": NTC,
        "no template control": NTC,
        "nac": NEGATIVE,
        "nrt": NEGATIVE,
        "negative control": NEGATIVE,
        "neg ctrl": NEGATIVE,
        "blank": NEGATIVE,
        "standard": STANDARD,
        "std": STANDARD,
        "positive control": POSITIVE,
        "pos ctrl": POSITIVE,
        "pc": POSITIVE,
    }
)
"""What a well is for, in the words of all families; a number behind it (``Unkn-01``) does not count."""

CONTROL_NAMES = MappingProxyType(
    dict.fromkeys(("ntc", "no template control", "no-template control", "water", "h2o"), NTC)
    | dict.fromkeys(("nac", "nrt", "no rt", "no-rt", "neg ctrl", "negative control", "blank", "empty"), NEGATIVE)
)
"""Specimen names that say that there is no specimen in the well."""

_NAMELESS = ("without a target's name", "without a specimen's name")
_NUMBERED = re.compile(r"[-_ ]?\d+$")
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
        standard, group, amp, flag`` where the line is the family's header, else None.
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
    cells: dict[str, list[str]]
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
    cells = block.cells
    blank = [""] * len(block.lines)
    written = cells["ct"]
    values, said = _values(written, cells.get("call", blank), block.family)
    analytes, dyes = _analytes(cells.get("analyte", blank), cells.get("dye", [block.dye] * len(blank)))
    tasks, unknown_words = _tasks(cells, blank, block.family)
    plates = cells.get("plate", blank)
    columns = {
        "specimen_id": cells["specimen"],
        "analyte": analytes,
        "well": cells.get("well", blank),
        "plate": plates if any(plates) else [block.plate] * len(blank),
        "task": tasks,
        "ct": written,
        "value": values,
    }
    if any(cells.get("group", blank)):
        columns["group"] = cells["group"]
    notes = [*block.notes, f"{block.family.title}: {len(blank)} wells", *dyes, *said, *_doubts(cells, tasks), *unknown_words]
    decimal = "," if any("," in v and _COMMA_NUMBER.match(v) for v in values) and not any("." in v for v in values) else "."
    notes += ["decimal comma"] if decimal == "," else []
    title = block.family.title
    return TextTable(block.source, columns, block.lines, block.place, decimal, tuple(notes), unit="Ct", platform=title)


def _values(written: list[str], calls: list[str], family: Family) -> tuple[list[str], list[str]]:
    """Say each Ct in the words of exodx; a well that the instrument failed keeps no number."""
    values, said = list(written), []
    for word in sorted(word for word in set(written) if word.casefold() in family.no_ct):
        meaning = family.no_ct[word.casefold()]
        values = [meaning if v == word else v for v in values]
        said.append(f"{written.count(word)} wells without a Ct are written {word!r}: read as {meaning!r}")
    fails = {call for call in set(calls) if call.casefold() == "fail"}
    failed = [i for i, call in enumerate(calls) if call in fails and values[i] == written[i]] if fails else []
    for i in failed:
        values[i] = "failed QC"
    return values, said + ([f"{len(failed)} wells failed the instrument's quality control: their Ct is not used"] if failed else [])


def _doubts(cells: Mapping[str, list[str]], tasks: list[str]) -> list[str]:
    """Count the specimens' wells whose Ct the instrument doubts (``No Amp``, ``Inconclusive``, flagged); the Ct stays."""
    counted: Counter[str] = Counter()
    for role, sure in (("amp", ("amp", "")), ("flag", ("passed", "ok", "false", "0", "n", "no", "none", ""))):
        for word, ct, task in zip(cells.get(role, []), cells["ct"], tasks, strict=False):
            if word.casefold() not in sure and task in MEASURES_SPECIMEN and _NUMBER.match(ct):
                counted[word] += 1
    return [f"{n} wells have a Ct and are marked {word!r}: their Ct is kept" for word, n in sorted(counted.items())]


def _analytes(names: list[str], dyes: list[str]) -> tuple[list[str], list[str]]:
    """Return the targets; where the export names none at all, the dye or filter stands in."""
    if any(names) or not any(dyes):
        return names, []
    return dyes, [f"no well names its target: the dye stands in ({', '.join(dict.fromkeys(filter(None, dyes)))})"]


def _tasks(cells: Mapping[str, list[str]], blank: list[str], family: Family) -> tuple[list[str], list[str]]:
    """Return what each well is for; words that no family uses are taken for specimens, and said."""
    words, omit, standard = (cells.get(role, blank) for role in ("task", "omit", "standard"))
    meaning = {word: TASKS.get(word.casefold(), TASKS.get(_NUMBERED.sub("", word.casefold()))) for word in set(words)}
    meaning |= {word: POSITIVE for word in meaning if word.casefold().startswith(("pc_", "positive"))}
    strange = sorted(word for word, task in meaning.items() if task is None)
    count = sum(meaning[word] is None for word in words)
    shown = ", ".join(map(repr, strange[:4])) + (" …" if len(strange) > 4 else "")
    notes = [f"{count} wells have a task that exodx does not know ({shown}): taken for specimens"] if strange else []
    tasks = [meaning[word] or UNKNOWN for word in words]
    control = {name: CONTROL_NAMES[name.casefold()] for name in set(cells["specimen"]) if name.casefold() in CONTROL_NAMES}
    if control:
        named = zip(tasks, cells["specimen"], strict=True)
        tasks = [control.get(name, UNKNOWN) if task == UNKNOWN else task for task, name in named]
    if set(standard) - {"", "0"}:
        tasks = [STANDARD if amount not in ("", "0") else task for task, amount in zip(tasks, standard, strict=True)]
    omitted = {word for word in set(omit) if word.casefold() in family.omit}
    return [OMITTED if word in omitted else task for task, word in zip(tasks, omit, strict=True)] if omitted else tasks, notes


def specimen_wells(table: TextTable) -> TextTable:
    """Keep the wells that hold a specimen; the notes count specimens, targets and every kind of well left out.

    Raises
    ------
    InputRefused
        ``NO_SPECIMEN`` when none does.
    """
    ids, analytes, tasks = (table.columns[name] for name in ("specimen_id", "analyte", "task"))
    why = [
        task if task not in MEASURES_SPECIMEN else "" if name and analyte else _NAMELESS[not name]
        for name, analyte, task in zip(ids, analytes, tasks, strict=True)
    ]
    left_out = Counter(filter(None, why))
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(left_out.items()))
    if len(table) == left_out.total():
        fix = "Name specimens and targets in the instrument's software and export again."
        raise InputRefused(Problem("NO_SPECIMEN", table.source, f"no well holds a named specimen and target ({counts})", fix))
    kept = table.take([row for row, reason in enumerate(why) if not reason]) if left_out else table
    size = f"{len(kept)} wells of {len(set(kept.columns['specimen_id']))} specimens × {len(set(kept.columns['analyte']))} targets"
    notes = (*table.notes, size, f"wells left out: {counts}") if left_out else (*table.notes, size)
    columns = {name: cells for name, cells in kept.columns.items() if name not in ("plate", "well") or any(cells)}
    return replace(kept, columns=columns, notes=notes)

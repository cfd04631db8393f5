"""Quality rules on specimen columns (tube, delay, freeze-thaw, consent …): the same pure function for training and scoring."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.cells import Cells, is_blank, read_cells
from exodx.frozen.quality import REASONS, beyond, limit_text
from exodx.panel import QualityRule, Scale
from exodx.panel.manifest import ManifestField, fold, manifest_columns, manifest_fields

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class SpecimenHit:
    """One specimen that a rule on its columns flags or refuses.

    Parameters
    ----------
    row : int
    rule : str
        Name of the rule.
    observed : str
        What the column says, e.g. ``anticoagulant 'heparin'``.
    limit : str
        What it must not say.
    refused : bool
        Or else flagged.
    """

    row: int
    rule: str
    observed: str
    limit: str
    refused: bool


@dataclass(frozen=True, slots=True)
class SpecimenVerdicts:
    """What the rules on specimen columns say of n specimens.

    Parameters
    ----------
    flags : ndarray of uint32, shape (n,)
        :class:`~exodx.frozen.measurements.Reason` bits.
    hits : tuple of SpecimenHit
        In the order of the rules.
    unreadable : dict of (row, column) to str
        What is wrong with each cell that a rule needs and that has no meaning.
    """

    flags: NDArray[np.uint32]
    hits: tuple[SpecimenHit, ...]
    unreadable: dict[tuple[int, str], str]

    @property
    def details(self) -> dict[int, str]:
        """What was found, by row, with the names of the rules."""
        texts: dict[int, list[str]] = {}
        for hit in self.hits:
            texts.setdefault(hit.row, []).append(f"{hit.observed}: rule {hit.rule!r}, {hit.limit}")
        return {row: "; ".join(found) for row, found in texts.items()}


def rule_columns(headers: Iterable[str], rules: Iterable[QualityRule], taken: Collection[str] = ()) -> dict[str, str]:
    """Find the columns that the rules look at among a table's headers: column of the rule → header."""
    wanted = [column for rule in rules for column in (rule.column, rule.per) if rule.is_of_specimen and column]
    found = manifest_columns(headers, taken, wanted)
    return {column: found[column] for column in dict.fromkeys(wanted) if column in found}


def specimen_rule_flags(columns: Columns, rules: Iterable[QualityRule], decimal: str, n: int) -> SpecimenVerdicts:
    """Apply the rules on specimen columns.

    Parameters
    ----------
    columns : mapping of str to sequence of str, length n
        Cells by the column's name in the rules (see :func:`rule_columns`); a rule whose column is absent says nothing,
        and so does a blank cell.
    rules : iterable of QualityRule
        Rules of measurements are passed over.
    decimal : str
        Decimal sign of the table.
    n : int
        Specimens.

    Examples
    --------
    >>> from exodx.panel import default_rules
    >>> found = specimen_rule_flags({"anticoagulant": ["EDTA", "Li-heparin"]}, default_rules(), ".", 2)
    >>> found.details
    {1: "anticoagulant 'Li-heparin': rule 'heparin_tube', refused: heparin"}
    """
    fields = {known.name: known for known in manifest_fields()} if columns else {}
    flags, hits, unreadable = np.zeros(n, np.uint32), list[SpecimenHit](), dict[tuple[int, str], str]()
    for rule in rules:
        if not rule.is_of_specimen or rule.column not in columns or (rule.per is not None and rule.per not in columns):
            continue
        judge = _by_words if rule.kind == "words" else _by_number
        found, wrong = judge(rule, columns, fields, decimal)
        hits += found
        unreadable |= wrong
    for hit in hits:
        flag, refuse = REASONS["words"]
        flags[hit.row] |= np.uint32(refuse if hit.refused else flag)
    return SpecimenVerdicts(flags, tuple(hits), unreadable)


Judged = tuple[list[SpecimenHit], dict[tuple[int, str], str]]


def _by_words(rule: QualityRule, columns: Columns, fields: Mapping[str, ManifestField], decimal: str) -> Judged:  # noqa: ARG001
    column = str(rule.column)
    distinct = set(columns[column])
    read = {cell: read_words(cell, fields.get(column)) for cell in distinct}
    judged = {cell: verdict for cell in distinct if (verdict := _verdict(rule, read[cell][0]))}
    unreadable = {(row, column): read[cell][1] for row, cell in enumerate(columns[column]) if read[cell][1]}
    hits = [
        SpecimenHit(row, rule.name, f"{column} {cell!r}", *judged[cell])
        for row, cell in enumerate(columns[column])
        if cell in judged
    ]
    return hits, unreadable


def _verdict(rule: QualityRule, said: Sequence[str]) -> tuple[str, bool] | None:
    """Return what a specimen that says these words must not say, and whether it is refused for it."""
    for words, refused in ((rule.refuse_words, True), (rule.words, False)):
        word = next((w for w in words if fold(w) in {fold(s) for s in said}), None)
        if word is not None:
            return f"{'refused' if refused else 'flagged'}: {word}", refused
    return None


def read_words(cell: str, known: ManifestField | None) -> tuple[tuple[str, ...], str]:
    """Return what a cell says in the manifest's words (as it stands where the manifest does not know the column).

    Blank says nothing; ``none`` is a word where the field has it, and blank elsewhere.
    """
    said, why = known.read(cell) if known is not None and cell else ((cell,) if cell else (), "")
    return ((), "") if why and is_blank(cell) else (said, why)


def _by_number(rule: QualityRule, columns: Columns, fields: Mapping[str, ManifestField], decimal: str) -> Judged:
    column, name = str(rule.column), str(rule.column) if rule.per is None else f"{rule.column} / {rule.per}"
    cells = read_numbers(columns[column], fields.get(column), decimal)
    values, unreadable = cells.values, {(row, column): why for row, why in cells.unreadable.items()}
    if rule.per is not None:
        per = read_numbers(columns[rule.per], fields.get(rule.per), decimal)
        unreadable |= {(row, rule.per): why for row, why in per.unreadable.items()}
        values = values / np.where(per.values > 0, per.values, np.nan)
    hits = []
    refused = beyond(values, rule.refuse, rule)
    for rows, limit, verdict in ((refused, rule.refuse, True), (beyond(values, rule.flag, rule) & ~refused, rule.flag, False)):
        for row in np.flatnonzero(rows) if limit is not None else ():
            words = f"{'refused' if verdict else 'flagged'}: {limit_text(rule, limit or 0.0)}"
            hits.append(SpecimenHit(int(row), rule.name, f"{name} {values[row]:g}", words, verdict))
    return hits, unreadable


def read_numbers(cells: Sequence[str], known: ManifestField | None, decimal: str) -> Cells:
    """Read a numeric specimen column; an amount (all but signed fields) is not negative. Unreadable cells hold NaN."""
    scale = Scale.NORMALISED if known is None or known.signed else Scale.LINEAR
    read = read_cells([cell.strip() for cell in cells], scale, decimal=decimal)
    values = read.values.copy()
    values[list(read.unreadable)] = np.nan
    return replace(read, values=values)

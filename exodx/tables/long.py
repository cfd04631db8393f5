"""Long tables: the rows of each specimen gathered into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exodx.errors import InputRefused, Problem, nearest
from exodx.tables.coded import Coded, holds_any
from exodx.tables.controls import without_controls
from exodx.tables.flags import contradicted
from exodx.tables.gathered import Gathered
from exodx.tables.names import SPECIMEN_NAMES, WELL_NAMES, find_column, folded_name
from exodx.tables.table import TextTable

Codes = NDArray[np.int64]
SPREAD, ANY_GRID = 64, 1 << 22
"""Cells of the wide table for each row of the long one, and how many it may always have."""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The rows of a long table by specimen and analyte.

    Parameters
    ----------
    who, name : list of str
        Specimens and analytes, in the order of their first row.
    owner : ndarray, shape (rows,)
        The specimen's number in each row.
    pair : ndarray, shape (rows,)
        One number for each specimen and analyte.
    order : ndarray, shape (rows,)
        Rows by pair, and by their order in the file within a pair.
    start, size : ndarray, shape (pairs,)
        Where each pair begins in ``order``, and how many rows it has.
    """

    who: list[str]
    name: list[str]
    owner: Codes
    pair: Codes
    order: Codes
    start: Codes
    size: Codes

    def rows(self, pairs: Sequence[int]) -> dict[tuple[str, str], list[int]]:
        """Return the rows of some pairs, by specimen and analyte, in the order of the file."""
        found = [self.order[self.start[p] : self.start[p] + self.size[p]].tolist() for p in pairs]
        found.sort(key=lambda rows: rows[0])
        p = len(self.name)
        keys = [divmod(int(self.pair[rows[0]]), p) for rows in found]
        return {(self.who[i], self.name[j]): rows for (i, j), rows in zip(keys, found, strict=True)}


def gather(table: TextTable, analyte: str, value: str, specimen: str | None, wells: str | None = None) -> TextTable:
    """Gather the rows of each specimen of a long table; columns that are constant within specimens are kept.

    Rows that a column calls controls are left out; see :func:`~exodx.tables.controls.without_controls`.

    Parameters
    ----------
    table : TextTable
    analyte, value, specimen : str
        Its columns; the specimen's is found by its usual names if not given.
    wells : str, optional
        As in :func:`to_wide`.

    Raises
    ------
    InputRefused
        ``SPECIMEN_MISSING``, ``NO_SPECIMEN``, ``LONG_SCATTERED``, and ``VALUE_TWICE`` with the lines of every repeated value.
    """
    by = specimen or find_column(table, SPECIMEN_NAMES)
    if by is None or by not in table.columns:
        fix = nearest(by or "specimen_id", table.header)
        raise InputRefused(
            Problem("SPECIMEN_MISSING", table.source, "a long table without a specimen column", f"Name it: --specimen. {fix}")
        )
    table = without_controls(table, analyte, value, by)
    if not len(table):
        fix = "Check that the rows name a specimen and an analyte each."
        raise InputRefused(Problem("NO_SPECIMEN", table.source, f"no row of columns {by!r} and {analyte!r} can be read", fix))
    pairs = _pairs(table.columns[by], table.columns[analyte])
    _refuse_scattered(table, pairs)
    repeated = np.flatnonzero(pairs.size > 1).tolist()
    refused = repeated if wells is None else _same_well(table, pairs)
    if refused:
        raise InputRefused(_repeated(table, pairs.rows(refused)))
    ids = pairs.who
    columns = _values(table.columns[value], pairs, wells or "")
    kept = {by: ids} | _constant_columns(table, pairs, {analyte, value, by})
    notes = [f"long layout: {len(table)} rows are {len(ids)} specimens × {len(columns)} analytes"]
    if differing := [c for c in table.header if c not in {*kept, analyte, value} and folded_name(c) not in WELL_NAMES]:
        notes.append(f"columns that differ within a specimen are not kept: {', '.join(differing)}")
    if repeated:
        notes.append(f"replicate wells: {len(repeated)} of {len(pairs.size)} values have several (up to {pairs.size.max()})")
    unit = table.unit or {"ct": "Ct", "cq": "Ct", "npx": "NPX"}.get(value.casefold(), "")
    analytes = tuple(columns)
    gathered = replace(table, columns={**kept, **columns}, lines=ids, place="specimen", analytes=analytes, unit=unit)
    return replace(gathered, notes=(*table.notes, *notes), remarks=(*table.remarks, *contradicted(table, value)))


def _numbered(cells: Sequence[str]) -> tuple[list[str], Codes]:
    """Return the distinct cells in the order of their first row, and which of them each row holds."""
    return Coded.of(cells).numbered()


def _refuse_scattered(table: TextTable, pairs: _Pairs) -> None:
    """Refuse specimens and analytes so many that most pairs have no row: their table would fill the memory with blanks."""
    n, p = len(pairs.who), len(pairs.name)
    if n * p > max(ANY_GRID, SPREAD * len(table)):
        found = f"{len(table)} rows name {n} specimens and {p} analytes: most of each other's cells would be blank"
        fix = "Check which columns name specimen and analyte (--specimen), or leave out analytes that hardly any specimen has."
        raise InputRefused(Problem("LONG_SCATTERED", table.source, found, fix))


def _pairs(specimens: Sequence[str], analytes: Sequence[str]) -> _Pairs:
    who, owner = _numbered(specimens)
    name, code = _numbered(analytes)
    pair = owner * len(name) + code
    order = np.argsort(pair, kind="stable")
    ordered = pair[order]
    start = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    size = np.diff(np.append(start, len(order)))
    return _Pairs(who, name, owner, pair, order, start, size)


def _values(cells: Sequence[str], pairs: _Pairs, between: str) -> dict[str, Sequence[str]]:
    """Return a column an analyte; a specimen's cell holds its wells, joined, and nothing where it has none."""
    n, p = len(pairs.who), len(pairs.name)
    sizes = np.zeros((p, n), np.int64)
    owner, code = np.divmod(pairs.pair[pairs.order[pairs.start]], p)
    sizes[code, owner] = pairs.size
    wells = Coded.of(cells).taken(pairs.order[np.argsort(pairs.pair[pairs.order] % p, kind="stable")])
    ends = np.cumsum(sizes.sum(axis=1)).tolist()
    columns = [Gathered(wells[start:end], sizes[j], between) for j, (start, end) in enumerate(zip([0, *ends], ends, strict=False))]
    return dict(zip(pairs.name, columns, strict=True))


def _repeated(table: TextTable, repeated: Mapping[tuple[str, str], list[int]]) -> list[Problem]:
    fix = "Give one value for a specimen and analyte, or each replicate a well (and plate) of its own."
    return [
        Problem(
            "VALUE_TWICE",
            f"{table.source}, {table.place}s {', '.join(str(table.lines[row]) for row in rows)}",
            f"several values of {name!r} for {who!r}",
            fix,
        )
        for (who, name), rows in repeated.items()
    ]


def _same_well(table: TextTable, pairs: _Pairs) -> list[int]:
    """Return the pairs to which one well gave several values: rows copied, or plates that are not told apart."""
    well = find_column(table, ("well", "well position", "pos"))
    if well is None or not holds_any(table.columns[well]):
        return []
    plate = find_column(table, ("plate", "plate_id", "batch"))
    where = Coded.of(table.columns[well])
    if where.all_differ():
        return []
    wells, at = where.numbered()
    plates, on = _numbered(table.columns[plate]) if plate else ([""], np.zeros_like(at))
    number = np.repeat(np.arange(len(pairs.size)), pairs.size)
    place = (number * len(plates) + on[pairs.order]) * len(wells) + at[pairs.order]
    ordered = np.sort(place)
    twice = ordered[1:][ordered[1:] == ordered[:-1]] // (len(plates) * len(wells))
    return sorted(set(twice.tolist()))


def _constant_columns(table: TextTable, pairs: _Pairs, without: set[str]) -> dict[str, list[str]]:
    """Return the columns that hold one text in all rows of a specimen."""
    first = np.full(len(pairs.who), len(pairs.owner))
    np.minimum.at(first, pairs.owner, np.arange(len(pairs.owner)))
    kept = {}
    for name in table.header:
        if name in without or name.casefold() in WELL_NAMES:
            continue
        texts, codes = _numbered(table.columns[name])
        if (codes == codes[first][pairs.owner]).all():
            kept[name] = [texts[code] for code in codes[first].tolist()]
    return kept

"""What stands in the way in the rows of a large cohort, found block by block, so that nothing need be read as a whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import numpy as np

from exodx.errors import InputRefused, Problem
from exodx.frozen import unread_cells
from exodx.scoring.blocks import Block, Rows, rows_in
from exodx.scoring.cut import piece_of, table_of_block
from exodx.scoring.intake import MEND_CELL, rule_verdicts, unread_rules
from exodx.scoring.job import NotInPieces
from exodx.scoring.part import hashes_of, taken
from exodx.scoring.plan import Plan
from exodx.tables.layout import specimen_ids
from exodx.tables.table import TextTable

MOST = 1000
"""Problems after which no more are looked for."""


def troubles(plan: Plan) -> list[Problem]:
    """Return what is wrong with rows of a cohort, each in its place in its file; the first thousand.

    Raises
    ------
    NotInPieces
        Where a block can be read only by whoever reads the whole file.
    """
    problems = list(islice(chain.from_iterable(_of_block(plan, block) for block in _blocks(plan)), MOST))
    if not problems and plan.specimen is not None:
        problems = _twice(plan, plan.specimen)[:MOST]
    if len(problems) == MOST:
        fix = "Mend these, or what they have in common, and look again."
        problems.append(Problem("MORE_PROBLEMS", plan.head.source, f"{MOST} problems, and the rest was not looked at", fix))
    return problems


def _blocks(plan: Plan) -> Iterator[Block]:
    """Yield the blocks of every file, each with the rows of its own file before it."""
    for at, file in enumerate(plan.files):
        first = 0
        for number, content in enumerate(file.blocks(plan.columns)):
            rows = rows_in(content)
            yield Block(number, at, first, content, rows)
            first += rows


def _of_block(plan: Plan, block: Block) -> list[Problem]:
    try:
        taken(plan, block)
    except NotInPieces:
        pass
    else:
        return []
    try:
        table = _table(plan, block)
    except InputRefused as refused:
        return list(refused.problems)
    unnamed = specimen_ids(table, plan.specimen)[2] if plan.specimen is not None else []
    return [*(problem for problem in unnamed if problem.code != "ID_TWICE"), *_of_table(plan, table)]


def _of_table(plan: Plan, table: TextTable) -> list[Problem]:
    model, conditions = plan.job.model, plan.job.conditions
    rows = model.contract.admit_rows(table, plan.match, conditions)
    verdicts, found_in = rule_verdicts(table, model, {header for found in plan.match.columns.values() for header in found})
    problems = [*rows.problems, *(p for breach in rows.differ if breach.code not in conditions.allow for p in breach.problems)]
    if not plan.job.keep_going:
        problems += [*unread_cells(rows.unreadable, table, MEND_CELL), *unread_rules(verdicts, found_in, table)]
    return problems


def _table(plan: Plan, block: Block) -> TextTable:
    """Read a block carefully; its rows stand where they stand in their file."""
    file, alone = plan.files[block.file], len(plan.files) == 1
    source, first = plan.head.source if alone else file.path.name, block.first + (1 if isinstance(file, Rows) else 2)
    try:
        table = table_of_block(plan, block, source, first)
    except (csv.Error, UnicodeDecodeError) as error:
        raise NotInPieces(str(error)) from None
    if alone:
        return table
    return replace(table, source=plan.head.source, lines=[f"{line} of {file.path.name}" for line in table.lines])


def _twice(plan: Plan, specimen: str) -> list[Problem]:
    """Return the specimens that stand in several rows."""
    hashes = [hashes_of(piece.ids) if (piece := piece_of(plan, block)) else np.zeros(0, np.uint64) for block in _blocks(plan)]
    everyone = np.sort(np.concatenate(hashes))
    again = np.unique(everyone[1:][everyone[1:] == everyone[:-1]])
    names: list[str] = []
    lines: list[Any] = []
    for block, mine in zip(_blocks(plan), hashes, strict=True):
        rows = np.flatnonzero(np.isin(mine, again)).tolist()
        if rows:
            table = _table(plan, block).take(rows)
            names += table.columns[specimen]
            lines += table.lines
    return specimen_ids(TextTable(plan.head.source, {specimen: names}, lines, plan.head.place), specimen)[2]

"""From wells to one value: how the replicate wells of a specimen's analyte become a Ct, a state, and a warning where they disagree.

The median of the wells (the mean of two); not detected if at least half of the wells that ran are not detected (2 of 3, 1 of 2).
Wells that did not run or failed take no part. The rule looks at one specimen's wells alone, and their order does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.cells import Cells, State, read_cells
from exodx.panel import Scale

WELLS = " | "
"""What stands between the wells of a cell that holds several, as a long table's rows are gathered."""

MAX_SD, MAX_RANGE = 0.5, 1.0
"""Ct by which replicate wells may differ before the specimen is flagged."""

_ROUNDING = 1e-9


def read_replicates(
    texts: Sequence[str], scale: Scale, lod: float | None = None, decimal: str = "."
) -> tuple[Cells, NDArray[np.bool_]]:
    """Read a column whose cells may hold several wells; see :func:`~exodx.frozen.cells.read_cells`.

    Returns
    -------
    cells : Cells
        One value and state a specimen. Only Ct wells are summarised: several values on another scale are unreadable.
    disagree : ndarray of bool, shape (n,)
        The specimens whose wells disagree.

    Examples
    --------
    >>> cells, disagree = read_replicates(["27.1 | 27.3 | Undetermined", "30 | Undetermined"], Scale.CT)
    >>> cells.values, [State(s).name for s in cells.states], disagree
    (array([27.2,  nan]), ['MEASURED', 'UNDETERMINED'], array([ True,  True]))
    """
    none = np.zeros(len(texts), bool)
    if (gathered := _apart(texts)) is not None:
        wells, sizes = gathered
        if sizes.max(initial=0) < 2:
            return _in_place(read_cells(wells, scale, lod, decimal), sizes), none
        if scale is Scale.CT:
            return _summarised(read_cells(wells, scale, lod, decimal), sizes)
    if not _hold_several(texts):
        return read_cells(texts, scale, lod, decimal), none
    split = [text.split(WELLS) for text in texts]
    if scale is not Scale.CT:
        cells = read_cells([wells[0] for wells in split], scale, lod, decimal)
        many = {row: "several values, and only Ct wells are summarised" for row, wells in enumerate(split) if len(wells) > 1}
        return replace(cells, unreadable=cells.unreadable | many), none
    several = np.array([len(wells) for wells in split])
    return _summarised(read_cells([well.strip() for wells in split for well in wells], scale, lod, decimal), several)


def _summarised(flat: Cells, sizes: NDArray[np.int64]) -> tuple[Cells, NDArray[np.bool_]]:
    """Summarise wells that were read one after the other, so many a specimen."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    shape = (len(sizes), int(place.max()) + 1)
    values, states = np.full(shape, np.nan), np.full(shape, State.NOT_RUN, np.uint8)
    values[owner, place], states[owner, place] = flat.values, flat.states
    unreadable = {int(owner[at]): why for at, why in flat.unreadable.items()}
    value, state, disagree = summarise(values, states)
    return Cells(value, state, unreadable), disagree


def _in_place(flat: Cells, sizes: NDArray[np.int64]) -> Cells:
    """Put single wells to their specimens; a specimen without one was not run."""
    rows = np.flatnonzero(sizes)
    values, states = np.full(len(sizes), np.nan), np.full(len(sizes), State.NOT_RUN, np.uint8)
    values[rows], states[rows] = flat.values, flat.states
    return Cells(values, states, {int(rows[at]): why for at, why in flat.unreadable.items()})


def _apart(texts: Sequence[str]) -> tuple[Sequence[str], NDArray[np.int64]] | None:
    """Return the wells of a column that keeps them apart (``wells``, ``sizes``), where joining and cutting gives the same texts."""
    column: Any = texts
    if not hasattr(column, "wells") or (column.between != WELLS and column.sizes.max(initial=0) > 1):
        return None
    meanings, words = column.wells.words.meanings, column.wells.words
    if "apart" not in meanings:
        meanings["apart"] = not any("|" in word or word != word.strip() for word in words)
    return (column.wells, column.sizes) if meanings["apart"] else None


def _hold_several(texts: Sequence[str]) -> bool:
    """Say whether any cell holds several wells; a column that shares its words leaves the answer with them."""
    if hasattr(texts, "numbers") or hasattr(texts, "cells"):
        return False
    words = getattr(texts, "words", None)
    if words is None:
        return WELLS in "\n".join(texts)
    if WELLS not in words.meanings:
        words.meanings[WELLS] = WELLS in "\n".join(words)
    return bool(words.meanings[WELLS])


def summarise(
    values: NDArray[np.float64], states: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.bool_]]:
    """Summarise the Ct wells of one analyte.

    Parameters
    ----------
    values : ndarray, shape (n, k)
        NaN where a well has no number.
    states : ndarray of uint8, shape (n, k)
        ``NOT_RUN`` where a specimen has fewer than k wells.

    Returns
    -------
    value, state : ndarray, shape (n,)
        A specimen that is not detected keeps the median of the limits its wells were written with (``>40``), if any.
    disagree : ndarray of bool, shape (n,)
        The SD exceeds 0.5 Ct, the range 1 Ct, or some wells are detected and others are not.
    """
    measured, undetected = states == State.MEASURED, (states == State.UNDETERMINED) | (states == State.BELOW_LOD)
    found, lost = measured.sum(axis=1), undetected.sum(axis=1)
    is_lost = (lost > 0) & (2 * lost >= found + lost)
    numbers, limits = (np.sort(np.where(kind, values, np.nan), axis=1) for kind in (measured, undetected))
    value = np.where(is_lost, _median(limits), _median(numbers))
    state = np.full(len(values), State.NOT_RUN, np.uint8)
    state[(states == State.FAILED_QC).any(axis=1)] = State.FAILED_QC
    state[found > 0] = State.MEASURED
    state[is_lost] = State.UNDETERMINED
    return value, state, _scattered(numbers) | ((found > 0) & (lost > 0))


def _median(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each sorted row's numbers (exact for a single one), NaN where there is none."""
    n, rows = np.isfinite(ordered).sum(axis=1), np.arange(len(ordered))
    low, high = ordered[rows, np.maximum(n - 1, 0) // 2], ordered[rows, np.minimum(n // 2, ordered.shape[1] - 1)]
    median: NDArray[np.float64] = np.where(low == high, low, (low + high) / 2)
    return median


def _scattered(ordered: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say in which sorted rows the numbers differ too much; sums run over sorted wells: neither order nor padding matters."""
    n = np.isfinite(ordered).sum(axis=1)
    total, squares = np.zeros(len(ordered)), np.zeros(len(ordered))
    for column in ordered.T:
        total += np.nan_to_num(column)
    mean = total / np.maximum(n, 1)
    for column in ordered.T:
        squares += np.nan_to_num(column - mean) ** 2
    sd = np.sqrt(squares / np.maximum(n - 1, 1))
    spread = np.nan_to_num(ordered[np.arange(len(ordered)), np.maximum(n - 1, 0)] - ordered[:, 0])
    scattered: NDArray[np.bool_] = (n > 1) & ((sd > MAX_SD + _ROUNDING) | (spread > MAX_RANGE + _ROUNDING))
    return scattered

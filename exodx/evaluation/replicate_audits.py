"""Specimens that are one specimen under two names: found from the data, because a split between them shows a model its answer.

Two measurements of one specimen differ by the assay alone, far less than two people do. How close two people come by chance is read
off the cohort itself: squared distances of pairs are taken as scaled χ², whose scale and degrees of freedom come from two of their
own lower quantiles, so correlated or clustered analytes count as the few independent ones they are worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2

from exodx.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.cohort.plates import levels
from exodx.evaluation.audits import Finding
from exodx.frozen import Features
from exodx.frozen.measurements import is_measured

Floats = NDArray[np.float64]

MIN_SHARED, SHARED = 6, 0.5
"""Two specimens are compared on at least this many features, and on this share of all of them."""

MIN_IDENTICAL = 4
BY_CHANCE = 0.02
"""Pairs are named when fewer than this many as close are expected by chance in the whole cohort, of features and of values."""

LOW, HIGH = 0.03, 0.30
"""Quantiles of the pairs' distances that the χ² is fitted to: above the replicates of a cohort, below its outliers."""

FEWEST, BLOCK = 12, 256
DEGREES = (0.5, 20_000.0)
NEARER = 0.25
"""And no pair counts as replicates whose squared distance is above this part of that of the closest pairs."""

LEAKS = 0.05
"""The headline must not be claimed when this share of the specimens has its replicate on the other side of a split."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two specimens of different subjects that look like one measured twice.

    Parameters
    ----------
    first, second : str
        Specimen ids: for the terminal, never for a page or a run.
    identical : bool
        All measured values are the same; else they are as close as replicates.
    straddles : bool
        Some split has them on different sides.
    """

    first: str
    second: str
    identical: bool
    straddles: bool


def technical_replicates(cohort: Cohort, features: Features, folds: NDArray[np.intp]) -> tuple[Pair, ...]:
    """Return the pairs of specimens of different subjects that look like one specimen measured twice.

    Parameters
    ----------
    cohort : Cohort, n specimens
    features : Features
        Of the same specimens, after the transform. What was measured is looked at before it too: replicates share their yield.
    folds : ndarray of int, shape (n,) or (R, n)
        −1 takes no part in a split.

    Returns
    -------
    tuple of Pair
        Without pairs whose stated sexes differ. With 8 analytes and an assay noise of 0.2 Ct only some replicates are closer than
        chance brings people; from 12 analytes on nearly all are.
    """
    same = _identical(cohort)
    close = _close(features.values, cohort.subjects) | _close(levels(cohort), cohort.subjects)
    sex = cohort.specimens["sex"].astype(str).tolist() if "sex" in cohort.specimens else [UNKNOWN] * len(cohort)
    ids, subjects, dealt = cohort.ids, cohort.subjects, np.atleast_2d(folds)
    pairs = sorted((i, j) for i, j in same | close if subjects[i] != subjects[j] and not _of_other_sex(sex[i], sex[j]))
    return tuple(Pair(ids[i], ids[j], (i, j) in same, bool((dealt[:, i] != dealt[:, j]).any())) for i, j in pairs)


def audit_replicates(cohort: Cohort, pairs: Sequence[Pair]) -> list[Finding]:
    """Return the finding of such pairs: counts alone, because findings are logged.

    Parameters
    ----------
    cohort : Cohort
    pairs : sequence of Pair
    """
    if not pairs:
        return []
    across = [pair for pair in pairs if pair.straddles]
    concerned = {name for pair in across for name in (pair.first, pair.second)}
    identical = sum(pair.identical for pair in pairs)
    kind = f", {identical} of them equal in every value" if identical else ""
    message = (
        f"{len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} of specimens of different subjects are as alike as one specimen "
        f"measured twice{kind}; {len(across)} {'stands' if len(across) == 1 else 'stand'} on both sides of a split, where a model "
        "has seen the answer. 'exodx check' names them: give each pair one subject id, or keep one of the two."
    )
    leaks = len(concerned) > LEAKS * len(cohort)
    return [Finding("near_duplicates", "blocking" if leaks else "warning", message)]


def replicate_lines(pairs: Sequence[Pair], most: int = 20) -> list[str]:
    """Return the pairs in words for a terminal, those across a split first."""
    ordered = sorted(pairs, key=lambda pair: (not pair.straddles, not pair.identical, pair.first, pair.second))
    lines = [
        f"{pair.first} and {pair.second}: {'equal in every value' if pair.identical else 'as alike as replicates'}"
        f"{', on both sides of a split' if pair.straddles else ''}"
        for pair in ordered[:most]
    ]
    return lines + ([f"… and {len(ordered) - most} pairs more"] if len(ordered) > most else [])


def _of_other_sex(one: str, other: str) -> bool:
    return UNKNOWN not in (one, other) and one != other


def _identical(cohort: Cohort) -> set[tuple[int, int]]:
    """Return pairs that agree in every measured value, where chance would hardly make one such pair of values so coarse."""
    m = cohort.measurements
    values = np.where(is_measured(m.states), m.values, np.nan)
    known = np.isfinite(values)
    agree = np.array([_agreement(column[np.isfinite(column)]) for column in values.T])
    n_pairs = len(values) * (len(values) - 1) / 2
    groups: dict[bytes, list[int]] = {}
    for row in np.flatnonzero(known.sum(axis=1) >= MIN_IDENTICAL):
        groups.setdefault((values[row] + 0.0).tobytes() + m.states[row].tobytes(), []).append(int(row))
    pairs = [(i, j) for rows in groups.values() for k, i in enumerate(rows) for j in rows[k + 1 :]]
    return {(i, j) for i, j in pairs if n_pairs * float(np.prod(agree[known[i]])) < BY_CHANCE}


def _agreement(column: Floats) -> float:
    """Return how often two specimens hold the same value of an analyte, one repetition of each value not counted."""
    if not len(column):
        return 1.0
    counts = np.maximum(np.unique(column, return_counts=True)[1] - 1, 0)
    repeated = float(((counts + 1) / len(column)) @ (counts / max(len(column) - 1, 1)))
    return max(repeated, 1 / len(column) ** 2)


def _close(values: Floats, subjects: NDArray[np.intp]) -> set[tuple[int, int]]:
    """Return pairs that are closer than chance brings any two specimens of the cohort."""
    scaled = _scaled(values)
    n, p = scaled.shape
    if n < FEWEST or p < MIN_SHARED:
        return set()
    rows, others, squares = (np.concatenate(parts) for parts in zip(*_distances(scaled), strict=True))
    different = subjects[rows] != subjects[others]
    rows, others, squares = rows[different], others[different], squares[different]
    if len(squares) < FEWEST:
        return set()
    limit = _limit(squares)
    near = squares < limit
    return {(int(i), int(j)) for i, j in zip(rows[near], others[near], strict=True)}


def _scaled(values: Floats) -> Floats:
    """Return features that vary, centred at the median and in units of their spread; cut at 5, so that no outlier decides."""
    known = np.isfinite(values)
    values = values[:, known.sum(axis=0) >= max(FEWEST, SHARED * len(values))]
    if not values.shape[1]:
        return values
    low, middle, high = np.nanquantile(values, (0.25, 0.5, 0.75), axis=0)
    varies = high > low
    scaled: Floats = np.clip((values - middle)[:, varies] * (1.349 / (high - low)[varies]), -5, 5)
    return scaled


def _distances(scaled: Floats) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], Floats]]:
    """Give, block by block, pairs and the mean square of what they differ by over the features both have."""
    known = np.isfinite(scaled).astype(np.float64)
    x = np.where(known > 0, scaled, 0.0)
    n, p = x.shape
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        a, has = x[start:stop], known[start:stop]
        shared = has @ known.T
        squares = (a**2) @ known.T + has @ (x**2).T - 2 * a @ x.T
        later = np.arange(n)[None, :] > np.arange(start, stop)[:, None]
        i, j = np.nonzero(later & (shared >= max(MIN_SHARED, SHARED * p)))
        yield i + start, j, np.maximum(squares[i, j], 0.0) / shared[i, j]


def _limit(squares: Floats) -> float:
    """Return the squared distance below which :data:`BY_CHANCE` pairs are expected."""
    low, high = np.quantile(squares, (LOW, HIGH))
    if low <= 0:
        return 0.0
    ratio = float(high / low)

    def misfit(degrees: float) -> float:
        return float(chi2.ppf(HIGH, degrees) / chi2.ppf(LOW, degrees)) - ratio

    if misfit(DEGREES[0]) < 0:
        return 0.0
    degrees = DEGREES[1] if misfit(DEGREES[1]) > 0 else float(brentq(misfit, *DEGREES))
    return float(low * min(NEARER, chi2.ppf(BY_CHANCE / len(squares), degrees) / chi2.ppf(LOW, degrees)))

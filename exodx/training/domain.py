"""What a model keeps of where its training specimens lay together, so that one unlike them is told: location, scatter, gaps.

The scatter is that of everyone, both classes: each feature becomes normal scores by its own quantiles (so a skewed or heavy tail
does not fill the distance), bounded at six (after Raymaekers and Rousseeuw 2021, 10.1080/00401706.2019.1677270); their
covariance is shrunk after Ledoit and Wolf 2004 (10.1016/S0047-259X(03)00096-4). A determinant's minimum over half of the specimens
(MCD) is not used: it would call the smaller class outlying. Up to 64 features keep the whole matrix; more keep their leading
components, a fifth as many as subjects and at most 20, and the mean of the rest as noise.

The distance's limit is no chi-squared quantile alone, which few specimens and features that are not normal would exceed too
often: it is also what 99 % of specimens stay below that were held out from location and scatter (one a subject, ten folds); with
fewer than 99 subjects what all stay below, which a new specimen of the same kind exceeds once in n + 1. The limits of values
beyond the range and of gaps are learned so too. In nested validation on six real cohorts (79 to 333 specimens, 6 to 1,535 features)
0.7 to 1.5 % of held-out specimens were flagged.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

from exodx.cohort import Cohort
from exodx.frozen import FrozenTransform
from exodx.frozen.domain import BOUND, Scatter, Scores, gaps, normal_scores, surprise
from exodx.frozen.measurements import BLOCKING

Floats = NDArray[np.float64]

RATE = 0.01
"""Share of specimens like those of training that may be flagged."""
CHI_SQUARED = 2.3263478740408408
"""Normal score of the upper 1 %."""
FEWEST = 10
"""Subjects with which anything can be said."""
FOLDS = 10
WHOLE, MOST, SHARE = 64, 20, 5
LEAST_NOISE = 0.01
DIGITS = 9
RESOLUTION = 1e-9
EQUAL, STEEPEST = 1e-3, 3.0
"""In standard deviations: quantiles nearer than the first are equal; the second bounds the normal scores per standard deviation."""
LEVELS = (0.05, 0.5, 0.95)
LINES = len(LEVELS) + 1
NORMAL = (-1.6448536269514722, 0.0, 1.6448536269514722)


@dataclass(frozen=True, slots=True)
class _Gaps:
    """What gaps in training tell: how unlikely one is in each analyte."""

    weights: Floats

    @classmethod
    def learn(cls, missing: NDArray[np.bool_]) -> _Gaps:
        return cls(-np.log((missing.sum(axis=0) + 0.5) / (len(missing) + 1)))


def learn_domain(cohort: Cohort, transform: FrozenTransform) -> dict[str, Any]:
    """Return the entry ``domain`` of a model's reference, or nothing where there is too little to learn from.

    Parameters
    ----------
    cohort : Cohort
        The first specimen of each subject that can be scored counts.
    transform : FrozenTransform
    """
    features = transform.apply(cohort.measurements)
    usable = np.flatnonzero((features.flags & BLOCKING) == 0)
    rows = usable[np.unique(cohort.subjects[usable], return_index=True)[1]]
    values = features.values[rows]
    columns = [j for j, column in enumerate(values.T) if _spread(column[~np.isnan(column)]) > 0]
    if len(rows) < FEWEST or not columns:
        return {}
    values, names = values[:, columns], [features.names[j] for j in columns]
    analytes = sorted({analyte for feature in transform.names for analyte in transform.analytes_of(feature)})
    missing = gaps(cohort.measurements[rows], analytes)
    scatter = learn_scatter(values)
    scores, beyond, unlikely = _held_out(values, missing)
    return {
        "domain": {
            "features": names,
            "start": scatter.scores.start.tolist(),
            "score": np.round(scatter.scores.score, DIGITS).tolist(),
            "slope": scatter.scores.slope.tolist(),
            "shift": np.round(scatter.shift, DIGITS).tolist(),
            "factors": np.round(scatter.factors, DIGITS).tolist(),
            "noise": scatter.noise,
            "limit": max(CHI_SQUARED, _limit(scores)),
            "beyond_limit": _limit(beyond),
            "analytes": analytes,
            "gap_weights": _Gaps.learn(missing).weights.tolist(),
            "gap_limit": _limit(unlikely),
            "rate": max(RATE, 1 / (len(rows) + 1)),
            "n": len(rows),
        }
    }


def learn_scatter(values: Floats) -> Scatter:
    """Return robust location and shrunk scatter.

    Parameters
    ----------
    values : ndarray, shape (n, p)
        NaN where a feature has no value.
    """
    lines = np.array([_lines(column[~np.isnan(column)]) for column in values.T])
    scores = Scores(lines[:, 0], lines[:, 1], lines[:, 2])
    z = np.clip(scores.of(np.ascontiguousarray(values.T)), -BOUND, BOUND).T
    counts = np.maximum((~np.isnan(z)).sum(axis=0), 1)
    shift = np.nansum(z, axis=0) / counts
    z = np.nan_to_num(z - shift) * np.sqrt(len(z) / counts)  # a gap says nothing; what is there stands for it
    n, p = z.shape
    shrinkage = float(ledoit_wolf_shrinkage(z, assume_centered=True))
    _, singular, directions = np.linalg.svd(z / np.sqrt(n), full_matrices=False)
    variances = (1 - shrinkage) * singular**2
    q = len(variances) if p <= WHOLE else min(MOST, max(n // SHARE, 1), len(variances))
    noise = shrinkage * float((z**2).mean()) + (float(variances[q:].sum()) / (p - q) if p > q else 0.0)
    return Scatter(scores, shift, directions[:q].T * np.sqrt(variances[:q]), max(noise, LEAST_NOISE))


def _lines(column: Floats) -> Floats:
    """Return starts, scores and slopes of the lines through a feature's quantiles, and beyond them, shape (3, 4).

    Quantiles that are as good as equal share a score. Beyond the outermost the line goes on, not steeper than ``STEEPEST``: that
    few values were met there does not make the next one impossible.
    """
    spread = _spread(column)
    if spread == 0.0:
        return np.array([[float(column[0]) if column.size else 0.0], [0.0], [1.0]])[:, [0] * LINES]
    quantiles = np.quantile(column, LEVELS)
    first, which = np.unique(np.round(quantiles / (EQUAL * spread)), return_index=True, return_inverse=True)[1:]
    knots, scores = quantiles[first], np.bincount(which, NORMAL) / np.bincount(which)
    between = np.diff(scores) / np.diff(knots)
    ends = np.minimum(between[[0, -1]], STEEPEST / spread) if between.size else np.full(2, 1 / spread)
    lines = np.array([[knots[0], *knots], [scores[0], *scores], [ends[0], *between, ends[1]]])
    return lines[:, np.minimum(np.arange(LINES), lines.shape[1] - 1)]


def _spread(column: Floats) -> float:
    """Return the standard deviation; 0 where it is rounding, or nothing is known."""
    spread = float(column.std()) if column.size else 0.0
    return spread if spread > RESOLUTION * float(np.abs(column).max(initial=0.0)) else 0.0


def _held_out(values: Floats, missing: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return each specimen's distance as a normal score, its values beyond the range and its gaps' surprise, by the other folds."""
    n = len(values)
    folds = np.random.default_rng(0).permutation(n) % min(FOLDS, n)
    scores, beyond, unlikely = np.zeros((3, n))
    for fold in range(int(folds.max()) + 1):
        held = folds == fold
        placed = learn_scatter(values[~held]).place(values[held])
        scores[held], beyond[held] = normal_scores(placed.squared, placed.known), placed.beyond
        unlikely[held] = surprise(missing[held], _Gaps.learn(missing[~held]).weights)
    return scores, beyond, unlikely


def _limit(scores: Floats) -> float:
    """Return the conformal limit: the ⌈(n + 1)(1 − rate)⌉-th smallest, or the largest where there are too few."""
    rank = min(ceil((scores.size + 1) * (1 - RATE)), scores.size)
    return float(np.sort(scores)[rank - 1])

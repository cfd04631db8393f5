"""Extra-trees grown by XGBoost: fully grown trees on features that are cut at random points, boosted in small steps.

With few analytes and strong interactions, trees that choose among random thresholds (Geurts, Ernst and Wehenkel 2006,
10.1007/s10994-006-6226-1) separate better than trees that search for the best one. XGBoost has no such trees; but a sub-forest that
sees each feature through random cut points of its own chooses among those alone, and they become ordinary thresholds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xgboost
from numpy.typing import NDArray

from exodx.training.boosting import OBJECTIVE, Floats, Labels, Roots, Signs, Trees, monotone

FEWEST_CUTS, MOST_CUTS = 8, 25
STEP = 0.3
"""Of what is left over, a sub-forest takes this share; so many steps that little is left."""
COLUMNS = Roots(8)
"""A sub-forest draws so many columns, and each of its nodes the square root of all: histograms of the others need not be made."""
BINS = 64
"""More than there are cut points, so that each stays apart."""
DEPTH = 14
BELOW_ALL = np.float32(-3e38)
"""Stands for what lies below the first cut point; never a threshold itself."""


@dataclass(frozen=True, slots=True)
class ExtraTrees:
    """A sum of sub-forests, each on columns and cut points of its own, fitted to what those before it left over.

    Parameters
    ----------
    name : str
    stages : tuple of int
        One number: how many sub-forests.
    trees : int
        Of each.
    """

    name: str
    stages: tuple[int, ...]
    trees: int

    def grow(self, features: Floats, y: Labels, seed: int, signs: Signs = ()) -> tuple[Trees, ...]:
        """Fit the sub-forests; no subsampling, almost no penalty: what makes the trees differ is where they may cut."""
        rng = np.random.default_rng(seed)
        (count,) = self.stages
        width = features.shape[1]
        drawn = math.ceil(COLUMNS.share(width) * width)
        score = float(y.mean())
        margin = np.full(len(y), np.log(score / (1 - score)), np.float32)
        boosters: list[xgboost.Booster] = []
        known: list[tuple[int, ...]] = []
        for _ in range(count):
            columns = tuple(np.sort(rng.choice(width, drawn, replace=False)).tolist())
            x = features[:, columns].astype(np.float32)
            matrix = xgboost.DMatrix(coarse(x, _cuts(_ends(x), rng)), y, base_margin=margin, missing=np.nan, nthread=1)
            own = tuple(signs[column] for column in columns) if signs else ()
            params = {
                **OBJECTIVE,
                **monotone(own),
                "max_bin": BINS,
                "max_depth": DEPTH,
                "eta": STEP,
                "reg_lambda": 0.01,
                "min_child_weight": 0.001,
                "num_parallel_tree": self.trees,
                "colsample_bynode": width**0.5 / drawn,
                "base_score": 0.5 if boosters else score,
                "seed": int(rng.integers(2**31)),
            }
            boosters.append(xgboost.train(params, matrix, 1))
            known.append(columns)
            margin = boosters[-1].predict(matrix, output_margin=True)
        return (Trees(tuple(boosters), tuple(known), 1, width),)


def _ends(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the least and the largest value of each column; 0 for a column without values."""
    low, high = (np.full(x.shape[1], bound, np.float32) for bound in (np.inf, -np.inf))
    known = ~np.isnan(x)
    low, high = np.min(x, 0, where=known, initial=np.inf), np.max(x, 0, where=known, initial=-np.inf)
    empty = ~known.any(axis=0)
    return np.where(empty, np.float32(0), low), np.where(empty, np.float32(0), high)


def _cuts(ends: tuple[NDArray[np.float32], NDArray[np.float32]], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw cut points, shape (cuts, k), evenly between the ends of each column, in ascending order."""
    low, high = (end.astype(np.float64) for end in ends)
    share = rng.random((int(rng.integers(FEWEST_CUTS, MOST_CUTS + 1)), len(low)))
    cuts: NDArray[np.float32] = np.sort(low * (1 - share) + high * share, axis=0).astype(np.float32)
    return cuts


def coarse(x: NDArray[np.float32], cuts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace each value by the cut point at or below it, so that XGBoost's thresholds are cut points.

    "Below the cut point c" is then true of a replaced value exactly when it is true of the value itself. Missing stays missing.

    >>> cuts = np.array([[1.0], [2.0]], np.float32)
    >>> coarse(np.array([[0.5], [1.0], [1.9], [7.0]], np.float32), cuts)[1:].ravel().tolist()
    [1.0, 1.0, 2.0]
    """
    passed = np.zeros(x.shape, np.intp)
    for cut in cuts:
        passed += x >= cut
    steps = np.concatenate([np.full((1, x.shape[1]), BELOW_ALL, np.float32), cuts])
    return np.where(np.isnan(x), np.float32(np.nan), np.take_along_axis(steps, passed, axis=0))

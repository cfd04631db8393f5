"""The candidates of the search: shrunk boosted trees of depth 1 to 4 and a boosted random forest, each with its stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from exodx.frozen import Forest
from exodx.training.verification import verify_forest

Floats = NDArray[np.float64]

MAX_BIN = 32
"""Cut points per feature: of 60 to 500 specimens a bin holds a few, and wide panels fit several times faster than with 256."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One setting of XGBoost and the numbers of rounds at which it is looked at."""

    name: str
    rounds: tuple[int, ...]
    params: dict[str, Any] = field(default_factory=dict)


def candidates(budget: str, n_features: int) -> tuple[Candidate, ...]:
    """Return the candidates of a search budget (``small`` or ``minimal``).

    Fixed numbers of rounds instead of early stopping: no specimens are spent on a stopping set.
    """
    stumps = Candidate("stumps", (50, 100, 200, 300), {"max_depth": 1, "eta": 0.05})
    pairs = Candidate("depth 2", (50, 100, 200), {"max_depth": 2, "eta": 0.05})
    if budget == "minimal":
        return stumps, pairs
    sampled = {"eta": 0.05, "subsample": 0.8, "colsample_bynode": 0.5}
    forest = {"max_depth": 6, "eta": 0.15, "subsample": 0.63, "colsample_bynode": n_features**-0.5, "num_parallel_tree": 30}
    return (
        stumps,
        pairs,
        Candidate("depth 3", (50, 100, 150), {"max_depth": 3, **sampled}),
        Candidate("depth 4", (50, 100), {"max_depth": 4, **sampled}),
        Candidate("boosted random forest", (5, 10, 20), forest),
    )


def fit_booster(features: Floats, y: NDArray[np.int8], candidate: Candidate, rounds: int, seed: int) -> xgboost.Booster:
    """Fit one booster on one thread (two inside a small fit cost more than they give); same inputs, same trees."""
    params = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_bin": MAX_BIN,
        "nthread": 1,
        "seed": seed,
        "verbosity": 0,
        **candidate.params,
    }
    matrix = xgboost.QuantileDMatrix(features, y, missing=np.nan, nthread=1, max_bin=MAX_BIN)
    return xgboost.train(params, matrix, rounds)


def staged_margins(booster: xgboost.Booster, features: Floats, stages: tuple[int, ...]) -> Floats:
    """Return margins of one booster cut at each number of rounds, shape (stages, n)."""
    matrix = xgboost.DMatrix(features, missing=np.nan, nthread=1)
    return np.array([booster.predict(matrix, output_margin=True, iteration_range=(0, r)) for r in stages], np.float64)


def freeze_booster(booster: xgboost.Booster, n_features: int) -> Forest:
    """Return the booster as a frozen forest, whose tables were found to give what the booster gives."""
    forest = Forest(bytes(booster.save_raw(raw_format="ubj")), n_features)
    verify_forest(forest, booster)
    return forest

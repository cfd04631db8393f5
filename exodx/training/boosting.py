"""Boosted trees: one fit of XGBoost read at several numbers of rounds, and several boosters put together as one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]
Signs = tuple[int, ...]

MAX_BIN = 32
"""Cut points per feature: of 60 to 500 specimens a bin holds a few, and wide panels fit several times faster than with 256."""

FEW = 50
"""Of fewer specimens leaves may weigh less than XGBoost's 1: half of a cohort of ten could not be split at all, the whole could."""

OBJECTIVE = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "verbosity": 0}
"""One thread: two inside a small fit cost more than they give. Same inputs, same trees."""


@dataclass(frozen=True, slots=True)
class Roots:
    """A share of k columns: so many times the square root of their number."""

    times: float

    def share(self, k: int) -> float:
        """Return the share, at most 1.

        >>> Roots(2).share(100)
        0.2
        """
        return min(1.0, self.times / math.sqrt(k))


@dataclass(frozen=True, slots=True)
class Trees:
    """A member made of trees: the sum of its boosters' margins.

    Parameters
    ----------
    boosters : tuple of Booster
    columns : tuple of tuple of int
        Of each booster: which columns of the table its own are.
    rounds : int
        Of each booster, so many are used.
    width : int
        How many columns the table has.
    """

    boosters: tuple[xgboost.Booster, ...]
    columns: tuple[tuple[int, ...], ...]
    rounds: int
    width: int

    def margin(self, features: Floats) -> Floats:
        """Return log-odds, shape (n,), of features of shape (n, width)."""
        total = np.zeros(len(features))
        for booster, _, matrix in self._asked(features):
            total += _predict(booster, matrix, self.rounds)
        return total

    def contributions(self, features: Floats) -> Floats:
        """Return XGBoost's own SHAP values and, in the last column, the base value; shape (n, width + 1)."""
        total = np.zeros((len(features), self.width + 1))
        for booster, columns, matrix in self._asked(features):
            found = booster.predict(matrix, pred_contribs=True, iteration_range=(0, self.rounds))
            total[:, [*columns, self.width]] += found
        return total

    def used(self) -> frozenset[int]:
        """Return the columns that a split looks at."""
        pairs = zip(self.boosters, self.columns, strict=True)
        return frozenset(columns[int(name[1:])] for booster, columns in pairs for name in booster[: self.rounds].get_score())

    def widen(self, columns: tuple[int, ...], width: int) -> Trees:
        """Return the same member for a table of so many columns, of which it knows these alone."""
        return replace(self, columns=tuple(tuple(columns[own] for own in known) for known in self.columns), width=width)

    def _asked(self, features: Floats) -> Iterator[tuple[xgboost.Booster, tuple[int, ...], xgboost.DMatrix]]:
        matrices: dict[tuple[int, ...], xgboost.DMatrix] = {}
        for booster, columns in zip(self.boosters, self.columns, strict=True):
            if columns not in matrices:
                matrices = {columns: unlabelled(features[:, columns])}
            yield booster, columns, matrices[columns]


@dataclass(frozen=True, slots=True)
class Boosting:
    """One setting of XGBoost and the numbers of rounds at which it is looked at; no specimens are spent on early stopping."""

    name: str
    stages: tuple[int, ...]
    params: dict[str, Any] = field(default_factory=dict)

    def grow(self, features: Floats, y: Labels, seed: int, signs: Signs = ()) -> tuple[Trees, ...]:
        """Fit once, and return a member for every stage; log-odds only rise (or fall) with a feature whose sign is 1 (or −1)."""
        booster = fit_booster(features, y, self.params | monotone(signs), max(self.stages), seed)
        width = features.shape[1]
        return tuple(Trees((booster,), (tuple(range(width)),), rounds, width) for rounds in self.stages)


def monotone(signs: Signs) -> dict[str, Any]:
    """Return XGBoost's parameter for signs of features; none where no sign is given."""
    return {"monotone_constraints": signs} if any(signs) else {}


def fit_booster(features: Floats, y: Labels, params: dict[str, Any], rounds: int, seed: int) -> xgboost.Booster:
    """Fit one booster; a parameter given as `Roots` is a share of the columns there are.

    With few specimens the least weight of a leaf falls with them, so that parts of a cohort are learned from as the whole is. The
    histograms are made of a plain matrix: made of a quantile matrix they are the same, bit for bit, and take far longer.
    """
    matrix = xgboost.DMatrix(features, y, missing=np.nan, nthread=1)
    shares = {key: value.share(features.shape[1]) for key, value in params.items() if isinstance(value, Roots)}
    sized = {"max_bin": MAX_BIN, "min_child_weight": min(1.0, len(y) / FEW)}
    return xgboost.train({**OBJECTIVE, **sized, "seed": seed, **params, **shares}, matrix, rounds)


def unlabelled(features: NDArray[np.floating]) -> xgboost.DMatrix:
    """Return features as XGBoost takes them for prediction."""
    return xgboost.DMatrix(features, missing=np.nan, nthread=1)


def _predict(booster: xgboost.Booster, matrix: xgboost.DMatrix, rounds: int) -> Floats:
    return np.asarray(booster.predict(matrix, output_margin=True, iteration_range=(0, rounds)), np.float64)


def merge(members: Sequence[tuple[Trees, float]]) -> xgboost.Booster:
    """Put weighted members together as one booster: every leaf is multiplied by its member's weight.

    Parameters
    ----------
    members : sequence of (Trees, float)
        Those without weight are left out; where none has any there is one tree, which adds nothing.
    """
    first = members[0][0]
    whole = _parsed(first.boosters[0])
    learner = whole["learner"]
    trees: list[dict[str, Any]] = []
    offset = 0.0
    for member, weight in members:
        for booster, columns in zip(member.boosters, member.columns, strict=True) if weight > 0 else ():
            state = _parsed(booster)["learner"]
            grown = state["gradient_booster"]["model"]
            kept = grown["trees"][: grown["iteration_indptr"][member.rounds]]
            trees += [_scaled(_widened(tree, columns, member.width), weight) for tree in kept]
            offset += weight * _offset(state)
    stump = learner["gradient_booster"]["model"]["trees"][0]
    trees = trees or [_scaled(_widened(stump, first.columns[0], first.width), 0.0)]
    learner["learner_model_param"]["num_feature"] = str(first.width)
    model = learner["gradient_booster"]["model"]
    model["trees"] = [{**tree, "id": number} for number, tree in enumerate(trees)]
    model["tree_info"] = [0] * len(trees)
    model["iteration_indptr"] = list(range(len(trees) + 1))
    model["gbtree_model_param"] |= {"num_trees": str(len(trees)), "num_parallel_tree": "1"}
    learner["objective"] = {"name": "binary:logitraw", "reg_loss_param": {"scale_pos_weight": "1"}}
    score = f"{np.float32(offset):.9g}"
    bracketed = learner["learner_model_param"]["base_score"].startswith("[")
    learner["learner_model_param"]["base_score"] = f"[{score}]" if bracketed else score
    merged = xgboost.Booster({"nthread": 1})
    merged.load_model(bytearray(json.dumps(whole).encode()))
    return merged


def _parsed(booster: xgboost.Booster) -> dict[str, Any]:
    return dict(json.loads(bytes(booster.save_raw(raw_format="json"))))


def _scaled(tree: dict[str, Any], weight: float) -> dict[str, Any]:
    """Multiply the values of a tree's leaves; XGBoost keeps them where inner nodes have their thresholds."""
    leaf = np.array(tree["left_children"]) < 0
    conditions = np.array(tree["split_conditions"], np.float32)
    conditions[leaf] *= np.float32(weight)
    weights = np.array(tree["base_weights"], np.float32) * np.float32(weight)
    return {**tree, "split_conditions": conditions.tolist(), "base_weights": weights.tolist()}


def _widened(tree: dict[str, Any], columns: tuple[int, ...], width: int) -> dict[str, Any]:
    """Give the features that a tree splits on their places in the wider table."""
    if columns == tuple(range(width)):
        return tree
    places = [columns[own] for own in tree["split_indices"]]
    return {**tree, "split_indices": places, "tree_param": {**tree["tree_param"], "num_feature": str(width)}}


def _offset(learner: dict[str, Any]) -> float:
    """Return the log-odds that a logistic booster starts from."""
    score = float(learner["learner_model_param"]["base_score"].strip("[]"))
    return float(np.log(score / (1 - score)))

"""Boosted trees: one fit of XGBoost read at several numbers of rounds, and several boosters put together as one."""

from __future__ import annotations

import json
from collections.abc import Sequence
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

OBJECTIVE = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "verbosity": 0}
"""One thread: two inside a small fit cost more than they give. Same inputs, same trees."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some columns of a wider table."""

    columns: tuple[int, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Trees:
    """A member made of trees: the mean of its boosters' margins.

    Parameters
    ----------
    boosters : tuple of Booster
    rounds : int
        Of each booster, so many are used.
    part : Part, optional
        The columns that the boosters know, of more.
    """

    boosters: tuple[xgboost.Booster, ...]
    rounds: int
    part: Part | None = None

    def margin(self, features: Floats) -> Floats:
        """Return log-odds, shape (n,), of features of shape (n, k)."""
        matrix = self._matrix(features)
        return self._mean([_predict(booster, matrix, self.rounds) for booster in self.boosters])

    def contributions(self, features: Floats) -> Floats:
        """Return XGBoost's own SHAP values and, in the last column, the base value; shape (n, k + 1)."""
        matrix = self._matrix(features)
        kept = {"pred_contribs": True, "iteration_range": (0, self.rounds)}
        found = self._mean([np.asarray(booster.predict(matrix, **kept), np.float64) for booster in self.boosters])
        if self.part is None:
            return found
        whole = np.zeros((len(features), self.part.width + 1))
        whole[:, [*self.part.columns, self.part.width]] = found
        return whole

    def used(self) -> frozenset[int]:
        """Return the columns that a split looks at."""
        names = (name for booster in self.boosters for name in booster.get_score(importance_type="weight"))
        used = {int(name[1:]) for name in names}
        return frozenset(used if self.part is None else (self.part.columns[column] for column in used))

    def widen(self, columns: tuple[int, ...], width: int) -> Trees:
        """Return the same member for a table of so many columns, of which it knows these alone."""
        return replace(self, part=Part(columns, width))

    def _matrix(self, features: Floats) -> xgboost.DMatrix:
        known = features if self.part is None else features[:, self.part.columns]
        return xgboost.DMatrix(known, missing=np.nan, nthread=1)

    def _mean(self, values: Sequence[Floats]) -> Floats:
        total = values[0].copy()
        for value in values[1:]:
            total += value
        return total / len(values)


@dataclass(frozen=True, slots=True)
class Boosting:
    """One setting of XGBoost and the numbers of rounds at which it is looked at; no specimens are spent on early stopping."""

    name: str
    stages: tuple[int, ...]
    params: dict[str, Any] = field(default_factory=dict)

    def grow(self, features: Floats, y: Labels, seed: int, signs: Signs = ()) -> tuple[Trees, ...]:
        """Fit once, and return a member for every stage; log-odds only rise (or fall) with a feature whose sign is 1 (or −1)."""
        booster = fit_booster(features, y, self.params | monotone(signs), max(self.stages), seed)
        return tuple(Trees((booster,), rounds) for rounds in self.stages)


def monotone(signs: Signs) -> dict[str, Any]:
    """Return XGBoost's parameter for signs of features; none where no sign is given."""
    return {"monotone_constraints": signs} if any(signs) else {}


def fit_booster(features: Floats, y: Labels, params: dict[str, Any], rounds: int, seed: int) -> xgboost.Booster:
    """Fit one booster; ``colsample_bynode`` given as ``"sqrt"`` looks at √k of k features at each split."""
    matrix = xgboost.QuantileDMatrix(features, y, missing=np.nan, nthread=1, max_bin=MAX_BIN)
    chosen = {**OBJECTIVE, "max_bin": MAX_BIN, "seed": seed, **params}
    if chosen.get("colsample_bynode") == "sqrt":
        chosen["colsample_bynode"] = features.shape[1] ** -0.5
    return xgboost.train(chosen, matrix, rounds)


def _predict(booster: xgboost.Booster, matrix: xgboost.DMatrix, rounds: int) -> Floats:
    return np.asarray(booster.predict(matrix, output_margin=True, iteration_range=(0, rounds)), np.float64)


def merge(members: Sequence[tuple[Trees, float]]) -> xgboost.Booster:
    """Put weighted members together as one booster: every leaf is multiplied by its member's weight.

    Parameters
    ----------
    members : sequence of (Trees, float)
        Those without weight are left out; where none has any there is one tree, which adds nothing.
    """
    whole = _parsed(members[0][0].boosters[0])
    learner = whole["learner"]
    trees: list[dict[str, Any]] = []
    offset = 0.0
    for member, weight in members:
        for booster in member.boosters if weight > 0 else ():
            state = _parsed(booster)["learner"]
            grown = state["gradient_booster"]["model"]
            scale = weight / len(member.boosters)
            kept = grown["trees"][: grown["iteration_indptr"][member.rounds]]
            trees += [_scaled(_widened(tree, member.part), scale) for tree in kept]
            offset += scale * _offset(state)
    part = members[0][0].part
    trees = trees or [_scaled(_widened(learner["gradient_booster"]["model"]["trees"][0], part), 0.0)]
    if part is not None:
        learner["learner_model_param"]["num_feature"] = str(part.width)
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


def _widened(tree: dict[str, Any], part: Part | None) -> dict[str, Any]:
    """Give the features that a tree splits on their places in the wider table."""
    if part is None:
        return tree
    places = [part.columns[column] for column in tree["split_indices"]]
    return {**tree, "split_indices": places, "tree_param": {**tree["tree_param"], "num_feature": str(part.width)}}


def _offset(learner: dict[str, Any]) -> float:
    """Return the log-odds that a logistic booster starts from."""
    score = float(learner["learner_model_param"]["base_score"].strip("[]"))
    return float(np.log(score / (1 - score)))

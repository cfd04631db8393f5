"""XGBoost's model as flat arrays of nodes: read strictly, and refused with the reason where it cannot be scored exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.errors import ModelRefused, Problem
from exodx.frozen.ubjson import read_ubjson

LOGISTIC = ("binary:logistic", "reg:logistic")
"""Objectives whose base score is stored as a probability."""
IDENTITY = ("binary:logitraw", "reg:squarederror")
COVER_ROUNDING = 1.01
"""Covers are float32 sums of their own: a child's may exceed its parent's a little."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Nodes of all trees, one after the other.

    Parameters
    ----------
    roots : ndarray of int, shape (trees,)
    left, right : ndarray of int, shape (nodes,)
        Places of the children; -1 in a leaf. A value below the threshold goes left.
    feature : ndarray of int, shape (nodes,)
    threshold : ndarray of float32, shape (nodes,)
        In a leaf, its value.
    default_left : ndarray of bool, shape (nodes,)
        Where a missing value goes.
    cover : ndarray of float64, shape (nodes,)
        Sum of the Hessian over the training rows that came by.
    offset : float
        The margin before the first tree.
    n_features : int
    """

    roots: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    default_left: NDArray[np.bool_]
    cover: NDArray[np.float64]
    offset: float
    n_features: int


def read_trees(ubjson: bytes) -> Trees:
    """Read a single-output tree booster from XGBoost's UBJSON (versions 2 to 3).

    Raises
    ------
    ModelRefused
        When the bytes are damaged (``FOREST_DAMAGED``), or hold what the compiled forest does not know: dart, linear boosters,
        categorical splits, several outputs, other objectives (``FOREST_UNSUPPORTED``).
    """
    model = read_ubjson(ubjson)
    try:
        return _trees(model["learner"])
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        found = f"it is not a model of XGBoost ({type(error).__name__}: {error})"
        raise ModelRefused(Problem("FOREST_DAMAGED", "forest.ubj", found, "Save the model again.")) from None


def _trees(learner: dict[str, Any]) -> Trees:
    booster, shape = learner["gradient_booster"], learner["learner_model_param"]
    _refuse_unknown(learner)
    trees = booster["model"]["trees"]
    sizes = [len(tree["left_children"]) for tree in trees]
    if 0 in sizes:
        raise ValueError("a tree without nodes")
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def nodes(key: str, dtype: Any) -> NDArray[Any]:
        columns = [np.asarray(tree[key]) for tree in trees]
        if [column.shape for column in columns] != [(size,) for size in sizes]:
            raise ValueError(f"{key} has other nodes")
        return np.concatenate([np.zeros(0, dtype), *columns]).astype(dtype)

    shift = np.repeat(starts[:-1], sizes)
    left, right = nodes("left_children", np.int64), nodes("right_children", np.int64)
    found = Trees(
        roots=starts[:-1],
        left=np.where(left < 0, -1, left + shift),
        right=np.where(left < 0, -1, right + shift),
        feature=nodes("split_indices", np.int64),
        threshold=nodes("split_conditions", np.float32),
        default_left=nodes("default_left", np.bool_),
        cover=nodes("sum_hessian", np.float32).astype(np.float64),
        offset=_offset(learner["objective"]["name"], shape["base_score"]),
        n_features=int(shape["num_feature"]),
    )
    _check(found, np.repeat(starts[1:], sizes))
    return found


def _refuse_unknown(learner: dict[str, Any]) -> None:
    booster, shape = learner["gradient_booster"], learner["learner_model_param"]
    name, objective = booster["name"], learner["objective"]["name"]
    reasons = []
    if name == "dart" or "weight_drop" in booster.get("model", {}):  # since 3.4 dart is a gbtree whose trees have weights
        reasons.append("a dart booster (its trees have weights that change when it is asked)")
    elif name != "gbtree":
        reasons.append(f"a {name} booster")
    elif any(np.any(tree["split_type"]) for tree in booster["model"]["trees"]):
        reasons.append("categorical splits")
    if objective not in (*LOGISTIC, *IDENTITY):
        reasons.append(f"objective {objective}")
    if int(shape["num_class"]) > 1 or int(shape.get("num_target", "1")) > 1:
        reasons.append("several outputs")
    if reasons:
        fix = "Train a gbtree booster on numbers with objective binary:logistic."
        raise ModelRefused(Problem("FOREST_UNSUPPORTED", "forest.ubj", f"it has {' and '.join(reasons)}", fix))


def _offset(objective: str, base_score: str) -> float:
    """Return the margin of the base score (since 3.1 written as a vector), in float32 as XGBoost has it."""
    score = np.float32(base_score.strip("[]"))
    if objective in IDENTITY:
        return float(score)
    if not 0 < score < 1:
        raise ValueError(f"base score {base_score}")
    return float(np.float32(-np.log(np.float64(np.float32(1) / score - np.float32(1)))))


def _check(trees: Trees, stops: NDArray[np.int64]) -> None:
    """Refuse nodes that lead nowhere, back or twice, features that are not there, and numbers that are none."""
    inner = np.flatnonzero(trees.left >= 0)
    children = np.concatenate([trees.left[inner], trees.right[inner]])
    ends = np.concatenate([stops[inner], stops[inner]])
    own = np.concatenate([inner, inner])
    starts = trees.roots[np.searchsorted(trees.roots, own, "right") - 1]
    if ((children <= starts) | (children >= ends)).any() or len(np.unique(children)) != len(children):
        raise ValueError("its nodes are no trees")
    if ((trees.feature[inner] < 0) | (trees.feature[inner] >= trees.n_features)).any():
        raise ValueError("a split on a feature that is not there")
    if np.isnan(trees.threshold).any() or not np.isfinite(trees.threshold[trees.left < 0]).all() or not np.isfinite(trees.offset):
        raise ValueError("a threshold or leaf that is no number")
    if not ((trees.cover[children] > 0) & (trees.cover[children] <= trees.cover[own] * COVER_ROUNDING)).all():
        raise ValueError("a split without cover")

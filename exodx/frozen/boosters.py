"""From XGBoost's boosters to a compiled forest: when a model is saved, or one is scored that never was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exodx.errors import ModelRefused, Problem
from exodx.frozen.compiled import CompiledForest, digest
from exodx.frozen.parts import NO_LINEAR, Linear, Parts, Whole
from exodx.frozen.tables import tabulate
from exodx.frozen.trees import read_trees
from exodx.frozen.units import Cut, cut_boosters


def compile_boosters(boosters: Sequence[tuple[bytes, float]], linear: Linear | None = None) -> CompiledForest:
    """Compile the weighted sum of boosters (XGBoost UBJSON, weight) and a linear member.

    Raises
    ------
    ModelRefused
        When a booster is damaged or cannot be compiled, or the members take different numbers of features.
    """
    members = [(read_trees(ubjson), weight) for ubjson, weight in boosters]
    widths = {trees.n_features for trees, _ in members} | ({len(column) for column in linear[:4]} if linear else set())
    if len(widths) != 1:
        found = f"its members take {' and '.join(map(str, sorted(widths)))} features"
        raise ModelRefused(Problem("FOREST_MISMATCH", "forest.ubj", found, "Train all members on the same features."))
    cut = cut_boosters(members)
    line = linear or Linear(*(np.array(field, np.float64) for field in NO_LINEAR))
    offset = sum((weight * trees.offset for trees, weight in members), cut.constant) + float(line.intercept[0])
    constants = np.array([offset, offset + _expected(cut)])
    whole = Whole(constants, digest([ubjson for ubjson, _ in boosters], linear))
    return CompiledForest(Parts(*tabulate(cut), line, whole), widths.pop())


def _expected(cut: Cut) -> float:
    """Return the mean of all trees over their training rows: each leaf's value times its share of the rows."""
    total = 0.0
    for leaf in (leaf for leaves in (*(unit.leaves for unit in cut.units), cut.deep) for leaf in leaves):
        share = leaf.value
        for ratio in leaf.ratios:
            share *= ratio
        total += share
    return total

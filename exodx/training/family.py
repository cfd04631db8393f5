"""The family: which members are tried, with which settings, at which cost.

Each kind of member has one or more settings, some read at several stages; the one with the least log loss out of inner folds stands
for its kind. All kinds then go into the combination. Fixed numbers of rounds and few settings: with sixty to five hundred specimens
a long search finds noise. The settings are those that did well over many cohorts, none of them chosen on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from exodx.errors import InputRefused, Problem
from exodx.frozen import Forest, Linear
from exodx.training.boosting import Boosting, Roots, Trees, merge
from exodx.training.random_cuts import ExtraTrees
from exodx.training.restriction import Restriction
from exodx.training.ridge import Line, Ridge
from exodx.training.verification import verify_forest

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]

SHALLOW, FOREST, EXTRA_TREES, RIDGE = "shallow trees", "boosted random forest", "extra-trees", "ridge"

STUMPS = {"max_depth": 1, "eta": 0.05, "colsample_bytree": Roots(2)}
PAIRS = {"max_depth": 2, "eta": 0.05, "colsample_bytree": Roots(2)}
SAMPLED = {
    "max_depth": 6,
    "eta": 0.15,
    "subsample": 0.63,
    "colsample_bynode": Roots(1),
}
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


class Member(Protocol):
    """Something fitted that gives log-odds and their exact explanation."""

    def margin(self, features: Floats) -> Floats:
        """Return log-odds, shape (n,)."""

    def contributions(self, features: Floats) -> Floats:
        """Return SHAP values and, last, the base value, shape (n, k + 1)."""

    def used(self) -> frozenset[int]:
        """Return the columns it looks at."""

    def widen(self, columns: tuple[int, ...], width: int) -> Member:
        """Return the same for a table of so many columns, of which it knows these alone."""


class Setting(Protocol):
    """A way to fit a member, read at several stages."""

    @property
    def name(self) -> str:
        """In words."""

    @property
    def stages(self) -> Sequence[float]:
        """Rounds, sub-forests or strengths."""

    def grow(self, features: Floats, y: Labels, seed: int, signs: tuple[int, ...] = ()) -> Sequence[Member]:
        """Fit once and return a member for every stage; log-odds keep to the signs of features, where there are any."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The setting and stage that stand for a kind of member."""

    kind: str
    setting: Setting
    stage: int

    def fit(self, features: Floats, y: Labels, seed: int, restriction: Restriction) -> Member:
        """Fit it."""
        return grow(self.setting, features, y, seed, restriction)[self.stage]

    @property
    def words(self) -> str:
        """Say what it is, e.g. ``depth 2 × 200``."""
        return f"{self.setting.name} × {self.setting.stages[self.stage]:g}"


def grow(setting: Setting, features: Floats, y: Labels, seed: int, restriction: Restriction) -> Sequence[Member]:
    """Fit a setting once, within a restriction, and return a member for every stage.

    Columns that are not looked at are left out before fitting, so that no draw of columns is spent on them; the members take the
    whole table all the same.
    """
    columns = restriction.columns
    if columns is None:
        return setting.grow(features, y, seed, restriction.signs)
    signs = restriction.within(columns).signs
    return [member.widen(columns, features.shape[1]) for member in setting.grow(features[:, columns], y, seed, signs)]


def family(budget: str) -> dict[str, tuple[Setting, ...]]:
    """Return the settings of each kind of member.

    ``minimal``: shallow trees alone, for demonstrations and tests. ``quick``: all kinds, one setting each, half the sub-forests and
    half the trees of a round. ``standard``: the whole family, inner folds dealt twice. ``thorough``: more trees in every sub-forest
    and round, two settings of shallow trees to choose from, inner folds dealt three times.

    Raises
    ------
    InputRefused
        For another budget.
    """
    stumps, pairs = Boosting("stumps", (300,), STUMPS), Boosting("depth 2", (200,), PAIRS)
    ridge = Ridge("ridge logistic", STRENGTHS)
    if budget == "minimal":
        return {SHALLOW: (replace(stumps, stages=(50, 100, 200, 300)), replace(pairs, stages=(50, 100, 200)))}
    if budget == "quick":
        return {SHALLOW: (pairs,), FOREST: (_sampled(8),), EXTRA_TREES: (_extra_trees(15, 5),), RIDGE: (ridge,)}
    if budget == "standard":
        return {SHALLOW: (pairs,), FOREST: (_sampled(15),), EXTRA_TREES: (_extra_trees(30, 5),), RIDGE: (ridge,)}
    if budget == "thorough":
        return {SHALLOW: (stumps, pairs), FOREST: (_sampled(30),), EXTRA_TREES: (_extra_trees(30, 15),), RIDGE: (ridge,)}
    found = f"{budget!r} is no budget"
    raise InputRefused(Problem("VALUE_INVALID", "plan.budget", found, "Use quick, standard or thorough."))


def settings_tried(budget: str) -> tuple[str, ...]:
    """Return what a budget tries of each kind of member, in words.

    >>> settings_tried("minimal")
    ('shallow trees: stumps × 50, 100, 200, 300 or depth 2 × 50, 100, 200',)
    """
    return tuple(f"{kind}: {' or '.join(map(_stages, settings))}" for kind, settings in family(budget).items())


def _stages(setting: Setting) -> str:
    return f"{setting.name} × {', '.join(f'{stage:g}' for stage in setting.stages)}"


def inner_repeats(budget: str) -> int:
    """Return how often a budget deals the inner folds anew; a specimen's margins out of them are averaged.

    Weights, calibrator and threshold are learned from these margins; with one deal they hang on how the folds happened to fall.
    """
    return {"standard": 2, "thorough": 3}.get(budget, 1)


def _sampled(trees: int) -> Boosting:
    return Boosting(f"depth 6, {trees} trees a round", (20,), {**SAMPLED, "num_parallel_tree": trees})


def _extra_trees(forests: int, trees: int) -> ExtraTrees:
    return ExtraTrees(f"sub-forests of {trees} trees", (forests,), trees)


def freeze(members: Sequence[tuple[Member, float]], n_features: int) -> Forest:
    """Return weighted members as one frozen forest, whose tables were found to give what XGBoost and the line give.

    Members without weight are left out. At least one is made of trees, at most one is a line.
    """
    booster = merge([(member, weight) for member, weight in members if isinstance(member, Trees)])
    lines = [_weighed(member.linear, weight) for member, weight in members if isinstance(member, Line) and weight > 0]
    forest = Forest(bytes(booster.save_raw(raw_format="ubj")), n_features, linear=lines[0] if lines else None)
    verify_forest(forest, booster)
    return forest


def _weighed(line: Linear, weight: float) -> Linear:
    return line._replace(coefficient=line.coefficient * weight, intercept=line.intercept * weight)

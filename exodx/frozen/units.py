"""From trees to units: sets of leaves that a few decision bits decide between, few enough for a table of every pattern of bits.

A leaf asks of each feature on its path whether the specimen takes all splits on that feature towards the leaf. A unit is the part
of a tree under one node, with the splits above that node gathered into one bit a feature; units on the same features are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from exodx.frozen.parts import MAX_JOINED_BITS
from exodx.frozen.trees import Trees

MAX_BITS = 7
"""Bits of a unit cut from a tree: with 6, trees of depth 7 and more lose their tables; with 8, the file doubles for little."""

Split = tuple[int, float, bool]
"""Feature, threshold, and whether a missing value counts as below it."""
Literal = tuple[int, bool]
"""Number of a split, and the answer (below it, or not) that leads on."""
Condition = tuple[Literal, ...]
"""Literals on one feature that must all hold; ordered."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is added where every condition holds.

    Parameters
    ----------
    value : float
        Weight of the booster times the leaf's value.
    features : tuple of int, length d
        Distinct features on its path.
    conditions : tuple of tuple of Condition, length d
        For each feature, conditions that must all hold; each is one bit of the unit.
    ratios : tuple of float, length d
        Product of cover ratios on the feature's splits: the share of training rows that goes towards the leaf.
    """

    value: float
    features: tuple[int, ...]
    conditions: tuple[tuple[Condition, ...], ...]
    ratios: tuple[float, ...]


@dataclass(slots=True)
class Unit:
    """Leaves and the bits that decide between them, in order."""

    bits: dict[Condition, int] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)


@dataclass(slots=True)
class Cut:
    """All boosters, cut.

    Parameters
    ----------
    splits : dict of Split to int
        Every distinct split of the forest, numbered.
    units : list of Unit
    deep : list of Leaf
        Leaves with more distinct features than a unit has bits; one condition a feature.
    constant : float
        Sum of trees that are one leaf.
    """

    splits: dict[Split, int] = field(default_factory=dict)
    units: list[Unit] = field(default_factory=list)
    deep: list[Leaf] = field(default_factory=list)
    constant: float = 0.0


@dataclass(frozen=True, slots=True)
class _Step:
    """A node on the way down: literals and cover ratio by feature, as gathered so far."""

    node: int
    literals: dict[int, Condition]
    ratios: dict[int, float]

    def leaf(self, value: float, conditions: Mapping[int, tuple[Condition, ...]]) -> Leaf:
        features = tuple(self.literals)
        return Leaf(value, features, tuple(conditions[f] for f in features), tuple(self.ratios[f] for f in features))


def cut_boosters(members: Sequence[tuple[Trees, float]]) -> Cut:
    """Cut the trees of weighted boosters into units; the same trees give the same units on every machine."""
    cut = Cut()
    for trees, weight in members:
        for root in trees.roots:
            _cut_tree(trees, int(root), weight, cut)
    cut.units = _join(cut.units)
    return cut


def _cut_tree(trees: Trees, root: int, weight: float, cut: Cut) -> None:
    if trees.left[root] < 0:
        cut.constant += weight * float(trees.threshold[root])
        return
    inner = _inner_counts(trees, root)
    waiting = [_Step(root, {}, {})]
    while waiting:
        step = waiting.pop()
        if len(step.literals) + inner[step.node] <= MAX_BITS:
            cut.units.append(_unit(trees, step, weight, cut.splits))
        elif inner[step.node]:
            waiting.extend(reversed(list(_children(trees, step, cut.splits))))
        else:
            held = {f: (literals,) for f, literals in step.literals.items()}
            cut.deep.append(step.leaf(weight * float(trees.threshold[step.node]), held))


def _inner_counts(trees: Trees, root: int) -> dict[int, int]:
    """Number of splits under each node, itself included."""
    order, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        order.append(node)
        if trees.left[node] >= 0:
            waiting += [int(trees.left[node]), int(trees.right[node])]
    counts: dict[int, int] = {}
    for node in reversed(order):
        left, right = int(trees.left[node]), int(trees.right[node])
        counts[node] = 1 + counts[left] + counts[right] if left >= 0 else 0
    return counts


def _children(trees: Trees, step: _Step, splits: dict[Split, int]) -> Iterator[_Step]:
    """Yield the left and the right child, with the split towards it gathered in."""
    node, feature = step.node, int(trees.feature[step.node])
    split = splits.setdefault((feature, float(trees.threshold[node]), bool(trees.default_left[node])), len(splits))
    for child, below in ((int(trees.left[node]), True), (int(trees.right[node]), False)):
        literals = tuple(sorted({*step.literals.get(feature, ()), (split, below)}))
        ratio = step.ratios.get(feature, 1.0) * float(trees.cover[child] / trees.cover[node])
        yield _Step(child, {**step.literals, feature: literals}, {**step.ratios, feature: ratio})


def _unit(trees: Trees, top: _Step, weight: float, splits: dict[Split, int]) -> Unit:
    """Gather the leaves under a node: the splits above are one bit a feature, those below a bit each."""
    unit = Unit()
    above = {f: (literals,) for f, literals in top.literals.items()}
    waiting: list[tuple[_Step, Mapping[int, tuple[Condition, ...]]]] = [(top, above)]
    while waiting:
        step, conditions = waiting.pop()
        if trees.left[step.node] < 0:
            _add(unit, step.leaf(weight * float(trees.threshold[step.node]), conditions))
            continue
        feature = int(trees.feature[step.node])
        for child, below in reversed(list(zip(_children(trees, step, splits), (True, False), strict=True))):
            threshold = float(trees.threshold[step.node])
            literal = (splits[feature, threshold, bool(trees.default_left[step.node])], below)
            waiting.append((child, {**conditions, feature: (*conditions.get(feature, ()), (literal,))}))
    return unit


def _add(unit: Unit, leaf: Leaf) -> None:
    unit.leaves.append(leaf)
    for condition in (c for conditions in leaf.conditions for c in conditions):
        unit.bits.setdefault(bit_of(condition), len(unit.bits))


def bit_of(condition: Condition) -> Condition:
    """Return the bit that answers a condition: a single literal and its opposite are read from the same bit.

    >>> bit_of(((4, False),)), bit_of(((4, False), (7, True)))
    (((4, True),), ((4, False), (7, True)))
    """
    return ((condition[0][0], True),) if len(condition) == 1 else condition


def _join(units: list[Unit]) -> list[Unit]:
    """Put units on the same features together while their bits still make a table."""
    joined: list[Unit] = []
    open_units: dict[frozenset[int], Unit] = {}
    for unit in units:
        features = frozenset(f for leaf in unit.leaves for f in leaf.features)
        other = open_units.get(features)
        if other is None or len({**other.bits, **unit.bits}) > MAX_JOINED_BITS:
            open_units[features] = unit
            joined.append(unit)
            continue
        for leaf in unit.leaves:
            _add(other, leaf)
    return sorted(joined, key=lambda unit: len(unit.bits))

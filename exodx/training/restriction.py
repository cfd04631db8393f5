"""What members may make of the features: in which direction, and of which columns at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from exodx.assay.ratios import ratio_pairs
from exodx.errors import InputRefused, Problem
from exodx.frozen import FrozenTransform
from exodx.frozen.encoding import ND
from exodx.panel import Panel, StudyPlan
from exodx.training.selection import stable_columns

Floats = NDArray[np.float64]
Labelled = tuple[NDArray[np.int8], NDArray[np.intp]]
SIGNS = MappingProxyType({"up": 1, "down": -1})


@dataclass(frozen=True, slots=True)
class Restriction:
    """What members may make of k features.

    Parameters
    ----------
    signs : tuple of int
        Of each feature: 1 where log-odds may only rise with it, −1 where they may only fall, 0 where both are allowed.
        Empty: both everywhere.
    columns : tuple of int, optional
        The only columns that are looked at, in ascending order; None: all.
    """

    signs: tuple[int, ...] = ()
    columns: tuple[int, ...] | None = None

    def within(self, columns: Sequence[int]) -> Restriction:
        """Return the same for a table of these columns alone; where it would leave none, it leaves all.

        >>> Restriction((1, 0, -1), (0, 2)).within([1, 2])
        Restriction(signs=(0, -1), columns=(1,))
        """
        signs = tuple(self.signs[column] for column in columns) if self.signs else ()
        if self.columns is None:
            return Restriction(signs)
        kept = tuple(place for place, column in enumerate(columns) if column in self.columns)
        return Restriction(signs, kept or None)

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the columns that were selected; none where all are looked at."""
        return () if self.columns is None else tuple(names[column] for column in self.columns)


def released(plan: StudyPlan) -> dict[str, StudyPlan]:
    """Return the plan without each of the restrictions that it asks for, by the name of what is then compared with."""
    without = {}
    if plan.monotone:
        without["unconstrained"] = replace(plan, monotone=False)
    if plan.selection != "none":
        without["full_panel"] = replace(plan, selection="none")
    return without


def restrict(panel: Panel, plan: StudyPlan, transform: FrozenTransform, features: Floats, training: Labelled) -> Restriction:
    """Return what a plan asks of members, learned from training specimens alone.

    Parameters
    ----------
    panel : Panel
    plan : StudyPlan
    transform : FrozenTransform
        Learned from the same specimens.
    features : ndarray, shape (n, k)
    training : tuple of ndarray, shape (n,) each
        The reference standard (0/1) and the subjects.
    """
    signs = directions(panel, transform) if plan.monotone else ()
    columns = stable_columns(features, *training, plan.seed) if plan.selection == "stability" else None
    return Restriction(signs, columns)


def directions(panel: Panel, transform: FrozenTransform) -> tuple[int, ...]:
    """Return the sign that the panel's directions in cases give each feature.

    More of the molecule is a larger feature on every scale (a Ct is turned over). An indicator of not being detected has the
    opposite sign of its analyte. A log-ratio has one only where both sides agree: one up in cases, the other down.
    """
    declared = {a.name: SIGNS[a.direction] for a in panel.with_role("target") if a.direction is not None}
    signs = []
    for name in transform.names:
        first, *second = (declared.get(analyte, 0) for analyte in transform.analytes_of(name))
        agreed = first if not second or first == -second[0] else 0
        signs.append(-agreed if name.endswith(ND) else agreed)
    return tuple(signs)


def require_directions(panel: Panel) -> None:
    """Refuse a panel that declares no direction which could hold a feature.

    Raises
    ------
    InputRefused
        ``NO_DIRECTIONS``.
    """
    declared = {a.name: SIGNS[a.direction] for a in panel.with_role("target") if a.direction is not None}
    pairs = ratio_pairs(panel, panel.names)
    paired = {name for pair in pairs for name in pair}
    if any(declared.get(a, 0) * declared.get(b, 0) < 0 for a, b in pairs) or any(name not in paired for name in declared):
        return
    found = "its targets declare no direction" if not declared else "no log-ratio has sides that are declared opposite"
    fix = "Declare direction = 'up' or 'down' (in cases) for targets, from evidence other than this cohort; or leave monotone out."
    raise InputRefused(Problem("NO_DIRECTIONS", f"panel {panel.name}, plan.monotone", found, fix))

"""Which analytes make log-ratios."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from exodx.panel import Panel


def ratio_pairs(panel: Panel, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of targets and references that share a unit, among the analytes that are there; none unless the panel asks.

    Parameters
    ----------
    panel : Panel
    names : sequence of str
        Analytes that can be paired.
    """
    if panel.normalisation != "log_ratios":
        return ()
    present = [a for a in panel.analytes if a.role in ("target", "reference") and a.name in names]
    return tuple((a.name, b.name) for a, b in combinations(present, 2) if a.unit == b.unit)

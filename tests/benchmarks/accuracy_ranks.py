"""Which methods of the accuracy benchmark differ over the tasks: ranks, the Friedman test, pairwise tests, and their picture.

Cohorts that share subjects (those of tuberculosis share controls) are not independent, so the tests make too much of small
differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare, rankdata, wilcoxon

from exodx.report.style import CASE, INK, QUIET, canvas, short, styled

Floats = NDArray[np.float64]

DIGITS = 6
"""Differences beyond are rounding, so ties."""


def ranks(values: Floats, more_is_better: bool) -> Floats:
    """Return ranks within each task, 1 the best; ties share theirs.

    Parameters
    ----------
    values : ndarray, shape (tasks, methods)
    more_is_better : bool

    Returns
    -------
    ranks : ndarray, shape (tasks, methods)
    """
    return np.asarray(rankdata(np.round(-values if more_is_better else values, DIGITS), axis=1), np.float64)


def friedman(values: Floats) -> tuple[float, float]:
    """Return the statistic (of ties too) and p of the Friedman test; 0 and 1 where every method is tied in every task."""
    rounded = np.round(values, DIGITS)
    if (np.ptp(rounded, axis=1) == 0).all():
        return 0.0, 1.0
    found = friedmanchisquare(*rounded.T)
    return float(found.statistic), float(found.pvalue)


def pairwise(values: Floats) -> Floats:
    """Return p of Wilcoxon's signed-rank test for each pair of methods, after Holm's correction; shape (methods, methods)."""
    pairs = list(combinations(range(values.shape[1]), 2))
    raw = np.array([_wilcoxon(np.round(values[:, a] - values[:, b], DIGITS)) for a, b in pairs])
    order = np.argsort(raw, kind="stable")
    adjusted = np.empty(len(pairs))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raw[order] * (len(pairs) - np.arange(len(pairs)))))
    p = np.ones((values.shape[1],) * 2)
    for (a, b), value in zip(pairs, adjusted, strict=True):
        p[a, b] = p[b, a] = value
    return p


def _wilcoxon(differences: Floats) -> float:
    """Return p as R's ``wilcox.test`` does: without ties exact, else by the normal approximation with continuity correction."""
    told = differences[differences != 0]
    if not told.size:
        return 1.0
    exact = len(np.unique(np.abs(told))) == len(differences) < 50
    return float(wilcoxon(told, method="exact" if exact else "asymptotic", correction=not exact).pvalue)


def cliques(order: Sequence[int], p: Floats, alpha: float) -> list[tuple[int, int]]:
    """Return the longest runs of methods, in order of their mean rank, no two of which differ: first and last place of each."""
    runs: list[tuple[int, int]] = []
    for first in range(len(order)):
        last = first
        while last + 1 < len(order) and all(p[order[last + 1], order[i]] >= alpha for i in range(first, last + 1)):
            last += 1
        if last > first and not any(a <= first and last <= b for a, b in runs):
            runs.append((first, last))
    return runs


@dataclass(frozen=True)
class Ranked:
    """Methods in order of their mean rank, with the runs that the tests do not tell apart."""

    measure: str
    tasks: int
    names: tuple[str, ...]
    means: tuple[float, ...]
    cliques: tuple[tuple[int, int], ...]
    friedman_p: float

    @classmethod
    def of(cls, measure: str, names: Sequence[str], values: Floats, more_is_better: bool, alpha: float = 0.05) -> Ranked:
        """Rank methods by a measure, shape (tasks, methods)."""
        means = ranks(values, more_is_better).mean(axis=0)
        order = [int(i) for i in np.argsort(means, kind="stable")]
        found = cliques(order, pairwise(values), alpha)
        p = friedman(values)[1]
        return cls(measure, len(values), tuple(names[i] for i in order), tuple(float(means[i]) for i in order), tuple(found), p)


LINE, BAR = 0.26, 0.13
"""Inches between two names, and between two bars."""


def difference_figure(ranked: Ranked) -> Figure:
    """Draw mean ranks on an axis, the best on the left, and a bar under the methods that are not told apart."""
    k = len(ranked.names)
    left = (k + 1) // 2
    bars = 0.15 + BAR * len(ranked.cliques)
    height = 0.95 + bars + LINE * left + 0.2
    with styled():
        figure = canvas(8.4, height)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 8.4), ylim=(-height, 0))
        axes.axis("off")
        _axis(axes, k)
        for i, (first, last) in enumerate(ranked.cliques):
            y = TOP - 0.15 - BAR * i
            ends = [_x(ranked.means[first], k) - 0.05, _x(ranked.means[last], k) + 0.05]
            axes.plot(ends, [y, y], color=CASE, linewidth=3.2, solid_capstyle="round", zorder=3)
        for place, (name, mean) in enumerate(zip(ranked.names, ranked.means, strict=True)):
            on_left = place < left
            y = TOP - bars - LINE * ((place if on_left else k - 1 - place) + 0.5)
            end, text = (LEFT - 0.15, LEFT - 0.22) if on_left else (RIGHT + 0.15, RIGHT + 0.22)
            axes.plot([_x(mean, k), _x(mean, k), end], [TOP, y, y], color=QUIET, linewidth=0.8)
            said = f"{short(name)}  {mean:.2f}" if on_left else f"{mean:.2f}  {short(name)}"
            axes.text(text, y, said, ha="right" if on_left else "left", va="center")
        p = "p < 0.001" if ranked.friedman_p < 0.001 else f"p = {ranked.friedman_p:.3f}"
        title = f"Mean rank by {ranked.measure} over {ranked.tasks} tasks"
        axes.text(0.15, -0.22, title, va="center", weight="bold", size=10)
        told = f"1 is best. Friedman {p}. A bar joins methods that pairwise Wilcoxon tests (Holm, 5 %) do not tell apart."
        axes.text(0.15, -0.44, told, va="center", color=QUIET, size=8)
    return figure


LEFT, RIGHT, TOP = 2.3, 6.1, -0.85


def _x(rank: float, k: int) -> float:
    return LEFT + (RIGHT - LEFT) * (rank - 1) / max(k - 1, 1)


def _axis(axes: Axes, k: int) -> None:
    axes.plot([LEFT, RIGHT], [TOP, TOP], color=INK, linewidth=1.0)
    for rank in range(1, k + 1):
        axes.plot([_x(rank, k)] * 2, [TOP, TOP + 0.06], color=INK, linewidth=1.0)
        axes.text(_x(rank, k), TOP + 0.13, str(rank), ha="center", va="center", size=8)

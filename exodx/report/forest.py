"""Figure of estimates beside each other: of several designs, models or cohorts, a row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from exodx.evaluation import Headline
from exodx.report.style import CASE, INK, OTHER, QUIET, canvas, short, styled
from exodx.report.words import interval, number
from exodx.stats import Estimate

Shown = Estimate | Headline | float | Sequence[float]

MARKS = ((OTHER, "o"), (CASE, "D"), (INK, "s"))
"""Colour and shape of each series: told apart without either."""

ROW_INCHES, STEP = 0.3, 0.28
LONGEST = 44


def forest_figure(
    rows: Mapping[str, Mapping[str, Shown]], title: str, xlabel: str = "AUC, 95 % interval (dashed: chance)", chance: float = 0.5
) -> Figure:
    """Draw numbers with their intervals beside each other.

    Parameters
    ----------
    rows : mapping of str to (mapping of str to Estimate, Headline, float or sequence of float)
        Row → series (three at most) → what is drawn. A plain number has no interval; of several numbers all are drawn, and their
        median is written. A row may lack a series.
    title, xlabel : str
    chance : float
        Where the dashed line stands.

    Raises
    ------
    ValueError
        For no row, or more than three series.
    """
    series = list(dict.fromkeys(name for row in rows.values() for name in row))
    if not series or len(series) > len(MARKS):
        raise ValueError(f"{len(series)} series in {len(rows)} rows: one to {len(MARKS)} can be drawn")
    with styled():
        figure = canvas(7.6, 1.2 + ROW_INCHES * len(rows) * max(1.4, 0.8 * len(series)))
        ax = figure.add_subplot()
        ax.axvline(chance, color=QUIET, lw=0.8, ls=(0, (4, 3)))
        for k, (name, (colour, mark)) in enumerate(zip(series, MARKS, strict=False)):
            offset = STEP * (k - (len(series) - 1) / 2)
            drawn = [_row(ax, y + offset, row[name], colour, mark) for y, row in enumerate(rows.values()) if name in row]
            ax.plot([], [], mark, ms=6, color=colour, label=name if any(drawn) else f"{name}: not estimated")
        ax.set_yticks(range(len(rows)), [short(name, LONGEST) for name in rows])
        ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel=xlabel)
        ax.margins(x=0.04)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_title(title)
        if len(series) > 1:
            figure.legend(loc="outside lower left", ncols=len(series), fontsize=8)
    return figure


def _row(ax: Any, y: float, shown: Shown, colour: str, mark: str) -> bool:
    """Draw one number, or several; False where there is none."""
    if isinstance(shown, Sequence):
        ax.plot(shown, [y] * len(shown), mark, ms=5, color=colour, alpha=0.45, mew=0)
        shown = float(np.median(shown))
        ax.plot([shown, shown], [y - 0.5 * STEP, y + 0.5 * STEP], color=colour, lw=2.2)
        ax.text(1.02, y, f"median {number(shown)}", transform=ax.get_yaxis_transform(), va="center", fontsize=8)
        return True
    value, lower, upper = (shown, None, None) if isinstance(shown, (int, float)) else (shown.value, shown.lower, shown.upper)
    if value is None:
        ax.text(1.02, y, "not estimated", transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=QUIET)
        return False
    if lower is not None and upper is not None:
        ax.hlines(y, lower, upper, color=colour, lw=1.4)
    ax.plot([value], [y], mark, ms=6, color=colour)
    limits = interval(lower, upper)
    text = number(value) + (f" ({limits})" if limits else "")
    ax.text(1.02, y, text, transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    return True

"""Figures of what a model does: SHAP values of a cohort and of one specimen.

``shap.plots.beeswarm`` is not used: it shuffles with NumPy's global generator, so the same study gives other bytes each time; it
warns on a feature without values and, as of shap 0.51 on matplotlib 3.11, on import. The values are the same exact SHAP values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray

from exodx.frozen import Explanation, Features
from exodx.frozen.calibrator import probability
from exodx.panel.markers import read_markers
from exodx.report.style import CASE, FAINT, OTHER, QUIET, canvas, short, styled, value_colours
from exodx.report.words import feature_label, number

Floats = NDArray[np.float64]

X_LABEL = "SHAP value: contribution to the log-odds (right: towards positive)"
BEESWARM_BINS = 120
BEESWARM_HALF_HEIGHT = 0.38
BEESWARM_STEP = 0.075
ROW_INCHES = 0.36


def beeswarm_figure(explanation: Explanation, features: Features, top: int = 15) -> Figure:
    """Draw every specimen's SHAP values of the most important features, coloured by the feature's value.

    Parameters
    ----------
    explanation : Explanation, n specimens
        Rows of specimens that were not scored are left out.
    features : Features, n specimens
    top : int
        Number of features shown, by mean absolute SHAP value.
    """
    scored = np.isfinite(explanation.values).all(axis=1)
    shap, values = explanation.values[scored], features.values[scored]
    importance = np.abs(shap).mean(axis=0)
    order = np.argsort(-importance, kind="stable")[:top]
    markers = read_markers()
    with styled():
        figure = canvas(7.6, 1.6 + ROW_INCHES * len(order))
        ax = figure.add_subplot()
        ax.axvline(0, color=QUIET, lw=0.8)
        for y, j in enumerate(order):
            ax.axhline(y, color=FAINT, lw=0.6, zorder=0)
            _swarm(ax, y, shap[:, j], values[:, j])
            ax.text(1.02, y, number(float(importance[j])), transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=QUIET)
        ax.text(1.02, -0.8, "mean |SHAP|", transform=ax.get_yaxis_transform(), va="center", fontsize=7, color=QUIET)
        ax.set_yticks(range(len(order)), [feature_label(markers, features.names[j], short(features.names[j])) for j in order])
        ax.set(ylim=(len(order) - 0.4, -0.6), xlabel=X_LABEL)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        shown = f"{len(order)} of {len(features.names)}" if len(order) < len(features.names) else f"all {len(order)}"
        ax.set_title(f"SHAP values of {len(shap)} specimens, {shown} features")
        _colour_bar(figure, ax)
    return figure


def _swarm(ax: Any, y: int, shap: Floats, values: Floats) -> None:
    height = y + _offsets(shap)
    known = ~np.isnan(values)
    ax.scatter(shap[~known], height[~known], s=9, facecolors="none", edgecolors=QUIET, linewidths=0.5, rasterized=True)
    colours = {"c": _ranks(values[known]), "cmap": value_colours(), "vmin": 0, "vmax": 1}
    ax.scatter(shap[known], height[known], s=9, **colours, linewidths=0, rasterized=True)


def _offsets(shap: Floats) -> Floats:
    """Stack points of nearly the same SHAP value above and below their line, always in the same way."""
    width = float(np.ptp(shap)) or 1.0
    bins = np.round(BEESWARM_BINS * (shap - shap.min()) / width)
    offsets = np.zeros(len(shap))
    for code in np.unique(bins):
        members = np.flatnonzero(bins == code)
        layer = np.arange(len(members))
        offsets[members] = np.where(layer % 2, 1, -1) * ((layer + 1) // 2)
    highest = float(np.abs(offsets).max()) or 1.0
    return offsets * min(BEESWARM_STEP, BEESWARM_HALF_HEIGHT / highest)


def _ranks(values: Floats) -> Floats:
    """Return ranks from 0 to 1, so that one extreme value does not take the whole scale; ties share theirs."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: Floats = (np.cumsum(counts) - counts / 2) / max(len(values), 1)
    return middle[codes]


def _colour_bar(figure: Figure, ax: Any) -> None:
    bar = figure.colorbar(ScalarMappable(cmap=value_colours()), ax=ax, aspect=40, fraction=0.03, pad=0.02, ticks=[0, 1])
    bar.ax.set_yticklabels(["low", "high"])
    bar.ax.tick_params(length=0, labelsize=8)
    bar.set_label("feature value, by rank (hollow: none)", fontsize=8)
    bar.outline.set_visible(False)


def waterfall_figure(
    explanation: Explanation, features: Features, row: int, top: int = 12, measured: Sequence[str] | None = None
) -> Figure:
    """Draw how one specimen's margin comes about: from the base value, feature by feature, to its log-odds.

    Parameters
    ----------
    explanation : Explanation
    features : Features
        Of the same specimens.
    row : int
        The specimen; it must have been scored.
    top : int
        Number of features shown; the others are summed in one bar.
    measured : sequence of str, length k, optional
        What stands beside each feature's name instead of its value, such as what was measured, with its unit.

    Raises
    ------
    ValueError
        When the specimen was not scored.
    """
    shap, values = explanation.values[row], features.values[row]
    if not np.isfinite(shap).all():
        raise ValueError(f"specimen {row} was not scored: it has no SHAP values")
    order = np.argsort(-np.abs(shap), kind="stable")
    named, rest = order[:top], order[top:]
    markers = read_markers()
    labels = {j: feature_label(markers, features.names[j], short(features.names[j])) for j in named}
    beside = (
        [f"= {_shown(float(value))}" for value in values] if measured is None else [f"· {short(text, 40)}" for text in measured]
    )
    bars = [(f"{labels[j]} {beside[j]}", float(shap[j])) for j in named]
    if rest.size:
        bars.insert(0, (f"{rest.size} other features", float(shap[rest].sum())))
    bars[rest.size > 0 :] = bars[rest.size > 0 :][::-1]
    with styled():
        figure = canvas(7.6, 1.7 + ROW_INCHES * len(bars))
        ax = figure.add_subplot()
        end = _steps(ax, explanation.base, bars)
        ax.set_yticks(range(len(bars)), [text for text, _ in bars])
        ax.set(ylim=(-0.9, len(bars) - 0.1), xlabel="log-odds of the model\n(orange: towards positive, blue: towards negative)")
        ax.use_sticky_edges = False
        ax.margins(x=0.14)
        ax.tick_params(axis="y", length=0)
        chance = float(probability(np.array([end]))[0])
        ax.set_title(f"Base {number(explanation.base, 2)} to margin {number(end, 2)}: probability {number(chance)}")
    return figure


def _shown(value: float) -> str:
    return "no value" if np.isnan(value) else f"{value:.4g}".replace("-", "−")


def _steps(ax: Any, base: float, bars: list[tuple[str, float]]) -> float:
    """Draw the bars from the bottom up and return where they end."""
    at = base
    ax.axvline(base, color=QUIET, lw=0.8, ls=(0, (4, 3)))
    for y, (_, step) in enumerate(bars):
        ax.barh(y, step, left=at, height=0.62, color=CASE if step > 0 else OTHER)
        at += step
        ax.vlines(at, y, min(y + 1, len(bars) - 1), color=QUIET, lw=0.6)
        sign = 1 if step >= 0 else -1
        text = ("+" if step >= 0 else "") + number(step, 2)
        ax.annotate(
            text, (at, y), (4 * sign, 0), textcoords="offset points", va="center", ha="left" if sign > 0 else "right", fontsize=8
        )
    ax.axvline(at, color=QUIET, lw=0.8)
    return at

"""Figure of what was measured: features by the reference standard, small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from exodx.frozen import Features
from exodx.frozen.encoding import ND
from exodx.panel.markers import read_markers
from exodx.report.style import CASE, INK, OTHER, QUIET, canvas, short, styled
from exodx.report.words import feature_label

MOST = 12
COLUMNS = 4
GOLDEN = 0.6180339887498949


def analyte_figure(features: Features, y: NDArray[np.int8], positive_label: str, names: Sequence[str]) -> Figure:
    """Draw the distribution of features in both classes: every specimen, with median and quartiles.

    Parameters
    ----------
    features : Features, n specimens
    y : ndarray of 0/1, shape (n,)
    positive_label : str
    names : sequence of str
        Features in the order shown; the first 12 are.
    """
    shown, markers = list(names)[:MOST], read_markers()
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    classes = (
        f"{short(positive_label, 20)} (n = {int((y == 1).sum())})",
        f"not {short(positive_label, 20)} (n = {int((y == 0).sum())})",
    )
    with styled():
        width, height = max(2.2 * columns, 5.4), 0.9 + 2.1 * rows
        figure = canvas(width, height, None)  # a plain grid: to measure a dozen panels takes longer than to draw them
        figure.subplots_adjust(0.55 / width, 0.55 / height, 1 - 0.1 / width, 1 - 0.65 / height, wspace=0.34, hspace=0.34)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, name in zip(panels, shown, strict=False):
            title = feature_label(markers, name.removesuffix(ND), short(name.removesuffix(ND), 22))
            _panel(ax, name, title, features.values[:, features.names.index(name)], y)
        for ax in panels[len(shown) :]:
            ax.set_axis_off()
        of = f"{len(shown)} of {len(features.names)} features" if len(shown) < len(features.names) else "Features"
        figure.suptitle(
            f"{of} by reference standard", x=0.08 / width, y=1 - 0.08 / height, ha="left", va="top", fontsize=10, fontweight="bold"
        )
        handles = [
            panels[0].scatter([], [], s=16, color=colour, label=text) for text, colour in zip(classes, (CASE, OTHER), strict=True)
        ]
        figure.legend(handles=handles, loc="lower left", ncols=2, fontsize=8)
    return figure


def _panel(ax: Any, name: str, title: str, values: NDArray[np.float64], y: NDArray[np.int8]) -> None:
    ax.set_title(title, fontsize=8, fontweight="normal", pad=5)
    ax.set(xlim=(-0.6, 1.6))
    ax.set_xticks([0, 1], [_missing(values[y == label]) for label in (1, 0)], fontsize=7, color=QUIET)
    ax.tick_params(axis="x", length=0)
    ax.tick_params(axis="y", labelsize=7)
    draw = _share if name.endswith(ND) else _strip
    for x, (label, colour) in enumerate(((1, CASE), (0, OTHER))):
        here = values[y == label]
        known = here[~np.isnan(here)]
        if known.size:
            draw(ax, x, known, colour)
    if name.endswith(ND):
        ax.set(ylim=(0, 1), ylabel="share not detected")
        ax.yaxis.label.set_size(7)


def _missing(values: NDArray[np.float64]) -> str:
    missing = int(np.isnan(values).sum())
    return f"{missing} no value" if missing else ""


def _share(ax: Any, x: int, known: NDArray[np.float64], colour: str) -> None:
    ax.bar(x, known.mean(), width=0.55, color=colour, alpha=0.75)


def _strip(ax: Any, x: int, known: NDArray[np.float64], colour: str) -> None:
    """Every value as a point, spread sideways by a fixed sequence; median and quartiles on top."""
    spread = (np.arange(len(known)) * GOLDEN) % 1.0 - 0.5
    ax.scatter(x + 0.5 * spread, np.sort(known), s=6, color=colour, alpha=0.45, linewidths=0, rasterized=True)
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    ax.vlines(x + 0.38, low, high, color=INK, lw=1.6)
    ax.plot([x + 0.38], [middle], "o", ms=4, mfc="white", mec=INK, mew=1.2)

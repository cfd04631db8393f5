"""Figures of specimens without a name or a number: typical right and wrong calls out of fold; and how SHAP follows a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from exodx.frozen import Explanation, Features
from exodx.frozen.calibrator import probability
from exodx.frozen.encoding import ND
from exodx.panel.markers import read_markers
from exodx.report.style import CASE, OTHER, QUIET, canvas, short, styled
from exodx.report.words import feature_label, number
from exodx.training import CrossValidation

Floats = NDArray[np.float64]

KINDS = (
    ("a true positive near the median of its kind", 1, True),
    ("a false negative near the median of its kind", 1, False),
    ("a true negative near the median of its kind", 0, False),
    ("a false positive near the median of its kind", 0, True),
)
MOST_BARS = 6
MOST_PANELS = 4
FIFTHS = ("lowest fifth", "second fifth", "middle fifth", "fourth fifth", "highest fifth")


@dataclass(frozen=True, slots=True)
class Example:
    """One specimen by what it is an example of: contributions, and the fifth of the cohort in which each value lies; no value.

    Parameters
    ----------
    what : str
    features, levels : tuple of str, length k
    shap : ndarray, shape (k,)
        Contributions by the outer fold's model that never saw the specimen.
    base, margin : float
    """

    what: str
    features: tuple[str, ...]
    levels: tuple[str, ...]
    shap: Floats
    base: float
    margin: float


def typical_examples(y: NDArray[np.int8], runs: CrossValidation) -> tuple[Example, ...]:
    """Return, of the first repeat, one specimen of each kind of right and wrong call: that whose log-odds are nearest their median.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    runs : CrossValidation
        With its explanations.
    """
    margin, called = runs.margin[0], runs.positive[0]
    found = []
    for what, label, positive in KINDS:
        rows = np.flatnonzero((y == label) & (called == positive) & np.isfinite(margin))
        if rows.size:
            row = int(rows[np.argmin(np.abs(margin[rows] - np.median(margin[rows])))])
            example = _example(what, runs, row)
            found += [] if example is None else [example]
    return tuple(found)


def _example(what: str, runs: CrossValidation, row: int) -> Example | None:
    for choice, held in zip(runs.choices, runs.explanations, strict=True):
        rows = np.flatnonzero(runs.folds[choice.repeat] == choice.fold)
        rows = rows[np.isfinite(runs.margin[choice.repeat, rows])]
        if choice.repeat == 0 and row in rows and len(rows) == len(held.shap):
            at = int(np.flatnonzero(rows == row)[0])
            shap, margin = held.shap[at], float(runs.margin[0, row])
            levels = tuple(_level(name, held.values[:, j], held.values[at, j]) for j, name in enumerate(held.features))
            return Example(what, held.features, levels, shap, margin - float(shap.sum()), margin)
    return None


def _level(name: str, column: Floats, value: float) -> str:
    """Say where a value lies among those of its fold, no closer than a fifth."""
    if np.isnan(value):
        return "no value"
    if name.endswith(ND):
        return "not detected" if value else "detected"
    known = column[~np.isnan(column)]
    return FIFTHS[min(4, int(5 * (known < value).mean()))]


def examples_figure(examples: tuple[Example, ...]) -> Figure:
    """Draw each example's way from the base to its log-odds.

    Parameters
    ----------
    examples : tuple of Example
        At least one.
    """
    markers = read_markers()
    bars = [1 + min(MOST_BARS + 1, len(example.features)) for example in examples]
    with styled():
        figure = canvas(7.6, 0.5 + sum(0.55 + 0.26 * n for n in bars))
        panels = figure.subplots(len(examples), 1, squeeze=False, height_ratios=bars, sharex=True).ravel()
        for ax, example in zip(panels, examples, strict=True):
            order = np.argsort(-np.abs(example.shap), kind="stable")
            named, rest = order[:MOST_BARS], order[MOST_BARS:]
            rows = [
                (
                    f"{feature_label(markers, example.features[j], short(example.features[j], 20))}: {example.levels[j]}",
                    float(example.shap[j]),
                )
                for j in named
            ]
            if rest.size:
                rows.append((f"{rest.size} other features", float(example.shap[rest].sum())))
            _waterfall(ax, example, rows[::-1])
        panels[-1].set_xlabel("log-odds (dashed: base value)\n(orange: towards positive, blue: towards negative)")
    return figure


def _waterfall(ax: Any, example: Example, rows: list[tuple[str, float]]) -> None:
    at = example.base
    ax.axvline(at, color=QUIET, lw=0.8, ls=(0, (4, 3)))
    for y, (_, step) in enumerate(rows):
        ax.barh(y, step, left=at, height=0.62, color=CASE if step > 0 else OTHER)
        at += step
        side = 1 if step >= 0 else -1
        text = ("+" if step >= 0 else "") + number(step, 2)
        ax.annotate(
            text, (at, y), (3 * side, 0), textcoords="offset points", va="center", ha="left" if side > 0 else "right", fontsize=7
        )
    ax.set_yticks(range(len(rows)), [text for text, _ in rows], fontsize=8)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.14)
    chance = float(probability(np.array([example.margin]))[0])
    ax.set_title(f"{example.what[:1].upper()}{example.what[1:]}: probability {number(chance, 2)}", fontsize=9)


def dependence_figure(explanation: Explanation, features: Features, y: NDArray[np.int8], positive_label: str) -> Figure | None:
    """Draw SHAP against the value of the most important features, at most 4; None where none has a number that moves anything.

    Parameters
    ----------
    explanation : Explanation, n specimens
    features : Features, n specimens
    y : ndarray of 0/1, shape (n,)
    positive_label : str
    """
    scored = np.isfinite(explanation.values).all(axis=1)
    importance = np.abs(explanation.values[scored]).mean(axis=0)
    order = [int(j) for j in np.argsort(-importance, kind="stable") if importance[j] > 0 and not features.names[j].endswith(ND)]
    if not order:
        return None
    shown, markers = order[:MOST_PANELS], read_markers()
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    with styled():
        figure = canvas(3.8 * columns, 0.4 + 2.3 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, j in zip(panels, shown, strict=False):
            name = features.names[j]
            ax.axhline(0, color=QUIET, lw=0.8)
            for label, colour in ((0, OTHER), (1, CASE)):
                here = scored & (y == label) & ~np.isnan(features.values[:, j])
                ax.scatter(
                    features.values[here, j],
                    explanation.values[here, j],
                    s=8,
                    color=colour,
                    alpha=0.6,
                    linewidths=0,
                    rasterized=True,
                )
            ax.set_title(feature_label(markers, name, short(name, 24)), fontsize=8)
            ax.tick_params(labelsize=7)
        for ax in panels[len(shown) :]:
            ax.set_axis_off()
        figure.supxlabel("feature, after the assay transform (higher = more)", fontsize=8)
        figure.supylabel("SHAP value, log-odds", fontsize=8)
        handles = [
            panels[0].scatter([], [], s=16, color=colour, label=text)
            for text, colour in ((short(positive_label, 20), CASE), (f"not {short(positive_label, 20)}", OTHER))
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=8)
    return figure

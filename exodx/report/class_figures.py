"""Figures of several classes: the ROC curve of each against the rest, calls against classes, what drives each score."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from exodx.cohort import Cohort
from exodx.evaluation import ClassEvaluation
from exodx.frozen import Explanation, Features, MulticlassModel
from exodx.report.explanations import beeswarm_figure, waterfall_figure
from exodx.report.style import INK, OTHER, QUIET, canvas, png, short, styled
from exodx.report.words import interval, number
from exodx.stats import Estimate

COLUMNS = 3
TOP = 8
DARK = 0.55
"""Share from which a number is written in white."""


def class_roc_figure(evaluation: ClassEvaluation) -> Figure:
    """Draw the ROC curve of each class against the rest with its pointwise 95 % band."""
    named = {e.name: e for e in evaluation.summary.estimates}
    rows = -(-len(evaluation.classes) // COLUMNS)
    with styled():
        figure = canvas(2.9 * COLUMNS, 3.2 * rows + 0.6)
        panels = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
        for ax, name, roc in zip(panels, evaluation.classes, evaluation.rocs, strict=False):
            ax.plot([0, 1], [0, 1], color=QUIET, lw=0.8, ls=(0, (4, 3)))
            ax.fill_between(roc.one_minus_specificity, roc.lower, roc.upper, color=OTHER, alpha=0.16, lw=0)
            ax.plot(roc.one_minus_specificity, roc.sensitivity, color=OTHER, lw=1.6)
            ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", xlabel="1 − specificity", ylabel="sensitivity")
            ax.label_outer()
            ax.set_title(short(name), fontsize=9)
            ax.text(0.98, 0.04, _auc(named[f"auc:{name}"]), transform=ax.transAxes, ha="right", va="bottom", fontsize=8)
        for ax in panels[len(evaluation.classes) :]:
            ax.set_axis_off()
        figure.suptitle("Each class against the rest", x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def _auc(estimate: Estimate) -> str:
    limits = interval(estimate.lower, estimate.upper)
    return f"AUC {number(estimate.value)}" + (f"\n{limits}" if limits else "")


def confusion_figure(evaluation: ClassEvaluation) -> Figure:
    """Draw calls against classes, as shares of each class."""
    table = evaluation.confusion
    with styled():
        figure = canvas(2.6 + 0.95 * len(table.called), 1.6 + 0.55 * len(evaluation.classes))
        ax = figure.add_subplot()
        ax.imshow(table.shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for i, (counts, shares) in enumerate(zip(table.counts, table.shares, strict=True)):
            for j, (n, share) in enumerate(zip(counts, shares, strict=True)):
                _cell(ax, (i, j), n, share)
        ax.set_xticks(range(len(table.called)), [short(name, 14) for name in table.called], rotation=20, ha="right")
        ax.set_yticks(range(len(evaluation.classes)), [short(name, 20) for name in evaluation.classes])
        ax.set(xlabel="called", ylabel="class")
        ax.tick_params(length=0)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.set_title("Calls by class: specimens, share of the class")
    return figure


def _cell(ax: Any, at: tuple[int, int], n: float, share: float) -> None:
    colour = "white" if share > DARK else INK
    ax.text(at[1], at[0], f"{n:.4g}\n{100 * share:.0f} %", ha="center", va="center", fontsize=8, color=colour)


def class_beeswarm(name: str, explanation: Explanation, features: Features) -> Figure:
    """Draw every specimen's SHAP values on the score of one class."""
    figure = beeswarm_figure(explanation, features, TOP)
    with styled():
        ax = figure.axes[0]
        ax.set_title(f"{short(name)}: {ax.get_title(loc='left')}")
        ax.set_xlabel(f"SHAP value: contribution to the score (right: towards {short(name)})")
    return figure


def class_waterfall(name: str, explanation: Explanation, features: Features, row: int) -> Figure:
    """Draw how one specimen's score of one class comes about."""
    figure = waterfall_figure(explanation, features, row)
    end = explanation.base + float(explanation.values[row].sum())
    with styled():
        ax = figure.axes[0]
        ax.set_title(f"{short(name)}: base {number(explanation.base, 2)} to score {number(end, 2)}")
        ax.set_xlabel(f"score of {short(name)}\n(orange: towards it, blue: away from it)")
    return figure


def class_study_figures(cohort: Cohort, model: MulticlassModel, evaluation: ClassEvaluation) -> dict[str, bytes]:
    """Return the figures of a study as PNG files by name: ``roc``, ``confusion``, and ``shap_<k>`` of each class."""
    figures = {"roc": png(class_roc_figure(evaluation)), "confusion": png(confusion_figure(evaluation))}
    each = zip(model.classes, model.explain(cohort.measurements), model.features(cohort.measurements), strict=True)
    for k, (name, explanation, features) in enumerate(each, start=1):
        figures[f"shap_{k}"] = png(class_beeswarm(name, explanation, features))
    return figures

"""Figures of what calls are worth and of how far explanations move: the decision curve, SHAP over the outer folds' models."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from exodx.evaluation import BenefitCurve, ExplanationStability, FeatureStability
from exodx.evaluation.check_text import percent
from exodx.panel.markers import read_markers
from exodx.report.style import CASE, FAINT, INK, OTHER, QUIET, canvas, short, styled
from exodx.report.words import feature_label, number, rank_range

ROW_INCHES = 0.36
BELOW = -0.3
"""Share of the prevalence that is shown below 0: further down every curve only says that the threshold is out of its reach."""

COLUMNS = (8, 48, 92)
"""Where the columns beside the bars start, in points from the right end of the axes."""


def benefit_figure(curve: BenefitCurve) -> Figure:
    """Draw net benefit against the threshold probability: the model with its 95 % band, calling everyone and no one positive.

    Parameters
    ----------
    curve : BenefitCurve
    """
    with styled():
        figure = canvas(7.6, 4.0)
        ax = figure.add_subplot()
        ax.axhline(0, color=QUIET, lw=1.2, label="no one called positive")
        ax.plot(
            (0.0, *curve.thresholds), (curve.prevalence, *curve.treat_all), color=CASE, lw=1.4, label="everyone called positive"
        )
        ax.fill_between(curve.thresholds, curve.lower, curve.upper, color=OTHER, alpha=0.16, lw=0, label="pointwise 95 % band")
        ax.plot(curve.thresholds, curve.model, color=OTHER, lw=1.8, label="by the model")
        if curve.threshold is not None and curve.threshold <= curve.thresholds[-1]:
            ax.axvline(
                curve.threshold, color=INK, lw=0.8, ls=(0, (4, 3)), label=f"the model's threshold, {number(curve.threshold)}"
            )
        top = 1.1 * max(curve.prevalence, *curve.upper)
        ax.set(xlim=(0, curve.thresholds[-1]), ylim=(BELOW * curve.prevalence, top))
        ax.set(xlabel="threshold: risk from which a specimen is called positive", ylabel="net benefit per subject tested")
        at = f"prevalence {curve.prevalence:g}" if curve.stated else f"at their share of positives, {number(curve.prevalence)}"
        ax.set_title(f"Decision curve, {curve.n} specimens, {at}")
        ax.legend(loc="upper right", fontsize=8)
    return figure


def stability_figure(stability: ExplanationStability, final: dict[str, float], top: int = 15) -> Figure:
    """Draw mean |SHAP| of held-out specimens over the outer folds' models, in the order of the final model's beeswarm.

    Parameters
    ----------
    stability : ExplanationStability
    final : dict of str to float
        Mean |SHAP| of the final model's features over its training specimens, the most important first.
    top : int
        Number of features shown.
    """
    by_name = {f.feature: f for f in stability.features}
    rows = [(name, by_name.get(name), value) for name, value in list(final.items())[:top]]
    markers = read_markers()
    with styled():
        figure = canvas(7.6, 1.9 + ROW_INCHES * len(rows))
        ax = figure.add_subplot()
        for y, (_, held, value) in enumerate(rows):
            ax.axhline(y, color=FAINT, lw=0.6, zorder=0)
            _row(ax, y, held, value)
        ax.plot([], [], "D", ms=5, mfc="white", mec=INK, label="final model, its training specimens")
        ax.barh([0], [0], color=OTHER, alpha=0.55, label="mean and 95 % range over folds, specimens held out")
        ax.set_yticks(range(len(rows)), [feature_label(markers, name, short(name)) for name, _, _ in rows])
        ax.set(ylim=(len(rows) - 0.4, -1.0), xlabel="mean |SHAP|, log-odds")
        ax.set_xlim(left=0)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        figure.legend(loc="outside lower left", fontsize=8, ncols=2)
        for x, text in zip(COLUMNS, ("rank", f"in top {stability.top}", "direction"), strict=True):
            _beside(ax, -0.8, x, text, 7)
        ax.set_title(f"SHAP over {stability.folds} outer folds, each model on the specimens it never saw")
    return figure


def _row(ax: Any, y: int, held: FeatureStability | None, final: float) -> None:
    ax.plot([final], [y], "D", ms=5, mfc="white", mec=INK, zorder=4, clip_on=False)
    if held is None:
        _beside(ax, y, COLUMNS[0], "in no fold's model", 8)
        return
    ax.barh([y], [held.mean_abs_shap], height=0.62, color=OTHER, alpha=0.55)
    ax.hlines(y, held.lower, held.upper, color=INK, lw=1.2, zorder=3)
    agree = "" if held.agree is None else f"{held.direction} {percent(held.agree)}"
    for x, text in zip(COLUMNS, (rank_range(held), percent(held.top), agree), strict=True):
        _beside(ax, y, x, text, 8)


def _beside(ax: Any, y: float, points: float, text: str, size: int) -> None:
    at = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    ax.annotate(text, (1, y), (points, 0), **at, va="center", fontsize=size, color=QUIET)

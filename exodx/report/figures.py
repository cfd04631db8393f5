"""Figures of how good a model is: ROC, calibration, sites."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from exodx.evaluation import CalibrationBin, Evaluation, PanelCurve
from exodx.report.style import FAINT, INK, OTHER, QUIET, canvas, short, styled
from exodx.report.words import interval, is_inside, number, sentence
from exodx.stats import Estimate

CURVE_NOTE = (
    "Curve: mean out-of-fold log-odds of each specimen.\n"
    "AUC: cases against controls of the same fold, so the two may differ a little."
)
ROW_INCHES = 0.34
CORNER = (0.4, 0.2)
"""Probabilities from which, and observed shares up to which, the words of the calibration figure stand, unless a point does."""
RIGHT_BELOW, LEFT_ABOVE = (0.98, 0.03, "right", "bottom"), (0.03, 0.85, "left", "top")


def roc_figure(evaluation: Evaluation) -> Figure:
    """Draw the ROC curve with its pointwise 95 % band, the chance line and the headline.

    Parameters
    ----------
    evaluation : Evaluation
    """
    roc, flow = evaluation.roc, evaluation.flow
    with styled():
        figure = canvas(5.4, 5.6)
        ax = figure.add_subplot()
        ax.plot([0, 1], [0, 1], color=QUIET, lw=0.8, ls=(0, (4, 3)), label="chance")
        ax.fill_between(roc.one_minus_specificity, roc.lower, roc.upper, color=OTHER, alpha=0.16, lw=0, label="pointwise 95 % band")
        ax.plot((0.0, *roc.one_minus_specificity), (0.0, *roc.sensitivity), color=OTHER, lw=1.8, label="ROC curve")
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", xlabel="1 − specificity", ylabel="sensitivity")
        ax.set_title(f"ROC curve, {flow['scored']} specimens{_classes(evaluation)}")
        ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.2), fontsize=8)
        ax.text(0.985, 0.035, _auc_text(evaluation), transform=ax.transAxes, ha="right", va="bottom", linespacing=1.5)
        if is_inside(evaluation):
            _note(figure, CURVE_NOTE)
    return figure


def _classes(evaluation: Evaluation) -> str:
    """Say how many specimens of each class were scored, where that is known."""
    flow = evaluation.flow
    if evaluation.described is not None:
        positive, negative = (arm.specimens for arm in evaluation.described.arms)
    elif flow["scored"] == flow["positive"] + flow["negative"]:
        positive, negative = flow["positive"], flow["negative"]
    else:
        return ""
    return f" ({positive} positive, {negative} negative)"


def _auc_text(evaluation: Evaluation) -> str:
    """The headline, and where it comes from another design than the curve, the curve's own AUC too."""
    head = evaluation.headline
    limits = interval(head.lower, head.upper)
    lines = [f"{head.name} {number(head.value)}" + (f" (95 % CI {limits})" if limits else ""), head.design]
    own = {e.name: e for e in evaluation.estimates}["auc"]
    if own.value != head.value:
        lines += [f"this curve: {number(own.value)}, random cross-validation"]
    return "\n".join(lines)


def _note(figure: Figure, text: str) -> None:
    figure.supxlabel(text, x=0.02, ha="left", fontsize=7, color=QUIET)


def calibration_figure(evaluation: Evaluation) -> Figure:
    """Draw observed shares against probabilities, with Wilson 95 % bars, and the size of each group below.

    Parameters
    ----------
    evaluation : Evaluation
    """
    bins = evaluation.calibration
    with styled():
        figure = canvas(5.4, 5.9)
        upper, lower = figure.subplots(2, 1, height_ratios=(6, 1), sharex=True)
        upper.plot([0, 1], [0, 1], color=QUIET, lw=0.8, ls=(0, (4, 3)), label="ideal")
        _bars(upper, bins)
        upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="observed share positive")
        upper.set_title(f"Calibration, {sum(b.n for b in bins)} specimens in {len(bins)} groups by probability")
        x, y, ha, va = RIGHT_BELOW if all(b.probability < CORNER[0] or b.lower > CORNER[1] for b in bins) else LEFT_ABOVE
        upper.text(x, y, _calibration_text(evaluation), transform=upper.transAxes, ha=ha, va=va, linespacing=1.5)
        upper.legend(loc="upper left", fontsize=8)
        lower.vlines([b.probability for b in bins], 0, [b.n for b in bins], color=FAINT, lw=7)
        lower.set(ylim=(0, 1.25 * max(b.n for b in bins)), xlabel="probability by the model (mean of the group)", ylabel="n")
        lower.locator_params(axis="y", nbins=2)
    return figure


def _bars(ax: Any, bins: tuple[CalibrationBin, ...]) -> None:
    x, y = [b.probability for b in bins], [b.observed for b in bins]
    spread = [[max(0.0, b.observed - b.lower) for b in bins], [max(0.0, b.upper - b.observed) for b in bins]]
    ax.errorbar(x, y, yerr=spread, fmt="o", ms=5, color=OTHER, ecolor=OTHER, elinewidth=1.1, label="observed, Wilson 95 %")


def _calibration_text(evaluation: Evaluation) -> str:
    named = {e.name: e for e in evaluation.estimates}
    keys = (("slope", "calibration_slope"), ("intercept", "calibration_intercept"), ("Brier score", "brier"))
    return "\n".join(f"{word} {_value(named[key])}" for word, key in keys if key in named)


def _value(estimate: Estimate) -> str:
    limits = interval(estimate.lower, estimate.upper)
    return number(estimate.value) + (f" ({limits})" if limits else "")


def sites_figure(evaluation: Evaluation) -> Figure | None:
    """Draw the AUC of each held-out site and their pooled estimate; None where the evaluation has no sites.

    Parameters
    ----------
    evaluation : Evaluation
    """
    if not evaluation.sites:
        return None
    named = {e.name: e for e in evaluation.estimates}
    rows = [(f"{short(s.site, 20)}  ({s.n_positive} of {s.n} positive, {s.auc.n} scored)", s.auc, "site") for s in evaluation.sites]
    if "auc_leave_one_site_out" in named:
        rows.append(("pooled over sites, random effects", named["auc_leave_one_site_out"], "pooled"))
    random = "random cross-validation" if is_inside(evaluation) else "all specimens together"
    rows.append((random, named["auc"], "random"))
    with styled():
        figure = canvas(7.6, 1.5 + ROW_INCHES * len(rows))
        ax = figure.add_subplot()
        lowest = min([0.5, *(e.lower for _, e, _ in rows if e.lower is not None)])
        ax.axvline(0.5, color=QUIET, lw=0.8, ls=(0, (4, 3)))
        for y, (_, estimate, kind) in enumerate(rows):
            _forest_row(ax, y, estimate, kind)
        ax.set_yticks(range(len(rows)), [text for text, _, _ in rows])
        ax.set(xlim=(lowest - 0.03, 1.005), ylim=(len(rows) - 0.4, -0.6), xlabel="AUC, 95 % interval (dashed: chance)")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        held = "each held out whole" if is_inside(evaluation) else "each scored by the frozen model"
        ax.set_title(f"AUC by site, {len(evaluation.sites)} sites, {held}")
    return figure


def _forest_row(ax: Any, y: int, estimate: Estimate, kind: str) -> None:
    if estimate.value is None:
        ax.text(0.02, y, short(sentence(estimate), 80), transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=QUIET)
        return
    ax.text(1.02, y, _value(estimate), transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    marker, size, colour = {"site": ("s", 5, OTHER), "pooled": ("D", 8, INK), "random": ("o", 5, QUIET)}[kind]
    if estimate.lower is not None:
        ax.hlines(y, estimate.lower, estimate.upper, color=colour, lw=1.4)
    ax.plot([estimate.value], [y], marker, ms=size, color=colour, mfc="white" if kind == "random" else colour)


def panel_size_figure(curve: PanelCurve) -> Figure:
    """Draw AUC against panel size with 95 % bars and the smallest panel that is as good, and the stability of the choice below.

    Parameters
    ----------
    curve : PanelCurve
    """
    with styled():
        figure = canvas(7.6, 4.8)
        upper, lower = figure.subplots(2, 1, height_ratios=(3, 1.3), sharex=True)
        places = range(len(curve.sizes))
        upper.axhline(0.5, color=QUIET, lw=0.8, ls=(0, (4, 3)))
        _points(upper, [s.auc for s in curve.sizes], OTHER)
        _points(lower, [s.stability for s in curve.sizes], QUIET)
        for place, entry in zip(places, curve.sizes, strict=True):
            if entry.size == curve.minimal and entry.auc.value is not None:
                upper.plot(
                    [place], [entry.auc.value], "o", ms=13, mfc="none", mec=INK, mew=1.2, label="smallest within 1 SE of the best"
                )
                upper.legend(loc="lower right", fontsize=8)
        lows = [e.lower if e.lower is not None else e.value for e in (s.auc for s in curve.sizes) if e.value is not None]
        upper.set(ylim=(min(0.45, *(low - 0.03 for low in lows), 0.45), 1.01), ylabel="AUC, 95 % interval")
        lower.set(ylim=(-0.3, 1.1), ylabel="stability", xlabel="analytes in the panel (the last: all)")
        lower.set_xticks(list(places), [str(s.size) for s in curve.sizes])
        upper.set_title("Performance against panel size, specimens held out")
    return figure


def _points(ax: Any, estimates: list[Estimate], colour: str) -> None:
    known = [(place, e.value, e.lower, e.upper) for place, e in enumerate(estimates) if e.value is not None]
    ax.plot([k[0] for k in known], [k[1] for k in known], "-o", ms=5, lw=1.2, color=colour)
    for place, _, low, high in known:
        if low is not None and high is not None:
            ax.vlines(place, low, high, color=colour, lw=1.4)

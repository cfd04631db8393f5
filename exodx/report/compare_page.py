"""A comparison of two models as one self-contained page; no specimen's id or row is on it."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from exodx.evaluation.paired import Curves, PairedComparison
from exodx.evaluation.side_by_side import NOT_PAIRED, SideBySide
from exodx.report.compare_text import cohort_sentence, headline_words, share_sentence, short
from exodx.report.rendering import inline_svg, render
from exodx.report.style import CASE, OTHER, QUIET, canvas, picture, styled
from exodx.report.words import SIMULATED, interval, number

COLOURS = (OTHER, CASE)
CAPTIONS = (
    "ROC curves of both on the same specimens; how sure the difference is stands in the table.",
    "Observed share of positives against probability, in groups, with Wilson intervals.",
    "Net benefit of both at each threshold.",
)


def comparison_page(names: tuple[str, str], stored: SideBySide | None, paired: PairedComparison | None) -> str:
    """Return a comparison as one HTML page.

    Parameters
    ----------
    names : tuple of str
        Of model A and model B.
    stored : SideBySide or None
    paired : PairedComparison or None
    """
    head = None if paired is None else paired.estimates[0].difference
    figures = [] if paired is None else [_roc(paired.curves), _calibration(paired.curves), _benefit(paired.curves)]
    return render(
        "compare.html",
        title=f"{names[0]} and {names[1]}",
        names=names,
        stored=stored,
        paired=paired,
        difference=head,
        limits="" if head is None else interval(head.lower, head.upper),
        simulated=SIMULATED if paired is not None and paired.synthetic else "",
        shares=()
        if paired is None
        else (share_sentence("positive", paired.sensitivity), share_sentence("negative", paired.specificity)),
        headlines=() if stored is None else (headline_words(stored, 0), headline_words(stored, 1)),
        cohorts="" if stored is None or stored.same_cohort is None else cohort_sentence(stored),
        not_paired=NOT_PAIRED,
        short=short,
        figures=[
            (caption, inline_svg(picture(figure).svg, f"pair-{k}", caption))
            for k, (caption, figure) in enumerate(zip(CAPTIONS, figures, strict=False))
        ],
    )


def _roc(curves: tuple[Curves, Curves]) -> Figure:
    with styled():
        figure = canvas(5.0, 5.2)
        ax = figure.add_subplot()
        ax.plot([0, 1], [0, 1], color=QUIET, lw=0.8, ls=(0, (4, 3)))
        for word, colour, each in zip("AB", COLOURS, curves, strict=True):
            roc = each.roc
            ax.plot((0.0, *roc.one_minus_specificity), (0.0, *roc.sensitivity), color=colour, lw=1.8, label=f"model {word}")
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", xlabel="1 − specificity", ylabel="sensitivity")
        ax.set_title("ROC curves")
        ax.legend(loc="lower right", fontsize=8)
    return figure


def _calibration(curves: tuple[Curves, Curves]) -> Figure:
    with styled():
        figure = canvas(5.0, 5.2)
        ax = figure.add_subplot()
        ax.plot([0, 1], [0, 1], color=QUIET, lw=0.8, ls=(0, (4, 3)))
        for word, colour, each in zip("AB", COLOURS, curves, strict=True):
            _bars(ax, each, colour, f"model {word}")
        ax.set(
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
            aspect="equal",
            xlabel="probability by the model",
            ylabel="observed share positive",
        )
        ax.set_title("Calibration")
        ax.legend(loc="upper left", fontsize=8)
    return figure


def _bars(ax: Any, curves: Curves, colour: str, name: str) -> None:
    bins = curves.calibration
    spread = [[max(0.0, b.observed - b.lower) for b in bins], [max(0.0, b.upper - b.observed) for b in bins]]
    x, y = [b.probability for b in bins], [b.observed for b in bins]
    ax.errorbar(x, y, yerr=spread, fmt="o", ms=5, color=colour, elinewidth=1.1, label=name)


def _benefit(curves: tuple[Curves, Curves]) -> Figure:
    first = curves[0].benefit
    with styled():
        figure = canvas(7.6, 4.0)
        ax = figure.add_subplot()
        ax.axhline(0, color=QUIET, lw=1.2, label="no one called positive")
        ax.plot(
            (0.0, *first.thresholds), (first.prevalence, *first.treat_all), color=QUIET, lw=1.2, ls=(0, (4, 3)), label="everyone"
        )
        for word, colour, each in zip("AB", COLOURS, curves, strict=True):
            ax.plot(each.benefit.thresholds, each.benefit.model, color=colour, lw=1.8, label=f"model {word}")
        top = 1.1 * max(first.prevalence, *(value for each in curves for value in each.benefit.model))
        ax.set(xlim=(0, max(each.benefit.thresholds[-1] for each in curves)), ylim=(-0.3 * first.prevalence, top))
        ax.set(xlabel="threshold: risk from which a specimen is called positive", ylabel="net benefit per subject tested")
        at = f"prevalence {first.prevalence:g}" if first.stated else f"at their share of positives, {number(first.prevalence)}"
        ax.set_title(f"Decision curves, {first.n} specimens, {at}")
        ax.legend(loc="upper right", fontsize=8)
    return figure

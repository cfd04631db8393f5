"""Figures of what comes after a model is frozen: how far a new cohort lies from training's, and how one subject changes."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from exodx.errors import InputRefused, Problem
from exodx.evaluation import Change, ChangeLimit, CohortShift, FeatureShift, Monitoring
from exodx.evaluation.shift import LEVEL, PSI_LARGE, PSI_MODERATE
from exodx.report.style import CASE, FAINT, INK, OTHER, QUIET, canvas, short, styled
from exodx.report.words import number
from exodx.stats.numbers import p_value

ROW_INCHES = 0.34
BESIDE = (8, 68)
"""Where the columns beside the axes start, in points from their right end."""
ACROSS = 3
"""Analytes beside one another."""


def shift_figure(shift: CohortShift, top: int = 20) -> Figure:
    """Draw how far each feature's distribution lies from training's: the KS distance, from 200 subjects the stability index.

    Parameters
    ----------
    shift : CohortShift
        Of an external evaluation: ``evaluation.shift``.
    top : int
        Number of features shown, those that lie furthest away.

    Raises
    ------
    InputRefused
        When nothing was compared; ``shift.reason`` says why.
    """
    many = any(f.psi is not None for f in shift.features)
    known = [(f, value) for f in shift.features if (value := f.psi if many else f.distance) is not None]
    if not known:
        found = shift.reason or "no feature has values to compare"
        raise InputRefused(Problem("NOTHING_COMPARED", "the figure of shift", found, "Leave the figure out."))
    rows = sorted(known, key=lambda row: -row[1])[:top]
    with styled():
        figure = canvas(7.6, 1.7 + ROW_INCHES * len(rows))
        ax = figure.add_subplot()
        for y, (feature, value) in enumerate(rows):
            ax.axhline(y, color=FAINT, lw=0.6, zorder=0)
            colour = CASE if _is_shifted(feature) else OTHER
            ax.hlines(y, 0, value, color=colour, lw=2.2)
            ax.plot([value], [y], "D" if _is_shifted(feature) else "o", ms=6, color=colour)
            if feature.psi_by_chance is not None:
                ax.plot([feature.psi_by_chance], [y], "|", ms=11, color=INK)
            _beside(ax, y, BESIDE[0], _tested(feature))
            _beside(ax, y, BESIDE[1], f"{100 * feature.missing:.0f} % ({100 * feature.missing_training:.0f} %)")
        _beside(ax, -0.8, BESIDE[0], "chance alone" if many else "p (Holm)", 7)
        _beside(ax, -0.8, BESIDE[1], "missing (training)", 7)
        ax.set_yticks(range(len(rows)), [short(feature.feature) for feature, _ in rows])
        ax.set(
            ylim=(len(rows) - 0.4, -1.0), xlabel="stability index (PSI)" if many else "Kolmogorov–Smirnov distance from training"
        )
        ax.set_xlim(0, 1.05 * max(PSI_LARGE if many else 0.3, *(value for _, value in rows)))
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        _keys(figure, ax, many)
        ax.set_title(f"{shift.n_subjects} subjects against training's, feature by feature")
    return figure


def _is_shifted(feature: FeatureShift) -> bool:
    if feature.psi is not None:
        return feature.psi - (feature.psi_by_chance or 0.0) > PSI_MODERATE
    return feature.p is not None and feature.p < LEVEL


def _tested(feature: FeatureShift) -> str:
    if feature.psi is not None:
        return number(feature.psi_by_chance)
    return "–" if feature.p is None else p_value(feature.p)


def _keys(figure: Figure, ax: Any, many: bool) -> None:
    beyond = f"more than {PSI_MODERATE:g} beyond chance" if many else f"p below {LEVEL:g}"
    ax.plot([], [], "D", ms=6, color=CASE, label=f"shifted: {beyond}")
    ax.plot([], [], "o", ms=6, color=OTHER, label="not told from chance" if not many else "less")
    if many:
        ax.plot([], [], "|", ms=11, color=INK, label="chance alone")
    figure.legend(loc="outside lower left", fontsize=8, ncols=3)


def _beside(ax: Any, y: float, points: float, text: str, size: int = 8) -> None:
    at = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    ax.annotate(text, (1, y), (points, 0), **at, va="center", fontsize=size, color=QUIET)


def changes_figure(found: Monitoring, subject: str) -> Figure:
    """Draw one subject's later specimens against its first, analyte by analyte, with the limits of a steady subject.

    Parameters
    ----------
    found : Monitoring
    subject : str

    Raises
    ------
    InputRefused
        When the subject has no later specimen.
    """
    own = [change for change in found.changes if change.subject == subject]
    if not own:
        fix = "Name one of found.changes: specimens of two dates are needed."
        raise InputRefused(Problem("SUBJECT_UNKNOWN", "the figure of changes", f"no later specimen of {subject!r}", fix))
    across = min(ACROSS, len(found.limits))
    down = -(-len(found.limits) // across)
    with styled():
        figure = canvas(0.9 + 2.5 * across, 0.8 + 2.5 * down)
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for ax, limit in zip(axes, found.limits, strict=False):
            _trace(ax, limit, [change for change in own if change.analyte == limit.analyte])
        for ax in axes[len(found.limits) :]:
            ax.set_visible(False)
        axes[0].plot([], [], "o-", ms=6, lw=1.2, color=OTHER, label="within")
        axes[0].plot([], [], "D", ms=7, color=CASE, label="beyond the limits")
        axes[0].fill_between([], [], [], color=FAINT, label=f"{100 * found.level:g} % of steady subjects")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", fontsize=8, ncols=3)
        figure.suptitle(
            f"{short(subject)}: change from the first specimen, {own[0].first_date}",
            x=0.01,
            ha="left",
            fontsize=10,
            fontweight="bold",
        )
    return figure


def _trace(ax: Any, limit: ChangeLimit, changes: list[Change]) -> None:
    """Draw one analyte: the band of its limits, and the specimens in order of date."""
    places = range(len(changes) + 1)
    values = [0.0, *(float("nan") if change.difference is None else change.difference for change in changes)]
    if limit.limit is not None:
        ax.axhspan(-limit.limit, limit.limit, color=FAINT, alpha=0.7, lw=0)
        for at, share in ((limit.limit, limit.rise), (-limit.limit, limit.fall)):
            words = f"{at:+.2g}" if share is None else f"{100 * share:+.0f} %"
            ax.annotate(
                words.replace("-", "−"),
                (1, at),
                (3, 0),
                xycoords=ax.get_yaxis_transform(),
                textcoords="offset points",
                va="center",
                fontsize=7,
                color=QUIET,
            )
    ax.axhline(0, color=QUIET, lw=0.8, ls=(0, (4, 3)))
    ax.plot(places, values, "o-", ms=5, lw=1.2, color=OTHER)
    beyond = [place for place, change in enumerate(changes, 1) if change.finding in ("rise", "fall")]
    ax.plot(beyond, [values[place] for place in beyond], "D", ms=8, color=CASE, zorder=4)
    ax.set_xticks(list(places), ["first", *(change.date for change in changes)], fontsize=7, rotation=30, ha="right")
    ax.set_xlim(-0.3, len(changes) + 0.3)
    unit = "log2" if limit.scale == "log2" else "own scale"
    ax.set_ylabel(f"difference, {unit}", fontsize=8)
    ax.set_title(short(limit.analyte))

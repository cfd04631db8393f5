"""Figures of a check: the state of every analyte's cells, what the quality rules see, and the levels of plates."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from exodx.evaluation.check import CohortCheck
from exodx.evaluation.check_tables import AnalyteRow, ReferenceRow, Spread
from exodx.evaluation.check_text import rows_shown
from exodx.report.style import CASE, FAINT, INK, OTHER, QUIET, canvas, short, styled

MOST_ANALYTES, WORST, MOST_PLATES, BINS = 60, 30, 40, 24
ROW_INCHES = 0.17
SMALL = (4.4, 3.2)

STATE_COLOURS = MappingProxyType(
    {
        "detected": OTHER,
        "no reads, or Ct too high": "#9ecae1",
        "below LOD": "#e6b800",
        "undetermined": "#f0e0a0",
        "not run": FAINT,
        "failed quality control": INK,
        "above LOQ": CASE,
    }
)
CLASS_COLOURS = MappingProxyType({"positive": CASE, "negative": OTHER, "all": OTHER})
AXES = MappingProxyType(
    {
        "haemolysis_ct": "Ct(miR-23a-3p) − Ct(miR-451a)",
        "haemolysis_counts": "mean log2 CPM, haemolysis signature − others",
        "depth": "reads in the panel's analytes",
        "detection": "share of targets detected",
        "spike": "Ct of the spike-in",
    }
)
TITLES = MappingProxyType(
    {
        "haemolysis_ct": "Haemolysis",
        "haemolysis_counts": "Haemolysis, by counts",
        "depth": "Library sizes",
        "detection": "Detection",
    }
)


def states_figure(check: CohortCheck) -> Figure:
    """Draw the share of specimens in each state for every analyte; of more than 60, the controls and those detected least."""
    many = len(check.analytes) > MOST_ANALYTES
    rows = rows_shown(check.analytes, WORST if many else MOST_ANALYTES)
    shares = np.array([_shares(row) for row in rows])
    with styled():
        figure = canvas(7.6, 1.3 + ROW_INCHES * len(rows))
        ax = figure.add_subplot()
        left = np.zeros(len(rows))
        for column, (state, colour) in enumerate(STATE_COLOURS.items()):
            if shares[:, column].any():
                ax.barh(range(len(rows)), shares[:, column], left=left, height=0.82, color=colour, label=state)
            left += shares[:, column]
        ax.set_yticks(range(len(rows)), [short(row.label, 34) for row in rows], fontsize=7)
        ax.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xlabel="share of specimens")
        ax.tick_params(axis="y", length=0)
        of = f"{len(rows)} of {len(check.analytes)} analytes: controls, then those detected least"
        ax.set_title(of if many else f"State of every cell, {len(rows)} analytes")
        figure.legend(loc="outside lower left", ncols=4, fontsize=8)
    return figure


def detection_figure(check: CohortCheck) -> Figure | None:
    """Draw in what share of the specimens the analytes were detected; None where every one has a row of its own."""
    if len(check.analytes) <= MOST_ANALYTES:
        return None
    with styled():
        figure = canvas(*SMALL)
        ax = figure.add_subplot()
        ax.hist([row.seen for row in check.analytes], np.linspace(0, 1, 21).tolist(), color=OTHER, edgecolor="white", linewidth=0.4)
        ax.set(xlim=(0, 1), xlabel="share of specimens in which it was detected", ylabel="analytes")
        ax.set_title(f"Detection of {len(check.analytes)} analytes")
    return figure


def _shares(row: AnalyteRow) -> tuple[float, ...]:
    states = (row.below_lod, row.undetermined, row.not_run, row.failed_qc, row.above_loq)
    n = max(row.measured + sum(states), 1)
    detected = min(max(row.seen - row.above_loq / n, 0.0), row.measured / n)
    return (detected, row.measured / n - detected, *(count / n for count in states))


def spread_figure(spread: Spread) -> Figure | None:
    """Draw how a quantity lies over the specimens of each class, with its limits; None where there is nothing to see."""
    values = spread.all
    counted = spread.kind == "depth"
    if counted:
        values = values[values > 0]
    if values.size < 2 or np.ptp(values) == 0:
        return None
    with styled():
        figure = canvas(*SMALL)
        ax = figure.add_subplot()
        edges = _edges(values, counted)
        parts = [(word, np.array(part)) for word, part in spread.values.items() if part]
        labels = [f"{word} (n = {len(part)})" if word != "all" else f"n = {len(part)}" for word, part in parts]
        colours = [CLASS_COLOURS[word] for word, _ in parts]
        ax.hist(
            [part for _, part in parts], edges.tolist(), stacked=True, color=colours, label=labels, edgecolor="white", linewidth=0.4
        )
        if counted:
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
            ax.xaxis.set_minor_formatter(NullFormatter())
        _limits(ax, spread, edges)
        ax.set(xlabel=AXES.get(spread.kind, spread.name), ylabel="specimens")
        ax.set_ylim(0, 1.12 * ax.get_ylim()[1])
        ax.set_title(TITLES.get(spread.kind, f"Spike-in {short(spread.name)}"))
        figure.legend(loc="outside lower left", ncols=2, fontsize=8)
    return figure


def _edges(values: NDArray[np.float64], counted: bool) -> NDArray[np.float64]:
    if counted:
        return np.geomspace(values.min() * 0.98, values.max() * 1.02, BINS + 1)
    return np.linspace(values.min(), values.max(), BINS + 1)


def _limits(ax: Any, spread: Spread, edges: NDArray[np.float64]) -> None:
    """Draw the limits; the axis reaches a little beyond each that is not far away."""
    for limits, style, word in ((spread.flag, (0, (4, 3)), "flags"), (spread.refuse, "-", "refuses")):
        for k, limit in enumerate(limits):
            label = f"{word} ({'/'.join(f'{x:.4g}' for x in limits)})" if k == 0 else None
            ax.axvline(limit, color=INK, lw=1.1, ls=style, label=label)
    reach = [*edges[[0, -1]], *spread.flag, *spread.refuse]
    if spread.kind == "depth":
        ax.set_xlim(min(reach) / 1.3, max(reach) * 1.3)
    else:
        pad = 0.03 * (max(reach) - min(reach))
        ax.set_xlim(min(reach) - pad, max(reach) + pad)


def references_figure(check: CohortCheck) -> Figure | None:
    """Draw how steady each reference candidate is over the cohort, by geNorm and by NormFinder; None for fewer than two.

    Parameters
    ----------
    check : CohortCheck
    """
    rows = sorted((row for row in check.references if row.m is not None), key=lambda row: row.m or 0.0)
    if len(rows) < 2:
        return None
    with styled():
        figure = canvas(7.6, 1.5 + 0.28 * len(rows))
        left, right = figure.subplots(1, 2, sharey=True)
        tagged = [row.haemolysis_marker or row.disease_marker or row.small_nuclear for row in rows]
        for ax, values, label in (
            (left, [row.m for row in rows], "geNorm: M (left is steadier)"),
            (right, [row.rho for row in rows], "NormFinder: ρ (left is steadier)"),
        ):
            known = [(y, value, tag) for y, (value, tag) in enumerate(zip(values, tagged, strict=True)) if value is not None]
            for tag, colour, mark, word in ((False, OTHER, "o", "candidate"), (True, CASE, "D", "also a marker of something else")):
                places = [(value, y) for y, value, bears in known if bears is tag]
                ax.hlines([y for _, y in places], 0, [x for x, _ in places], color=colour, lw=1.2)
                if places:
                    ax.scatter(*zip(*places, strict=True), s=34, color=colour, marker=mark, label=word, zorder=3)
            ax.set(xlim=(0, None), xlabel=label, ylim=(len(rows) - 0.4, -0.6))
            ax.tick_params(axis="y", length=0)
        left.set_yticks(range(len(rows)), [short(row.analyte) + _tag(row) for row in rows])
        figure.suptitle(f"Reference candidates ({len(rows)})", x=0.01, ha="left", fontsize=10, fontweight="bold")
        handles = {word: handle for ax in (left, right) for handle, word in zip(*ax.get_legend_handles_labels(), strict=True)}
        figure.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=2, fontsize=8)
    return figure


def _tag(row: ReferenceRow) -> str:
    tags = (("haemolysis", row.haemolysis_marker), ("disease", row.disease_marker), ("small nuclear", row.small_nuclear))
    bears = [word for word, is_so in tags if is_so]
    return f" ({', '.join(bears)})" if bears else ""


def plates_figure(check: CohortCheck) -> Figure | None:
    """Draw the mean level of each plate with its SD; None where fewer than two plates have one."""
    plates = [p for p in check.plates if p.mean is not None]
    if len(plates) < 2:
        return None
    shown = plates[:MOST_PLATES]
    with styled():
        figure = canvas(SMALL[0], 1.3 + 0.24 * len(shown))
        ax = figure.add_subplot()
        ax.axvline(0, color=QUIET, lw=0.8, ls=(0, (4, 3)))
        means = [p.mean for p in shown if p.mean is not None]
        spread = [p.sd or 0.0 for p in shown]
        ax.errorbar(means, range(len(shown)), xerr=spread, fmt="o", ms=5, color=OTHER, elinewidth=1.1)
        names = [short(p.plate, 20) + f"  (n = {p.n}" + (")" if p.positive is None else f", {p.positive} +)") for p in shown]
        ax.set_yticks(range(len(shown)), names, fontsize=7)
        ax.set(ylim=(len(shown) - 0.4, -0.6), xlabel="mean level off the cohort's median (Ct or log2), SD")
        ax.tick_params(axis="y", length=0)
        ax.set_title(f"Plates, {len(shown)} of {len(plates)}" if len(shown) < len(plates) else f"Plates ({len(plates)})")
    return figure

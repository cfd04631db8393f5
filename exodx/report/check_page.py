"""A check as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator

from exodx.evaluation.check import CohortCheck, findings_by_code
from exodx.evaluation.check_text import STATES, middle, percent, rows_shown, spread_sentence
from exodx.report.check_figures import detection_figure, plates_figure, spread_figure, states_figure
from exodx.report.rendering import data_uri, render
from exodx.report.style import png
from exodx.report.words import SIMULATED, number

MOST_ANALYTES, MOST_SPECIMENS, MOST_OF_A_KIND, MOST_SPREADS = 200, 60, 3, 12


def check_page(check: CohortCheck) -> str:
    """Return a check as one HTML page: verdict, findings, tables, figures; nothing is fetched and nothing runs.

    Parameters
    ----------
    check : CohortCheck
    """
    kinds = [
        (severity, code, found[:MOST_OF_A_KIND], max(0, len(found) - MOST_OF_A_KIND))
        for (severity, code), found in findings_by_code(check.findings).items()
    ]
    return render(
        "check.html",
        title=f"{check.cohort}: {check.verdict}",
        check=check,
        simulated=SIMULATED if check.synthetic else "",
        kinds=kinds,
        columns={
            column: [g for g in check.groups if g.column == column] for column in dict.fromkeys(g.column for g in check.groups)
        },
        analytes=rows_shown(check.analytes, MOST_ANALYTES),
        states={state: head for state, head in STATES.items() if any(getattr(r, state) for r in check.analytes)},
        specimens=sorted(check.not_ok, key=lambda s: s.status == "WARN")[:MOST_SPECIMENS],
        figures=[(wide, caption, data_uri(content)) for wide, caption, content in _figures(check)],
        middle=middle,
        percent=percent,
        spread_sentence=spread_sentence,
        rho=number,
    )


def _figures(check: CohortCheck) -> Iterator[tuple[bool, str, bytes]]:
    if any(getattr(row, state) for row in check.analytes for state in STATES):
        yield True, "What became of every analyte's cells.", png(states_figure(check))
    if (figure := detection_figure(check)) is not None:
        yield False, "Every analyte of the panel, by how often it was detected.", png(figure)
    for spread in check.spreads[:MOST_SPREADS]:
        if (figure := spread_figure(spread)) is not None:
            yield False, f"Specimens by class, with the limits of the rule. {spread.source}.", png(figure)
    if (figure := plates_figure(check)) is not None:
        yield False, "Mean and SD of each plate's specimens, before any normalisation.", png(figure)

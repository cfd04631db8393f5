"""An evaluation for the terminal: the number to quote first, then what speaks against it, then the estimates."""

from __future__ import annotations

import textwrap

from exodx.errors import RUO
from exodx.evaluation import Evaluation
from exodx.report.words import BLOCKED, by_severity, headline, label, number, sentence, site_gap

WIDTH = 90
NAME_WIDTH = 38


def evaluation_text(evaluation: Evaluation) -> str:
    """Return an evaluation as text, at most about 90 columns wide.

    Where sites exist the gap between random cross-validation and leave-one-site-out comes first.
    """
    gap = site_gap(evaluation)
    flow = ", ".join(f"{n} {what}" for what, n in evaluation.flow.items())
    lines = ["", *([gap] if gap else []), headline(evaluation)]
    if any(f.severity == "blocking" for f in evaluation.findings):
        lines.append(BLOCKED)
    lines += ["", *_wrapped(flow, ""), ""]
    for finding in by_severity(evaluation):
        lines += _wrapped(f"{finding.severity} [{finding.code}] {finding.message}", "  ")
    lines += ["", *(f"{label(e.name):<{NAME_WIDTH}} {sentence(e)}" for e in evaluation.estimates)]
    for site in evaluation.sites:
        lines.append(f"{f'  held-out {site.site}'[:NAME_WIDTH]:<{NAME_WIDTH}} {sentence(site.auc)}; {site.n_positive} of {site.n} positive")
    if evaluation.features:
        top = ", ".join(f"{f.feature} {number(f.mean_abs_shap, 2)} {f.direction}" for f in evaluation.features[:5])
        lines += ["", *_wrapped(f"mean |SHAP|, direction: {top}", "  ")]
    return "\n".join([*lines, RUO])


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)

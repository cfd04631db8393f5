"""An evaluation of several classes for the terminal: what any evaluation says, then calls by class, then what drives them."""

from __future__ import annotations

import textwrap

from exodx.errors import RUO
from exodx.evaluation import ClassEvaluation
from exodx.report.text import WIDTH, evaluation_text
from exodx.report.words import number, sentence

TOP = 4


def class_evaluation_text(evaluation: ClassEvaluation) -> str:
    """Return an evaluation of several classes as text, at most about 90 columns wide."""
    lines = [evaluation_text(evaluation.summary).removesuffix(RUO).rstrip(), ""]
    for name, sites in zip(evaluation.classes, evaluation.sites, strict=True):
        for site in sites:
            lines += _wrapped(f"{site.site}, {name}: {sentence(site.auc)}; {site.n_positive} of {site.n} are {name}")
    lines.append("Called, by class (share of the class)")
    table = evaluation.confusion
    for name, counts, shares in zip(evaluation.classes, table.counts, table.shares, strict=True):
        cells = [f"{called} {n:.4g} ({100 * s:.0f} %)" for called, n, s in zip(table.called, counts, shares, strict=True) if n]
        lines += _wrapped(f"{name} ({sum(counts):.4g}): {', '.join(cells) or 'no specimen'}")
    lines += ["", "mean |SHAP| on the score, direction"]
    for name, features in zip(evaluation.classes, evaluation.features, strict=True):
        top = ", ".join(f"{f.feature} {number(f.mean_abs_shap, 2)} {f.direction}" for f in features[:TOP])
        lines += _wrapped(f"{name}: {top}")
    return "\n".join([*lines, RUO])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)

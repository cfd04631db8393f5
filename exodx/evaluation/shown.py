"""What evaluations and checks show of themselves: one line; in a notebook what to quote or do, what speaks against it, numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from exodx.markup import card, table
from exodx.stats.numbers import interval, number

if TYPE_CHECKING:
    from exodx.evaluation.audits import Finding
    from exodx.evaluation.check import CohortCheck
    from exodx.evaluation.class_evaluation import ClassEvaluation
    from exodx.evaluation.evaluation import Evaluation, Headline

SEVERITIES = ("blocking", "warning", "note")
FIRST = (
    ("auc", "AUC"),
    ("auc_leave_one_site_out", "AUC, leave-one-site-out"),
    ("macro_auc", "macro AUC"),
    ("sensitivity", "sensitivity"),
    ("specificity", "specificity"),
    ("calibration_slope", "calibration slope"),
    ("calibration_intercept", "calibration intercept"),
    ("observed_expected", "observed over expected"),
    ("brier", "Brier score"),
    ("net_benefit", "net benefit"),
    ("auc_minus_logistic", "AUC, minus logistic regression"),
)
"""Estimates that the view shows; the others are counted."""


def evaluation_line(evaluation: Evaluation) -> str:
    """Return an evaluation in one line."""
    return f"Evaluation({_quoted(evaluation.headline)}; {_counted(evaluation.findings)}; {evaluation.flow.get('scored', 0)} scored)"


def class_evaluation_line(evaluation: ClassEvaluation) -> str:
    """Return an evaluation of several classes in one line."""
    summary = evaluation.summary
    return f"ClassEvaluation({', '.join(evaluation.classes)}: {_quoted(summary.headline)}; {_counted(summary.findings)})"


def _quoted(head: Headline) -> str:
    limits = interval(head.lower, head.upper)
    return f"{head.name} {number(head.value)}{f' (95 % CI {limits})' if limits else ''}, {head.design}"


def _counted(findings: Sequence[Finding]) -> str:
    counts = [(sum(f.severity == severity for f in findings), severity) for severity in SEVERITIES]
    return ", ".join(f"{n} {severity}" for n, severity in counts if n) or "no findings"


def evaluation_html(evaluation: Evaluation) -> str:
    """Return the headline, findings by gravity, and the first estimates."""
    return _card(evaluation, ())


def class_evaluation_html(evaluation: ClassEvaluation) -> str:
    """Return the same of several classes, and the table of calls."""
    confusion = evaluation.confusion
    rows = [
        (name, *(f"{n:g}" for n in counts), f"{share:.2f}")
        for name, counts, share in zip(evaluation.classes, confusion.counts, _right(evaluation), strict=True)
    ]
    return _card(evaluation.summary, (table(("class \\ called", *confusion.called, "right"), rows),))


def _right(evaluation: ClassEvaluation) -> list[float]:
    return [shares[place] for place, shares in enumerate(evaluation.confusion.shares)]


def _card(evaluation: Evaluation, more: Sequence[str]) -> str:
    blocked = any(finding.severity == "blocking" for finding in evaluation.findings)
    named = {estimate.name: estimate for estimate in evaluation.estimates}
    shown = [(words, named[name]) for name, words in FIRST if name in named]
    beyond = len(named) - len(shown)
    facts = (
        ("to quote", _quoted(evaluation.headline)),
        ("but", "The headline must not be claimed: a finding below blocks it." if blocked else ""),
        ("specimens", ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in evaluation.flow.items())),
        ("notes", ", ".join(finding.code for finding in evaluation.findings if finding.severity == "note")),
        ("further", f"{beyond} estimates, by evaluation.estimate(name)" if beyond else ""),
    )
    rows = [(words, number(e.value), interval(e.lower, e.upper) or e.reason) for words, e in shown]
    return card(evaluation.title, facts, _grave(evaluation.findings), table(("estimate", "value", "95 % interval"), rows), *more)


def _grave(findings: Sequence[Finding]) -> str:
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    return table(("severity", "code", "finding"), [(f.severity, f.code, f.message) for f in ordered if f.severity != "note"])


def check_line(check: CohortCheck) -> str:
    """Return a check in one line."""
    goal = f"score with {check.model}" if check.model else "train"
    kinds = f"{'ready' if check.ready else 'not ready'} to {goal}"
    return f"CohortCheck({check.cohort}: {kinds}; {_counted(check.findings)}; {check.specimens} specimens)"


def check_html(check: CohortCheck) -> str:
    """Return a check's verdict, its findings by gravity, and what the quality rules found; counts, no specimen's id."""
    classes = (
        f", {check.positive} positive ({check.positive_label}), {check.negative} negative" if check.positive is not None else ""
    )
    facts = (
        ("verdict", check.verdict),
        ("specimens", f"{check.specimens} of {check.subjects} subjects{classes}"),
        ("status", ", ".join(f"{n} {status}" for status, n in check.status.items())),
        ("panel", check.panel.name),
        ("model", check.model),
        ("notes", ", ".join(dict.fromkeys(finding.code for finding in check.findings if finding.severity == "note"))),
        ("beware", "simulated specimens: no number here is evidence of performance" if check.synthetic else ""),
    )
    rules = Counter((finding.rule, finding.limit, finding.action) for finding in check.quality.findings)
    found = [(rule, limit, {"flag": "flagged", "refuse": "refused"}[action], n) for (rule, limit, action), n in rules.items()]
    return card(f"Check of {check.cohort}", facts, _grave(check.findings), table(("rule", "limit", "so", "specimens"), found))

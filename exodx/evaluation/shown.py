"""What evaluations and checks show of themselves: one line; in a notebook what to quote or do, what speaks against it, numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from exodx.markup import card, table
from exodx.stats.numbers import interval, number, p_value

if TYPE_CHECKING:
    from exodx.evaluation.audits import Finding
    from exodx.evaluation.check import CohortCheck
    from exodx.evaluation.class_evaluation import ClassEvaluation
    from exodx.evaluation.evaluation import Evaluation, Headline
    from exodx.evaluation.monitoring import ChangeLimit, Monitoring
    from exodx.evaluation.paired import PairedComparison
    from exodx.evaluation.shift import CohortShift
    from exodx.stats import Estimate, PairedShare

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


def shift_html(shift: CohortShift, findings: Sequence[Finding]) -> str:
    """Return who was compared, and what differs from training by more than chance."""
    shares = (
        ("positive", shift.share_positive, f"; the model was made for {number(shift.share_positive_model)}"),
        ("a feature outside training's range", shift.outside, ""),
        ("out of domain", shift.out_of_domain, ""),
        ("gaps not met in training", shift.unseen_missingness, ""),
    )
    facts = [
        ("subjects", shift.n_subjects),
        *((what, f"{_estimate(share)}{more}") for what, share, more in shares if share is not None and share.value is not None),
        ("features", shift.reason or f"{len(shift.features)} distributions compared, the model's log-odds among them"),
        ("in short", "" if findings else "nothing differs from training by more than chance"),
    ]
    rows = [(f.severity, f.code, f.message) for f in findings]
    return card("A cohort beside the model's training", facts, table(("severity", "code", "finding"), rows))


def monitoring_line(found: Monitoring) -> str:
    """Return a monitoring in one line."""
    beyond = sum(change.finding in ("rise", "fall") for change in found.changes)
    return f"Monitoring({found.specimens} later specimens of {found.subjects} subjects; {beyond} changes beyond the limits)"


def monitoring_html(found: Monitoring) -> str:
    """Return the limits of each analyte, and how many changes lie beyond them."""
    facts = [
        ("compared", f"{found.specimens} later specimens of {found.subjects} subjects, against the first of each"),
        ("limits", f"hold {100 * found.level:g} % of steady subjects; a change is no call"),
        *(("beware" if not place else "", note) for place, note in enumerate(found.notes)),
    ]
    rows = [_limits(found, limit) for limit in found.limits]
    return card("Monitoring", facts, table(("analyte", "fall", "rise", "falls", "rises", "limits from"), rows))


def _limits(found: Monitoring, limit: ChangeLimit) -> tuple[object, ...]:
    if limit.limit is None:
        ends = ("–", "–")
    elif limit.fall is None or limit.rise is None:
        ends = (f"−{limit.limit:.3g}", f"+{limit.limit:.3g}")
    else:
        ends = (f"−{-100 * limit.fall:.0f} %", f"+{100 * limit.rise:.0f} %")
    counts = [sum(c.analyte == limit.analyte and c.finding == way for c in found.changes) for way in ("fall", "rise")]
    return (limit.analyte, *ends, *counts, limit.basis)


def comparison_line(found: PairedComparison) -> str:
    """Return a paired comparison in one line."""
    auc = next((both.difference for both in found.estimates if both.a.name == "auc"), None)
    said = "AUC not compared" if auc is None else f"AUC A − B {_estimate(auc)}"
    return f"PairedComparison({found.flow['scored by both']} specimens scored by both; {said})"


def comparison_html(found: PairedComparison) -> str:
    """Return what both models reach on the same specimens, the paired differences, and how many calls differ."""
    facts = [
        ("cohort", found.source),
        ("specimens", ", ".join(f"{n} {what}" for what, n in found.flow.items() if n)),
        ("positive", _rightly(found.sensitivity)),
        ("negative", _rightly(found.specificity)),
        ("calls that differ", "; ".join(f"{n} {what}" for what, n in found.calls.items()) or "none"),
        *(("but", told) for told in found.apparent),
        ("beware", "simulated specimens: no number here is evidence of performance" if found.synthetic else ""),
    ]
    words = dict(FIRST)
    rows = [
        (
            words[both.a.name],
            _estimate(both.a),
            _estimate(both.b),
            "" if both.difference is None else _estimate(both.difference),
        )
        for both in found.estimates
        if both.a.name in words
    ]
    return card("Two models on the same specimens", facts, table(("estimate", "A", "B", "A − B, paired"), rows))


def _estimate(estimate: Estimate) -> str:
    limits = interval(estimate.lower, estimate.upper)
    return number(estimate.value) + (f" ({limits})" if limits else "")


def _rightly(share: PairedShare) -> str:
    tested = f"; McNemar's exact p {p_value(share.p)}" if share.p is not None else ""
    return f"rightly called by A alone {share.only_a}, by B alone {share.only_b}{tested}"

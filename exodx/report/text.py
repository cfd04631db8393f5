"""An evaluation for the terminal: the number to quote first, then what speaks against it, then the estimates."""

from __future__ import annotations

import textwrap

from exodx.errors import RUO
from exodx.evaluation import CohortShift, Evaluation, ExplanationStability, PanelCurve, SiteResult, SubgroupResult, gap_lines
from exodx.evaluation.check_text import percent
from exodx.evaluation.estimates import AS_ERRORS
from exodx.evaluation.learning_curve import DIFFERENCE, FEWER, learning_curve_line
from exodx.evaluation.shift import LEVEL
from exodx.report.members import members_sentence
from exodx.report.words import (
    BLOCKED,
    SIMULATED,
    benefit_sentence,
    by_severity,
    headline,
    is_inside,
    is_simulated,
    label,
    number,
    rank_range,
    sentence,
    stability_sentence,
)

WIDTH = 90
NAME_WIDTH = 38
MOST_GROUPS, MOST_NAMES = 5, 6
UNBROKEN = "\N{NO-BREAK SPACE}%"
NOT_ESTIMATED = "not estimated"


def evaluation_text(evaluation: Evaluation) -> str:
    """Return an evaluation as text, at most about 90 columns wide.

    Where sites exist the gap between random cross-validation and leave-one-site-out comes first; then that to later subjects.
    """
    flow = ", ".join(f"{n} {what}" for what, n in evaluation.flow.items())
    lines = ["", *gap_lines(evaluation), headline(evaluation)]
    if any(f.severity == "blocking" for f in evaluation.findings):
        lines.append(BLOCKED)
    if is_simulated(evaluation):
        lines.append(SIMULATED)
    lines += ["", *_wrapped(flow, ""), ""]
    for finding in by_severity(evaluation):
        lines += _wrapped(f"{finding.severity} [{finding.code}] {finding.message}", "  ")
    lines.append("")
    told: set[str] = set()
    for estimate in (e for e in evaluation.estimates if e.name not in (FEWER, DIFFERENCE)):
        also = f"; {AS_ERRORS}" if estimate.method.endswith(AS_ERRORS) else ""
        said = sentence(estimate) + also
        again = said in told and said.startswith(NOT_ESTIMATED)
        lines += _row(label(estimate.name), f"{NOT_ESTIMATED}, for the same reason" if again else said)
        told.add(said)
    for site in evaluation.sites:
        held = "held-out " if is_inside(evaluation) else ""
        lines += _row(f"  {held}{site.site}", _part(site))
    for part in evaluation.subgroups:
        lines += _row(f"  {part.column} {part.group}", _part(part))
    if evaluation.benefit_curve is not None:
        lines += _row("Decision curve", benefit_sentence(evaluation.benefit_curve))
    return "\n".join([*lines, *_parts(evaluation), RUO])


def _parts(evaluation: Evaluation) -> list[str]:
    """Return what only some evaluations have."""
    shares = members_sentence(evaluation)
    told = [learning_curve_line(evaluation), f"Members: {shares}" if shares else ""]
    lines = ["", *(line for text in told for line in _wrapped(text, "  "))] if any(told) else []
    if evaluation.shift is not None:
        lines += ["", *_shift(evaluation.shift)]
    if evaluation.panel_curve is not None:
        lines += _panel_curve(evaluation.panel_curve)
    if evaluation.features:
        top = ", ".join(f"{f.feature} {number(f.mean_abs_shap, 2)} {f.direction}" for f in evaluation.features[:5])
        lines += ["", *_wrapped(f"mean |SHAP|, direction: {top}", "  ")]
    if evaluation.explanation_stability is not None:
        lines += _stability(evaluation.explanation_stability)
    return lines


def _shift(shift: CohortShift) -> list[str]:
    """Say how the cohort lies beside the training one."""
    spread = "" if shift.margin_sd_training is None else f" (training, out of fold: {number(shift.margin_sd_training)})"
    lines = _row(
        "Share of positives", f"{sentence(shift.share_positive)}; the model was made for {number(shift.share_positive_model)}"
    )
    lines += _row("SD of log-odds (case mix)", f"{number(shift.margin_sd)}{spread}")
    lines += _row("A feature outside training's range", sentence(shift.outside))
    unlike = {"Values together off training's": shift.out_of_domain, "Gaps not met in training": shift.unseen_missingness}
    for name, share in unlike.items():
        lines += [] if share is None else _row(name, sentence(share))
    if not shift.features:
        return lines + _row("Distributions", f"not compared: {shift.reason}")
    return lines + _row("Distributions", _distributions(shift))


def _distributions(shift: CohortShift) -> str:
    tested = [f for f in shift.features if f.p is not None]
    if tested:
        apart = sum(f.p is not None and f.p < LEVEL for f in tested)
        return f"{apart} of {len(tested)} differ from training's by Kolmogorov–Smirnov, Holm-adjusted p < {LEVEL:g}"
    worst = max((f for f in shift.features if f.psi is not None), key=lambda f: f.psi or 0.0, default=None)
    if worst is None:
        return "not compared: no feature has values here and at training"
    return f"largest stability index {number(worst.psi)} ({worst.feature}; by chance {number(worst.psi_by_chance)})"


def _panel_curve(curve: PanelCurve) -> list[str]:
    lines = ["", "Panel size (analytes chosen inside each fold)"]
    for entry in curve.sizes:
        mark = "  ← smallest within 1 SE" if entry.size == curve.minimal else ""
        lines += _row(f"  {entry.size}", f"AUC {sentence(entry.auc)}; stability {number(entry.stability.value, 2)}{mark}")
    smallest = next((entry for entry in curve.sizes if entry.size == curve.minimal), None)
    if smallest is not None:
        often = ", ".join(f"{name} ({100 * share:.0f} %)" for name, share in smallest.chosen)
        lines += _wrapped(f"chosen most often at {smallest.size}, share of folds: {often}", "  ")
    for group in curve.groups[:MOST_GROUPS]:
        more = f" … ({len(group)} in all)" if len(group) > MOST_NAMES else ""
        lines += _wrapped(f"redundant (|Spearman| > .8): {', '.join(group[:MOST_NAMES])}{more}", "  ")
    return lines


def _stability(stability: ExplanationStability) -> list[str]:
    lines = _wrapped(f"SHAP {stability_sentence(stability)}", "  ")
    for f in stability.features[:MOST_GROUPS]:
        agree = "" if f.agree is None else f", {f.direction} {percent(f.agree)}"
        span = f"{number(f.mean_abs_shap, 2)} ({number(f.lower, 2)} to {number(f.upper, 2)})"
        held = f"{span}, rank {rank_range(f)}, top {stability.top} {percent(f.top)}{agree}"
        lines += _row(f"  {f.feature}", held.replace(" %", UNBROKEN))
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _part(part: SiteResult | SubgroupResult) -> str:
    return f"{sentence(part.auc)}; {part.n_positive} of {part.n} positive, {part.auc.n} scored"


def _row(name: str, what: str) -> list[str]:
    """Return one line of the table; a long reason goes on below itself."""
    first = f"{name[:NAME_WIDTH]:<{NAME_WIDTH}} "
    return textwrap.wrap(what, WIDTH, initial_indent=first, subsequent_indent=" " * len(first))

"""A comparison of two models for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from exodx.errors import RUO
from exodx.evaluation.paired import Both, PairedComparison
from exodx.evaluation.side_by_side import NOT_PAIRED, SideBySide
from exodx.report.words import SIMULATED, interval, label, number, sentence
from exodx.stats import Estimate, PairedShare
from exodx.stats.numbers import p_value

WIDTH = 100
COLUMNS = (42, 26, 26)


def comparison_text(names: tuple[str, str], stored: SideBySide | None, paired: PairedComparison | None) -> str:
    """Return a comparison as text.

    Parameters
    ----------
    names : tuple of str
        Of model A and model B.
    stored : SideBySide or None
        What the store holds of them.
    paired : PairedComparison or None
        Both on the same specimens of a cohort.
    """
    lines = ["", f"A  {names[0]}", f"B  {names[1]}"]
    if paired is not None:
        lines += ["", *_paired(paired)]
    if stored is not None:
        lines += ["", *_stored(stored, paired is not None)]
    return "\n".join([*lines, RUO])


def _paired(paired: PairedComparison) -> list[str]:
    flow = ", ".join(f"{n} {what}" for what, n in paired.flow.items() if n)
    lines = textwrap.wrap(f"The same specimens of {paired.source}: {flow}", WIDTH)
    lines += [SIMULATED] if paired.synthetic else []
    lines += [line for told in paired.apparent for line in textwrap.wrap(told, WIDTH)]
    lines += ["", *_table(paired.estimates)]
    lines += ["", "Specimens of a class that one model alone calls rightly"]
    lines += _wrapped(share_sentence("positive", paired.sensitivity)) + _wrapped(share_sentence("negative", paired.specificity))
    changed = [f"  {what}: {n}" for what, n in paired.calls.items()] or ["  none"]
    return [*lines, "Calls that differ", *changed]


def _stored(stored: SideBySide, is_paired: bool) -> list[str]:
    lines = textwrap.wrap("By their own runs." if is_paired else NOT_PAIRED, WIDTH)
    lines += [] if stored.same_cohort is None else [cohort_sentence(stored)]
    lines += [f"{word}  {headline_words(stored, i)}" for i, word in enumerate("AB")]
    if not is_paired:
        lines += ["", *_table(stored.estimates)]
    lines += ["", "What plan, panel and fit say differently"]
    lines += [line for key, (a, b) in stored.choices.items() for line in _wrapped(f"{key}: {a} → {b}")] or ["  nothing"]
    for word, findings in (("A", stored.only_a), ("B", stored.only_b)):
        lines += [f"Findings of {word} alone"]
        lines += [line for f in findings for line in _wrapped(f"{f.severity} [{f.code}] {f.message}")] or ["  none"]
    return lines


def cohort_sentence(stored: SideBySide) -> str:
    """Say whether two models were made from one cohort."""
    return f"They were made from {'the same cohort' if stored.same_cohort else 'different cohorts'}."


def headline_words(stored: SideBySide, which: int) -> str:
    """Return the number to quote of one of the two."""
    head = stored.headlines[which]
    if head is None:
        return "its run has no evaluation"
    limits = interval(head.lower, head.upper)
    return f"{head.name} {number(head.value)} ({f'95 % CI {limits}' if limits else 'no interval'}), {head.design}"


def share_sentence(word: str, share: PairedShare) -> str:
    """Say how many specimens of a class one model alone called rightly, and what chance says of it."""
    tested = f"McNemar's exact p {p_value(share.p)}" if share.p is not None else f"no test: {share.reason}"
    return f"{word}: {share.only_a} A alone, {share.only_b} B alone; {tested}"


def short(estimate: Estimate) -> str:
    """Return value and interval, or an en dash."""
    limits = interval(estimate.lower, estimate.upper)
    return number(estimate.value) + (f" ({limits})" if limits else "")


def _table(estimates: Sequence[Both]) -> list[str]:
    """Return a row an estimate, the paired difference below it, and at the end why some are missing from both."""
    lines, reasons = [_row("", "A", "B")], []
    for both in estimates:
        lines.append(_row(label(both.a.name), short(both.a), short(both.b)))
        if both.difference is not None:
            lines.append(_row("  A − B, paired", sentence(both.difference), ""))
        elif both.a.value is None and both.b.value is None:
            reasons.append(both.a.reason)
    return lines + [line for reason in dict.fromkeys(reasons) for line in _wrapped(f"–: {reason}")]


def _row(*cells: str) -> str:
    return " ".join(f"{cell:<{width}}" for cell, width in zip(cells, COLUMNS, strict=True)).rstrip()


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)

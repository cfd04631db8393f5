"""The gate and the registry for the terminal, and as what a program may read."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from exodx.errors import RUO
from exodx.stats.numbers import interval, number
from exodx.tracking.review.decisions import Decision
from exodx.tracking.review.gate import Answer, Gate
from exodx.tracking.review.listing import ListedVersion

WIDTH = 100
COLUMNS = (21, 15)


def gate_text(decision: Decision) -> str:
    """Return the gate's table: verdict, what was found, and the limit, a rule a row."""
    version, gate = decision.version, decision.gate
    head = "passed" if gate.is_passed else f"not passed, {len(gate.missing)} of {len(gate.answers)} rules stand in the way"
    lines = ["", f"Review gate of {version.uri} ({version.model_hash[:8]}): {head}", "", _row("rule", "verdict", "found")]
    for answer in gate.answers:
        lines += _answer(answer)
    entry = decision.entry
    return "\n".join(
        [*lines, "", f"written to the version's tags and to the review log, entry {entry.n} ({entry.sha256[:12]})", RUO]
    )


def _answer(answer: Answer) -> list[str]:
    if answer.verdict == "off":
        return [_row(answer.rule.name, "off", "not asked")]
    first = _row(answer.rule.name, answer.verdict, "")
    hanging = " " * (sum(COLUMNS) + 2)
    told = f"{answer.found}; limit: {answer.rule.limit}"
    lines = textwrap.wrap(told, WIDTH, initial_indent=f"{first:<{len(hanging)}}", subsequent_indent=hanging)
    return (
        lines
        if answer.verdict == "met"
        else lines + textwrap.wrap(f"→ {answer.rule.fix}", WIDTH, initial_indent=hanging, subsequent_indent=hanging)
    )


def _row(rule: str, verdict: str, found: str) -> str:
    return f"{rule:<{COLUMNS[0]}} {verdict:<{COLUMNS[1]}} {found}".rstrip()


def listing_text(listed: Sequence[ListedVersion]) -> str:
    """Return the versions of the registry, a version two lines."""
    lines = []
    for each in listed:
        version = each.version
        held = f"  ← {', '.join(version.aliases)}" if version.aliases else ""
        asked = f"{each.verdict} by {each.by}, {each.at[:16]}" if each.at else each.verdict
        lines += [
            f"{version.uri} ({version.model_hash[:8]}){held}",
            *_wrapped(f"{_headline(each)}; findings: {_findings(each)}; gate: {asked}"),
        ]
    return "\n".join([*(lines or ["No version is registered."]), RUO])


def _headline(each: ListedVersion) -> str:
    head = each.headline
    if head is None:
        return "no evaluation"
    limits = interval(head.lower, head.upper)
    return f"{head.name} {number(head.value)} ({f'95 % CI {limits}' if limits else 'no interval'}), {head.design}"


def _findings(each: ListedVersion) -> str:
    return ", ".join(f"{n} {severity}" for severity, n in each.findings.items()) or "none"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)


def gate_answer(gate: Gate) -> dict[str, Any]:
    """Return the gate as a program may read it."""
    rules = {
        answer.rule.name: {
            "verdict": answer.verdict,
            "values": list(answer.values),
            "found": answer.found,
            "at_least": answer.rule.at_least,
            "at_most": answer.rule.at_most,
        }
        for answer in gate.answers
    }
    return {"passed": gate.is_passed, "missing": [answer.rule.name for answer in gate.missing], "rules": rules}


def decision_answer(decision: Decision) -> dict[str, Any]:
    """Return a decision as a program may read it."""
    asked = {"gate": gate_answer(decision.gate)} if decision.gate.answers else {}
    return {
        "model_uri": decision.version.uri,
        "model_hash": decision.version.model_hash,
        "action": decision.entry.action,
        "alias": decision.entry.alias or None,
        "holder": decision.holder or None,
        **asked,
        "entry": {"n": decision.entry.n, "sha256": decision.entry.sha256, "before": decision.entry.before},
        "notice": RUO,
    }


def listed_answer(listed: Sequence[ListedVersion]) -> dict[str, Any]:
    """Return the registry as a program may read it."""
    versions = [
        {
            "model_uri": each.version.uri,
            "model_hash": each.version.model_hash,
            "run_id": each.version.run_id or None,
            "aliases": list(each.version.aliases),
            "headline": None if each.headline is None else asdict(each.headline),
            "findings": each.findings,
            "gate": {"verdict": each.verdict, "at": each.at or None, "by": each.by or None},
        }
        for each in listed
    ]
    return {"versions": versions, "notice": RUO}

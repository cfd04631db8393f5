"""The gate: each rule asked of a dossier. A rule is a table of ``rules.toml`` and one small function here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from exodx.errors import Problem
from exodx.tracking.review.dossier import Dossier
from exodx.tracking.review.rules import Rule

Verdict = Literal["met", "not met", "cannot be told", "off"]
DONE = ("filled", "not applicable")
ASKED_SHEETS = ("tripod", "stard")
"""How the names of the sheets begin that must be there."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule looked at: values, all of which must be within the limits, and words. Without a value it cannot be told.

    ``wanted`` is told beside them where the limits are not kept.
    """

    values: tuple[float, ...]
    said: str
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One rule's verdict, with the value found and the limit."""

    rule: Rule
    verdict: Verdict
    values: tuple[float, ...]
    found: str

    @property
    def line(self) -> str:
        """Verdict, finding and limit in one line: what the tag of a version holds."""
        return f"{self.verdict}: {self.found} ({self.rule.limit})" if self.verdict != "off" else "off"

    @property
    def problem(self) -> Problem:
        """Why nothing can be promoted."""
        return Problem(self.rule.name.upper(), self.rule.asks, f"{self.verdict}: {self.found} ({self.rule.limit})", self.rule.fix)


@dataclass(frozen=True, slots=True)
class Gate:
    """The whole gate as it was asked of one version."""

    answers: tuple[Answer, ...]

    @property
    def missing(self) -> tuple[Answer, ...]:
        """What stands in the way."""
        return tuple(answer for answer in self.answers if answer.verdict not in ("met", "off"))

    @property
    def is_passed(self) -> bool:
        """Say whether every rule that is not off is met."""
        return not self.missing


def ask_gate(rules: Sequence[Rule], dossier: Dossier, approver: str) -> Gate:
    """Ask every rule.

    Parameters
    ----------
    rules : sequence of Rule
    dossier : Dossier
    approver : str
        Who would promote; empty where that is not said yet.
    """
    return Gate(tuple(_answer(rule, dossier, approver) for rule in rules))


def _answer(rule: Rule, dossier: Dossier, approver: str) -> Answer:
    if rule.off:
        return Answer(rule, "off", (), "not asked")
    found = LOOKS[rule.name](dossier, approver)
    verdict: Verdict = "cannot be told"
    if found.values:
        verdict = "met" if all(rule.holds(value) for value in found.values) else "not met"
    said = f"{found.said}; {found.wanted}" if found.wanted and verdict != "met" else found.said
    return Answer(rule, verdict, found.values, said)


def _headline_width(dossier: Dossier, approver: str) -> Found:  # noqa: ARG001
    if dossier.evaluation is None:
        return Found((), "the run has no evaluation")
    head = dossier.evaluation.headline
    if head.value is None or head.lower is None or head.upper is None:
        return Found((), f"{head.name} has no interval, {head.design}")
    width = head.upper - head.lower
    return Found((width,), f"{width:.3f}: {head.name} {head.value:.3f} ({head.lower:.3f} to {head.upper:.3f}), {head.design}")


def _blocking_findings(dossier: Dossier, approver: str) -> Found:  # noqa: ARG001
    if dossier.evaluation is None:
        return Found((), "the run has no evaluation")
    evaluations = [dossier.evaluation, *(run.evaluation for run in dossier.external if not run.refused)]
    codes = [f.code for evaluation in evaluations for f in evaluation.findings if f.severity == "blocking"]
    return Found((len(codes),), ", ".join(dict.fromkeys(codes)) or "none")


def _external_validation(dossier: Dossier, approver: str) -> Found:  # noqa: ARG001
    count = len({run.cohort or run.run_id for run in dossier.external if not run.refused})
    left = [run.refused for run in dossier.external if run.refused]
    said = f"{count}, by fingerprint; specimens in common are not seen" if count else "0"
    return Found((count,), said + (f"; {len(left)} left out: {'; '.join(dict.fromkeys(left))}" if left else ""))


def _events(dossier: Dossier, approver: str) -> Found:  # noqa: ARG001
    run = dossier.largest
    if run is None:
        return Found((), "no external evaluation")
    n = run.smaller_class
    return Found((), "there is no one target condition") if n is None else Found((n,), f"{n} (run {run.run_id[:8]})")


def _of_largest(name: str) -> Callable[[Dossier, str], Found]:
    """Return the look at an estimate of the largest external evaluation; of several classes, at each class' own."""

    def look(dossier: Dossier, approver: str) -> Found:  # noqa: ARG001
        if dossier.largest is None:
            return Found((), "no external evaluation")
        found = [e for e in dossier.largest.evaluation.estimates if e.name == name or e.name.startswith(f"{name}:")]
        if not found or any(e.value is None for e in found):
            return Found((), next((str(e) for e in found if e.value is None), "not estimated"))
        return Found(tuple(e.value for e in found if e.value is not None), "; ".join(map(str, found)))

    return look


def _sheets(dossier: Dossier, approver: str) -> Found:  # noqa: ARG001
    sheets = dossier.sheets or {}
    asked = {kind: next((name for name in sheets if name.startswith(kind)), None) for kind in ASKED_SHEETS}
    absent = [kind for kind, name in asked.items() if name is None]
    if absent:
        return Found((0.0,), f"the run has no sheet {' and no sheet '.join(absent)}")
    shares = {name: _share_done(sheets[name]) for name in asked.values() if name is not None}
    least = min(shares, key=lambda name: shares[name])
    wanted = "; ".join(filter(None, (_unanswered(name, dossier.unanswered.get(name, {})) for name in shares)))
    return Found((shares[least],), f"{shares[least]:.2f} of {sum(sheets[least].values())} items in {least}", wanted)


def _unanswered(name: str, items: Mapping[str, Sequence[str]]) -> str:
    """Say which items an author could still answer.

    >>> _unanswered("stard", {"author needed": ["3", "5"], "draft": ["1"]})
    'open in stard: author needed 3, 5; draft 1'
    """
    said = "; ".join(f"{status} {', '.join(each)}" for status, each in items.items() if each)
    return f"open in {name}: {said}" if said else ""


def _share_done(counts: Mapping[str, int]) -> float:
    return sum(counts.get(status, 0) for status in DONE) / max(sum(counts.values()), 1)


def _bundle(dossier: Dossier, approver: str) -> Found:  # noqa: ARG001
    return Found((float(not dossier.bundle),), dossier.bundle or f"its hash is the registry's, {dossier.version.model_hash[:8]}")


def _approver(dossier: Dossier, approver: str) -> Found:
    if not approver:
        return Found((), "no approver is named (--by NAME)")
    if not dossier.trainer:
        return Found((), "the run does not say who trained it")
    is_other = _folded(approver) != _folded(dossier.trainer)
    return Found((float(is_other),), f"approver {approver}, trained by {dossier.trainer}")


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


LOOKS = MappingProxyType(
    {
        "headline_width": _headline_width,
        "blocking_findings": _blocking_findings,
        "external_validation": _external_validation,
        "events": _events,
        "calibration_slope": _of_largest("calibration_slope"),
        "observed_expected": _of_largest("observed_expected"),
        "sheets": _sheets,
        "bundle": _bundle,
        "approver": _approver,
    }
)
"""What each rule of ``rules.toml`` looks at."""

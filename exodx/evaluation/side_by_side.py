"""Two models by what was told of each on its own: estimates, choices and findings, not paired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from exodx.evaluation.audits import Finding
from exodx.evaluation.evaluation import Evaluation, Headline
from exodx.evaluation.paired import Both

NOT_PAIRED = "Not paired: no specimen is in the store. Whether one is better on the same specimens needs a cohort: --cohort FILE."
NOT_TOLD = "–"


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two models by what their runs say.

    Parameters
    ----------
    headlines : tuple of Headline or None
        Of a and of b; None where the run has no evaluation.
    same_cohort : bool or None
        They were made from the same cohort; None where that is not told.
    estimates : tuple of Both
        Those that both have, without a difference.
    choices : dict of str to (str, str)
        What the plans, panels and fits say differently.
    only_a, only_b : tuple of Finding
        Findings by a code that the other has not.
    """

    headlines: tuple[Headline | None, Headline | None]
    same_cohort: bool | None
    estimates: tuple[Both, ...]
    choices: dict[str, tuple[str, str]]
    only_a: tuple[Finding, ...]
    only_b: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self) | {"notice": NOT_PAIRED}


def side_by_side(
    a: Evaluation | None, b: Evaluation | None, said: tuple[Mapping[str, str], Mapping[str, str]], same_cohort: bool | None
) -> SideBySide:
    """Lay two models beside each other.

    Parameters
    ----------
    a, b : Evaluation or None
    said : tuple of two mappings of str to str
        What the runs say of plan, panel and fit.
    same_cohort : bool or None
    """
    first, second = ({} if e is None else {x.name: x for x in e.estimates} for e in (a, b))
    findings = [() if e is None else e.findings for e in (a, b)]
    codes = [{f.code for f in each} for each in findings]
    return SideBySide(
        (None if a is None else a.headline, None if b is None else b.headline),
        same_cohort,
        tuple(Both(first[name], second[name]) for name in first if name in second),
        differing(*said),
        tuple(f for f in findings[0] if f.code not in codes[1]),
        tuple(f for f in findings[1] if f.code not in codes[0]),
    )


def differing(a: Mapping[str, str], b: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the keys whose values differ, with both; an absent one is an en dash.

    >>> differing({"seed": "1", "repeats": "3"}, {"seed": "2", "repeats": "3"})
    {'seed': ('1', '2')}
    """
    keys = dict.fromkeys((*a, *b))
    return {key: (a.get(key, NOT_TOLD), b.get(key, NOT_TOLD)) for key in keys if a.get(key) != b.get(key)}

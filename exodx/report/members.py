"""What a family of members became: its kinds, their settings, and how much each has to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exodx.evaluation import Evaluation, FoldResult
from exodx.report.words import number

MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member of a final model; of which class, where there are several."""

    of: str
    kind: str
    setting: str
    share: str
    inner_log_loss: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What a model's provenance tells of its members.

    Parameters
    ----------
    members : tuple of MemberRow
        Those with the largest share first; empty for models of one booster, as there were before.
    others : dict
        All else.
    """

    members: tuple[MemberRow, ...]
    others: dict[str, Any]


def learned(booster: Mapping[str, Any]) -> Learned:
    """Sort out the members of a model, or of each class of one.

    >>> said = {"members": [{"kind": "ridge", "setting": "ridge × 0.1", "weight": 1.0, "share": 1.0, "inner_log_loss": 0.5}]}
    >>> [(row.kind, row.share) for row in learned(said).members]
    [('ridge', '100 %')]
    >>> learned({"candidate": "stumps", "rounds": 300}).others
    {'candidate': 'stumps', 'rounds': 300}
    """
    rows: list[MemberRow] = []
    for key, value in booster.items():
        if _is_members(key):
            rows += _rows(key.removesuffix(MEMBERS).removesuffix(": "), value)
    return Learned(tuple(rows), {key: value for key, value in booster.items() if not _is_members(key)})


def _is_members(key: str) -> bool:
    return key == MEMBERS or key.endswith(f": {MEMBERS}")


def _rows(of: str, members: Sequence[Mapping[str, Any]]) -> list[MemberRow]:
    ordered = sorted(members, key=lambda member: -member["share"])
    return [MemberRow(of, m["kind"], m["setting"], _percent(m["share"]), number(m["inner_log_loss"])) for m in ordered]


def members_sentence(evaluation: Evaluation) -> str:
    """Say how much each kind of member has to say: its mean share over outer folds, and its range; empty where it is not known.

    Kinds with the largest mean come first; a kind that no fold gave a weight is left out.
    """
    means = {kind: sum(shares) / len(shares) for kind, shares in _shares(evaluation.folds).items()}
    ranges = {kind: (min(shares), max(shares)) for kind, shares in _shares(evaluation.folds).items()}
    kinds = sorted((kind for kind, mean in means.items() if mean > 0), key=lambda kind: -means[kind])
    return ", ".join(f"{kind} {_percent(means[kind])}{_range(*ranges[kind])}" for kind in kinds)


def _shares(folds: Sequence[FoldResult]) -> dict[str, list[float]]:
    kinds = {kind: None for fold in folds for kind in fold.shares}
    return {kind: [fold.shares.get(kind, 0.0) for fold in folds] for kind in kinds}


def _range(lowest: float, highest: float) -> str:
    low, high = (f"{100 * end:.0f}" for end in (lowest, highest))
    return "" if low == high else f" ({low} to {high})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"

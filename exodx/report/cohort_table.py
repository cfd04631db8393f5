"""The cohort in a table, by class and by site: counts, age, sex, gaps; without tests of significance."""

from __future__ import annotations

from dataclasses import dataclass

from exodx.evaluation import CohortDescription, GroupRow
from exodx.evaluation.described import FEWEST

SMALL_GROUPS = f"Age and sex are of subjects, and not told of fewer than {FEWEST}."


@dataclass(frozen=True, slots=True)
class TableRow:
    """One group in words."""

    name: str
    specimens: int
    subjects: int
    positive: str
    age: str
    sex: str
    not_run: str
    undetected: str


def cohort_rows(description: CohortDescription) -> tuple[TableRow, ...]:
    """Return a row for all, each class and each site.

    Parameters
    ----------
    description : CohortDescription
    """
    return tuple(
        TableRow(
            name=f"site: {group.name}" if group.kind == "site" else group.name,
            specimens=group.specimens,
            subjects=group.subjects,
            positive=f"{group.positive} ({_percent(group.positive / max(group.specimens, 1))})",
            age=_age(group),
            sex=_sex(group),
            not_run=_percent(group.not_run),
            undetected=_percent(group.undetected),
        )
        for group in description.groups
    )


def _age(group: GroupRow) -> str:
    if group.age is None:
        return "not stated" if group.subjects >= FEWEST else "–"
    middle, low, high = (f"{value:.3g}" for value in group.age)
    unknown = group.subjects - group.age_known
    return f"{middle} ({low} to {high})" + (f", {unknown} not stated" if unknown else "")


def _sex(group: GroupRow) -> str:
    if not group.sex:
        return "not stated" if group.subjects >= FEWEST else "–"
    unknown = group.subjects - sum(n for _, n in group.sex)
    told = [f"{sex}: {n} ({_percent(n / group.subjects)})" for sex, n in group.sex]
    return ", ".join([*told, *([f"{unknown} not stated"] if unknown else [])])


def _percent(share: float) -> str:
    return "0 %" if share == 0 else f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"

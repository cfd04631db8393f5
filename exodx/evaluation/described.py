"""Who was studied: the flow from the table to the analysis (STARD 2015, item 19) and the specimens by class and site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort, QCReport
from exodx.cohort.columns import UNKNOWN
from exodx.frozen import State

Mask = NDArray[np.bool_]

FEWEST = 5
"""Age and sex of fewer subjects are not told: they would describe persons."""


@dataclass(frozen=True, slots=True)
class FlowBox:
    """One box of the flow: what stays, or (``out``) what is left out here and why; ``subjects`` is None where no one can know."""

    what: str
    specimens: int
    subjects: int | None
    out: bool = False


@dataclass(frozen=True, slots=True)
class FlowArm:
    """One class at the end of the flow, with its calls out of fold (means over repeats)."""

    what: str
    specimens: int
    subjects: int
    positive: float
    negative: float
    indeterminate: float


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group of the cohort's table.

    Parameters
    ----------
    kind : str
        ``all``, ``class`` or ``site``.
    name : str
    specimens, subjects, positive : int
    age : tuple of float or None
        Median and quartiles over subjects, years; None where it is not known or there are fewer than 5 subjects.
    age_known : int
        Subjects whose age is stated.
    sex : tuple of (str, int)
        Subjects by sex as stated; empty where it is not or there are fewer than 5.
    not_run, undetected : float
        Shares of the cells of targets that hold no value because nothing was measured, and because nothing was found.
    """

    kind: str
    name: str
    specimens: int
    subjects: int
    positive: int
    age: tuple[float, float, float] | None
    age_known: int
    sex: tuple[tuple[str, int], ...]
    not_run: float
    undetected: float


@dataclass(frozen=True, slots=True)
class CohortDescription:
    """The flow and the table of a cohort; no specimen's row."""

    boxes: tuple[FlowBox, ...]
    arms: tuple[FlowArm, ...]
    groups: tuple[GroupRow, ...]

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> CohortDescription:
        """Rebuild from plain types."""
        groups = [
            {**g, "age": None if g["age"] is None else tuple(g["age"]), "sex": tuple((s, n) for s, n in g["sex"])}
            for g in state["groups"]
        ]
        return cls(
            tuple(FlowBox(**b) for b in state["boxes"]),
            tuple(FlowArm(**a) for a in state["arms"]),
            tuple(GroupRow(**g) for g in groups),
        )


def describe_cohort(cohort: Cohort, report: QCReport, scored: Mask, positive: Mask, negative: Mask) -> CohortDescription:
    """Describe a cohort and what became of its specimens.

    Parameters
    ----------
    cohort : Cohort, n specimens
    report : QCReport
    scored : ndarray of bool, shape (n,)
        Specimens that count.
    positive, negative : ndarray of bool, shape (R, n)
        Calls out of fold; neither where it is indeterminate.
    """
    return CohortDescription(
        boxes=tuple(_boxes(cohort, report, scored)),
        arms=tuple(_arms(cohort, scored, positive, negative)),
        groups=tuple(_group(cohort, kind, name, rows) for kind, name, rows in _groups(cohort)),
    )


def _boxes(cohort: Cohort, report: QCReport, scored: Mask) -> Iterator[FlowBox]:
    everyone = len(np.unique(cohort.subjects))
    yield FlowBox("read from the table", len(cohort) + cohort.left_out, None if cohort.left_out else everyone)
    if cohort.left_out:
        yield FlowBox("without a reference standard", cohort.left_out, None, out=True)
        yield FlowBox("with a reference standard", len(cohort), everyone)
    refused = [step for step in report.flow if step.step.startswith("refused: ")]
    for step in refused:
        yield FlowBox(f"quality control: {step.step.removeprefix('refused: ')}", step.n, step.subjects, out=True)
    left = len(cohort) - sum(step.n for step in refused) - int(scored.sum())
    if left > 0:
        yield FlowBox("not scored in every outer fold", left, None, out=True)
    yield FlowBox("analysed, out of fold", int(scored.sum()), len(np.unique(cohort.subjects[scored])))


def _arms(cohort: Cohort, scored: Mask, positive: Mask, negative: Mask) -> Iterator[FlowArm]:
    for label, what in ((1, "target condition present"), (0, "target condition absent")):
        rows = scored & (cohort.y == label)
        called, ruled_out = (float(calls[:, rows].mean(axis=0).sum()) for calls in (positive, negative))
        n = int(rows.sum())
        yield FlowArm(what, n, len(np.unique(cohort.subjects[rows])), called, ruled_out, max(n - called - ruled_out, 0.0))


def _groups(cohort: Cohort) -> Iterator[tuple[str, str, Mask]]:
    yield "all", "all", np.ones(len(cohort), bool)
    yield "class", "positive", cohort.y == 1
    yield "class", "negative", cohort.y == 0
    sites = np.array(cohort.sites, dtype=str)
    if len(names := sorted(set(sites.tolist()))) > 1:
        for name in names:
            yield "site", name, sites == name


def _group(cohort: Cohort, kind: str, name: str, rows: Mask) -> GroupRow:
    first = np.flatnonzero(rows)[np.unique(cohort.subjects[rows], return_index=True)[1]]
    told = len(first) >= FEWEST
    ages = np.asarray(cohort.specimens["age"], np.float64)[first] if "age" in cohort.specimens else np.full(0, np.nan)
    known = ages[~np.isnan(ages)]
    quartiles = np.quantile(known, (0.5, 0.25, 0.75)).tolist() if told and len(known) >= FEWEST else None
    sex = np.array(cohort.specimens["sex"], dtype=str)[first] if told and "sex" in cohort.specimens else np.full(0, "")
    values, counts = np.unique(sex[sex != UNKNOWN], return_counts=True)
    not_run, undetected = _gaps(cohort, rows)
    return GroupRow(
        kind=kind,
        name=name,
        specimens=int(rows.sum()),
        subjects=len(first),
        positive=int(cohort.y[rows].sum()),
        age=None if quartiles is None else (quartiles[0], quartiles[1], quartiles[2]),
        age_known=len(known),
        sex=tuple(zip(values.tolist(), counts.tolist(), strict=True)),
        not_run=not_run,
        undetected=undetected,
    )


def _gaps(cohort: Cohort, rows: Mask) -> tuple[float, float]:
    """Return the shares of targets' cells without a value: nothing was measured; nothing was found."""
    targets = np.array([a.role == "target" for a in cohort.panel.analytes])
    states = cohort.measurements.states[np.ix_(rows, targets)]
    if not states.size:
        return 0.0, 0.0
    not_run, undetected = (State.NOT_RUN, State.FAILED_QC), (State.BELOW_LOD, State.UNDETERMINED)
    return float(np.isin(states, not_run).mean()), float(np.isin(states, undetected).mean())

"""Findings about the order of rows: a column that changes its level or its spread somewhere down the file.

Half of a file in another unit, a second batch appended, a pipette that went astray: the rows say when, if they stand in the order
they were measured in. Classes and sites are looked at one by one, so a file sorted by them is none to mind; a file that was
shuffled tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, kstwobign, norm, rankdata

from exodx.cohort import Cohort
from exodx.evaluation.audits import Finding
from exodx.frozen.measurements import is_measured
from exodx.stats.variance import holm

Floats = NDArray[np.float64]

ENOUGH = 20
"""Values of a class with which its order is looked at: by the statistic's limit, with fewer the test is blunt."""

BY_CHANCE = 1e-3
FEW, SHARE = 3, 0.02
"""Where more analytes change than these, and this share of all, the file was put together from batches, and that is told as one."""

NAMED = 6


def audit_order(cohort: Cohort) -> list[Finding]:
    """Return the analytes that change down the file.

    Level and spread are looked at by the largest excursion of a cumulative sum of ranks (of their normal scores, squared for the
    spread), whose limit is Kolmogorov's; classes and sites are joined by Fisher's sum of logarithms, analytes by Holm.

    Parameters
    ----------
    cohort : Cohort, n specimens
        In the order of the file.
    """
    sites = np.unique(cohort.sites, return_inverse=True)[1]
    if cohort.classes:
        labels = len(cohort.classes) * sites + cohort.class_codes
    else:
        labels = 2 * sites + (0 if cohort.reference_standard is None else cohort.y)
    names, p = [], []
    for analyte in cohort.panel.with_role("target"):
        values, states = cohort.measurements.column(analyte.name)
        values = np.where(is_measured(states), values, np.nan)
        for what, found in zip(("level", "spread"), _changes(values, labels), strict=True):
            names.append((analyte.name, what))
            p.append(found)
    adjusted = holm(p) if p else np.zeros(0)
    changed = {name: what for (name, what), each in zip(names[::-1], adjusted[::-1], strict=True) if each < BY_CHANCE}
    return list(_told({name: changed[name] for name, _ in names if name in changed}, len(names) // 2))


def _changes(values: Floats, labels: NDArray[np.intp]) -> tuple[float, float]:
    """Return the p-values of a change of level and of spread; 1 where there are too few values."""
    logs, classes = np.zeros(2), 0
    for label in np.unique(labels):
        known = values[(labels == label) & np.isfinite(values)]
        if len(known) < ENOUGH or len(np.unique(known)) < ENOUGH:
            continue
        scores = norm.ppf(rankdata(known) / (len(known) + 1))
        logs += [np.log(max(_excursion(s), 1e-300)) for s in (scores, scores**2)]
        classes += 1
    level, spread = (float(chi2.sf(-2 * each, 2 * classes)) if classes else 1.0 for each in logs)
    return level, spread


def _excursion(scores: Floats) -> float:
    """Return how probable so large an excursion of the cumulative sum is, if the order is chance's."""
    centred = scores - scores.mean()
    sums = np.abs(np.cumsum(centred)).max() / (centred.std() * len(centred) ** 0.5)
    return float(kstwobign.sf(sums))


def _told(changed: dict[str, str], looked_at: int) -> Iterator[Finding]:
    if not changed:
        return
    shown = ", ".join(f"{name} ({what})" for name, what in list(changed.items())[:NAMED]) + (" …" if len(changed) > NAMED else "")
    if len(changed) > max(FEW, SHARE * looked_at):
        message = (
            f"{len(changed)} of {looked_at} analytes change down the file, within the classes ({shown}): it was put together from "
            "batches. Name them in a column (plate, site, date), so that folds can part them."
        )
        yield Finding("batches_in_order", "note", message)
        return
    message = (
        f"{len(changed)} of {looked_at} analytes change down the file, within the classes ({shown}): from some row on they may "
        "be in another unit or of another batch. Find the row and its reason."
    )
    yield Finding("step_in_file", "warning", message)

"""How a model does in parts of a cohort: by sex and by age (sites stand apart)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.stats import Estimate, auc_cross_validated

OLD = 65
MIN_SUBJECTS = 5
"""Of each class; an AUC of fewer says nothing about its subgroup. The number is ours."""


@dataclass(frozen=True, slots=True)
class SubgroupResult:
    """One part of a cohort.

    Parameters
    ----------
    column : str
        ``sex`` or ``age``.
    group : str
        Its value, or ``<65``.
    n, n_positive : int
        Specimens, scored or not.
    auc : Estimate
        Of those scored, or the reason why not.
    """

    column: str
    group: str
    n: int
    n_positive: int
    auc: Estimate


def subgroups(cohort: Cohort, margin: NDArray[np.float64]) -> tuple[SubgroupResult, ...]:
    """Return each subgroup's counts and AUC.

    Age is divided at 65 where both sides then have subjects of both classes, else at the median.

    Parameters
    ----------
    cohort : Cohort, n specimens
    margin : ndarray, shape (n,)
        NaN where a specimen was not scored.
    """
    return held_out_subgroups(cohort, margin[None], np.zeros((1, len(margin)), np.intp))


def held_out_subgroups(cohort: Cohort, margin: NDArray[np.float64], folds: NDArray[np.intp]) -> tuple[SubgroupResult, ...]:
    """Return each subgroup's counts and AUC from out-of-fold margins, of pairs within a fold.

    Parameters
    ----------
    cohort : Cohort, n specimens
    margin : ndarray, shape (R, n)
        NaN where a specimen was not scored.
    folds : ndarray of int, shape (R, n)
    """
    return tuple(
        SubgroupResult(column, group, int(rows.sum()), int(cohort.y[rows].sum()), _auc(cohort, margin, folds, rows, group))
        for column, group, rows in _parts(cohort)
    )


def _parts(cohort: Cohort) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    if "sex" in cohort.specimens:
        sex = np.array(cohort.specimens["sex"], dtype=str)
        for group in sorted(set(sex), key=lambda value: (value == UNKNOWN, value)):
            yield "sex", str(group), sex == group
    if "age" in cohort.specimens:
        age = np.asarray(cohort.specimens["age"], np.float64)
        known = ~np.isnan(age)
        bound = _age_bound(age[known], cohort.y[known])
        if bound is not None:
            yield "age", f"<{bound:g}", known & (age < bound)
            yield "age", f"≥{bound:g}", known & (age >= bound)
        if not known.all():
            yield "age", UNKNOWN, ~known


def _age_bound(age: NDArray[np.float64], y: NDArray[np.int8]) -> float | None:
    if age.size == 0 or np.ptp(age) == 0:
        return None
    both = all(len(np.unique(y[side])) == 2 for side in (age < OLD, age >= OLD))
    return OLD if both else float(np.median(age[age > age.min()])) if np.median(age) == age.min() else float(np.median(age))


def _auc(cohort: Cohort, margin: NDArray[np.float64], folds: NDArray[np.intp], rows: NDArray[np.bool_], group: str) -> Estimate:
    rows = rows & np.isfinite(margin).all(axis=0)
    y, subjects = cohort.y[rows], cohort.subjects[rows]
    positive, negative = (len(np.unique(subjects[y == label])) for label in (1, 0))
    reason = ""
    if group == UNKNOWN:
        reason = "not stated is no group"
    elif min(positive, negative) < MIN_SUBJECTS:
        reason = f"{positive} positive and {negative} negative subjects scored; an AUC needs {MIN_SUBJECTS} of each"
    if reason:
        return Estimate("auc", None, None, None, n=len(y), reason=reason)
    return auc_cross_validated(y, margin[:, rows], folds[:, rows], subjects, name="auc")

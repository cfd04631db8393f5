"""Labels that mean nothing: the reference standard permuted among subjects, within their sites."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exodx.cohort import Cohort
from exodx.cohort.columns import UNKNOWN


@dataclass(frozen=True, slots=True)
class PermutedRuns:
    """Out-of-fold AUCs of the whole procedure with permuted labels.

    Parameters
    ----------
    observed : float
        With the labels as they are, on the first repeat's folds.
    aucs : ndarray, shape (N,)
        One a permutation; NaN where nothing could be learned.
    within_sites : bool
        Whether labels were permuted within sites.
    """

    observed: float
    aucs: NDArray[np.float64]
    within_sites: bool

    @property
    def p(self) -> float:
        """``(1 + permutations that reach the observed AUC) / (1 + N)`` (Phipson and Smyth 2010, 10.2202/1544-6115.1585)."""
        known = self.aucs[np.isfinite(self.aucs)]
        if not np.isfinite(self.observed):
            return float("nan")
        return (1 + int((known >= self.observed - 1e-12).sum())) / (1 + len(known))


def permute_labels(cohort: Cohort, seed: int) -> Cohort:
    """Return the cohort with its labels dealt anew.

    Subjects of one class swap their label with others of their site (all of a subject's specimens take it over); a subject with
    specimens of both classes keeps as many of each and deals them among its own specimens.

    Parameters
    ----------
    cohort : Cohort, n specimens
        With a reference standard.
    seed : int

    Examples
    --------
    >>> from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
    >>> from exodx.panel import load_panel
    >>> frame = simulate(load_panel("athero-3"), SimulatedStudy(n=20))
    >>> cohort = frame_cohort(frame, Intake("athero-3", "group", "case"))
    >>> int(permute_labels(cohort, 1).y.sum()) == int(cohort.y.sum())
    True
    """
    rng = np.random.default_rng(seed)
    y, subjects = cohort.y, cohort.subjects
    dealt = y.copy()
    n = np.bincount(subjects)
    positive = np.bincount(subjects, weights=y)
    for subject in np.flatnonzero((positive > 0) & (positive < n)):
        own = np.flatnonzero(subjects == subject)
        dealt[own] = rng.permutation(y[own])
    stratum = _site_of_subject(cohort)
    label = (positive > 0).astype(y.dtype)
    whole = (positive == 0) | (positive == n)
    for site in np.unique(stratum[whole]):
        members = np.flatnonzero(whole & (stratum == site))
        label[members] = label[rng.permutation(members)]
    rows = whole[subjects]
    dealt[rows] = label[subjects[rows]]
    return replace(cohort, reference_standard=pd.Series(dealt, index=cohort.specimens.index, name="reference_standard"))


def has_sites(cohort: Cohort) -> bool:
    """Say whether specimens come from two sites or more."""
    return len(set(cohort.sites) - {UNKNOWN}) > 1


def _site_of_subject(cohort: Cohort) -> NDArray[np.intp]:
    """Return the site of each subject as a code; several sites of one subject are a stratum of their own."""
    found: dict[int, set[str]] = {}
    for subject, site in zip(cohort.subjects.tolist(), cohort.sites, strict=True):
        found.setdefault(subject, set()).add(site)
    names = [" + ".join(sorted(found[subject])) for subject in range(len(found))]
    return np.unique(names, return_inverse=True)[1]

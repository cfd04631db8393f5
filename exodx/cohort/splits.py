"""Splits: stratified by the reference standard, never through a subject; and by site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.cohort.columns import UNKNOWN
from exodx.errors import InputRefused, Problem

ONLY_LEARNED = -2
"""The fold of specimens that are learned from and never held out."""


def stratified_folds(y: NDArray[np.integer[Any]], subjects: NDArray[np.intp], k: int, seed: int) -> NDArray[np.intp]:
    """Deal specimens into k folds so that each class is spread evenly and no subject is split.

    Subjects are dealt in random order, the largest first, each into the fold that then has the most even classes.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Class of each specimen: 0 or 1, or 0 … K − 1 where there are several.
    subjects : ndarray of int, shape (n,)
    k : int
        Lowered to the number of subjects of the rarest class where that is smaller.
    seed : int

    Returns
    -------
    folds : ndarray of int, shape (n,)
        0 … k − 1.

    Raises
    ------
    InputRefused
        When a class has fewer than two subjects.
    """
    codes = np.unique(subjects, return_inverse=True)[1]
    classes = max(2, int(y.max()) + 1)
    counts = np.zeros((codes.max() + 1, classes))
    np.add.at(counts, (codes, y.astype(int)), 1)
    rarest = int((counts > 0).sum(axis=0).min())
    if rarest < 2:
        found = f"{rarest} subject(s) in one class"
        raise InputRefused(
            Problem("TOO_FEW_SUBJECTS", "reference standard", found, "Each class needs subjects in two folds at least.")
        )
    k = min(k, rarest)
    order = np.random.default_rng(seed).permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    share = counts / counts.sum(axis=0)
    load, fold_of = np.zeros((k, classes)), np.zeros(len(counts), np.intp)
    for subject in order:
        cost = ((load + share[subject]) ** 2 - load**2).sum(axis=1)
        fold_of[subject] = int(np.argmin(np.round(cost, 12)))
        load[fold_of[subject]] += share[subject]
    return fold_of[codes]


def site_folds(sites: Sequence[str]) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return folds that leave one site out at a time.

    Parameters
    ----------
    sites : sequence of str, length n
        :data:`~exodx.cohort.columns.UNKNOWN` where a specimen's site is not stated.

    Returns
    -------
    folds : ndarray of int, shape (n,)
        The site's number; −1 where it is not stated: such a specimen may come from the site held out, so it takes no part.
    names : tuple of str
        Sites by number.
    """
    names = tuple(sorted({site for site in sites if site != UNKNOWN}))
    number = {site: i for i, site in enumerate(names)}
    return np.array([number.get(site, -1) for site in sites], np.intp), names


def training_rows(folds: NDArray[np.intp], fold: int, subjects: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows to learn from when ``fold`` is held out.

    None of its specimens, none of its subjects' specimens elsewhere, and none that takes no part (fold −1); those of
    :data:`ONLY_LEARNED` always.
    """
    held = folds == fold
    return np.flatnonzero((folds != -1) & ~held & ~np.isin(subjects, subjects[held]))

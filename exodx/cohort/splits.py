"""Splits: stratified by the reference standard, never through a subject; and by site."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exodx.errors import InputRefused, Problem


def stratified_folds(y: NDArray[np.int8], subjects: NDArray[np.intp], k: int, seed: int) -> NDArray[np.intp]:
    """Deal specimens into k folds so that each class is spread evenly and no subject is split.

    Subjects are dealt in random order, the largest first, each into the fold that then has the most even classes.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    subjects : ndarray of int, shape (n,)
    k : int
        Lowered to the number of subjects of the rarer class where that is smaller.
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
    counts = np.zeros((codes.max() + 1, 2))
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
    load, fold_of = np.zeros((k, 2)), np.zeros(len(counts), np.intp)
    for subject in order:
        cost = ((load + share[subject]) ** 2 - load**2).sum(axis=1)
        fold_of[subject] = int(np.argmin(np.round(cost, 12)))
        load[fold_of[subject]] += share[subject]
    return fold_of[codes]


def site_folds(sites: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return folds that leave one site out at a time: a specimen's fold is its site, shape (n,)."""
    return np.unique(sites, return_inverse=True)[1]


def training_rows(folds: NDArray[np.intp], fold: int, subjects: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows to learn from when ``fold`` is held out: none of its specimens, and none of its subjects' elsewhere."""
    held = folds == fold
    return np.flatnonzero(~held & ~np.isin(subjects, subjects[held]))

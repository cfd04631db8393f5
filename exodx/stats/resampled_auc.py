"""The AUC redrawn: bootstrap by subject, and what it would be if the labels meant nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from exodx.stats.concordance import placements
from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Bools, Floats, Ints, Subjects, scored, subject_codes
from exodx.stats.resampling import CELLS, RESAMPLES, SEED, bca, bootstrap_weights, weighted_auc

PERMUTATIONS = 1000


def bootstrap_aucs(
    y: ArrayLike, score: ArrayLike, subjects: Subjects = None, resamples: int = RESAMPLES, seed: int = SEED
) -> Floats:
    """Return the AUC of each bootstrap resample of subjects, drawn within the classes.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    score : array_like, shape (n,)
        Higher means more likely a case.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    resamples : int
        Number of resamples.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray, shape (resamples,)

    Raises
    ------
    ValueError
        If a class is empty, a score is missing, the lengths differ or ``resamples`` is less than 1.

    Examples
    --------
    >>> bootstrap_aucs([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], resamples=3).tolist()
    [1.0, 1.0, 1.0]
    """
    case, values = scored(y, score)
    blocks = bootstrap_weights(case, subjects, resamples, seed)
    return np.concatenate([weighted_auc(case, values, weights) for weights in blocks])


def auc_bootstrap(  # noqa: PLR0913
    y: ArrayLike,
    score: ArrayLike,
    subjects: Subjects = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = 0.95,
    name: str = "auc",
) -> Estimate:
    """Return the AUC with a BCa interval from resampled subjects.

    :func:`exodx.stats.auc_delong` is the default of the house; this is for subjects with many specimens each, and to check it. BCa
    and not percentiles, because near 1 those are too short (tests/studies/interval_coverage.py: at an AUC of .95 and 40
    specimens they hold the truth 88 times in 100), and because the acceleration costs nothing here: it comes from DeLong's
    placements.

    Parameters
    ----------
    y, score, subjects, resamples, seed
        As for :func:`bootstrap_aucs`.
    level : float
        Confidence level.
    name : str
        Name of the estimate.

    Returns
    -------
    Estimate
        Without an interval, and with the reason, when all resamples agree, as for an AUC of exactly 1.

    Raises
    ------
    ValueError
        As for :func:`bootstrap_aucs`.
    """
    case, values = scored(y, score)
    draws = bootstrap_aucs(case, values, subjects, resamples, seed)
    of_case, of_control = placements(case, values)
    value, moved = float(of_case.mean()), np.empty(case.size)
    moved[case], moved[~case] = (of_case - value) / of_case.size, (of_control - value) / of_control.size
    return bca(name, value, draws, np.bincount(subject_codes(subjects, case.size), weights=moved), level, case.size)


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A statistic beside those of permuted labels.

    Parameters
    ----------
    value : float
        The statistic of the labels as they are.
    p : float
        ``(1 + permutations that reach the value) / (1 + permutations)``; never 0.
    permuted : ndarray, shape (B,)
        The statistic under each permutation.
    """

    value: float
    p: float
    permuted: Floats


def auc_permutation(
    y: ArrayLike, score: ArrayLike, subjects: Subjects = None, permutations: int = PERMUTATIONS, seed: int = SEED
) -> PermutationTest:
    """Compare the AUC with those of permuted labels, the scores left as they are.

    Labels are permuted among subjects. This asks whether *fixed* scores order the classes better than chance; whether a
    procedure learns from noise is asked by refitting all of it on permuted labels.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    score : array_like, shape (n,)
        Higher means more likely a case.
    subjects : array_like, shape (n,), optional
        Subject of each specimen; all specimens of a subject must have one label.
    permutations : int
        Number of permutations.
    seed : int
        Seed of the permutations.

    Returns
    -------
    PermutationTest

    Raises
    ------
    ValueError
        If a class is empty, a score is missing, the lengths differ, a subject has both labels or there is no permutation.

    References
    ----------
    Phipson and Smyth 2010, 10.2202/1544-6115.1585.

    Examples
    --------
    >>> test = auc_permutation([0] * 8 + [1] * 8, range(16))
    >>> test.value, test.p < 0.01
    (1.0, True)
    """
    case, values = scored(y, score)
    codes = subject_codes(subjects, case.size)
    if permutations < 1:
        raise ValueError(f"permutations is {permutations}; give a whole number of at least 1.")
    sizes = np.bincount(codes)
    of_case = np.bincount(codes[case], minlength=sizes.size)
    if ((of_case > 0) & (of_case < sizes)).any():
        raise ValueError("a subject has both labels; permute within subjects is another question, which is not answered here.")
    ranks = np.bincount(codes, weights=rankdata(values)).astype(float)
    is_case = of_case > 0
    permuted = _permuted_aucs(is_case, sizes, ranks, permutations, np.random.default_rng(seed))
    value = float(_auc_of_ranks(ranks[is_case].sum(), sizes[is_case].sum(), case.size))
    p = (1 + int((permuted >= value - 1e-12).sum())) / (1 + permutations)
    return PermutationTest(value, p, permuted)


def _permuted_aucs(is_case: Bools, sizes: Ints, ranks: Floats, permutations: int, rng: np.random.Generator) -> Floats:
    """Return AUCs when as many subjects as have the target condition are called cases at random."""
    cases, groups = int(is_case.sum()), sizes.size
    step = max(1, CELLS // groups)
    found = []
    for start in range(0, permutations, step):
        keys = rng.random((min(step, permutations - start), groups), dtype=np.float32)
        chosen = np.argpartition(keys, cases - 1, axis=1)[:, :cases]
        found.append(_auc_of_ranks(ranks[chosen].sum(axis=1), sizes[chosen].sum(axis=1), int(sizes.sum())))
    return np.concatenate(found)


def _auc_of_ranks(rank_sum: Floats, cases: Ints, n: int) -> Floats:
    """Return the AUC from the sum of the cases' midranks (Mann and Whitney 1947, 10.1214/aoms/1177730491)."""
    share: Floats = (rank_sum - cases * (cases + 1) / 2) / (cases * (n - cases))
    return share

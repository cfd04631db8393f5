"""How often a case scores above a control, and what each specimen contributes to that share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from exodx.stats.inputs import Bools, Floats, Ints, scored


def placements(y: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    """Return DeLong's structural components of the AUC.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    score : array_like, shape (n,)
        Higher means more likely a case; only the order matters.

    Returns
    -------
    v10 : ndarray, shape (cases,)
        For each case, the share of controls that score below it, ties counted as ½.
    v01 : ndarray, shape (controls,)
        For each control, the share of cases that score above it, ties counted as ½.

    Raises
    ------
    ValueError
        If a class is empty, a score is missing or the lengths differ.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, 10.2307/2531595.

    Examples
    --------
    >>> v10, v01 = placements([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.9])
    >>> v10.tolist(), v01.tolist()
    ([0.75, 1.0], [1.0, 0.75])
    """
    case, values = scored(y, score)
    won, lost = wins(values[case], values[~case])
    return won / lost.size, lost / won.size


def wins(cases: Floats, controls: Floats) -> tuple[Floats, Floats]:
    """Count, for each case, the controls that score below it and, for each control, the cases above it; a tie is ½.

    >>> won, lost = wins(np.array([0.4, 0.9]), np.array([0.1, 0.4]))
    >>> won.tolist(), lost.tolist()
    ([1.5, 2.0], [2.0, 1.5])
    """
    return _count_below(cases, controls), cases.size - _count_below(controls, cases)


@dataclass(frozen=True, slots=True)
class Concordance:
    """The AUC within folds and its first-order decomposition over specimens.

    Parameters
    ----------
    value : float
        Share of compared pairs in which the case scores higher, averaged over repeats.
    influence : ndarray, shape (n,)
        What each specimen moves ``value`` by; 0 for a specimen that was never compared.
    compared : ndarray of bool, shape (n,)
        True for a specimen that met the other class in at least one repeat.
    disjoint_pairs : int
        Number of case–control pairs that share no subject, in the repeat with the fewest.
    """

    value: float
    influence: Floats
    compared: Bools
    disjoint_pairs: int


def within_folds(case: Bools, scores: Floats, folds: Ints, codes: Ints) -> Concordance | None:
    """Compare cases with controls of the same fold of the same repeat.

    Parameters
    ----------
    case : ndarray of bool, shape (n,)
    scores : ndarray, shape (R, n)
        Out-of-fold scores of R repeats.
    folds : ndarray of int, shape (R, n)
        Fold of each specimen in each repeat.
    codes : ndarray of int, shape (n,)
        Subject of each specimen.

    Returns
    -------
    Concordance or None
        None when no fold holds both classes.
    """
    repeats = [_one_repeat(case, score, fold, codes) for score, fold in zip(scores, folds, strict=True)]
    usable = [repeat for repeat in repeats if repeat is not None]
    if not usable:
        return None
    return Concordance(
        value=float(np.mean([repeat.value for repeat in usable])),
        influence=np.mean([repeat.influence for repeat in usable], axis=0),
        compared=np.any([repeat.compared for repeat in usable], axis=0),
        disjoint_pairs=min(repeat.disjoint_pairs for repeat in usable),
    )


def _one_repeat(case: Bools, score: Floats, fold: Ints, codes: Ints) -> Concordance | None:
    right = np.zeros(case.size)  # pairs of each specimen that are ordered rightly
    met = np.zeros(case.size)  # pairs of each specimen: the other class in its fold
    disjoint = 0
    for number in np.unique(fold):
        here = fold == number
        cases, controls = np.flatnonzero(here & case), np.flatnonzero(here & ~case)
        if cases.size and controls.size:
            right[cases], right[controls] = wins(score[cases], score[controls])
            met[cases], met[controls] = controls.size, cases.size
            disjoint += min(np.unique(codes[cases]).size, np.unique(codes[controls]).size)
    pairs = met[case].sum()
    if pairs == 0:
        return None
    value = float(right[case].sum() / pairs)
    return Concordance(value, (right - value * met) / pairs, met > 0, disjoint)


def _count_below(values: Floats, others: Floats) -> Floats:
    """For each value, the number of others below it; a tie is ½."""
    ordered = np.sort(others)
    below, reached = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    count: Floats = (below + reached) / 2
    return count

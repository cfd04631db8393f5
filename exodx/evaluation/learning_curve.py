"""Whether more specimens would help: the procedure beside itself with fewer to learn from, on the same held-out specimens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exodx.evaluation.evaluation import Evaluation
from exodx.stats import Estimate, auc_cross_validated, auc_difference
from exodx.training import CrossValidation

FEWER, DIFFERENCE = "auc_fewer_specimens", "auc_minus_fewer"


def learning_curve_estimates(
    y: NDArray[np.int8], random: CrossValidation, scored: NDArray[np.bool_], subjects: NDArray[np.intp]
) -> list[Estimate]:
    """Return the AUC of the members that each outer fold's inner folds fitted, and by how much the whole is better, paired.

    The inner folds count as further repeats of the same outer folds; one that left a specimen without a margin is not counted.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
        Of the specimens scored.
    random : CrossValidation
        Of all specimens.
    scored : ndarray of bool
        Which of them were scored.
    subjects : ndarray of int, shape (n,)

    Returns
    -------
    list of Estimate
        ``auc_fewer_specimens`` and ``auc_minus_fewer``; none where there are no such members.
    """
    if random.fewer is None:
        return []
    fewer = random.fewer[:, :, scored]
    inner, repeat = np.nonzero(np.isfinite(fewer).all(axis=2))
    if not len(inner):
        return []
    margin, folds = random.margin[:, scored][repeat], random.folds[:, scored][repeat]
    less = fewer[inner, repeat]
    return [
        auc_cross_validated(y, less, folds, subjects, name=FEWER),
        auc_difference(y, margin, less, folds, subjects, name=DIFFERENCE),
    ]


def learning_curve_line(evaluation: Evaluation) -> str:
    """Say in one line what the last specimens to learn from were worth; empty where it was not estimated.

    The line speaks of gain only where the whole interval of the difference lies above 0.
    """
    found = {e.name: e for e in evaluation.estimates if e.value is not None}
    sizes = [(fold.n_usable, fold.n_fewer) for fold in evaluation.folds if fold.n_usable is not None and fold.n_fewer is not None]
    if not sizes or not {"auc", FEWER, DIFFERENCE} <= found.keys():
        return ""
    n, n_fewer = np.mean(sizes, axis=0)
    gain = found[DIFFERENCE]
    limits = "no interval" if gain.lower is None else f"95 % CI {gain.lower:.3f} to {gain.upper:.3f}"
    helps = gain.lower is not None and gain.lower > 0
    line = (
        f"Trained on {n:.0f} specimens AUC {found['auc'].value:.3f}, on {n_fewer:.0f} {found[FEWER].value:.3f}: "
        f"difference {gain.value:.3f} ({limits}): "
    )
    return line.replace("-0.", "−0.") + ("more specimens would help" if helps else "no gain seen from more specimens of this kind")

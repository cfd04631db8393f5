"""How much a score flatters on the specimens a model was fitted to: Harrell's bootstrap and the .632+ estimator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.stats.inputs import Bools, Floats, Ints, Subjects, labels, probabilities, reals
from exodx.stats.resampling import SEED, bootstrap_weights, resampled_rows

Predict = Callable[[Ints], Floats]
Fit = Callable[[Ints], Predict]
Score = Callable[[Bools, Floats], float]

REFITS = 200


@dataclass(frozen=True, slots=True)
class Optimism:
    """A score corrected for being told of the specimens that made the model.

    It has no interval: how the bootstrap spreads says how sure the optimism is, not how sure the corrected score is.

    Parameters
    ----------
    apparent : float
        Score of the model of all specimens on all specimens.
    optimism : float
        Mean of (score of a resample's model on its own resample − on all specimens).
    corrected : float
        ``apparent − optimism``.
    simulation_error : float
        Standard error of ``optimism`` from the number of resamples alone; more resamples make it smaller.
    resamples : int
    """

    apparent: float
    optimism: float
    corrected: float
    simulation_error: float
    resamples: int


@dataclass(frozen=True, slots=True)
class Bootstrap632:
    """Efron and Tibshirani's .632+ and what it is made of.

    Parameters
    ----------
    apparent : float
        Score of the model of all specimens on all specimens.
    out_of_bag : float
        Mean score of resamples' models on the subjects they did not draw.
    no_information : float
        Score that the same predictions would have if they had nothing to do with the labels.
    overfitting : float
        From 0, out-of-bag is as good as apparent, to 1, it is as bad as no information.
    weight : float
        Of ``out_of_bag``, from .632 to 1.
    corrected : float
        ``(1 − weight) · apparent + weight · out_of_bag``, the latter no worse than no information.
    resamples : int
        Resamples with both classes out of bag.
    """

    apparent: float
    out_of_bag: float
    no_information: float
    overfitting: float
    weight: float
    corrected: float
    resamples: int


def optimism_bootstrap(
    y: ArrayLike, fit: Fit, score: Score, subjects: Subjects = None, resamples: int = REFITS, seed: int = SEED
) -> Optimism:
    """Correct a score by Harrell's optimism bootstrap; every step that learns must be inside ``fit``.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    fit : callable
        From rows (numbers into the cohort, repeated as drawn) to a predictor, itself from rows to probabilities.
    score : callable
        From labels and probabilities to a number, e.g. :func:`exodx.stats.auc` or :func:`exodx.stats.brier`.
    subjects : array_like, shape (n,), optional
        Subject of each specimen; subjects are drawn.
    resamples, seed
        Number of refits and their seed.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, a prediction is missing or ``resamples`` is less than 1.

    References
    ----------
    Harrell, Lee and Mark 1996, 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4.
    """
    case = labels(y)
    everyone = np.arange(case.size)
    apparent = _scored(case, fit(everyone), everyone, score)
    gaps = []
    for weights in _resamples(case, subjects, resamples, seed):
        rows = resampled_rows(weights)
        predict = fit(rows)
        gaps.append(_scored(case, predict, rows, score) - _scored(case, predict, everyone, score))
    optimism = float(np.mean(gaps))
    error = float(np.std(gaps, ddof=1) / sqrt(len(gaps))) if len(gaps) > 1 else 0.0
    return Optimism(apparent, optimism, apparent - optimism, error, len(gaps))


def bootstrap_632plus(  # noqa: PLR0913
    y: ArrayLike,
    fit: Fit,
    score: Score,
    no_information: Score,
    subjects: Subjects = None,
    resamples: int = REFITS,
    seed: int = SEED,
) -> Bootstrap632:
    """Correct a score by the .632+ bootstrap, which leans on the out-of-bag score the more, the more a model overfits.

    Parameters
    ----------
    y, fit, score, subjects, resamples, seed
        As for :func:`optimism_bootstrap`; higher or lower may be better.
    no_information : callable
        From labels and probabilities to the score without information: :func:`brier_without_information` for the Brier score;
        one that returns ½ for the AUC.

    Notes
    -----
    Scores are averaged over resamples, as is done for the AUC, which no single specimen has (Wahl 2016), not over specimens
    first, as Efron and Tibshirani do for losses; both agree as resamples grow. Resamples that leave a class without a specimen
    out of bag are passed over.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, a prediction is missing, or no resample leaves both classes out of bag.

    References
    ----------
    Efron and Tibshirani 1997, 10.1080/01621459.1997.10474007; AUC: Wahl 2016, 10.1186/s12874-016-0239-7.
    """
    case = labels(y)
    everyone = np.arange(case.size)
    apparent_p = _predicted(fit(everyone), everyone)
    apparent, guess = score(case, apparent_p), no_information(case, apparent_p)
    scores = []
    for weights in _resamples(case, subjects, resamples, seed):
        out = np.flatnonzero(weights == 0)
        if out.size and case[out].any() and not case[out].all():
            scores.append(_scored(case, fit(resampled_rows(weights)), out, score))
    if not scores:
        raise ValueError("no resample leaves both classes out of bag; there are too few subjects for the .632+ bootstrap.")
    out_of_bag = float(np.mean(scores))
    return _combined(apparent, out_of_bag, guess, len(scores))


def brier_without_information(y: ArrayLike, p: ArrayLike) -> float:
    """Return the Brier score of every prediction against every label, as if they had nothing to do with each other.

    >>> round(brier_without_information([0, 1], [0.2, 0.8]), 3)
    0.34
    """
    case = labels(y)
    values, share = probabilities(p, case.size), float(case.mean())
    return float((share * (1 - values) ** 2 + (1 - share) * values**2).mean())


def _combined(apparent: float, out_of_bag: float, guess: float, resamples: int) -> Bootstrap632:
    room = guess - apparent  # from the apparent score to no information, in whichever direction is worse
    overfitting = min(max((out_of_bag - apparent) / room, 0.0), 1.0) if room else 0.0
    weight = 0.632 / (1 - 0.368 * overfitting)
    kept = guess if overfitting == 1.0 else out_of_bag
    return Bootstrap632(apparent, out_of_bag, guess, overfitting, weight, (1 - weight) * apparent + weight * kept, resamples)


def _resamples(case: Bools, subjects: Subjects, resamples: int, seed: int) -> list[NDArray[np.int64]]:
    return [row for block in bootstrap_weights(case, subjects, resamples, seed) for row in block]


def _scored(case: Bools, predict: Predict, rows: Ints, score: Score) -> float:
    return score(case[rows], _predicted(predict, rows))


def _predicted(predict: Predict, rows: Ints) -> Floats:
    return reals("prediction", predict(rows), rows.shape)

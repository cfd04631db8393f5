"""The ROC curve and the area under it, from one set of scores or from cross-validation."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from exodx.stats.clusters import class_variance, two_class_variance
from exodx.stats.concordance import Concordance, wins, within_folds
from exodx.stats.estimate import Estimate
from exodx.stats.inputs import Bools, Floats, Ints, Subjects, labels, normal_quantile, reals, scored, subject_codes
from exodx.stats.intervals import clopper_pearson, logit_interval

ZERO_SE = 1e-12
NO_PAIR = "no fold holds both a case and a control"
NO_VARIANCE = "all specimens contribute alike (for instance, all scores are tied), so there is no variance to estimate"
ONE_SUBJECT = "a class has fewer than two subjects, so its variance is unknown"


def auc(y: ArrayLike, score: ArrayLike) -> float:
    """Return the share of case–control pairs in which the case scores higher, ties counted as ½.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    score : array_like, shape (n,)
        Higher means more likely a case.

    Raises
    ------
    ValueError
        If a class is empty, a score is missing or the lengths differ.

    See Also
    --------
    auc_delong : the same with an interval.
    auc_cross_validated : for out-of-fold scores, which must not be pooled over folds.

    References
    ----------
    Hanley and McNeil 1982, 10.1148/radiology.143.1.7063747.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.9])
    0.875
    """
    case, values = scored(y, score)
    won, lost = wins(values[case], values[~case])
    return float(won.sum() / (won.size * lost.size))


def roc_curve(y: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the ROC curve at every distinct score; a specimen is positive when its score reaches the threshold.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control; both must occur.
    score : array_like, shape (n,)
        Higher means more likely a case.

    Returns
    -------
    fpr, tpr, thresholds : ndarray, shape (distinct scores + 1,)
        From (0, 0) at threshold +inf to (1, 1) at the lowest score. No point is dropped.

    Raises
    ------
    ValueError
        If a class is empty, a score is missing or the lengths differ.

    Examples
    --------
    >>> fpr, tpr, thresholds = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.9])
    >>> fpr.tolist(), tpr.tolist(), thresholds.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0], [inf, 0.9, 0.4, 0.1])
    """
    case, values = scored(y, score)
    distinct, where = np.unique(-values, return_inverse=True)
    thresholds = np.concatenate(([np.inf], -distinct))
    return _cumulated(where[~case], distinct.size), _cumulated(where[case], distinct.size), thresholds


def auc_delong(y: ArrayLike, score: ArrayLike, level: float = 0.95, name: str = "auc") -> Estimate:
    """Return the AUC of one set of scores with DeLong's variance and an interval on the logit scale.

    A sample that is ordered without a single mistake (AUC exactly 1, or 0) has DeLong variance 0, which is not
    certainty. Its ``m = min(cases, controls)`` disjoint pairs are independent trials, all of them successes, so the
    Clopper–Pearson interval of ``m`` out of ``m`` is a valid, conservative bound; ``method`` says when it was used.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    score : array_like, shape (n,)
        Higher means more likely a case.
    level : float
        Confidence level.
    name : str
        Name of the estimate.

    Returns
    -------
    Estimate
        Without an interval, and with the reason, when a class has fewer than two specimens or all scores are tied.

    Raises
    ------
    ValueError
        If labels are not 0 and 1, a score is missing or the lengths differ.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, 10.2307/2531595; logit scale: Pepe 2003 (ISBN 9780198565826), section 5.2.

    Examples
    --------
    >>> print(auc_delong([0, 0, 0, 1, 1, 1], [0.1, 0.3, 0.6, 0.4, 0.7, 0.9]))
    0.889 (95 % CI 0.261 to 0.995)
    """
    case, codes = _specimens(y, None)
    scores = reals("score", score, case.shape)[None]
    found = within_folds(case, scores, np.zeros(scores.shape, dtype=int), codes)
    return _estimate(found, case, codes, level=level, name=name, method="DeLong, logit scale")


def auc_cross_validated(
    y: ArrayLike, scores: ArrayLike, folds: ArrayLike, subjects: Subjects = None, level: float = 0.95, name: str = "auc"
) -> Estimate:
    """Return the AUC of out-of-fold scores, comparing only specimens of the same fold of the same repeat.

    Scores of different folds come from different models; pooling them biases the AUC. Here each repeat gives the share
    of within-fold case–control pairs that are ordered rightly (so a fold counts by its number of pairs), and the
    estimate is the mean over repeats. A fold with one class has no pair and contributes nothing.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    scores : array_like, shape (R, n)
        Out-of-fold scores of R repeats.
    folds : array_like of int, shape (R, n)
        Fold in which each specimen was held out, for each repeat.
    subjects : array_like, shape (n,), optional
        Subject of each specimen; repeated subjects are taken as one cluster.
    level : float
        Confidence level.
    name : str
        Name of the estimate.

    Returns
    -------
    Estimate
        ``n`` counts the specimens that were compared. AUC exactly 0 or 1 is treated as in :func:`auc_delong`, with the
        disjoint within-fold pairs of the least favourable repeat.

    Raises
    ------
    ValueError
        If shapes differ, a score is missing or folds are not whole numbers.

    Notes
    -----
    The variance comes from what each specimen moves the estimate by, averaged over repeats before squaring, as in the
    influence curve of LeDell, Petersen and van der Laan 2015, 10.1214/15-EJS1035, and summed within subjects as in
    Obuchowski 1997, 10.2307/2533958. Deviations are taken from the AUC of the repeat, not of the fold, so that folds
    with a single case still add their variance. One fold and one repeat give :func:`auc_delong`. It is the variance of
    evaluating these models; the choice of training set adds more.
    """
    case, codes = _specimens(y, subjects)
    found = within_folds(case, *_repeats(scores, folds, case.size), codes)
    method = "within-fold pairs, influence curve, logit scale"
    return _estimate(found, case, codes, level=level, name=name, method=method + _clustering(codes))


def auc_difference(  # noqa: PLR0913
    y: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    folds: ArrayLike,
    subjects: Subjects = None,
    level: float = 0.95,
    name: str = "auc_difference",
) -> Estimate:
    """Return the AUC of model a minus that of model b on the same specimens and folds, with a paired interval.

    The interval is a Wald interval on the plain scale, cut at −1 and 1. With one fold it is DeLong's paired comparison.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    scores_a, scores_b : array_like, shape (R, n)
        Out-of-fold scores of the two models.
    folds : array_like of int, shape (R, n)
        Fold in which each specimen was held out, the same for both models.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    level : float
        Confidence level.
    name : str
        Name of the estimate.

    Returns
    -------
    Estimate
        Without an interval, and with the reason, when the difference has no variance, as for models that order alike.

    Raises
    ------
    ValueError
        If shapes differ, a score is missing or folds are not whole numbers.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, 10.2307/2531595; clusters: Obuchowski 1997, 10.2307/2533958.
    """
    case, codes = _specimens(y, subjects)
    a = within_folds(case, *_repeats(scores_a, folds, case.size), codes)
    b = within_folds(case, *_repeats(scores_b, folds, case.size), codes)
    if a is None or b is None:
        return Estimate(name, None, None, None, level=level, reason=NO_PAIR)
    value, n = a.value - b.value, int(a.compared.sum())
    se, reason = _standard_error(a.influence - b.influence, a.compared, case, codes)
    if reason:
        return Estimate(name, value, None, None, level=level, n=n, reason=reason)
    half = normal_quantile(level) * se
    method = "paired DeLong on within-fold pairs" + _clustering(codes)
    return Estimate(name, value, max(-1.0, value - half), min(1.0, value + half), level=level, method=method, n=n)


def macro_auc(
    classes: ArrayLike,
    scores: ArrayLike,
    folds: ArrayLike,
    subjects: Subjects = None,
    level: float = 0.95,
    name: str = "macro_auc",
) -> Estimate:
    """Return the mean over classes of the AUC of each class against the rest, as :func:`auc_cross_validated` counts them.

    Parameters
    ----------
    classes : array_like of int, shape (n,)
        Class of each specimen, 0 … K − 1.
    scores : array_like, shape (R, n, K)
        Out-of-fold scores of R repeats, one a class.
    folds : array_like of int, shape (R, n)
        Fold in which each specimen was held out, for each repeat.
    subjects : array_like, shape (n,), optional
        Subject of each specimen.
    level : float
        Confidence level.
    name : str
        Name of the estimate.

    Returns
    -------
    Estimate
        Every class counts alike, however rare. No value, but the reason, where a class is never compared.

    Notes
    -----
    What a specimen moves the mean by is the mean of what it moves each AUC by (LeDell, Petersen and van der Laan 2015,
    10.1214/15-EJS1035); the variance is summed within classes and subjects. With two classes it is :func:`auc_cross_validated`.
    """
    truth, codes = _classes(classes, subjects)
    found = _macro(truth, scores, folds, codes)
    if isinstance(found, int):
        return Estimate(name, None, None, None, level=level, reason=f"class {found}: {NO_PAIR}")
    method = "mean over classes, within-fold pairs, influence curve, logit scale" + _clustering(codes)
    value, n = found.value, int(found.compared.sum())
    if value in (0.0, 1.0):
        return _estimate(found, truth == truth[0], codes, level=level, name=name, method=method)
    se, reason = _macro_error(found.influence, found.compared, truth, codes)
    if reason:
        return Estimate(name, value, None, None, level=level, n=n, reason=reason)
    return Estimate(name, value, *logit_interval(value, se, level), level=level, method=method, n=n)


def macro_auc_difference(
    classes: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    folds: ArrayLike,
    subjects: Subjects = None,
    name: str = "macro_auc_difference",
) -> Estimate:
    """Return the macro AUC of model a minus that of model b on the same specimens and folds, with a paired 95 % interval.

    Parameters
    ----------
    classes, folds, subjects, name
        As for :func:`macro_auc`.
    scores_a, scores_b : array_like, shape (R, n, K)
    """
    truth, codes = _classes(classes, subjects)
    a, b = (_macro(truth, scores, folds, codes) for scores in (scores_a, scores_b))
    if isinstance(a, int) or isinstance(b, int):
        return Estimate(name, None, None, None, reason=NO_PAIR)
    value, n = a.value - b.value, int(a.compared.sum())
    se, reason = _macro_error(a.influence - b.influence, a.compared, truth, codes)
    if reason:
        return Estimate(name, value, None, None, n=n, reason=reason)
    half = normal_quantile(0.95) * se
    method = "mean over classes, paired, within-fold pairs" + _clustering(codes)
    return Estimate(name, value, max(-1.0, value - half), min(1.0, value + half), method=method, n=n)


def _classes(classes: ArrayLike, subjects: Subjects) -> tuple[Ints, Ints]:
    truth = np.asarray(classes)
    if truth.ndim != 1 or truth.size == 0 or not np.issubdtype(truth.dtype, np.integer) or truth.min() < 0:
        raise ValueError("classes must be a one-dimensional array of whole numbers from 0.")
    return truth, subject_codes(subjects, truth.size)


def _macro(truth: Ints, scores: ArrayLike, folds: ArrayLike, codes: Ints) -> Concordance | int:
    """Return the mean of the classes' concordances, or the first class that is never compared."""
    values = np.asarray(scores, float)
    if values.ndim != 3:
        raise ValueError(f"scores has shape {values.shape}; give one score a repeat, specimen and class.")
    found = []
    for k in range(values.shape[2]):
        one = within_folds(truth == k, *_repeats(values[:, :, k], folds, truth.size), codes)
        if one is None:
            return k
        found.append(one)
    return Concordance(
        value=float(np.mean([one.value for one in found])),
        influence=np.mean([one.influence for one in found], axis=0),
        compared=np.any([one.compared for one in found], axis=0),
        disjoint_pairs=min(one.disjoint_pairs for one in found),
    )


def _macro_error(influence: Floats, used: Bools, truth: Ints, codes: Ints) -> tuple[float, str]:
    variance = class_variance(influence[used], truth[used], codes[used])
    if variance is None:
        return 0.0, ONE_SUBJECT
    se = sqrt(max(variance, 0.0))
    return se, "" if se > ZERO_SE else NO_VARIANCE


def _specimens(y: ArrayLike, subjects: Subjects) -> tuple[Bools, Ints]:
    case = labels(y)
    return case, subject_codes(subjects, case.size)


def _repeats(scores: ArrayLike, folds: ArrayLike, n: int) -> tuple[Floats, Ints]:
    """Return scores and folds, both of shape (R, n)."""
    numbers = np.asarray(folds)
    if numbers.ndim != 2 or numbers.shape[0] == 0 or numbers.shape[1] != n:
        raise ValueError(f"folds has shape {numbers.shape} where (repeats, {n}) is needed; give one row per repeat.")
    if not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"folds is of type {numbers.dtype}; number the folds with integers.")
    return reals("scores", scores, numbers.shape), numbers


def _estimate(found: Concordance | None, case: Bools, codes: Ints, *, level: float, name: str, method: str) -> Estimate:
    """Give a concordance its interval: exact at 0 and 1, else on the logit scale, else the reason why not."""
    if found is None:
        return Estimate(name, None, None, None, level=level, reason=NO_PAIR)
    value, n = found.value, int(found.compared.sum())
    if value in (0.0, 1.0):
        m = found.disjoint_pairs
        lower, upper = clopper_pearson(m if value else 0, m, level)
        method = f"exact bound from {m} disjoint case–control pairs (Clopper–Pearson), conservative"
        return Estimate(name, value, lower, upper, level=level, method=method, n=n)
    se, reason = _standard_error(found.influence, found.compared, case, codes)
    if reason:
        return Estimate(name, value, None, None, level=level, n=n, reason=reason)
    lower, upper = logit_interval(value, se, level)
    return Estimate(name, value, lower, upper, level=level, method=method, n=n)


def _standard_error(influence: Floats, used: Bools, case: Bools, codes: Ints) -> tuple[float, str]:
    """Return the standard error and an empty reason, or the reason why there is none."""
    variance = two_class_variance(influence[used], case[used], codes[used])
    if variance is None:
        return 0.0, ONE_SUBJECT
    se = sqrt(max(variance, 0.0))
    return se, "" if se > ZERO_SE else NO_VARIANCE


def _clustering(codes: Ints) -> str:
    return ", clustered by subject" if np.unique(codes).size < codes.size else ""


def _cumulated(where: Ints, size: int) -> Floats:
    """Return the share of specimens at or before each place, with a zero in front."""
    shares: Floats = np.cumsum(np.bincount(where, minlength=size)) / where.size
    return np.concatenate(([0.0], shares))

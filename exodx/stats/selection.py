"""Whether a procedure that selects features selects the same ones again."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from exodx.stats.estimate import Estimate
from exodx.stats.inputs import normal_quantile

ZERO_SE = 1e-12


def selection_stability(selected: ArrayLike, level: float = 0.95) -> Estimate:
    """Return Nogueira's stability of repeated selections: 1 is always the same features, 0 what chance would give.

    Parameters
    ----------
    selected : array_like of 0/1, shape (M, d)
        A row for each repeat (fold, resample), a column for each feature that could have been selected.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Normal interval, cut at 1 and at −1/(M−1), its lowest value. It takes repeats as independent, which overlapping training
        sets are not, so it is too narrow for folds of one cohort. No value, but the reason, where nothing or everything is
        always selected; no interval where no repeat differs. ``n`` counts the repeats.

    Raises
    ------
    ValueError
        If it is not a matrix of 0 and 1 with at least two rows and one column.

    References
    ----------
    Nogueira, Sechidis and Brown, JMLR 2018;18(174), 10.5555/3122009.3242031, definition 4 and corollary 9. Custom, after Fleiss:
    above .75 excellent, below .4 poor.

    Examples
    --------
    >>> round(selection_stability([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]]).value, 4)
    0.3333
    """
    z = np.asarray(selected)
    if z.ndim != 2 or z.shape[0] < 2 or z.shape[1] < 1 or not np.isin(z, (0, 1)).all():
        raise ValueError(f"selected has shape {z.shape}; give a matrix of 0 and 1 with a row for each of at least two repeats.")
    z = z.astype(float)
    repeats, features = z.shape
    often, count = z.mean(axis=0), z.sum(axis=1)
    share = float(often.mean())
    if share in (0.0, 1.0):
        reason = "no feature is ever selected" if share == 0 else "all features are always selected"
        return Estimate("selection_stability", None, None, None, level=level, n=repeats, reason=reason)
    chance = share * (1 - share)
    value = float(1 - repeats / (repeats - 1) * (often * (1 - often)).mean() / chance)
    own = count / features
    influence = ((z * often).mean(axis=1) - own * share + value / 2 * (2 * own * share - own - share + 1)) / chance
    se = 2 / repeats * sqrt(((influence - influence.mean()) ** 2).sum())
    if se < ZERO_SE:
        reason = "all repeats contribute alike, so there is no variance to estimate"
        return Estimate("selection_stability", value, None, None, level=level, n=repeats, reason=reason)
    half = normal_quantile(level) * se
    lower, upper = max(value - half, -1 / (repeats - 1)), min(value + half, 1.0)
    return Estimate("selection_stability", value, lower, upper, level=level, method="Nogueira, n counts repeats", n=repeats)

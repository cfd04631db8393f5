"""Sets of labels that hold the true one with a stated probability, within each class."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

from exodx.stats.inputs import Bools, Floats, labels, probabilities

ROUNDING = 1e-9


class TooFewSpecimensError(ValueError):
    """A class has too few specimens for the error rate that was asked for."""


@dataclass(frozen=True, slots=True)
class ConformalRule:
    """The largest nonconformity that each label is kept at.

    Parameters
    ----------
    control, case : float
        A label is kept where 1 minus its probability is at most this.
    alpha : float
        Share of specimens of either class whose set may miss the true label.
    """

    control: float
    case: float
    alpha: float

    def sets(self, p: ArrayLike) -> Bools:
        """Return which labels are kept, shape (n, 2): control, case.

        Both kept is indeterminate; none kept says that the specimen is like neither class. A missing probability is refused.

        >>> ConformalRule(0.4, 0.5, 0.1).sets([0.2, 0.45, 0.9]).tolist()
        [[True, False], [False, False], [False, True]]
        """
        values = probabilities(p, np.size(p))
        kept: Bools = np.column_stack([values <= self.control, 1 - values <= self.case])
        return kept


def conformal_rule(y: ArrayLike, p: ArrayLike, alpha: float = 0.05) -> ConformalRule:
    """Learn class-conditional (Mondrian) conformal sets from specimens that took no part in fitting the probabilities.

    For each class the limit is the ``⌈(n + 1)(1 − α)⌉``-th smallest of 1 − probability of the true label. A new specimen that is
    exchangeable with those of its class is then missed with probability at most α; a new site breaks that promise.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 for a case, 0 for a control.
    p : array_like, shape (n,)
        Probability of being a case, out of fold.
    alpha : float
        Strictly between 0 and 1.

    Raises
    ------
    TooFewSpecimensError
        If a class has fewer than ``⌈1/α⌉ − 1`` specimens (19 for 0.05): no limit short of keeping everything would hold.
    ValueError
        If labels are not 0 and 1, probabilities are missing or outside [0, 1], or alpha is out of range.

    References
    ----------
    Vovk, Gammerman and Shafer 2005, 10.1007/b106715, section 4.5; Vovk 2012, arXiv 1209.2673.

    Examples
    --------
    >>> rule = conformal_rule([0] * 4 + [1] * 4, [0.1, 0.2, 0.3, 0.6, 0.5, 0.7, 0.8, 0.9], alpha=0.2)
    >>> rule.control, rule.case
    (0.6, 0.5)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; give a share strictly between 0 and 1, e.g. 0.05.")
    case = labels(y)
    values = probabilities(p, case.size)
    needed = ceil(1 / alpha - ROUNDING) - 1
    counts = {"controls": int((~case).sum()), "cases": int(case.sum())}
    few = [f"{count} {name}" for name, count in counts.items() if count < max(needed, 1)]
    if few:
        raise TooFewSpecimensError(f"there are {' and '.join(few)}; conformal sets at alpha {alpha:g} need {needed} of each.")
    return ConformalRule(_limit(values[~case], alpha), _limit(1 - values[case], alpha), alpha)


def _limit(scores: Floats, alpha: float) -> float:
    rank = ceil((scores.size + 1) * (1 - alpha) - ROUNDING)
    return float(np.sort(scores)[rank - 1])

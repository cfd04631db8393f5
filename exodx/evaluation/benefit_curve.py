"""The decision curve of a procedure or a frozen model: net benefit over threshold probabilities, at the prevalence of use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.calibrator import probability
from exodx.stats import decision_curve, prior_shift

Floats = NDArray[np.float64]

POINTS = 99
HIGHEST = 0.99


@dataclass(frozen=True, slots=True)
class BenefitCurve:
    """Net benefit against the threshold probability; that of calling no one positive is 0.

    Parameters
    ----------
    thresholds : tuple of float
        Risk, at ``prevalence``, from which a specimen is called positive.
    model, lower, upper : tuple of float
        Net benefit of the model, with its pointwise 95 % band (bootstrap over subjects).
    treat_all : tuple of float
        Net benefit of calling everyone positive.
    prevalence : float
        Prevalence that it holds for.
    stated : bool
        Whether the prevalence of use was stated; if not it is the cohort's own share of positives.
        A case–control study chose that.
    threshold : float or None
        The model's own threshold as a risk at that prevalence.
    n : int
        Specimens.
    """

    thresholds: tuple[float, ...]
    model: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    treat_all: tuple[float, ...]
    prevalence: float
    stated: bool
    threshold: float | None
    n: int

    @property
    def useful(self) -> tuple[float, float] | None:
        """The longest run of thresholds at which the whole band is above calling everyone and calling no one positive."""
        better = [low > max(everyone, 0.0) for low, everyone in zip(self.lower, self.treat_all, strict=True)]
        best, start = (0, 0), 0
        for place, is_better in enumerate((*better, False)):
            if not is_better:
                best, start = max(best, (start, place), key=lambda run: run[1] - run[0]), place + 1
        return None if best[0] == best[1] else (self.thresholds[best[0]], self.thresholds[best[1] - 1])

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> BenefitCurve:
        """Rebuild from plain types."""
        curves = {key: tuple(state[key]) for key in ("thresholds", "model", "lower", "upper", "treat_all")}
        return cls(**{**state, **curves})


def benefit_curve(
    y: NDArray[np.int8],
    margin: Floats,
    subjects: NDArray[np.intp],
    share: float,
    prevalence: float | None,
    threshold: float | None = None,
) -> BenefitCurve:
    """Return the decision curve of R scores a specimen, averaged over them.

    Probabilities that were learned at ``share`` are first moved to the prevalence of use by Bayes' rule, and cases and controls are
    weighed by it; without one they stay as they are and the cohort's own share of positives counts.

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    margin : ndarray, shape (R, n)
        Log-odds: of each repeat of a cross-validation, or one row of a frozen model.
    subjects : ndarray of int, shape (n,)
    share : float
        Share of positives that the probabilities were made for.
    prevalence : float, optional
        Of use.
    threshold : float, optional
        The model's own, on its probability.

    References
    ----------
    Vickers and Elkin 2006, 10.1177/0272989X06295361; case–control: Pfeiffer and Gail 2020, 10.1002/bimj.201800240.
    """
    repeats = len(margin)
    rate = float(y.mean()) if prevalence is None else prevalence
    risk = _risk(probability(margin.ravel()), share, prevalence)
    highest = min(HIGHEST, max(float(risk.max()), 2 * rate))
    cuts = np.linspace(0, highest, POINTS + 1)[1:]
    found = decision_curve(np.tile(y, repeats), risk, cuts, rate, np.tile(subjects, repeats))
    own = None if threshold is None else float(_risk(np.array([threshold]), share, prevalence)[0])
    return BenefitCurve(
        thresholds=tuple(cuts.tolist()),
        model=tuple(found.model.tolist()),
        lower=tuple(found.lower.tolist()),
        upper=tuple(found.upper.tolist()),
        treat_all=tuple(found.treat_all.tolist()),
        prevalence=rate,
        stated=prevalence is not None,
        threshold=own,
        n=len(y),
    )


def _risk(p: Floats, share: float, prevalence: float | None) -> Floats:
    return p if prevalence is None else prior_shift(p, share, prevalence)

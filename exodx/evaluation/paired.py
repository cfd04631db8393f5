"""Two frozen models on the same specimens of a cohort: what differs, with intervals that know that it is the same specimens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort
from exodx.errors import InputRefused, Problem
from exodx.evaluation.audits import audit_origin
from exodx.evaluation.benefit_curve import BenefitCurve, benefit_curve
from exodx.evaluation.curves import CalibrationBin, RocBand, calibration_bins, roc_band
from exodx.evaluation.estimates import accuracy_estimates, metric_estimates, probability_estimates, zone_estimates
from exodx.evaluation.shown import comparison_html, comparison_line
from exodx.evaluation.utility import benefit_estimates, observed_estimate
from exodx.frozen import DiagnosticModel
from exodx.frozen.calibrator import probability
from exodx.frozen.threshold import NEGATIVE, POSITIVE
from exodx.stats import Estimate, PairedShare, auc_cross_validated, auc_difference, compare_calls, prior_shift

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

SEED = 0


@dataclass(frozen=True, slots=True)
class Both:
    """An estimate of either model, and the paired difference a − b where there is one."""

    a: Estimate
    b: Estimate
    difference: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves of one model on the shared specimens."""

    roc: RocBand
    calibration: tuple[CalibrationBin, ...]
    benefit: BenefitCurve


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two models on the same specimens. No specimen's id is kept.

    Parameters
    ----------
    source : str
        The cohort.
    synthetic : bool
        The cohort was simulated.
    flow : dict of str to int
        Specimens read, scored by both, positive, negative; left out because one model, or neither, scored them.
    estimates : tuple of Both
    sensitivity, specificity : PairedShare
        Specimens rightly called by one model alone, with McNemar's exact test and Tango's interval.
    calls : dict of str to int
        Specimens by ``class: call of a → call of b``, those on which the models differ.
    curves : tuple of Curves
        Of a and of b.
    apparent : tuple of str
        What is to be told before any number: a model was trained or recalibrated on these very specimens.
    """

    source: str
    synthetic: bool
    flow: dict[str, int]
    estimates: tuple[Both, ...]
    sensitivity: PairedShare
    specificity: PairedShare
    calls: dict[str, int]
    curves: tuple[Curves, Curves]
    apparent: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return comparison_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return comparison_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


class _Scored(NamedTuple):
    """One model's answers on the shared specimens, and the specimens; what the two models share is the same in both."""

    model: DiagnosticModel
    y: NDArray[np.int8]
    subjects: NDArray[np.intp]
    margin: Floats
    call: NDArray[np.str_]

    @property
    def positive(self) -> Bools:
        return np.equal(self.call, POSITIVE)

    @property
    def negative(self) -> Bools:
        return np.equal(self.call, NEGATIVE)


def compare_models(
    a: tuple[DiagnosticModel, Cohort], b: tuple[DiagnosticModel, Cohort], prevalence: float | None
) -> PairedComparison:
    """Compare two frozen models on the specimens that both score.

    Parameters
    ----------
    a, b : tuple of DiagnosticModel and Cohort
        Each model with the same cohort, read on its own panel.
    prevalence : float, optional
        Of use, for predictive values and net benefit.

    Raises
    ------
    InputRefused
        When the two readings have other labels, or fewer than two specimens of a class are scored by both.
    """
    first, second, flow = _shared(a, b)
    if np.bincount(first.y, minlength=2).min() < 2:
        found = f"{int(first.y.sum())} positive and {int((1 - first.y).sum())} negative specimens were scored by both models"
        raise InputRefused(Problem("TOO_FEW_SPECIMENS", a[1].source, found, "A comparison needs both classes."))
    y, subjects = first.y, first.subjects
    positive = compare_calls(y, first.positive, second.positive, subjects)[0]
    negative = compare_calls(y, ~first.negative, ~second.negative, subjects)[1]
    return PairedComparison(
        a[1].source,
        a[1].synthetic,
        flow,
        _estimates(first, second, prevalence, (positive, negative)),
        positive,
        negative,
        _changed(first, second),
        (_curves(first, prevalence), _curves(second, prevalence)),
        tuple(told for name, (model, cohort) in zip("AB", (a, b), strict=True) for told in _apparent(name, model, cohort)),
    )


def _apparent(name: str, model: DiagnosticModel, cohort: Cohort) -> Iterator[str]:
    """Say where a model has seen the cohort: the comparison is then in its favour."""
    for finding in audit_origin(cohort, model):
        if finding.code in ("training_cohort", "recalibration_cohort"):
            yield f"{name}: {finding.message}"


def _shared(a: tuple[DiagnosticModel, Cohort], b: tuple[DiagnosticModel, Cohort]) -> tuple[_Scored, _Scored, dict[str, int]]:
    """Score both cohorts and keep the specimens that both models score, in one order."""
    cohorts = [cohort.sorted() for _, cohort in (a, b)]
    common = sorted(set(cohorts[0].ids) & set(cohorts[1].ids))
    places = [{name: i for i, name in enumerate(cohort.ids)} for cohort in cohorts]
    cohorts = [cohort[np.array([at[name] for name in common], np.intp)] for cohort, at in zip(cohorts, places, strict=True)]
    if not np.array_equal(cohorts[0].y, cohorts[1].y):
        found = "the two models read another reference standard from it"
        raise InputRefused(Problem("LABELS_DIFFER", a[1].source, found, "Say which value means positive: --positive VALUE."))
    predictions = [model.predict(c.measurements, c.ids) for (model, _), c in zip((a, b), cohorts, strict=True)]
    in_a, in_b = (prediction.is_scored for prediction in predictions)
    rows = in_a & in_b
    y, subjects = cohorts[0].y[rows], cohorts[0].subjects[rows]
    scored = [
        _Scored(model, y, subjects, p.margin[rows], np.array(p.call)[rows])
        for (model, _), p in zip((a, b), predictions, strict=True)
    ]
    flow = {
        "specimens": len(common),
        "scored by both": int(rows.sum()),
        "positive": int(y.sum()),
        "negative": int((1 - y).sum()),
        "scored by A alone": int((in_a & ~in_b).sum()),
        "scored by B alone": int((in_b & ~in_a).sum()),
        "scored by neither": int((~in_a & ~in_b).sum()),
    }
    return scored[0], scored[1], flow


def _estimates(a: _Scored, b: _Scored, prevalence: float | None, shares: tuple[PairedShare, PairedShare]) -> tuple[Both, ...]:
    paired = {"auc": _auc_difference(a, b), "sensitivity": shares[0].difference, "specificity": shares[1].difference}
    first, second = ({e.name: e for e in _alone(x, prevalence)} for x in (a, b))
    common = [Both(first[name], second[name], paired.get(name)) for name in first if name in second]
    return (*common, *_benefits(a, b, prevalence))


def _auc_difference(a: _Scored, b: _Scored) -> Estimate:
    return auc_difference(a.y, a.margin[None], b.margin[None], np.zeros((1, len(a.y)), np.intp), a.subjects)


def _alone(x: _Scored, prevalence: float | None) -> list[Estimate]:
    """Return what :func:`exodx.evaluation.evaluate_external` tells of a model, but its net benefit."""
    calls = (
        accuracy_estimates(x.y, x.positive[None], x.subjects, prevalence)
        if x.model.threshold.zone is None
        else zone_estimates(x.y, x.positive[None], x.negative[None], x.subjects, prevalence)
    )
    return [
        auc_cross_validated(x.y, x.margin[None], np.zeros((1, len(x.y)), np.intp), x.subjects, name="auc"),
        *calls,
        *probability_estimates(x.y, x.margin[None], x.subjects),
        *metric_estimates(x.y, x.margin[None], x.subjects),
        observed_estimate(x.y, x.margin, x.subjects),
    ]


def _benefits(a: _Scored, b: _Scored, prevalence: float | None) -> list[Both]:
    """Return the net benefit of both models' calls, weighed by the risk at a's threshold and by that at b's."""
    told, seen = [], set()
    for whose, x in (("A", a), ("B", b)):
        cut, share = x.model.threshold.positive_from, x.model.provenance.share_positive
        risk = cut if prevalence is None else float(prior_shift([cut], share, prevalence)[0])
        if round(risk, 6) in seen:
            continue
        seen.add(round(risk, 6))
        of_a, of_b = (benefit_estimates(z.y, z.positive, z.subjects, cut, share, prevalence)[0] for z in (a, b))
        told.append(Both(_named(of_a, whose), _named(of_b, whose)))
        if prevalence is None:
            break
    return told


def _named(estimate: Estimate, whose: str) -> Estimate:
    return Estimate(**{**estimate.to_dict(), "name": f"net_benefit:at the risk of {whose}'s threshold"})


def _changed(a: _Scored, b: _Scored) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for label, of_a, of_b in zip(a.y, a.call, b.call, strict=True):
        if of_a != of_b:
            counts[f"{'positive' if label else 'negative'} specimens: {of_a} → {of_b}"] += 1
    return dict(sorted(counts.items()))


def _curves(x: _Scored, prevalence: float | None) -> Curves:
    share = x.model.provenance.share_positive
    return Curves(
        roc_band(x.y, x.margin, x.subjects, SEED),
        calibration_bins(x.y, probability(x.margin)),
        benefit_curve(x.y, x.margin[None], x.subjects, share, prevalence, x.model.threshold.positive_from),
    )

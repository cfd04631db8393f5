"""Threshold, grey zone and prevalence to be moved in the page: counts per threshold, and what stands there at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exodx.evaluation import Evaluation, ThresholdSteps
from exodx.evaluation.estimates import NO_PREVALENCE
from exodx.frozen import Threshold
from exodx.report.words import number, sentence
from exodx.stats import Confusion, Estimate, predictive_values, sensitivity, specificity, wilson
from exodx.stats.inputs import normal_quantile

START = 0.10
"""Where the slider of prevalence starts when no prevalence of use is stated."""

ROWS = ("sensitivity", "specificity", "ppv", "npv", "indeterminate")


@dataclass(frozen=True, slots=True)
class ThresholdPanel:
    """What the page needs: data for the script, and the table as it stands without one.

    Parameters
    ----------
    data : dict
        Plain types; no specimen.
    rows : tuple of (str, str)
        Name of each estimate and its sentence at the model's threshold.
    chosen : str
        Where the model's calls change.
    stated : bool
        Whether a prevalence of use is stated.
    """

    data: dict[str, Any]
    rows: tuple[tuple[str, str], ...]
    chosen: str
    stated: bool


def threshold_panel(evaluation: Evaluation, threshold: Threshold) -> ThresholdPanel | None:
    """Return the panel, or None where the evaluation has no counts per threshold."""
    steps = evaluation.threshold_steps
    if steps is None or not {*(threshold.zone or (threshold.value,))} <= {*steps.threshold}:
        return None
    lower, upper = threshold.zone or (threshold.value, threshold.value)
    found = accuracy_at(steps, lower, upper, evaluation.prevalence)
    prevalences = sorted({*_prevalences(), evaluation.prevalence or START})
    data = {
        "threshold": steps.threshold,
        "casesAbove": [round(n, 6) for n in steps.cases_above],
        "controlsAbove": [round(n, 6) for n in steps.controls_above],
        "cases": steps.cases,
        "controls": steps.controls,
        "prevalence": prevalences,
        "lower": steps.threshold.index(lower),
        "upper": steps.threshold.index(upper),
        "start": prevalences.index(evaluation.prevalence or START),
        "z": normal_quantile(0.95),
    }
    chosen = number(upper, 4) if lower == upper else f"{number(lower, 4)} to {number(upper, 4)}"
    rows = tuple((name, sentence(found[name])) for name in ROWS if name != "indeterminate" or lower < upper)
    return ThresholdPanel(data, rows, chosen, evaluation.prevalence is not None)


def accuracy_at(steps: ThresholdSteps, lower: float, upper: float, prevalence: float | None) -> dict[str, Estimate]:
    """Return the accuracy of calls: negative below ``lower``, positive from ``upper``, indeterminate between.

    Indeterminates count as errors of sensitivity and specificity; PPV is of positive calls, NPV of negative ones.

    Parameters
    ----------
    steps : ThresholdSteps
    lower, upper : float
        Among the steps; equal where there is no grey zone.
    prevalence : float or None

    Examples
    --------
    >>> steps = ThresholdSteps((0.2, 0.5), (50.0, 45.0), (30.0, 12.0), 50.0, 60.0)
    >>> print(accuracy_at(steps, 0.5, 0.5, None)["sensitivity"])
    0.900 (95 % CI 0.786 to 0.957)
    """
    high, low = steps.at(upper), steps.at(lower)
    errors = Confusion(tp=high.tp, fn=high.fn, fp=low.fp, tn=low.tn)
    n = steps.cases + steps.controls
    unsure = min(max(low.tp + low.fp - high.tp - high.fp, 0.0), n)
    ends = wilson(unsure, n)
    found = [sensitivity(errors), specificity(errors), Estimate("indeterminate", unsure / n, *ends, method="Wilson", n=round(n))]
    if prevalence is None:
        found += [Estimate(name, None, None, None, reason=NO_PREVALENCE) for name in ("ppv", "npv")]
    else:
        found += [predictive_values(high, prevalence)[0], predictive_values(low, prevalence)[1]]
    return {e.name: e for e in found}


def _prevalences() -> list[float]:
    """Return the prevalences of the slider: finer where they are small."""
    fine = [k / 1000 for k in range(1, 20)]
    middle = [k / 200 for k in range(4, 40)]
    return fine + middle + [k / 100 for k in range(20, 96)]

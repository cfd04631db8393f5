"""A trained model with its probabilities brought to another population: a new version, with the same trees, order and calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from exodx.cohort import Cohort
from exodx.errors import InputRefused, Problem
from exodx.frozen import Calibrator, DiagnosticModel, Threshold
from exodx.frozen.calibrator import probability
from exodx.stats import Recalibration, SeparationError, recalibrate
from exodx.stats.recalibration import INTERCEPT_EVENTS

Floats = NDArray[np.float64]


def recalibrate_model(model: DiagnosticModel, model_hash: str, cohort: Cohort, prevalence: float | None = None) -> DiagnosticModel:
    """Refit intercept, or intercept and slope, of a model's probabilities on a cohort, as far as its numbers allow.

    Which is refitted, :func:`exodx.stats.recalibrate` decides by events and closed test, from one scored specimen of each subject.
    The probabilities then hold at the cohort's share of cases. With a prevalence they are moved on from there by Bayes' rule; where
    the cohort is too small for a refit, they are moved from the share that the model was made for.

    Trees and transform stay. So do the calls: the threshold moves with the probabilities, since the sensitivity and specificity it
    was chosen for belong to the order of specimens, which no recalibration changes.

    Parameters
    ----------
    model : DiagnosticModel
    model_hash : str
        Of its bundle; the new version names it as its parent.
    cohort : Cohort
        With a reference standard; not the one that the model was trained on.
    prevalence : float, optional
        Share of cases where the model is to be used, strictly between 0 and 1.

    Returns
    -------
    DiagnosticModel
        Its provenance has ``parent``, ``recalibrated`` (what was done, in words), the cohort's fingerprint and ``holds_at``.

    Raises
    ------
    InputRefused
        When nothing is to be changed (with the reason), the cohort is the training one, or its margins run against its classes.
    """
    cohort = cohort.sorted()
    if cohort.fingerprint == model.provenance.cohort_fingerprint:
        found = "the model was trained on these specimens, and knows them"
        raise _refused(cohort, "RECALIBRATION_ON_TRAINING", found, "Take specimens that the model never saw.")
    y, p = _first_scored(model, cohort)
    refit = _refit(cohort, y, p)
    small = min(int(y.sum()), int((1 - y).sum())) < INTERCEPT_EVENTS
    base = model.provenance.share_positive if small else float(y.mean())
    shift = 0.0 if prevalence is None else float(logit(prevalence) - logit(base))
    if refit.kind == "none" and shift == 0.0:
        raise _refused(cohort, "NOT_RECALIBRATED", refit.reason, "Use the model as it is, or bring a larger cohort.")
    intercept = refit.intercept + shift
    provenance = replace(
        model.provenance,
        parent=model_hash,
        recalibrated=_said(refit, y, prevalence, base),
        recalibration_fingerprint=cohort.fingerprint,
        holds_at=base if prevalence is None else prevalence,
    )
    return replace(
        model,
        calibrator=Calibrator(refit.slope * model.calibrator.slope, refit.slope * model.calibrator.intercept + intercept),
        threshold=_moved_threshold(model.threshold, refit.slope, intercept),
        reference=_moved_reference(model.reference, refit.slope, intercept),
        provenance=provenance,
    )


def _first_scored(model: DiagnosticModel, cohort: Cohort) -> tuple[NDArray[np.int8], Floats]:
    prediction = model.predict(cohort.measurements, cohort.ids)
    rows = np.flatnonzero(prediction.is_scored)
    rows = rows[np.unique(cohort.subjects[rows], return_index=True)[1]]
    y = cohort.y[rows]
    if len(np.unique(y)) < 2:
        found = f"{int(y.sum())} positive and {int((1 - y).sum())} negative subjects could be scored"
        raise _refused(cohort, "TOO_FEW_SPECIMENS", found, "A recalibration needs both classes.")
    return y, prediction.probability[rows]


def _refit(cohort: Cohort, y: NDArray[np.int8], p: Floats) -> Recalibration:
    fix = "Do not recalibrate here: look at the findings of the evaluation first."
    try:
        refit = recalibrate(y, p)
    except SeparationError as separated:
        raise _refused(cohort, "NOT_RECALIBRATED", str(separated), fix) from None
    if refit.slope <= 0:
        raise _refused(cohort, "ORDER_REVERSED", f"the slope would be {refit.slope:.3f}: cases score lower than controls", fix)
    return refit


def _said(refit: Recalibration, y: NDArray[np.int8], prevalence: float | None, base: float) -> str:
    who = f"{int(y.sum())} positive and {int((1 - y).sum())} negative subjects"
    done = f"{refit.reason}, on {who}: log-odds = {refit.intercept:.4f} + {refit.slope:.4f} × the parent's"
    return done if prevalence is None else f"{done}; then moved from a share of cases of {base:.4f} to {prevalence:g}"


def _moved_threshold(threshold: Threshold, slope: float, intercept: float) -> Threshold:
    def moved(value: float) -> float:
        return float(probability(np.array([slope * logit(value) + intercept]))[0])

    ends = (None, None) if threshold.zone is None else tuple(map(moved, threshold.zone))
    return replace(threshold, value=moved(threshold.value), lower=ends[0], upper=ends[1])


def _moved_reference(reference: Mapping[str, Any], slope: float, intercept: float) -> dict[str, Any]:
    """Move what is kept of training's margins, so that the margins of a later cohort are compared with like."""
    reference = {key: value for key, value in reference.items() if key != "threshold_range"}  # of the parent's threshold
    if "margin" not in reference:
        return reference
    margin = reference["margin"]
    points = [slope * point + intercept for point in margin["points"]]
    return {**reference, "margin": {**margin, "points": points, "sd": slope * margin["sd"]}}


def _refused(cohort: Cohort, code: str, found: str, fix: str) -> InputRefused:
    return InputRefused(Problem(code, cohort.source or "cohort", found, fix))

"""Whether a cohort looks like the one a model was trained on: features, blanks, margins, the share of cases.

The model keeps 21 quantiles of each feature, and none of its specimens. Repeats of a subject are no evidence of a shift: the
first specimen of each counts, here as at training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from exodx.cohort import Cohort
from exodx.evaluation.audits import Finding
from exodx.evaluation.shown import shift_html
from exodx.frozen import DiagnosticModel, Features, Reason
from exodx.stats import Distribution, Estimate, psi_by_chance, wilson
from exodx.stats.variance import holm

Floats = NDArray[np.float64]

MARGIN = "(margin)"
"""Stands among the features: the model's log-odds, against the out-of-fold ones of training."""
ENOUGH_FOR_PSI = 200
LEVEL = 0.05
PSI_MODERATE, PSI_LARGE = 0.1, 0.25
TOLERANCE = 0.1
"""Of the distance between training's 1st and 99th percentile: so far outside them a value is still taken for inside."""
DOMAIN_BY_CHANCE = 0.05
"""Share of specimens like those of training that are flagged at most: one in 100 by each of two limits, more with few subjects."""
BY_CHANCE = 0.02
"""Share of training values outside the 1st to 99th percentile."""


@dataclass(frozen=True, slots=True)
class FeatureShift:
    """One feature here and at training.

    Parameters
    ----------
    feature : str
    n : int
        Subjects with a value here.
    distance, p : float or None
        Kolmogorov–Smirnov at training's quantiles, p by Holm over the features; below 200 subjects.
    psi, psi_by_chance : float or None
        Population stability index, and what it would be without a shift; from 200 subjects.
    missing, missing_training : float
        Share of subjects without a value.
    missing_p : float
        Fisher's exact test of the two, by Holm over the features.
    outside : float
        Share of specimens outside training's range.
    """

    feature: str
    n: int
    distance: float | None
    p: float | None
    psi: float | None
    psi_by_chance: float | None
    missing: float
    missing_training: float
    missing_p: float
    outside: float


@dataclass(frozen=True, slots=True)
class CohortShift:
    """A cohort beside the one a model was trained on.

    Parameters
    ----------
    n_subjects : int
    share_positive : Estimate
        Share of specimens with the target condition; Wilson interval.
    share_positive_model : float
        What the model's probabilities were made for.
    margin_sd, margin_sd_training : float or None
        Spread of log-odds (out of fold at training): case mix.
    outside : Estimate
        Share of specimens with a feature outside training's range; Wilson interval.
    out_of_domain, unseen_missingness : Estimate or None
        Share of subjects whose first specimen lies off training's with its values taken together, or has gaps that training hardly
        met; Wilson interval. None where the model keeps nothing to tell it by.
    features : tuple of FeatureShift
    reason : str
        Why the features were not compared.
    """

    n_subjects: int
    share_positive: Estimate
    share_positive_model: float
    margin_sd: float | None
    margin_sd_training: float | None
    outside: Estimate
    features: tuple[FeatureShift, ...]
    reason: str = ""
    out_of_domain: Estimate | None = None
    unseen_missingness: Estimate | None = None

    def _repr_html_(self) -> str:
        """Return the view in a notebook: what differs, and by how much."""
        return shift_html(self, audit_shift(self))


class _Kept(NamedTuple):
    """What a model keeps of a feature."""

    distribution: Distribution | None
    n: int
    missing: int


def cohort_shift(model: DiagnosticModel, cohort: Cohort, found: Features, margin: Floats) -> CohortShift:
    """Compare a cohort with the one a model was trained on.

    Parameters
    ----------
    model : DiagnosticModel
    cohort : Cohort, n specimens
    found : Features
        The model's, with its flags.
    margin : ndarray, shape (n,)
        NaN where a specimen was not scored.
    """
    first = np.sort(np.unique(cohort.subjects, return_index=True)[1])
    values = found.values
    outside = outside_range(model.reference, model.features, values)
    kept = _kept(model.reference, model.features)
    scored = margin[first][np.isfinite(margin[first])]
    known = model.reference.get("margin")
    return CohortShift(
        n_subjects=len(first),
        share_positive=_positive(cohort),
        share_positive_model=model.provenance.share_positive,
        margin_sd=float(scored.std(ddof=1)) if scored.size > 1 else None,
        margin_sd_training=None if known is None else known["sd"],
        outside=_share("outside_training_range", np.asarray(outside[first].any(axis=1))),
        features=_features(model.features, kept, values[first], scored, outside) if kept else (),
        reason="" if kept else "the model was trained by an exodx that did not keep what a comparison needs",
        **_unlike(model, found.flags[first]),
    )


def measure_shift(model: DiagnosticModel, cohort: Cohort) -> CohortShift:
    """Compare a cohort with the one a model was trained on, before any label is known; where there are labels, their share too.

    Parameters
    ----------
    model : DiagnosticModel
    cohort : Cohort
        Read as the model asks: :meth:`exodx.Intake.for_model`.
    """
    cohort = cohort.sorted()
    return cohort_shift(model, cohort, model.featurise(cohort.measurements), model.predict(cohort.measurements, cohort.ids).margin)


def _positive(cohort: Cohort) -> Estimate:
    if cohort.reference_standard is None:
        return Estimate("share_positive", None, None, None, n=len(cohort), reason="no reference standard")
    return _share("share_positive", cohort.y.astype(bool))


def _unlike(model: DiagnosticModel, flags: NDArray[np.uint32]) -> dict[str, Estimate]:
    if "domain" not in model.reference:
        return {}
    reasons = (Reason.OUT_OF_DOMAIN, Reason.UNSEEN_MISSINGNESS)
    return {str(r.name).lower(): _share(str(r.name).lower(), (flags & np.uint32(r)) > 0) for r in reasons}


def outside_range(reference: Mapping[str, Any], names: tuple[str, ...], values: Floats) -> NDArray[np.bool_]:
    """Say which values lie outside training's 1st to 99th percentile by more than a tenth of their distance, shape (n, k)."""
    ends = [(reference["quantiles"][name][0], reference["quantiles"][name][-1]) for name in names]
    low, high = np.array([(np.nan, np.nan) if a is None else (a, b) for a, b in ends], np.float64).T
    slack = TOLERANCE * (high - low)
    found: NDArray[np.bool_] = (values < low - slack) | (values > high + slack)
    return found


def _kept(reference: Mapping[str, Any], names: tuple[str, ...]) -> list[_Kept]:
    table = reference.get("distribution", {})
    return [_entry(table[name]) for name in names] + [_entry(reference["margin"])] if table else []


def _entry(state: Mapping[str, Any]) -> _Kept:
    distribution = None
    if state["points"]:
        points, below, at_most = (tuple(state[key]) for key in ("points", "below", "at_most"))
        distribution = Distribution(points, below, at_most, state["n"])
    return _Kept(distribution, state["n"], state["missing"])


def _features(
    names: tuple[str, ...], kept: list[_Kept], values: Floats, margin: Floats, outside: NDArray[np.bool_]
) -> tuple[FeatureShift, ...]:
    columns = [*(column[~np.isnan(column)] for column in values.T), margin]
    new_n = len(values)
    many = new_n >= ENOUGH_FOR_PSI
    distances = [None if many else _distance(k.distribution, c) for k, c in zip(kept, columns, strict=True)]
    p = _holm([None if d is None else d[1] for d in distances])
    blanks = [_blanks(k, len(c), new_n) for k, c in zip(kept, columns, strict=True)]
    missing_p = holm(blanks).tolist()
    return tuple(
        FeatureShift(
            feature=name,
            n=len(column),
            distance=None if distance is None else distance[0],
            p=p[j],
            psi=keeps.distribution.psi(column) if many and keeps.distribution is not None and len(column) else None,
            psi_by_chance=psi_by_chance(keeps.n, len(column)) if many and keeps.n and len(column) else None,
            missing=1 - len(column) / new_n,
            missing_training=keeps.missing / (keeps.n + keeps.missing),
            missing_p=missing_p[j],
            outside=float(outside[:, j].mean()) if j < len(names) else 0.0,
        )
        for j, (name, keeps, column, distance) in enumerate(zip((*names, MARGIN), kept, columns, distances, strict=True))
    )


def _distance(kept: Distribution | None, column: Floats) -> tuple[float, float] | None:
    if kept is None or min(kept.n, len(column)) < 2:
        return None
    distance = kept.distance(column)
    return distance, kept.p_value(distance, len(column))


def _blanks(kept: _Kept, known: int, n: int) -> float:
    return float(fisher_exact([[kept.missing, kept.n], [n - known, known]])[1])


def _holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjust those that are known for being many."""
    known = {j: value for j, value in enumerate(p) if value is not None}
    adjusted = dict(zip(known, holm(list(known.values())).tolist(), strict=True))
    return [adjusted.get(j) for j in range(len(p))]


def _share(name: str, is_so: NDArray[np.bool_]) -> Estimate:
    lower, upper = wilson(float(is_so.sum()), len(is_so))
    return Estimate(name, float(is_so.mean()), lower, upper, method="Wilson", n=len(is_so))


def audit_shift(shift: CohortShift) -> list[Finding]:
    """Return what differs from training by more than chance, and what that does to the numbers."""
    findings = []
    here, there = shift.share_positive, shift.share_positive_model
    other = here.lower is not None and here.upper is not None and not here.lower <= there <= here.upper
    if other and here.value:
        moves = float(np.log(here.value / (1 - here.value)) - np.log(there / (1 - there)))
        message = (
            f"{100 * here.value:.0f} % are positive here, the model was made for {100 * there:.0f} %: that alone "
            f"moves the calibration intercept by {moves:+.2f}, and observed/expected with it. "
            "Recalibrate, or move the probabilities to the prevalence of use."
        )
        findings.append(Finding("prevalence_shift", "warning", message.replace("-", "−")))
    findings += _feature_findings(shift, "Part of it may be the other share of cases. " if other else "")
    blank = [f for f in shift.features if f.missing_p < LEVEL]
    if blank:
        shown = ", ".join(f"{f.feature} {100 * f.missing:.0f} % (training {100 * f.missing_training:.0f} %)" for f in blank[:5])
        message = f"Values are missing more or less often than at training: {shown}. Find out why before believing the calls."
        findings.append(Finding("missingness_shift", "warning", message))
    k = sum(f.feature != MARGIN for f in shift.features) or 1
    if shift.outside.lower is not None and shift.outside.lower > 1 - (1 - BY_CHANCE) ** k:
        message = (
            f"{100 * (shift.outside.value or 0):.0f} % of the subjects have a feature outside training's range, more than chance "
            "gives. Trees do not extrapolate: such a value counts as if it lay at the edge. Check units, assay and population."
        )
        findings.append(Finding("outside_training_range", "warning", message))
    return findings + _domain_findings(shift)


def _domain_findings(shift: CohortShift) -> list[Finding]:
    said = {
        "out_of_domain": "have values that, taken together, lie off training's",
        "unseen_missingness": "have gaps that training hardly met",
    }
    findings = []
    for code, what in said.items():
        share = shift.out_of_domain if code == "out_of_domain" else shift.unseen_missingness
        if share is not None and share.lower is not None and share.lower > DOMAIN_BY_CHANCE:
            message = (
                f"{100 * (share.value or 0):.0f} % of the subjects {what}; among specimens like training's 1 or 2 % do. "
                "Their calls say `WARN`; check assay, fluid, columns and population before believing them."
            )
            findings.append(Finding(code, "warning", message))
    return findings


def _feature_findings(shift: CohortShift, also: str) -> list[Finding]:
    findings = []
    tested = [f for f in shift.features if f.p is not None and f.p < LEVEL]
    if tested:
        shown = ", ".join(f"{f.feature} (D {f.distance:.2f}, p {f.p:.2g})" for f in sorted(tested, key=lambda f: f.p or 0)[:5])
        message = f"{len(tested)} of {len(shift.features)} distributions differ from training's (KS, Holm): {shown}. {also}"
        findings.append(Finding("feature_shift", "warning", message + "Check assay, plates and population."))
    bands: tuple[tuple[Literal["warning", "note"], float, float], ...] = (
        ("warning", PSI_LARGE, np.inf),
        ("note", PSI_MODERATE, PSI_LARGE),
    )
    for severity, low, high in bands:
        beyond = [(f, f.psi) for f in shift.features if f.psi is not None and low < f.psi - (f.psi_by_chance or 0) <= high]
        if beyond:
            shown = ", ".join(f"{f.feature} {value:.2f}" for f, value in sorted(beyond, key=lambda pair: -pair[1])[:5])
            message = (
                f"The stability index exceeds what chance gives by more than {low:g} in {len(beyond)} features: {shown}. {also}"
            )
            findings.append(Finding("feature_shift", severity, message + "Check assay, plates and population."))
    return findings

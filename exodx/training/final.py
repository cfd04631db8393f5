"""The final model: the procedure on every specimen, frozen with its provenance."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from exodx.cohort import Cohort
from exodx.frozen import DiagnosticModel, FrozenTransform, Provenance, State
from exodx.frozen.calibrator import probability
from exodx.frozen.scale import count_matrix
from exodx.libraries.sizes import library_sizes
from exodx.panel import Scale, StudyPlan
from exodx.panel.names import LATEST, release_text
from exodx.stats import Distribution
from exodx.training.decision import threshold_range
from exodx.training.domain import learn_domain
from exodx.training.missing import missing_costs
from exodx.training.procedure import Fitted, Prepared, fit_procedure, prepare
from exodx.versions import own_version, version_of

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def train_model(cohort: Cohort, plan: StudyPlan) -> DiagnosticModel:
    """Fit the procedure on the whole cohort and freeze it.

    The order of rows does not matter: specimens are taken in the order of their ids.
    """
    cohort = cohort.sorted()
    with threadpool_limits(1):
        data = prepare(cohort, plan)
    return freeze_model(cohort, plan, data, fit_procedure(data, plan))


def freeze_model(cohort: Cohort, plan: StudyPlan, data: Prepared, fitted: Fitted) -> DiagnosticModel:
    """Freeze what was fitted on a cohort (in the order of its ids) with its provenance."""
    reference = _reference(cohort, fitted.transform) | _distributions(cohort, data, fitted) | _threshold_range(data, fitted, plan)
    provenance = Provenance(
        exodx=own_version(),
        libraries={name: version_of(name) or "unknown" for name in ("numpy", "scikit-learn", "xgboost")}
        | {"miRBase": release_text(LATEST)},
        panel_fingerprint=cohort.panel.fingerprint,
        plan_fingerprint=plan.fingerprint,
        cohort_fingerprint=cohort.fingerprint,
        seed=plan.seed,
        n_specimens=len(cohort),
        n_subjects=len(np.unique(cohort.subjects)),
        n_positive=int(cohort.y.sum()),
        synthetic=cohort.synthetic,
        positive_label=cohort.positive_label,
        booster=fitted.describe(),
        learned_share=float(data.y.mean()),
    )
    return DiagnosticModel(
        name=cohort.panel.name,
        panel=cohort.panel,
        transform=fitted.transform,
        forest=fitted.combined.freeze(len(fitted.transform.names)),
        calibrator=fitted.calibrator,
        threshold=fitted.threshold,
        reference=reference | missing_costs(cohort.panel, data, fitted) | learn_domain(cohort, fitted.transform),
        provenance=provenance,
    )


def _reference(cohort: Cohort, transform: FrozenTransform) -> dict[str, Any]:
    """Return quantiles and missing shares of the training features, and quantiles of raw values and CPM: no specimen's row."""
    features = transform.apply(cohort.measurements)
    states = cohort.measurements.states
    raw = np.where(states == State.MEASURED, cohort.measurements.values, np.nan)
    counts = [a.name for a in cohort.panel.analytes if a.scale is Scale.COUNTS]
    library = library_sizes(count_matrix(cohort.measurements, counts))
    per_million = 1e6 * raw / np.where(library > 0, library, np.nan)[:, None]
    return {
        "probabilities": list(QUANTILES),
        "quantiles": {name: _quantiles(column) for name, column in zip(features.names, features.values.T, strict=True)},
        "measured": {name: _quantiles(column) for name, column in zip(cohort.panel.names, raw.T, strict=True)},
        "cpm": {name: _quantiles(per_million[:, cohort.panel.names.index(name)]) for name in counts},
        "missing_share": dict(zip(features.names, np.isnan(features.values).mean(axis=0).tolist(), strict=True)),
    }


def _distributions(cohort: Cohort, data: Prepared, fitted: Fitted) -> dict[str, Any]:
    """Return what a later cohort is compared with: 21 quantiles of features and of out-of-fold margins, a specimen a subject."""
    first = np.unique(cohort.subjects, return_index=True)[1]
    features = fitted.transform.apply(cohort.measurements)
    margin = np.full(len(cohort), np.nan)
    margin[data.rows] = fitted.held_margin
    columns = zip(features.names, features.values[first].T, strict=True)
    return {
        "distribution": {name: _distribution(column) for name, column in columns},
        "margin": _distribution(margin[first]) | {"sd": float(np.nanstd(margin[first], ddof=1))},
    }


def _threshold_range(data: Prepared, fitted: Fitted, plan: StudyPlan) -> dict[str, Any]:
    found = threshold_range(probability(fitted.held_margin), data.y, data.subjects, plan)
    return {"threshold_range": found.to_dict()}


def _distribution(column: NDArray[np.float64]) -> dict[str, Any]:
    known = column[~np.isnan(column)]
    kept = asdict(Distribution.of(known)) if known.size else {"points": (), "below": (), "at_most": (), "n": 0}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in kept.items()} | {
        "missing": len(column) - known.size
    }


def _quantiles(column: NDArray[np.float64]) -> list[float | None]:
    known = column[~np.isnan(column)]
    return [float(q) for q in np.quantile(known, QUANTILES)] if known.size else [None] * len(QUANTILES)

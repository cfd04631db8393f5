"""The final model: the procedure on every specimen, frozen with its provenance."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort
from exodx.frozen import DiagnosticModel, FrozenTransform, Provenance, State
from exodx.panel import StudyPlan
from exodx.training.procedure import fit_procedure, prepare

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def train_model(cohort: Cohort, plan: StudyPlan) -> DiagnosticModel:
    """Fit the procedure on the whole cohort and freeze it.

    The order of rows does not matter: specimens are taken in the order of their ids.
    """
    cohort = cohort.sorted()
    fitted = fit_procedure(prepare(cohort, plan), plan)
    provenance = Provenance(
        exodx=version("exodx"),
        libraries={name: version(name) for name in ("numpy", "scikit-learn", "xgboost")},
        panel_fingerprint=cohort.panel.fingerprint,
        plan_fingerprint=plan.fingerprint,
        cohort_fingerprint=cohort.fingerprint,
        seed=plan.seed,
        n_specimens=len(cohort),
        n_subjects=len(np.unique(cohort.subjects)),
        n_positive=int(cohort.y.sum()),
        synthetic=cohort.synthetic,
        positive_label=cohort.positive_label,
        booster={"candidate": fitted.candidate, "rounds": fitted.rounds, **fitted.params},
    )
    return DiagnosticModel(
        name=cohort.panel.name,
        panel=cohort.panel,
        transform=fitted.transform,
        forest=fitted.forest,
        calibrator=fitted.calibrator,
        threshold=fitted.threshold,
        reference=_reference(cohort, fitted.transform),
        provenance=provenance,
    )


def _reference(cohort: Cohort, transform: FrozenTransform) -> dict[str, Any]:
    """Return quantiles and missing shares of the training features, and quantiles of the raw values: no specimen's row."""
    features = transform.apply(cohort.measurements)
    states = cohort.measurements.states
    raw = np.where(states == State.MEASURED, cohort.measurements.values, np.nan)
    return {
        "probabilities": list(QUANTILES),
        "quantiles": {name: _quantiles(column) for name, column in zip(features.names, features.values.T, strict=True)},
        "measured": {name: _quantiles(column) for name, column in zip(cohort.panel.names, raw.T, strict=True)},
        "missing_share": dict(zip(features.names, np.isnan(features.values).mean(axis=0).tolist(), strict=True)),
    }


def _quantiles(column: NDArray[np.float64]) -> list[float | None]:
    known = column[~np.isnan(column)]
    return [float(q) for q in np.quantile(known, QUANTILES)] if known.size else [None] * len(QUANTILES)

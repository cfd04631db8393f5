"""A recalibrated model as a run and as the next version of its parent's registered model."""

from __future__ import annotations

import json
from pathlib import Path

from mlflow.exceptions import MlflowException

from exodx.errors import RUO
from exodx.evaluation import Evaluation
from exodx.frozen import DiagnosticModel
from exodx.frozen.bundle import load_bundle, model_id
from exodx.tracking.delivery import Unsent, deliver
from exodx.tracking.locked import Tell, silence
from exodx.tracking.log import LoggedRun
from exodx.tracking.parcel import Registration
from exodx.tracking.record import RunRecord
from exodx.tracking.registry import REGISTERED, registered_version
from exodx.tracking.store import Store
from exodx.tracking.study_record import KIND_TAG, about_model, panel_tags, used_cohort


def register_recalibrated(uri: str, bundle: Path, evaluation: Evaluation, store: Store, tell: Tell = silence) -> LoggedRun | Unsent:
    """Log a recalibrated bundle and register it; no alias moves, so what was in use stays in use until a review promotes it.

    Parameters
    ----------
    uri : str
        What the parent was opened by. A registered model's next version is made; a folder's, under the model's own name.
    bundle : Path
        Folder of the new version.
    evaluation : Evaluation
        Of the parent, on the cohort that the new version was refitted to.
    store : Store
        As :func:`open_store` returned it for the model's experiment.
    tell : callable
    """
    model, model_hash = load_bundle(bundle)
    name, parent_version = _parent(uri, model)
    return deliver(recalibrated_record(model, model_hash, parent_version, evaluation), Registration(bundle, name), store, tell)


def _parent(uri: str, model: DiagnosticModel) -> tuple[str, str]:
    """Return name and version of the parent; where the registry was lost meanwhile, what is known without it."""
    try:
        return registered_version(uri, model.name, model.provenance.parent)
    except (MlflowException, OSError):
        match = REGISTERED.match(uri)
        return (match["name"] if match is not None else model.name), "not known, the registry could not be asked"


def recalibrated_record(model: DiagnosticModel, model_hash: str, parent_version: str, evaluation: Evaluation) -> RunRecord:
    """Describe a recalibration as a run; its metrics are the parent's and are called so.

    Parameters
    ----------
    model, model_hash
        The new version and the hash of its bundle.
    parent_version : str
        In the registry; empty where the parent is not registered.
    evaluation : Evaluation
        Of the parent, on the cohort that the new version was refitted to.
    """
    provenance = model.provenance
    return RunRecord(
        experiment=model.name,
        name=f"recalibrated: {model_id(model, model_hash)}",
        description=_description(model, parent_version),
        tags=panel_tags(model)
        | {
            KIND_TAG: "recalibration",
            "exodx.version": provenance.exodx,
            "exodx.model_id": model_id(model, model_hash),
            "exodx.model_hash": model_hash,
            "exodx.parent_hash": provenance.parent,
            "exodx.parent_version": parent_version or "not registered",
            "exodx.recalibrated": provenance.recalibrated,
            "exodx.panel_fingerprint": provenance.panel_fingerprint,
            "exodx.plan_fingerprint": provenance.plan_fingerprint,
            "exodx.cohort_fingerprint": provenance.cohort_fingerprint,
            "exodx.recalibration_fingerprint": provenance.recalibration_fingerprint,
            "exodx.synthetic": str(provenance.synthetic).lower(),
            "exodx.notice": RUO,
        },
        params={
            "chosen.threshold": model.threshold.id,
            "chosen.calibrator_slope": f"{model.calibrator.slope:.6g}",
            "chosen.calibrator_intercept": f"{model.calibrator.intercept:.6g}",
            "chosen.holds_at": f"{provenance.share_positive:.6g}",
        },
        metrics={f"parent/{e.name}": float(e.value) for e in evaluation.estimates if e.value is not None},
        files={"parent_evaluation.json": (json.dumps(evaluation.to_dict(), indent=1, sort_keys=True) + "\n").encode()},
        cohorts=(used_cohort(model),),
        about=about_model(model),
    )


def _description(model: DiagnosticModel, parent_version: str) -> str:
    of = f"version {parent_version}" if parent_version else "a model that is not registered"
    return "\n".join(
        [
            f"**Recalibrated** from {of} (hash `{model.provenance.parent[:8]}`): {model.provenance.recalibrated}.",
            "",
            "Trees, order and calls are the parent's. The metrics are the parent's too, on the cohort of the refit: tell this "
            "version's calibration from another cohort.",
            "",
            f"*{RUO}*",
        ]
    )

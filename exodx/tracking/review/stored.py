"""Two registered versions by what the store holds of them."""

from __future__ import annotations

import tomllib

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.evaluation.side_by_side import SideBySide, side_by_side
from exodx.tracking.review.allowed import if_allowed
from exodx.tracking.review.dossier import Version, own_evaluation

SAID = ("plan.", "panel.", "chosen.")
FINGERPRINT = "exodx.cohort_fingerprint"


@if_allowed()
def compare_stored(a: Version, b: Version) -> SideBySide:
    """Compare two versions by their runs: estimates beside each other, what plans, panels and fits say differently, findings."""
    said, cohorts = zip(*(_said(version) for version in (a, b)), strict=True)
    same = cohorts[0] == cohorts[1] if all(cohorts) else None
    return side_by_side(own_evaluation(a), own_evaluation(b), (said[0], said[1]), same)


def _said(version: Version) -> tuple[dict[str, str], str]:
    """Return what a run says of its choices, and the fingerprint of its cohort."""
    if not version.run_id:
        return {}, ""
    try:
        run = MlflowClient().get_run(version.run_id)
    except MlflowException:
        return {}, ""
    said = {key: value for key, value in sorted(run.data.params.items()) if key.startswith(SAID)}
    return said | _analytes(version.run_id), run.data.tags.get(FINGERPRINT, "")


def _analytes(run_id: str) -> dict[str, str]:
    try:
        panel = tomllib.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/panel.toml"))
    except (MlflowException, OSError, tomllib.TOMLDecodeError):
        return {}
    return {
        f"analyte {each['name']}": f"{each.get('unit', '')} {each.get('role', '')}".strip() for each in panel.get("analyte", ())
    }

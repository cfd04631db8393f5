"""The evaluation of a frozen model on another cohort as a run: what a review finds of it. No specimen's row or id is in it."""

from __future__ import annotations

from exodx.cohort import Cohort
from exodx.errors import RUO
from exodx.evaluation import ClassEvaluation, Evaluation
from exodx.frozen import AnyModel
from exodx.frozen.bundle import model_id
from exodx.tracking.record import RunRecord, UsedCohort
from exodx.tracking.study_record import KIND_TAG, as_json, evaluation_metrics, metric_name, metric_of, panel_tags, run_description

EXTERNAL = "external evaluation"
UNSEEN = "Whether single specimens or subjects are in both is not known: no model keeps who they were."


def external_record(
    model: AnyModel, model_hash: str, cohort: Cohort, evaluation: Evaluation | ClassEvaluation, page: str
) -> RunRecord:
    """Describe an external evaluation as a run of the model's experiment.

    Parameters
    ----------
    model, model_hash
        The frozen model and the hash of its bundle, by which a review finds the run.
    cohort : Cohort
        What it was evaluated on: its fingerprint is kept, and whether it was simulated.
    evaluation : Evaluation or ClassEvaluation
    page : str
        The HTML page.
    """
    summary = evaluation.summary if isinstance(evaluation, ClassEvaluation) else evaluation
    metrics = {metric_name(key): value for e in summary.estimates for key, value in metric_of(e.name, e).items()}
    fingerprint = cohort.sorted().fingerprint
    lead = (
        f"**External evaluation** of the frozen model `{model_id(model, model_hash)}` on a cohort of another fingerprint than the "
        f"one that it was made from. {UNSEEN}"
    )
    if fingerprint in (model.provenance.cohort_fingerprint, model.provenance.recalibration_fingerprint):
        lead = f"**Evaluation** of the frozen model `{model_id(model, model_hash)}` on the very cohort that it was made from."
    return RunRecord(
        experiment=model.name,
        name=f"evaluated: {model_id(model, model_hash)}",
        description=run_description(summary, model, lead),
        tags=panel_tags(model)
        | {
            KIND_TAG: EXTERNAL,
            "exodx.version": model.provenance.exodx,
            "exodx.model_id": model_id(model, model_hash),
            "exodx.model_hash": model_hash,
            "exodx.training_fingerprint": model.provenance.cohort_fingerprint,
            "exodx.recalibration_fingerprint": model.provenance.recalibration_fingerprint,
            "exodx.cohort_fingerprint": fingerprint,
            "exodx.synthetic": str(cohort.synthetic).lower(),
            "exodx.headline_design": summary.headline.design,
            "exodx.findings": ", ".join(f.code for f in summary.findings) or "none",
            "exodx.notice": RUO,
        },
        params={},
        metrics=metrics | evaluation_metrics(summary),
        files={"evaluation.json": as_json(evaluation.to_dict()), "report.html": page.encode()},
        cohorts=(UsedCohort(f"{model.panel.name} cohort", fingerprint, "evaluation", len(cohort)),),
    )

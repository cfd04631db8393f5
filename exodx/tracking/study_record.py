"""From a finished study to its run record: pure, testable without a server."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import tomli_w

from exodx.errors import RUO
from exodx.evaluation import Evaluation, gap_lines
from exodx.frozen import DiagnosticModel
from exodx.frozen.bundle import model_id
from exodx.panel import StudyPlan
from exodx.stats import Estimate
from exodx.tracking.record import ChildRun, RunRecord


def study_record(
    model: DiagnosticModel, model_hash: str, plan: StudyPlan, evaluation: Evaluation, page: str, figures: dict[str, bytes]
) -> RunRecord:
    """Describe a study as a run.

    Parameters
    ----------
    model, model_hash
        The frozen model and the hash of its bundle.
    plan : StudyPlan
    evaluation : Evaluation
    page : str
        The HTML report.
    figures : dict of str to bytes
        PNG files by name.
    """
    files = {
        "report.html": page.encode(),
        "evaluation.json": _json(evaluation.to_dict()),
        "plan.json": _json(asdict(plan)),
        "panel.toml": tomli_w.dumps(model.panel.to_dict()).encode(),
        **{f"figures/{name}.png": content for name, content in figures.items()},
    }
    return RunRecord(
        experiment=model.name,
        name=model_id(model, model_hash),
        description=_description(evaluation, model),
        tags=_tags(model, model_hash, evaluation),
        params=_params(model, plan),
        metrics={key: value for e in evaluation.estimates for key, value in _metric(e.name, e).items()},
        files=files,
        children=(*_folds(evaluation), *_sites(evaluation)),
    )


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _description(evaluation: Evaluation, model: DiagnosticModel) -> str:
    """Return the Markdown a reviewer reads first: the number to quote, its design, what speaks against it."""
    headline = evaluation.headline
    value = "not estimated" if headline.value is None else f"{headline.value:.3f}"
    limits = "" if headline.lower is None or headline.upper is None else f" (95 % CI {headline.lower:.3f} to {headline.upper:.3f})"
    findings = [f"- **{f.severity}** `{f.code}`: {f.message}" for f in evaluation.findings]
    return "\n".join(
        [
            *(f"{gap}\n" for gap in gap_lines(evaluation)),
            f"**{headline.name} {value}**{limits}, {headline.design}.",
            "",
            f"{model.panel.title}. {model.panel.intended_use}",
            "",
            *findings,
            "",
            "Open the artifact `report.html` for figures, estimates and the threshold.",
            "",
            f"*{RUO}*",
        ]
    )


def _tags(model: DiagnosticModel, model_hash: str, evaluation: Evaluation) -> dict[str, str]:
    provenance = model.provenance
    return {
        "exodx.version": provenance.exodx,
        "exodx.model_id": model_id(model, model_hash),
        "exodx.model_hash": model_hash,
        "exodx.panel": f"{model.panel.name} {model.panel.version}",
        "exodx.panel_fingerprint": provenance.panel_fingerprint,
        "exodx.plan_fingerprint": provenance.plan_fingerprint,
        "exodx.cohort_fingerprint": provenance.cohort_fingerprint,
        "exodx.synthetic": str(provenance.synthetic).lower(),
        "exodx.threshold_chosen_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "exodx.headline_design": evaluation.headline.design,
        "exodx.findings": ", ".join(f.code for f in evaluation.findings) or "none",
        "exodx.notice": RUO,
    }


def _params(model: DiagnosticModel, plan: StudyPlan) -> dict[str, str]:
    decision = {
        "chosen.threshold": model.threshold.id,
        "chosen.calibrator_slope": f"{model.calibrator.slope:.6g}",
        "chosen.calibrator_intercept": f"{model.calibrator.intercept:.6g}",
    }
    chosen = {f"chosen.{key}": str(value) for key, value in model.provenance.booster.items()}
    panel = {
        "panel.name": model.panel.name,
        "panel.version": model.panel.version,
        "panel.specimen_type": model.panel.specimen_type,
        "panel.n_targets": str(len(model.panel.with_role("target"))),
        "panel.normalisation": model.panel.normalisation,
        "panel.count_normalisation": model.panel.count_normalisation,
        "panel.amount_normalisation": model.panel.amount_normalisation,
        "panel.references": ", ".join(a.name for a in model.panel.with_role("reference")) or "none",
        "chosen.references": ", ".join(model.transform.references) or "none",
    }
    return {f"plan.{key}": str(value) for key, value in asdict(plan).items()} | panel | chosen | decision


def _metric(name: str, estimate: Estimate) -> dict[str, float]:
    values = {name: estimate.value, f"{name}/lower": estimate.lower, f"{name}/upper": estimate.upper}
    return {key: float(value) for key, value in values.items() if value is not None}


def _folds(evaluation: Evaluation) -> tuple[ChildRun, ...]:
    children = []
    for fold in evaluation.folds:
        params = {"candidate": fold.candidate, "rounds": str(fold.rounds), "references": ", ".join(fold.references) or "none"}
        metrics = {"threshold": fold.threshold, "n_train": float(fold.n_train), "n_held": float(fold.n_held)}
        metrics |= {} if fold.auc is None else {"auc": fold.auc}
        children.append(ChildRun(f"repeat {fold.repeat + 1}, fold {fold.fold + 1}", params, metrics))
    return tuple(children)


def _sites(evaluation: Evaluation) -> tuple[ChildRun, ...]:
    return tuple(
        ChildRun(
            f"held-out {site.site}",
            {"site": site.site},
            {"n": float(site.n), "n_positive": float(site.n_positive), **_metric("auc", site.auc)},
        )
        for site in evaluation.sites
    )

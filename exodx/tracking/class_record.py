"""From a finished study of several classes to its run record; names as in :mod:`exodx.tracking.record`.

A metric may hold only letters, digits and ``_-./: ``: other characters of a class' name become underscores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import tomli_w

from exodx.evaluation import ClassEvaluation
from exodx.frozen import MulticlassModel
from exodx.frozen.bundle import model_id
from exodx.panel import StudyPlan
from exodx.tracking.record import ChildRun, RunRecord
from exodx.tracking.study_record import (
    about_model,
    as_json,
    learned_params,
    metric_name,
    metric_of,
    panel_params,
    run_description,
    run_tags,
    used_cohort,
)
from exodx.training import ClassFold


def class_record(  # noqa: PLR0913
    model: MulticlassModel,
    model_hash: str,
    plan: StudyPlan,
    evaluation: ClassEvaluation,
    page: str,
    figures: dict[str, bytes],
    folds: Sequence[ClassFold],
) -> RunRecord:
    """Describe a study of several classes as a run; see :func:`exodx.tracking.study_record`."""
    files = {
        "report.html": page.encode(),
        "evaluation.json": as_json(evaluation.to_dict()),
        "plan.json": as_json(asdict(plan)),
        "panel.toml": tomli_w.dumps(model.panel.to_dict()).encode(),
        **{f"figures/{name}.png": content for name, content in figures.items()},
    }
    summary = evaluation.summary
    return RunRecord(
        experiment=model.name,
        name=model_id(model, model_hash),
        description=run_description(summary, model),
        tags=run_tags(model, model_hash, summary) | {"exodx.classes": ", ".join(model.classes)},
        params=_params(model, plan),
        metrics={metric_name(key): value for e in summary.estimates for key, value in metric_of(e.name, e).items()},
        files=files,
        children=(*_folds(folds), *_sites(evaluation)),
        cohorts=(used_cohort(model),),
        about=about_model(model),
    )


def _params(model: MulticlassModel, plan: StudyPlan) -> dict[str, str]:
    chosen = {"chosen.threshold": model.threshold_id, "chosen.softmax_slope": f"{model.softmax.slope:.6g}"}
    for k, (name, part) in enumerate(zip(model.classes, model.parts, strict=True), start=1):
        chosen[f"class.{k}"] = name
        chosen[f"chosen.class.{k}.softmax_intercept"] = f"{model.softmax.intercepts[k - 1]:.6g}"
        chosen[f"chosen.class.{k}.calibrator_slope"] = f"{part.calibrator.slope:.6g}"
        chosen[f"chosen.class.{k}.calibrator_intercept"] = f"{part.calibrator.intercept:.6g}"
        chosen |= learned_params(part.provenance.booster, f"chosen.class.{k}.")
    return {f"plan.{key}": str(value) for key, value in asdict(plan).items()} | panel_params(model) | chosen


def _folds(folds: Sequence[ClassFold]) -> tuple[ChildRun, ...]:
    return tuple(
        ChildRun(
            f"repeat {f.repeat + 1}, fold {f.fold + 1}",
            {"limit": "none" if f.limit is None else f"{f.limit:.4f}"},
            {"n_train": float(f.n_train), "n_held": float(f.n_held)},
        )
        for f in folds
    )


def _sites(evaluation: ClassEvaluation) -> tuple[ChildRun, ...]:
    return tuple(
        ChildRun(
            f"held-out {site.site}: {name}",
            {"site": site.site, "class": name},
            {"n": float(site.n), "n_positive": float(site.n_positive), **metric_of("auc", site.auc)},
            "held-out site",
        )
        for name, sites in zip(evaluation.classes, evaluation.sites, strict=True)
        for site in sites
    )

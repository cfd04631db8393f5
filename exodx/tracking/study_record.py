"""From a finished study to its run record: pure, testable without a server."""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import tomli_w

from exodx.errors import RUO
from exodx.evaluation import Evaluation, PanelCurve, gap_lines
from exodx.frozen import AnyModel, DiagnosticModel
from exodx.frozen.bundle import model_id
from exodx.markup import plain_markdown
from exodx.panel import StudyPlan
from exodx.stats import Estimate
from exodx.tracking.record import ChildRun, RunRecord, UsedCohort

_KIND = re.compile(r"[^\w]+")
_OTHER = re.compile(r"[^\w\-./: ]", re.ASCII)

SEVERITIES = ("blocking", "warning", "note")
KIND_TAG = "exodx.kind"
MOST_FINDINGS, LONGEST = 10, 240
WHERE_NEXT = (
    "**Where to look next:** *Artifacts*: `report.html` (figures, threshold and prevalence to move, every estimate), "
    "`model_card.md`, `sheets/`. *Child runs*: every outer fold and held-out site. The gate: `exodx review check`."
)


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
        PNG and SVG files by name.
    """
    files = {
        "report.html": page.encode(),
        "evaluation.json": as_json(evaluation.to_dict()),
        "plan.json": as_json(asdict(plan)),
        "panel.toml": tomli_w.dumps(model.panel.to_dict()).encode(),
        **{f"figures/{name}": content for name, content in figures.items()},
    }
    return RunRecord(
        experiment=model.name,
        name=model_id(model, model_hash),
        description=run_description(evaluation, model),
        tags=run_tags(model, model_hash, evaluation),
        params=_params(model, plan),
        metrics={key: value for e in evaluation.estimates for key, value in metric_of(e.name, e).items()}
        | evaluation_metrics(evaluation),
        files=files,
        children=(*_folds(evaluation), *_sites(evaluation)),
        curves={} if evaluation.panel_curve is None else _panel_size(evaluation.panel_curve),
        cohorts=(used_cohort(model),),
        about=about_model(model),
    )


def as_json(value: object) -> bytes:
    """Return plain types as a file."""
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def run_description(evaluation: Evaluation, model: AnyModel, lead: str = "") -> str:
    """Return the Markdown a reviewer reads first: the number to quote, the verdict, the cohort, what speaks against it.

    Parameters
    ----------
    evaluation : Evaluation
    model : DiagnosticModel or MulticlassModel
    lead : str
        A paragraph above it all.
    """
    headline = evaluation.headline
    value = "not estimated" if headline.value is None else f"{headline.value:.3f}"
    limits = "" if headline.lower is None or headline.upper is None else f" (95 % CI {headline.lower:.3f} to {headline.upper:.3f})"
    first = f"{headline.name} {value}{limits}, {headline.design}."  # the registry's list shows it as plain text
    flow = ", ".join(f"{n} {what}" for what, n in evaluation.flow.items())
    return "\n".join(
        [
            *((lead, "") if lead else ()),
            "  \n".join([first, f"**Verdict:** {verdict(evaluation)}", *gap_lines(evaluation)]),
            "",
            f"**Cohort:** {flow}.",
            "",
            f"**Intended use:** {plain_markdown(f'{model.panel.title}. {model.panel.intended_use}')}",
            "",
            *_finding_lines(evaluation),
            "",
            WHERE_NEXT,
            "",
            f"*{RUO}*",
        ]
    )


def verdict(evaluation: Evaluation) -> str:
    """Say in a sentence or two what the findings mean for the headline."""
    found = Counter(str(finding.severity) for finding in evaluation.findings)
    blocking = ", ".join(f"`{f.code}`" for f in evaluation.findings if f.severity == "blocking")
    first = f"the headline must not be claimed: {blocking}" if blocking else "no finding forbids to claim the headline"
    simulated = " Simulated specimens: no number here is evidence of performance." if found_simulated(evaluation) else ""
    warnings = f"{found['warning']} warning{'' if found['warning'] == 1 else 's'}"
    return f"{first}; {warnings} to weigh.{simulated}"


def found_simulated(evaluation: Evaluation) -> bool:
    """Say whether the findings tell of simulated specimens."""
    return any(finding.code == "synthetic" for finding in evaluation.findings)


def _finding_lines(evaluation: Evaluation) -> list[str]:
    """Return the gravest findings; the registry holds 5000 characters of a description."""
    ordered = sorted(evaluation.findings, key=lambda finding: SEVERITIES.index(str(finding.severity)))
    lines = [
        f"- **{f.severity}** `{f.code}`: {textwrap.shorten(plain_markdown(f.message), LONGEST, placeholder=' …')}" for f in ordered
    ]
    if len(lines) <= MOST_FINDINGS:
        return lines
    return [*lines[:MOST_FINDINGS], f"- and {len(lines) - MOST_FINDINGS} more in `report.html`"]


def about_model(model: AnyModel) -> str:
    """Return what a registered model is, for every version of it."""
    panel = model.panel
    return "\n".join(
        [
            f"**{plain_markdown(panel.title)}** (panel `{panel.name}`). {plain_markdown(panel.intended_use)}".rstrip(),
            "",
            "Every version is a bundle that exodx made; its description tells the number to quote and what speaks against it.",
            "`challenger` is the one trained last. `champion` is given by `exodx review promote`; "
            f"`exodx review log {model.name}` tells by whom and why.",
            "",
            f"*{RUO}*",
        ]
    )


def used_cohort(model: AnyModel) -> UsedCohort:
    """Return the cohort that a model was trained on."""
    provenance = model.provenance
    return UsedCohort(f"{model.panel.name} cohort", provenance.cohort_fingerprint, "training", provenance.n_specimens)


def panel_tags(model: AnyModel) -> dict[str, str]:
    """Return what a run is found by that its panel says; what it does not say is absent."""
    said = {"exodx.intended_use": model.panel.intended_use, "exodx.specimen_type": model.panel.specimen_type}
    return {tag: str(value) for tag, value in said.items() if value}


def run_tags(model: AnyModel, model_hash: str, evaluation: Evaluation) -> dict[str, str]:
    """Return what a run is found by."""
    provenance = model.provenance
    return panel_tags(model) | {
        KIND_TAG: "study",
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
    chosen = learned_params(model.provenance.booster, "chosen.")
    return {f"plan.{key}": str(value) for key, value in asdict(plan).items()} | panel_params(model) | chosen | decision


def learned_params(booster: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Return what a run tells of its members, by kind; and all else, as of models of one booster.

    >>> said = {"members": [{"kind": "shallow trees", "setting": "depth 2 × 200", "share": 0.3121}]}
    >>> learned_params(said, "chosen.")
    {'chosen.shallow_trees': 'depth 2 × 200, share 0.31'}
    """
    members = {m["kind"]: f"{m['setting']}, share {m['share']:.2f}" for m in booster.get("members", ())}
    others = {key: str(value) for key, value in booster.items() if key != "members"}
    return {f"{prefix}{_KIND.sub('_', key)}": value for key, value in (members | others).items()}


def panel_params(model: AnyModel) -> dict[str, str]:
    """Return what a run tells of its panel."""
    return {
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


def metric_of(name: str, estimate: Estimate) -> dict[str, float]:
    """Return an estimate as a metric, with its ends."""
    values = {name: estimate.value, f"{name}/lower": estimate.lower, f"{name}/upper": estimate.upper}
    return {key: float(value) for key, value in values.items() if value is not None}


def metric_name(name: str) -> str:
    """Return a name as MLflow takes it for a metric.

    >>> metric_name("auc:lung (adeno)")
    'auc:lung _adeno_'
    """
    return _OTHER.sub("_", name)


def evaluation_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Return the figures of an evaluation beside its estimates, by the names that :mod:`exodx.tracking.record` lists."""
    severities = Counter(str(finding.severity) for finding in evaluation.findings)
    found: dict[str, float | None] = {f"findings/{severity}": severities[severity] for severity in SEVERITIES}
    found |= {f"flow/{_slug(what)}": n for what, n in evaluation.flow.items()}
    found |= {f"qc/{_slug(what)}": n for what, n in evaluation.quality.items()}
    if evaluation.benefit_curve is not None and evaluation.benefit_curve.useful is not None:
        found["benefit_curve/from"], found["benefit_curve/to"] = evaluation.benefit_curve.useful
    if evaluation.explanation_stability is not None:
        found["shap_stability/rank_correlation"] = evaluation.explanation_stability.rank_correlation
        found["shap_stability/top"] = evaluation.explanation_stability.top_stability.value
    if evaluation.panel_curve is not None:
        found["panel_size/minimal"] = evaluation.panel_curve.minimal
    return {name: float(value) for name, value in found.items() if value is not None}


def _slug(what: str) -> str:
    """Return words as MLflow takes them in a metric's name.

    >>> _slug("refused: haemolysis_ct")
    'refused_haemolysis_ct'
    """
    return re.sub(r"[^\w/.-]+", "_", what, flags=re.ASCII).strip("_")


def _panel_size(curve: PanelCurve) -> dict[str, dict[int, float]]:
    values: dict[str, dict[int, float]] = {}
    for entry in curve.sizes:
        stability = {} if entry.stability.value is None else {"panel_size/stability": entry.stability.value}
        for name, value in (metric_of("panel_size/auc", entry.auc) | stability).items():
            values.setdefault(name, {})[entry.size] = value
    return values


def _folds(evaluation: Evaluation) -> tuple[ChildRun, ...]:
    children = []
    for fold in evaluation.folds:
        params = {f"share.{kind}": f"{share:.3f}" for kind, share in fold.shares.items()} | {
            "references": ", ".join(fold.references) or "none"
        }
        metrics = {"threshold": fold.threshold, "n_train": float(fold.n_train), "n_held": float(fold.n_held)}
        metrics |= {} if fold.auc is None else {"auc": fold.auc}
        children.append(ChildRun(f"repeat {fold.repeat + 1}, fold {fold.fold + 1}", params, metrics))
    return tuple(children)


def _sites(evaluation: Evaluation) -> tuple[ChildRun, ...]:
    return tuple(
        ChildRun(
            f"held-out {site.site}",
            {"site": site.site},
            {"n": float(site.n), "n_positive": float(site.n_positive), **metric_of("auc", site.auc)},
            "held-out site",
        )
        for site in evaluation.sites
    )

"""Self-contained pages: all inline, nothing fetched, one small script at most: they show in MLflow's sandboxed frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from exodx.evaluation import Evaluation, gap_lines
from exodx.evaluation.learning_curve import learning_curve_line
from exodx.frozen import DiagnosticModel, Features, Measurements, State
from exodx.frozen.encoding import ND
from exodx.panel import StudyPlan
from exodx.panel.markers import read_markers
from exodx.report.cards import analyte_cards
from exodx.report.cohort_table import SMALL_GROUPS, cohort_rows
from exodx.report.explanations import waterfall_figure
from exodx.report.flow_chart import flow_svg
from exodx.report.members import learned, members_sentence
from exodx.report.methods import limits, methods
from exodx.report.rendering import data_uri, inline_svg, render, script
from exodx.report.sheets.sheet import STATUSES, Sheet
from exodx.report.specimen_parts import Strip, call_scale, measure_again, reasons_list, training_strip
from exodx.report.style import Picture, picture
from exodx.report.threshold_panel import threshold_panel
from exodx.report.words import (
    BLOCKED,
    SHAP_NOTE,
    SIMULATED,
    by_severity,
    feature_label,
    grey_zone,
    headline,
    interval,
    is_simulated,
    number,
    threshold_reason,
    zone_kept,
)
from exodx.scoring import Scores

Floats = NDArray[np.float64]

CAPTIONS = {
    "sites": "Each site held out whole, and their random-effects mean.",
    "roc": "ROC curve with its pointwise 95 % band (bootstrap over subjects).",
    "calibration": "Observed share of positives against probability, in groups, with Wilson intervals.",
    "decision_curve": "Net benefit of the calls at each threshold, with its pointwise 95 % band (bootstrap over subjects).",
    "shap": "SHAP value of every feature for every training specimen, by the final model.",
    "shap_stability": "The same features over the outer folds' models, on specimens that they never saw.",
    "panel_size": "AUC of held-out specimens against the number of analytes, chosen inside the folds; and how stably.",
    "analytes": "The most important features by class, after the assay transform (higher = more).",
    "dependence": "SHAP value against the value of the most important features, each training specimen, by the final model.",
    "examples": "From the base value to the log-odds of four typical specimens, by models that never saw them.",
}
WIDE = ("shap", "shap_stability", "analytes", "sites", "decision_curve", "panel_size", "dependence", "examples")
MANY_POINTS = ("shap", "analytes", "dependence")
"""Shown as PNG: a point for every specimen."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure in the page: drawn by the page itself (``svg``), or a picture (``uri``)."""

    caption: str
    alt: str
    wide: bool
    svg: Markup | None
    uri: str


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One line of a specimen's table."""

    feature: str
    measured: str
    value: str
    shap: str
    band: str
    strip: Strip | None


def study_page(
    evaluation: Evaluation,
    model: DiagnosticModel,
    plan: StudyPlan,
    figures: Mapping[str, Picture],
    model_id: str,
    sheets: Sequence[Sheet] = (),
) -> str:
    """Return the report of a study as one HTML page; no specimen's id or measured value is on it.

    Parameters
    ----------
    evaluation : Evaluation
    model : DiagnosticModel
    plan : StudyPlan
    figures : mapping of str to Picture
        By name, as in :data:`CAPTIONS`; others are not shown.
    model_id : str
    sheets : sequence of Sheet
        The reporting sheets that lie beside the page, to be named with their counts.
    """
    fitted = {f.feature: f.direction for f in evaluation.features}
    rank = {name: place for place, name in enumerate(fitted)}
    blocking = [f for f in evaluation.findings if f.severity == "blocking"]
    described = evaluation.described
    text, script_hash = script("threshold.js")
    return render(
        "study.html",
        title=f"{model.panel.title}: {headline(evaluation)}",
        panel=model.panel,
        references=model.transform.references,
        head=evaluation.headline,
        limits=interval(evaluation.headline.lower, evaluation.headline.upper),
        gaps=gap_lines(evaluation),
        blocked=BLOCKED if blocking else "",
        blocking=blocking,
        simulated=SIMULATED if model.provenance.synthetic or is_simulated(evaluation) else "",
        evaluation=evaluation,
        findings=by_severity(evaluation),
        fitted=fitted,
        markers=read_markers(),
        analytes=sorted(model.panel.analytes, key=lambda a: rank.get(a.name, len(rank))),
        stability=evaluation.explanation_stability,
        threshold=model.threshold,
        threshold_reason=threshold_reason(model.threshold),
        zone_kept=zone_kept(model.threshold),
        grey_zone=grey_zone(model.threshold),
        calibrator=model.calibrator,
        provenance=model.provenance,
        learned=learned(model.provenance.booster),
        members_sentence=members_sentence(evaluation),
        learning_curve=learning_curve_line(evaluation),
        plan={key: value for key, value in asdict(plan).items() if value is not None},
        figures={name: _shown(name, figures[name], evaluation) for name in CAPTIONS if name in figures},
        adjustable=threshold_panel(evaluation, model.threshold),
        steps=evaluation.threshold_steps,
        script=text,
        script_hash=script_hash,
        flow=None if described is None else Markup(flow_svg(described)),
        cohort_rows=() if described is None else cohort_rows(described),
        small_groups=SMALL_GROUPS,
        cards=analyte_cards(evaluation, model),
        methods=methods(evaluation, model, plan),
        limitations=limits(evaluation, model),
        sheets=sheets,
        statuses=STATUSES,
        model_id=model_id,
    )


def _shown(name: str, drawn: Picture, evaluation: Evaluation) -> Shown:
    caption = CAPTIONS[name]
    alt = f"{caption} {headline(evaluation)}." if name == "roc" else caption
    if name in MANY_POINTS:
        return Shown(caption, alt, name in WIDE, None, data_uri(drawn.png))
    return Shown(caption, alt, name in WIDE, inline_svg(drawn.svg, name, alt), "")


def specimen_page(model: DiagnosticModel, scores: Scores, features: Features, measurements: Measurements, row: int) -> str:
    """Return one specimen's page: its model call, what each feature contributed, and where its values lie among the training ones.

    Parameters
    ----------
    model : DiagnosticModel
    scores : Scores
        With an explanation.
    features, measurements
        Of the same specimens; measurements in the panel's order.
    row : int
        The specimen.

    Raises
    ------
    ValueError
        When the scores were not explained.
    """
    prediction, explanation = scores.prediction, scores.explanation
    if explanation is None:
        raise ValueError("the scores have no explanation: score them with Explain.ALL")
    scored = bool(prediction.is_scored[row])
    shap = explanation.values[row]
    order = np.argsort(-np.abs(shap), kind="stable") if scored else np.arange(len(shap))
    markers = read_markers()
    rows = [_feature_row(model, features, measurements, shap, row, int(j)) for j in order]
    reasons = reasons_list(prediction.reasons[row])
    scale = render("scale.svg", scale=call_scale(float(prediction.probability[row]), model.threshold)) if scored else ""
    figure = ""
    if scored:
        told = {j: line.measured for j, line in zip(order.tolist(), rows, strict=True)}
        drawn = waterfall_figure(explanation, features, row, measured=[told[j] for j in range(len(told))])
        figure = inline_svg(
            picture(drawn).svg, "waterfall", "Contribution of each feature to the log-odds; the table below tells the same."
        )
    return render(
        "specimen.html",
        title=f"Specimen {prediction.specimen_ids[row]}",
        panel=model.panel,
        model_id=scores.model_id,
        specimen=prediction.specimen_ids[row],
        call=prediction.call[row].replace("_", " "),
        status=prediction.status[row],
        reasons=reasons,
        again=measure_again(model, measurements, row, reasons),
        scale=Markup(scale),
        probability=number(float(prediction.probability[row])) if scored else "–",
        margin=number(float(prediction.margin[row])) if scored else "–",
        threshold=model.threshold,
        grey_zone=grey_zone(model.threshold),
        simulated=SIMULATED if model.provenance.synthetic else "",
        figure=figure,
        rows=[replace(r, feature=feature_label(markers, r.feature)) for r in rows],
        base=number(explanation.base),
        note=SHAP_NOTE,
    )


def _feature_row(model: DiagnosticModel, features: Features, m: Measurements, shap: Floats, row: int, j: int) -> FeatureRow:
    name, value = features.names[j], float(features.values[row, j])
    measured = " / ".join(_measured(model, m, analyte, row) for analyte in model.transform.analytes_of(name))
    return FeatureRow(
        feature=name,
        measured=measured,
        value="no value" if np.isnan(value) else number(value),
        shap="–" if np.isnan(shap[j]) else number(float(shap[j])),
        band="" if np.isnan(value) or name.endswith(ND) else _band(model, name, value),
        strip=None if name.endswith(ND) else training_strip(model.reference, name, value),
    )


def _measured(model: DiagnosticModel, m: Measurements, analyte: str, row: int) -> str:
    """Say what was measured of an analyte, with its unit."""
    column = m.names.index(analyte)
    state, unit = State(int(m.states[row, column])), next(a.unit for a in model.panel.analytes if a.name == analyte)
    return f"{m.values[row, column]:.4g} {unit}" if state is State.MEASURED else state.name.lower().replace("_", " ")


def _band(model: DiagnosticModel, name: str, value: float) -> str:
    """Say between which training quantiles a value lies."""
    shares, quantiles = model.reference["probabilities"], model.reference["quantiles"][name]
    if quantiles[0] is None:
        return ""
    below = [share for share, q in zip(shares, quantiles, strict=True) if value >= q]
    above = [share for share, q in zip(shares, quantiles, strict=True) if value < q]
    low = f"{100 * below[-1]:g}" if below else "0"
    high = f"{100 * above[0]:g}" if above else "100"
    return f"{low}–{high} % of training"

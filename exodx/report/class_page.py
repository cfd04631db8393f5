"""The pages of several classes: a study, an external evaluation, one specimen. Self-contained, like all pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from exodx.evaluation import ClassEvaluation, gap_lines
from exodx.frozen import MulticlassModel, MulticlassPrediction
from exodx.panel import StudyPlan
from exodx.panel.markers import read_markers
from exodx.report.class_figures import class_roc_figure, class_waterfall, confusion_figure
from exodx.report.members import learned, members_sentence
from exodx.report.rendering import data_uri, render
from exodx.report.style import png
from exodx.report.words import BLOCKED, SIMULATED, by_severity, feature_label, headline, interval, is_simulated, number
from exodx.scoring import Scores, Specimens

SCORE_NOTE = (
    "SHAP values are contributions to a class' score; the softmax of the scores are the probabilities. They are not causes."
)
CAPTIONS = {
    "roc": "ROC curve of each class against the rest, with its pointwise 95 % band (bootstrap over subjects).",
    "confusion": "Calls against classes: specimens (means over repeats), and their share of the class.",
}
TOP = 10


def class_study_page(
    evaluation: ClassEvaluation, model: MulticlassModel, plan: StudyPlan, figures: Mapping[str, bytes], model_id: str
) -> str:
    """Return the report of a study of several classes as one HTML page; no specimen's id or row is on it.

    Parameters
    ----------
    evaluation : ClassEvaluation
    model : MulticlassModel
    plan : StudyPlan
    figures : mapping of str to bytes
        As :func:`~exodx.report.class_figures.class_study_figures` gives them.
    model_id : str
    """
    shap = {f"shap_{k}": f"SHAP values on the score of {name}" for k, name in enumerate(model.classes, start=1)}
    captions = CAPTIONS | shap
    shown = [(name, captions[name], data_uri(figures[name])) for name in captions if name in figures]
    return _page(evaluation, model, model_id, shown, {key: value for key, value in asdict(plan).items() if value is not None})


def class_evaluation_page(evaluation: ClassEvaluation, model: MulticlassModel, model_id: str) -> str:
    """Return an external evaluation of a model of several classes as one HTML page."""
    figures = {"roc": class_roc_figure(evaluation), "confusion": confusion_figure(evaluation)}
    return _page(evaluation, model, model_id, [(name, CAPTIONS[name], data_uri(png(f))) for name, f in figures.items()], {})


def _page(
    evaluation: ClassEvaluation, model: MulticlassModel, model_id: str, figures: list[tuple[str, str, str]], plan: dict[str, Any]
) -> str:
    summary = evaluation.summary
    blocking = [f for f in summary.findings if f.severity == "blocking"]
    return render(
        "classes.html",
        title=f"{model.panel.title}: {headline(summary)}",
        model=model,
        panel=model.panel,
        model_id=model_id,
        evaluation=summary,
        head=summary.headline,
        limits=interval(summary.headline.lower, summary.headline.upper),
        gaps=gap_lines(summary),
        blocked=BLOCKED if blocking else "",
        blocking=blocking,
        simulated=SIMULATED if model.provenance.synthetic or is_simulated(summary) else "",
        findings=by_severity(summary),
        table=evaluation.confusion,
        classes=evaluation.classes,
        sites=[(name, site) for name, sites in zip(evaluation.classes, evaluation.sites, strict=True) for site in sites],
        features=list(zip(evaluation.classes, [each[:TOP] for each in evaluation.features], strict=True)),
        markers=read_markers(),
        figures=figures,
        plan=plan,
        learned=learned(model.provenance.booster),
        members_sentence=members_sentence(summary),
        note=SCORE_NOTE,
    )


def class_specimen_page(model: MulticlassModel, scores: Scores, specimens: Specimens, row: int) -> str:
    """Return one specimen's page: its model call, the probability of each class, and what each feature contributed to each score.

    Parameters
    ----------
    model : MulticlassModel
    scores : Scores
        Of these specimens, with an explanation of each class.
    specimens : Specimens
    row : int
        The specimen.
    """
    prediction = scores.prediction
    if not isinstance(prediction, MulticlassPrediction) or len(scores.by_class) != len(model.classes):
        raise ValueError("the scores are not of this model, or have no explanation: score them with Explain.ALL")
    features, scored = model.features(specimens.measurements), bool(prediction.is_scored[row])
    markers, tables, figure = read_markers(), [], ""
    if scored:
        best = int(prediction.scores[row].argmax())
        figure = data_uri(png(class_waterfall(model.classes[best], scores.by_class[best], features[best], row)))
        for name, explanation, own in zip(model.classes, scores.by_class, features, strict=True):
            order = np.argsort(-np.abs(explanation.values[row]), kind="stable")[:TOP]
            rows = [
                (
                    feature_label(markers, own.names[j]),
                    number(_known(own.values[row, j])),
                    number(float(explanation.values[row, j])),
                )
                for j in order
            ]
            tables.append((name, rows, max(0, len(own.names) - len(order)), number(explanation.base)))
    return render(
        "class_specimen.html",
        title=f"Specimen {prediction.specimen_ids[row]}",
        panel=model.panel,
        model=model,
        model_id=scores.model_id,
        specimen=prediction.specimen_ids[row],
        call=prediction.call[row].replace("_", " ") if not scored else prediction.call[row],
        status=prediction.status[row],
        reasons=prediction.reasons[row],
        probability=number(_known(prediction.probability[row])),
        margin=number(_known(prediction.margin[row])),
        chances=[
            (name, number(_known(p)), number(_known(s)))
            for name, p, s in zip(model.classes, prediction.probabilities[row], prediction.scores[row], strict=True)
        ],
        simulated=SIMULATED if model.provenance.synthetic else "",
        figure=figure,
        tables=tables,
        note=SCORE_NOTE,
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

"""The evaluation of a frozen model on another cohort as one self-contained page."""

from __future__ import annotations

from exodx.evaluation import Evaluation
from exodx.frozen import DiagnosticModel
from exodx.report.decision import benefit_figure
from exodx.report.figures import calibration_figure, roc_figure
from exodx.report.page import CAPTIONS
from exodx.report.rendering import data_uri, render
from exodx.report.style import png
from exodx.report.words import BLOCKED, SIMULATED, by_severity, grey_zone, headline, interval, is_simulated

MOST_FEATURES = 60


def evaluation_page(evaluation: Evaluation, model: DiagnosticModel, model_id: str) -> str:
    """Return an external evaluation as one HTML page; no specimen's id or row is on it.

    Parameters
    ----------
    evaluation : Evaluation
    model : DiagnosticModel
    model_id : str
    """
    shift = evaluation.shift
    apart = [] if shift is None else sorted(shift.features, key=lambda f: (f.p if f.p is not None else 1.0, -(f.psi or 0.0)))
    figures = {"roc": roc_figure(evaluation), "calibration": calibration_figure(evaluation)}
    if evaluation.benefit_curve is not None:
        figures["decision_curve"] = benefit_figure(evaluation.benefit_curve)
    return render(
        "evaluation.html",
        title=f"{model.panel.title}: {headline(evaluation)}",
        panel=model.panel,
        model_id=model_id,
        evaluation=evaluation,
        head=evaluation.headline,
        gaps=(),
        limits=interval(evaluation.headline.lower, evaluation.headline.upper),
        blocked=BLOCKED if (blocking := [f for f in evaluation.findings if f.severity == "blocking"]) else "",
        blocking=blocking,
        findings=by_severity(evaluation),
        simulated=SIMULATED if model.provenance.synthetic or is_simulated(evaluation) else "",
        threshold=model.threshold,
        grey_zone=grey_zone(model.threshold),
        recalibrated=model.provenance.recalibrated,
        parts=[
            *((f"site: {s.site}", s.n, s.n_positive, s.auc) for s in evaluation.sites),
            *((f"{s.column}: {s.group}", s.n, s.n_positive, s.auc) for s in evaluation.subgroups),
        ],
        shift=shift,
        features_shown=apart[:MOST_FEATURES],
        hidden=max(0, len(apart) - MOST_FEATURES),
        figures=[(name, CAPTIONS[name], data_uri(png(figure))) for name, figure in figures.items()],
    )

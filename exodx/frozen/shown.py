"""What a model, its predictions and explanations show of themselves: one line, and a view in a notebook. No specimen's id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from exodx.markup import bars, card, table
from exodx.panel.shown import conditions_text

if TYPE_CHECKING:
    from exodx.frozen.model import DiagnosticModel, Explanation, Prediction, Provenance
    from exodx.frozen.multiclass import MulticlassModel

SIMULATED = "simulated specimens: no number here is evidence of performance"
NOT_CAUSES = "contributions to the log-odds of the model; they are not causes"


def model_line(model: DiagnosticModel) -> str:
    """Return a model in one line."""
    features = _count(len(model.features), "feature")
    return f"DiagnosticModel({model.name!r}: {features}, threshold {model.threshold.id}, {_trained(model.provenance)})"


def class_model_line(model: MulticlassModel) -> str:
    """Return a model of several classes in one line."""
    return f"MulticlassModel({model.name!r}: {', '.join(model.classes)}; {model.threshold_id}, {_trained(model.provenance)})"


def _trained(provenance: Provenance) -> str:
    text = f"trained on {provenance.n_specimens} specimens of {_count(provenance.n_subjects, 'subject')}"
    return f"{text}, simulated" if provenance.synthetic else text


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def model_html(model: DiagnosticModel) -> str:
    """Return what a model is valid for, how it calls, where it comes from, and what it is made of."""
    panel, made, threshold, line = model.panel, model.provenance, model.threshold, model.calibrator
    call = f"positive from probability {threshold.positive_from:.4f}"
    if threshold.zone is not None:
        call += f", indeterminate from {threshold.zone[0]:.4f}"
    facts = (
        ("panel", f"{panel.name}, version {panel.version}: {panel.title}"),
        ("valid for", conditions_text(panel)),
        ("positive means", made.positive_label),
        ("call", f"{call} ({threshold.id})"),
        ("calibration", f"slope {_number(line.slope)}, intercept {_number(line.intercept)}"),
        ("features", _some(model.features)),
        *_origin(made),
    )
    said = made.booster.get("members", [])
    members = [(m["kind"], m["setting"], f"{100 * m['share']:.0f} %", f"{m['inner_log_loss']:.3f}") for m in said]
    return card(f"Model {model.name}", facts, table(("member", "setting", "share", "log loss, inner folds"), members))


def class_model_html(model: MulticlassModel) -> str:
    """Return the same of a model of several classes."""
    facts = (
        ("panel", f"{model.panel.name}, version {model.panel.version}: {model.panel.title}"),
        ("classes", _some(model.classes)),
        ("call", f"the most probable class ({model.threshold_id})"),
        *_origin(model.provenance),
    )
    rows = [(name, len(part.features)) for name, part in zip(model.classes, model.parts, strict=True)]
    return card(f"Model {model.name}", facts, table(("class, against the rest", "features"), rows))


def _origin(made: Provenance) -> list[tuple[str, str]]:
    libraries = ", ".join(f"{name} {version}" for name, version in made.libraries.items())
    return [
        ("made from", f"{made.n_specimens} specimens of {_count(made.n_subjects, 'subject')}, {_positive(made)}seed {made.seed}"),
        ("beware", SIMULATED if made.synthetic else ""),
        ("recalibrated", f"{made.recalibrated}, from {made.parent[:12]}" if made.parent else ""),
        ("made with", f"exodx {made.exodx}, {libraries}"),
    ]


def _positive(made: Provenance) -> str:
    return f"{made.n_positive} positive, " if made.positive_label else ""


def _some(names: Sequence[str], shown: int = 12) -> str:
    return ", ".join(names[:shown]) + (f" … ({len(names)} in all)" if len(names) > shown else "")


def prediction_line(prediction: Prediction) -> str:
    """Return a prediction in one line: how often each call was made."""
    calls = ", ".join(f"{n} {call.replace('_', ' ')}" for call, n in Counter(prediction.call).items())
    return f"{type(prediction).__name__}({_count(len(prediction), 'specimen')}: {calls or 'none'}; {prediction.threshold_id})"


def prediction_html(prediction: Prediction) -> str:
    """Return how often each call was made and each status given, and the range of the probabilities."""
    known = prediction.probability[prediction.is_scored]
    p = f"{known.min():.3f} to {known.max():.3f}, median {np.median(known):.3f}" if known.size else "none"
    counted = Counter(zip(prediction.status, prediction.call, strict=True))
    rows = [(status, call.replace("_", " "), n) for (status, call), n in counted.items()]
    facts = (("specimens", len(prediction)), ("probability", p), ("threshold", prediction.threshold_id))
    return card("Predictions", facts, table(("status", "call", "specimens"), rows))


def explanation_line(explanation: Explanation) -> str:
    """Return an explanation in one line."""
    n, k = explanation.values.shape
    return f"Explanation({_count(n, 'specimen')} × {_count(k, 'feature')}, base {_number(explanation.base)})"


def explanation_html(explanation: Explanation) -> str:
    """Return the features by what they move: of one specimen with their signs, of several the mean of what they move."""
    values = explanation.values[~np.isnan(explanation.values).any(axis=1)]
    facts = [
        ("specimens", f"{len(explanation.values)}, {len(values)} explained"),
        ("base", f"{_number(explanation.base)} log-odds"),
    ]
    if not len(values):
        return card("Explanation", facts)
    single = len(values) == 1
    mean = values[0] if single else np.abs(values).mean(axis=0)
    order = np.argsort(-np.abs(mean), kind="stable")
    rows = [(explanation.features[j], float(mean[j]), _number(mean[j], "+" if single else "")) for j in order]
    if single:
        facts.append(("margin", f"{_number(explanation.base + float(values.sum()))} log-odds"))
    what = f"{'SHAP value' if single else 'mean |SHAP value|'}, log-odds"
    return card("Explanation", [*facts, ("beware", NOT_CAUSES)], bars(rows, what, signed=single))


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3f}".replace("-", "−")

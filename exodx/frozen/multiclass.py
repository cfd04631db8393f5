"""The model of several classes: a binary model for each, one against the rest, calibrated together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.contract import InputContract
from exodx.frozen.measurements import Features, Measurements, is_scored, statuses_and_reasons
from exodx.frozen.model import DiagnosticModel, Explanation, Prediction, Provenance
from exodx.frozen.shown import class_model_html, class_model_line, prediction_line
from exodx.frozen.softmax import SoftmaxCalibrator, log_odds, softmax
from exodx.frozen.threshold import INDETERMINATE
from exodx.frozen.transform import FrozenTransform
from exodx.panel import Panel

Floats = NDArray[np.float64]

LARGEST = "largest"
OF_ONE_CLASS = ("missing_cost", "missing_kind_cost", "missing_calls", "missing_kind_calls", "auc", "calls")
"""What the reference of one class tells of that class's calls alone."""


@dataclass(frozen=True, slots=True)
class ClassLimit:
    """The probability below which no class is called.

    Parameters
    ----------
    value : float
        Of the largest probability.
    target : float
        Share of right calls that it kept, at least, out of fold.
    """

    value: float
    target: float


@dataclass(frozen=True, slots=True)
class MulticlassPrediction(Prediction):
    """A prediction of several classes.

    ``call`` is the class of the largest probability, ``indeterminate`` (where the model has a limit) or ``not_reported``;
    ``probability`` is the largest, ``margin`` its log-odds.

    Parameters
    ----------
    classes : tuple of str, length K
    probabilities : ndarray, shape (n, K)
        NaN rows for specimens that are not reported.
    scores : ndarray, shape (n, K)
        Whose softmax they are; what SHAP values add up to.
    """

    classes: tuple[str, ...]
    probabilities: Floats
    scores: Floats

    def __repr__(self) -> str:
        return prediction_line(self)


@dataclass(frozen=True, slots=True)
class MulticlassModel:
    """Everything needed to score a specimen for several classes, always fitted.

    Parameters
    ----------
    classes : tuple of str, length K
    parts : tuple of DiagnosticModel, length K
        One class against the rest each, on the same panel; their calls are not used.
    softmax : SoftmaxCalibrator
    limit : ClassLimit or None
    provenance : Provenance
        Of the whole: the cohort with all its classes, none of them positive.
    """

    classes: tuple[str, ...]
    parts: tuple[DiagnosticModel, ...]
    softmax: SoftmaxCalibrator
    limit: ClassLimit | None
    provenance: Provenance

    def __post_init__(self) -> None:
        k = len(self.classes)
        if not (k >= 2 and len(set(self.classes)) == k == len(self.parts) == len(self.softmax.intercepts)):
            raise ValueError(f"{k} classes, {len(self.parts)} parts, {len(self.softmax.intercepts)} intercepts")
        if any(part.panel.fingerprint != self.panel.fingerprint for part in self.parts):
            raise ValueError("the parts are not of one panel")

    def __repr__(self) -> str:
        return class_model_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return class_model_html(self)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.parts[0].name

    @property
    def panel(self) -> Panel:
        """The panel of every part."""
        return self.parts[0].panel

    @property
    def transform(self) -> FrozenTransform:
        """The first part's transform: what all have in common of it is the quality gate."""
        return self.parts[0].transform

    @property
    def reference(self) -> dict[str, Any]:
        """What is kept of the training measurements, but for what concerns one class."""
        return {key: value for key, value in self.parts[0].reference.items() if key not in OF_ONE_CLASS}

    @property
    def contract(self) -> InputContract:
        """What the model asks of its input."""
        return InputContract(self.panel, self.reference)

    @property
    def threshold_id(self) -> str:
        """How calls are made: ``largest`` or, with a limit, e.g. ``largest>=0.6120``."""
        return LARGEST if self.limit is None else f"{LARGEST}>={self.limit.value:.4f}"

    def arrange(self, m: Measurements) -> Measurements:
        """Bring measurements into the panel's order; see :meth:`DiagnosticModel.arrange`."""
        return self.parts[0].arrange(m)

    def features(self, m: Measurements) -> tuple[Features, ...]:
        """Return the features of each class, every one with the flags of all: what one class cannot score none reports."""
        arranged = self.arrange(m)
        each = [part.featurise(arranged) for part in self.parts]
        flags = np.bitwise_or.reduce([features.flags for features in each])
        return tuple(replace(features, flags=flags) for features in each)

    def prepared(self, n: int) -> MulticlassModel:
        """Return the model with the way of scoring that suits n specimens in all; see :meth:`DiagnosticModel.prepared`."""
        return replace(self, parts=tuple(part.prepared(n) for part in self.parts))

    def predict(self, m: Measurements, specimen_ids: Sequence[str], threads: int = 1) -> MulticlassPrediction:
        """Score specimens; as :meth:`DiagnosticModel.predict`, with a probability for every class."""
        features = self.features(m)
        raw = [p.forest.margin(f.values, threads) for p, f in zip(self.parts, features, strict=True)]
        return self._predicted(features[0].flags, raw, specimen_ids)

    def predict_explained(
        self, m: Measurements, specimen_ids: Sequence[str], threads: int = 1
    ) -> tuple[MulticlassPrediction, tuple[Explanation, ...]]:
        """Score and explain specimens in one pass: what :meth:`predict` and :meth:`explain` return, to the bit."""
        features = self.features(m)
        both = [p.forest.both(f.values, threads) for p, f in zip(self.parts, features, strict=True)]
        flags = features[0].flags
        return self._predicted(flags, [raw for raw, _ in both], specimen_ids), self._explained(flags, [shap for _, shap in both])

    def _predicted(self, flags: NDArray[np.uint32], raw: Sequence[Floats], specimen_ids: Sequence[str]) -> MulticlassPrediction:
        if len(specimen_ids) != len(flags):
            raise ValueError(f"{len(specimen_ids)} specimen ids for {len(flags)} specimens")
        scored, n = is_scored(flags), len(flags)
        margins = [p.calibrator.margin(margin[scored]) for p, margin in zip(self.parts, raw, strict=True)]
        found = self.softmax.scores(np.column_stack(margins))
        scores, probabilities = (np.full((n, len(self.classes)), np.nan) for _ in range(2))
        margin, probability = np.full(n, np.nan), np.full(n, np.nan)
        calls = np.full(n, "not_reported", dtype=object)
        status, reasons = statuses_and_reasons(flags)
        if scored.any():
            best = found.argmax(axis=1)
            rows = np.arange(len(best))
            scores[scored], probabilities[scored] = found, softmax(found)
            probability[scored], margin[scored] = probabilities[scored][rows, best], log_odds(found)[rows, best]
            calls[scored] = self._calls(best, probability[scored])
        return MulticlassPrediction(
            specimen_ids=tuple(specimen_ids),
            status=status,
            call=tuple(calls),
            reasons=reasons,
            margin=margin,
            probability=probability,
            threshold_id=self.threshold_id,
            classes=self.classes,
            probabilities=probabilities,
            scores=scores,
        )

    def _calls(self, best: NDArray[np.intp], largest: Floats) -> list[str]:
        """Return the call of each largest probability."""
        sure = largest >= (-np.inf if self.limit is None else self.limit.value)
        return [self.classes[k] if ok else INDETERMINATE for k, ok in zip(best, sure, strict=True)]

    def explain(self, m: Measurements, threads: int = 1) -> tuple[Explanation, ...]:
        """Return, for each class, the SHAP values of its features on its score: with its base they sum to the score."""
        features = self.features(m)
        shap = [p.forest.contributions(f.values, threads)[0] for p, f in zip(self.parts, features, strict=True)]
        return self._explained(features[0].flags, shap)

    def _explained(self, flags: NDArray[np.uint32], shap: Sequence[Floats]) -> tuple[Explanation, ...]:
        scored, slope = is_scored(flags), self.softmax.slope
        explanations = []
        for part, own, intercept in zip(self.parts, shap, self.softmax.intercepts, strict=True):
            values = slope * (part.calibrator.slope * own)
            values[~scored] = np.nan
            explanations.append(Explanation(part.features, values, slope * part.base_value + intercept))
        return tuple(explanations)


AnyModel = DiagnosticModel | MulticlassModel
"""What a bundle may hold."""

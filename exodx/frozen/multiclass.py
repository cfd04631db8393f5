"""The model of several classes: a binary model for each, one against the rest, calibrated together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.contract import InputContract
from exodx.frozen.measurements import Features, Measurements, is_scored, of_each, reasons_of, status_of
from exodx.frozen.model import DiagnosticModel, Explanation, Prediction, Provenance
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
        if len(specimen_ids) != len(m):
            raise ValueError(f"{len(specimen_ids)} specimen ids for {len(m)} specimens")
        features = self.features(m)
        flags = features[0].flags
        scored = is_scored(flags)
        margins = [
            p.calibrator.margin(p.forest.margin(f.values[scored], threads)) for p, f in zip(self.parts, features, strict=True)
        ]
        found = self.softmax.scores(np.column_stack(margins))
        scores, probabilities = (np.full((len(m), len(self.classes)), np.nan) for _ in range(2))
        margin, probability = np.full(len(m), np.nan), np.full(len(m), np.nan)
        calls = np.full(len(m), "not_reported", dtype=object)
        if scored.any():
            best = found.argmax(axis=1)
            rows = np.arange(len(best))
            scores[scored], probabilities[scored] = found, softmax(found)
            probability[scored], margin[scored] = probabilities[scored][rows, best], log_odds(found)[rows, best]
            calls[scored] = self._calls(best, probability[scored])
        return MulticlassPrediction(
            specimen_ids=tuple(specimen_ids),
            status=tuple(of_each(flags, status_of)),
            call=tuple(calls),
            reasons=tuple(of_each(flags, reasons_of)),
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
        scored = is_scored(features[0].flags)
        explanations = []
        for part, own, intercept in zip(self.parts, features, self.softmax.intercepts, strict=True):
            slope = self.softmax.slope
            values = np.full(own.values.shape, np.nan)
            shap, _ = part.forest.contributions(own.values[scored], threads)
            values[scored] = slope * (part.calibrator.slope * shap)
            explanations.append(Explanation(part.features, values, slope * part.base_value + intercept))
        return tuple(explanations)


AnyModel = DiagnosticModel | MulticlassModel
"""What a bundle may hold."""

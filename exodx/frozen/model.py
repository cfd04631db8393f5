"""The diagnostic model: panel, transform, forest, calibrator and threshold, always fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.errors import InputRefused, Problem
from exodx.frozen.calibrator import Calibrator, probability
from exodx.frozen.contract import InputContract
from exodx.frozen.domain import flag_domain, products_of
from exodx.frozen.forest import Forest
from exodx.frozen.measurements import Features, Measurements, is_scored, statuses_and_reasons
from exodx.frozen.shown import explanation_html, explanation_line, model_html, model_line, prediction_html, prediction_line
from exodx.frozen.threshold import INDETERMINATE, Threshold
from exodx.frozen.transform import FrozenTransform
from exodx.panel import Panel
from exodx.tables.coded import Coded, Words

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a model comes from: versions, fingerprints and counts; never a specimen's row or id.

    ``parent`` is the hash of the model whose probabilities were refitted to make this one, ``recalibrated`` says how, on the cohort
    with ``recalibration_fingerprint``; empty for a model that was trained. ``holds_at`` is the share of cases that a recalibrated
    model's probabilities hold at, ``learned_share`` the share among the specimens that could be learned from.
    """

    exodx: str
    libraries: dict[str, str]
    panel_fingerprint: str
    plan_fingerprint: str
    cohort_fingerprint: str
    seed: int
    n_specimens: int
    n_subjects: int
    n_positive: int
    synthetic: bool
    positive_label: str
    booster: dict[str, Any] = field(default_factory=dict)
    parent: str = ""
    recalibrated: str = ""
    recalibration_fingerprint: str = ""
    holds_at: float | None = None
    learned_share: float | None = None

    @property
    def share_positive(self) -> float:
        """Share of cases that the probabilities were made for: training's, unless they were recalibrated."""
        known = (self.holds_at, self.learned_share, self.n_positive / self.n_specimens)
        return next(share for share in known if share is not None)


@dataclass(frozen=True, slots=True)
class Prediction:
    """A row for every input row, in order.

    Parameters
    ----------
    specimen_ids : tuple of str, length n
    status, call, reasons : sequence of str, length n
        ``call`` is positive, negative, indeterminate (in the grey zone, where the model has one) or not_reported.
    margin, probability : ndarray, shape (n,)
        Calibrated log-odds and probability; NaN where the call is not reported.
    threshold_id : str
    """

    specimen_ids: tuple[str, ...]
    status: Sequence[str]
    call: Sequence[str]
    reasons: Sequence[str]
    margin: Floats
    probability: Floats
    threshold_id: str

    def __len__(self) -> int:
        return len(self.specimen_ids)

    def __repr__(self) -> str:
        return prediction_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return prediction_html(self)

    @property
    def is_scored(self) -> NDArray[np.bool_]:
        """Say which specimens have a probability, shape (n,)."""
        return np.isfinite(self.margin)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Exact SHAP values on the margin: each row of ``values`` plus ``base`` sums to the specimen's margin.

    Parameters
    ----------
    features : tuple of str, length k
    values : ndarray, shape (n, k)
        NaN rows for specimens that were not scored.
    base : float
    """

    features: tuple[str, ...]
    values: Floats
    base: float

    def __repr__(self) -> str:
        return explanation_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return explanation_html(self)

    def grouped(self, groups: Mapping[str, str]) -> Explanation:
        """Return the contributions of groups of features, each the sum of its members': with the base they sum to the margin too.

        Parameters
        ----------
        groups : mapping of str to str
            Every feature to the name of its group, e.g. :attr:`DiagnosticModel.kinds`.

        Raises
        ------
        KeyError
            When a feature has no group.

        Examples
        --------
        >>> explanation = Explanation(("a", "b", "c"), np.array([[0.5, -0.25, 1.0]]), base=0.1)
        >>> both = explanation.grouped({"a": "mirna", "b": "mirna", "c": "protein"})
        >>> both.features, both.values.tolist()
        (('mirna', 'protein'), [[0.25, 1.0]])
        """
        names = tuple(dict.fromkeys(groups[feature] for feature in self.features))
        members = [[j for j, feature in enumerate(self.features) if groups[feature] == name] for name in names]
        values = np.column_stack([self.values[:, js].sum(axis=1) for js in members])
        return Explanation(names, values, self.base)


@dataclass(frozen=True, slots=True)
class DiagnosticModel:
    """Everything needed to score a specimen, always fitted.

    ``reference`` keeps what a later comparison with new cohorts needs of the training features: quantiles, missing shares, and
    the location and scatter of the features (:mod:`exodx.frozen.domain`) only.
    """

    name: str
    panel: Panel
    transform: FrozenTransform
    forest: Forest
    calibrator: Calibrator
    threshold: Threshold
    reference: dict[str, Any]
    provenance: Provenance

    def __repr__(self) -> str:
        return model_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return model_html(self)

    @property
    def contract(self) -> InputContract:
        """What the model asks of its input."""
        return InputContract(self.panel, self.reference)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in the forest's order."""
        return self.transform.names

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of molecule that each feature comes from (``mirna``, ``protein`` …); two for a ratio of two kinds."""
        kind = {a.name: a.kind for a in self.panel.analytes}
        return {f: " and ".join(dict.fromkeys(kind[name] for name in self.transform.analytes_of(f))) for f in self.features}

    def arrange(self, m: Measurements) -> Measurements:
        """Bring measurements into the panel's order.

        Raises
        ------
        InputRefused
            When analytes of the panel are missing.
        """
        absent = [name for name in self.panel.names if name not in m.names]
        if absent:
            fix = "Give a column for each, with NaN and state NOT_RUN where it was not run."
            raise InputRefused(Problem("ANALYTE_MISSING", "measurements", f"no column for {', '.join(absent)}", fix))
        if m.names == self.panel.names:
            return m
        order = [m.names.index(name) for name in self.panel.names]
        return Measurements(self.panel.names, m.values[:, order], m.states[:, order], m.flags)

    def featurise(self, m: Measurements) -> Features:
        """Return the features, flagged by the transform and by where they lie beside the training specimens'."""
        m = self.arrange(m)
        kernel = self.forest.kernel
        return flag_domain(self.reference, self.transform.apply(m), m, None if kernel is None else kernel.place)

    def prepared(self, n: int) -> DiagnosticModel:
        """Return the model with the way of scoring that suits n specimens in all, for whoever scores them in pieces."""
        return replace(self, forest=self.forest.prepared(n, products_of(self.reference)))

    def predict(self, m: Measurements, specimen_ids: Sequence[str], threads: int = 1) -> Prediction:
        """Score specimens.

        Parameters
        ----------
        m : Measurements, n specimens
            Raw, in the panel's units; columns in any order.
        specimen_ids : sequence of str, length n
        threads : int
            Changes the time only.
        """
        return self._scored(m, specimen_ids, threads, explained=False)[0]

    def predict_explained(self, m: Measurements, specimen_ids: Sequence[str], threads: int = 1) -> tuple[Prediction, Explanation]:
        """Score and explain specimens in one pass: what :meth:`predict` and :meth:`explain` return, to the bit."""
        return self._scored(m, specimen_ids, threads, explained=True)

    def _scored(
        self, m: Measurements, specimen_ids: Sequence[str], threads: int, *, explained: bool
    ) -> tuple[Prediction, Explanation]:
        """Score specimens; the explanation holds no values unless it is asked for."""
        if len(specimen_ids) != len(m):
            raise ValueError(f"{len(specimen_ids)} specimen ids for {len(m)} specimens")
        features = self.featurise(m)
        scored = is_scored(features.flags)
        if explained:
            raw, shap = self.forest.both(features.values, threads)
        else:
            raw, shap = self.forest.margin(features.values, threads), np.zeros((0, len(self.features)))
        return self._predicted(features.flags, scored, raw, specimen_ids), self._explained(scored, shap)

    def _predicted(
        self, flags: NDArray[np.uint32], scored: NDArray[np.bool_], raw: Floats, specimen_ids: Sequence[str]
    ) -> Prediction:
        """Turn raw margins into probabilities and calls; those of specimens that are not scored are not looked at."""
        margin = np.where(scored, self.calibrator.margin(raw), np.nan)
        p = probability(margin)
        status, reasons = statuses_and_reasons(flags)
        made = self.threshold.calls(p)
        calls = Coded(Words([*made.words, "not_reported"], differ=True), np.where(scored, made.codes, np.int32(len(made.words))))
        return Prediction(
            specimen_ids=tuple(specimen_ids),
            status=status,
            call=calls,
            reasons=self._reasons(reasons, calls),
            margin=margin,
            probability=p,
            threshold_id=self.threshold.id,
        )

    def _explained(self, scored: NDArray[np.bool_], shap: Floats) -> Explanation:
        shap *= self.calibrator.slope
        if len(shap) and not scored.all():
            shap[~scored] = np.nan
        return Explanation(self.features, shap, self.base_value)

    def _reasons(self, reasons: Coded, calls: Coded) -> Coded:
        """Add to the reasons why no call was made in the grey zone, where the model says why."""
        because = self.threshold.indeterminate_because
        if not because:
            return reasons
        pairs = zip(reasons, calls, strict=True)
        return Coded.of(["; ".join(filter(None, (r, f"INDETERMINATE: {because}" if c == INDETERMINATE else ""))) for r, c in pairs])

    def explain(self, m: Measurements, threads: int = 1) -> Explanation:
        """Return the SHAP values of each feature on the calibrated margin (the calibrator's slope scales them)."""
        features = self.featurise(m)
        shap, _ = self.forest.contributions(features.values, threads)
        return self._explained(is_scored(features.flags), shap)

    @property
    def base_value(self) -> float:
        """The margin that SHAP values start from."""
        return float(self.calibrator.slope * self.forest.base + self.calibrator.intercept)

    def decision(self) -> Mapping[str, Any]:
        """Return calibrator and threshold as plain JSON types."""
        return {"calibrator": asdict(self.calibrator), "threshold": asdict(self.threshold)}

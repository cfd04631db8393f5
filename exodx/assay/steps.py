"""The learning side of each frozen step: ``fit`` finds the numbers, ``transform`` is the frozen step's own ``apply``."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from exodx.frozen import FeatureEncoding, Log2Scale, Measurements, ReferenceNormalisation
from exodx.frozen.measurements import is_censored, is_measured
from exodx.frozen.transform import library_size
from exodx.panel import Panel, Scale

PRIOR_COUNT = 2.0
"""Reads added to every count in a library of the training cohort's mean size, as in edgeR (10.1093/bioinformatics/btp616)."""

CPM_PRIOR = 0.5
"""Added to values that came as counts per million."""

MIN_ND_SHARE = 0.05
"""An indicator is made for an analyte that was looked for and not found in at least this share of training specimens."""


class _Step(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A step whose fitted ``state_`` is a frozen step."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel

    def transform(self, X: Measurements) -> Any:
        """Apply the frozen state."""
        check_is_fitted(self, "state_")
        return self.state_.apply(X)


class LearnLog2Scale(_Step):
    """Learn the frozen prior of counts; scales, limits and the Ct cut-off are the panel's."""

    def fit(self, X: Measurements, y: object = None) -> Self:  # noqa: ARG002
        """Find the prior from the training specimens' mean library."""
        counts = [a.name for a in self.panel.analytes if a.scale is Scale.COUNTS]
        library = library_size(X, counts)
        mean = float(library.mean()) if counts else 0.0
        self.state_ = Log2Scale(
            scales={a.name: str(a.scale) for a in self.panel.analytes},
            lods={a.name: a.lod for a in self.panel.analytes if a.lod is not None},
            ct_cutoff=self.panel.ct_cutoff,
            prior_cpm=1e6 * PRIOR_COUNT / mean if mean > 0 else CPM_PRIOR,
            given_cpm_prior=CPM_PRIOR,
        )
        return self


class LearnReferences(_Step):
    """Learn the mean level of each reference analyte, which stands in where one is missing."""

    def fit(self, X: Measurements, y: object = None) -> Self:  # noqa: ARG002
        """Find the reference means from the training specimens' log2 quantities."""
        targets = self.panel.with_role("target")
        normalise = self.panel.normalisation == "references"
        means = {}
        for reference in self.panel.with_role("reference") if normalise else ():
            values, states = X.column(reference.name)
            seen = is_measured(states)
            if seen.any():
                means[reference.name] = float(values[seen].mean())
        self.state_ = ReferenceNormalisation(
            targets=tuple(a.name for a in targets if a.scale is Scale.CT) if means else (),
            features=tuple(a.name for a in targets),
            reference_means=means,
        )
        return self


class LearnEncoding(_Step):
    """Learn which analytes give a feature, and which also an indicator of not being detected."""

    def fit(self, X: Measurements, y: object = None) -> Self:  # noqa: ARG002
        """Keep analytes with a number in some specimen; indicators where detection itself varies."""
        analytes, indicators = [], []
        for name in X.names:
            _, states = X.column(name)
            censored, measured = is_censored(states), is_measured(states)
            if measured.any():
                analytes.append(name)
            if measured.any() and censored.mean() >= MIN_ND_SHARE:
                indicators.append(name)
        self.state_ = FeatureEncoding(tuple(analytes), tuple(indicators), self.panel.censored)
        return self

    def transform(self, X: Measurements) -> NDArray[np.float64]:
        """Return the feature matrix, shape (n, k)."""
        check_is_fitted(self, "state_")
        values: NDArray[np.float64] = self.state_.apply(X).values
        return values

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the features."""
        check_is_fitted(self, "state_")
        return np.array(self.state_.names, dtype=object)

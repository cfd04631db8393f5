"""The learning side of normalisation: calibrators, references, loadings, distributions, pairs.

``fit`` finds the numbers from training specimens; ``transform`` is the frozen step's own ``apply``.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from exodx.assay.ratios import ratio_pairs
from exodx.assay.stability import choose_references
from exodx.assay.steps import Labels, Learner
from exodx.errors import InputRefused, Problem
from exodx.frozen import InterplateCorrection, LogRatios, Measurements, QuantileNormalisation, ReferenceNormalisation
from exodx.frozen.measurements import is_measured
from exodx.libraries.quantiles import quantile_target
from exodx.panel import Panel, Scale
from exodx.panel.names.families import families_of
from exodx.panel.panel import LOADINGS

ALWAYS = 0.95
"""An analyte measured in this share of the training specimens is always expressed."""

MIN_ALWAYS = 20
"""Always expressed analytes that a global mean needs."""

MOST = 0.8
"""With a smaller share of the analytes of a global mean a specimen is warned of, with less than half it is not scored."""


class LearnInterplate(Learner):
    """Learn the grand mean of the inter-plate calibrators."""

    def fit(self, X: Measurements, y: Labels = None) -> Self:  # noqa: ARG002
        """Find the mean Ct of each calibrator."""
        every = tuple(a.name for a in self.panel.analytes if a.scale is Scale.CT and a.role != "interplate")
        calibrators = self.panel.with_role("interplate")
        means = _means(X, [a.name for a in calibrators])
        self.state_ = InterplateCorrection(means, {a.name: a.corrects or every for a in calibrators if a.name in means})
        return self


class LearnReferences(Learner):
    """Learn what is subtracted from the Ct targets, and its mean levels."""

    def fit(self, X: Measurements, y: Labels = None) -> Self:
        """Find the references; NormFinder alone looks at the labels, for what differs between the classes is no reference."""
        targets = tuple(a.name for a in self.panel.with_role("target") if a.scale is Scale.CT)
        names, share = self._names(X, y), {"global_mean": (0.5, MOST)}.get(self.panel.normalisation, (0.0, 1.0))
        means = _means(X, names)
        self.state_ = ReferenceNormalisation(targets, means, needed=share[0], wanted=share[1])
        return self

    def _names(self, X: Measurements, y: Labels) -> list[str]:
        method, declared = self.panel.normalisation, [a.name for a in self.panel.with_role("reference")]
        if method == "references":
            return declared
        if method == "spike_in":
            return [a.name for a in self.panel.with_role("spike_in") if a.scale is Scale.CT]
        if method == "global_mean":
            return self._always(X)
        if method in ("genorm", "normfinder"):
            values = np.column_stack([np.where(is_measured(s), v, np.nan) for v, s in (X.column(n) for n in declared)])
            groups = y if method == "normfinder" else None
            return list(choose_references(values, declared, method, families_of(declared), groups))
        return []

    def _always(self, X: Measurements) -> list[str]:
        candidates = [a.name for a in self.panel.analytes if a.scale is Scale.CT and a.role in ("target", "reference")]
        always = [name for name in candidates if is_measured(X.column(name)[1]).mean() >= ALWAYS]
        if len(always) < MIN_ALWAYS:
            found = (
                f"{len(always)} analytes are measured in {ALWAYS:.0%} of the training specimens; a global mean needs {MIN_ALWAYS}"
            )
            raise InputRefused(Problem("GLOBAL_MEAN_SMALL", "training specimens", found, "Name references, or use log_ratios."))
        return always


class LearnLoading(Learner):
    """Learn the mean level of what amounts are divided by: particles, EV protein, tetraspanins."""

    def fit(self, X: Measurements, y: Labels = None) -> Self:  # noqa: ARG002
        """Find the means of the loading analytes' log2 quantities."""
        loading = self.panel.with_role(LOADINGS[self.panel.amount_normalisation])
        targets = tuple(a.name for a in self.panel.with_role("target") if a.scale is Scale.LINEAR)
        self.state_ = ReferenceNormalisation(targets, _means(X, [a.name for a in loading]))
        return self


class LearnQuantiles(Learner):
    """Learn the distribution that every specimen is given."""

    def fit(self, X: Measurements, y: Labels = None) -> Self:  # noqa: ARG002
        """Find the mean quantiles of the training specimens over targets and references."""
        roles = {a.name: a.role for a in self.panel.analytes}
        names = tuple(name for name in X.names if roles[name] in ("target", "reference"))
        values = np.column_stack([np.where(is_measured(s), v, np.nan) for v, s in (X.column(name) for name in names)])
        self.state_ = QuantileNormalisation(names, tuple(quantile_target(values).tolist()))
        return self


class LearnRatios(Learner):
    """Learn which analytes are there to be paired."""

    def fit(self, X: Measurements, y: Labels = None) -> Self:  # noqa: ARG002
        """Pair the analytes."""
        self.state_ = LogRatios(ratio_pairs(self.panel, X.names))
        return self


def normalisers(panel: Panel) -> list[tuple[str, Learner]]:
    """Return the steps between scale and encoding that a panel asks for."""
    steps: list[tuple[str, Learner]] = []
    if panel.amount_normalisation != "none":
        steps.append(("loading", LearnLoading(panel)))
    if panel.normalisation == "quantile":
        steps.append(("quantiles", LearnQuantiles(panel)))
    elif panel.normalisation == "log_ratios":
        steps.append(("ratios", LearnRatios(panel)))
    elif panel.normalisation != "none":
        steps.append(("references", LearnReferences(panel)))
    return steps


def _means(X: Measurements, names: list[str]) -> dict[str, float]:
    """Return the mean of each analyte over the specimens in which it was measured; analytes without any are left out."""
    means = {}
    for name in names:
        values, states = X.column(name)
        if (seen := is_measured(states)).any():
            means[name] = float(values[seen].mean())
    return means

"""The learning side of scale and encoding: ``fit`` finds the numbers, ``transform`` is the frozen step's own ``apply``."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from exodx.assay.ratios import ratio_pairs
from exodx.frozen import FeatureEncoding, LibraryScaling, Log2Scale, Measurements
from exodx.frozen.encoding import ND
from exodx.frozen.measurements import is_censored, is_measured
from exodx.frozen.normalisation import ratio_name
from exodx.frozen.scale import count_matrix
from exodx.libraries.registry import METHODS
from exodx.libraries.sizes import library_sizes
from exodx.panel import Panel, Scale
from exodx.stats import fit_censored_normal

PRIOR_COUNT = 2.0
"""Reads added to every count in a library of the training cohort's mean size, as in edgeR (10.1093/bioinformatics/btp616)."""

CPM_PRIOR = 0.5
"""Added to values that came as counts per million."""

MIN_ND_SHARE = 0.05
"""What at least this share of training specimens shows can be learned: not being detected (it gets an indicator), not being run.

What fewer show cannot: there the analyte's limit, or its median, stands in.
"""

FEW = 0.1
"""Without a reference standard, the share of specimens in which an analyte's counts must exceed the panel's ``min_cpm``."""

FITTABLE = 10
"""Measured specimens that a distribution of a censored analyte is fitted to; with fewer its cells keep their limit."""

Labels = NDArray[np.int8] | None


class Learner(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A step whose fitted ``state_`` is a frozen step."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel

    def transform(self, X: Measurements) -> Any:
        """Apply the frozen state."""
        check_is_fitted(self, "state_")
        return self.state_.apply(X)


class LearnLog2Scale(Learner):
    """Learn how libraries compare, which counts are expressed, and what a censored cell is worth; limits are the panel's."""

    def fit(self, X: Measurements, y: Labels = None) -> Self:
        """Find the numbers from the training specimens; of the labels only the size of the smaller class is used."""
        counted = [a.name for a in self.panel.analytes if a.scale is Scale.COUNTS]
        counts = count_matrix(X, counted)
        reads = library_sizes(counts)
        mean = float(reads.mean()) if counted else 0.0
        plain = Log2Scale(
            scales={a.name: str(a.scale) for a in self.panel.analytes},
            lods={a.name: a.lod for a in self.panel.analytes if a.lod is not None},
            ct_cutoff=self.panel.ct_cutoff,
            prior_cpm=1e6 * PRIOR_COUNT / mean if mean > 0 else CPM_PRIOR,
            given_cpm_prior=CPM_PRIOR,
            efficiencies={a.name: a.efficiency for a in self.panel.analytes if a.scale is Scale.CT and a.efficiency != 2.0},
            library=_library(self.panel.count_normalisation, counts[reads > 0], counted, mean) if mean > 0 else LibraryScaling(),
            unexpressed=self._unexpressed(counted, counts, reads, y),
        )
        below = self._below(plain.apply(X)) if self.panel.censored == "conditional_mean" else {}
        self.state_ = Log2Scale(**{name: getattr(plain, name) for name in plain.__slots__} | {"below": below})
        return self

    def _unexpressed(self, names: list[str], counts: NDArray[np.float64], reads: NDArray[np.float64], y: Labels) -> tuple[str, ...]:
        """Name the counted targets that exceed the panel's CPM in fewer specimens than the smaller class has."""
        if not names or self.panel.min_cpm == 0:
            return ()
        needed = FEW * len(counts) if y is None else float(np.bincount(y, minlength=2).min())
        with np.errstate(invalid="ignore"):
            expressed = (1e6 * counts > self.panel.min_cpm * reads[:, None]).sum(axis=0) >= needed
        return tuple(name for name, seen in zip(names, expressed, strict=True) if not seen)

    def _below(self, scaled: Measurements) -> dict[str, float]:
        """Return what a normal distribution of the log2 quantity expects of a censored cell, for analytes that tell."""
        below = {}
        for analyte in self.panel.analytes:
            if analyte.scale not in (Scale.CT, Scale.LINEAR) or analyte.name not in scaled.names:
                continue
            values, states = scaled.column(analyte.name)
            measured, lost = is_measured(states), is_censored(states) & np.isfinite(values)
            if lost.any() and measured.sum() >= FITTABLE and np.ptp(values[measured]) > 0:
                under = np.log2(analyte.efficiency) if analyte.scale is Scale.CT else 0.5
                limits = np.where(lost, values + under, values)  # a censored cell stands one cycle, or √2, below its limit
                fitted = fit_censored_normal(limits[measured | lost], lost[measured | lost], limits[measured | lost])
                below[analyte.name] = float(np.mean([fitted.below(limit) for limit in limits[lost]]))
        return below


def _library(method: str, counts: NDArray[np.float64], names: list[str], mean: float) -> LibraryScaling:
    stored = METHODS[method].learn(counts)
    return LibraryScaling(method, dict(zip(names, stored.tolist(), strict=True)), mean) if stored.size else LibraryScaling(method)


class LearnEncoding(Learner):
    """Learn which analytes (or ratios) give a feature, and which analytes also an indicator of not being detected."""

    def fit(self, X: Measurements, y: Labels = None) -> Self:  # noqa: ARG002
        """Keep what was detected often enough; indicators where detection itself varies."""
        targets = [a.name for a in self.panel.with_role("target") if a.name in X.names]
        pairs = ratio_pairs(self.panel, X.names)
        ratios, paired = [ratio_name(pair) for pair in pairs], {name for pair in pairs for name in pair}
        shares = {name: _shares(X, name) for name in (*targets, *ratios)}
        numbers = [*(t for t in targets if t not in paired), *ratios]
        analytes = [n for n in numbers if shares[n][0] > 0 and shares[n][0] >= self.panel.min_detection * sum(shares[n])]
        indicators = [t for t in targets if shares[t][0] > 0 and shares[t][1] >= MIN_ND_SHARE]
        whole = [name for name in (*analytes, *indicators) if 1 - sum(shares[name]) < MIN_ND_SHARE]
        self.state_ = FeatureEncoding(
            tuple(analytes),
            tuple(indicators),
            self.panel.censored,
            at_limit=tuple(name for name in analytes if shares[name][1] < MIN_ND_SHARE),
            fills={name: float(np.median(_measured(X, name))) for name in analytes if name in whole}
            | {f"{name}{ND}": float(shares[name][1] > shares[name][0]) for name in indicators if name in whole},
        )
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


def _measured(X: Measurements, name: str) -> NDArray[np.float64]:
    values, states = X.column(name)
    return values[is_measured(states)]


def _shares(X: Measurements, name: str) -> tuple[float, float]:
    """Return the shares of specimens in which an analyte was measured, and in which it was looked for and not found."""
    _, states = X.column(name)
    return float(is_measured(states).mean()), float(is_censored(states).mean())
